"""What callers may have under way, over every transport; and that a gateway with a full house says how it is."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.e2e.threats import ALL, HELLO, Bench, codes, job_id, open_bench

pytestmark = pytest.mark.anyio
OTHER = "sandbox-token-supply"
ROWS = "query ($id: ID!, $first: Int) { job(id: $id) { result { rows(first: $first) { nodes { index } } } } }"
WATCHED_ROWS = (
    "subscription ($id: ID!, $first: Int) "
    "{ jobUpdated(id: $id) { job { result { rows(first: $first) { nodes { index } } } } } }"
)
TRANSPORTS = ("http", "events", "socket")


def body(number: int, first: int, document: str = ROWS) -> dict[str, Any]:
    """Ask for so many rows of a job."""
    return {"query": document, "variables": {"id": job_id("supply_chain", number), "first": first}}


async def ask(bench: Bench, transport: str, asked: dict[str, Any], token: str = ALL) -> dict[str, Any]:
    """Return the first that is said, by one of the transports; errors of no result as a result without data."""
    if transport == "http":
        return dict((await bench.post(asked, token)).json())
    if transport == "events":
        headers = {"X-Auth-Token": token, "Accept": "text/event-stream"}
        async with bench.client.stream("POST", "/graphql", json=asked, headers=headers) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    return dict(json.loads(line.removeprefix("data: ")))
    url = bench.url.replace("http", "ws") + "/graphql"
    protocols, headers = [Subprotocol("graphql-transport-ws")], {"X-Auth-Token": token}
    async with connect(url, subprotocols=protocols, additional_headers=headers, max_size=None) as socket:
        for message in ({"type": "connection_init"}, {"type": "subscribe", "id": "1", "payload": asked}):
            await socket.send(json.dumps(message))
        while (heard := json.loads(await socket.recv()))["type"] in {"connection_ack", "ping"}:
            pass
    return {"errors": heard["payload"]} if heard["type"] == "error" else dict(heard["payload"])


async def taken(bench: Bench, name: str, count: float) -> None:
    """Wait until so much is under way; a test that waits too long fails."""
    async with asyncio.timeout(10):
        while f"ges_gateway_{name} {count}" not in (await bench.client.get("/metrics")).text:
            pass


async def refusals(bench: Bench, reason: str) -> float:
    """Return how often something was refused for this reason."""
    wanted = f'ges_gateway_refusals_total{{reason="{reason}"}} '
    lines = (await bench.client.get("/metrics")).text.splitlines()
    return next((float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted)), 0.0)


def hang(bench: Bench) -> None:
    bench.sandbox.state.trouble.set({"service": {"kind": "hang"}})


async def leave(*asking: asyncio.Task[Any]) -> None:
    """Let clients go, and wait until they have."""
    for task in asking:
        task.cancel()
    for task in asking:
        with suppress(asyncio.CancelledError, httpx.HTTPError):
            await task


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_r12_rows_under_way_of_one_caller_have_a_bound(transport: str) -> None:
    """Until they are sent or their client leaves; others have theirs."""
    async with open_bench(max_rows_under_way_per_caller=1000) as bench:
        await bench.ask(HELLO)
        hang(bench)
        first = asyncio.create_task(ask(bench, transport, body(7, 600)))
        await taken(bench, "rows_under_way", 600)
        refused = await ask(bench, transport, body(7, 401))
        extensions = refused["errors"][0]["extensions"]
        told = {"code": "LIMIT_EXCEEDED", "limit": "rowsUnderWay", "maximum": 1000, "asked": 1001}
        assert told.items() <= extensions.items()
        assert (extensions["retryable"], extensions["retryAfterSeconds"]) == (True, 1)
        assert await refusals(bench, "rows_under_way") == 1
        others = [asyncio.create_task(ask(bench, transport, body(7, 900), OTHER))]
        await taken(bench, "rows_under_way", 1500)
        await leave(first, *others)
        await taken(bench, "rows_under_way", 0)
        bench.sandbox.state.trouble.set({"service": None})
        assert len((await ask(bench, transport, body(7, 1000)))["data"]["job"]["result"]["rows"]["nodes"]) == 1000


async def test_r12_rows_of_an_event_count_like_those_of_a_query() -> None:
    """A watcher that asks for more than he may is told so, as an end of his stream."""
    async with open_bench(max_rows_under_way_per_caller=1000) as bench:
        for transport in ("events", "socket"):
            refused = await ask(bench, transport, body(7, 1001, WATCHED_ROWS))
            assert codes(refused) == {"LIMIT_EXCEEDED"}
            heard = await ask(bench, transport, body(7, 1000, WATCHED_ROWS))
            assert len(heard["data"]["jobUpdated"]["job"]["result"]["rows"]["nodes"]) == 1000
        await taken(bench, "rows_under_way", 0)


async def test_r29_overload_rows_of_all_have_a_bound() -> None:
    """Beyond it 503, whoever asks."""
    async with open_bench(max_rows_under_way=1000) as bench:
        await bench.ask(HELLO)
        hang(bench)
        first = asyncio.create_task(bench.post(body(7, 600)))
        await taken(bench, "rows_under_way", 600)
        refused = await bench.post(body(7, 500), OTHER)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["errors"][0]["extensions"]["retryable"] is True
        assert codes(refused) == {"OVERLOADED"}
        await leave(first)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_r14_floods_operations_of_one_caller_have_a_bound(transport: str) -> None:
    """Over HTTP 429 with `Retry-After`; others are served."""
    async with open_bench(max_operations_per_caller=2) as bench:
        await bench.ask(HELLO)
        hang(bench)
        hung = [asyncio.create_task(ask(bench, transport, body(number, 10))) for number in (7, 8)]
        await taken(bench, "operations_under_way", 2)
        refused = await ask(bench, transport, {"query": HELLO})
        told = {"code": "LIMIT_EXCEEDED", "limit": "operations", "maximum": 2, "asked": 3}
        assert told.items() <= refused["errors"][0]["extensions"].items()
        assert await refusals(bench, "operations") == 1
        answer = await bench.ask(HELLO)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert "errors" not in await ask(bench, transport, {"query": HELLO}, OTHER)
        await leave(*hung)
        await taken(bench, "operations_under_way", 0)
        assert "errors" not in await ask(bench, transport, {"query": HELLO})


async def test_r29_overload_a_full_house_refuses_and_tells_how_it_is() -> None:
    """While everything that may be under way is."""
    async with open_bench(max_operations=3) as bench:
        await bench.ask(HELLO)
        hang(bench)
        hung = [asyncio.create_task(bench.post(body(number, 10))) for number in (7, 8, 9)]
        await taken(bench, "operations_under_way", 3)
        for _ in range(20):
            refused = await bench.ask(HELLO)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            for path in ("/livez", "/readyz", "/metrics"):
                assert (await bench.client.get(path)).status_code == 200
        # Nobody has left: what was answered was answered in a full house.
        assert not any(task.done() for task in hung)
        assert await refusals(bench, "overloaded") == 20
        await leave(*hung)
        await taken(bench, "operations_under_way", 0)
        assert "errors" not in (await bench.ask(HELLO)).json()


async def test_every_refusal_is_counted_by_its_reason() -> None:
    """One each, whatever transport and whatever place refuses."""
    async with open_bench(max_sockets=1, max_depth=3, max_unknown_documents_per_caller=1) as bench:
        post = bench.client.post
        await bench.client.get("/graphql", headers={f"x-{number}": "1" for number in range(101)})
        await bench.client.get("/graphql?query=" + "x" * 64_001)
        await post("/graphql", content=b" " * 300_000)
        await post("/graphql", content=b"[]", headers={"Content-Type": "text/plain"})
        await bench.ask("{ nothing }")
        await bench.ask("{ jobs { nodes { graph { name } } } }")
        for number in range(9):
            await bench.ask(f"{{ a{number}: __typename }}")
        url, protocols = bench.url.replace("http", "ws") + "/graphql", [Subprotocol("graphql-transport-ws")]
        with suppress(InvalidStatus):
            await connect(url, subprotocols=protocols, origin=Origin("https://elsewhere.example"))
        async with connect(url, subprotocols=protocols), connect(url, subprotocols=protocols) as second:
            await second.wait_closed()
        reasons = (
            "headers",
            "address",
            "body",
            "request",
            "document",
            "depth",
            "unknown_documents",
            "origin",
            "sockets",
        )
        assert {reason: await refusals(bench, reason) for reason in reasons} == dict.fromkeys(reasons, 1.0)
