"""Too much, too slow, too often: no plane pays for the other, GES not for its failures, nobody for who has left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway.planes.breaker import FAILURES_TO_OPEN, OPEN_SECONDS
from tests.e2e.threats import ALL, GOOD, HELLO, Bench, codes, job_id, open_bench
from tests.support_upstream import RawUpstream, Step, Then, raw_upstream

pytestmark = pytest.mark.anyio
JOB = job_id("supply_chain", 5)
STATUS = f'{{ job(id: "{JOB}") {{ status }} }}'
LIST = "{ jobs(first: 1) { nodes { jobId } } }"
BOTH = '{ graph(by: { name: "supply_chain" }) { jobs(first: 3) { planes { plane ok } nodes { plane } } } }'
OUT = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}"
RUNNING = b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"status": "running"}'


@asynccontextmanager
async def saying(*steps: Step, **settings: Any) -> AsyncIterator[tuple[Bench, RawUpstream]]:
    """Serve a gateway before a service plane of raw bytes that says this to every request."""
    async with (
        raw_upstream(*steps) as upstream,
        open_bench(service_urls={"supply_chain": upstream.origin}, **settings) as bench,
    ):
        yield bench, upstream


def statuses(numbers: Sequence[int]) -> list[Any]:
    """Ask for the status of as many jobs as there are numbers, all by one document: new ones have a bound."""
    document = "query ($id: ID!) { job(id: $id) { status } }"
    return [{"query": document, "variables": {"id": job_id("supply_chain", number)}} for number in numbers]


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for what no event tells; a test that waits too long fails."""
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 -- the application has no event for it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", ["hang", "hang_body", "drip", "latency"])
async def test_r16_slow_plane_one_deadline_covers_everything(kind: str) -> None:
    """However the time is spent; the other plane's part is there."""
    async with open_bench(request_timeout_seconds=1, upstream_timeout_seconds=0.8) as bench:
        await bench.ask(HELLO)
        bench.sandbox.state.trouble.set({"service": {"kind": kind, "seconds": 60 if kind == "latency" else 0.3}})
        began = time.monotonic()
        answer = await bench.ask(BOTH)
        assert time.monotonic() - began < 1.1 + 0.2
        told = answer.json()["data"]["graph"]["jobs"]
        assert {entry["plane"]: entry["ok"] for entry in told["planes"]} == {"MANAGEMENT": True, "SERVICE": False}
        assert told["nodes"]
        assert codes(answer) == {"TIMEOUT"}


@pytest.mark.parametrize("kind", ["reset", "status503", "throttled_silently"])
async def test_r17_retry_storms_what_did_not_get_through_is_sent_again(kind: str) -> None:
    """Once the trouble is over the client never hears of it."""
    async with open_bench() as bench:
        await bench.ask(HELLO)
        bench.upstream()
        bench.sandbox.state.trouble.set({"service": {"kind": kind, "times": 1}})
        assert (await bench.ask(STATUS)).json()["data"]["job"]["status"] == "SUCCEEDED"
        assert len(bench.upstream()) == 2


async def test_r17_retry_storms_at_most_three_attempts() -> None:
    """Of a read that GES does not take."""
    async with saying(OUT) as (bench, upstream):
        assert codes(await bench.ask(STATUS)) == {"PLANE_UNAVAILABLE"}
        assert len(upstream.requests) == 3


async def test_r17_retry_storms_repeats_are_a_fifth_of_the_calls() -> None:
    """With the few that a quiet time has saved; then the breaker spares even the first attempts."""
    async with saying(b"HTTP/1.1 429 Too Many\r\nContent-Length: 2\r\n\r\n{}") as (bench, upstream):
        await asyncio.gather(*map(bench.post, statuses(range(100, 150))))
        assert 50 <= len(upstream.requests) <= 50 * 1.2 + 5


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ((b"HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\n{}",), None),
        ((b"HTTP/1.1 500 Bad\r\nContent-Length: 2\r\n\r\n{}",), "UPSTREAM_ERROR"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", Then.RESET), "PLANE_UNAVAILABLE"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", Then.CLOSE), "UPSTREAM_MALFORMED"),
        ((b"HTTP/1.1 429 No\r\nRetry-After: 100\r\nContent-Length: 2\r\n\r\n{}",), "RATE_LIMITED"),
    ],
    ids=["400", "500", "a body that breaks off", "a body that ends early", "a pause that is too long"],
)
async def test_r17_retry_storms_what_is_not_safe_or_no_use_is_sent_once(steps: tuple[Step, ...], code: str) -> None:
    """Nothing that GES has answered, or begun to."""
    async with saying(*steps) as (bench, upstream):
        told = codes(await bench.ask(STATUS))
        assert code is None or told == {code}
        assert len(upstream.requests) == 1


