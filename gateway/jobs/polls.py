"""What a poll asks, and how what it brought is seen: jobs of one graph, or the job lists of one graph."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.addresses import AddressBook
from gateway.auth.caller import Caller
from gateway.graphs import Directory
from gateway.jobs.listing import Listing
from gateway.jobs.results import JobReads
from gateway.reader import Reader
from gateway.runtime import Runtime
from gateway.watch import Sight
from schema.context import JobParts
from schema.errors import (
    BadUserInputError,
    ForbiddenError,
    GatewayError,
    NotFoundError,
    UnauthenticatedError,
    UpstreamError,
    UpstreamFailedError,
)
from schema.ids import GraphKey, JobRef
from schema.job import Job, JobStatus, ended
from schema.job_list import JobFilter
from schema.page import PAGE_JOBS, PageRequest
from schema.plane import Plane

T = TypeVar("T")

STATUS_PARTS = JobParts(listing=False, identity=False, result=False, failure=False, window=lambda ref: None)
# From so many jobs of one graph on, one list serves all of them.
_LISTED_FROM = 3
# Asking again would bring the same, and what is not allowed must not be seen any longer.
_FATAL = (UnauthenticatedError, ForbiddenError, NotFoundError, BadUserInputError)
# Jobs remembered by one poller; forgetting them only means to look once more.
_MOST_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Seen:
    """A job as a poll saw it; `is_listed` when it comes from a list, which tells other parts of it than a status."""

    job: Job
    is_listed: bool


@dataclass(frozen=True, slots=True)
class SeenGraph:
    """The newest jobs of a graph, and the planes that could not be asked this time."""

    jobs: Mapping[JobRef, Job]
    failed: Mapping[Plane, UpstreamError] = field(default_factory=dict)


class Asking:
    """Opens what one poll asks with: a reader of its own, so that nothing is remembered from one to the next."""

    def __init__(self, runtime: Runtime, caller: Caller, addresses: AddressBook) -> None:
        self.runtime = runtime
        self._caller = caller
        self._addresses = addresses

    async def ask(self, what: Callable[[JobReads, Directory], Awaitable[T]]) -> T:
        """Return what `what` gives."""
        reader = Reader(self.runtime, self._caller)
        directory = Directory(reader, self._addresses)
        try:
            return await what(JobReads(reader, directory, fresh=True), directory)
        finally:
            await reader.close()


class JobsPoll:
    """Looks at jobs of one graph on one plane. Topics are job refs."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._ended: dict[JobRef, JobStatus] = {}
        self._unknown_since: dict[JobRef, float] = {}

    async def __call__(self, topics: frozenset[Hashable]) -> Mapping[Hashable, Sight[Seen]]:
        """Return a sight of each job."""
        refs = [topic for topic in topics if isinstance(topic, JobRef)]
        return await self._asking.ask(lambda reads, directory: self._look(reads, directory, refs))

    async def _look(
        self, reads: JobReads, directory: Directory, refs: Sequence[JobRef]
    ) -> Mapping[Hashable, Sight[Seen]]:
        listed: Mapping[str, Job] = {}
        if len(refs) >= _LISTED_FROM:
            try:
                listed = await _by_list(reads, directory, refs[0])
            except UpstreamError as error:
                # Asking for each of them instead would be more of what GES has just refused.
                return {ref: failed(error) for ref in refs}
        sights = await asyncio.gather(*(self._one(reads, ref, listed.get(ref.job_id)) for ref in refs))
        return dict(zip(refs, sights, strict=True))

    async def _one(self, reads: JobReads, ref: JobRef, listed: Job | None) -> Sight[Seen]:
        if listed is not None:
            return self.sight(Seen(listed, is_listed=True))
        try:
            return self.sight(Seen(await status_of(reads, ref), is_listed=False))
        except GatewayError as error:
            return failed(error)

    def sight(self, seen: Seen) -> Sight[Seen]:
        """
        Return what to tell of a job. An end counts once it was seen twice, or is known to have settled.

        GES can correct itself shortly after a job has ended; its own Terraform provider wants `success` twice.
        """
        job, ref, look = seen.job, seen.job.ref, look_of(seen.job)
        if not ended(job):
            self._ended.pop(ref, None)
            return self._unended(seen, look)
        is_sure = job.source.immutable or self._ended.get(ref) is job.status
        if len(self._ended) >= _MOST_REMEMBERED:
            self._ended.clear()
        self._ended[ref] = job.status
        return Sight(seen, look, is_last=is_sure, is_sure=is_sure)

    def _unended(self, seen: Seen, look: Hashable) -> Sight[Seen]:
        ref, runtime = seen.job.ref, self._asking.runtime
        if seen.job.status is not JobStatus.UNKNOWN:
            self._unknown_since.pop(ref, None)
            return Sight(seen, look)
        now = runtime.clock.monotonic()
        seconds = runtime.settings.watch_unknown_seconds
        if now - self._unknown_since.setdefault(ref, now) < seconds:
            return Sight(seen, look)
        text = f"For {seconds:g} seconds GES has said a status that nobody here knows; the job may have ended."
        return Sight(seen, look, error=UpstreamFailedError(text, plane=seen.job.plane), is_last=True)


