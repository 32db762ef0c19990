"""Lists of jobs: a feed per plane, merged into pages that lose nothing, completed by what lists do not carry."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from gateway.graphs import Directory
from gateway.jobs.feed import AskWindow, Feed, merge
from gateway.jobs.filters import Filters, divide
from gateway.jobs.results import JobReads
from gateway.planes import management
from gateway.planes.faults import NO_REASON
from gateway.planes.records import GraphRecord, JobsRead
from gateway.reading import Answer
from schema.context import JobParts
from schema.errors import BadUserInputError, UpstreamError
from schema.graph import Graph
from schema.ids import GraphKey, graph_id_of
from schema.job import Job, JobKind, JobStatus
from schema.job_list import JobConnection, JobEdge, JobFilter
from schema.page import Cursors, PageRequest
from schema.plane import Plane
from schema.scalars import Long

# Skipping by `offset` in a merged or filtered list means reading what is skipped.
_LARGEST_SKIP = 1000
_TASK_CENTER_PAGE = 100
# A graph's own creation begins before the graph exists.
_CREATION_SLACK = timedelta(minutes=10)
Source = tuple[Filters, AskWindow]
_WITHOUT_RESULT = frozenset({JobKind.IMPORT, JobKind.EXPORT, JobKind.EXPORT_RESULT, JobKind.INDEX})


class Listing:
    """Lists jobs for one operation."""

    def __init__(self, reads: JobReads, directory: Directory) -> None:
        self._reads = reads
        self._directory = directory

    async def of_project(self, project: str, filter: JobFilter, page: PageRequest, parts: JobParts) -> JobConnection:
        """Return jobs of the task center."""
        filters = await self._within_rights(project, divide(filter, Plane.MANAGEMENT), None)
        cursors = Cursors(("jobs", project, *filters.identity))
        connection = await _page([(filters, self._task_center(project, filters))], cursors, page)
        if not parts.identity:
            return connection
        try:
            records = await self._directory.records(project)
        except UpstreamError as error:
            return replace(connection, problems=(error,))
        return _each(connection, lambda job: _identified(job, records))

    async def _within_rights(self, project: str, filters: Filters, name: str | None) -> Filters:
        """Return filters on the task center, of one name perhaps, that pass only jobs which the caller may see."""
        rights = self._directory.rights(project)
        if rights is None or rights.opens(name):
            return filters
        records = await self._directory.records(project)

        def passes(job: Job) -> bool:
            # By an id, rights are to the graph that has it now and not to an earlier one of its name.
            is_known = rights.opens(job.graph_name) or _identified(job, records).ref.graph.graph_id is not None
            return is_known and filters.passes(job)

        here = filters.here if "graphName" in filters.here else (*filters.here, "graphName")
        return replace(filters, here=here, passes=passes)

    async def of_graph(
        self, graph: Graph, planes: Sequence[Plane] | None, filter: JobFilter, page: PageRequest, parts: JobParts
    ) -> JobConnection:
        """Return jobs of one graph, from the planes given at the same time; from all configured ones by default."""
        asked = list(Plane) if planes is None else [plane for plane in Plane if plane in planes]
        if planes is None and not self._directory.has_management:
            asked.remove(Plane.MANAGEMENT)
        record = await self._record(graph)
        sources = [await self._source(graph, record, plane, filter) for plane in asked]
        identity = [part for filters, _ in sources for part in filters.identity]
        cursors = Cursors(("graph jobs", graph_id_of(graph.key), *identity), feeds=len(sources))
        connection = await _page(sources, cursors, page)
        if record is not None:
            records = {record.name: record}
            connection = _each(connection, lambda job: _identified(job, records))
        return await self._with_outcomes(connection, parts)

    async def newest(self, plane: Plane, key: GraphKey) -> Sequence[Job]:
        """Return the jobs that one call for the list of a graph brings, each under the ref it has by itself."""
        if plane is Plane.SERVICE:
            place = await self._directory.place(key)
            limit = self._reads.list_limit
            return (await self._reads.listed(place, 0, limit)).value.jobs
        record = await self._directory.record(key)
        read = management.ask_jobs(key.project, offset=0, limit=_TASK_CENTER_PAGE, graph_name=record.name)
        jobs = (await self._reads.in_task_center(key.project, read)).value.jobs
        return [_identified(job, {record.name: record}) for job in jobs if job.graph_name == record.name]

    async def _record(self, graph: Graph) -> GraphRecord | None:
        """The directory's entry: met when the graph was looked up, so this asks nobody."""
        if graph.graph_id is None:
            return None
        return await self._directory.record(GraphKey(graph.key.project, graph_id=graph.graph_id))

    async def _source(self, graph: Graph, record: GraphRecord | None, plane: Plane, filter: JobFilter) -> Source:
        filters = divide(filter, plane)
        if plane is Plane.SERVICE:
            return filters, lambda offset, limit: self._service(graph.key, offset, limit)
        # The task center knows instances; of a database edition it has the jobs of the whole instance.
        name = record.name if record else graph.name
        passes = filters.passes
        filters = replace(filters, graph_name=name, passes=lambda job: job.graph_name == name and passes(job))
        filters = await self._within_rights(graph.key.project, filters, name)
        return filters, self._task_center(graph.key.project, filters)

    async def _service(self, key: GraphKey, offset: int, limit: int) -> Answer[JobsRead]:
        return await self._reads.listed(await self._directory.place(key), offset, limit)

    def _task_center(self, project: str, filters: Filters) -> AskWindow:
        def ask(offset: int, limit: int) -> Awaitable[Answer[JobsRead]]:
            read = management.ask_jobs(
                project,
                offset=offset,
                limit=limit,
                status=filters.status,
                graph_name=filters.graph_name,
                started_from=filters.first_day,
                started_before=filters.last_day,
            )
            return self._reads.in_task_center(project, read)

        return ask

    async def _with_outcomes(self, connection: JobConnection, parts: JobParts) -> JobConnection:
        """Read the results and failures that the list does not carry: one call a job, all at the same time."""
        wanting = [edge.node for edge in connection.edges if _wants_outcome(edge.node, parts)]
        told = await asyncio.gather(*(self._reads.with_outcome(job, parts) for job in wanting))
        by_ref = {job.ref: job for job in told}
        problems = tuple(problem for job in told for problem in job.problems)
        completed = _each(connection, lambda job: by_ref.get(job.ref, job))
        return replace(completed, problems=(*connection.problems, *problems))


