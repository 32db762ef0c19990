"""The two planes, as a word of the contract."""

import pytest

from schema.plane import Plane
from tests.fakes import FakeJobs, a_context, a_page, a_report, answer


def test_there_are_two_planes() -> None:
    """The task center and the engines."""
    assert [plane.name for plane in Plane] == ["MANAGEMENT", "SERVICE"]


@pytest.mark.anyio
async def test_a_plane_is_written_by_its_name() -> None:
    """Each of them."""
    page = a_page(planes=[a_report(plane) for plane in Plane])
    data = await answer("{ jobs { planes { plane } } }", a_context(FakeJobs(listed=page)))
    assert data["jobs"]["planes"] == [{"plane": "MANAGEMENT"}, {"plane": "SERVICE"}]