class GraphPoll:
    """Looks at the newest jobs of one graph, on the planes asked for. The one topic is the graph."""

    def __init__(self, asking: Asking, key: GraphKey, planes: Sequence[Plane] | None) -> None:
        self._asking = asking
        self._key = key
        self._planes = planes
        self._jobs: dict[JobRef, Job] = {}

    async def __call__(self, topics: frozenset[Hashable]) -> Mapping[Hashable, Sight[SeenGraph]]:
        """Return a sight of the graph."""
        try:
            sight = await self._asking.ask(self._look)
        except GatewayError as error:
            sight = failed(error)
        return dict.fromkeys(topics, sight)

    async def _look(self, reads: JobReads, directory: Directory) -> Sight[SeenGraph]:
        graph = await directory.get(self._key)
        page = PageRequest(PAGE_JOBS)
        listing = Listing(reads, directory)
        connection = await listing.of_graph(graph, self._planes, JobFilter(), page, STATUS_PARTS)
        failures = {report.plane: report.error for report in connection.planes if report.error is not None}
        if len(failures) == len(connection.planes):
            raise next(iter(failures.values()))
        # What a plane that cannot be asked had before is still there.
        self._jobs = {ref: job for ref, job in self._jobs.items() if job.plane in failures}
        self._jobs.update((edge.node.ref, edge.node) for edge in connection.edges)
        look = (frozenset((ref, look_of(job)) for ref, job in self._jobs.items()), frozenset(failures))
        return Sight(SeenGraph(dict(self._jobs), failures), look)


async def status_of(reads: JobReads, ref: JobRef) -> Job:
    """Return one job, its status and what comes with that."""
    if ref.plane is Plane.SERVICE:
        return await reads.on_service(ref.graph, ref.job_id, STATUS_PARTS)
    if ref.graph.graph_id is None:
        return await reads.in_history(ref.graph, ref.job_id)
    return await reads.on_management(ref.graph, ref.job_id)


async def _by_list(reads: JobReads, directory: Directory, ref: JobRef) -> Mapping[str, Job]:
    """Return jobs of the graph that a job is of, by their id, in one call."""
    listing = Listing(reads, directory)
    jobs = await listing.newest(ref.plane, ref.graph)
    return {job.job_id: job for job in jobs}


def failed(error: GatewayError) -> Sight[T]:
    """Return the sight of something that could not be looked at."""
    wait = error.retry_after_seconds if isinstance(error, UpstreamError) else None
    return Sight(None, error=error, is_last=isinstance(error, _FATAL), retry_after_seconds=wait or 0.0)


def look_of(job: Job) -> Hashable:
    """Return what makes a job look changed to whoever watches it."""
    message = job.failure.message if job.failure else None
    return (job.status, job.raw_status, job.progress_percent, job.started_at, job.ended_at, message)
