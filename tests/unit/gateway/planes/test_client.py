"""The client: one read out, one body back; what goes out, what comes back, and what every failure becomes."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest

from gateway.planes.breaker import Breakers, BreakerState
from gateway.planes.client import ClientLimits, PlaneClient
from gateway.planes.intake import Room
from gateway.planes.outcomes import Outcome, UpstreamCall
from gateway.planes.read import Body, Read
from gateway.planes.transport import AiohttpTransport, TLSOptions
from schema.errors import (
    BadUserInputError,
    PlaneUnavailableError,
    UpstreamError,
    UpstreamFailedError,
    UpstreamMalformedError,
    UpstreamTimeoutError,
)
from schema.plane import Plane
from tests.support_upstream import OK, Step, Then, raw_upstream

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
TOKEN = "MIIF8wYJKoZIhvcNAQcCoIIF5DCCBeACAQExDTALBglghkgB"
ORIGIN = "https://ges.example:8443"
READ = Read(Plane.SERVICE, "p1", ("graphs", "movies", "jobs", "j~1", "status"), (("limit", "1"),))


class AsyncBody(httpx.AsyncByteStream):
    """A body in pieces that knows whether it was closed."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self.chunks = chunks
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    async def aclose(self) -> None:
        self.is_closed = True


@dataclass
class Bench:
    """A client over a transport that is told what to answer, and all that can be seen of it."""

    answer: Callable[[httpx.Request], httpx.Response]
    limits: ClientLimits = field(default_factory=lambda: ClientLimits(1000))
    requests: list[httpx.Request] = field(default_factory=list)
    calls: list[UpstreamCall] = field(default_factory=list)
    seconds: float = 100.0

    def __post_init__(self) -> None:
        self.client = PlaneClient(
            Plane.SERVICE,
            httpx.MockTransport(self._handle),
            limits=self.limits,
            user_agent="ges-gateway/1",
            clock=lambda: NOW,
            breakers=Breakers(lambda: self.seconds),
            observe=self.calls.append,
        )

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)

    async def fetch(
        self, read: Read = READ, headers: dict[str, str] | None = None, timeout_seconds: float = 5, origin: str = ORIGIN
    ) -> Body:
        """Fetch with the usual arguments."""
        return await self.client.fetch(
            read, origin=origin, headers=headers or {"X-Auth-Token": TOKEN}, timeout_seconds=timeout_seconds
        )


def answering(status: int = 200, content: bytes = b"{}", headers: dict[str, str] | None = None) -> Bench:
    return Bench(lambda request: httpx.Response(status, content=content, headers=headers))


def failing(failure: Exception) -> Bench:
    def fail(request: httpx.Request) -> httpx.Response:
        raise failure

    return Bench(fail)


@asynccontextmanager
async def real_client(*steps: Step) -> AsyncIterator[tuple[Callable[[float], asyncio.Task[Body]], asyncio.Event]]:
    """Give a way to fetch from raw bytes over the real engine, and what is set once the connection was closed."""
    async with raw_upstream(*steps) as upstream:
        transport = AiohttpTransport(tls=TLSOptions(), connections=2)
        client = PlaneClient(
            Plane.MANAGEMENT,
            transport,
            limits=ClientLimits(1000),
            user_agent="ges-gateway/1",
            clock=lambda: NOW,
            breakers=Breakers(lambda: 0.0),
        )

        def fetch(timeout_seconds: float) -> asyncio.Task[Body]:
            work = client.fetch(
                READ, origin=upstream.origin, headers={"X-Auth-Token": TOKEN}, timeout_seconds=timeout_seconds
            )
            return asyncio.create_task(work)

        try:
            yield fetch, upstream.left
        finally:
            await transport.aclose()


async def test_a_read_goes_out_with_exactly_these_headers() -> None:
    """The two that GES calls mandatory among them."""
    bench = answering()
    await bench.fetch()
    (request,) = bench.requests
    assert (request.method, str(request.url)) == (
        "GET",
        "https://ges.example:8443/ges/v1.0/p1/graphs/movies/jobs/j~1/status?limit=1",
    )
    assert dict(request.headers) == {
        "host": "ges.example:8443",
        "accept": "application/json",
        "content-type": "application/json",
        "x-language": "en-us",
        "accept-encoding": "identity",
        "user-agent": "ges-gateway/1",
        "x-auth-token": TOKEN,
    }


