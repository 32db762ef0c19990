"""The guard: who gets a turn, what is sent again and after how long, and what never is. Over time that only counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from gateway.planes.breaker import Breakers
from gateway.planes.client import ClientLimits, PlaneClient
from gateway.planes.guard import Guard, GuardLimits
from gateway.planes.outcomes import Outcome, UpstreamCall
from gateway.planes.read import Body, Read
from schema.errors import PlaneUnavailableError, UpstreamError, UpstreamMalformedError, UpstreamTimeoutError
from schema.plane import Plane
from tests.support_clock import FAKE_TIME, fake_clock, fake_time_loop, now

pytestmark = pytest.mark.anyio

ORIGIN, OTHER = "https://ges.example:8443", "https://other.example"
READ = Read(Plane.SERVICE, "p1", ("graphs", "movies", "jobs", "j1", "status"))
OK = httpx.Response(200, content=b"{}")
REFUSED = httpx.ConnectError("refused")


@pytest.fixture
def anyio_backend() -> Any:
    return FAKE_TIME


Said = httpx.Response | Exception


@dataclass
class Upstream(httpx.AsyncBaseTransport):
    """Says one thing after the other, the last for ever, and notes when it was asked; takes `seconds` for each."""

    said: list[Said]
    seconds: float = 0.0
    asked_at: list[float] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked_at.append(fake_time_loop().time())
        said = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await fake_clock().sleep(self.seconds)
        finally:
            self.under_way -= 1
        if isinstance(said, Exception):
            raise said
        return httpx.Response(said.status_code, headers=said.headers, stream=said.stream)


@dataclass
class Bench:
    """A guard before a real client; its pauses are the longest it may take."""

    upstream: Upstream
    limits: GuardLimits = field(default_factory=GuardLimits)
    within: Callable[[float, float], float] = max
    calls: list[UpstreamCall] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = fake_time_loop().time
        client = PlaneClient(
            Plane.SERVICE,
            self.upstream,
            limits=ClientLimits(1000),
            user_agent="ges-gateway/1",
            clock=now,
            # Never opens, so that only the guard decides here.
            breakers=Breakers(clock, failures_to_open=1000),
        )
        self.guard = Guard(
            client,
            self.limits,
            monotonic=clock,
            sleep=fake_clock().sleep,
            observe=self.calls.append,
            within=self.within,
            max_origins=2,
        )

    async def fetch(self, origin: str = ORIGIN, timeout_seconds: float = 10.0) -> Body:
        """Fetch with the usual arguments."""
        return await self.guard.fetch(READ, origin=origin, headers={}, timeout_seconds=timeout_seconds)


def saying(*said: Said, seconds: float = 0.0, limits: GuardLimits | None = None) -> Bench:
    return Bench(Upstream(list(said), seconds), limits or GuardLimits())


def status(code: int, **headers: str) -> httpx.Response:
    return httpx.Response(code, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("first", [REFUSED, status(502), status(503), status(504), status(429)])
async def test_a_read_that_did_not_get_through_is_sent_again(first: Said) -> None:
    """The second attempt answers; whoever asked notices nothing but the pause."""
    bench = saying(first, OK)
    assert (await bench.fetch()).content == b"{}"
    assert bench.upstream.asked_at == [0.0, 0.1]


async def test_the_third_attempt_is_the_last_and_pauses_grow() -> None:
    """What it brought is what the caller gets, after 0.1 and 0.2 seconds at most."""
    bench = saying(REFUSED)
    with pytest.raises(PlaneUnavailableError):
        await bench.fetch()
    assert bench.upstream.asked_at == pytest.approx([0.0, 0.1, 0.3])


async def test_the_answer_of_the_last_attempt_is_handed_on() -> None:
    """A plane out of service is a body like any other: what it means is read elsewhere."""
    bench = saying(status(503))
    assert (await bench.fetch()).status == 503
    assert len(bench.upstream.asked_at) == 3


@pytest.mark.parametrize("code", [200, 302, 400, 401, 403, 404, 500, 501])
async def test_any_other_answer_is_final(code: int) -> None:
    """GES has said something; asking again would not change it."""
    bench = saying(status(code))
    assert (await bench.fetch()).status == code
    assert len(bench.upstream.asked_at) == 1


class BrokenBody(httpx.AsyncByteStream):
    """Begins well and breaks off."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"jobId":'
        raise httpx.ReadError("reset")


async def test_an_answer_that_has_begun_is_not_asked_for_again() -> None:
    """The error says which status it began with."""
    bench = saying(httpx.Response(200, stream=BrokenBody()))
    with pytest.raises(PlaneUnavailableError) as caught:
        await bench.fetch()
    assert (len(bench.upstream.asked_at), caught.value.upstream_status) == (1, 200)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (httpx.ReadTimeout("slow"), UpstreamTimeoutError),
        (httpx.RemoteProtocolError("no HTTP"), UpstreamMalformedError),
    ],
)
async def test_what_is_not_safe_or_no_use_is_not_repeated(failure: Exception, error: type[UpstreamError]) -> None:
    """A timeout has used up the time; rubbish stays rubbish."""
    bench = saying(failure)
    with pytest.raises(error):
        await bench.fetch()
    assert len(bench.upstream.asked_at) == 1


