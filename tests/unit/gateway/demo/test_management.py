"""The management plane as the sandbox plays it: strict about requests, honest about filters, in UTC."""

from collections.abc import Callable

import httpx
import pytest

pytestmark = pytest.mark.anyio
_ROOT = "/v2/0f3c9a1e5b7d4c2688a0e1f2d3c4b5a6/graphs"
_SUPPLY = f"{_ROOT}/3b0f6a52-9c1d-4e77-8a35-5d2c90e1f6ab"
_HR = f"{_ROOT}/d24c7b10-5e3f-4a91-b6c8-0f1e2d3c4b5a"


async def _refusal(ges: httpx.AsyncClient, path: str, token: str | None = "sandbox-token-all") -> tuple[int, str]:
    ges.headers.pop("X-Auth-Token")
    reply = await ges.get(path, headers={} if token is None else {"X-Auth-Token": token})
    return reply.status_code, reply.json()["error_code"]


async def _ids(ges: httpx.AsyncClient, query: str) -> list[str]:
    reply = await ges.get(f"{_ROOT}/jobs?{query}")
    assert reply.status_code == 200
    return [job["job_id"].removeprefix("8a1f").lstrip("0") for job in reply.json()["job_list"]]


async def test_graphs_are_paged_and_counted(ges: httpx.AsyncClient) -> None:
    """The count is of all pages."""
    reply = (await ges.get(f"{_ROOT}?offset=2&limit=2")).json()
    assert reply["graph_count"] == 6
    assert [graph["name"] for graph in reply["graphs"]] == ["citation_store", "hr_people"]


async def test_graphs_are_where_the_request_came_in(ges: httpx.AsyncClient) -> None:
    """So that discovery leads back to the sandbox; a graph being created has no address."""
    graphs = {graph["name"]: graph for graph in (await ges.get(_ROOT)).json()["graphs"]}
    assert graphs["supply_chain"]["private_ip"] == "192.168.10.21:8090"
    assert graphs["supply_chain"]["traffic_ip_list"] == ["192.168.10.21:8090"]
    assert graphs["citation_store"]["private_ip"] == "192.168.10.21:8090"
    assert "private_ip" not in graphs["new_graph"]


async def test_graphs_tell_edition_state_and_roles(ges: httpx.AsyncClient) -> None:
    """What a gateway decides by."""
    graphs = (await ges.get(_ROOT)).json()["graphs"]
    members = ("name", "product_type", "status", "enable_rbac", "enable_https")
    assert [tuple(graph[member] for member in members) for graph in graphs] == [
        ("supply_chain", "InMemory", "200", False, False),
        ("fraud_watch", "InMemory", "903", False, True),
        ("citation_store", "Persistence", "200", False, False),
        ("hr_people", "InMemory", "200", True, False),
        ("archived_store", "InMemory", "900", False, False),
        ("new_graph", "InMemory", "100", False, False),
    ]


async def test_one_graph_is_shown_as_in_the_list(ges: httpx.AsyncClient) -> None:
    """The same object, one level down."""
    (first,) = (await ges.get(f"{_ROOT}?limit=1")).json()["graphs"]
    assert (await ges.get(_SUPPLY)).json() == {"graph": first}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("limit=3", ["8", "200003", "4"]),
        ("limit=2&offset=1", ["200003", "4"]),
        ("offset=1000", []),
        ("status=waiting&limit=2", ["8", "200003"]),
        ("status=running", ["5", "9"]),
        ("status=partiallyFailed", ["3"]),
        ("graph_name=old_demo", ["7", "13"]),
        ("graph_name=old", []),
        ("end_time=2026-02-24", ["d", "e", "f", "10", "11", "12", "13"]),
        ("start_time=2026-03-01&end_time=2026-03-02", ["1", "7"]),
        ("start_time=2026-03-05&status=failed", ["200002", "200001"]),
    ],
)
async def test_the_task_center_honours_its_filters(ges: httpx.AsyncClient, query: str, ids: list[str]) -> None:
    """Newest first, by whole days."""
    assert await _ids(ges, query) == ids


async def test_the_task_center_counts_all_that_match(ges: httpx.AsyncClient) -> None:
    """Not only the page."""
    reply = (await ges.get(f"{_ROOT}/jobs?graph_name=supply_chain&status=success&limit=1")).json()
    assert (reply["job_count"], len(reply["job_list"])) == (4, 1)


