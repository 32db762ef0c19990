"""What a look at jobs brings: jobs as they were seen, what makes them look changed, when an end counts. Asks nobody."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.watch import Sight
from schema.errors import (
    BadUserInputError,
    ForbiddenError,
    GatewayError,
    NotFoundError,
    UnauthenticatedError,
    UpstreamError,
)
from schema.ids import JobRef
from schema.job import Job, JobStatus, ended
from schema.plane import Plane

T = TypeVar("T")

# What is not allowed must not be seen any longer.
REFUSALS = (UnauthenticatedError, ForbiddenError)
# Asking again would bring the same.
_FATAL = (*REFUSALS, NotFoundError, BadUserInputError)
# Ends remembered by one poller; forgetting them only means to look once more.
_MOST_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Seen:
    """A job as a poll saw it; `is_listed` when it comes from a list, which tells other parts of it than a status."""

    job: Job
    is_listed: bool

    def differs(self, before: Seen) -> bool:
        """Tell whether the job has changed, and not only the way it was asked for."""
        if self.is_listed != before.is_listed:
            return self.job.status is not before.job.status
        return look_of(self.job) != look_of(before.job)


@dataclass(frozen=True, slots=True)
class SeenGraph:
    """Jobs of a graph, the planes that have ever told theirs, and those that could not be asked this time."""

    jobs: Mapping[JobRef, Job]
    met: frozenset[Plane]
    failed: Mapping[Plane, UpstreamError] = field(default_factory=dict)


class Ends:
    """
    The rule of when the end of a job counts: once it was seen twice, or is known to have settled.

    GES can correct itself shortly after a job has ended; its own Terraform provider wants `success` twice.
    """

    def __init__(self) -> None:
        self._seen: dict[JobRef, JobStatus] = {}

    def count(self, job: Job) -> bool:
        """Remember what was seen of a job; return whether it counts."""
        if not ended(job):
            self._seen.pop(job.ref, None)
            return True
        before = self._seen.get(job.ref)
        if len(self._seen) >= _MOST_REMEMBERED:
            self._seen.clear()
        self._seen[job.ref] = job.status
        return job.source.immutable or before is job.status


def failed(error: GatewayError) -> Sight[T]:
    """Return the sight of something that could not be looked at."""
    wait = error.retry_after_seconds if isinstance(error, UpstreamError) else None
    return Sight(None, error=error, is_last=isinstance(error, _FATAL), retry_after_seconds=wait or 0.0)


def look_of(job: Job) -> Hashable:
    """Return what makes a job look changed to whoever watches it."""
    message = job.failure.message if job.failure else None
    return (job.status, job.raw_status, job.progress_percent, job.started_at, job.ended_at, message)