async def test_a_call_spared_by_the_breaker_is_not_repeated() -> None:
    """It fails at once, which is what the breaker is for."""
    bench = saying(OK)
    breaker = bench.guard.breakers.of(ORIGIN)
    for _ in range(1000):
        breaker.failed(breaker.admit() or 0)
    with pytest.raises(PlaneUnavailableError):
        await bench.fetch()
    assert (bench.upstream.asked_at, fake_time_loop().time()) == ([], 0.0)


async def test_nobody_asks_again_before_retry_after() -> None:
    """GES said two seconds; our own pause would have been a tenth."""
    bench = saying(status(429, retry_after="2"), OK)
    assert (await bench.fetch()).status == 200
    assert bench.upstream.asked_at == [0.0, 2.0]


async def test_a_pause_that_outlasts_the_deadline_is_not_begun() -> None:
    """The caller hears at once what GES said, instead of waiting for nothing."""
    bench = saying(status(429, retry_after="30"))
    assert (await bench.fetch(timeout_seconds=10)).status == 429
    assert fake_time_loop().time() == 0.0


async def test_all_attempts_share_one_deadline() -> None:
    """Two attempts take 0.6 s each; the second is cut off at 1.0 s."""
    bench = saying(status(503), seconds=0.6)
    with pytest.raises(UpstreamTimeoutError):
        await bench.fetch(timeout_seconds=1.0)
    assert fake_time_loop().time() == pytest.approx(1.0)


async def test_repeats_add_a_fifth_to_the_calls_and_no_more() -> None:
    """A hundred reads of a plane that is down: a hundred calls, five repeats saved up, and one for each five reads."""
    bench = saying(REFUSED)
    for _ in range(100):
        with pytest.raises(PlaneUnavailableError):
            await bench.fetch()
    # The saved five are full at the first read, so that one adds nothing.
    assert len(bench.upstream.asked_at) == pytest.approx(100 + 5 + 20, abs=1)


async def test_one_address_does_not_use_up_the_repeats_of_another() -> None:
    """Nor does it matter how many the first has failed."""
    bench = saying(REFUSED)
    for _ in range(20):
        with pytest.raises(PlaneUnavailableError):
            await bench.fetch()
    before = len(bench.upstream.asked_at)
    with pytest.raises(PlaneUnavailableError):
        await bench.fetch(OTHER)
    assert len(bench.upstream.asked_at) == before + 3


async def test_calls_under_way_to_one_address_are_bounded() -> None:
    """Ten reads of a second each, three at a time: none is lost, none is early."""
    bench = saying(OK, seconds=0.5, limits=GuardLimits(calls=3, queue_seconds=5))
    await asyncio.gather(*(bench.fetch() for _ in range(10)))
    assert bench.upstream.most_under_way == 3
    assert sorted(bench.upstream.asked_at) == pytest.approx([0] * 3 + [0.5] * 3 + [1] * 3 + [1.5])


async def test_who_waits_too_long_for_a_turn_is_refused() -> None:
    """With a code, when to come back, and without a call."""
    bench = saying(OK, seconds=60, limits=GuardLimits(calls=1, queue_seconds=2))
    first = asyncio.ensure_future(bench.fetch(timeout_seconds=100))
    await asyncio.sleep(0)
    with pytest.raises(PlaneUnavailableError) as caught:
        await bench.fetch()
    assert fake_time_loop().time() == pytest.approx(2.0)
    assert (caught.value.retryable, caught.value.retry_after_seconds) == (True, 1.0)
    assert [call.outcome for call in bench.calls] == [Outcome.CROWDED]
    assert (await first).status == 200
    assert len(bench.upstream.asked_at) == 1


async def test_an_address_that_hangs_holds_up_no_other() -> None:
    """Every address has turns of its own."""
    bench = saying(OK, seconds=60, limits=GuardLimits(calls=1))
    hung = asyncio.ensure_future(bench.fetch(timeout_seconds=100))
    await asyncio.sleep(0)
    bench.upstream.seconds = 0
    assert (await bench.fetch(OTHER)).status == 200
    assert fake_time_loop().time() == 0.0
    hung.cancel()


async def test_a_call_that_is_given_up_gives_its_turn_back() -> None:
    """Cancelling is what clients do all the time."""
    bench = saying(OK, seconds=60, limits=GuardLimits(calls=1))
    first = asyncio.ensure_future(bench.fetch(timeout_seconds=100))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    bench.upstream.seconds = 0
    assert (await bench.fetch()).status == 200


async def test_pages_that_are_passed_on_take_no_turn_from_calls() -> None:
    """However slowly their clients read."""
    bench = saying(OK, seconds=60, limits=GuardLimits(calls=1, streams=1))

    async def drop(_: bytes) -> None:
        return None

    page = asyncio.ensure_future(bench.guard.fetch(READ, origin=ORIGIN, headers={}, timeout_seconds=100, sink=drop))
    await asyncio.sleep(0)
    bench.upstream.seconds = 0
    assert (await bench.fetch()).status == 200
    assert fake_time_loop().time() == 0.0
    page.cancel()


async def test_addresses_that_nobody_asks_any_more_are_forgotten() -> None:
    """Two are remembered here, so the first has all its repeats again when it comes back."""
    bench = saying(REFUSED)
    for origin in [*[ORIGIN] * 20, OTHER, "https://third.example"]:
        with pytest.raises(PlaneUnavailableError):
            await bench.fetch(origin)
    before = len(bench.upstream.asked_at)
    with pytest.raises(PlaneUnavailableError):
        await bench.fetch()
    assert len(bench.upstream.asked_at) == before + 3
