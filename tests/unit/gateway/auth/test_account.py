"""The gateway's own account: signatures where they are taken, tokens elsewhere, a telling error where there is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.auth.account import Account
from gateway.auth.iam import Token
from gateway.auth.keeper import Keeper
from gateway.auth.signing import Signer
from schema.errors import PlaneUnavailableError
from schema.plane import Plane

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 3, 5, 2, 0, 0, tzinfo=UTC)
SIGNER = Signer("ak", "sk")
URL = "https://GES.example:443/base/v2/p1/graphs?offset=0&name=a%20b"


def a_keeper() -> Keeper:
    """Make a keeper whose tokens are numbered."""
    numbers = iter(range(1, 100))

    async def issue() -> Token:
        return Token(f"token-{next(numbers)}", 3600.0)

    return Keeper(issue, lambda: 0.0)


async def test_a_user_serves_both_planes_by_one_token() -> None:
    """Which GES takes on either."""
    account = Account(lambda: NOW, keeper=a_keeper())
    for plane in Plane:
        assert await account.headers(plane, URL) == {"X-Auth-Token": "token-1"}
    await account.close()


async def test_a_key_signs_for_the_management_plane() -> None:
    """The host as the header will say it, without the port that goes without saying; path and query in plain text."""
    account = Account(lambda: NOW, signer=SIGNER)
    query = [("offset", "0"), ("name", "a b")]
    expected = SIGNER.sign("GET", "ges.example", "/base/v2/p1/graphs", query, now=NOW)
    assert await account.headers(Plane.MANAGEMENT, URL) == expected
    other = await account.headers(Plane.MANAGEMENT, "http://ges.example:443/x")
    assert other == SIGNER.sign("GET", "ges.example:443", "/x", now=NOW)
    await account.close()


async def test_a_key_alone_does_not_serve_the_service_plane() -> None:
    """The error names the plane and what is missing; asking again is of no use."""
    with pytest.raises(PlaneUnavailableError, match="service plane takes tokens only") as caught:
        await Account(lambda: NOW, signer=SIGNER).headers(Plane.SERVICE, URL)
    assert (caught.value.plane, caught.value.retryable) == (Plane.SERVICE, False)


async def test_with_both_each_plane_gets_its_own() -> None:
    """A signature where it is taken, a token elsewhere."""
    account = Account(lambda: NOW, keeper=a_keeper(), signer=SIGNER)
    assert "Authorization" in await account.headers(Plane.MANAGEMENT, URL)
    assert await account.headers(Plane.SERVICE, URL) == {"X-Auth-Token": "token-1"}


async def test_a_refused_token_is_renewed_and_a_refused_signature_is_not() -> None:
    """It would be the same again."""
    account = Account(lambda: NOW, keeper=a_keeper(), signer=SIGNER)
    token = await account.headers(Plane.SERVICE, URL)
    assert account.refused(token)
    assert await account.headers(Plane.SERVICE, URL) == {"X-Auth-Token": "token-2"}
    assert not account.refused(await account.headers(Plane.MANAGEMENT, URL))
    assert not Account(lambda: NOW, signer=SIGNER).refused(token)
