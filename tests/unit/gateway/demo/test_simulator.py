"""The sandbox as a whole: which paths and methods it knows, and what it remembers of the calls it received."""

import httpx
import pytest
from starlette.applications import Starlette

from gateway.demo.simulator import create_sandbox

pytestmark = pytest.mark.anyio
_PROJECT = "0f3c9a1e5b7d4c2688a0e1f2d3c4b5a6"
_MANAGEMENT = f"/v2/{_PROJECT}/graphs"
_SERVICE = f"/ges/v1.0/{_PROJECT}/graphs"


@pytest.mark.parametrize("path", ["/", "/v2", f"/v1.0/{_PROJECT}/graphs", f"{_MANAGEMENT}/", f"{_MANAGEMENT}/x/jobs"])
async def test_a_path_nobody_published_is_404(ges: httpx.AsyncClient, path: str) -> None:
    """In the form of the gateway in front of the management plane; no redirect to a path alike."""
    reply = await ges.get(path)
    assert (reply.status_code, reply.json()["error_code"]) == (404, "APIG.0101")


async def test_a_path_the_engine_does_not_know_is_404(ges: httpx.AsyncClient) -> None:
    """In the form of the service plane."""
    reply = await ges.get(f"{_SERVICE}/supply_chain/tasks")
    assert (reply.status_code, reply.json()["errorCode"]) == (404, "GES.8005")


@pytest.mark.parametrize("path", [_MANAGEMENT, f"{_MANAGEMENT}/jobs", _SERVICE, f"{_SERVICE}/supply_chain/jobs/status"])
@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_only_documented_methods_are_answered(ges: httpx.AsyncClient, path: str, method: str) -> None:
    """Everything else is 405 and says what would do."""
    reply = await ges.request(method, path)
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET")


async def test_every_call_is_remembered_in_order(sandbox: Starlette, ges: httpx.AsyncClient) -> None:
    """Refused ones too; what concerns only the sandbox is not a call to GES."""
    await ges.get(f"{_MANAGEMENT}?limit=1")
    await ges.get(f"{_SERVICE}/nowhere/jobs/status")
    await ges.post("/v3/auth/tokens?nocatalog=true")
    await ges.get("/favicon.ico")
    expected = [
        {"plane": "management", "method": "GET", "path": _MANAGEMENT, "query": {"limit": "1"}},
        {"plane": "service", "method": "GET", "path": f"{_SERVICE}/nowhere/jobs/status", "query": {}},
        {"plane": "iam", "method": "POST", "path": "/v3/auth/tokens", "query": {"nocatalog": "true"}},
        {"plane": None, "method": "GET", "path": "/favicon.ico", "query": {}},
    ]
    assert (await ges.get("/_sandbox/calls")).json() == {"calls": expected}
    assert [call.plane for call in sandbox.state.calls.calls] == ["management", "service", "iam", None]


async def test_the_calls_can_be_forgotten(ges: httpx.AsyncClient) -> None:
    """Between two parts of a test."""
    await ges.get(_MANAGEMENT)
    assert (await ges.delete("/_sandbox/calls")).json() == {"calls": []}
    assert (await ges.get("/_sandbox/calls")).json() == {"calls": []}


async def test_the_log_of_calls_is_bounded(sandbox: Starlette) -> None:
    """A sandbox may run for weeks."""
    assert sandbox.state.calls.calls.maxlen == 10_000


async def test_the_sandbox_s_own_paths_need_no_token(ges: httpx.AsyncClient) -> None:
    """They are for whoever runs it."""
    ges.headers.pop("X-Auth-Token")
    statuses = [(await ges.get(path)).status_code for path in ("/_sandbox/calls", "/_sandbox/trouble")]
    assert statuses == [200, 200]


async def test_a_sandbox_needs_nothing_to_begin_now() -> None:
    """With the real clock, jobs are under way at once."""
    transport = httpx.ASGITransport(create_sandbox())
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as ges:
        reply = await ges.get(f"{_MANAGEMENT}/jobs?status=running", headers={"X-Auth-Token": "sandbox-token-all"})
    assert reply.json()["job_count"] >= 2