async def _page(sources: Sequence[Source], cursors: Cursors, page: PageRequest) -> JobConnection:
    """Read every source at its own position, at the same time, and merge them into one page."""
    starts, skip = _start(sources, cursors, page)
    need = max(1, skip + page.first)
    feeds = await asyncio.gather(
        *(Feed(filters, start).read(ask, need) for (filters, ask), start in zip(sources, starts, strict=True))
    )
    merged = merge(feeds, skip + page.first)
    positions = merged[-1].positions if merged else tuple(feed.position_after(0) for feed in feeds)
    reports = [feed.report() for feed in feeds]
    totals = [report.total_count for report in reports]
    return JobConnection(
        edges=[JobEdge(cursor=cursors.write(*entry.positions), node=entry.job) for entry in merged[skip:]],
        total_count=None if None in totals else Long(sum(total for total in totals if total is not None)),
        planes=reports,
        has_next=any(feed.has_more_at(position) for feed, position in zip(feeds, positions, strict=True)),
        has_previous=bool(skip or any(starts)),
        resume=cursors.write(*positions),
    )


def _start(sources: Sequence[Source], cursors: Cursors, page: PageRequest) -> tuple[tuple[int, ...], int]:
    """Where each source is read from, and how many merged jobs are skipped behind that."""
    if page.after is not None:
        return cursors.read(page.after), 0
    offset = page.offset or 0
    if len(sources) == 1 and not sources[0][0].here:
        return (offset,), 0
    if offset > _LARGEST_SKIP:
        raise BadUserInputError(f"`offset` is at most {_LARGEST_SKIP} in a merged or filtered list; use `after`.")
    return (0,) * len(sources), offset


def _each(connection: JobConnection, change: Callable[[Job], Job]) -> JobConnection:
    return replace(connection, edges=[replace(edge, node=change(edge.node)) for edge in connection.edges])


def _identified(job: Job, records: Mapping[str, GraphRecord]) -> Job:
    """Return the job with the id of its graph, when today's bearer of the name can be the graph it worked on."""
    record = records.get(job.graph_name or "")
    if job.plane is not Plane.MANAGEMENT or record is None:
        return job
    if job.started_at and record.created_at and job.started_at < record.created_at - _CREATION_SLACK:
        return job
    return replace(job, ref=replace(job.ref, graph=GraphKey(job.ref.graph.project, graph_id=record.graph_id)))


def _wants_outcome(job: Job, parts: JobParts) -> bool:
    if job.plane is not Plane.SERVICE:
        return False
    if job.status is JobStatus.FAILED:
        return parts.failure and (job.failure is None or job.failure.message == NO_REASON)
    return parts.result and job.status is JobStatus.SUCCEEDED and job.kind not in _WITHOUT_RESULT
