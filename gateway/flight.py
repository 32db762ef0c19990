"""The single-flight: equal reads under way at once become one upstream call. Knows nothing of jobs or caching."""

from __future__ import annotations

import asyncio
import contextvars
import copy
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class FlightCancelledError(Exception):
    """The shared call was cancelled from elsewhere, as when the gateway closes; those waiting for it were not."""


@dataclass(slots=True)
class _Flight:
    task: asyncio.Task[Any]
    waiters: int = 0


class Flights:
    """
    The calls under way, by key. Whoever opens this closes it.

    A key must name the caller where answers may differ by caller, and calls with one key must give one type.
    """

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _Flight] = {}
        # Every task until it has ended, left flights included: the event loop alone would not keep them alive.
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False
        # How many found a call under way, since the start.
        self.joined = 0

    def __len__(self) -> int:
        return len(self._under_way)

    async def join(self, key: Hashable, start: Callable[[], Awaitable[T]], timeout_seconds: float | None = None) -> T:
        """
        Return what the call under way for `key` gives, or what `start` gives when there is none.

        Raises TimeoutError when that does not come in time, for this waiter alone.

        Cancelling one waiter leaves the others alone; when the last one is gone, the call is cancelled. An error
        reaches every waiter, each as an object of its own, and is then forgotten. The call runs in an empty context,
        so nothing that belongs to the first caller is seen by it.
        """
        if self._closed:
            raise FlightCancelledError("No more calls are started: the gateway closes.")
        flight = self._under_way.get(key)
        if flight is None or flight.task.done():
            flight = self._under_way[key] = _Flight(self._launch(key, start))
        else:
            self.joined += 1
        flight.waiters += 1
        try:
            # Unlike awaiting the task, this does not cancel it together with the waiter.
            await asyncio.wait((flight.task,), timeout=timeout_seconds)
            if not flight.task.done():
                raise TimeoutError
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._forget(key, flight.task)
                flight.task.cancel()
        task: asyncio.Task[T] = flight.task
        if task.cancelled():
            raise FlightCancelledError("The call was cancelled before it gave an answer.")
        failure = task.exception()
        if failure is not None:
            raise _own(failure)
        return task.result()

    async def close(self) -> None:
        """Cancel every call and wait until all have ended; from now on none is started."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _launch(self, key: Hashable, start: Callable[[], Awaitable[T]]) -> asyncio.Task[T]:
        loop = asyncio.get_running_loop()
        task = loop.create_task(_run(start), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(partial(self._landed, key))
        return task

    def _landed(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self._forget(key, task)
        if not task.cancelled():
            # Retrieved, or an error that comes after the last waiter has left would be reported as lost.
            task.exception()

    def _forget(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        # Another flight may have begun under this key since.
        flight = self._under_way.get(key)
        if flight is not None and flight.task is task:
            del self._under_way[key]


async def _run(start: Callable[[], Awaitable[T]]) -> T:
    return await start()


def _own(failure: BaseException) -> BaseException:
    """Return an error for one waiter to raise: raising adds frames to it, and one object would carry everybody's."""
    try:
        twin = copy.copy(failure)
    except Exception:
        twin = failure
    # A class that builds its text from other arguments is not copied faithfully by the copying protocol.
    if twin is failure or type(twin) is not type(failure) or twin.args != failure.args:
        return failure.with_traceback(None)
    twin.__cause__, twin.__context__ = failure.__cause__, failure.__context__
    twin.__suppress_context__ = failure.__suppress_context__
    return twin.with_traceback(failure.__traceback__)
