"""Filters on lists of jobs: what a plane is asked to filter itself, and what is applied here after reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from schema.job import Job, JobStatus
from schema.job_list import JobFilter
from schema.plane import Plane

_TASK_CENTER_STATUSES = frozenset(
    {JobStatus.PENDING, JobStatus.RUNNING, JobStatus.SUCCEEDED, JobStatus.PARTIALLY_FAILED, JobStatus.FAILED}
)
# The task center takes days and does not say of which zone, so a day more on each side is asked for.
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Filters:
    """
    One filter, divided for one plane.

    `status`, `graph_name`, `first_day` and `last_day` are for the plane; `here` names what it cannot do, by the
    names clients use. `passes` applies everything, for a plane may filter more loosely than it says.
    """

    plane: Plane
    here: tuple[str, ...]
    passes: Callable[[Job], bool]
    identity: tuple[str, ...]
    status: JobStatus | None = None
    graph_name: str | None = None
    first_day: date | None = None
    last_day: date | None = None


def divide(filter: JobFilter, plane: Plane) -> Filters:
    """Divide a filter between a plane and the gateway. The service plane's job list filters nothing."""
    given = {name: test for name, test in _tests(filter).items() if test is not None}
    tests = list(given.values())

    def passes(job: Job) -> bool:
        return all(test(job) for test in tests)

    identity = (plane.name, repr(filter))
    if plane is Plane.SERVICE:
        return Filters(plane, tuple(given), passes, identity)
    status = _only_status(filter)
    done_there = {"graphName"} | ({"statuses"} if status else set())
    return Filters(
        plane,
        tuple(name for name in given if name not in done_there),
        passes,
        identity,
        status=status,
        graph_name=filter.graph_name,
        first_day=filter.started_from.date() - _DAY if filter.started_from else None,
        last_day=filter.started_before.date() + _DAY if filter.started_before else None,
    )


def _only_status(filter: JobFilter) -> JobStatus | None:
    """The one status asked for, when the task center has a word for it; it takes one at a time."""
    statuses = set(filter.statuses or ())
    return statuses.pop() if len(statuses) == 1 and statuses <= _TASK_CENTER_STATUSES else None


def _tests(filter: JobFilter) -> dict[str, Callable[[Job], bool] | None]:
    statuses, kinds = frozenset(filter.statuses or ()), frozenset(filter.kinds or ())
    name, begin, end = filter.graph_name, filter.started_from, filter.started_before
    text = (filter.search or "").casefold()
    return {
        "statuses": None if filter.statuses is None else lambda job: job.status in statuses,
        "kinds": None if filter.kinds is None else lambda job: job.kind in kinds,
        "graphName": None if name is None else lambda job: job.graph_name == name,
        "startedFrom": None if begin is None else lambda job: job.started_at is not None and job.started_at >= begin,
        "startedBefore": None if end is None else lambda job: job.started_at is not None and job.started_at < end,
        "search": None if not text else lambda job: any(text in word.casefold() for word in _words(job)),
    }


def _words(job: Job) -> list[str]:
    algorithm = job.request.algorithm if job.request else None
    return [job.name, job.job_id, algorithm or ""]