async def test_of_the_callers_headers_only_the_listed_ones_go_out() -> None:
    """Whatever spelling they have."""
    bench = answering()
    listed = {
        "AUTHORIZATION": "SDK-HMAC-SHA256 Access=a",
        "X-Sdk-Date": "20261101T120000Z",
        "X-Security-Token": "s",
        "traceparent": "00-1-2-01",
        "tracestate": "a=b",
    }
    others = {"Cookie": "a=b", "X-Project-Id": "p", "X-Forwarded-For": "127.0.0.1", "Host": "evil", "Accept": "*/*"}
    await bench.fetch(headers=listed | others)
    sent = dict(bench.requests[0].headers)
    assert {name: sent.get(name.lower()) for name in listed} == listed
    assert not {"cookie", "x-project-id", "x-forwarded-for"} & set(sent)
    assert (sent["host"], sent["accept"]) == ("ges.example:8443", "application/json")


async def test_an_answer_is_its_status_its_bytes_and_the_time() -> None:
    """And one line for the log."""
    bench = answering(200, b'{"status":"success"}')
    assert await bench.fetch() == Body(200, b'{"status":"success"}', NOW)
    (call,) = bench.calls
    assert (call.plane, call.outcome, call.status, call.bytes, call.cause) == (
        Plane.SERVICE,
        Outcome.ANSWERED,
        200,
        20,
        "",
    )
    assert 0 <= call.seconds < 5


@pytest.mark.parametrize("status", [204, 302, 400, 401, 404, 429, 500, 503])
async def test_any_status_is_a_body(status: int) -> None:
    """What it means is decided elsewhere; a redirect is never followed."""
    bench = answering(status, b"{}" if status != 204 else b"", {"Location": "https://evil.example/"})
    assert (await bench.fetch()).status == status
    assert len(bench.requests) == 1


async def test_a_wait_that_is_asked_for_is_part_of_the_body() -> None:
    """With 429 and 503."""
    assert (await answering(429, headers={"Retry-After": "7"}).fetch()).retry_after_seconds == 7.0


async def test_an_error_that_repeats_the_token_loses_it() -> None:
    """GES echoes what it was sent."""
    content = json.dumps({"error_msg": f"token {TOKEN} is invalid"}).encode()
    body = await answering(401, content).fetch()
    assert json.loads(body.content) == {"error_msg": "token *** is invalid"}


async def test_a_good_answer_stays_as_it_is() -> None:
    """Rows are not searched for tokens: a result is as long as it likes."""
    content = json.dumps({"result": TOKEN, "password": "abc"}).encode()
    assert (await answering(200, content).fetch()).content == content


SECRETS = b'{"jobList":[{"obsParameters":{"accessKey":"AK-1","secretKey":"SK-2"}}]}'


async def test_bodies_that_repeat_requests_lose_the_secrets_in_them() -> None:
    """Import jobs are listed with the keys they were given."""
    repeating = Read(Plane.SERVICE, "p1", ("jobs",), carries_requests=True)
    body = await answering(200, SECRETS).fetch(repeating)
    assert b"SK-2" not in body.content
    assert b"jobList" in body.content


async def test_errors_lose_the_secrets_in_them_too() -> None:
    """Whichever read it was."""
    assert b"SK-2" not in (await answering(400, SECRETS).fetch()).content


@pytest.mark.parametrize(
    ("failure", "error", "outcome"),
    [
        (httpx.ConnectError("ClientConnectorError ECONNREFUSED"), PlaneUnavailableError, Outcome.UNAVAILABLE),
        (httpx.ReadError("x"), PlaneUnavailableError, Outcome.UNAVAILABLE),
        (httpx.ReadTimeout("x"), UpstreamTimeoutError, Outcome.TIMEOUT),
        (httpx.RemoteProtocolError("x"), UpstreamMalformedError, Outcome.MALFORMED),
        (httpx.LocalProtocolError("x"), UpstreamFailedError, Outcome.UNSENDABLE),
    ],
)
async def test_a_failure_becomes_an_error_of_ours(
    failure: httpx.HTTPError, error: type[UpstreamError], outcome: Outcome
) -> None:
    """With the plane, and without anything of httpx's: its errors hold the request, and the request the token."""
    failure.request = httpx.Request("GET", ORIGIN, headers={"X-Auth-Token": TOKEN})
    bench = failing(failure)
    with pytest.raises(error) as caught:
        await bench.fetch()
    assert (caught.value.plane, caught.value.__cause__, caught.value.__context__) == (Plane.SERVICE, None, None)
    assert "ges.example" not in str(caught.value)
    assert [call.outcome for call in bench.calls] == [outcome]


async def test_the_log_learns_the_cause() -> None:
    """The client learns only that the plane could not be reached."""
    bench = failing(httpx.ConnectError("ClientConnectorError ECONNREFUSED"))
    with pytest.raises(PlaneUnavailableError, match=r"^GES could not be reached\.$"):
        await bench.fetch()
    assert bench.calls[0].cause == "ClientConnectorError ECONNREFUSED"


