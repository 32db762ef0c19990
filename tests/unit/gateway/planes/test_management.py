"""The management plane: what is asked, and what jobs and graphs its bodies make."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from gateway.planes import management
from gateway.planes.read import Body, Read
from gateway.planes.records import GraphRecord, GraphsRead, JobsRead
from schema.errors import NotFoundError, UpstreamMalformedError
from schema.graph import GraphEdition
from schema.ids import GraphKey, JobRef
from schema.job import Job, JobFailure, JobKind, JobSource, JobStatus
from schema.plane import Plane
from schema.scalars import DateTime

AT = datetime(2026, 3, 5, tzinfo=UTC)
REF = JobRef(Plane.MANAGEMENT, GraphKey("p1", graph_id="g-1"), "j-1")
BARE = Job(
    ref=REF,
    job_id="j-1",
    plane=Plane.MANAGEMENT,
    kind=JobKind.OTHER,
    raw_kind=None,
    name="j-1",
    status=JobStatus.RUNNING,
    raw_status="running",
    progress_percent=None,
    started_at=None,
    ended_at=None,
    graph_name=None,
    request=None,
    failure=None,
    import_detail=None,
    result=None,
    can_cancel=None,
    source=JobSource(plane=Plane.MANAGEMENT, fetched_at=DateTime(AT), cached=False, immutable=False),
)


def body(content: object, status: int = 200) -> Body:
    """Make a body of JSON."""
    return Body(status, msgspec.json.encode(content), AT)


def read_job(**members: object) -> Job:
    """Read a running job with these members."""
    return management.read_job(body({"status": "running", **members}), REF)


def read_graph(**members: object) -> GraphRecord:
    """Read a graph with these members."""
    return management.read_graph(body({"graph": {"id": "g-1", "name": "movies", **members}}))


def test_one_job_is_asked_by_the_id_of_its_graph() -> None:
    read = management.ask_job("p1", "g-1", "j-1")
    assert read == Read(Plane.MANAGEMENT, "p1", ("graphs", "g-1", "jobs", "j-1", "status"))
    assert read.target == "/v2/p1/graphs/g-1/jobs/j-1/status"


def test_the_task_center_is_asked_for_a_window() -> None:
    assert management.ask_jobs("p1", offset=20, limit=10).target == "/v2/p1/graphs/jobs?offset=20&limit=10"


def test_the_task_center_is_asked_with_its_own_words_and_days() -> None:
    read = management.ask_jobs(
        "p1",
        offset=0,
        limit=1,
        status=JobStatus.PENDING,
        graph_name="movies",
        started_from=date(2026, 3, 1),
        started_before=date(2026, 3, 9),
    )
    assert read.target == (
        "/v2/p1/graphs/jobs?offset=0&limit=1&status=waiting&graph_name=movies&start_time=2026-03-01&end_time=2026-03-09"
    )


@pytest.mark.parametrize("status", [JobStatus.CANCELLED, JobStatus.UNKNOWN])
def test_a_status_without_a_filter_is_not_asked_for(status: JobStatus) -> None:
    assert management.ask_jobs("p1", offset=0, limit=1, status=status) == management.ask_jobs("p1", offset=0, limit=1)


def test_graphs_are_asked_for_a_window_or_by_id() -> None:
    assert management.ask_graphs("p1", offset=0, limit=100).target == "/v2/p1/graphs?offset=0&limit=100"
    assert management.ask_graph("p1", "g-1").target == "/v2/p1/graphs/g-1"


def test_the_oldest_body_is_a_status_and_no_more() -> None:
    assert read_job() == BARE


def test_a_job_is_read_in_either_spelling() -> None:
    new = read_job(
        job_name="ImportGraph", related_graph="movies", begin_time="2026-03-02T01:15:07", end_time="2026-03-02T01:16:41"
    )
    old = read_job(
        jobName="ImportGraph", relatedGraph="movies", beginTime="2026-03-02T01:15:07", endTime="2026-03-02T01:16:41"
    )
    assert new == replace(
        BARE,
        kind=JobKind.IMPORT,
        raw_kind="ImportGraph",
        name="ImportGraph",
        graph_name="movies",
        started_at=DateTime(datetime(2026, 3, 2, 1, 15, 7, tzinfo=UTC)),
        ended_at=DateTime(datetime(2026, 3, 2, 1, 16, 41, tzinfo=UTC)),
    )
    assert old == new


def test_the_name_of_a_task_may_be_a_list() -> None:
    assert read_job(jobName=["ImportGraph"]) == replace(
        BARE, kind=JobKind.IMPORT, raw_kind="ImportGraph", name="ImportGraph"
    )
    assert read_job(jobName=[]) == BARE


@pytest.mark.parametrize(
    ("progress", "percent"), [(0, None), (0.5, 0.5), ("40", 40.0), (100, 100.0), (101, None), (-1, None), (None, None)]
)
def test_the_reserved_progress_is_shown_only_when_it_says_something(progress: object, percent: float | None) -> None:
    assert read_job(job_progress=progress) == replace(BARE, progress_percent=percent)


def test_a_failed_job_says_why() -> None:
    job = read_job(status="failed", fail_reason="no room")
    assert job.failure == JobFailure(message="no room", code=None, advice=None, retryable=None)


@pytest.mark.parametrize(
    ("status", "raw_status"),
    [("complete", "complete"), ("odd", "odd"), (None, None), ("", None)],
)
def test_an_unknown_status_keeps_its_word(status: object, raw_status: str | None) -> None:
    job = read_job(status=status, job_id="j-1")
    assert (job.status, job.raw_status) == (JobStatus.UNKNOWN, raw_status)


@pytest.mark.parametrize("status", [7, ["success"], {"word": "success"}, True])
def test_a_status_that_is_no_word_is_malformed(status: object) -> None:
    with pytest.raises(UpstreamMalformedError, match="no job"):
        read_job(status=status, job_id="j-1")


def test_files_are_read_from_the_detail() -> None:
    detail = read_job(job_detail={"schema_path": None, "edgeset_path": [{"path": "e.csv"}]}).import_detail
    assert detail is not None
    assert [file.path for file in detail.all_files] == ["e.csv"]


@pytest.mark.parametrize("content", [{}, {"graph": {}}, {"id": "x", "name": "y"}, {"job_list": []}])
def test_a_body_that_tells_of_no_job_is_malformed(content: object) -> None:
    with pytest.raises(UpstreamMalformedError, match="no job"):
        management.read_job(body(content), REF)


def test_a_fault_is_raised() -> None:
    fault = body({"error_code": "GES.8301", "error_msg": "can not find job, jobId is j-1"}, 400)
    for read in (
        lambda: management.read_job(fault, REF),
        lambda: management.read_jobs(fault, "p1"),
        lambda: management.read_graphs(fault),
        lambda: management.read_graph(fault),
    ):
        with pytest.raises(NotFoundError):
            read()


def test_the_task_center_names_graphs_and_counts_all_jobs() -> None:
    read = management.read_jobs(
        body({"job_count": 23, "job_list": [{"job_id": "j-1", "status": "running", "related_graph": "movies"}]}), "p1"
    )
    ref = JobRef(Plane.MANAGEMENT, GraphKey("p1", name="movies"), "j-1")
    assert read == JobsRead([replace(BARE, ref=ref, graph_name="movies")], 23)


@pytest.mark.parametrize("content", [{"jobCount": 0, "jobList": None}, {"job_count": 0}, {"job_list": []}])
def test_a_task_center_without_jobs_may_say_so_in_several_ways(content: dict[str, Any]) -> None:
    assert management.read_jobs(body(content), "p1").jobs == []


@pytest.mark.parametrize("content", [{}, {"graphs": []}, {"job_list": "x"}])
def test_a_body_that_is_no_task_center_is_malformed(content: object) -> None:
    with pytest.raises(UpstreamMalformedError):
        management.read_jobs(body(content), "p1")


@pytest.mark.parametrize("entry", [None, {}, {"job_id": "../x"}, {"job_id": "图", "related_graph": "图"}, 5])
def test_an_entry_that_cannot_be_identified_keeps_its_place(entry: object) -> None:
    jobs = management.read_jobs(body({"job_list": [entry, {"job_id": "j-2"}]}), "p1").jobs
    assert [job.job_id for job in jobs] == ["", "j-2"]
    assert jobs[0].ref == JobRef(Plane.MANAGEMENT, GraphKey("p1"), "")
    assert (jobs[0].status, jobs[0].name) == (JobStatus.UNKNOWN, "")


def test_a_graph_is_read_with_all_its_addresses_once() -> None:
    assert read_graph(
        status="200",
        product_type="InMemory",
        private_ip="192.168.0.1",
        traffic_ip_list=["192.168.0.2", " 192.168.0.1 ", None, ""],
        public_ip="203.0.113.4",
        enable_https=True,
        enable_rbac="false",
        created="2026-01-10T06:30:00",
    ) == GraphRecord(
        graph_id="g-1",
        name="movies",
        edition=GraphEdition.MEMORY,
        status_code="200",
        is_running=True,
        addresses=("192.168.0.1", "192.168.0.2", "203.0.113.4"),
        enable_https=True,
        enable_rbac=False,
        created_at=DateTime(datetime(2026, 1, 10, 6, 30, tzinfo=UTC)),
    )


def test_a_graph_may_say_nothing_but_who_it_is() -> None:
    assert read_graph() == GraphRecord("g-1", "movies", GraphEdition.UNKNOWN, None, False, (), None, None, None)


@pytest.mark.parametrize(
    ("public_ip", "addresses"),
    [
        ({"eip_id": "e-1", "public_ip": "203.0.113.4"}, ("203.0.113.4",)),
        ({"eip_id": "e-1", "eip": "203.0.113.4"}, ("203.0.113.4",)),
        ({"eip_id": "e-1"}, ()),
        ({}, ()),
        (5, ()),
        (None, ()),
    ],
)
def test_a_public_address_may_be_an_object(public_ip: object, addresses: tuple[str, ...]) -> None:
    assert read_graph(public_ip=public_ip).addresses == addresses


@pytest.mark.parametrize(
    ("status", "code", "is_running"),
    [
        ("200", "200", True),
        (202, "202", True),
        ("204", "204", True),
        (" 205 ", "205", True),
        ("201", "201", False),
        ("900", "900", False),
        ("running", "running", False),
        ("", None, False),
        (True, None, False),
        ({}, None, False),
    ],
)
def test_a_graph_runs_while_the_console_shows_its_jobs(status: object, code: str | None, is_running: bool) -> None:
    graph = read_graph(status=status)
    assert (graph.status_code, graph.is_running) == (code, is_running)


def test_an_old_service_tells_the_edition_by_the_size() -> None:
    assert read_graph(graph_size_type_index="6").edition is GraphEdition.DATABASE
    assert read_graph(graph_size_type_index=2).edition is GraphEdition.MEMORY


def test_graphs_are_listed_and_counted_and_one_without_identity_is_left_out() -> None:
    listed = [{"id": "g-1", "name": "movies"}, {"id": "g-2"}, {"name": "books"}, None, {"id": "g/3", "name": "x"}]
    assert management.read_graphs(body({"graph_count": 9, "graphs": listed})) == GraphsRead([read_graph()], 9)
    assert management.read_graphs(body({"graphCount": 0})) == GraphsRead([], 0)


@pytest.mark.parametrize("content", [{}, {"graph": None}, {"graph": {"id": "g-1"}}, {"graphs": []}, {"graph": []}])
def test_a_body_that_is_no_graph_is_malformed(content: object) -> None:
    with pytest.raises(UpstreamMalformedError, match="no graph"):
        management.read_graph(body(content))
