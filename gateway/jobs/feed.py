"""One plane's part in a list of jobs, read window by window until enough jobs pass. Knows no endpoint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from gateway.jobs.filters import Filters
from gateway.jobs.results import source_of
from gateway.planes.records import JobsRead
from gateway.reading import Answer
from schema.errors import UpstreamError
from schema.job import Job
from schema.job_list import PlaneReport
from schema.plane import Plane
from schema.scalars import DateTime, Long

# Reading on for a filter ends somewhere: past so many windows a page of the answer may be short.
_WINDOWS = 12
# The largest window the task center is known to answer is 100; the service plane's job list takes 100,000.
_LARGEST_WINDOW = {Plane.MANAGEMENT: 100, Plane.SERVICE: 1000}
_NEVER = datetime.max.replace(tzinfo=UTC)

AskWindow = Callable[[int, int], Awaitable[Answer[JobsRead]]]


@dataclass(slots=True)
class Feed:
    """
    What one plane gave: the jobs that pass, each with its offset in the plane's own order.

    `end` is where the next read would start; `exhausted` says that nothing is there.
    """

    filters: Filters
    end: int
    jobs: list[tuple[int, Job]] = field(default_factory=list)
    exhausted: bool = False
    total: int | None = None
    answer: Answer[JobsRead] | None = None
    error: UpstreamError | None = None
    # The task center may match graph names more loosely than asked; then its total counts too much.
    _loose: bool = False

    async def read(self, ask: AskWindow, need: int) -> Feed:
        """Read until `need` jobs pass or the plane has no more. A plane that fails is an `error`, not a raise."""
        largest = _LARGEST_WINDOW[self.filters.plane]
        try:
            for _ in range(_WINDOWS):
                size = largest if self.filters.here or self._loose else min(need - len(self.jobs), largest)
                self._take(await ask(self.end, size), size)
                if self.exhausted or len(self.jobs) >= need:
                    break
        except UpstreamError as error:
            self.error = error
        return self

    def position_after(self, taken: int) -> int:
        """Return where this feed continues once `taken` of its jobs are used up."""
        return self.jobs[taken][0] if taken < len(self.jobs) else self.end

    def has_more_at(self, position: int) -> bool:
        """Return whether jobs follow there. A plane that failed offers none, or clients would page for ever."""
        return position < self.end or not (self.exhausted or self.error)

    def report(self) -> PlaneReport:
        """Return this plane's part in the answer."""
        here = [*self.filters.here, *(["graphName"] if self._loose else [])]
        return PlaneReport(
            plane=self.filters.plane,
            ok=self.error is None,
            total_count=None if here or self.total is None else Long(self.total),
            filtered_here=here,
            fetched_at=DateTime(self.answer.fetched_at) if self.answer else None,
            cached=self.answer.cached if self.answer else False,
            error=self.error,
        )

    def _take(self, answer: Answer[JobsRead], size: int) -> None:
        jobs, self.total = answer.value.jobs, answer.value.total
        if len(jobs) > size:
            # An early database edition ignored offset and limit, and sent the whole list.
            self.total = len(jobs)
            jobs = jobs[self.end : self.end + size]
        source = source_of(answer, self.filters.plane)
        passing = [(self.end + place, replace(job, source=source)) for place, job in enumerate(jobs)]
        name = self.filters.graph_name
        self._loose = self._loose or (name is not None and any(job.graph_name != name for job in jobs))
        self.jobs += [(offset, job) for offset, job in passing if self.filters.passes(job)]
        self.end += len(jobs)
        self.exhausted = len(jobs) < size or (self.total is not None and self.end >= self.total)
        self.answer = self.answer or answer


@dataclass(frozen=True, slots=True)
class Merged:
    """A job of a merged list, and where each feed continues behind it."""

    job: Job
    positions: tuple[int, ...]


def merge(feeds: list[Feed], count: int) -> list[Merged]:
    """
    Return the first `count` jobs of all feeds, newest first, each feed in its own order.

    A job without a start time stands with its predecessor in its feed; at the head it has not started, so it is new.
    """
    taken = [0] * len(feeds)
    times = [_NEVER] * len(feeds)
    out: list[Merged] = []
    while len(out) < count:
        heads = [number for number, feed in enumerate(feeds) if taken[number] < len(feed.jobs)]
        if not heads:
            break
        for number in heads:
            times[number] = feeds[number].jobs[taken[number]][1].started_at or times[number]
        newest = max(heads, key=lambda number: times[number])
        job = feeds[newest].jobs[taken[newest]][1]
        taken[newest] += 1
        out.append(Merged(job, tuple(feed.position_after(taken[number]) for number, feed in enumerate(feeds))))
    return out
