"""An event loop whose time passes when nothing is left to do, and the gateway's clock on it: hours cost nothing."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from gateway.runtime import Clock

T = TypeVar("T")

BEGAN = datetime(2026, 3, 5, 2, 0, 0, tzinfo=UTC)
# Whoever waits longer than this for a thread waits for nothing.
_REAL_SECONDS = 5.0


class FakeTimeLoop(asyncio.SelectorEventLoop):
    """Sleeps and time limits end at once, in their order, as soon as every task waits; threads take real time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.threads = 0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self.seconds

    def run_in_executor(  # type: ignore[override]  # declared with a future by its result, and a tuple of arguments
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self.threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    def _thread_ended(self, _: asyncio.Future[Any]) -> None:
        self.threads -= 1


class _Selector(selectors.DefaultSelector):
    """Asks the system without waiting, and moves the loop's time by what it would have waited."""

    def __init__(self, loop: FakeTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None or self._loop.threads:
            ready = super().select(_REAL_SECONDS)
            if not ready:
                raise RuntimeError("Every task waits, and nothing will ever happen.")
            return ready
        self._loop.seconds += timeout
        return []


def fake_time_loop() -> FakeTimeLoop:
    """Return the loop that runs this test, which takes `FAKE_TIME` as its backend."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, FakeTimeLoop)
    return loop


def now() -> datetime:
    """Return the time of day on the running loop."""
    return BEGAN + timedelta(seconds=fake_time_loop().seconds)


def pass_time(seconds: float) -> None:
    """Let time pass without anybody waiting for it."""
    fake_time_loop().seconds += seconds


def fake_clock() -> Clock:
    """Return the gateway's clock on the running loop."""
    return Clock(now=now, monotonic=fake_time_loop().time, sleep=asyncio.sleep)


# What the fixture `anyio_backend` returns in modules whose tests need no real time.
FAKE_TIME = ("asyncio", {"loop_factory": FakeTimeLoop})
