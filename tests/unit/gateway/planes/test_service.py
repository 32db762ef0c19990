"""The service plane: what is asked, and what jobs its bodies make, in the dialects of all editions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from gateway.planes import service
from gateway.planes.read import Body, Read
from gateway.planes.records import JobRead, JobsRead
from schema.algorithm_result import AlgorithmResult, ResultValue
from schema.errors import NotFoundError, UpstreamFailedError, UpstreamMalformedError
from schema.ids import GraphKey, JobRef
from schema.import_detail import ImportFileKind
from schema.job import Job, JobFailure, JobKind, JobRequest, JobSource, JobStatus
from schema.page import Window
from schema.plane import Plane
from schema.rows import ResultKind
from schema.scalars import JSON, DateTime, Long

AT = datetime(2026, 3, 5, tzinfo=UTC)
GRAPH = GraphKey("p1", name="movies")
REF = JobRef(Plane.SERVICE, GRAPH, "j-1")
EAST = timezone(timedelta(hours=8))
BARE = Job(
    ref=REF,
    job_id="j-1",
    plane=Plane.SERVICE,
    kind=JobKind.OTHER,
    raw_kind=None,
    name="j-1",
    status=JobStatus.RUNNING,
    raw_status="running",
    progress_percent=None,
    started_at=None,
    ended_at=None,
    graph_name="movies",
    request=None,
    failure=None,
    import_detail=None,
    result=None,
    can_cancel=None,
    source=JobSource(plane=Plane.SERVICE, fetched_at=DateTime(AT), cached=False, immutable=False),
)


def body(content: object, status: int = 200) -> Body:
    """Make a body of JSON."""
    return Body(status, msgspec.json.encode(content), AT)


def read_job(content: object, status: int = 200, window: Window = Window(0, 10)) -> JobRead:  # noqa: B008 -- frozen
    """Read the status of one job."""
    return service.read_job(body(content, status), REF, window)


def listed(**members: object) -> Job:
    """Read a list of one running job with these members."""
    (job,) = service.read_jobs(
        body({"jobs": [{"jobId": "j-1", "status": "running", **members}]}), GRAPH, zone=EAST
    ).jobs
    return job


def requested(**members: object) -> JobRequest:
    """Read the request of a job with these members, which must be there."""
    request = listed(**members).request
    assert request is not None
    return request


def test_a_job_is_asked_with_exactly_the_window() -> None:
    read = service.ask_job(REF, Window(40, 20))
    assert read.target == "/ges/v1.0/p1/graphs/movies/jobs/j-1/status?offset=40&limit=20"
    assert read.carries_requests is False


def test_no_rows_are_asked_as_one() -> None:
    assert service.ask_job(REF, Window(0, 0)).params == (("offset", "0"), ("limit", "1"))


def test_the_job_list_carries_what_callers_submitted() -> None:
    assert service.ask_jobs(GRAPH, offset=5, limit=9) == Read(
        Plane.SERVICE,
        "p1",
        ("graphs", "movies", "jobs", "status"),
        (("offset", "5"), ("limit", "9")),
        carries_requests=True,
    )


def test_graphs_inside_an_instance_are_asked_for() -> None:
    assert service.ask_graphs("p1").target == "/ges/v1.0/p1/graphs"


def test_the_service_plane_is_not_asked_about_a_graph_without_name() -> None:
    nameless = GraphKey("p1", graph_id="g-1")
    with pytest.raises(ValueError, match="name"):
        service.ask_jobs(nameless, offset=0, limit=1)
    with pytest.raises(ValueError, match="name"):
        service.ask_job(replace(REF, graph=nameless), Window(0, 1))


@pytest.mark.parametrize("data", [{}, None])
def test_a_job_without_data_has_a_status_and_no_more(data: object) -> None:
    assert read_job({"status": "running", "data": data}) == JobRead(BARE, None)


def test_a_job_has_its_result_and_the_window_of_its_rows() -> None:
    read = read_job(
        {"status": "success", "data": {"outputs": {"pagerank": [{"a": 0.5}], "data_total_size": 7, "runtime": 1.5}}}
    )
    result = AlgorithmResult(
        ref=REF,
        algorithm=None,
        kind=ResultKind.VERTEX_VALUES,
        rows_key="pagerank",
        total_count=Long(7),
        values=[ResultValue(name="runtime", value=JSON(1.5))],
    )
    assert read.job == replace(BARE, status=JobStatus.SUCCEEDED, raw_status="success", result=result)
    assert read.page is not None
    assert (read.page.window, read.page.offset, read.page.total, len(read.page.rows)) == (Window(0, 10), 0, 7, 1)


def test_values_alone_have_no_page_and_no_count() -> None:
    read = read_job({"status": "success", "data": {"outputs": {"closeness": 0.8}}})
    assert read.page is None
    assert read.job.result is not None
    assert (read.job.result.kind, read.job.result.total_count) == (ResultKind.VALUES_ONLY, None)


def test_a_page_without_a_total_has_no_count() -> None:
    result = read_job({"status": "success", "data": {"vertices": ["a"], "data_return_size": 1}}).job.result
    assert result is not None
    assert result.total_count is None


REASON = JobFailure(
    message="Running algorithm [x] error: y",
    code="GES.8301",
    advice="Check the algorithm's name and its parameters.",
    retryable=False,
)


@pytest.mark.parametrize("more", [{}, {"status": "complete", "result": "failed"}, {"status": "running"}])
def test_an_algorithm_that_failed_is_data_even_as_an_http_error(more: dict[str, str]) -> None:
    job = read_job({"errorCode": "GES.8301", "errorMessage": "Running algorithm [x] error: y", **more}, 400).job
    assert job == replace(BARE, status=JobStatus.FAILED, raw_status=more.get("status"), failure=REASON)


def test_a_failure_told_in_a_good_answer_is_data() -> None:
    job = read_job({"errorCode": "GES.8301", "errorMessage": "Running algorithm [x] error: y", "status": "failed"}).job
    assert job == replace(BARE, status=JobStatus.FAILED, raw_status="failed", failure=REASON)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, JobStatus.SUCCEEDED),
        ({"result": "success"}, JobStatus.SUCCEEDED),
        ({"errorCode": "", "errorMessage": ""}, JobStatus.SUCCEEDED),
        ({"result": "failed"}, JobStatus.FAILED),
        ({"errorCode": "GES.8402"}, JobStatus.FAILED),
    ],
)
def test_complete_needs_a_look_at_the_rest(more: dict[str, str], status: JobStatus) -> None:
    assert read_job({"status": "complete", **more}).job.status is status


def test_a_job_is_told_from_a_missing_one() -> None:
    with pytest.raises(NotFoundError):
        read_job({"errorCode": "GES.8301", "errorMessage": "can not find job, jobId is  j-1"}, 400)


@pytest.mark.parametrize("status", [None, "", "odd"])
def test_an_unknown_status_is_unknown(status: object) -> None:
    job = read_job({"status": status, "data": {}}).job
    assert (job.status, job.raw_status) == (JobStatus.UNKNOWN, "odd" if status == "odd" else None)


@pytest.mark.parametrize("content", [{}, {"result": "success"}, {"jobs": []}, {"status": 5, "data": {}}])
def test_a_body_that_tells_of_no_job_is_malformed(content: object) -> None:
    with pytest.raises(UpstreamMalformedError, match="no job"):
        read_job(content)


def test_a_memory_edition_lists_times_progress_and_whether_it_can_stop() -> None:
    job = listed(
        taskType="Algorithm",
        canStop=True,
        progress="40",
        startTime="2026-03-02 09:53:10",
        endTime="",
        rawRequest='{"algorithmName":"pagerank","parameters":{"alpha":0.85}}',
    )
    assert job == replace(
        BARE,
        kind=JobKind.ALGORITHM,
        raw_kind="Algorithm",
        name="pagerank",
        progress_percent=40.0,
        started_at=DateTime(datetime(2026, 3, 2, 1, 53, 10, tzinfo=UTC)),
        can_cancel=True,
        request=JobRequest(
            command="Algorithm",
            path=None,
            algorithm="pagerank",
            body=JSON({"algorithmName": "pagerank", "parameters": {"alpha": 0.85}}),
            body_text='{"algorithmName":"pagerank","parameters":{"alpha":0.85}}',
        ),
    )


def test_a_database_edition_lists_the_original_call() -> None:
    url = "/ges/v1.0/p1/graphs/books/action?action_id=import-graph"
    job = listed(request={"command": "import_graph", "url": url, "rawRequest": ""})
    assert job == replace(
        BARE,
        kind=JobKind.IMPORT,
        raw_kind="import_graph",
        name="import_graph",
        graph_name="books",
        request=JobRequest(command="import_graph", path=url, algorithm=None, body=None, body_text=None),
    )


def test_an_older_body_is_an_object_and_its_text_is_kept_as_it_came() -> None:
    request = requested(request={"body": {"edgesetPath": "e.csv"}})
    assert request.body == JSON({"edgesetPath": "e.csv"})
    assert request.body_text == '{"edgesetPath":"e.csv"}'


def test_a_request_that_is_no_json_is_kept_as_text() -> None:
    request = requested(rawRequest="match (n) return n")
    assert (request.body, request.body_text, request.algorithm) == (None, "match (n) return n", None)


def test_a_large_request_stays_bytes_and_its_algorithm_is_read() -> None:
    text = '{"sources":[' + "[]," * 300 + '0],"algorithmName":"n_paths"}'
    request = requested(rawRequest=text)
    assert isinstance(request.body, msgspec.Raw)
    assert (bytes(request.body).decode(), request.algorithm) == (text, "n_paths")


@pytest.mark.parametrize("request_", [None, {}, "x", {"body": None, "command": None}])
def test_without_anything_asked_there_is_no_request(request_: object) -> None:
    assert listed(request=request_, rawRequest="") == BARE


def test_an_unknown_command_is_known_by_its_url() -> None:
    url = "/ges/v1.0/p1/graphs/movies/vertices/action?action_id=query"
    job = listed(request={"command": "strange", "url": url})
    assert (job.kind, job.raw_kind, job.name) == (JobKind.VERTEX_QUERY, "strange", "strange")


@pytest.mark.parametrize(
    ("progress", "percent"),
    [("0", 0.0), (0, 0.0), ("100", 100.0), ("101", None), (-1, None), ("x", None), (None, None)],
)
def test_progress_is_a_percentage_or_nothing(progress: object, percent: float | None) -> None:
    assert listed(progress=progress) == replace(BARE, progress_percent=percent)


@pytest.mark.parametrize(("can_stop", "can_cancel"), [(True, True), (False, False), ("true", True), (1, None)])
def test_what_can_stop_can_be_cancelled(can_stop: object, can_cancel: bool | None) -> None:
    assert listed(canStop=can_stop) == replace(BARE, can_cancel=can_cancel)


def test_files_are_listed_by_kind() -> None:
    detail = listed(
        files=[{"edgeFiles": [{"fileName": "e.csv"}]}, {"schemaFiles": [{"fileName": "s.xml"}]}]
    ).import_detail
    assert detail is not None
    assert [(file.kind, file.path) for file in detail.all_files] == [
        (ImportFileKind.SCHEMA, "s.xml"),
        (ImportFileKind.EDGE, "e.csv"),
    ]


def test_a_failed_entry_says_why_and_without_a_reason_says_that() -> None:
    assert listed(status="failed", failReason="bad source").failure == JobFailure(
        message="bad source", code=None, advice=None, retryable=None
    )
    assert listed(status="failed").failure == JobFailure(
        message="GES gives no reason.", code=None, advice=None, retryable=None
    )


def test_complete_in_a_list_looks_at_its_own_entry_only() -> None:
    content = {"jobs": [{"jobId": "a", "status": "complete"}, {"jobId": "b", "status": "complete", "result": "failed"}]}
    jobs = service.read_jobs(body({**content, "result": "success"}), GRAPH, zone=UTC).jobs
    assert [job.status for job in jobs] == [JobStatus.SUCCEEDED, JobStatus.FAILED]


@pytest.mark.parametrize(("key", "total"), [("totalCount", 12), ("jobCount", 12), ("count", None)])
def test_the_total_has_a_name_in_each_edition(key: str, total: int | None) -> None:
    assert service.read_jobs(body({"jobs": [], key: 12}), GRAPH, zone=UTC) == JobsRead([], total)


def test_an_id_is_read_in_either_spelling_and_an_entry_without_one_keeps_its_place() -> None:
    content = {"jobs": [{"job_id": "a"}, {"status": "running"}, None, {"jobId": "b"}], "totalCount": 4}
    jobs = service.read_jobs(body(content), GRAPH, zone=UTC).jobs
    assert [job.job_id for job in jobs] == ["a", "", "", "b"]
    assert [job.ref for job in jobs] == [replace(REF, job_id=job_id) for job_id in ("a", "", "", "b")]


@pytest.mark.parametrize("content", [{"jobs": None}, {"jobCount": 0}, {"result": "success"}])
def test_a_list_without_jobs_is_empty(content: object) -> None:
    assert service.read_jobs(body(content), GRAPH, zone=UTC).jobs == []


def test_a_list_that_failed_is_an_error() -> None:
    with pytest.raises(UpstreamFailedError):
        service.read_jobs(body({"jobs": [], "result": "failed"}), GRAPH, zone=UTC)


def test_a_body_that_is_no_list_is_malformed() -> None:
    with pytest.raises(UpstreamMalformedError):
        service.read_jobs(body({"data": {}}), GRAPH, zone=UTC)


def test_graphs_inside_an_instance_are_names() -> None:
    content = {
        "graphs": [{"graphName": "movies"}, {"graph_name": "books"}, {"idType": "hash"}, None],
        "result": "success",
    }
    assert service.read_graphs(body(content)) == ["movies", "books"]
    assert service.read_graphs(body({"result": "success"})) == []
    with pytest.raises(UpstreamMalformedError):
        service.read_graphs(body({}))
