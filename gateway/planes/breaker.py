"""
The breakers: an address that keeps failing is left alone for a moment, then tried by one call at a time.
Knows tickets and times; not what a call is, nor which outcome counts as a failure.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

FAILURES_TO_OPEN = 5
OPEN_SECONDS = 3.0
# Graphs come and go, and so do their addresses; the least recently used breaker is forgotten.
MAX_ORIGINS = 1024


class BreakerState(Enum):
    """What a breaker does with the next call, the worst last."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(frozen=True, slots=True)
class BreakerSummary:
    """Several breakers seen as one: the worst state, the soonest try, the latest good answer."""

    state: BreakerState
    last_ok_at: datetime | None
    retry_after_seconds: float | None


class Breaker:
    """
    Counts the consecutive failures of one address.

    Every call asks `admit` first and gives its ticket back once, to `succeeded`, `failed` or `abandoned`. A ticket
    from before the breaker last opened or closed says nothing about now and changes nothing.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        failures_to_open: int = FAILURES_TO_OPEN,
        open_seconds: float = OPEN_SECONDS,
    ) -> None:
        self._monotonic = monotonic
        self._failures_to_open = failures_to_open
        self._open_seconds = open_seconds
        self._failures = 0
        self._era = 0
        # When the next probe may leave; None while closed.
        self._probe_at: float | None = None
        self._is_probing = False
        self.last_ok_at: datetime | None = None

    @property
    def state(self) -> BreakerState:
        """Tell whether calls pass, only a probe is under way, or none passes."""
        if self._probe_at is None:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self._is_probing else BreakerState.OPEN

    @property
    def retry_after_seconds(self) -> float | None:
        """Seconds until the next call may pass; None while closed."""
        return None if self._probe_at is None else max(0.0, self._probe_at - self._monotonic())

    def admit(self) -> int | None:
        """Give a ticket for one call; None when the call must not be made."""
        if self._probe_at is None:
            return self._era
        now = self._monotonic()
        if now < self._probe_at:
            return None
        # A probe that hangs is as good as lost: after as long again another may leave, or recovery would wait for it.
        self._probe_at = now + self._open_seconds
        self._is_probing = True
        return self._era

    def succeeded(self, ticket: int, at: datetime) -> None:
        """Take an answer of any kind: the failures so far are forgiven, an open breaker closes."""
        self.last_ok_at = at
        if ticket != self._era:
            return
        self._failures = 0
        if self._probe_at is not None:
            self._probe_at = None
            self._is_probing = False
            self._era += 1

    def failed(self, ticket: int) -> None:
        """Count a failure; the last one allowed, or a failed probe, opens the breaker (again)."""
        if ticket != self._era:
            return
        if self._probe_at is None:
            self._failures += 1
            if self._failures < self._failures_to_open:
                return
            self._era += 1
        self._probe_at = self._monotonic() + self._open_seconds
        self._is_probing = False

    def abandoned(self, ticket: int) -> None:
        """Take back a ticket whose call proved nothing; if it was the probe's, the next call may probe at once."""
        if ticket == self._era and self._probe_at is not None:
            self._probe_at = self._monotonic()
            self._is_probing = False


class Breakers:
    """The breakers of one plane, one for each origin; at most so many."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        failures_to_open: int = FAILURES_TO_OPEN,
        open_seconds: float = OPEN_SECONDS,
        max_origins: int = MAX_ORIGINS,
    ) -> None:
        self._monotonic = monotonic
        self._failures_to_open = failures_to_open
        self._open_seconds = open_seconds
        self._max_origins = max_origins
        self._breakers: OrderedDict[str, Breaker] = OrderedDict()

    def of(self, origin: str) -> Breaker:
        """Return the breaker of an origin, a new one at first sight."""
        breaker = self._breakers.get(origin)
        if breaker is None:
            breaker = self._breakers[origin] = Breaker(
                self._monotonic, failures_to_open=self._failures_to_open, open_seconds=self._open_seconds
            )
            if len(self._breakers) > self._max_origins:
                self._breakers.popitem(last=False)
        else:
            self._breakers.move_to_end(origin)
        return breaker

    def counts(self) -> dict[BreakerState, int]:
        """Return how many breakers are in each state."""
        states = [breaker.state for breaker in self._breakers.values()]
        return {state: states.count(state) for state in BreakerState}

    def summary(self) -> BreakerSummary:
        """Return the worst state, the soonest try and the latest good answer; CLOSED when nothing was asked yet."""
        breakers = self._breakers.values()
        state = max((breaker.state for breaker in breakers), key=lambda state: state.value, default=BreakerState.CLOSED)
        waits = [wait for breaker in breakers if (wait := breaker.retry_after_seconds) is not None]
        answers = [at for breaker in breakers if (at := breaker.last_ok_at) is not None]
        return BreakerSummary(state, max(answers, default=None), min(waits, default=None))
