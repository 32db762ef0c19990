"""Faults: the error each becomes, what is data instead, and that nothing upstream wrote comes along."""

from datetime import UTC, datetime

import msgspec
import pytest

from gateway.planes import faults
from gateway.planes.read import Body
from schema.errors import UpstreamError
from schema.job import JobFailure, JobStatus
from schema.plane import Plane

AT = datetime(2026, 3, 5, tzinfo=UTC)
PROXY_PAGE = b"<html><h1>502 Bad Gateway</h1></html>"


def stated(code: str | None, message: str = "", **more: object) -> bytes:
    """Write an error as the service plane does."""
    return msgspec.json.encode({"errorCode": code, "errorMessage": message, **more})


def raised(
    status: int, content: bytes, plane: Plane = Plane.SERVICE, retry_after: float | None = None
) -> UpstreamError:
    """Return the error that a body becomes."""
    with pytest.raises(UpstreamError) as caught:
        faults.check(Body(status, content, AT, retry_after), plane)
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "message", "becomes", "retryable"),
    [
        (401, None, "", "UNAUTHENTICATED", False),
        (401, "GES.7000", "graph not found", "UNAUTHENTICATED", False),
        (400, "GES.8007", "Invalid token.", "UNAUTHENTICATED", False),
        (400, "GES.8006", "", "UNAUTHENTICATED", False),
        (400, "APIG.0301", "", "UNAUTHENTICATED", False),
        (400, "APIGW.0307", "", "UNAUTHENTICATED", False),
        (403, None, "", "FORBIDDEN", False),
        (403, "APIG.0302", "", "FORBIDDEN", False),
        (400, "GES.7041", "", "FORBIDDEN", False),
        (400, "GES.8020", "", "FORBIDDEN", False),
        (429, None, "", "RATE_LIMITED", True),
        (400, "APIG.0308", "", "RATE_LIMITED", True),
        (400, "GES.7007", "anything", "NOT_FOUND", False),
        (404, "GES.8301", "can not find job, jobId is  5e9", "NOT_FOUND", False),
        (400, "GES.8301", "CAN NOT  FIND JOB", "NOT_FOUND", False),
        (400, "GES.8301", "Running algorithm [x] error: y", "UPSTREAM_ERROR", False),
        (400, "GES.8301", "something else", "UPSTREAM_ERROR", False),
        (400, "GES.7000", "", "NOT_FOUND", False),
        (400, "GES.0016", "The resource is not found", "NOT_FOUND", False),
        (400, "GES.0016", "", "UPSTREAM_ERROR", False),
        (400, "GES.8402", "graph [nowhere] is not found", "NOT_FOUND", False),
        (400, "GES.8402", "algorithm failed", "UPSTREAM_ERROR", False),
        (400, "GES.8011", "graph : nowhere not exist", "NOT_FOUND", False),
        (400, "GES.8603", "graph : nowhere is not exist", "NOT_FOUND", False),
        (400, "GES.8000", "Graph [p-x] does not exist, please check project_id", "NOT_FOUND", False),
        (400, "GES.8000", "parameter format", "BAD_USER_INPUT", False),
        # A vertex that is missing is no missing graph.
        (400, "GES.8000", "In graph [x] the vertex 7 does not exist", "BAD_USER_INPUT", False),
        (400, "GES.8806", "Graph cannot be found", "NOT_FOUND", False),
        (400, "GES.7001", "", "GRAPH_NOT_RUNNING", False),
        (400, "GES.7002", "", "GRAPH_NOT_RUNNING", False),
        (400, "GES.7054", "", "GRAPH_NOT_RUNNING", False),
        (400, "GES.8303", "can not find job to cancel", "NOT_CANCELLABLE", False),
        (400, "GES.7008", "", "NOT_CANCELLABLE", False),
        (400, "GES.0001", "", "BAD_USER_INPUT", False),
        (400, "GES.8005", "", "BAD_USER_INPUT", False),
        (408, "GES.7005", "", "TIMEOUT", True),
        (400, "GES.7005", "", "TIMEOUT", True),
        (502, None, "", "PLANE_UNAVAILABLE", True),
        (503, "APIG.0613", "", "PLANE_UNAVAILABLE", True),
        (504, None, "", "PLANE_UNAVAILABLE", True),
        (500, "GES.8602", "", "PLANE_UNAVAILABLE", True),
        (400, "GES.7006", "", "UPSTREAM_ERROR", True),
        (400, "GES.8008", "", "UPSTREAM_ERROR", True),
        (500, "GES.8302", "", "UPSTREAM_ERROR", True),
        (500, None, "", "UPSTREAM_ERROR", True),
        (404, "APIG.0101", "", "UPSTREAM_ERROR", False),
        (404, None, "", "UPSTREAM_ERROR", False),
        (302, None, "", "UPSTREAM_ERROR", False),
        (400, "GES.9999", "", "UPSTREAM_ERROR", False),
    ],
)
def test_the_first_rule_that_matches_decides(
    status: int, code: str | None, message: str, becomes: str, retryable: bool
) -> None:
    error = raised(status, stated(code, message), retry_after=7.0)
    assert (error.problem_code.name, error.retryable) == (becomes, retryable)
    assert (error.plane, error.upstream_status, error.upstream_code) == (Plane.SERVICE, status, code)
    assert error.retry_after_seconds == 7.0


