"""What goes to the planes, and what of theirs comes in: nothing to another place, nothing twice, nothing too large."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.settings import Settings
from tests.e2e.threats import ALL, HELLO, SUPPLY, Bench, codes, job_id, open_bench
from tests.support_ges import Ges, a_described_graph, a_list_of
from tests.support_upstream import RawUpstream, Step, Then, raw_upstream

pytestmark = pytest.mark.anyio
JOB = job_id("supply_chain", 5)
STATUS = f'{{ job(id: "{JOB}") {{ status }} }}'
LIST = "{ jobs(first: 1) { totalCount nodes { jobId } } }"
BAD_WORDS = [
    *("..", ".", "../../v2/x/graphs", "a/b", "a%2Fb", "%2e%2e", "a\\b", "a?b=c", "a#b", "a b", "a;b", "a@b", ""),
    *("a\r\nX-Auth-Token: other", "a\u0000b", "é", "\u202egraph", "x" * 300, "//elsewhere.example", "http://elsewhere"),
]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Live as long as the module."""
    return "asyncio"


@pytest.fixture(scope="module")
async def bench(anyio_backend: str) -> AsyncIterator[Bench]:
    """Serve once, for what changes nothing."""
    async with open_bench() as opened:
        yield opened


@asynccontextmanager
async def saying(*steps: Step, **settings: Any) -> AsyncIterator[tuple[Bench, RawUpstream]]:
    """Serve a gateway before a service plane of raw bytes that says this to every request."""
    async with (
        raw_upstream(*steps) as upstream,
        open_bench(service_urls={"supply_chain": upstream.origin}, **settings) as bench,
    ):
        yield bench, upstream


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Write an answer with its length."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "127.0.0.1", "localhost", "0.0.0.0", "[::1]", "8.8.8.8", "elsewhere.example"),
        *("10.0.0.1:22", "10.0.0.1/../x", "10.0.0.1@elsewhere.example", "http://10.0.0.1", "2130706433", "0x7f000001"),
    ],
)
async def test_r06_ssrf_an_address_out_of_bounds_is_never_asked(address: str) -> None:
    """The directory may be wrong or worse; the token goes to the management plane alone."""
    graph = a_described_graph("movies", private_ip=address, public_ip=address, traffic_ip_list=[address])
    ges = Ges({"/v2/p1/graphs": a_list_of(graph)})
    app = create_app(Settings(management_url="http://ges.example", project_id="p1"), transport=ges)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://g") as client:
        query = '{ findJob(graph: { name: "movies" }, jobId: "j1", plane: SERVICE) { status } }'
        answer = await client.post("/graphql", json={"query": query}, headers={"X-Auth-Token": "t"})
    assert codes(answer) == {"PLANE_UNAVAILABLE"}
    assert set(ges.hosts) == {"ges.example"}
    assert address not in answer.text


@pytest.mark.parametrize("word", BAD_WORDS)
async def test_r07_path_injection_no_id_is_more_than_one_segment(bench: Bench, word: str) -> None:
    """Refused by a code wherever a client can put one, and nothing is asked of GES."""
    document = """query ($word: String!, $id: ID!) {
      job: findJob(graph: { name: "supply_chain" }, jobId: $word) { status }
      named: graph(by: { name: $word }) { graphId }
      identified: graph(by: { graphId: $word }) { graphId }
      inside: findJob(graph: { inInstance: { graphId: $word, name: $word } }, jobId: "j") { status }
      global: job(id: $id) { status }
    }"""
    bench.upstream()
    answer = await bench.post({"query": document, "variables": {"word": word, "id": word}})
    assert codes(answer) == {"BAD_USER_INPUT"}, answer.text
    if word.isascii() and word.isprintable() and word:
        assert codes(await bench.ask(HELLO, X_Project_Id=word)) == {"BAD_USER_INPUT"}
    assert bench.upstream() == []


async def test_r08_redirects_are_not_followed() -> None:
    """The token stays; a redirect is an answer that makes no sense."""
    async with raw_upstream(http(b"{}")) as elsewhere:
        location = f"Location: {elsewhere.origin}/ges"
        for status in ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"):
            async with saying(http(b"", status, location)) as (bench, upstream):
                assert codes(await bench.ask(STATUS)) == {"UPSTREAM_ERROR"}
                assert len(upstream.requests) == 1
        assert elsewhere.requests == []


async def test_r09_cookies_and_headers_of_one_caller_reach_nobody_else() -> None:
    """What GES sets is forgotten; of the caller's headers only the token and the trace go on."""
    good = http(b'{"status": "running"}', "200 OK", "Set-Cookie: session=of-the-first; Path=/")
    async with saying(good) as (bench, upstream):
        await bench.ask(STATUS, ALL, Cookie="a=b", Forwarded="for=1.2.3.4", X_Custom="x", Referer="r", Host="evil")
        await bench.ask(STATUS, SUPPLY)
        [first, second] = upstream.requests
        names = {line.partition(b":")[0].lower() for line in first.split(b"\r\n")[1:] if line}
        known = {b"host", b"accept", b"accept-encoding", b"content-type", b"user-agent", b"x-language", b"x-auth-token"}
        assert names <= known | {b"traceparent", b"tracestate"}
        assert b"session" not in second
        assert SUPPLY.encode() in second
        assert ALL.encode() not in second
        assert b"evil" not in first


SURROGATE = b'{"status": "success", "data": {"outputs": {"vertices": [{"id": "a\\ud800", "label": "x"}]}}}'
NOT_NUMBERS = b'{"status": "success", "data": {"outputs": {"pagerank": [{"a": NaN}, {"b": Infinity}, {"c": 1e999}]}}}'


