"""Tests of the probes."""

import httpx
import pytest
from starlette.applications import Starlette

from gateway.metrics import ERRORS, Metrics
from gateway.probes import metrics_route, probes

pytestmark = pytest.mark.anyio


async def ask(path: str, *, ready: bool, method: str = "GET") -> httpx.Response:
    """Ask an application that has probes only."""
    transport = httpx.ASGITransport(Starlette(routes=[*probes(lambda: ready)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.request(method, path)


@pytest.mark.parametrize(
    ("path", "ready", "status", "text"),
    [
        ("/livez", True, 200, "alive\n"),
        ("/livez", False, 200, "alive\n"),
        ("/readyz", True, 200, "ready\n"),
        ("/readyz", False, 503, "draining\n"),
    ],
)
async def test_a_draining_process_lives_but_takes_no_work(path: str, ready: bool, status: int, text: str) -> None:
    """Restarting it would lose what it still does."""
    answer = await ask(path, ready=ready)
    assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (status, text, "no-store")


@pytest.mark.parametrize(("port", "status"), [(None, 200), (9100, 404), (9200, 200)])
async def test_metrics_may_have_a_port_of_their_own(port: int | None, status: int) -> None:
    """Then the port of everybody else knows nothing of them. The client here speaks to port 9200."""
    metrics = Metrics()
    metrics.count(ERRORS, "TIMEOUT")
    transport = httpx.ASGITransport(Starlette(routes=[metrics_route(metrics, port)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway:9200") as client:
        answer = await client.get("/metrics")
    assert answer.status_code == status
    assert ('ges_gateway_errors_total{code="TIMEOUT"} 1.0' in answer.text) == (status == 200)


async def test_probes_are_asked_by_get() -> None:
    """HEAD is a GET without a body; anything else is a mistake."""
    assert (await ask("/readyz", ready=True, method="HEAD")).status_code == 200
    assert (await ask("/readyz", ready=True, method="POST")).status_code == 405