@pytest.mark.parametrize(
    ("status", "content", "becomes", "code"),
    [
        (400, b'{"error_code": "GES.7007", "error_msg": "m"}', "NOT_FOUND", "GES.7007"),
        (400, b'{"errorCode": "GES.7007", "errorMessage": "m"}', "NOT_FOUND", "GES.7007"),
        (400, b'{"errCode": "GES.0001", "externalMessage": "m"}', "BAD_USER_INPUT", "GES.0001"),
        (401, b'{"error_code": "APIG.0307", "error_msg": "m", "request_id": "r"}', "UNAUTHENTICATED", "APIG.0307"),
        (400, b'{"errorCode": "GES.8007", "errorMessage": "m", "result": "failed"}', "UNAUTHENTICATED", "GES.8007"),
        (400, b'{"errorCode": "GES.8007", "status": "complete"}', "UNAUTHENTICATED", "GES.8007"),
        (200, b'{"results": [], "errors": [{"code": "GES.8007", "message": "m"}]}', "UNAUTHENTICATED", "GES.8007"),
        (400, b'{"results": [], "errors": {"code": "GES.8904"}}', "UPSTREAM_ERROR", "GES.8904"),
        (200, b'{"errors": [{"code": "GES.8301", "message": "can not find job"}]}', "NOT_FOUND", "GES.8301"),
        (401, b'{"error": {"code": 401, "message": "m", "title": "t"}}', "UNAUTHENTICATED", None),
        (400, b'{"error": {"code": 400, "encoded_authorization_message": "m"}}', "UPSTREAM_ERROR", None),
        (400, b'{"code": "APIG.0308", "message": "m"}', "RATE_LIMITED", "APIG.0308"),
        (200, b'{"result": "failed"}', "UPSTREAM_ERROR", None),
        (502, PROXY_PAGE, "PLANE_UNAVAILABLE", None),
        (500, b"", "UPSTREAM_ERROR", None),
        (200, PROXY_PAGE, "UPSTREAM_MALFORMED", None),
        (204, b"", "UPSTREAM_MALFORMED", None),
    ],
)
def test_every_form_of_an_error_is_read(status: int, content: bytes, becomes: str, code: str | None) -> None:
    error = raised(status, content)
    assert (error.problem_code.name, error.upstream_code) == (becomes, code)


@pytest.mark.parametrize(
    "content",
    [
        b'{"errorCode": "GES.8301", "errorMessage": "can not find job"}',
        b'{"errorCode": "GES.7005"}',
        b'{"errorCode": 8301}',
        b'{"errorCode": "weird"}',
    ],
)
def test_an_error_code_without_a_status_is_a_fault_whatever_http_says(content: bytes) -> None:
    assert raised(200, content).upstream_status == 200


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b'{"errorCode": "", "errorMessage": ""}',
        b'{"errorCode": null, "errors": [], "error": null}',
        b'{"errorCode": "0", "code": 200, "message": "ok"}',
        b'{"errorCode": 0}',
        b'{"errorCode": false}',
        b'{"errorCode": {}}',
        b'{"code": "ok"}',
        b'{"result": "success"}',
        b'{"status": "failed", "errorCode": "GES.8402"}',
        b'{"status": "running", "result": "failed"}',
    ],
)
def test_what_states_no_fault_passes(content: bytes) -> None:
    assert set(faults.check(Body(200, content, AT), Plane.MANAGEMENT)) == {
        name.casefold() for name in msgspec.json.decode(content)
    }


def test_a_blank_status_is_no_status() -> None:
    assert raised(200, b'{"status": " ", "errorCode": "GES.7007"}').problem_code.name == "NOT_FOUND"


def test_an_error_says_nothing_that_upstream_wrote() -> None:
    content = stated("secret-code", "token MIIabc of http://10.0.0.1/v2 is bad", request="MIIabc")
    error = raised(400, content, Plane.MANAGEMENT)
    assert error.message == "The management plane failed."
    assert error.upstream_code is None
    assert error.extensions == {
        "code": "UPSTREAM_ERROR",
        "plane": "MANAGEMENT",
        "upstreamStatus": 400,
        "retryable": False,
    }


