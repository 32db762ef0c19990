"""The management plane: reads of `/v2` and what their bodies mean, in V1's camelCase spelling as well."""

from __future__ import annotations

from datetime import UTC, date

import msgspec

from gateway.planes import bodies, faults, values, words
from gateway.planes.files import read_files
from gateway.planes.read import Body, Read
from gateway.planes.records import GraphRecord, GraphsRead, JobsRead
from gateway.planes.values import Members
from schema.ids import GraphKey, JobRef
from schema.job import Job, JobSource, JobStatus
from schema.plane import Plane
from schema.scalars import DateTime

_PLANE = Plane.MANAGEMENT
# Where an elastic address is an object, its text is under one of these.
_ADDRESS_MEMBERS = ("publicip", "eip", "address", "ip")


def ask_job(project: str, graph_id: str, job_id: str) -> Read:
    """Describe the read of one job."""
    return Read(_PLANE, project, ("graphs", graph_id, "jobs", job_id, "status"))


def read_job(body: Body, ref: JobRef) -> Job:
    """Build the job. The oldest deployments answer nothing but a status."""
    row = faults.check(body, _PLANE)
    if not row.keys() & {"status", "jobid"} or not values.is_text_or_null(row.get("status", values.NULL)):
        raise bodies.malformed(body, _PLANE, "job")
    return _job(row, ref, body)


def ask_jobs(
    project: str,
    *,
    offset: int,
    limit: int,
    status: JobStatus | None = None,
    graph_name: str | None = None,
    started_from: date | None = None,
    started_before: date | None = None,
) -> Read:
    """Describe the read of one window of the task center. A status it has no filter for is not asked for."""
    params = {
        "offset": str(offset),
        "limit": str(limit),
        "status": words.STATUS_FILTERS.get(status) if status else None,
        "graph_name": graph_name,
        "start_time": started_from.isoformat() if started_from else None,
        "end_time": started_before.isoformat() if started_before else None,
    }
    given = tuple((name, value) for name, value in params.items() if value is not None)
    return Read(_PLANE, project, ("graphs", "jobs"), given)


def read_jobs(body: Body, project: str) -> JobsRead:
    """Build the jobs of the task center, which names their graphs but does not identify them."""
    members = faults.check(body, _PLANE)
    rows = bodies.listed(body, _PLANE, members, "joblist", beside=("jobcount",))
    jobs = [_listed_job(row, project, body) for row in rows]
    bodies.require_some(body, _PLANE, jobs, [job for job in jobs if job.job_id], "list of jobs")
    return JobsRead(jobs, values.count(values.get(members, "jobcount")))


def ask_graphs(project: str, *, offset: int, limit: int) -> Read:
    """Describe the read of one window of the project's graphs."""
    return Read(_PLANE, project, ("graphs",), (("offset", str(offset)), ("limit", str(limit))))


def read_graphs(body: Body) -> GraphsRead:
    """Build the graphs of a project; one without a usable id or name identifies nothing and is left out."""
    members = faults.check(body, _PLANE)
    rows = bodies.listed(body, _PLANE, members, "graphs", beside=("graphcount",))
    records = [record for row in rows if (record := _graph(row))]
    bodies.require_some(body, _PLANE, rows, records, "list of graphs")
    return GraphsRead(records, values.count(values.get(members, "graphcount")))


def ask_graph(project: str, graph_id: str) -> Read:
    """Describe the read of one graph."""
    return Read(_PLANE, project, ("graphs", graph_id))


def read_graph(body: Body) -> GraphRecord:
    """Build one graph."""
    members = faults.check(body, _PLANE)
    record = _graph(values.folded_members(members.get("graph")))
    if record is None:
        raise bodies.malformed(body, _PLANE, "graph")
    return record


def _listed_job(row: Members, project: str, body: Body) -> Job:
    # An entry without a usable id keeps its place: lists are paged by position.
    job_id = values.ident(values.get(row, "jobid")) or ""
    graph = GraphKey(project, name=values.ident(values.get(row, "relatedgraph")))
    return _job(row, JobRef(_PLANE, graph, job_id), body)


def _job(row: Members, ref: JobRef, body: Body) -> Job:
    raw_status = values.get_text(row, "status")
    status = words.read_status(raw_status, _PLANE)
    raw_kind = _task_name(row)
    return Job(
        ref=ref,
        job_id=ref.job_id,
        plane=_PLANE,
        kind=words.read_kind(raw_kind),
        raw_kind=raw_kind,
        name=raw_kind or ref.job_id,
        status=status,
        raw_status=raw_status,
        progress_percent=_progress(row),
        started_at=values.moment(values.get(row, "begintime"), UTC),
        ended_at=values.moment(values.get(row, "endtime"), UTC),
        graph_name=values.get_text(row, "relatedgraph") or ref.graph.name,
        request=None,
        failure=faults.read_failure(row, status),
        import_detail=read_files([values.folded_members(row.get("jobdetail"))]),
        result=None,
        can_cancel=None,
        source=JobSource(plane=_PLANE, fetched_at=DateTime(body.fetched_at), cached=False, immutable=False),
    )


def _task_name(row: Members) -> str | None:
    name = values.get(row, "jobname")
    # V1 documents the name as a list, though its example shows a text.
    return values.text(name[0] if isinstance(name, list) and name else name)


def _progress(row: Members) -> float | None:
    # Documented as reserved, and 0 in every example.
    progress = values.number(values.get(row, "jobprogress"))
    return progress if progress is not None and 0 < progress <= 100 else None


def _graph(row: Members) -> GraphRecord | None:
    graph_id, name = values.ident(values.get(row, "id")), values.ident(values.get(row, "name"))
    if graph_id is None or name is None:
        return None
    code = values.get(row, "status")
    status_code = str(code).strip() if isinstance(code, str | int) and not isinstance(code, bool) else None
    return GraphRecord(
        graph_id=graph_id,
        name=name,
        edition=words.read_edition(
            values.get_text(row, "producttype"), values.ident(values.get(row, "graphsizetypeindex"))
        ),
        status_code=status_code or None,
        is_running=status_code in words.RUNNING_GRAPH,
        addresses=_addresses(row),
        enable_https=values.truth(values.get(row, "enablehttps")),
        enable_rbac=values.truth(values.get(row, "enablerbac")),
        created_at=values.moment(values.get(row, "created"), UTC),
    )


def _addresses(row: Members) -> tuple[str, ...]:
    """Return where the graph may be reached, once each: floating, then physical, then public addresses."""
    traffic = values.items_of(row.get("trafficiplist", values.NULL))
    listed = (_address(raw) for raw in (row.get("privateip"), *traffic, row.get("publicip")))
    return tuple(dict.fromkeys(address for address in listed if address))


def _address(raw: msgspec.Raw | None) -> str | None:
    if raw is None:
        return None
    inner = values.folded_members(raw)
    found = values.get_text(inner, *_ADDRESS_MEMBERS) if inner else values.text(values.plain(raw))
    return found.strip() if found else None
