"""The gateway about itself."""

import pytest

from schema.health import CircuitState, PlaneHealth
from schema.plane import Plane
from schema.scalars import DateTime
from tests.fakes import NOW, a_context, answer


@pytest.mark.anyio
async def test_the_gateway_tells_how_the_planes_are_doing() -> None:
    """As whoever built the context says."""
    planes = [
        PlaneHealth(plane=Plane.MANAGEMENT, configured=False, circuit=CircuitState.CLOSED, last_ok_at=None),
        PlaneHealth(plane=Plane.SERVICE, configured=True, circuit=CircuitState.HALF_OPEN, last_ok_at=DateTime(NOW)),
    ]
    context = a_context(planes=lambda: planes)
    data = await answer("{ gateway { version readOnly planes { plane configured circuit lastOkAt } } }", context)
    assert data["gateway"] == {
        "version": "1.2.3",
        "readOnly": True,
        "planes": [
            {"plane": "MANAGEMENT", "configured": False, "circuit": "CLOSED", "lastOkAt": None},
            {"plane": "SERVICE", "configured": True, "circuit": "HALF_OPEN", "lastOkAt": "2026-03-04T10:20:30Z"},
        ],
    }


@pytest.mark.anyio
async def test_the_planes_are_looked_at_only_when_selected() -> None:
    """The version alone needs nothing."""
    asked: list[str] = []

    def planes() -> list[PlaneHealth]:
        asked.append("planes")
        return []

    context = a_context(planes=planes, project_id=None)
    assert await answer("{ gateway { version } }", context) == {"gateway": {"version": "1.2.3"}}
    assert asked == []
    assert await answer("{ gateway { planes { plane } } }", context) == {"gateway": {"planes": []}}
    assert asked == ["planes"]


def test_a_circuit_has_three_states() -> None:
    """Closed, trying, open."""
    assert [state.name for state in CircuitState] == ["CLOSED", "HALF_OPEN", "OPEN"]
