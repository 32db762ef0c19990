"""A sandbox in this process whose clock the test moves, and a client that may read everything."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.applications import Starlette

from gateway.demo.simulator import create_sandbox

_BEGAN = datetime(2026, 3, 5, 2, 0, 0, tzinfo=UTC)


@pytest.fixture
def now() -> list[datetime]:
    """The time it is; tests move it with `advance`."""
    return [_BEGAN]


@pytest.fixture
def advance(now: list[datetime]) -> Callable[[float], None]:
    """Move the sandbox's clock."""

    def move(seconds: float) -> None:
        now[0] += timedelta(seconds=seconds)

    return move


@pytest.fixture
def slept() -> list[float]:
    """The seconds that the sandbox would have slept."""
    return []


@pytest.fixture
def sandbox(now: list[datetime], slept: list[float]) -> Starlette:
    """A sandbox that sleeps without taking time."""

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    return create_sandbox(clock=lambda: now[0], sleep=sleep)


@pytest.fixture
def ges(sandbox: Starlette) -> httpx.AsyncClient:
    """A client of both planes."""
    headers = {"X-Auth-Token": "sandbox-token-all"}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(sandbox), base_url="http://192.168.10.21:8090", headers=headers
    )
