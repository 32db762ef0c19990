"""One job on one plane: its status, its rows, and what only the job list of its graph knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gateway.cache.lifetime import Lifetime
from gateway.graphs import Directory, Place
from gateway.planes import management, service
from gateway.planes.read import Read
from gateway.planes.records import JobRead, JobsRead
from gateway.reader import Answer, Reader, Reading
from schema.algorithm_result import RowPage, with_algorithm
from schema.context import JobParts
from schema.errors import BadUserInputError, NotFoundError, ResultGoneError, UpstreamError
from schema.ids import GraphKey, JobRef
from schema.job import Job, JobSource, ended
from schema.page import Window
from schema.plane import Plane
from schema.scalars import DateTime

# A status call carries rows; one is the least that surely is allowed (`limit=0` is documented nowhere).
STATUS_ONLY = Window(0, 1)
_TASK_CENTER_PAGE = 100
_TASK_CENTER_PAGES = 10


class JobReads:
    """Reads jobs for one operation. Every method raises UpstreamError."""

    def __init__(self, reader: Reader, directory: Directory) -> None:
        self._reader = reader
        self._directory = directory
        self._settings = reader.runtime.settings

    async def on_management(self, graph: GraphKey, job_id: str) -> Job:
        """Return a job of the management plane, also when its graph is gone and only the task center has it."""
        graph_id = graph.graph_id
        if graph_id is None:
            try:
                graph_id = (await self._directory.record(graph)).graph_id
            except NotFoundError:
                return await self.in_history(graph, job_id)
        return await self._management_status(
            JobRef(Plane.MANAGEMENT, GraphKey(graph.project, graph_id=graph_id), job_id), graph_id
        )

    async def in_history(self, graph: GraphKey, job_id: str) -> Job:
        """Return a job of a graph that is gone, its name perhaps used again: only the task center still has it."""
        for number in range(_TASK_CENTER_PAGES):
            offset = number * _TASK_CENTER_PAGE
            read = management.ask_jobs(graph.project, offset=offset, limit=_TASK_CENTER_PAGE, graph_name=graph.name)
            answer = await self.in_task_center(graph.project, read)
            for job in answer.value.jobs:
                if job.job_id == job_id and job.graph_name == graph.name:
                    return replace(job, source=source_of(answer, Plane.MANAGEMENT))
            if len(answer.value.jobs) < _TASK_CENTER_PAGE:
                break
        raise NotFoundError(f"The management plane has no job `{job_id}` of this graph.", plane=Plane.MANAGEMENT)

    async def on_service(self, graph: GraphKey, job_id: str, parts: JobParts) -> Job:
        """Return a job of the service plane with the parts asked for; a missing part is in `Job.problems`."""
        place = await self._directory.place(graph)
        ref = JobRef(Plane.SERVICE, place.key, job_id)
        read = await self._status(place, ref, parts.window(ref) or STATUS_ONLY)
        job = replace(read.value.job, source=source_of(read, Plane.SERVICE))
        if not parts.listing:
            return job
        try:
            listed = await self.listed(place, 0, self._settings.service_job_list_limit)
        except UpstreamError as error:
            return replace(job, problems=(error,))
        return merged(job, (other for other in listed.value.jobs if other.job_id == job_id))

    async def rows(self, ref: JobRef, window: Window) -> RowPage:
        """Return one window of a job's rows. Raises ResultGoneError when the job is known but its rows are not."""
        place = await self._directory.place(ref.graph)
        try:
            page = (await self._status(place, ref, window)).value.page
        except BadUserInputError:
            if not window.offset:
                raise
            # What GES says beyond the end is documented nowhere; how long the result is, it surely says.
            page = (await self._status(place, ref, STATUS_ONLY)).value.page
            if page is None or page.total is None or window.offset < page.total:
                raise
            return RowPage(window, window.offset, (), page.total)
        if page is None:
            raise ResultGoneError("GES keeps no rows of this job any more.", plane=Plane.SERVICE)
        return page

    async def listed(self, place: Place, offset: int, limit: int) -> Answer[JobsRead]:
        """Return one window of the job list of a graph."""
        read = service.ask_jobs(GraphKey(place.key.project, name=place.name), offset=offset, limit=limit)
        zone = self._settings.service_time_zone
        return await self._reader.ask(
            Reading(read, place.origin, lambda body: service.read_jobs(body, place.key, zone=zone), self._keep_list)
        )

    async def in_task_center(self, project: str, read: Read) -> Answer[JobsRead]:
        """Return one window of the task center."""
        origin = self._directory.management_origin()
        return await self._reader.ask(
            Reading(read, origin, lambda body: management.read_jobs(body, project), self._keep_list)
        )

    async def with_outcome(self, job: Job, parts: JobParts) -> Job:
        """Return a listed job of the service plane with the result or the failure that its list does not carry."""
        try:
            told = await self.on_service(job.ref.graph, job.job_id, replace(parts, listing=False))
        except UpstreamError as error:
            return replace(job, problems=(*job.problems, error))
        return merged(told, [job])

    async def _management_status(self, ref: JobRef, graph_id: str) -> Job:
        reading = Reading(
            management.ask_job(ref.graph.project, graph_id, ref.job_id),
            self._directory.management_origin(),
            lambda body: management.read_job(body, ref),
            lambda job: self._keep(ref, job),
            resource=_resource(ref),
            shared=self._settings.cache_sharing != "caller",
        )
        answer = await self._reader.ask(reading)
        return replace(answer.value, source=source_of(answer, Plane.MANAGEMENT))

    async def _status(self, place: Place, ref: JobRef, window: Window) -> Answer[JobRead]:
        asked = JobRef(ref.plane, GraphKey(ref.graph.project, name=place.name), ref.job_id)
        return await self._reader.ask(
            Reading(
                service.ask_job(asked, window),
                place.origin,
                lambda body: service.read_job(body, ref, window),
                lambda read: self._keep(ref, read.job),
                resource=_resource(ref),
                shared=place.shared,
                probe=service.ask_job(asked, STATUS_ONLY),
            )
        )

    def _keep(self, ref: JobRef, job: Job) -> Lifetime:
        return self._reader.runtime.lifetimes.job(_resource(ref), job.status.name, is_terminal=ended(job))

    def _keep_list(self, read: JobsRead) -> Lifetime:
        return self._reader.runtime.lifetimes.job_list(any_running=not all(map(ended, read.jobs)))


def merged(job: Job, listed: Iterable[Job]) -> Job:
    """Return the job with what its entry in a job list adds; what the status call said stays."""
    entry = next(iter(listed), None)
    if entry is None:
        return job
    told = job.failure is not None and job.failure.code is not None
    return replace(
        job,
        kind=entry.kind,
        raw_kind=entry.raw_kind,
        name=entry.name,
        progress_percent=entry.progress_percent,
        started_at=entry.started_at,
        ended_at=entry.ended_at,
        request=entry.request,
        failure=job.failure if told else entry.failure or job.failure,
        import_detail=entry.import_detail,
        result=with_algorithm(job.result, entry.request.algorithm if entry.request else None),
        can_cancel=entry.can_cancel,
    )


def source_of(answer: Answer[Any], plane: Plane) -> JobSource:
    """Return how fresh an answer is, as every job in it says."""
    return JobSource(
        plane=plane, fetched_at=DateTime(answer.fetched_at), cached=answer.cached, immutable=answer.immutable
    )


def _resource(ref: JobRef) -> tuple[str, ...]:
    return (ref.plane.name, ref.graph.project, ref.graph.graph_id or "", ref.graph.name or "", ref.job_id)
