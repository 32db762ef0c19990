"""The Jobs port as resolvers see it: get, find, wait, rows and lists, each handed to the part that knows how."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from gateway.graphs import Directory
from gateway.jobs.listing import Listing
from gateway.jobs.locate import Places, first_found
from gateway.jobs.polls import STATUS_PARTS
from gateway.jobs.results import JobReads
from gateway.jobs.watching import Watching
from gateway.reader import Reader
from schema.algorithm_result import RowPage
from schema.context import JobParts
from schema.errors import NotFoundError
from schema.graph import Graph
from schema.ids import GraphKey, JobRef
from schema.job import Job, JobKind, ended
from schema.job_event import JobEvent
from schema.job_list import JobConnection, JobFilter
from schema.page import PageRequest, Window
from schema.plane import Plane


class JobsPort:
    """Asks the planes for jobs during one operation."""

    def __init__(self, reader: Reader, directory: Directory, places: Places) -> None:
        self._reader = reader
        self._reads = JobReads(reader, directory)
        self._listing = Listing(self._reads, directory)
        self._directory = directory
        self._places = places

    async def get(self, ref: JobRef, parts: JobParts, wait_seconds: float = 0) -> Job:
        """Return one job, waiting for its end so long. Asks only the plane the ref names."""
        return await self._awaited(lambda asked: self._get(ref, asked), parts, wait_seconds)

    async def find(
        self, graph: GraphKey, job_id: str, plane: Plane | None, parts: JobParts, wait_seconds: float = 0
    ) -> Job:
        """Return the job with this upstream id, from the plane given or from whichever has it, waiting so long."""
        return await self._awaited(lambda asked: self._find(graph, job_id, plane, asked), parts, wait_seconds)

    async def rows(self, ref: JobRef, window: Window) -> RowPage:
        """Return one window of a job's rows."""
        return await self._reads.rows(ref, window)

    def watch(self, refs: Sequence[JobRef]) -> AsyncGenerator[JobEvent]:
        """Tell of jobs until all have ended."""
        return self._watching().jobs(refs)

    def watch_graph(
        self, graph: GraphKey, planes: Sequence[Plane] | None, kinds: Sequence[JobKind] | None
    ) -> AsyncGenerator[JobEvent]:
        """Tell of the jobs of a graph for as long as somebody listens."""
        return self._watching().graph(graph, planes, kinds)

    async def list_project(self, project: str, filter: JobFilter, page: PageRequest, parts: JobParts) -> JobConnection:
        """Return jobs of the project's task center."""
        return await self._listing.of_project(project, filter, page, parts)

    async def list_graph(
        self, graph: Graph, planes: Sequence[Plane] | None, filter: JobFilter, page: PageRequest, parts: JobParts
    ) -> JobConnection:
        """Return jobs of one graph from the planes given, from all by default, asked at the same time."""
        return await self._listing.of_graph(graph, planes, filter, page, parts)

    async def _get(self, ref: JobRef, parts: JobParts) -> Job:
        if ref.plane is Plane.MANAGEMENT and ref.graph.graph_id is None:
            # The id came from a list in which the name of the graph could not be traced to a living graph.
            return await self._reads.in_history(ref.graph, ref.job_id)
        return await self._on(ref.plane, ref.graph, ref.job_id, parts)

    async def _on(self, plane: Plane, graph: GraphKey, job_id: str, parts: JobParts) -> Job:
        if plane is Plane.MANAGEMENT:
            return await self._reads.on_management(graph, job_id)
        return await self._reads.on_service(graph, job_id, parts)

    async def _find(self, graph: GraphKey, job_id: str, plane: Plane | None, parts: JobParts) -> Job:
        if plane is not None:
            return await self._on(plane, graph, job_id, parts)
        key = (self._reader.caller.scope, graph, job_id)
        known = self._places.get(key)
        if known is not None:
            try:
                return await self._on(known, graph, job_id, parts)
            except NotFoundError:
                pass  # It may have moved: a name can be given to another graph.
        planes = [plane for plane in Plane if plane is Plane.SERVICE or self._directory.has_management]
        job = await first_found([self._on(plane, graph, job_id, parts) for plane in planes])
        self._places.put(key, job.plane)
        return job

    async def _awaited(self, look: Callable[[JobParts], Awaitable[Job]], parts: JobParts, wait_seconds: float) -> Job:
        """Wait for the end of a job that has not ended, so long; the rest of what was asked is read then."""
        if wait_seconds <= 0:
            return await look(parts)
        self._reader.extend(wait_seconds)
        job = await look(STATUS_PARTS)
        if not ended(job):
            with self._reader.runtime.waits.reserve(self._reader.caller.name):
                await self._watching().until_ended(job, wait_seconds)
            self._reader.forget()
        return await look(parts)

    def _watching(self) -> Watching:
        return Watching(self._reader.runtime, self._reader.caller, self._directory.addresses)