async def test_r18_stampede_is_one_call() -> None:
    """A hundred who ask the same at once, and the one who began leaves."""
    async with open_bench() as bench:
        await bench.ask(HELLO)
        bench.sandbox.state.trouble.set({"service": {"kind": "latency", "seconds": 2}})
        bench.upstream()
        leader = asyncio.create_task(bench.ask(STATUS))
        await until(lambda: len(bench.app.state.runtime.flights) > 0)
        followers = [asyncio.create_task(bench.ask(STATUS)) for _ in range(100)]
        await until(lambda: bench.app.state.runtime.flights.joined == 100)
        leader.cancel()
        answers = await asyncio.gather(*followers)
        assert {answer.json()["data"]["job"]["status"] for answer in answers} == {"SUCCEEDED"}
        assert len(bench.upstream()) == 1


async def test_r18_stampede_a_failing_leader_releases_no_herd() -> None:
    """All get its error; nobody asks for himself."""
    async with open_bench(upstream_timeout_seconds=2) as bench:
        await bench.ask(HELLO)
        bench.sandbox.state.trouble.set({"service": {"kind": "hang_body"}})
        bench.upstream()
        asking = [asyncio.create_task(bench.ask(STATUS)) for _ in range(100)]
        await until(lambda: bench.app.state.runtime.flights.joined == 99)
        answers = await asyncio.gather(*asking)
        assert {frozenset(codes(answer)) for answer in answers} == {frozenset({"TIMEOUT"})}
        assert len(bench.upstream()) == 1


async def test_r19_starvation_hung_calls_of_one_plane_do_not_slow_the_other() -> None:
    """A hundred and fifty hang at the service plane; management answers as before, and each is refused in time."""
    many = {"upstream_calls_per_address": 150}
    async with open_bench(request_timeout_seconds=6, upstream_timeout_seconds=5, **many) as bench:
        await bench.ask(LIST, Cache_Control="no-cache")
        alone = await _slowest_of_most(bench)
        bench.sandbox.state.trouble.set({"service": {"kind": "hang"}})
        hung = [asyncio.create_task(bench.post(body)) for body in statuses(range(150))]
        await until(lambda: len(bench.app.state.runtime.flights) == 150)
        beside = await _slowest_of_most(bench)
        answers = await asyncio.gather(*hung)
        assert beside < 2 * alone + 0.1
        assert set().union(*map(codes, answers)) <= {"TIMEOUT", "PLANE_UNAVAILABLE"}


async def _slowest_of_most(bench: Bench, calls: int = 20) -> float:
    """Return the 95th percentile of the seconds that a list of the management plane takes."""
    seconds = []
    for _ in range(calls):
        began = time.monotonic()
        assert not codes(await bench.ask(LIST, Cache_Control="no-cache"))
        seconds.append(time.monotonic() - began)
    return sorted(seconds)[int(calls * 0.95) - 1]


async def test_r20_outage_the_breaker_fails_fast_probes_singly_and_closes() -> None:
    """Open after a handful of failures; within five seconds of the recovery everything is as before."""
    async with saying(OUT) as (bench, upstream):
        for body in statuses(range(200, 200 + FAILURES_TO_OPEN)):
            await bench.post(body)
        asked = len(upstream.requests)
        seconds = []
        for _ in range(5):
            began = time.monotonic()
            spared = await bench.ask(STATUS)
            seconds.append(time.monotonic() - began)
        # The quickest: the others are those of a machine with other things to do.
        assert min(seconds) < 0.1
        assert codes(spared) == {"PLANE_UNAVAILABLE"}
        assert 0 < spared.json()["errors"][0]["extensions"]["retryAfterSeconds"] <= OPEN_SECONDS
        assert len(upstream.requests) == asked
        bench.time.seconds += OPEN_SECONDS
        await asyncio.gather(*map(bench.post, statuses(range(300, 320))))
        assert len(upstream.requests) == asked + 1
        upstream.steps = [RUNNING]
        bench.time.seconds += OPEN_SECONDS
        assert OPEN_SECONDS < 5
        assert not codes(await bench.ask(STATUS))
        answers = await asyncio.gather(*map(bench.post, statuses(range(400, 410))))
        assert set().union(*map(codes, answers)) == set()


