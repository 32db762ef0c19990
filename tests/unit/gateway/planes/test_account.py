"""Reads for the gateway's own account: its credential on each, renewed once when GES does not accept it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.planes.account import OnAccount
from gateway.planes.breaker import Breakers
from gateway.planes.client import ClientLimits, PlaneClient
from gateway.planes.guard import Guard, GuardLimits
from gateway.planes.read import Body, Read
from schema.errors import PlaneUnavailableError, UpstreamTimeoutError
from schema.plane import Plane
from tests.support_clock import FAKE_TIME, fake_clock, fake_time_loop, now
from tests.support_ges import Ges

pytestmark = pytest.mark.anyio
READ = Read(Plane.SERVICE, "p1", ("graphs", "movies", "jobs", "status"))
PATH = "/ges/v1.0/p1/graphs/movies/jobs/status"
REFUSED = (400, {"errorCode": "GES.8007", "errorMessage": "invalid token"})
GOOD = (200, {"jobCount": 0, "jobList": []})


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


class FakeAccount:
    """Gives numbered tokens, each after some seconds; gives no further one when it is `fixed`."""

    def __init__(self, *, seconds: float = 0.0, fixed: bool = False) -> None:
        self.seconds = seconds
        self.fixed = fixed
        self.number = 1
        self.asked: list[tuple[Plane, str]] = []

    async def headers(self, plane: Plane, url: str) -> Mapping[str, str]:
        self.asked.append((plane, url))
        await fake_clock().sleep(self.seconds)
        return {"X-Auth-Token": f"token-{self.number}"}

    def refused(self, headers: Mapping[str, str]) -> bool:
        self.number += not self.fixed
        return not self.fixed


def on_account(ges: Ges, account: FakeAccount) -> OnAccount:
    """Send through the real guard and client."""
    time = fake_time_loop().time
    client = PlaneClient(
        Plane.SERVICE,
        ges,
        limits=ClientLimits(max_body_bytes=10_000),
        user_agent="test/1",
        clock=now,
        breakers=Breakers(time),
    )
    return OnAccount(Guard(client, GuardLimits(), monotonic=time, sleep=fake_clock().sleep), account, time)


async def fetch(ges: Ges, account: FakeAccount, **options: Any) -> Body:
    """Send one read. What the caller brought is a trace."""
    chosen = {"origin": "http://ges.example", "headers": {"traceparent": "t"}, "timeout_seconds": 8.0, **options}
    return await on_account(ges, account).fetch(READ, **chosen)


async def test_a_read_carries_the_credential_of_the_account() -> None:
    """Which is asked for the very URL that is read."""
    ges, account = Ges({PATH: GOOD}), FakeAccount()
    assert (await fetch(ges, account, origin="http://ges.example/base/")).status == 503
    assert account.asked == [(Plane.SERVICE, f"http://ges.example/base{PATH}")]
    assert (await fetch(ges, FakeAccount())).status == 200
    assert ges.tokens[-1] == "token-1"


@pytest.mark.parametrize(
    "refusal",
    [REFUSED, (401, {"error_code": "APIG.0307"}), (401, {"error_code": "APIG.0301"}), (401, "not JSON at all")],
)
async def test_a_refused_credential_is_renewed_and_the_read_repeated(refusal: Any) -> None:
    """Once."""
    ges = Ges({PATH: lambda request: GOOD if request.headers["x-auth-token"] == "token-2" else refusal})
    assert (await fetch(ges, FakeAccount())).status == 200
    assert ges.tokens == ["token-1", "token-2"]


async def test_a_second_refusal_is_the_answer() -> None:
    """Whoever reads the body raises what it says."""
    ges = Ges({PATH: REFUSED})
    assert (await fetch(ges, FakeAccount())).status == 400
    assert ges.tokens == ["token-1", "token-2"]


async def test_without_another_credential_nothing_is_repeated() -> None:
    """It would be the same again."""
    ges = Ges({PATH: REFUSED})
    assert (await fetch(ges, FakeAccount(fixed=True))).status == 400
    assert ges.tokens == ["token-1"]


@pytest.mark.parametrize(
    "answer", [GOOD, (403, {"error_code": "GES.7041"}), (404, {}), (400, {"errorCode": "GES.8301"}), (500, {})]
)
async def test_other_answers_say_nothing_of_the_credential(answer: Any) -> None:
    """They are answers."""
    ges, account = Ges({PATH: answer}), FakeAccount()
    assert (await fetch(ges, account)).status == answer[0]
    assert (ges.tokens, account.number) == (["token-1"], 1)


async def test_a_page_that_is_passed_on_is_repeated_before_anything_was_passed() -> None:
    """A refusal is read whole; only a good answer goes to the sink."""
    passed: list[bytes] = []

    async def sink(piece: bytes) -> None:
        passed.append(piece)

    ges = Ges({PATH: lambda request: GOOD if request.headers["x-auth-token"] == "token-2" else REFUSED})
    assert (await fetch(ges, FakeAccount(), sink=sink)).content == b""
    assert b"".join(passed) == b'{"jobCount":0,"jobList":[]}'


async def test_waiting_for_a_credential_counts() -> None:
    """There is one time limit for all of it."""
    ges = Ges({PATH: GOOD})
    with pytest.raises(UpstreamTimeoutError, match="no credential in time") as caught:
        await fetch(ges, FakeAccount(seconds=9))
    assert (caught.value.plane, fake_time_loop().time()) == (Plane.SERVICE, 8.0)
    ges.held = asyncio.Event()
    with pytest.raises(UpstreamTimeoutError):
        await fetch(ges, FakeAccount(seconds=5))
    assert fake_time_loop().time() == 16.0


async def test_what_the_account_raises_is_raised() -> None:
    """GES is not asked then."""

    class Broken(FakeAccount):
        async def headers(self, plane: Plane, url: str) -> Mapping[str, str]:
            raise PlaneUnavailableError("IAM is out of service.")

    ges = Ges({PATH: GOOD})
    with pytest.raises(PlaneUnavailableError, match="IAM"):
        await fetch(ges, Broken())
    assert ges.asked == []


async def test_its_breakers_are_those_of_the_client() -> None:
    """Health looks at them."""
    sending = on_account(Ges(), FakeAccount())
    assert sending.breakers is sending._guard.breakers


async def test_r01_a_credential_that_ges_repeats_is_not_in_the_body() -> None:
    """It is the gateway's own, and would be shown to its callers."""
    token = "MIIEoQYJKoZIhvcNAQcCoIIEkjCC-token-of-the-account"

    class Own(FakeAccount):
        async def headers(self, plane: Plane, url: str) -> Mapping[str, str]:
            return {"X-Auth-Token": token}

    ges = Ges({PATH: (403, {"errorCode": "GES.8020", "errorMessage": f"no right with {token}"})})
    assert token.encode() not in (await fetch(ges, Own())).content
