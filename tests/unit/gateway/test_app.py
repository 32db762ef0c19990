"""The composition: which paths there are, what settings switch off, what ends with the application."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.app import PATH, create_app
from gateway.planes.read import Body
from gateway.settings import Settings
from schema.ids import GraphKey, JobRef, job_id_of
from schema.plane import Plane
from tests.support_ges import ORIGIN, Ges

pytestmark = pytest.mark.anyio
MOVIES = {"movies": "http://10.0.0.5"}


@asynccontextmanager
async def client_of(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client of an application that has started."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://gateway") as client,
    ):
        yield client


def an_app(ges: Ges | None = None, demo_token: str | None = None, **settings: Any) -> Starlette:
    """Build the application over a GES that says what it is told."""
    chosen = Settings(**{"management_url": ORIGIN, "project_id": "p1", **settings})
    return create_app(chosen, transport=ges or Ges(), demo_token=demo_token)


class Hung(Ges):
    """Says nothing until it is let go on; tells when it is asked."""

    def __init__(self, hung: asyncio.Event, goes_on: asyncio.Event) -> None:
        super().__init__(held=goes_on)
        self.hung = hung

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.hung.set()
        return await super().handle_async_request(request)


async def test_the_endpoint_answers() -> None:
    """GraphQL over HTTP, with the settings' planes behind it."""
    async with client_of(an_app()) as client:
        response = await client.post(PATH, json={"query": "{ gateway { planes { plane configured } } }"})
    assert response.json()["data"]["gateway"]["planes"] == [
        {"plane": "MANAGEMENT", "configured": True},
        {"plane": "SERVICE", "configured": True},
    ]


async def test_browsers_get_the_dashboard_and_graphiql() -> None:
    """Each leads to the other, and a token of the sandbox is preset in both."""
    async with client_of(an_app(demo_token="sandbox-token-all")) as client:
        home = await client.get("/")
        page = await client.get(PATH, headers={"Accept": "text/html"})
    for answer, link in ((home, 'data-explorer="graphql"'), (page, 'data-home="./"')):
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/html")
        assert "sandbox-token-all" in answer.text
        assert link in answer.text


async def test_without_the_dashboard_browsers_are_led_to_the_endpoint() -> None:
    """The way there is relative, for gateways below a path."""
    async with client_of(an_app(dashboard=False)) as client:
        home = await client.get("/")
        assert (home.status_code, home.headers["location"]) == (307, "graphql")
        assert 'data-home=""' in (await client.get(PATH, headers={"Accept": "text/html"})).text
        assert (await client.get("/dashboard/0/main.js")).status_code == 404


async def test_without_graphiql_browsers_are_told_what_the_endpoint_is() -> None:
    """Programs that take no JSON are told the same; none of the files of GraphiQL is there."""
    async with client_of(an_app(graphiql=False, introspection=False)) as client:
        told = await client.get(PATH, headers={"Accept": "text/html,*/*;q=0.8"})
        assert "This address answers GraphQL" in told.text
        assert "Introspection is switched off here" in told.text
        assert 'data-explorer=""' in (await client.get("/")).text
        assert (await client.get("/graphiql/boot.js")).status_code == 404
        assert (await client.get(PATH, params={"query": "{ __typename }"})).json() == {"data": {"__typename": "Query"}}


async def test_answers_are_compressed_unless_that_is_switched_off() -> None:
    """A proxy may do it instead."""
    for is_on in (True, False):
        async with client_of(an_app(compression=is_on)) as client:
            answer = await client.get(PATH, params={"query": "{ __schema { types { name description } } }"})
            assert ("content-encoding" in answer.headers) is is_on
            assert ("Accept-Encoding" in answer.headers["vary"]) is is_on


async def test_a_file_of_trusted_documents_opens_them_by_id(tmp_path: Path) -> None:
    """Beside all others, unless the gateway is in production."""
    file = tmp_path / "trusted.json"
    file.write_text('{"read-only": "{ gateway { readOnly } }"}')
    async with client_of(an_app(trusted_documents_file=file)) as client:
        answer = {"data": {"gateway": {"readOnly": True}}}
        assert (await client.post(PATH, json={"documentId": "read-only"})).json() == answer
        assert (await client.post(PATH, json={"query": "query A { gateway { readOnly } }"})).json() == answer


