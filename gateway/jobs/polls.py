"""What a poll asks: the status of jobs of one graph, or from three on their list; or the newest jobs of one graph."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from gateway.addresses import AddressBook
from gateway.auth.caller import Caller
from gateway.graphs import Directory
from gateway.jobs.listing import Listing
from gateway.jobs.results import JobReads, merged
from gateway.jobs.sights import REFUSALS, Ends, Seen, SeenGraph, failed, look_of
from gateway.reader import Reader
from gateway.runtime import Runtime
from gateway.watch import Sight
from schema.context import JobParts
from schema.errors import GatewayError, NotFoundError, UpstreamError, UpstreamFailedError
from schema.ids import GraphKey, JobRef
from schema.job import Job, JobStatus, ended
from schema.job_list import JobFilter
from schema.page import PAGE_JOBS, PageRequest
from schema.plane import Plane

T = TypeVar("T")

STATUS_PARTS = JobParts(listing=False, identity=False, result=False, failure=False, window=lambda ref: None)
# From so many jobs of one graph on, one list serves all of them.
_LISTED_FROM = 3
# What a list lacks is asked for one by one, a few at a time: a poll is in no hurry, and clients are.
_AT_ONCE = 8
# Jobs of a graph under way that newer ones have pushed out of its list, and that are followed all the same.
_MOST_OUTSIDE = 50


class Asking:
    """Opens what a look asks with: a reader of its own, so that nothing is remembered from one to the next."""

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
        self._ends = Ends()
        self._unknown_since: dict[JobRef, float] = {}

    async def __call__(self, topics: frozenset[Hashable]) -> Mapping[Hashable, Sight[Seen]]:
        """Return a sight of each job."""
        refs = [topic for topic in topics if isinstance(topic, JobRef)]
        listed: Mapping[str, Job] = {}
        if len(refs) >= _LISTED_FROM:
            try:
                listed = await self._asking.ask(lambda reads, directory: _by_list(reads, directory, refs[0]))
            except GatewayError as error:
                # Asking for each of them instead would be more of what GES has just refused.
                return dict.fromkeys(refs, failed(error))
        turns = asyncio.Semaphore(_AT_ONCE)
        sights = await asyncio.gather(*(self._one(ref, listed.get(ref.job_id), turns) for ref in refs))
        self._unknown_since = {ref: since for ref, since in self._unknown_since.items() if ref in topics}
        return dict(zip(refs, sights, strict=True))

    async def _one(self, ref: JobRef, listed: Job | None, turns: asyncio.Semaphore) -> Sight[Seen]:
        if listed is not None:
            return self._sight(ref, Seen(listed, is_listed=True))
        try:
            async with turns:
                job = await self._asking.ask(lambda reads, _: status_of(reads, ref))
        except GatewayError as error:
            return failed(error)
        return self._sight(ref, Seen(job, is_listed=False))

    def _sight(self, ref: JobRef, seen: Seen) -> Sight[Seen]:
        is_sure, look = self._ends.count(seen.job), look_of(seen.job)
        if ended(seen.job):
            return Sight(seen, look, is_last=is_sure, is_sure=is_sure)
        if seen.job.status is not JobStatus.UNKNOWN:
            self._unknown_since.pop(ref, None)
            return Sight(seen, look)
        now, seconds = self._asking.runtime.clock.monotonic(), self._asking.runtime.settings.watch_unknown_seconds
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
        self._ends = Ends()
        self._jobs: dict[JobRef, Job] = {}
        self._met: frozenset[Plane] = frozenset()
        # Planes that asked to be left alone, until when, and what they said.
        self._resting: dict[Plane, tuple[float, UpstreamError]] = {}

    async def __call__(self, topics: frozenset[Hashable]) -> Mapping[Hashable, Sight[SeenGraph]]:
        """Return a sight of the graph."""
        try:
            sight = await self._asking.ask(self._look)
        except GatewayError as error:
            sight = failed(error)
        return dict.fromkeys(topics, sight)

    async def _look(self, reads: JobReads, directory: Directory) -> Sight[SeenGraph]:
        listed, answered, failures = await self._newest(reads, directory)
        refused = [error for error in failures.values() if isinstance(error, REFUSALS)]
        if refused or not answered:
            raise next(iter(refused or failures.values()))
        found = [*listed, *await self._outside(reads, {job.ref for job in listed}, failures)]
        jobs, is_sure = self._counted(found)
        # What a plane that cannot be asked had before is still there.
        self._jobs = {ref: job for ref, job in self._jobs.items() if job.plane in failures} | jobs
        self._met |= answered
        look = (frozenset((ref, look_of(job)) for ref, job in self._jobs.items()), frozenset(failures), self._met)
        return Sight(SeenGraph(self._jobs, self._met, failures), look, is_sure=is_sure)

    async def _newest(
        self, reads: JobReads, directory: Directory
    ) -> tuple[list[Job], set[Plane], dict[Plane, UpstreamError]]:
        """Return the newest jobs, the planes that told theirs, and what kept the others from it."""
        now = self._asking.runtime.clock.monotonic()
        self._resting = {plane: rest for plane, rest in self._resting.items() if rest[0] > now}
        failures = {plane: error for plane, (_, error) in self._resting.items()}
        planes = self._planes or [plane for plane in Plane if plane is Plane.SERVICE or directory.has_management]
        asked = [plane for plane in planes if plane not in failures]
        if not asked:
            return [], set(), failures
        graph = await directory.get(self._key)
        listing = Listing(reads, directory)
        connection = await listing.of_graph(graph, asked, JobFilter(), PageRequest(PAGE_JOBS), STATUS_PARTS)
        for report in connection.planes:
            if report.error is not None:
                failures[report.plane] = report.error
                self._resting[report.plane] = (now + (report.error.retry_after_seconds or 0.0), report.error)
        return [edge.node for edge in connection.edges], set(asked) - failures.keys(), failures

    def _counted(self, found: Sequence[Job]) -> tuple[dict[JobRef, Job], bool]:
        """Return the jobs as they count: an end that does not yet leaves what was known before, or nothing."""
        jobs: dict[JobRef, Job] = {}
        is_sure = True
        for job in found:
            # What had ended before anybody looked is told to nobody.
            counts = self._ends.count(job) or job.plane not in self._met
            is_sure = is_sure and counts
            known = job if counts else self._jobs.get(job.ref)
            if known is not None:
                jobs[job.ref] = known
        return jobs, is_sure

    async def _outside(self, reads: JobReads, listed: set[JobRef], failures: Mapping[Plane, object]) -> list[Job]:
        """Look at the jobs under way that newer ones have pushed out of the list."""
        pushed = [
            job for ref, job in self._jobs.items() if ref not in listed and not ended(job) and job.plane not in failures
        ]
        turns = asyncio.Semaphore(_AT_ONCE)
        found = await asyncio.gather(*(_followed(reads, job, turns) for job in pushed[:_MOST_OUTSIDE]))
        return [job for job in found if job is not None]


async def _followed(reads: JobReads, job: Job, turns: asyncio.Semaphore) -> Job | None:
    """Return a job as it is now, as it was if that cannot be told, None when it is gone."""
    try:
        async with turns:
            told = await status_of(reads, job.ref)
    except NotFoundError:
        return None
    except UpstreamError:
        return job
    return told if job.plane is Plane.MANAGEMENT else merged(told, [job])


async def status_of(reads: JobReads, ref: JobRef) -> Job:
    """Return one job, its status and what comes with that."""
    if ref.plane is Plane.SERVICE:
        return await reads.on_service(ref.graph, ref.job_id, STATUS_PARTS)
    if ref.graph.graph_id is None:
        return await reads.in_history(ref.graph, ref.job_id)
    return await reads.on_management(ref.graph, ref.job_id)


async def _by_list(reads: JobReads, directory: Directory, ref: JobRef) -> Mapping[str, Job]:
    """Return jobs of the graph that a job is of, by their id, in one call."""
    jobs = await Listing(reads, directory).newest(ref.plane, ref.graph)
    return {job.job_id: job for job in jobs}
