"""
The service plane: reads of `/ges/v1.0` and what their bodies mean, for all editions and ages.

The editions differ by which members they give, so each member is read where it is found and no edition is asked for.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import tzinfo
from http import HTTPStatus

import msgspec

from gateway.planes import bodies, faults, values, words
from gateway.planes.cutting import Cut, CutRows, cut_rows
from gateway.planes.files import read_files
from gateway.planes.read import Body, Read
from gateway.planes.records import JobRead, JobsRead
from gateway.planes.results import Result, read_result
from gateway.planes.transcode import HeldRows
from gateway.planes.values import Members
from gateway.planes.words import Submission
from schema.algorithm_result import AlgorithmResult
from schema.ids import GraphKey, JobRef
from schema.job import Job, JobKind, JobRequest, JobSource, JobStatus
from schema.page import Window
from schema.plane import Plane
from schema.scalars import JSON, DateTime, Long

_PLANE = Plane.SERVICE
_NOWHERE = Submission("", None, JobKind.OTHER)


def ask_job(ref: JobRef, window: Window) -> Read:
    """Describe the read of one job's status and one window of its rows. What `limit=0` does is documented nowhere."""
    params = (("offset", str(window.offset)), ("limit", str(max(1, window.limit))))
    return Read(_PLANE, ref.graph.project, ("graphs", _name(ref.graph), "jobs", ref.job_id, "status"), params)


def read_job(body: Body, ref: JobRef, window: Window) -> JobRead:
    """Build the job; rows are left in the body until they are asked for. Its kind and times only the list knows."""
    cut = cut_rows(body.content) if body.status == HTTPStatus.OK else None
    if cut is not None and (read := _joined(_read_job(replace(body, content=cut.rest), ref, window), cut)):
        return read
    return _read_job(body, ref, window)


def _joined(read: JobRead, cut: Cut) -> JobRead | None:
    """Return what was read of the rest of a body, with all its rows; None when the rows are not as they should be."""
    result, page = read.job.result, read.page
    if result is None or page is None or not isinstance(page.rows, HeldRows):
        return None
    if page.is_whole or result.rows_key != cut.key:
        return None
    given = sum(run.rows for run in cut.runs)
    rows = CutRows(cut, HeldRows(cut.kind, page.rows.raws, page.offset + given), page.offset)
    if len(rows) > page.window.limit:
        return None
    total = None if page.total is None else max(page.total, page.offset + len(rows))
    job = replace(read.job, result=replace(result, kind=cut.kind))
    return JobRead(job, replace(page, rows=rows, total=total))


def _read_job(body: Body, ref: JobRef, window: Window) -> JobRead:
    row = faults.check_job(body, _PLANE)
    if faults.is_failed_job(body, row):
        status = JobStatus.FAILED
    elif row.keys() & {"status", "data"} and values.is_text_or_null(row.get("status", values.NULL)):
        status = words.read_status(values.get(row, "status"), _PLANE, failed=faults.has_failed(row))
    else:
        raise bodies.malformed(body, _PLANE, "job")
    result = read_result(row.get("data", values.NULL), window)
    job = Job(
        ref=ref,
        job_id=ref.job_id,
        plane=_PLANE,
        kind=JobKind.OTHER,
        raw_kind=None,
        name=ref.job_id,
        status=status,
        raw_status=values.get_text(row, "status"),
        progress_percent=None,
        started_at=None,
        ended_at=None,
        graph_name=ref.graph.name,
        request=None,
        failure=faults.read_failure(row, status),
        import_detail=None,
        result=_algorithm_result(result, ref) if result else None,
        can_cancel=None,
        source=_source(body),
    )
    return JobRead(job, result.page if result else None)


def ask_jobs(graph: GraphKey, *, offset: int, limit: int) -> Read:
    """Describe the read of one window of a graph's job list, which repeats what callers once submitted."""
    params = (("offset", str(offset)), ("limit", str(limit)))
    segments = ("graphs", _name(graph), "jobs", "status")
    return Read(_PLANE, graph.project, segments, params, carries_requests=True)


