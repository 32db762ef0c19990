"""Every upstream body we know of, read by the reader it belongs to, against what a person reads in it."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.planes import faults, management, service
from gateway.planes.read import Body
from gateway.planes.records import GraphRecord
from gateway.planes.redact import redact_body
from gateway.planes.rows import Rows
from schema.errors import UpstreamError
from schema.ids import GraphKey, JobRef, job_id_of, read_job_id
from schema.job import Job
from schema.page import Window
from schema.plane import Plane
from schema.rows import ResultRow
from tests.contract import bodies_expected
from tests.contract.bodies_expected import Listed, Refused, Status

BODIES = Path(__file__).parent.parent / "bodies"
AT = datetime(2026, 3, 5, tzinfo=UTC)
GRAPH = GraphKey("p1", name="asked")
MANAGEMENT_JOB = JobRef(Plane.MANAGEMENT, GraphKey("p1", graph_id="g-1"), "asked")
SERVICE_JOB = JobRef(Plane.SERVICE, GRAPH, "asked")
TABLES: list[dict[str, Any]] = [
    bodies_expected.MANAGEMENT_JOBS,
    bodies_expected.TASK_CENTERS,
    bodies_expected.GRAPHS,
    bodies_expected.GRAPH_LISTS,
    bodies_expected.INSTANCES,
    bodies_expected.SERVICE_LISTS,
    bodies_expected.STATUSES,
    bodies_expected.REFUSED,
    bodies_expected.NOT_READ,
]


def body(name: str, status: int = 200) -> Body:
    """Load a body as GES sends it."""
    return Body(status, (BODIES / name).read_bytes(), AT)


def seen(job: Job, job_id: str) -> Listed:
    """Return what a job says, under the id its body gives."""
    detail = job.import_detail
    files = None
    if detail is not None:
        files = tuple(
            (file.path, file.status, file.total_lines, file.failed_lines, file.successful_lines)
            for file in detail.all_files
        )
    return Listed(
        job_id,
        job.status,
        job.kind,
        job.name,
        job.graph_name,
        job.started_at,
        job.ended_at,
        job.failure.message if job.failure else None,
        job.progress_percent,
        files,
    )


def described(graph: GraphRecord) -> tuple[object, ...]:
    """Return what a graph says but when it was created, which is the same in all bodies."""
    assert graph.created_at == datetime(2026, 1, 10, 6, 30, tzinfo=UTC)
    return (
        graph.graph_id,
        graph.name,
        graph.edition,
        graph.status_code,
        graph.is_running,
        graph.addresses,
        graph.enable_https,
        graph.enable_rbac,
    )


def said(row: ResultRow) -> tuple[object, ...]:
    """Return the fields of a row that are its own, bytes read."""
    fields = [value for name, value in vars(row).items() if name not in ("index", "raw")]
    return tuple(msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value for value in fields)


def test_every_body_stands_in_exactly_one_table() -> None:
    """A new body fails here until somebody says what it means."""
    assert sorted(name for table in TABLES for name in table) == sorted(path.name for path in BODIES.glob("*.json"))


@pytest.mark.parametrize(("name", "expected"), bodies_expected.MANAGEMENT_JOBS.items())
def test_a_management_job_is_read(name: str, expected: Listed) -> None:
    """One job, under the ref it was asked by."""
    job = management.read_job(body(name), MANAGEMENT_JOB)
    assert (job.ref, job.job_id, job.plane) == (MANAGEMENT_JOB, "asked", Plane.MANAGEMENT)
    assert seen(job, expected.job_id) == expected


@pytest.mark.parametrize(("name", "expected"), bodies_expected.TASK_CENTERS.items())
def test_a_task_center_is_read(name: str, expected: tuple[int, tuple[Listed, ...]]) -> None:
    """Jobs in upstream's order, graphs by name, the number of all."""
    read = management.read_jobs(body(name), "p1")
    assert (read.total, tuple(seen(job, job.job_id) for job in read.jobs)) == expected
    assert [job.ref.graph for job in read.jobs] == [GraphKey("p1", name=job.graph_name) for job in read.jobs]


