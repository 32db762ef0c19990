"""Documents and bodies that are made to cost: refused by a code, soon, and before anything is asked of GES."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator

import pytest

from tests.e2e.threats import GOOD, HELLO, SUPPLY, Bench, codes, job_id, open_bench

pytestmark = pytest.mark.anyio
# Of CPU, its client's and the measuring of coverage included. A tenth of it is enough on a machine that is not busy;
# what grows too fast with the document takes many times as long.
REFUSAL_SECONDS = 1.0
JOB = job_id("supply_chain", 5)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Live as long as the module."""
    return "asyncio"


@pytest.fixture(scope="module")
async def bench(anyio_backend: str) -> AsyncIterator[Bench]:
    """Serve once."""
    async with open_bench() as opened:
        await opened.ask(HELLO)
        yield opened


def spreading(levels: int) -> str:
    """Fragments of which each spreads the next one twice: what expands them takes two to the power of their number."""
    last = f"fragment F{levels} on Query {{ gateway {{ version }} }}"
    steps = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels)]
    return "{ ...F0 } " + " ".join([*steps, last])


def deep(levels: int) -> str:
    """Fields within fields."""
    return "{ graphs { edges " + "{ node { jobs { edges " * levels + "{ cursor }" + "} } }" * levels + " } }"


EXPENSIVE = {
    "101 aliases": "{ " + " ".join(f"a{n}: gateway {{ version }}" for n in range(101)) + " }",
    "500 duplicates": "{ gateway { " + "version " * 500 + "} }",
    "ten directives": "{ gateway " + "@include(if: true) " * 10 + "{ version } }",
    "unknown directives": "{ gateway " + "@aa" * 10 + " { version } }",
    "deep": deep(20),
    "spreading fragments": spreading(24),
    "fragments in a circle": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "thousands of tokens": "{ gateway { " + "version\n" * 3000 + "} }",
    "nothing but comments": "#\n" * 3000 + "{ gateway { version } }",
    "thousands of operations": " ".join(f"query Q{n} {{ gateway {{ version }} }}" for n in range(2000)),
    "a circular introspection": "{ __schema " + "{ types { fields { type " * 6 + "{ name }" + "} } }" * 6 + " }",
    "brackets": "{ a(b: " + "[" * 4000 + "]" * 4000 + ") }",
    "braces": "{ a " * 2000 + "}" * 2000,
    "thirteen roots": "{ " + " ".join(f"a{n}: gateway {{ version }}" for n in range(13)) + " }",
    "conflicting fields": "{ " + " ".join(f'graph(by: {{ name: "g{n}" }}) {{ graphId }}' for n in range(100)) + " }",
}