async def test_a_body_that_breaks_off_is_a_failure_and_closed() -> None:
    """What has arrived of it is counted."""
    body = AsyncBody(b"{", httpx.ReadError("x"))
    bench = Bench(lambda request: httpx.Response(200, stream=body))
    with pytest.raises(PlaneUnavailableError):
        await bench.fetch()
    assert body.is_closed
    assert (bench.calls[0].status, bench.calls[0].bytes) == (200, 1)


async def test_a_body_over_the_limit_is_refused_and_closed() -> None:
    """The text says the limit, nothing else."""
    body = AsyncBody(*[b"0" * 400] * 1000)
    bench = Bench(lambda request: httpx.Response(200, stream=body))
    with pytest.raises(UpstreamMalformedError, match=r"^GES answered with more than 1000 bytes\.$") as caught:
        await bench.fetch()
    assert body.is_closed
    assert (caught.value.upstream_status, bench.calls[0].outcome) == (200, Outcome.MALFORMED)
    assert caught.value.__context__ is None


async def test_a_body_without_room_is_given_up_and_closed() -> None:
    """It may come another time; the plane is not to blame, and nothing is asked again at once."""
    body = AsyncBody(*[b"0" * 2**20] * 3)
    limits = ClientLimits(2**30, room=Room(2**20))
    bench = Bench(lambda request: httpx.Response(200, stream=body), limits)
    with pytest.raises(PlaneUnavailableError, match=r"^More is being read from GES") as caught:
        await bench.fetch()
    assert body.is_closed
    assert (caught.value.upstream_status, caught.value.retry_after_seconds) == (200, 1.0)
    assert bench.calls[0].outcome is Outcome.CROWDED
    assert caught.value.__context__ is None


async def test_a_compressed_answer_is_refused_by_default() -> None:
    """It was not asked for."""
    with pytest.raises(UpstreamMalformedError):
        await answering(200, gzip.compress(b"{}"), {"Content-Encoding": "gzip"}).fetch()


async def test_compression_can_be_switched_on() -> None:
    """Then it is asked for, expanded, and counted as it came."""
    bench = answering(200, gzip.compress(b"{}" * 400), {"Content-Encoding": "gzip"})
    bench.limits = ClientLimits(1000, accept_compressed=True)
    bench.__post_init__()
    assert (await bench.fetch()).content == b"{}" * 400
    assert bench.requests[0].headers["accept-encoding"] == "gzip"
    assert bench.calls[0].bytes < 100


@pytest.mark.parametrize("segments", [("a", "..", "jobs"), (".",), ("..",)])
async def test_a_segment_of_dots_never_goes_out(segments: tuple[str, ...]) -> None:
    """httpx would resolve it, and the request would climb into another project."""
    bench = answering()
    with pytest.raises(BadUserInputError):
        await bench.fetch(Read(Plane.SERVICE, "p1", segments))
    assert bench.requests == []


@pytest.mark.parametrize(
    ("origin", "headers"), [("https://ges.example:port", {}), (ORIGIN, {"X-Auth-Token": "gehéim"})]
)
async def test_a_request_that_cannot_be_written_is_refused(origin: str, headers: dict[str, str]) -> None:
    """The error must not hold the header."""
    with pytest.raises(UpstreamFailedError) as caught:
        await answering().fetch(headers=headers, origin=origin)
    assert (caught.value.__cause__, caught.value.__context__, caught.value.retryable) == (None, None, False)


async def test_without_time_nothing_is_sent() -> None:
    """And nobody is blamed."""
    bench = answering()
    with pytest.raises(UpstreamTimeoutError):
        await bench.fetch(timeout_seconds=0)
    assert (bench.requests, bench.calls) == ([], [])


async def test_a_transport_that_cannot_be_awaited_is_our_mistake() -> None:
    """A programming error is no upstream error, and its probe is given back."""

    class Blocking(httpx.SyncByteStream):
        pass

    bench = Bench(lambda request: httpx.Response(200, stream=Blocking()))
    with pytest.raises(TypeError):
        await bench.fetch()
    assert bench.calls[0].outcome is Outcome.ABANDONED


async def test_a_client_need_not_be_observed() -> None:
    """Tests and tools leave it out."""
    async with real_client(OK) as (fetch, _):
        assert await fetch(5) == Body(200, b"ok", NOW)