@pytest.mark.parametrize(("name", "expected"), bodies_expected.GRAPHS.items())
def test_a_graph_is_read(name: str, expected: tuple[object, ...]) -> None:
    """One graph, with where it may be reached."""
    assert described(management.read_graph(body(name))) == expected


@pytest.mark.parametrize(("name", "expected"), bodies_expected.GRAPH_LISTS.items())
def test_a_list_of_graphs_is_read(name: str, expected: tuple[int, tuple[object, ...]]) -> None:
    """Graphs in upstream's order and the number of all."""
    read = management.read_graphs(body(name))
    assert (read.total, tuple(map(described, read.graphs))) == expected


@pytest.mark.parametrize(("name", "expected"), bodies_expected.INSTANCES.items())
def test_the_graphs_inside_an_instance_are_read(name: str, expected: list[str]) -> None:
    """Their names."""
    assert service.read_graphs(body(name)) == expected


@pytest.mark.parametrize(("name", "expected"), bodies_expected.SERVICE_LISTS.items())
def test_a_job_list_of_the_service_plane_is_read(name: str, expected: tuple[int | None, tuple[Listed, ...]]) -> None:
    """Both dialects, times as local time; every job can be asked for by its id."""
    read = service.read_jobs(body(name), GRAPH, zone=timezone(timedelta(hours=8)))
    assert (read.total, tuple(seen(job, job.job_id) for job in read.jobs)) == expected
    assert [read_job_id(job_id_of(job.ref)) for job in read.jobs] == [job.ref for job in read.jobs]


@pytest.mark.parametrize(("name", "expected"), bodies_expected.STATUSES.items())
def test_a_status_of_the_service_plane_is_read(name: str, expected: Status) -> None:
    """Where the job stands, its rows and its values."""
    read = service.read_job(body(name, expected.http), SERVICE_JOB, Window(0, 100))
    job, page, result = read.job, read.page, read.job.result
    assert (
        Status(
            job.status,
            job.raw_status,
            result.kind if result else None,
            result.rows_key if result else None,
            page.offset if page else None,
            page.total if page else None,
            tuple(map(said, page.rows)) if page and isinstance(page.rows, Rows) else (),
            tuple((value.name, value.value) for value in result.values) if result else (),
            (job.failure.message, job.failure.code) if job.failure else None,
            expected.http,
        )
        == expected
    )
    assert (result.total_count if result else None) == expected.total


@pytest.mark.parametrize(("name", "expected"), bodies_expected.REFUSED.items())
def test_a_fault_becomes_its_error(name: str, expected: Refused) -> None:
    """Whoever asks for a job, a list or a graph meets the same error."""
    answer = body(name, expected.http)
    for check in (faults.check, faults.check_job):
        with pytest.raises(UpstreamError) as caught:
            check(answer, expected.plane)
        error = caught.value
        assert (error.plane, error.upstream_status) == (expected.plane, expected.http)
        assert (error.problem_code, error.upstream_code) == (expected.code, expected.upstream_code)
        assert error.retryable is expected.retryable


@pytest.mark.parametrize("name", bodies_expected.NOT_READ)
def test_a_good_answer_to_something_else_is_no_fault(name: str) -> None:
    """It passes the check; no reader takes it for a job of its own."""
    for plane in Plane:
        faults.check(body(name), plane)


@pytest.mark.parametrize("name", sorted(path.name for path in BODIES.glob("*.json")))
def test_redaction_changes_nothing_where_nothing_is_secret(name: str) -> None:
    """Only the answer to logging in speaks of a token."""
    content = (BODIES / name).read_bytes()
    if name == "iam-token-created.json":
        assert redact_body(content) == b'{"token":"***"}'
    else:
        assert msgspec.json.decode(redact_body(content)) == msgspec.json.decode(content)
