"""The sandbox's answers have the members and shapes of the bodies that GES documents, file by file."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.demo.graphs import PROJECT_ID
from gateway.demo.simulator import create_sandbox

pytestmark = pytest.mark.anyio
_BODIES = Path(__file__).parent.parent / "bodies"
_MANAGEMENT, _SERVICE = f"/v2/{PROJECT_ID}/graphs", f"/ges/v1.0/{PROJECT_ID}/graphs"
_SUPPLY, _CITATION = "3b0f6a52-9c1d-4e77-8a35-5d2c90e1f6ab", "91aa4c0d-77fe-4b28-9f03-e6b2d41807c5"
_FRAUD, _NEW = "c7d81e94-02ab-4f6c-b1d9-8e40a75f3c12", "5f2c1d3e-aaaa-4b4b-9c9c-0d0d0d0d0d0d"
_ARCHIVED = "e8f05a36-1b7c-4d29-a0e4-9c8b7a6d5e4f"


def _task(number: int, graph: str = _SUPPLY) -> str:
    return f"{_MANAGEMENT}/{graph}/jobs/8a1f{number:028x}/status"


def _memory_id(number: int) -> str:
    return f"5e9c07{number:02x}-41d8-4b6a-93f0-27ac1d0e{number:04x}{7740210 + number:09d}"


def _memory(number: int) -> str:
    return f"{_SERVICE}/supply_chain/jobs/{_memory_id(number)}/status"


def _database(number: int, graph: str = "citation_store") -> str:
    return f"{_SERVICE}/{graph}/jobs/b3{7919 * number:030x}{512300400 + number:013d}/status"


_CASES = {
    "mgmt-job-import-success": (200, _task(1)),
    "mgmt-job-import-counts-not-reported": (200, _task(2)),
    "mgmt-job-import-partially-failed": (200, _task(3)),
    "mgmt-job-pending": (200, _task(4)),
    "mgmt-job-running": (200, _task(5, _FRAUD)),
    "mgmt-error-graph-not-found": (400, f"{_MANAGEMENT}/nowhere"),
    "mgmt-error-job-not-found": (400, _task(999)),
    "mgmt-task-center-empty": (200, f"{_MANAGEMENT}/jobs?graph_name=nowhere"),
    "mgmt-graph-detail-inmemory": (200, f"{_MANAGEMENT}/{_SUPPLY}"),
    "mgmt-graph-detail-persistence": (200, f"{_MANAGEMENT}/{_CITATION}"),
    "mgmt-graph-detail-preparing": (200, f"{_MANAGEMENT}/{_NEW}"),
    "error-apig-api-not-found": (404, "/v2/nothing"),
    "svc-job-pending": (200, _memory(41)),
    "svc-job-running": (200, _memory(2)),
    "svc-job-vertices-page1": (200, _memory(3) + "?limit=2"),
    "svc-job-vertices-page3": (200, _memory(3) + "?offset=18&limit=2"),
    "svc-job-vertices-top-level-sizes": (200, _memory(40)),
    "svc-job-edges": (200, _memory(33)),
    "svc-job-pagerank": (200, _memory(5)),
    "svc-job-personalrank": (200, _memory(13)),
    "svc-job-kcore": (200, _memory(14)),
    "svc-job-k-hop": (200, _memory(15)),
    "svc-job-common-neighbors": (200, _memory(16)),
    "svc-job-link-prediction": (200, _memory(17)),
    "svc-job-shortest-path": (200, _memory(18)),
    "svc-job-all-shortest-paths": (200, _memory(19)),
    "svc-job-batch-paths": (200, _memory(20)),
    "svc-job-sssp": (200, _memory(21)),
    "svc-job-louvain": (200, _memory(22)),
    "svc-job-connected-component": (200, _memory(23)),
    "svc-job-node2vec": (200, _memory(24) + "?limit=2"),
    "svc-job-triangle-count": (200, _memory(25)),
    "svc-job-closeness-scalar": (200, _memory(26)),
    "svc-job-betweenness": (200, _memory(27)),
    "svc-job-edge-betweenness": (200, _memory(28)),
    "svc-job-od-betweenness": (200, _memory(29)),
    "svc-job-circles": (200, _memory(30)),
    "svc-job-subgraph-matching": (200, _memory(31)),
    "svc-job-realtime-recommendation": (200, _memory(32)),
    "svc-job-failed": (200, _memory(1)),
    "svc-job-failed-http400": (400, _memory(35)),
    "svc-job-import-partially-failed": (200, _memory(4)),
    "svc-job-bigclam": (200, _database(4)),
    "svc-job-closeness-list": (200, _database(5)),
    "svc-job-db-complete-success": (200, _database(6)),
    "svc-job-db-complete-failed": (400, _database(3)),
    "svc-job-db-sync-complete": (200, _database(7)),
    "svc-graph-list-db": (200, _SERVICE),
    "svc-job-list-db": (200, f"{_SERVICE}/citation_store/jobs/status"),
    "svc-error-job-not-found": (400, _memory(250)),
    "svc-error-job-not-found-db": (400, _database(999)),
    "svc-error-graph-not-found": (400, f"{_SERVICE}/nowhere/jobs/status"),
    "svc-error-graph-not-found-db": (400, f"{_SERVICE}/{_CITATION}/jobs/status"),
    "svc-error-parameter": (400, f"{_SERVICE}/supply_chain/jobs/status?limit=-1"),
}


@pytest.fixture
async def ges() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a sandbox that has just begun."""
    transport = httpx.ASGITransport(create_sandbox())
    headers = {"X-Auth-Token": "sandbox-token-all"}
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test", headers=headers) as client:
        yield client