async def test_what_was_asked_is_counted() -> None:
    """Operations by type and outcome, errors by code, calls by plane: nothing of who asked for what."""
    async with client_of(an_app(service_urls=MOVIES)) as client:
        await client.post(PATH, json={"query": "{ gateway { version } }"})
        query = '{ findJob(graph: {name: "movies"}, jobId: "secret-job", plane: SERVICE) { status } }'
        await client.post(PATH, json={"query": query}, headers={"X-Auth-Token": "secret-token"})
        await client.post(PATH, json={"query": "{ nothing }"})
        text = (await client.get("/metrics")).text
    for line in (
        'ges_gateway_operation_seconds_count{outcome="ok",type="query"} 1.0',
        'ges_gateway_operation_seconds_count{outcome="errors",type="query"} 2.0',
        'ges_gateway_errors_total{code="PLANE_UNAVAILABLE"} 1.0',
        'ges_gateway_errors_total{code="GRAPHQL_VALIDATION_FAILED"} 1.0',
        'ges_gateway_upstream_seconds_count{outcome="answered",plane="SERVICE"} 3.0',
        "ges_gateway_operations_under_way 0.0",
    ):
        assert f"{line}\n" in text
    assert "secret" not in text


async def test_more_work_than_can_be_finished_is_turned_away() -> None:
    """While GES hangs and one operation is all there may be; probes answer all the same."""
    hung, goes_on = asyncio.Event(), asyncio.Event()
    ges = Hung(hung, goes_on)
    query = '{ findJob(graph: {name: "movies"}, jobId: "j1", plane: SERVICE) { status } }'
    async with client_of(an_app(ges, max_operations=1, service_urls=MOVIES)) as client:
        post = partial(client.post, PATH, json={"query": query}, headers={"X-Auth-Token": "t"})
        first = asyncio.ensure_future(post())
        async with asyncio.timeout(5):
            await hung.wait()
        refused, probe = await post(), await client.get("/livez")
        goes_on.set()
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["errors"][0]["extensions"]["code"] == "OVERLOADED"
        assert (probe.status_code, (await first).status_code) == (200, 200)


async def test_readiness_ends_when_it_drains() -> None:
    """Whoever stops the process says so first; work goes on meanwhile."""
    app = an_app()
    async with client_of(app) as client:
        assert (await client.get("/readyz")).status_code == 200
        app.state.is_draining = True
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.post(PATH, json={"query": "{ __typename }"})).status_code == 200


async def test_introspection_can_be_switched_off() -> None:
    """As the settings say."""
    query = {"query": "{ __schema { queryType { name } } }"}
    async with client_of(an_app()) as client:
        assert (await client.post(PATH, json=query)).json()["data"]["__schema"]
    async with client_of(an_app(introspection=False)) as client:
        assert "data" not in (await client.post(PATH, json=query)).json()


async def test_the_runtime_ends_with_the_application() -> None:
    """Connections are closed once, at the end, also when something fails before."""
    ges = Ges()
    app = an_app(ges)
    async with client_of(app):
        assert ges.closed == 0
    assert ges.closed == 1
    failing = an_app(ges)
    with pytest.raises(ZeroDivisionError):
        async with failing.router.lifespan_context(failing):
            raise ZeroDivisionError
    assert ges.closed == 2


@pytest.mark.parametrize("said", [(200, [1]), (500, {}), (404, {}), (200, {"status": 7})])
async def test_what_failed_is_let_go_of_without_a_garbage_collection(said: tuple[int, Any]) -> None:
    """Pages that cannot be read are as large as others, and one that nobody needs must not wait for it."""
    ref = JobRef(Plane.SERVICE, GraphKey("p1", name="movies"), "7")
    path = "/ges/v1.0/p1/graphs/movies/jobs/7/status"
    query = {"query": f'{{ job(id: "{job_id_of(ref)}") {{ status result {{ rows {{ nodes {{ index }} }} }} }} }}'}
    ges = Ges({path: said})
    async with client_of(an_app(ges, service_urls=MOVIES)) as client:
        # The second time it is a plan that fails.
        for _ in range(3):
            gc.collect()
            gc.disable()
            try:
                response = await client.post(PATH, json=query, headers={"X-Auth-Token": "t"})
                left = [held for held in gc.get_objects() if isinstance(held, Body)]
            finally:
                gc.enable()
            assert "errors" in response.json()
            assert left == []
    assert len(ges.asked) >= 3