async def test_an_import_fails_halfway_while_one_watches(
    ges: httpx.AsyncClient, advance: Callable[[float], None]
) -> None:
    """Queued, then loading file after file, then failed with a reason."""
    path = f"{_SUPPLY}/jobs/8a1f{8:028x}/status"
    queued = (await ges.get(path)).json()
    assert (queued["status"], "begin_time" in queued, "job_detail" in queued) == ("pending", False, False)
    advance(42)
    running = (await ges.get(path)).json()
    assert (running["status"], running["begin_time"], running["end_time"]) == ("running", "2026-03-05T02:00:10", None)
    assert running["job_detail"]["edgeset_path"] is None
    assert len(running["job_detail"]["vertexset_path"]) == 1
    advance(28)
    failed = (await ges.get(path)).json()
    assert (failed["status"], failed["end_time"]) == ("failed", "2026-03-05T02:01:10")
    assert [file["status"] for file in failed["job_detail"]["edgeset_path"]] == ["success", "failed"]
    assert failed["fail_reason"].startswith("Import of sc-data/edges/broken.csv failed")


async def test_counts_that_an_old_engine_does_not_report_are_minus_one(ges: httpx.AsyncClient) -> None:
    """And a kind of file that was not imported is null."""
    detail = (await ges.get(f"{_SUPPLY}/jobs/8a1f{2:028x}/status")).json()["job_detail"]
    assert detail["edgeset_path"][0]["total_lines"] == -1
    assert detail["vertexset_path"] is None


@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        (None, (401, "APIG.0301")),
        ("somebody-else", (401, "APIG.0301")),
        ("sandbox-token-expired", (401, "APIG.0307")),
    ],
)
@pytest.mark.parametrize("path", ["", "/jobs", "/any-graph", "/any-graph/jobs/any-job/status"])
async def test_a_token_is_needed_for_everything(
    ges: httpx.AsyncClient, path: str, token: str | None, refusal: tuple[int, str]
) -> None:
    """Before anything else is looked at."""
    assert await _refusal(ges, _ROOT + path, token) == refusal


async def test_a_token_without_rights_is_refused_and_sees_no_more(ges: httpx.AsyncClient) -> None:
    """Another graph is refused by code, and lists leave it out."""
    ges.headers["X-Auth-Token"] = "sandbox-token-supply"
    assert [graph["name"] for graph in (await ges.get(_ROOT)).json()["graphs"]] == ["supply_chain"]
    jobs = (await ges.get(f"{_ROOT}/jobs?limit=100")).json()["job_list"]
    assert {job["related_graph"] for job in jobs} == {"supply_chain"}
    assert (await ges.get(_SUPPLY)).status_code == 200
    assert await _refusal(ges, _HR, "sandbox-token-supply") == (400, "GES.7041")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{_ROOT}/supply_chain", "GES.7000"),
        (f"{_ROOT}/supply_chain/jobs/8a1f{1:028x}/status", "GES.7000"),
        (f"{_SUPPLY}/jobs/8a1f{999:028x}/status", "GES.8301"),
        (f"{_HR}/jobs/8a1f{1:028x}/status", "GES.8301"),
        ("/v2/ffffffffffffffffffffffffffffffff/graphs", "GES.0016"),
    ],
)
async def test_what_is_not_there_is_said_with_its_code(ges: httpx.AsyncClient, path: str, code: str) -> None:
    """A name where the id is due is no graph; a job is in its own graph only."""
    assert await _refusal(ges, path) == (400, code)


@pytest.mark.parametrize(
    "path",
    [
        *(f"{_ROOT}?offset=-1", f"{_ROOT}?limit=0", f"{_ROOT}?limit=101", f"{_ROOT}?limit=ten", f"{_ROOT}?limit="),
        *(f"{_ROOT}?limit=1&limit=2", f"{_ROOT}?marker=x", f"{_SUPPLY}?offset=0"),
        *(f"{_ROOT}/jobs?status=pending", f"{_ROOT}/jobs?status=", f"{_ROOT}/jobs?graphName=supply_chain"),
        *(f"{_ROOT}/jobs?start_time=20260301", f"{_ROOT}/jobs?end_time=2026-03-01T00:00:00"),
        *(f"{_ROOT}/jobs?end_time=2026-02-30", f"{_ROOT}/jobs?offset=" + "9" * 5000),
        f"{_SUPPLY}/jobs/8a1f{1:028x}/status?limit=1",
    ],
)
async def test_a_request_that_ges_does_not_document_is_refused(ges: httpx.AsyncClient, path: str) -> None:
    """So that a wrong request fails in a test and not in production."""
    assert await _refusal(ges, path) == (400, "GES.0001")