def read_jobs(body: Body, graph: GraphKey, *, zone: tzinfo) -> JobsRead:
    """Build the jobs of one graph's list; its times are the local time of the deployment, `zone`."""
    members = faults.check(body, _PLANE)
    rows = bodies.listed(body, _PLANE, members, "jobs", beside=("jobcount", "totalcount", "result"))
    total = values.count(values.get(members, "totalcount", "jobcount"))
    jobs = [_listed_job(row, graph, zone, body) for row in rows]
    bodies.require_some(body, _PLANE, jobs, [job for job in jobs if job.job_id], "list of jobs")
    return JobsRead(jobs, total)


def ask_graphs(project: str) -> Read:
    """Describe the read of the graphs inside a database instance."""
    return Read(_PLANE, project, ("graphs",))


def read_graphs(body: Body) -> list[str]:
    """Return the names of the graphs inside a database instance."""
    rows = bodies.listed(body, _PLANE, faults.check(body, _PLANE), "graphs", beside=("result",))
    names = [name for row in rows if (name := values.ident(values.get(row, "graphname")))]
    bodies.require_some(body, _PLANE, rows, names, "list of graphs")
    return names


def _listed_job(row: Members, graph: GraphKey, zone: tzinfo, body: Body) -> Job:
    # An entry without a usable id keeps its place: lists are paged by position.
    job_id = values.ident(values.get(row, "jobid")) or ""
    submitted = values.folded_members(row.get("request"))
    url = values.get_text(submitted, "url")
    submission = words.read_submission(url) if url else _NOWHERE
    raw_kind = values.get_text(submitted, "command") or values.get_text(row, "tasktype")
    kind = words.read_kind(raw_kind)
    request = _request(row, submitted, raw_kind, submission.path or None)
    status = words.read_status(values.get(row, "status"), _PLANE, failed=faults.has_failed(row))
    return Job(
        ref=JobRef(_PLANE, graph, job_id),
        job_id=job_id,
        plane=_PLANE,
        kind=submission.kind if kind is JobKind.OTHER else kind,
        raw_kind=raw_kind,
        name=(request.algorithm if request else None) or raw_kind or job_id,
        status=status,
        raw_status=values.get_text(row, "status"),
        progress_percent=_progress(row),
        started_at=values.moment(values.get(row, "starttime"), zone),
        ended_at=values.moment(values.get(row, "endtime"), zone),
        graph_name=submission.graph_name or graph.name,
        request=request,
        failure=faults.read_failure(row, status),
        import_detail=read_files(map(values.folded_members, values.items_of(row.get("files", values.NULL)))),
        result=None,
        can_cancel=values.truth(values.get(row, "canstop")),
        source=_source(body),
    )


def _request(row: Members, submitted: Members, command: str | None, path: str | None) -> JobRequest | None:
    """Read what was submitted: JSON text here or under `request`, or in older editions an object."""
    text = values.get_text(submitted, "rawrequest") or values.get_text(row, "rawrequest")
    content = values.embedded(text) if text else _body(submitted)
    if text is None and content is not None:
        text = bytes(content).decode()
    if not (command or path or text):
        return None
    return JobRequest(
        command=command,
        path=path,
        algorithm=values.get_text(values.folded_members(content), "algorithmname"),
        body=None if content is None else JSON(values.passed_through(content)),
        body_text=text,
    )


def _body(submitted: Members) -> msgspec.Raw | None:
    content = submitted.get("body", values.NULL)
    return None if content == values.NULL else content


def _progress(row: Members) -> float | None:
    progress = values.number(values.get(row, "progress"))
    return progress if progress is not None and 0 <= progress <= 100 else None


def _algorithm_result(result: Result, ref: JobRef) -> AlgorithmResult:
    total = result.page.total if result.page else None
    return AlgorithmResult(
        ref=ref,
        algorithm=None,
        kind=result.kind,
        rows_key=result.rows_key,
        total_count=None if total is None else Long(total),
        values=result.values,
    )


def _source(body: Body) -> JobSource:
    return JobSource(plane=_PLANE, fetched_at=DateTime(body.fetched_at), cached=False, immutable=False)


def _name(graph: GraphKey) -> str:
    if graph.name is None:
        raise ValueError("The service plane knows graphs by name only.")
    return graph.name
