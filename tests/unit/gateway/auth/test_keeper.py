"""The gateway's own token: one for everybody, renewed in time, by one renewal at a time, never by a storm of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.auth.iam import Token
from gateway.auth.keeper import Keeper
from schema.errors import PlaneUnavailableError, UnauthenticatedError, UpstreamError
from tests.support_clock import FAKE_TIME, fake_clock, fake_time_loop, pass_time

pytestmark = pytest.mark.anyio
HOUR = 3600.0


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


class Issuer:
    """Issues numbered tokens, each after a second; fails instead when told so."""

    def __init__(self, seconds: float = HOUR) -> None:
        self.seconds = seconds
        self.asked = 0
        self.error: UpstreamError | None = None
        self.outcomes: list[str] = []

    async def __call__(self) -> Token:
        self.asked += 1
        number = self.asked
        await fake_clock().sleep(1)
        if self.error is not None:
            raise self.error
        return Token(f"token-{number}", self.seconds)


def a_keeper(issuer: Issuer) -> Keeper:
    """Make a keeper on the running loop."""
    return Keeper(issuer, fake_time_loop().time, issuer.outcomes.append)


async def test_fifty_who_ask_at_once_cause_one_token() -> None:
    """It is everybody's."""
    issuer = Issuer()
    keeper = a_keeper(issuer)
    assert set(await asyncio.gather(*(keeper.token() for _ in range(50)))) == {"token-1"}
    pass_time(HOUR / 2)
    assert await keeper.token() == "token-1"
    assert (issuer.asked, issuer.outcomes) == (1, ["issued"])


async def test_it_is_renewed_before_its_end_and_nobody_waits() -> None:
    """The old one is given while the new one is on its way."""
    issuer = Issuer()
    keeper = a_keeper(issuer)
    await keeper.token()
    pass_time(HOUR - 600)
    before = fake_time_loop().time()
    assert [await keeper.token() for _ in range(5)] == ["token-1"] * 5
    assert fake_time_loop().time() == before
    await fake_clock().sleep(2)
    assert await keeper.token() == "token-2"
    assert issuer.asked == 2


async def test_a_short_one_is_renewed_in_its_last_fifth() -> None:
    """Ten minutes would be more than its life."""
    issuer = Issuer(seconds=20)
    keeper = a_keeper(issuer)
    await keeper.token()
    pass_time(14)
    await keeper.token()
    assert issuer.asked == 1
    pass_time(2)
    await keeper.token()
    await asyncio.sleep(0)
    assert issuer.asked == 2
    await keeper.close()


async def test_one_at_its_end_is_not_given_any_more() -> None:
    """Nor shortly before: it would end on its way."""
    issuer = Issuer()
    keeper = a_keeper(issuer)
    await keeper.token()
    pass_time(HOUR - 5)
    assert await keeper.token() == "token-2"


async def test_a_renewal_that_fails_leaves_the_old_one_until_its_end() -> None:
    """And is tried again after a pause that grows, not by everybody who asks."""
    issuer = Issuer()
    keeper = a_keeper(issuer)
    await keeper.token()
    pass_time(HOUR - 600)
    issuer.error = PlaneUnavailableError("IAM is out of service.")
    for _ in range(60):
        assert await keeper.token() == "token-1"
        await fake_clock().sleep(1)
    # At 0, 2, 5, 10, 19 and 36 seconds: each takes one, then the pauses are 1, 2, 4, 8 and 16.
    assert issuer.asked == 1 + 6
    issuer.error = None
    await fake_clock().sleep(30)
    await keeper.token()
    await fake_clock().sleep(2)
    assert await keeper.token() == "token-8"


async def test_a_refused_user_is_told_to_all_and_left_alone() -> None:
    """IAM locks a user after some wrong passwords: in a quarter of an hour it is asked twice."""
    issuer = Issuer()
    issuer.error = UnauthenticatedError("IAM does not accept the gateway's own user.")
    keeper = a_keeper(issuer)
    errors = await asyncio.gather(*(keeper.token() for _ in range(50)), return_exceptions=True)
    assert {type(error) for error in errors} == {UnauthenticatedError}
    assert issuer.asked == 1
    for _ in range(900):
        with pytest.raises(UnauthenticatedError, match="own user") as caught:
            await keeper.token()
        assert caught.value.retry_after_seconds is None
        await fake_clock().sleep(1)
    assert issuer.asked == 2
    assert issuer.outcomes == ["refused"] * 2


async def test_an_outage_says_when_to_ask_again() -> None:
    """In the meantime nobody is kept waiting, and nobody shares an error object."""
    issuer = Issuer()
    issuer.error = PlaneUnavailableError("IAM is out of service.", retry_after_seconds=7)
    keeper = a_keeper(issuer)
    errors = []
    for _ in range(3):
        with pytest.raises(PlaneUnavailableError) as caught:
            await keeper.token()
        errors.append(caught.value)
    assert issuer.asked == 1
    assert errors[1].retry_after_seconds == 7
    assert errors[1] is not errors[2]
    assert issuer.outcomes == ["failed"]
    pass_time(7)
    issuer.error = None
    assert await keeper.token() == "token-2"


async def test_a_refusal_by_ges_renews_it_once_for_all_who_met_it() -> None:
    """Whoever comes after the first asks again with the new one."""
    issuer = Issuer()
    keeper = a_keeper(issuer)
    old = await keeper.token()
    assert [keeper.refused(old) for _ in range(50)] == [True] * 50
    assert set(await asyncio.gather(*(keeper.token() for _ in range(50)))) == {"token-2"}
    assert keeper.refused(old)
    assert issuer.asked == 2


async def test_a_new_one_that_is_refused_too_is_not_renewed_at_once() -> None:
    """It will not get better; after a while it may."""
    issuer = Issuer()
    keeper = a_keeper(issuer)
    assert keeper.refused(await keeper.token())
    new = await keeper.token()
    assert not keeper.refused(new)
    assert await keeper.token() == new
    pass_time(10)
    assert keeper.refused(new)
    assert await keeper.token() == "token-3"


async def test_who_stops_waiting_stops_nobody_else() -> None:
    """The renewal belongs to all of them."""
    issuer = Issuer()
    keeper = a_keeper(issuer)
    impatient, patient = (asyncio.create_task(keeper.token()) for _ in range(2))
    await fake_clock().sleep(0.5)
    impatient.cancel()
    assert await patient == "token-1"
    assert issuer.asked == 1


async def test_closing_ends_a_renewal() -> None:
    """And is nothing without one."""
    issuer = Issuer()
    keeper = a_keeper(issuer)
    await keeper.close()
    waiting = asyncio.create_task(keeper.token())
    await fake_clock().sleep(0.5)
    await keeper.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_keeper_shows_no_token() -> None:
    """It ends in tracebacks."""
    issuer = Issuer()
    keeper = a_keeper(issuer)
    assert await keeper.token() not in repr(vars(keeper)) + repr(Token("token-1", 1))
