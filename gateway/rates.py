"""Rates: how often each caller may do something, and all of them together. Knows neither what nor who."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

# What was not used is saved up for so long.
SAVED_SECONDS = 10
# Whoever was not seen for so many others has, by then, mostly saved up everything again.
_MOST_CALLERS = 10_000
# Sums of fractions are off by a little; nobody waits for that.
_NO_TIME = 1e-6


class Rates:
    """
    Lets so many through a second, and at once as many as could have been let through in `SAVED_SECONDS`.

    For each caller one number is kept: until when he has used up what he may.
    """

    def __init__(
        self, *, per_caller: int, in_all: int, clock: Callable[[], float], most_callers: int = _MOST_CALLERS
    ) -> None:
        self.per_caller = per_caller
        self._clock = clock
        self._most_callers = most_callers
        self._caller_seconds = 1 / per_caller
        self._all_seconds = 1 / in_all
        self._all_until = 0.0
        self._until: OrderedDict[str | None, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def take(self, caller: str | None) -> float:
        """Let a caller through, None being all who are nobody, and return zero; or return after how many seconds."""
        now = self._clock()
        mine, everybody = max(now, self._until.get(caller, now)), max(now, self._all_until)
        # Whoever has used up his own takes nothing of what is everybody's.
        wait = max(_wait(mine - now, self._caller_seconds), _wait(everybody - now, self._all_seconds))
        if wait > _NO_TIME:
            return wait
        self._all_until = everybody + self._all_seconds
        self._until[caller] = mine + self._caller_seconds
        self._until.move_to_end(caller)
        if len(self._until) > self._most_callers:
            self._until.popitem(last=False)
        return 0.0


def _wait(used_seconds: float, one_seconds: float) -> float:
    return max(0.0, used_seconds + one_seconds - SAVED_SECONDS)