DRIP: tuple[Step, ...] = (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", *[b"x"] * 400)


@pytest.mark.parametrize("steps", [(Then.HANG,), (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Then.HANG), DRIP])
async def test_the_deadline_covers_the_whole_exchange(steps: tuple[Step, ...]) -> None:
    """A byte now and then does not move it, and the connection is closed."""
    async with real_client(*steps) as (fetch, left):
        with pytest.raises(UpstreamTimeoutError) as caught:
            await asyncio.wait_for(fetch(0.05), 5)
        assert (caught.value.plane, caught.value.__context__) == (Plane.MANAGEMENT, None)
        await asyncio.wait_for(left.wait(), 5)


async def test_a_cancelled_fetch_closes_its_connection() -> None:
    """When nobody waits any more, GES stops working for us."""
    async with real_client(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx", Then.HANG) as (fetch, left):
        task = fetch(5)
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(left.wait(), 5)


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_five_times_out_of_service_and_the_next_is_spared(status: int) -> None:
    """It fails at once, says when to come back, and is logged as not sent."""
    bench = answering(status)
    for _ in range(5):
        await bench.fetch()
    with pytest.raises(PlaneUnavailableError) as caught:
        await bench.fetch()
    assert (caught.value.retryable, caught.value.retry_after_seconds) == (True, 3.0)
    assert caught.value.plane is Plane.SERVICE
    assert len(bench.requests) == 5
    assert bench.calls[-1] == UpstreamCall(Plane.SERVICE, Outcome.SPARED, None, 0.0, 0)


@pytest.mark.parametrize("failure", [httpx.ConnectError("x"), httpx.ReadError("x"), httpx.ConnectTimeout("x")])
async def test_failures_of_the_network_open_the_breaker_of_their_origin(failure: Exception) -> None:
    """The other graphs are asked as before."""
    bench = failing(failure)
    for _ in range(5):
        with pytest.raises(UpstreamError):
            await bench.fetch()
    assert bench.client.breakers.of(ORIGIN).state is BreakerState.OPEN
    assert bench.client.breakers.of("https://other.example").state is BreakerState.CLOSED


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_a_refusal_opens_no_breaker(status: int) -> None:
    """The plane is there and answers."""
    bench = answering(status)
    for _ in range(6):
        await bench.fetch()
    assert bench.client.breakers.of(ORIGIN).last_ok_at == NOW


async def test_a_malformed_answer_opens_no_breaker_and_closes_none() -> None:
    """It says nothing about being in service."""
    bench = failing(httpx.RemoteProtocolError("x"))
    for _ in range(6):
        with pytest.raises(UpstreamMalformedError):
            await bench.fetch()
    breaker = bench.client.breakers.of(ORIGIN)
    assert (breaker.state, breaker.last_ok_at) == (BreakerState.CLOSED, None)


async def test_out_of_service_counts_even_if_its_page_is_unreadable() -> None:
    """A balancer's page may be anything."""
    bench = answering(503, gzip.compress(b"<html>"), {"Content-Encoding": "gzip"})
    for _ in range(5):
        with pytest.raises(UpstreamMalformedError):
            await bench.fetch()
    assert bench.client.breakers.of(ORIGIN).state is BreakerState.OPEN


async def test_after_the_pause_one_answer_brings_the_plane_back() -> None:
    """The probe is an ordinary read."""
    bench = answering(503)
    for _ in range(5):
        await bench.fetch()
    bench.seconds += 3.0
    bench.answer = lambda request: httpx.Response(200, content=b"{}")
    assert (await bench.fetch()).status == 200
    assert bench.client.breakers.summary().state is BreakerState.CLOSED


async def test_a_cancelled_probe_lets_the_next_call_try() -> None:
    """A caller that left proves nothing."""
    bench = answering(503)
    for _ in range(5):
        await bench.fetch()
    bench.seconds += 3.0

    def leave(request: httpx.Request) -> httpx.Response:
        raise asyncio.CancelledError

    bench.answer = leave
    with pytest.raises(asyncio.CancelledError):
        await bench.fetch()
    assert bench.calls[-1].outcome is Outcome.ABANDONED
    bench.answer = lambda request: httpx.Response(200, content=b"{}")
    assert (await bench.fetch()).status == 200


@pytest.mark.parametrize("origin", ["http://10.0.0.5", "https://ges.example:8443", "https://proxy.example/base/path"])
@pytest.mark.parametrize(
    "read",
    [
        READ,
        Read(Plane.SERVICE, "p1", ("graphs", "движение %2F?#&=+ \"'", "jobs", "a/b", "status"), (("q", "a&b=c d/é"),)),
        Read(Plane.MANAGEMENT, "p1", ("graphs",)),
    ],
)
async def test_a_url_is_the_one_that_httpx_makes_of_the_same_text(origin: str, read: Read) -> None:
    """It is put together of parts that are quoted already; an upgrade of httpx may not change that unnoticed."""
    bench = answering()
    await bench.fetch(read, origin=origin)
    (request,) = bench.requests
    assert request.url == httpx.URL(origin + read.target)
    assert request.url.raw_path == httpx.URL(origin + read.target).raw_path
    assert request.headers["host"] == httpx.Request("GET", origin + read.target).headers["host"]