def _documented(name: str) -> Any:
    return json.loads((_BODIES / f"{name}.json").read_text())


def _outline(value: Any) -> Any:
    """Reduce a body to its members and kinds of values; ids that serve as names, and what may be null, count alike."""
    if isinstance(value, dict):
        return {"a vertex" if name.startswith("site-") else name: _outline(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_outline(item) for item in value[:1]]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return "text" if value is None else type(value).__name__.replace("str", "text")
    return "number"


def _without_properties(value: Any) -> Any:
    """Drop what a graph's own schema decides."""
    if isinstance(value, dict):
        return {name: _without_properties(item) for name, item in value.items() if name != "properties"}
    return [_without_properties(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", _CASES)
async def test_an_answer_has_the_outline_of_the_documented_body(ges: httpx.AsyncClient, name: str) -> None:
    """Same members, same kinds of values, same HTTP status."""
    status, path = _CASES[name]
    reply = await ges.get(path)
    assert reply.status_code == status
    assert _without_properties(_outline(reply.json())) == _without_properties(_outline(_documented(name)))


@pytest.mark.parametrize(
    ("name", "token", "path"),
    [
        ("error-apig-token-invalid", "somebody-else", _MANAGEMENT),
        ("error-apig-token-expired", "sandbox-token-expired", _MANAGEMENT),
        ("svc-error-token", "sandbox-token-expired", _SERVICE),
    ],
)
async def test_a_refused_token_gets_the_documented_body(
    ges: httpx.AsyncClient, name: str, token: str, path: str
) -> None:
    """Code and outline; the request id differs."""
    body, documented = (await ges.get(path, headers={"X-Auth-Token": token})).json(), _documented(name)
    code = "error_code" if "error_code" in documented else "errorCode"
    assert (_outline(body), body[code]) == (_outline(documented), documented[code])


@pytest.mark.parametrize("index", range(4))
async def test_the_memory_job_list_has_the_documented_entries(ges: httpx.AsyncClient, index: int) -> None:
    """Failed, running, finished and a partially failed import, each with exactly its members."""
    documented = _documented("svc-job-list-memory")["jobs"][index]
    jobs = (await ges.get(f"{_SERVICE}/supply_chain/jobs/status")).json()["jobs"]
    (entry,) = [job for job in jobs if job["jobId"] == documented["jobId"]]
    assert _outline(entry) == _outline(documented)
    assert [_outline(files) for files in entry.get("files", [])] == [
        _outline(files) for files in documented.get("files", [])
    ]


@pytest.mark.parametrize(("index", "number", "graph"), [(0, 5, _FRAUD), (1, 3, _SUPPLY), (2, 6, _ARCHIVED)])
async def test_the_task_center_has_the_documented_entries(
    ges: httpx.AsyncClient, index: int, number: int, graph: str
) -> None:
    """The same object as the job's own status."""
    documented = _documented("mgmt-task-center")["job_list"][index]
    jobs = (await ges.get(f"{_MANAGEMENT}/jobs?limit=100")).json()["job_list"]
    (entry,) = [job for job in jobs if job["job_id"] == f"8a1f{number:028x}"]
    assert (await ges.get(_task(number, graph))).json() == entry
    entry.setdefault("end_time", None)
    assert _outline(entry) == _outline(documented)


async def test_a_job_of_a_deleted_graph_is_in_the_task_center_only(ges: httpx.AsyncClient) -> None:
    """Its graph has no id any more to ask by."""
    jobs = (await ges.get(f"{_MANAGEMENT}/jobs?graph_name=old_demo")).json()["job_list"]
    assert _outline(jobs[0]) == {**_outline(_documented("mgmt-job-delete-success"))}


async def test_a_token_of_iam_has_the_documented_body(ges: httpx.AsyncClient) -> None:
    """Issued for user and password; refused in IAM's own form."""
    for password, name in (("sandbox-password", "iam-token-created"), ("wrong", "error-iam-bad-password")):
        user = {"name": "gateway", "password": password, "domain": {"name": "acme"}}
        identity = {"methods": ["password"], "password": {"user": user}}
        auth = {"auth": {"identity": identity, "scope": {"project": {"id": PROJECT_ID}}}}
        reply = await ges.post("/v3/auth/tokens", json=auth)
        assert _outline(reply.json()) == _outline(_documented(name))
