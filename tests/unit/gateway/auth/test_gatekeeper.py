"""Who may ask: holders of API keys, bearers of JWT, or anyone on this machine; who sees the same is one scope."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from gateway.auth.api_keys import ApiKeys, NewKey, make_key
from gateway.auth.caller import Caller, Headers
from gateway.auth.gatekeeper import Anyone, Gatekeeper
from gateway.auth.jwks import Jwks
from gateway.auth.jwt import JwtRules, Jwts
from gateway.auth.rights import Rights
from schema.errors import BadUserInputError, ForbiddenError, UnauthenticatedError
from tests.support_clock import BEGAN, FAKE_TIME, now

pytestmark = pytest.mark.anyio
KEY = ECKey.generate_key("P-256", {"kid": "one"})
MOVIES, SAME, EVERYTHING = make_key("movies", ["movies"]), make_key("same", ["movies"]), make_key("everything")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


def headers_of(credential: str | NewKey) -> Headers:
    """Carry a credential."""
    text = credential if isinstance(credential, str) else credential.text
    return [(b"authorization", b"Bearer " + text.encode())]


def a_token(**claims: Any) -> str:
    """Sign a token that opens movies."""
    said = {"iss": "i", "aud": "a", "sub": "ada", "exp": BEGAN.timestamp() + 60, "ges_graphs": ["movies"], **claims}
    return jwt.encode({"alg": "ES256", "kid": "one"}, said, KEY)


def a_gatekeeper() -> Gatekeeper:
    """Make one that takes keys as well as tokens."""

    async def publish() -> bytes:
        return msgspec.json.encode({"keys": [KEY.as_dict(private=False)]})

    jwts = Jwts(
        JwtRules(("ES256",), "i", "a"), Jwks(publish, monotonic=lambda: 0.0, lifetime_seconds=60), now=now, secret=b"s"
    )
    keys = ApiKeys([new.entry for new in (MOVIES, SAME, EVERYTHING)])
    return Gatekeeper("p1", b"s", keys=keys, jwts=jwts)


async def a_caller(credential: str | NewKey) -> Caller:
    """Return who shows a credential."""
    caller = await a_gatekeeper().read(headers_of(credential))
    assert caller is not None
    return caller


async def test_nothing_of_a_caller_goes_upstream() -> None:
    """GES gets the credential of the gateway's own account and no other."""
    for credential in (MOVIES, EVERYTHING, a_token()):
        assert (await a_caller(credential)).headers == {}


async def test_rights_come_with_the_credential() -> None:
    """Of one project: the account's."""
    assert (await a_caller(MOVIES)).rights == Rights("p1", frozenset({"movies"}))
    assert (await a_caller(EVERYTHING)).rights == Rights("p1", None)
    assert (await a_caller(a_token())).rights == Rights("p1", frozenset({"movies"}))
    assert (await a_caller(a_token(ges_graphs=[]))).rights == Rights("p1", frozenset())


async def test_r05_who_sees_the_same_is_one_scope_and_has_bounds_of_his_own() -> None:
    """GES cannot tell them apart, and neither can our rule."""
    one, same, other, bearer = [await a_caller(c) for c in (MOVIES, SAME, EVERYTHING, a_token())]
    assert one.scope == same.scope == bearer.scope != other.scope
    assert len({caller.name for caller in (one, same, other, bearer)}) == 4
    renewed = await a_caller(a_token(exp=BEGAN.timestamp() + 90))
    assert renewed.name == bearer.name


async def test_a_key_and_a_token_of_one_name_are_two_callers() -> None:
    """Whoever may name himself must not use up somebody else's bounds."""
    assert (await a_caller(a_token(sub="movies"))).name != (await a_caller(MOVIES)).name


async def test_what_is_not_accepted_is_refused_at_once() -> None:
    """A key that nobody holds, a token of IAM, a token that somebody else signed."""
    gatekeeper = a_gatekeeper()
    for credential in ("gesk_nobodys", "MIIsomething-of-IAM", MOVIES.entry.hash):
        with pytest.raises(UnauthenticatedError) as caught:
            gatekeeper.known(headers_of(credential))
        assert credential not in caught.value.message
    with pytest.raises(UnauthenticatedError):
        await gatekeeper.read(headers_of(a_token(iss="other")))


async def test_without_a_credential_there_is_no_caller() -> None:
    """Two are one too many, here as everywhere."""
    gatekeeper = a_gatekeeper()
    assert gatekeeper.known([]) is None
    assert await gatekeeper.read([]) is None
    with pytest.raises(BadUserInputError):
        await gatekeeper.read([(b"x-auth-token", b"a"), (b"x-auth-token", b"a")])


async def test_a_token_is_known_at_once_when_it_was_verified_before() -> None:
    """The door waits for nobody's keys; a key of the gateway's own needs none."""
    gatekeeper = a_gatekeeper()
    assert gatekeeper.known(headers_of(MOVIES)) == await a_caller(MOVIES)
    assert gatekeeper.known(headers_of(a_token())) is None
    token = a_token()
    caller = await gatekeeper.read(headers_of(token))
    assert gatekeeper.known(headers_of(token)) == caller


async def test_a_gateway_without_keys_takes_tokens_only_and_the_other_way_round() -> None:
    """What has the form of the other is no credential then."""
    without_jwts = Gatekeeper("p1", b"s", keys=ApiKeys([MOVIES.entry]))
    with pytest.raises(UnauthenticatedError):
        await without_jwts.read(headers_of(a_token()))
    with pytest.raises(UnauthenticatedError):
        await Gatekeeper("p1", b"s").read(headers_of(MOVIES))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:8000"])
async def test_anyone_on_this_machine_sees_everything(host: str) -> None:
    """Whatever he shows or does not."""
    anyone = Anyone("p1", b"s")
    caller = await anyone.read([(b"host", host.encode()), (b"x-auth-token", b"whatever")])
    assert caller == anyone.known([(b"Host", host.encode())])
    assert caller is not None
    assert (caller.rights, caller.headers) == (Rights("p1", None), {})


@pytest.mark.parametrize(
    "hosts", [[], ["evil.example"], ["evil.example:8000"], ["127.0.0.1.evil.example"], ["localhost"] * 2]
)
async def test_a_page_whose_name_leads_here_sees_nothing(hosts: list[str]) -> None:
    """Its browser believes that it asks the page's own server, and would let it read the answer."""
    with pytest.raises(ForbiddenError):
        await Anyone("p1", b"s").read([(b"host", host.encode()) for host in hosts])
