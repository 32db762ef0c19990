"""How long a body may be kept: the one table of it. Knows no job, no store and no network."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Seconds a body may be kept, none at zero; `immutable` when it cannot change any more."""

    seconds: float
    immutable: bool = False


JOB_MOVING = Lifetime(1.0)
JOB_SETTLING = Lifetime(5.0)
JOB_SETTLED = Lifetime(24 * 3600.0, immutable=True)
LIST_MOVING = Lifetime(1.0)
LIST_STILL = Lifetime(5.0)
GRAPH = Lifetime(30.0)
NOT_FOUND = Lifetime(2.0)


class Settling:
    """
    Remembers since when each job has been terminal with the same status.

    GES can correct itself shortly after a job has ended, so a first terminal answer is not yet the last word.
    Bounded: a job that was forgotten starts anew, which only shortens how long its body is kept.
    """

    def __init__(self, settle_seconds: float, clock: Callable[[], float], max_entries: int) -> None:
        self._settle_seconds = settle_seconds
        self._clock = clock
        self._max_entries = max_entries
        self._since: OrderedDict[tuple[str, ...], tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._since)

    def is_settled(self, key: tuple[str, ...], status_word: str) -> bool:
        """Note that a job was seen terminal now; return whether it has been so long enough."""
        now = self._clock()
        word, since = self._since.get(key, (status_word, now))
        if word != status_word:
            since = now
        self._since[key] = (status_word, since)
        self._since.move_to_end(key)
        if len(self._since) > self._max_entries:
            self._since.popitem(last=False)
        return now - since >= self._settle_seconds

    def forget(self, key: tuple[str, ...]) -> None:
        """Note that a job was seen moving."""
        self._since.pop(key, None)


class Lifetimes:
    """Says how long each kind of body may be kept. Errors are no kind of body: they are never kept."""

    def __init__(self, settle_seconds: float, clock: Callable[[], float], max_jobs: int = 50_000) -> None:
        self._settling = Settling(settle_seconds, clock, max_jobs)

    def job(self, key: tuple[str, ...], status_word: str, is_terminal: bool) -> Lifetime:
        """Return how long a body about one job, or a page of its result, may be kept."""
        if not is_terminal:
            self._settling.forget(key)
            return JOB_MOVING
        return JOB_SETTLED if self._settling.is_settled(key, status_word) else JOB_SETTLING

    def job_list(self, any_running: bool) -> Lifetime:
        """Return how long a list of jobs may be kept."""
        return LIST_MOVING if any_running else LIST_STILL

    def graph(self, *, is_known: bool = True) -> Lifetime:
        """Return how long what the directory says about graphs may be kept; briefly when a status is not known."""
        return GRAPH if is_known else JOB_MOVING

    def not_found(self) -> Lifetime:
        """Return how long "no such job or graph" may be kept."""
        return NOT_FOUND
