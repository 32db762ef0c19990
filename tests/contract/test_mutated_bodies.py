"""
Bodies that nobody documents: every known one, broken in a few places. Whatever arrives, the readers answer or raise
one of our errors, never claim a state that the body does not state, and what they answer can be written as JSON.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.planes import management, service
from gateway.planes.read import Body
from gateway.planes.records import GraphRecord, GraphsRead, JobRead, JobsRead
from gateway.planes.redact import redact_body
from gateway.planes.rows import Rows
from schema.algorithm_result import RowPage
from schema.errors import UpstreamError
from schema.ids import GraphKey, JobRef, graph_id_of, job_id_of
from schema.job import Job, JobStatus, ended
from schema.page import Window
from schema.plane import Plane

BODIES = {path.name: path.read_bytes() for path in sorted((Path(__file__).parent.parent / "bodies").glob("*.json"))}
AT = datetime(2026, 3, 5, tzinfo=UTC)
GRAPH = GraphKey("p1", name="movies")
MANAGEMENT_JOB = JobRef(Plane.MANAGEMENT, GraphKey("p1", graph_id="g-1"), "j-1")
SERVICE_JOB = JobRef(Plane.SERVICE, GRAPH, "j-1")
WINDOWS = [Window(0, 0), Window(0, 1), Window(1, 2), Window(4, 100_000), Window(2**31 - 1, 1)]

ODD_VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2**63, -(2**70), 1e308, 0.1, "", " ", "x", "图", "-1", "0", "NaN", "1e999"),
    *([], {}, [[]], [None], [{}], [[[["x"]]]], {"a": {"b": [1]}}, ["success"], "success", "Complete ", "failed"),
    *("cancelled", "partFailed", "waiting", "exploded", "GES.8301", "can not find job", "Running algorithm"),
    *("2026-13-45T99:99:99", "0001-01-01 00:00:00", 1772415301120000, "../../x", "a" * 300, "http://[x"),
    *({"source": 1, "target": None}, {"id": 1.5}, [1, "a", None], {"v": [0.5, None]}, {"v": "Infinity"}, "{", "[NaN]"),
]
ODD_NAMES = ["status", "result", "errorCode", "error_code", "data", "outputs", "jobs", "vertices", "path", "paths"]
ODD_NAMES += ["errors", "error", "code", "data_total_size", "data_offset", "job_id", "request", "rawRequest", "extra"]
SCARS = [b"NaN", b"Infinity", b"1e999", b"\\ud800", b"\xff", b"\x00", b"[[[[", b"}}", b'"', b"9" * 400]
# What must be written in a body for a job of it to be said to be in a state.
WORDS = {
    JobStatus.PENDING: {"pending", "waiting"},
    JobStatus.RUNNING: {"running"},
    JobStatus.SUCCEEDED: {"success", "complete"},
    JobStatus.PARTIALLY_FAILED: {"partiallyfailed", "partfailed"},
    JobStatus.FAILED: {"failed", "complete"},
    JobStatus.CANCELLED: {"cancel", "canceled", "cancelled"},
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the path of every value inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


@st.composite
def broken_objects(draw: st.DrawFn) -> bytes:
    """Take a body and remove, replace or add a few members."""
    value = deepcopy(msgspec.json.decode(draw(st.sampled_from(list(BODIES.values())))))
    for _ in range(draw(st.integers(1, 4))):
        *path, last = draw(st.sampled_from([place for place in places(value) if place] or [("extra",)]))
        holder = value
        for key in path:
            holder = holder[key]
        match draw(st.sampled_from(["remove", "replace", "add"])):
            case "remove" if last in holder or isinstance(holder, list):
                del holder[last]
            case "add" if isinstance(holder, dict):
                holder[draw(st.sampled_from(ODD_NAMES))] = deepcopy(draw(st.sampled_from(ODD_VALUES)))
            case _:
                holder[last] = deepcopy(draw(st.sampled_from(ODD_VALUES)))
    return msgspec.json.encode(value)


@st.composite
def broken_bytes(draw: st.DrawFn) -> bytes:
    """Take a body and cut it short, or write something into it."""
    content = draw(st.sampled_from(list(BODIES.values())))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.sampled_from([start, start, start + 1, start + 8, len(content)]))
        content = content[:start] + draw(st.sampled_from([*SCARS, b"", b"null"])) + content[end:]
    return content


@st.composite
def broken_values(draw: st.DrawFn) -> bytes:
    """Take a body and put a token that only lenient writers know where a value was."""
    content = draw(st.sampled_from(list(BODIES.values())))
    starts = [position for position in range(len(content)) if content[position : position + 2] == b": "]
    start = draw(st.sampled_from(starts or [0]))
    end = min(position for position in range(start, len(content) + 1) if content[position : position + 1] in b",\n")
    return content[:start] + b": " + draw(st.sampled_from(SCARS)) + content[end:]


@st.composite
def answers(draw: st.DrawFn) -> Body:
    """Give a broken body with some HTTP status."""
    content = draw(st.one_of(broken_objects(), broken_bytes(), broken_values()))
    return Body(draw(st.sampled_from([200, 200, 200, 201, 204, 302, 400, 400, 401, 404, 500, 502])), content, AT)


def check_written(*values: object) -> None:
    """Check that values can be written as JSON that everyone reads."""
    json.loads(msgspec.json.encode(values).decode(), parse_int=str)


def check_page(page: RowPage) -> None:
    """Check that rows can be looked at, numbered and written."""
    assert 0 <= page.offset < 2**31
    assert page.total is None or 0 <= page.total < 2**54
    assert isinstance(page.rows, Rows)
    rows = list(page.rows)
    assert [row.index for row in rows] == list(range(page.offset, page.offset + len(rows)))
    assert len(rows) <= page.window.limit
    check_written(page.has_next, *map(vars, rows))


def says_failed(body: Body) -> bool:
    """Tell whether an error alone says that the job failed."""
    return body.status in (200, 201, 204, 400, 404) and b"GES.8301" in body.content


def check_job(job: Job, body: Body) -> None:
    """Check that a job says nothing that its body does not, and that it can be written."""
    word = (job.raw_status or "").strip().casefold()
    if job.status is JobStatus.UNKNOWN:
        known = set().union(*WORDS.values())
        assert word not in known or (
            job.plane is Plane.MANAGEMENT and word in {"complete"} | WORDS[JobStatus.CANCELLED]
        )
    elif job.status is not JobStatus.FAILED or word:
        assert word in WORDS[job.status] or (job.status is JobStatus.FAILED and says_failed(body))
    else:
        assert says_failed(body)
    if job.status is JobStatus.FAILED and word == "complete":
        assert (
            b"rror" in body.content or b"rrCode" in body.content or b"failed" in body.content or b"code" in body.content
        )
    assert job.failure is None or job.status in (JobStatus.FAILED, JobStatus.PARTIALLY_FAILED)
    assert job.progress_percent is None or 0 <= job.progress_percent <= 100
    if job.import_detail:
        check_written(vars(job.import_detail.totals()), *map(vars_of_file, job.import_detail.files()))
    check_written(job_id_of(job.ref), job.name, job.raw_kind, job.graph_name, job.raw_status, ended(job))
    check_written(job.started_at, job.ended_at, vars(job.request) if job.request else None)
    check_written(vars(job.failure) if job.failure else None)
    if job.result:
        check_written(*map(vars, job.result.values), job.result.total_count)


def vars_of_file(file: object) -> dict[str, Any]:
    """Return the fields of a file, its enumerations as their names."""
    return {name: getattr(value, "name", value) for name, value in vars(file).items()}


def check_graph(graph: GraphRecord) -> None:
    """Check that a graph can be named and written."""
    check_written(graph_id_of(GraphKey("p1", graph_id=graph.graph_id, name=graph.name)), graph.status_code)
    check_written(graph.addresses, graph.enable_https, graph.enable_rbac, graph.created_at)


def check_read(read: object, body: Body) -> None:
    """Check whatever a reader answered."""
    match read:
        case Job():
            check_job(read, body)
        case JobRead(job=job, page=page):
            check_job(job, body)
            assert (page is None) == (job.result is None or job.result.rows_key is None)
            if page:
                check_page(page)
        case JobsRead(jobs=jobs, total=total):
            check_written(total)
            for job in jobs:
                check_job(job, body)
        case GraphRecord():
            check_graph(read)
        case GraphsRead(graphs=graphs, total=total):
            check_written(total)
            for graph in graphs:
                check_graph(graph)
        case _:
            check_written(read)


READERS: list[Callable[[Body, Window], object]] = [
    lambda body, window: service.read_job(body, SERVICE_JOB, window),
    lambda body, _: service.read_jobs(body, GRAPH, zone=timezone(timedelta(hours=8))),
    lambda body, _: service.read_graphs(body),
    lambda body, _: management.read_job(body, MANAGEMENT_JOB),
    lambda body, _: management.read_jobs(body, "p1"),
    lambda body, _: management.read_graphs(body),
    lambda body, _: management.read_graph(body),
]


@settings(max_examples=600)
@given(body=answers(), window=st.sampled_from(WINDOWS))
def test_a_broken_body_is_read_or_refused_and_never_claims_what_it_does_not_say(body: Body, window: Window) -> None:
    for reader in READERS:
        try:
            read = reader(body, window)
        except UpstreamError:
            continue
        check_read(read, body)


@settings(max_examples=300)
@given(body=answers())
def test_redaction_takes_any_bytes_and_leaves_a_good_body_readable(body: Body) -> None:
    redacted = redact_body(body.content)
    assert redact_body(redacted) == redacted
    try:
        msgspec.json.decode(body.content)
    except ValueError:
        return
    msgspec.json.decode(redacted)


@given(depth=st.integers(1, 3000), opening=st.sampled_from(["[", '{"a":', '[{"id":', '{"vertices":[']))
def test_nesting_of_any_depth_is_read_or_refused(depth: int, opening: str) -> None:
    closing = "".join({"[": "]", "{": "}"}[sign] for sign in reversed(opening) if sign in "[{")
    nested = opening * depth + "1" + closing * depth
    for content in (f'{{"status":"success","data":{nested}}}', f'{{"jobs":[{{"request":{{"body":{nested}}}}}]}}'):
        body = Body(200, content.encode(), AT)
        for reader in READERS:
            try:
                check_read(reader(body, Window(0, 10)), body)
            except UpstreamError:
                continue
        redact_body(content.encode())
