"""
The guard before the client of one plane: bounds the calls under way to one address, and repeats what is worth it.

Knows addresses, times and how exchanges end; not what is read. Every address has its own bounds, so a graph that
hangs holds up nobody but those who ask for it.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count

from gateway.planes.breaker import BreakerState
from gateway.planes.client import OUT_OF_SERVICE_STATUSES, PlaneClient
from gateway.planes.intake import Sink
from gateway.planes.outcomes import Outcome, UpstreamCall
from gateway.planes.read import Body, Read
from schema.errors import PlaneUnavailableError, UpstreamError
from schema.plane import Plane

# Graphs come and go, and so do their addresses; the least recently used is forgotten.
MAX_ORIGINS = 1024
# GES throttles with 429; the others say that whoever stands before it cannot reach it.
_REPEATED_STATUSES = OUT_OF_SERVICE_STATUSES | {429}
# Repeats may add a fifth to the calls, and a few at once after a quiet time.
_BUDGET_RATIO = 0.2
_BUDGET_MOST = 5.0
_CROWDED_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """
    How many calls to one address may be under way, how long one may wait for its turn, and how often it is made.

    Bodies that are passed on while they arrive last as long as their readers like, so they have a bound of their own.
    """

    calls: int = 32
    streams: int = 16
    queue_seconds: float = 2.0
    attempts: int = 3
    pause_seconds: float = 0.1
    longest_pause_seconds: float = 2.0


@dataclass(slots=True)
class _Lane:
    """What is under way to one address, and how many repeats it may still cost."""

    calls: asyncio.Semaphore
    streams: asyncio.Semaphore
    budget: float = field(default=_BUDGET_MOST)

    def deposit(self) -> None:
        self.budget = min(_BUDGET_MOST, self.budget + _BUDGET_RATIO)

    def withdraw(self) -> bool:
        if self.budget < 1:
            return False
        self.budget -= 1
        return True


class Guard:
    """
    Sends reads through the client of one plane, within bounds, more than once where that is safe and may help.

    Repeated are only reads of which nothing has arrived: the connection failed, or GES said 429, 502, 503 or 504. The
    pause is a random part of a growing span, never shorter than `Retry-After`, never past the time allowed.
    """

    def __init__(
        self,
        client: PlaneClient,
        limits: GuardLimits,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        observe: Callable[[UpstreamCall], None] = lambda call: None,
        within: Callable[[float, float], float] = random.uniform,
        max_origins: int = MAX_ORIGINS,
    ) -> None:
        self.breakers = client.breakers
        self._client = client
        self._limits = limits
        self._monotonic = monotonic
        self._sleep = sleep
        self._observe = observe
        self._within = within
        self._max_origins = max_origins
        self._lanes: OrderedDict[str, _Lane] = OrderedDict()

    async def fetch(
        self,
        read: Read,
        *,
        origin: str,
        headers: Mapping[str, str],
        timeout_seconds: float,
        sink: Sink | None = None,
    ) -> Body:
        """
        Ask GES as `PlaneClient.fetch` does, waiting and repeating included in `timeout_seconds`.

        Raises what that raises, and PlaneUnavailableError when too many calls to the address are under way.
        """
        ends_at = self._monotonic() + timeout_seconds
        lane = self._lane(origin)
        turns = lane.streams if sink else lane.calls
        await self._take(turns, read.plane, ends_at)
        lane.deposit()
        try:
            return await self._repeated(read, origin, headers, ends_at, sink)
        finally:
            turns.release()

    async def _repeated(
        self, read: Read, origin: str, headers: Mapping[str, str], ends_at: float, sink: Sink | None
    ) -> Body:
        for attempt in count(1):
            left = ends_at - self._monotonic()
            try:
                body = await self._client.fetch(read, origin=origin, headers=headers, timeout_seconds=left, sink=sink)
            except UpstreamError as error:
                pause = self._pause(origin, attempt, ends_at, error.retry_after_seconds) if _is_safe(error) else None
                if pause is None:
                    raise
            else:
                is_final = body.status not in _REPEATED_STATUSES
                pause = None if is_final else self._pause(origin, attempt, ends_at, body.retry_after_seconds)
                if pause is None:
                    return body
            await self._sleep(pause)
        raise AssertionError  # pragma: no cover -- counting has no end

    def _pause(self, origin: str, attempt: int, ends_at: float, retry_after_seconds: float | None) -> float | None:
        """Return how long to wait before the next attempt, None when there shall be none."""
        limits = self._limits
        # An address that is left alone would not be asked anyway.
        if attempt >= limits.attempts or self.breakers.of(origin).state is not BreakerState.CLOSED:
            return None
        span = min(limits.longest_pause_seconds, limits.pause_seconds * 2 ** (attempt - 1))
        pause = max(self._within(0, span), retry_after_seconds or 0.0)
        if self._monotonic() + pause >= ends_at or not self._lane(origin).withdraw():
            return None
        return pause

    async def _take(self, turns: asyncio.Semaphore, plane: Plane, ends_at: float) -> None:
        """Wait for a turn; the common case has one at once and needs no time limit."""
        if not turns.locked():
            await turns.acquire()
            return
        left = ends_at - self._monotonic()
        try:
            async with asyncio.timeout(max(0.0, min(left, self._limits.queue_seconds))):
                await turns.acquire()
        except TimeoutError:
            self._observe(UpstreamCall(plane, Outcome.CROWDED, None, 0.0, 0))
            raise PlaneUnavailableError(
                "As many calls as GES is given at once are under way.",
                plane=plane,
                retry_after_seconds=_CROWDED_RETRY_SECONDS,
            ) from None

    def _lane(self, origin: str) -> _Lane:
        lane = self._lanes.get(origin)
        if lane is None:
            lane = _Lane(asyncio.Semaphore(self._limits.calls), asyncio.Semaphore(self._limits.streams))
            self._lanes[origin] = lane
            if len(self._lanes) > self._max_origins:
                self._lanes.popitem(last=False)
        else:
            self._lanes.move_to_end(origin)
        return lane


def _is_safe(error: UpstreamError) -> bool:
    """Tell whether nothing had come yet. A timeout is no such thing: it has used up the time there was."""
    return isinstance(error, PlaneUnavailableError) and error.upstream_status is None