@pytest.mark.parametrize("name", EXPENSIVE)
async def test_r11_expensive_documents_are_refused_soon_and_cheaply(bench: Bench, name: str) -> None:
    """By a code; nothing reaches GES, and nobody else waits for the refusal."""
    bench.upstream()
    seconds = []
    for number in range(3):
        began = time.process_time()
        answer = await bench.ask(f"{EXPENSIVE[name]} # {number}")
        seconds.append(time.process_time() - began)
    # The cheapest: collecting garbage, or the client in this process, may have had their turn in another.
    assert min(seconds) < REFUSAL_SECONDS
    assert codes(answer) & {"LIMIT_EXCEEDED", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"}, answer.text
    assert len(answer.content) < 20_000
    assert bench.upstream() == []


async def test_r11_expensive_documents_what_was_not_seen_before_is_bounded_for_each_caller() -> None:
    """Each new text costs its parsing; one caller who brings too many is told so, others and known texts are not."""
    async with open_bench(max_unknown_documents_per_caller=1) as bench:
        texts = [f"query Q{number} {{ gateway {{ version }} }}" for number in range(40)]
        await bench.ask(HELLO)
        told = await asyncio.gather(*map(bench.ask, texts))
        assert set().union(*map(codes, told)) == {"LIMIT_EXCEEDED"}
        assert codes(await bench.ask(HELLO)) == set()
        assert codes(await bench.ask("query Other { gateway { version } }", SUPPLY)) == set()


async def test_r11_expensive_documents_a_refusal_tells_limit_and_number(bench: Bench) -> None:
    """So that an honest client can ask for less."""
    [error] = (await bench.ask(EXPENSIVE["thirteen roots"])).json()["errors"]
    told = error["extensions"]
    assert (told["code"], told["limit"], told["maximum"], told["asked"]) == ("LIMIT_EXCEEDED", "rootFields", 12, 13)


async def test_r12_rows_are_budgeted_whatever_the_aliases(bench: Bench) -> None:
    """Two pages of sixty thousand are too many, as one of a hundred and twenty thousand would be."""
    pages = " ".join(f"r{n}: rows(first: 60000, offset: {n * 60000}) {{ nodes {{ index }} }}" for n in range(2))
    answer = await bench.ask(f'{{ job(id: "{JOB}") {{ result {{ {pages} }} }} }}')
    [error] = answer.json()["errors"]
    assert (error["extensions"]["limit"], error["extensions"]["asked"]) == ("rows", 120_000)
    assert bench.upstream() == []


async def test_r12_rows_multiply_through_lists(bench: Bench) -> None:
    """A hundred jobs with two thousand rows each."""
    inner = "jobs(first: 100) { nodes { result { rows(first: 2000) { nodes { index } } } } }"
    answer = await bench.ask(f'{{ graph(by: {{ name: "supply_chain" }}) {{ {inner} }} }}')
    assert answer.json()["errors"][0]["extensions"]["asked"] == 200_000
    assert bench.upstream() == []


BOMBS = {
    "null": b"null",
    "a number": b"5",
    "a string": b'"query"',
    "nested lists": b"[" * 100_000 + b"]" * 100_000,
    "nested variables": b'{"query": "{ gateway { version } }", "variables": '
    + b'{"a":' * 30_000
    + b"1"
    + b"}" * 30_001,
    "digits": b'{"query": "{ gateway { version } }", "variables": {"n": ' + b"9" * 100_000 + b"}}",
    "invalid UTF-8": b'{"query": "\xff\xfe"}',
    "half a surrogate": b'{"query": "{ gateway { version } } # \\ud800"}',
    "half a body": b'{"query": "{ gateway',
    "nothing": b"",
    "a batch": b'[{"query": "{ gateway { version } }"}]',
}


@pytest.mark.parametrize("name", BOMBS)
async def test_r13_json_bombs_are_refused_as_what_they_are(bench: Bench, name: str) -> None:
    """With a status of the client's own fault and a code; the process goes on."""
    headers = {**GOOD, "Content-Type": "application/json"}
    answer = await bench.client.post("/graphql", content=BOMBS[name], headers=headers)
    refused = answer.status_code == 400 and codes(answer) == {"BAD_USER_INPUT"}
    assert refused or (name == "half a surrogate" and answer.status_code == 200), answer.text
    assert (await bench.ask(HELLO)).json()["data"]["graph"]["graphId"]


async def test_r13_json_bombs_a_body_beyond_the_bound_is_not_read_on(bench: Bench) -> None:
    """Announced or not: 413, and the connection is closed rather than read to its end."""
    head = b"POST /graphql HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
    announced = await bench.raw(head + b"Content-Length: 999999999\r\n\r\n{")
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    unannounced = await bench.raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 5)
    for answer in (announced, unannounced):
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"PAYLOAD_TOO_LARGE" in answer


async def test_r13_json_bombs_compressed_bodies_are_not_taken(bench: Bench) -> None:
    """Nobody can hide a large body in a small one."""
    headers = {**GOOD, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    content = gzip.compress(b'{"query": "{ gateway { version } }"}')
    answer = await bench.client.post("/graphql", content=content, headers=headers)
    assert answer.status_code == 415


async def test_r14_floods_batches_are_not_taken(bench: Bench) -> None:
    """One operation a request, so that what is counted is what is executed."""
    answer = await bench.post([{"query": HELLO}] * 10, SUPPLY)
    assert (answer.status_code, codes(answer)) == (400, {"BAD_USER_INPUT"})
