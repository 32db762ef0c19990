"""The composition: which paths there are, what settings switch off, what ends with the application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.app import PATH, create_app
from gateway.settings import Settings
from tests.support_ges import ORIGIN, Ges

pytestmark = pytest.mark.anyio


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


async def test_the_endpoint_answers() -> None:
    """GraphQL over HTTP, with the settings' planes behind it."""
    async with client_of(an_app()) as client:
        response = await client.post(PATH, json={"query": "{ gateway { planes { plane configured } } }"})
    assert response.json()["data"]["gateway"]["planes"] == [
        {"plane": "MANAGEMENT", "configured": True},
        {"plane": "SERVICE", "configured": True},
    ]


async def test_browsers_get_the_page_and_are_led_to_it() -> None:
    """A token of the sandbox is preset in it; the way there is relative, for gateways below a path."""
    async with client_of(an_app(demo_token="sandbox-token-all")) as client:
        root = await client.get("/")
        page = await client.get(PATH, headers={"Accept": "text/html"})
    assert (root.status_code, root.headers["location"]) == (307, "graphql")
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert "sandbox-token-all" in page.text


async def test_without_the_page_there_is_nothing_but_the_endpoint_and_probes() -> None:
    """Neither the page nor its files nor the way to it."""
    async with client_of(an_app(graphiql=False)) as client:
        assert (await client.get("/")).status_code == 404
        assert (await client.get(PATH, headers={"Accept": "text/html"})).status_code == 406
        assert (await client.get("/livez")).status_code == 200


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