@pytest.mark.parametrize("query", [STATUS, LIST, BOTH])
async def test_r28_abandoned_work_ends_with_its_client(query: str) -> None:
    """The call to GES is cancelled; nothing is left under way."""
    async with open_bench() as bench:
        await bench.ask(HELLO)
        bench.sandbox.state.trouble.set({"service": {"kind": "hang"}, "management": {"kind": "hang"}})
        leaving = asyncio.create_task(bench.ask(query))
        await until(lambda: len(bench.app.state.runtime.flights) > 0)
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving
        await until(lambda: len(bench.app.state.runtime.flights) == 0)


async def test_r28_abandoned_work_the_connection_to_ges_is_closed() -> None:
    """As GES sees it."""
    async with saying(Then.HANG) as (bench, upstream):
        leaving = asyncio.create_task(bench.ask(STATUS))
        await upstream.asked.wait()
        leaving.cancel()
        async with asyncio.timeout(2):
            await upstream.left.wait()


async def test_r28_abandoned_work_a_watcher_that_left_polls_no_more() -> None:
    """Nothing is asked without an audience."""
    query = f'subscription {{ jobUpdated(id: "{job_id("supply_chain", 2)}") {{ type }} }}'
    async with open_bench(watch_first_seconds=0.05, watch_longest_seconds=0.05) as bench:
        watching = bench.stream(query, ALL)
        await anext(watching)
        await watching.aclose()
        await until(lambda: bench.app.state.runtime.watches.pollers == 0)


async def test_r29_overload_is_told_early_and_passes() -> None:
    """Beyond the bound 503 in milliseconds, with `Retry-After`; metrics are served, and it ends by itself."""
    async with open_bench(max_operations=5, request_timeout_seconds=2, upstream_timeout_seconds=1) as bench:
        await bench.ask(HELLO)
        bench.sandbox.state.trouble.set({"service": {"kind": "hang"}})
        hung = [asyncio.create_task(bench.post(body)) for body in statuses(range(5))]
        await until(lambda: len(bench.app.state.runtime.flights) == 5)
        seconds = []
        for _ in range(3):
            began = time.monotonic()
            refused = await bench.ask(LIST)
            seconds.append(time.monotonic() - began)
        assert min(seconds) < 0.1
        assert (refused.status_code, codes(refused)) == (503, {"OVERLOADED"})
        assert int(refused.headers["retry-after"]) >= 1
        for path in ("/livez", "/readyz", "/metrics"):
            assert (await bench.client.get(path)).status_code == 200
        await asyncio.gather(*hung)
        assert not codes(await bench.ask(LIST))


async def test_r14_floods_one_callers_subscriptions_have_a_bound() -> None:
    """Others still get theirs."""
    query = f'subscription {{ jobUpdated(id: "{job_id("supply_chain", 2)}") {{ type }} }}'
    async with open_bench(max_subscriptions_per_caller=3) as bench:
        streams = [bench.stream(query, ALL) for _ in range(3)]
        for stream in streams:
            await anext(stream)
        [refused] = await bench.events(query, ALL)
        assert codes(refused) == {"LIMIT_EXCEEDED"}
        other = bench.stream(query, "sandbox-token-supply")
        assert (await anext(other))["data"]
        for stream in (*streams, other):
            await stream.aclose()


async def test_r14_floods_a_message_that_is_too_long_ends_its_socket() -> None:
    """Nobody keeps it in memory to see what it says."""
    async with open_bench() as bench:
        url = bench.url.replace("http", "ws") + "/graphql"
        async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            await socket.send("x" * 100_000)
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code in {1009, 4400}
        assert (await bench.client.post("/graphql", json={"query": HELLO}, headers=GOOD)).status_code == 200


async def test_r29_overload_calls_to_one_address_are_bounded() -> None:
    """Who waits too long for a turn is told so; the rest is never sent."""
    async with saying(Then.HANG, upstream_calls_per_address=4, request_timeout_seconds=3) as (bench, upstream):
        answers = [asyncio.create_task(bench.post(body)) for body in statuses(range(20))]
        told = await asyncio.gather(*answers)
        assert set().union(*map(codes, told)) == {"PLANE_UNAVAILABLE", "TIMEOUT"}
        assert len(upstream.requests) == 4
