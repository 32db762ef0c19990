"""The service plane as the sandbox plays it: strict about requests, two editions, jobs that end in every way."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.anyio
_ROOT = "/ges/v1.0/0f3c9a1e5b7d4c2688a0e1f2d3c4b5a6/graphs"
_SUPPLY = f"{_ROOT}/supply_chain/jobs"
_PAGERANK = f"{_SUPPLY}/5e9c0705-41d8-4b6a-93f0-27ac1d0e0005007740215/status"
_LIVE = f"{_SUPPLY}/5e9c072b-41d8-4b6a-93f0-27ac1d0e002b007740253/status"
_STAFF = f"{_ROOT}/hr_people/jobs/5e9c0760-41d8-4b6a-93f0-27ac1d0e0060007740306/status"
_MADE_UP = "5e9c07fa-41d8-4b6a-93f0-27ac1d0e00fa007740460"
_INSTANCE_ID = "91aa4c0d-77fe-4b28-9f03-e6b2d41807c5"


async def _refusal(ges: httpx.AsyncClient, path: str, token: str | None = "sandbox-token-all") -> tuple[int, Any]:
    ges.headers.pop("X-Auth-Token")
    reply = await ges.get(path, headers={} if token is None else {"X-Auth-Token": token})
    return reply.status_code, reply.json()["errorCode"]


async def _entry(ges: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    jobs = (await ges.get(f"{_SUPPLY}/status")).json()["jobs"]
    (entry,) = [job for job in jobs if job["jobId"].startswith(job_id)]
    assert isinstance(entry, dict)
    return entry


async def test_a_job_runs_and_ends_with_a_result(ges: httpx.AsyncClient, advance: Callable[[float], None]) -> None:
    """Nothing is there until it has ended."""
    assert (await ges.get(_LIVE)).json() == {"status": "pending"}
    advance(10)
    assert (await ges.get(_LIVE)).json() == {"status": "running", "data": {}}
    advance(30)
    ended = (await ges.get(_LIVE)).json()
    assert (ended["status"], ended["data"]["outputs"]["data_total_size"]) == ("success", 19)


async def test_progress_in_the_list_grows_and_only_then_ends(
    ges: httpx.AsyncClient, advance: Callable[[float], None]
) -> None:
    """As text; times are those of UTC+8 without saying so; it can be stopped until it has ended."""
    members = ("status", "progress", "startTime", "endTime", "canStop")
    told = []
    for seconds in (0, 25, 15):
        advance(seconds)
        entry = await _entry(ges, "5e9c072b")
        told.append(tuple(entry[member] for member in members))
    assert told == [
        ("pending", "0", "", "", True),
        ("running", "50", "2026-03-05 10:00:10", "", True),
        ("success", "100", "2026-03-05 10:00:10", "2026-03-05 10:00:40", False),
    ]


async def test_an_import_lists_its_files_with_microseconds(ges: httpx.AsyncClient) -> None:
    """Schema files count labels, not lines."""
    entry = await _entry(ges, "5e9c0704")
    (edges,), (schema,) = entry["files"][0]["edgeFiles"], entry["files"][2]["schemaFiles"]
    assert (edges["totalLines"], edges["successfulLines"], edges["failedLines"]) == (1000, 997, 3)
    assert edges["startTime"] == 1772589600000000
    assert schema["totalLabels"] == 4


async def test_a_failed_job_has_its_reason_in_the_list(ges: httpx.AsyncClient) -> None:
    """And others have none."""
    assert (await _entry(ges, "5e9c0701"))["failReason"].startswith("Running algorithm [shortest_path] error")
    assert "failReason" not in await _entry(ges, "5e9c0705")


async def test_a_job_list_is_paged_and_counted(ges: httpx.AsyncClient) -> None:
    """The count is of all pages, under another name in each edition."""
    memory = (await ges.get(f"{_SUPPLY}/status?offset=1&limit=2")).json()
    database = (await ges.get(f"{_ROOT}/authors/jobs/status?limit=2")).json()
    assert (len(memory["jobs"]), memory["jobCount"]) == (2, 50)
    assert (len(database["jobs"]), database["totalCount"], database["result"]) == (2, 3, "success")


async def test_each_graph_of_an_instance_has_its_own_jobs(ges: httpx.AsyncClient) -> None:
    """A job of one is not found in the other, and the edition says so in its own way."""
    (job, *_) = (await ges.get(f"{_ROOT}/authors/jobs/status")).json()["jobs"]
    assert (await ges.get(f"{_ROOT}/authors/jobs/{job['jobId']}/status")).status_code == 200
    other = await ges.get(f"{_ROOT}/citation_store/jobs/{job['jobId']}/status")
    assert (other.status_code, other.json()["result"]) == (400, "failed")


async def test_a_hundred_thousand_rows_come_in_pieces_with_their_length(ges: httpx.AsyncClient) -> None:
    """The same bytes whether written now or kept."""
    path = f"{_SUPPLY}/5e9c0706-41d8-4b6a-93f0-27ac1d0e0006007740216/status"
    first, second = await ges.get(path), await ges.get(path)
    assert int(first.headers["content-length"]) == len(first.content) > 15_000_000
    assert first.content == second.content
    assert first.json()["data"]["outputs"]["data_return_size"] == 100_000


async def test_a_million_rows_are_there_page_by_page(ges: httpx.AsyncClient) -> None:
    """The last one included."""
    path = f"{_SUPPLY}/5e9c0708-41d8-4b6a-93f0-27ac1d0e0008007740218/status?offset=999999&limit=100"
    outputs = (await ges.get(path)).json()["data"]["outputs"]
    assert (outputs["data_return_size"], outputs["data_total_size"]) == (1, 1_000_000)
    assert list(outputs["pagerank"][0]) == ["site-0999999"]


async def test_roles_make_two_bodies_of_one_job(ges: httpx.AsyncClient) -> None:
    """Who may not see a property does not get it, also when another caller's page is kept already."""
    properties = []
    for token in ("sandbox-token-all", "sandbox-token-restricted"):
        reply = await ges.get(_STAFF + "?limit=1", headers={"X-Auth-Token": token})
        properties.append(reply.json()["data"]["outputs"]["vertices"][0]["properties"])
    assert [sorted(seen) for seen in properties] == [["salary", "team"], ["team"]]


