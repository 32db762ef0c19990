"""Modes: the table that settings choose from, and what each of them opens."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, get_args

import httpx
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from gateway.auth.api_keys import make_key
from gateway.auth.exchange import Exchanges
from gateway.auth.gatekeeper import Anyone, Gatekeeper
from gateway.auth.modes import MODES, Means, Mode, open_mode
from gateway.auth.passthrough import TokenBearers
from gateway.settings import Settings, SettingsError
from schema.errors import PlaneUnavailableError, UpstreamError
from schema.plane import Plane
from tests.support_clock import BEGAN, FAKE_TIME, fake_time_loop, now

pytestmark = pytest.mark.anyio
KEY = ECKey.generate_key("P-256", {"kid": "one"})
KEYS = msgspec.json.encode({"keys": [KEY.as_dict(private=False)]})
USER = {
    "iam_url": "http://iam.example",
    "account_domain": "acme",
    "account_user": "gateway",
    "account_password": "hunter2",
}
ACCESS_KEY = {"account_access_key": "hunter2-ak", "account_secret_key": "hunter2-sk"}
JWT = {"jwt_issuer": "i", "jwt_audience": "a", "jwt_algorithms": "ES256"}
URL = "http://ges.example/v2/p1/graphs"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


def say(request: httpx.Request) -> httpx.Response:
    """Answer as IAM and as an issuer of keys."""
    if request.url.host == "issuer.example":
        return httpx.Response(200, content=KEYS) if request.url.path == "/keys" else httpx.Response(404)
    if request.url.host == "iam.example":
        times = {"issued_at": "2026-03-05T01:00:00Z", "expires_at": "2026-03-06T01:00:00Z"}
        return httpx.Response(201, headers={"X-Subject-Token": "issued"}, json={"token": times})
    raise httpx.ConnectError("nobody there")


def opened(**settings: Any) -> Mode:
    """Open a mode, the one of the gateway's own account unless another is said."""
    chosen = Settings(**{"auth_mode": "service-account", "project_id": "p1", **settings})
    exchanges = Exchanges(httpx.MockTransport(say), "test/1")
    means = Means(b"secret", now, fake_time_loop().time, exchanges, exchanges)
    return open_mode(chosen, means)


def bearer(**claims: Any) -> list[tuple[bytes, bytes]]:
    """Carry a token."""
    said = {"iss": "i", "aud": "a", "exp": BEGAN.timestamp() + 60, **claims}
    return [(b"authorization", b"Bearer " + jwt.encode({"alg": "ES256", "kid": "one"}, said, KEY).encode())]


def test_every_mode_of_the_setting_is_in_the_table() -> None:
    """And nothing else is."""
    assert list(MODES) == list(get_args(Settings.model_fields["auth_mode"].annotation))


async def test_passthrough_has_no_account() -> None:
    """GES is asked with what the caller brings."""
    mode = opened(auth_mode="passthrough")
    assert isinstance(mode.callers, TokenBearers)
    assert (mode.account, mode.challenge) == (None, 'Bearer realm="ges"')
    await mode.close()


async def test_a_service_account_asks_ges_for_everybody() -> None:
    """With its user's token, with its key, or each where it is taken."""
    for settings, on_management, on_service in (
        (USER, "X-Auth-Token", "X-Auth-Token"),
        (ACCESS_KEY, "Authorization", None),
        (USER | ACCESS_KEY, "Authorization", "X-Auth-Token"),
    ):
        account = opened(**settings).account
        assert account is not None
        assert on_management in await account.headers(Plane.MANAGEMENT, URL)
        if on_service is None:
            with pytest.raises(PlaneUnavailableError):
                await account.headers(Plane.SERVICE, URL)
        else:
            assert on_service in await account.headers(Plane.SERVICE, URL)


async def test_callers_show_what_is_configured(tmp_path: Path) -> None:
    """Keys, tokens or both; with neither of them anybody on this machine is one."""
    new = make_key("dashboard", ["movies"])
    file = tmp_path / "keys.json"
    file.write_bytes(msgspec.json.encode({"keys": [new.entry]}))
    shown = [(b"x-auth-token", new.text.encode())]
    assert isinstance(opened(**USER).callers, Anyone)
    keys = opened(**USER, api_keys_file=file)
    assert isinstance(keys.callers, Gatekeeper)
    assert 'error="invalid_token"' in keys.challenge
    both = opened(**USER, **JWT, api_keys_file=file, jwks_url="https://issuer.example/keys")
    for mode, headers in ((keys, shown), (both, shown), (both, bearer())):
        caller = await mode.callers.read(headers)
        assert caller is not None
        await mode.close()


async def test_keys_of_an_issuer_come_from_a_file_too(tmp_path: Path) -> None:
    """Where the issuer cannot be reached. What the claim means is a setting."""
    file = tmp_path / "jwks.json"
    file.write_bytes(KEYS)
    mode = opened(**USER, **JWT, jwks_file=file, jwt_claim="roles", jwt_graphs='{"analyst": ["movies"]}')
    caller = await mode.callers.read(bearer(roles=["analyst"]))
    assert caller is not None
    assert caller.rights is not None
    assert caller.rights.opens("movies")
    assert not caller.rights.opens("books")
    file.unlink()
    again = opened(**USER, **JWT, jwks_file=__file__)
    with pytest.raises(PlaneUnavailableError):
        await again.callers.read(bearer())


async def test_a_file_that_goes_away_is_an_outage(tmp_path: Path) -> None:
    """Of the keys, not of the gateway."""
    file = tmp_path / "jwks.json"
    file.write_bytes(KEYS)
    mode = opened(**USER, **JWT, jwks_file=file)
    file.unlink()
    with pytest.raises(PlaneUnavailableError):
        await mode.callers.read(bearer())


@pytest.mark.parametrize("url", ["https://issuer.example/other", "https://nobody.example/keys"])
async def test_an_issuer_that_has_no_keys_is_an_outage(url: str) -> None:
    """The caller may ask again."""
    with pytest.raises(UpstreamError) as caught:
        await opened(**USER, **JWT, jwks_url=url).callers.read(bearer())
    assert caught.value.retryable


async def test_a_file_of_keys_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    """Nobody wants to find out by the first request."""
    file = tmp_path / "keys.json"
    file.write_text("{}")
    with pytest.raises(SettingsError):
        opened(**USER, api_keys_file=file)


async def test_closing_ends_what_is_under_way(tmp_path: Path) -> None:
    """A renewal, for instance."""
    mode = opened(**USER)
    assert mode.account is not None
    waiting = asyncio.ensure_future(mode.account.headers(Plane.SERVICE, URL))
    await asyncio.sleep(0)
    await mode.close()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.done()


async def test_r01_a_mode_shows_no_secret() -> None:
    """It ends in tracebacks, with everything below it."""
    mode = opened(**USER, **ACCESS_KEY)
    assert mode.account is not None
    await mode.account.headers(Plane.SERVICE, URL)
    shown = f"{mode!r} {vars(mode.account)!r} {vars(mode.account._keeper)!r}"
    assert "hunter2" not in shown
    assert "issued" not in shown
