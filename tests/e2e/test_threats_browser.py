"""What a page in somebody's browser may make him do, and what caches on the way may keep of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.e2e.threats import GOOD, HELLO, Bench, codes, open_bench

pytestmark = pytest.mark.anyio
ORIGIN = "https://pages.example"
INTROSPECTION = "{ __schema { types { name } } }"
PROTOCOL = Subprotocol("graphql-transport-ws")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Live as long as the module."""
    return "asyncio"


@pytest.fixture(scope="module")
async def bench(anyio_backend: str) -> AsyncIterator[Bench]:
    """Serve once."""
    async with open_bench() as opened:
        yield opened


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "text/plain;application/json",
    ],
)
async def test_r24_csrf_what_a_form_can_send_is_not_executed(bench: Bench, content_type: str) -> None:
    """A page of another origin can send these without asking first."""
    bench.upstream()
    headers = {**GOOD, "Content-Type": content_type, "Origin": ORIGIN}
    answer = await bench.client.post("/graphql", content=b'{"query": "{ graphs { totalCount } }"}', headers=headers)
    assert (answer.status_code, bench.upstream()) == (415, [])


@pytest.mark.parametrize("kind", ["mutation", "subscription"])
async def test_r24_csrf_get_executes_queries_only(bench: Bench, kind: str) -> None:
    """A picture or a link is a GET."""
    bench.upstream()
    text = f'{kind} {{ jobUpdated(id: "x") {{ type }} }}'
    answer = await bench.client.get("/graphql", params={"query": text}, headers=GOOD)
    assert (answer.status_code >= 400, bench.upstream()) == (True, [])


async def test_r24_csrf_credentials_are_never_ambient(bench: Bench) -> None:
    """What a browser adds by itself, cookies, opens nothing; a query by GET without a header of its own is nobody's."""
    headers = {"Cookie": "X-Auth-Token=sandbox-token-all; token=sandbox-token-all"}
    answer = await bench.client.get("/graphql", params={"query": HELLO}, headers=headers)
    assert codes(answer) == {"UNAUTHENTICATED"}
    assert "set-cookie" not in answer.headers


async def test_r24_cors_no_page_of_another_origin_may_read(bench: Bench) -> None:
    """By default nobody is allowed, not even to ask whether he may."""
    answer = await bench.ask(HELLO, Origin=ORIGIN)
    asked = await bench.client.options("/graphql", headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"})
    assert not {*answer.headers, *asked.headers} & {"access-control-allow-origin", "access-control-allow-credentials"}


async def test_r24_cswsh_a_socket_of_another_origin_is_refused(bench: Bench) -> None:
    """Before anything of it is read; its own origin, and what is no browser, are taken."""
    url = bench.url.replace("http", "ws") + "/graphql"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, origin="https://pages.example", subprotocols=[PROTOCOL]):  # type: ignore[arg-type]
            pass
    assert refused.value.response.status_code == 403
    for origin in (None, bench.url):
        async with connect(url, origin=origin, subprotocols=[PROTOCOL]) as socket:  # type: ignore[arg-type]
            assert socket.subprotocol == PROTOCOL


async def test_r25_production_names_of_the_schema_can_be_kept_back() -> None:
    """Neither introspection nor page nor suggestion, by POST, GET or socket."""
    async with open_bench(introspection=False, graphiql=False) as bench:
        for answer in (
            await bench.ask(INTROSPECTION),
            await bench.client.get("/graphql", params={"query": INTROSPECTION}, headers=GOOD),
        ):
            assert codes(answer) == {"GRAPHQL_VALIDATION_FAILED"}
        mistyped = await bench.ask("{ graf { graphId } }")
        assert "Did you mean" not in mistyped.text
        page = await bench.client.get("/graphql", headers={"Accept": "text/html"})
        assert not [word for word in ("script", "graphiql") if word in page.text.lower()]


async def test_r25_production_is_one_setting(tmp_path: Path) -> None:
    """Nothing but documents that were agreed on; over a socket neither."""
    trusted = tmp_path / "trusted.json"
    trusted.write_text(json.dumps({sha256(HELLO.encode()).hexdigest(): HELLO}))
    async with open_bench(production=True, trusted_documents_file=trusted) as bench:
        assert (await bench.ask(HELLO)).json()["data"]["graph"]["graphId"]
        for document in (INTROSPECTION, "{ gateway { version } }", "{ graf }"):
            assert codes(await bench.ask(document)) == {"DOCUMENT_NOT_TRUSTED"}
        async with connect(bench.url.replace("http", "ws") + "/graphql", subprotocols=[PROTOCOL]) as socket:
            await socket.send(json.dumps({"type": "connection_init", "payload": GOOD}))
            await socket.recv()
            payload = {"query": "{ gateway { version } }"}
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
            assert "DOCUMENT_NOT_TRUSTED" in str(await socket.recv())


async def test_r32_answers_on_the_way_are_not_stored(bench: Bench) -> None:
    """Neither data by POST, nor errors, nor refusals; by GET at most by the caller's own browser, asking again."""
    refused = await bench.client.post("/graphql", content=b"{", headers={"Content-Type": "application/json"})
    for answer in (await bench.ask(HELLO), await bench.ask("{ nothing }"), await bench.ask(HELLO, None), refused):
        assert answer.headers["cache-control"] == "no-store", answer.text
    by_get = await bench.client.get("/graphql", params={"query": HELLO}, headers=GOOD)
    wrong = await bench.client.get("/graphql", params={"query": HELLO}, headers={"X-Auth-Token": "wrong"})
    assert by_get.headers["cache-control"] in {"no-store", "private, no-cache"}
    assert wrong.headers["cache-control"] == "no-store"


async def test_r32_answers_on_the_way_bring_the_headers_of_safety(bench: Bench) -> None:
    """No browser may take an answer for a page, frame it or tell where it came from."""
    headers = (await bench.ask(HELLO)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
