"""What leaves the gateway beside answers: no token in any place, no defect's words, one bounded line for a refusal."""

from __future__ import annotations

import asyncio
import gc
import io
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import structlog

from gateway import telemetry
from gateway.app import create_app
from gateway.settings import Settings
from tests.e2e.threats import ALL, GOOD, HELLO, Bench, codes, issued, job_id, open_bench
from tests.e2e.troubled import QUERIES

pytestmark = pytest.mark.anyio
# Two kilobytes, as those of IAM are long; no part of it is a word that stands elsewhere.
TOKEN = issued("gateway", 3600) + "c3VwZXItc2VjcmV0LXRva2Vu"
TELLING = ("c3VwZXItc2VjcmV0LXRva2Vu", TOKEN[:40], TOKEN[-60:])
ENDPOINT = b"POST /graphql HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
BODY = b'{"query": "{ gateway { version } }"}'
WHOLE = b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture
def log() -> Iterator[io.BytesIO]:
    """Write the log to memory, all of it."""
    written = io.BytesIO()
    telemetry.configure("debug", stream=written)
    yield written
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Live as long as the module."""
    return "asyncio"


@pytest.fixture(scope="module")
async def bench(anyio_backend: str) -> AsyncIterator[Bench]:
    """Serve once."""
    async with open_bench() as opened:
        yield opened


async def lines(log: io.BytesIO) -> list[dict[str, Any]]:
    """Return the lines of the log, which are written at the next turn of the loop."""
    await asyncio.sleep(0)
    return [json.loads(line) for line in log.getvalue().splitlines()]


async def test_r01_token_secrecy_it_is_in_no_answer_log_metric_or_key(log: io.BytesIO) -> None:
    """Over all queries, in good times and while GES repeats it in its errors."""
    async with open_bench() as bench:
        told = [(await bench.ask(query, TOKEN)).text for query in QUERIES.values()]
        for kind in ("error_with_200", "status503", "garbage", "reset"):
            bench.sandbox.state.trouble.set({"service": {"kind": kind}, "management": {"kind": kind}})
            told += [(await bench.ask(query, TOKEN, Cache_Control="no-cache")).text for query in QUERIES.values()]
        told.append((await bench.client.get("/metrics")).text)
        assert '"data"' in told[0]
        assert not [part for part in TELLING if any(part in text for text in told)]
        assert not [part for part in TELLING if part.encode() in log.getvalue()]
        runtime = bench.app.state.runtime
        kept = "".join(map(repr, _reachable([runtime.store, runtime.grants, runtime.watches, runtime.flights])))
        assert "supply_chain" in kept
        assert not [part for part in TELLING if part in kept]


def _reachable(roots: list[object]) -> Iterator[str | bytes]:
    """Give every text that something holds, keys and values alike, but nothing of code."""
    seen: set[int] = set()
    waiting: list[object] = list(roots)
    while waiting:
        held = waiting.pop()
        if id(held) in seen or isinstance(held, type) or callable(held):
            continue
        seen.add(id(held))
        if isinstance(held, str | bytes):
            yield held
        else:
            waiting += gc.get_referents(held)


@pytest.mark.parametrize(
    "token", [ALL + "é", "a" * 17_000, "two words", "tab\tbed"], ids=["no ASCII", "too long", "two words", "a tab"]
)
async def test_r01_r10_credentials_that_cannot_be_meant_are_refused_unseen(
    bench: Bench, log: io.BytesIO, token: str
) -> None:
    """By a code; neither the answer nor the log repeats them."""
    bench.upstream()
    answer = await bench.client.post("/graphql", json={"query": HELLO}, headers={b"X-Auth-Token": token.encode()})
    assert (answer.status_code, codes(answer)) == (400, {"BAD_USER_INPUT"})
    assert token not in answer.text
    assert token.encode() not in log.getvalue()
    assert bench.upstream() == []


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Auth-Token", ALL), ("X-Auth-Token", ALL)],
        [("X-Auth-Token", ALL), ("x-auth-token", "other")],
        [("X-Auth-Token", ALL), ("Authorization", f"Bearer {ALL}")],
    ],
)
async def test_r10_ambiguous_credentials_are_refused(bench: Bench, headers: list[tuple[str, str]]) -> None:
    """What is ambiguous here could be read otherwise behind us."""
    bench.upstream()
    answer = await bench.client.post("/graphql", json={"query": HELLO}, headers=headers)
    assert (answer.status_code, codes(answer), bench.upstream()) == (400, {"BAD_USER_INPUT"}, [])


async def test_r10_credentials_in_a_query_string_open_nothing(bench: Bench) -> None:
    """They would end in the logs of every proxy."""
    for name in ("X-Auth-Token", "token", "access_token"):
        answer = await bench.client.get("/graphql", params={"query": HELLO, name: ALL})
        assert codes(answer) == {"UNAUTHENTICATED"}


async def test_r26_error_detail_a_defect_is_told_by_its_request_id_alone(log: io.BytesIO) -> None:
    """Not by class, text, address or place; the log names the type and the places, not the text."""

    class Broken(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise KeyError(f"{request.url} {request.headers['x-auth-token']}")

    app = create_app(Settings(management_url="http://10.11.12.13", project_id="p1"), transport=Broken())
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://g") as client:
        answer = await client.post("/graphql", json={"query": HELLO}, headers={"X-Auth-Token": TOKEN})
    [error] = answer.json()["errors"]
    assert codes(answer) == {"INTERNAL_SERVER_ERROR"}
    assert set(error["extensions"]) <= {"code", "requestId", "retryable"}
    [line] = [line for line in await lines(log) if line["event"] == "unexpected"]
    assert line["request_id"] == error["extensions"]["requestId"]
    for text in ("10.11.12.13", "KeyError", "transport", *TELLING):
        assert text not in answer.text
    assert not [part for part in ("10.11.12.13", *TELLING) if part in json.dumps(line)]


async def test_r26_error_detail_what_ges_says_in_its_errors_stays_here() -> None:
    """Its code goes on where it has the form of one; its text, its host and its page do not."""
    async with open_bench() as bench:
        await bench.ask(HELLO)
        for kind in ("error_with_200", "garbage", "redirect"):
            bench.sandbox.state.trouble.set({"service": {"kind": kind}})
            answer = await bench.ask(f'{{ job(id: "{job_id("supply_chain", 5)}") {{ status }} }}')
            [error] = answer.json()["errors"]
            assert error["extensions"].get("upstreamCode") in {None, "GES.9999"}
            for text in ("no permission", "html", "Welcome", "elsewhere", "127.0.0.1", "aiohttp", "Error:"):
                assert text not in error["message"]


SMUGGLED = {
    "length and chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 36\r\nContent-Length: 0\r\n\r\n" + BODY,
    "two lengths in one": b"Content-Length: 36, 0\r\n\r\n" + BODY,
    "a signed length": b"Content-Length: +36\r\n\r\n" + BODY,
    "a hexadecimal length": b"Content-Length: 0x24\r\n\r\n" + BODY,
    "a negative length": b"Content-Length: -1\r\n\r\n" + BODY,
    "an encoding nobody knows": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks that are not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded header": b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a chunk of odd length": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n0\r\n\r\n",
    "a length with a line break": b"Content-Length: 36\n X: y\r\n\r\n" + BODY,
}


@pytest.mark.parametrize("name", SMUGGLED)
async def test_r27_smuggling_ambiguous_framing_is_refused_and_closed(bench: Bench, name: str) -> None:
    """One answer at most, of status 400, and then the end: what follows is never taken for a request."""
    smuggled = b"GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n"
    answer = await bench.raw(ENDPOINT + SMUGGLED[name] + smuggled)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_r27_smuggling_honest_requests_follow_each_other(bench: Bench) -> None:
    """What is framed as it should be is answered, one after the other."""
    last = ENDPOINT.replace(b"Host", b"Connection: close\r\nHost")
    answer = await bench.raw(ENDPOINT + WHOLE + last + WHOLE)
    assert answer.count(b"HTTP/1.1 200 OK") == 2


REFUSED = {
    "a long document": {"query": "{ " + "secretfield " * 5000 + "}"},
    "an invalid document": {"query": '{ graph(by: { name: "secret\\nfield" }) { secretfield } }'},
    "broken syntax": {"query": "{ secretfield \x1b[31m \r\n"},
    "line breaks": {"query": "query secretfield { a }\r\n\r\n{}", "operationName": 'x\n{"event":"forged"}'},
    "variables": {"query": "query ($a: Int!) { gateway { version } }", "variables": {"a": "secretfield" * 1000}},
}


@pytest.mark.parametrize("name", REFUSED)
async def test_r30_log_flooding_a_refusal_is_one_bounded_line(bench: Bench, log: io.BytesIO, name: str) -> None:
    """Without document or variables, control characters escaped."""
    headers = {**GOOD, "X-Request-Id": '","forged":"yes'}
    assert codes(await bench.client.post("/graphql", json=REFUSED[name], headers=headers))
    await lines(log)
    written = log.getvalue()
    assert written.count(b"\n") == 1
    assert len(written) < 1500
    assert not [byte for byte in written[:-1] if byte < 0x20]
    assert b"secretfield secret" not in written
    assert b'"forged"' not in written