@pytest.mark.parametrize("body", [SURROGATE, NOT_NUMBERS], ids=["half surrogates", "no numbers"])
async def test_r21_poisoned_answers_what_goes_out_is_strict_json(body: bytes) -> None:
    """Whatever lenient writers put into a row, every client can read the answer."""
    query = f'{{ job(id: "{JOB}") {{ result {{ rows(first: 5) {{ nodes {{ raw }} }} }} }} }}'
    async with saying(http(body)) as (bench, _):
        text = (await bench.ask(query)).content.decode()
        read = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
        assert read["data"]["job"]["result"]["rows"]["nodes"]
        json.dumps(read, ensure_ascii=False).encode()


POISON = ["garbage", "invalid_utf8", "wrong_types", "error_with_200", "truncated", "wrong_length", "header_bomb"]


@pytest.mark.parametrize("kind", [*POISON, "endless", "gzip_bomb"])
async def test_r21_r23_poisoned_answers_are_refused_and_never_kept(kind: str) -> None:
    """The answer after it is asked of GES, and right."""
    async with open_bench(max_body_bytes=2**20) as bench:
        await bench.ask(HELLO)
        bench.sandbox.state.trouble.set({"service": {"kind": kind}})
        wrong = await bench.ask(STATUS)
        assert codes(wrong) <= {"UPSTREAM_MALFORMED", "UPSTREAM_ERROR"}
        assert wrong.json()["data"]["job"] is None
        bench.sandbox.state.trouble.set({"service": None})
        assert (await bench.ask(STATUS)).json()["data"]["job"]["status"] == "SUCCEEDED"


async def test_r21_unknown_status_is_shown_and_not_kept() -> None:
    """A word nobody knows is no end; the next look asks GES again."""
    async with saying(http(b'{"status": "hibernating"}')) as (bench, upstream):
        for _ in range(2):
            answer = (await bench.ask(f'{{ job(id: "{JOB}") {{ status rawStatus isTerminal }} }}')).json()
            assert answer["data"]["job"] == {"status": "UNKNOWN", "rawStatus": "hibernating", "isTerminal": False}
            bench.time.seconds += 1.1
        assert len([request for request in upstream.requests if b"offset=" in request]) >= 2


@pytest.mark.parametrize("compression", [False, True])
@pytest.mark.parametrize("kind", ["gzip_bomb", "endless", "header_bomb"])
async def test_r22_bombs_are_cut_off_at_the_bound(kind: str, compression: bool) -> None:
    """Not more than the bound and a piece is taken; the connection is dropped, and the next answer is right."""
    async with open_bench(max_body_bytes=2**20, upstream_compression=compression) as bench:
        await bench.ask(HELLO)
        bench.sandbox.state.trouble.set({"service": {"kind": kind, "times": 1}})
        async with asyncio.timeout(5):
            assert codes(await bench.ask(STATUS)) == {"UPSTREAM_MALFORMED"}
        metrics = (await bench.client.get("/metrics")).text
        [line] = [
            line for line in metrics.splitlines() if line.startswith('ges_gateway_upstream_bytes_total{plane="SERVICE"')
        ]
        assert float(line.split()[-1]) < 2**21
        assert (await bench.ask(STATUS)).json()["data"]["job"]["status"] == "SUCCEEDED"


async def test_r22_bombs_at_once_share_one_room_and_leave_the_small_alone() -> None:
    """Twenty bodies without end: what is collected of all is bounded, and the other plane answers meanwhile."""
    async with open_bench(max_body_bytes=2**26, max_collected_bytes=2**22) as bench:
        await bench.ask(HELLO)
        bench.sandbox.state.trouble.set({"service": {"kind": "endless"}})
        queries = [f'{{ job(id: "{job_id("supply_chain", number)}") {{ status }} }}' for number in range(20)]
        bombed = asyncio.gather(*map(bench.ask, queries))
        assert not codes(await bench.ask(LIST, Cache_Control="no-cache"))
        assert set().union(*map(codes, await bombed)) <= {"UPSTREAM_MALFORMED", "PLANE_UNAVAILABLE", "TIMEOUT"}
        metrics = (await bench.client.get("/metrics")).text
        assert 'outcome="crowded",plane="SERVICE"' in metrics or 'plane="SERVICE",outcome="crowded"' in metrics


async def test_r23_memory_what_is_kept_has_a_bound_in_bytes() -> None:
    """However many pages are read, and each is its own entry."""
    async with open_bench(cache_max_bytes=300_000, answers_max_bytes=0) as bench:
        for offset in range(0, 4000, 200):
            page = f"rows(first: 200, offset: {offset}) {{ nodes {{ index ... on VertexValueRow {{ vertexId }} }} }}"
            answer = await bench.ask(f'{{ job(id: "{job_id("supply_chain", 7)}") {{ result {{ {page} }} }} }}')
            assert answer.json()["data"]["job"]["result"]["rows"]["nodes"][0]["index"] == offset
        metrics = (await bench.client.get("/metrics")).text
        held = [float(line.split()[-1]) for line in metrics.splitlines() if "ges_gateway_cache_bytes{" in line]
        assert all(size <= 300_000 for size in held)


async def test_r27_upstream_connections_with_an_answer_too_many_are_not_used_again() -> None:
    """What lies on the connection would be the next caller's answer."""
    spoiled = http(b'{"status": "running"}') + http(b'{"status": "failed"}')
    async with saying(spoiled, Then.HANG) as (bench, upstream):
        for token in (ALL, SUPPLY):
            answer = await bench.ask(STATUS, token)
            assert "FAILED" not in answer.text
        assert upstream.connections >= 2