def test_a_huge_message_is_searched_at_its_start_only() -> None:
    assert raised(400, stated("GES.8402", "graph [" * 300_000)).problem_code.name == "UPSTREAM_ERROR"
    assert raised(400, stated("GES.8301", "x" * 3000 + "can not find job")).problem_code.name == "UPSTREAM_ERROR"


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (400, stated("GES.8301", "Running algorithm [x] error: y")),
        (200, stated("GES.8301", "Unknown algorithm name: x")),
        (400, stated("GES.8301", "Unknown algorithm name: x", status="complete", result="failed")),
        (400, stated("GES.8402", "bad", status="complete", result="failed")),
        (400, stated("GES.8005", "bad", status="failed")),
        (400, b'{"status": "complete", "result": "failed"}'),
        (200, b'{"status": "complete", "result": "failed"}'),
        (200, stated("GES.8020", "no right to a label", status="failed")),
        (200, stated("GES.7005", "the engine was away", status="failed")),
        (200, stated("GES.8301", "can not find job", status="running")),
        (200, b'{"status": "success", "errorCode": ""}'),
    ],
)
def test_what_says_how_a_job_ended_is_data_to_who_asks_for_it(status: int, content: bytes) -> None:
    faults.check_job(Body(status, content, AT), Plane.SERVICE)


@pytest.mark.parametrize(
    ("status", "content", "becomes"),
    [
        (400, stated("GES.8301", "can not find job, jobId is x", status="complete", result="failed"), "NOT_FOUND"),
        (200, stated("GES.8301", "can not find job, jobId is x", status="complete"), "NOT_FOUND"),
        (400, stated("GES.8007", "Invalid token", status="complete", result="failed"), "UNAUTHENTICATED"),
        (400, stated("GES.8020", "", status="complete"), "FORBIDDEN"),
        (429, stated("APIG.0308", "", status="failed"), "RATE_LIMITED"),
        (400, stated("GES.7001", "", status="complete"), "GRAPH_NOT_RUNNING"),
        (500, stated("GES.8302", "", status="failed"), "UPSTREAM_ERROR"),
        (400, stated("GES.8402", "bad", status="running"), "UPSTREAM_ERROR"),
        (400, stated("GES.8402", "bad", status="success"), "UPSTREAM_ERROR"),
        (400, stated("GES.8402", "bad"), "UPSTREAM_ERROR"),
        (401, stated("GES.8301", "Running algorithm [x] error: y"), "UNAUTHENTICATED"),
        (302, stated("GES.8301", "Running algorithm [x] error: y"), "UPSTREAM_ERROR"),
        (500, stated("GES.8301", "Running algorithm [x] error: y"), "UPSTREAM_ERROR"),
        (200, b'{"result": "failed"}', "UPSTREAM_ERROR"),
    ],
)
def test_errors_about_the_asking_are_errors_beside_any_status(status: int, content: bytes, becomes: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        faults.check_job(Body(status, content, AT), Plane.SERVICE)
    assert caught.value.problem_code.name == becomes


@pytest.mark.parametrize(
    ("status", "content", "failed"),
    [
        (400, stated("GES.8301", "Running algorithm [x] error: y"), True),
        (400, stated("GES.8301", "Running algorithm [x] error: y", status="running"), True),
        (200, stated("GES.8301", "Running algorithm [x] error: y"), True),
        (200, stated("GES.8301", "Running algorithm [x] error: y", status="success"), False),
        (400, stated("GES.8402", "bad", status="complete"), False),
        (200, b'{"status": "success"}', False),
    ],
)
def test_a_job_is_known_to_have_failed_without_a_status_word(status: int, content: bytes, failed: bool) -> None:
    answer = Body(status, content, AT)
    assert faults.is_failed_job(answer, faults.check_job(answer, Plane.SERVICE)) is failed


@pytest.mark.parametrize(
    ("status", "content", "failure"),
    [
        (
            JobStatus.FAILED,
            {"failreason": "no room", "errormessage": "other"},
            JobFailure(message="no room", code=None, advice=None, retryable=None),
        ),
        (
            JobStatus.FAILED,
            {"errormessage": "broke", "errorcode": "GES.7006"},
            JobFailure(
                message="broke",
                code="GES.7006",
                advice="The engine met an internal error: try again later.",
                retryable=True,
            ),
        ),
        (
            JobStatus.PARTIALLY_FAILED,
            {"errorcode": "GES.8402"},
            JobFailure(
                message="GES gives no reason.",
                code="GES.8402",
                advice="Check the algorithm's parameters; vertices they name must exist in the graph.",
                retryable=False,
            ),
        ),
        (
            JobStatus.FAILED,
            {"failreason": " ", "errorcode": "odd"},
            JobFailure(message="GES gives no reason.", code=None, advice=None, retryable=None),
        ),
        (JobStatus.PARTIALLY_FAILED, {}, None),
        (JobStatus.SUCCEEDED, {"failreason": "left over"}, None),
        (JobStatus.UNKNOWN, {"errorcode": "GES.8402"}, None),
    ],
)
def test_a_failure_says_why_and_what_helps(
    status: JobStatus, content: dict[str, object], failure: JobFailure | None
) -> None:
    members = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in content.items()}
    assert faults.read_failure(members, status) == failure
