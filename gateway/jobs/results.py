"""One job on one plane: its status, its rows, and what only the job list of its graph knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from gateway.cache.lifetime import Lifetime
from gateway.graphs import Directory, Place
from gateway.jobs.streaming import Expected, StreamedRows
from gateway.planes import management, service
from gateway.planes.intake import SMALL_BODY_BYTES
from gateway.planes.read import Read
from gateway.planes.records import JobRead, JobsRead
from gateway.planes.transcode import HeldRows
from gateway.reader import Reader
from gateway.reading import Answer, Reading
from schema.algorithm_result import RowPage, with_algorithm
from schema.context import JobParts
from schema.errors import BadUserInputError, NotFoundError, ResultGoneError, UpstreamError
from schema.ids import GraphKey, JobRef
from schema.job import Job, JobSource, JobStatus, ended
from schema.page import Window
from schema.plane import Plane
from schema.scalars import DateTime

# A status call carries rows; one is the least that surely is allowed (`limit=0` is documented nowhere).
STATUS_ONLY = Window(0, 1)
# From so many rows on, one row is asked first: it tells how large the rest is, and whether it can still change.
_MANY_ROWS, _MANY_ROWS_WHEN_SHORT = 20_000, 1_000
_NOT_KEPT = Lifetime(0)
_TASK_CENTER_PAGE = 100
_TASK_CENTER_PAGES = 10


class JobReads:
    """
    Reads jobs for one operation, `fresh` ones for who watches them; `passing` pages are not held and not kept.

    Every method raises UpstreamError.
    """

    def __init__(self, reader: Reader, directory: Directory, *, fresh: bool = False, passing: bool = False) -> None:
        self._reader = reader
        self._directory = directory
        self._settings = reader.runtime.settings
        # Whoever watches wants to see what is, not what was a moment ago.
        self._fresh = fresh
        # A whole result would drive everything else out of the store.
        self._passing = passing

    @property
    def list_limit(self) -> int:
        """How many jobs are asked of the job list of one graph."""
        return self._settings.service_job_list_limit

    async def on_management(self, graph: GraphKey, job_id: str) -> Job:
        """Return a job of the management plane, also when its graph is gone and only the task center has it."""
        graph_id = graph.graph_id
        if graph_id is None:
            try:
                graph_id = (await self._directory.record(graph)).graph_id
            except NotFoundError:
                return await self.in_history(graph, job_id)
        key = GraphKey(graph.project, graph_id=graph_id)
        await self._directory.admit(key)
        job = await self._management_status(JobRef(Plane.MANAGEMENT, key, job_id), graph_id)
        await self._directory.admit_named(key, job.graph_name)
        return job

    async def in_history(self, graph: GraphKey, job_id: str) -> Job:
        """Return a job of a graph that is gone, its name perhaps used again: only the task center still has it."""
        await self._directory.admit(GraphKey(graph.project, name=graph.name))
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
        read = await self._first_look(place, ref, parts.window(ref))
        job = replace(read.value.job, source=source_of(read, Plane.SERVICE))
        # Whether a status nobody knows is an end, only the list tells: by the time of it.
        if not parts.listing and job.status is not JobStatus.UNKNOWN:
            return job
        try:
            listed = await self.listed(place, 0, self._settings.service_job_list_limit)
        except UpstreamError as error:
            return replace(job, problems=(error,))
        return merged(job, (other for other in listed.value.jobs if other.job_id == job_id))

    async def rows(self, ref: JobRef, window: Window) -> RowPage:
        """Return one window of a job's rows. Raises ResultGoneError when the job is known but its rows are not."""
        place = await self._directory.place(ref.graph)
        if self._are_many(window) and (streamed := await self._streamed(place, ref, window)):
            return streamed
        try:
            read = (await self._status(place, ref, window)).value
        except BadUserInputError:
            # What GES says beyond the end is documented nowhere; how long the result is, it surely says.
            page = (await self._status(place, ref, STATUS_ONLY)).value.page if window.offset else None
            if page is None or page.total is None or window.offset < page.total:
                raise
            return RowPage(window, window.offset, (), page.total)
        if read.page is not None:
            return read.page
        if read.job.result is None:
            raise ResultGoneError("GES keeps no rows of this job any more.", plane=Plane.SERVICE)
        # There are values alone: clients that ask every result for its rows get a page without any.
        return RowPage(window, window.offset, (), None)

    async def listed(self, place: Place, offset: int, limit: int) -> Answer[JobsRead]:
        """Return one window of the job list of a graph."""
        read = service.ask_jobs(GraphKey(place.key.project, name=place.name), offset=offset, limit=limit)
        zone = self._settings.service_time_zone
        return await self._reader.ask(
            Reading(
                read,
                place.origin,
                lambda body: service.read_jobs(body, place.key, zone=zone),
                self._keep_list,
                fresh=self._fresh,
            )
        )

    async def in_task_center(self, project: str, read: Read) -> Answer[JobsRead]:
        """Return one window of the task center."""
        origin = self._directory.management_origin()
        return await self._reader.ask(
            Reading(read, origin, lambda body: management.read_jobs(body, project), self._keep_list, fresh=self._fresh)
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
            fresh=self._fresh,
        )
        answer = await self._reader.ask(reading)
        return replace(answer.value, source=source_of(answer, Plane.MANAGEMENT))

    async def _first_look(self, place: Place, ref: JobRef, window: Window | None) -> Answer[JobRead]:
        """Read the status, together with the rows asked for unless these are many or out of bounds."""
        if window is None or self._are_many(window):
            return await self._status(place, ref, STATUS_ONLY)
        try:
            return await self._status(place, ref, window)
        except BadUserInputError:
            if not window.offset:
                raise
            return await self._status(place, ref, STATUS_ONLY)

    def _are_many(self, window: Window) -> bool:
        return window.limit >= (_MANY_ROWS_WHEN_SHORT if self._reader.runtime.room.is_short else _MANY_ROWS)

    async def _streamed(self, place: Place, ref: JobRef, window: Window) -> RowPage | None:
        """Return a page that is written while it arrives, when it is large and can no longer change."""
        look = await self._status(place, ref, STATUS_ONLY)
        job, page = look.value.job, look.value.page
        if page is None or page.total is None or page.is_whole or job.result is None or not ended(job):
            return None
        expected = Expected(
            job.result.kind, job.result.rows_key or "", job.status, page.total, window, _size_of_first(page)
        )
        fits = expected.bytes <= self._settings.spool_max_bytes
        collected = fits and not (self._passing or self._reader.runtime.room.is_short)
        if collected and expected.bytes < SMALL_BODY_BYTES:
            return None
        keep = self._keep(ref, job) if look.immutable and not self._passing else _NOT_KEPT
        reading = self._reading(place, ref, window)
        rows = StreamedRows(self._reader, reading, expected, keep, collected=collected)
        return RowPage(window, window.offset, rows, page.total)

    async def _status(self, place: Place, ref: JobRef, window: Window) -> Answer[JobRead]:
        return await self._reader.ask(self._reading(place, ref, window))

    def _reading(self, place: Place, ref: JobRef, window: Window) -> Reading[JobRead]:
        asked = JobRef(ref.plane, GraphKey(ref.graph.project, name=place.name), ref.job_id)
        return Reading(
            service.ask_job(asked, window),
            place.origin,
            lambda body: service.read_job(body, ref, window),
            lambda read: self._keep(ref, read.job),
            resource=_resource(ref),
            shared=place.shared,
            probe=None if window == STATUS_ONLY else partial(service.ask_job, asked, STATUS_ONLY),
            fresh=self._fresh,
        )

    def _keep(self, ref: JobRef, job: Job) -> Lifetime:
        return self._reader.runtime.lifetimes.job(_resource(ref), job.status.name, is_terminal=_is_final(job))

    def _keep_list(self, read: JobsRead) -> Lifetime:
        return self._reader.runtime.lifetimes.job_list(any_running=not all(map(_is_final, read.jobs)))


def _is_final(job: Job) -> bool:
    """Tell whether an answer may be kept for longer. A word that nobody knows is not relied on, whatever ended."""
    return ended(job) and job.status is not JobStatus.UNKNOWN


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


def _size_of_first(page: RowPage) -> int:
    return len(page.rows.raws[0]) if isinstance(page.rows, HeldRows) and page.rows else 0


def _resource(ref: JobRef) -> tuple[str, ...]:
    return (ref.plane.name, ref.graph.project, ref.graph.graph_id or "", ref.graph.name or "", ref.job_id)