@pytest.mark.parametrize("token", [None, "somebody-else", "sandbox-token-expired"])
@pytest.mark.parametrize("path", ["", "/any/jobs/status", "/any/jobs/any/status"])
async def test_a_token_is_needed_for_everything(ges: httpx.AsyncClient, path: str, token: str | None) -> None:
    """As HTTP 400, unlike the other plane."""
    assert await _refusal(ges, _ROOT + path, token) == (400, "GES.8007")


@pytest.mark.parametrize("path", ["", "/hr_people/jobs/status", "/authors/jobs/any/status"])
async def test_a_token_without_rights_is_refused(ges: httpx.AsyncClient, path: str) -> None:
    """The token is good, only not for this graph."""
    assert await _refusal(ges, _ROOT + path, "sandbox-token-supply") == (400, "GES.8020")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{_ROOT}/nowhere/jobs/status", "GES.8402"),
        (f"{_ROOT}/3b0f6a52-9c1d-4e77-8a35-5d2c90e1f6ab/jobs/status", "GES.8402"),
        (f"{_ROOT}/{_INSTANCE_ID}/jobs/status", "GES.8000"),
        (f"{_SUPPLY}/{_MADE_UP}/status", "GES.8301"),
        (f"{_ROOT}/new_graph/jobs/status", "GES.7042"),
        (f"{_ROOT}/archived_store/jobs/status", "GES.7003"),
        (f"{_ROOT}/fraud_watch/jobs/any/status", "GES.7002"),
        ("/ges/v1.0/ffffffffffffffffffffffffffffffff/graphs", "GES.8005"),
    ],
)
async def test_what_is_not_there_is_said_with_its_code(ges: httpx.AsyncClient, path: str, code: str) -> None:
    """An id where the name is due is no graph; a graph that is not running says why."""
    assert await _refusal(ges, path) == (400, code)


@pytest.mark.parametrize("path", [f"{_SUPPLY}/status", _PAGERANK])
@pytest.mark.parametrize(
    "query",
    [
        *("offset=-1", "offset=x", "offset=1.0", "offset=%2B1", "offset=²", "offset=", "offset=" + "9" * 5000),
        *("limit=0", "limit=100001", "limit=-1", "limit=1&limit=1", "job_id=x", "status=running"),
    ],
)
async def test_a_request_that_ges_does_not_document_is_refused(ges: httpx.AsyncClient, path: str, query: str) -> None:
    """So that a wrong request fails in a test and not in production."""
    assert await _refusal(ges, f"{path}?{query}") == (400, "GES.8005")


async def test_the_list_of_inner_graphs_takes_no_parameters(ges: httpx.AsyncClient) -> None:
    """There is nothing to page."""
    assert await _refusal(ges, f"{_ROOT}?limit=1") == (400, "GES.8005")


async def test_headers_of_the_vendor_s_pages_are_accepted(ges: httpx.AsyncClient) -> None:
    """The pages call them mandatory; a reader sends them."""
    headers = {"X-Language": "en-us", "Content-Type": "application/json"}
    assert (await ges.get(_PAGERANK, headers=headers)).status_code == 200
