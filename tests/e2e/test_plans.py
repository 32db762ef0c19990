"""Plans end to end: what a plan that gave up has read is not read again, and nothing else changes for a client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.app import PATH, create_app
from gateway.settings import Settings
from tests.support_clock import FAKE_TIME, fake_clock
from tests.support_ges import ORIGIN, Ges, a_described_graph, a_list_of

pytestmark = pytest.mark.anyio
GRAPHS = "/v2/p1/graphs"
JOBS = "/ges/v1.0/p1/graphs/movies/jobs"
LARGE = 25_000
FEW = "result { rows(first: 2) { nodes { index } } }"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


def a_job(status: str, *ids: str, total: int | None = None) -> tuple[int, Any]:
    """Say how a job stands, and its vertices."""
    rows = [{"id": name, "label": "movie", "properties": {}} for name in ids]
    sizes = {"data_return_size": len(rows), "data_offset": 0, "data_total_size": len(rows) if total is None else total}
    return 200, {"status": status, "data": {"outputs": {"vertices": rows, **sizes}}}


@asynccontextmanager
async def open_gateway(ges: Ges, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Serve a gateway that keeps nothing from one operation to the next."""
    ges.says.setdefault(GRAPHS, a_list_of(a_described_graph()))
    chosen = Settings(**{"management_url": ORIGIN, "project_id": "p1", "cache_max_bytes": 0, **settings})
    app = create_app(chosen, transport=ges, clock=fake_clock())
    headers = {"X-Auth-Token": "one", "X-Request-Id": "mine"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway", headers=headers) as client,
    ):
        yield client


async def told(client: httpx.AsyncClient, ges: Ges, query: str) -> tuple[Any, list[str]]:
    """Return an answer as it is told, and what GES was asked for it."""
    ges.asked.clear()
    response = await client.post(PATH, json={"query": query})
    return json.loads(response.content, object_pairs_hook=list), sorted(ges.asked)


def find(job: str, selection: str, *, alias: str = "it") -> str:
    """Ask for one job."""
    return f'{alias}: findJob(graph: {{name: "movies"}}, jobId: "{job}", plane: SERVICE) {{ {selection} }}'


QUESTIONS = [
    pytest.param(f"{{ {find('job-1', 'status')} }}", 2, id="followed"),
    pytest.param(f"{{ {find('job-1', 'status')} {find('gone', 'status', alias='other')} }}", 3, id="a job is gone"),
    pytest.param(f"{{ {find('job-1', 'status')} {find('lost', 'status', alias='other')} }}", 3, id="a job is lost"),
    pytest.param(f"{{ {find('job-1', 'kind graph { name }')} }}", 3, id="told beside the data"),
    pytest.param(f"{{ {find('job-1', FEW)} {find('gone', 'jobId', alias='other')} }}", 3, id="with rows"),
]


@pytest.mark.parametrize(("query", "calls"), QUESTIONS)
async def test_what_a_plan_has_read_is_not_read_again(query: str, calls: int) -> None:
    """The second answer and the third are those of a plan, or of execution after a plan gave up."""
    ges = Ges({f"{JOBS}/job-1/status": a_job("running", "a", "b"), f"{JOBS}/gone/status": (404, {})})
    ges.says[JOBS] = (403, {"error_code": "APIG.0301", "error_msg": "no"})
    async with open_gateway(ges, upstream_attempts=1) as client:
        first = await told(client, ges, query)
        assert len(first[1]) == calls
        for _ in range(2):
            assert await told(client, ges, query) == first


async def test_rows_that_arrive_are_asked_for_once_though_a_plan_gives_up() -> None:
    """A plan that is going to give up does not begin them."""
    ids = [f"v{place}" for place in range(LARGE)]
    ges = Ges({f"{JOBS}/job-1/status": a_job("success", *ids)})
    ges.says[f"{JOBS}/job-1/status?offset=0&limit=1"] = a_job("success", "v0", total=LARGE)
    ges.says[JOBS] = (403, {"error_code": "APIG.0301", "error_msg": "no"})
    query = f"{{ {find('job-1', f'kind result {{ rows(first: {LARGE}) {{ nodes {{ index }} }} }}')} }}"
    async with open_gateway(ges, upstream_attempts=1, spool_max_bytes=1) as client:
        first = await told(client, ges, query)
        assert len([target for target in first[1] if target.endswith(f"limit={LARGE}")]) == 1
        for _ in range(2):
            assert await told(client, ges, query) == first
