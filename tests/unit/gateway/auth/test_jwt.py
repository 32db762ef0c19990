"""JWT of callers: what is accepted, what is not and why, what is remembered, and which graphs a claim opens."""

from __future__ import annotations

import asyncio
import base64
import hmac
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from gateway.auth.jwks import Jwks
from gateway.auth.jwt import JwtRules, Jwts, _kid_of, graphs_of
from schema.errors import UnauthenticatedError
from tests.support_clock import BEGAN, FAKE_TIME, fake_time_loop, now, pass_time

pytestmark = pytest.mark.anyio
KEY, OTHER = ECKey.generate_key("P-256", {"kid": "one"}), ECKey.generate_key("P-256", {"kid": "two"})
RULES = JwtRules(("ES256",), "https://issuer.example", "ges-gateway", leeway_seconds=30)
NOW = int(BEGAN.timestamp())
CLAIMS: dict[str, Any] = {
    "iss": "https://issuer.example",
    "aud": "ges-gateway",
    "sub": "ada",
    "exp": NOW + 600,
    "ges_graphs": ["movies"],
}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


class Source:
    """Publishes the public halves of keys."""

    def __init__(self, *keys: ECKey | RSAKey) -> None:
        self.keys = keys
        self.asked = 0

    async def __call__(self) -> bytes:
        self.asked += 1
        return msgspec.json.encode({"keys": [key.as_dict(private=False) for key in self.keys]})


def open_jwts(source: Source | None = None, rules: JwtRules = RULES) -> Jwts:
    """Open what verifies tokens on the running loop."""
    jwks = Jwks(source or Source(KEY), monotonic=fake_time_loop().time, lifetime_seconds=600)
    return Jwts(rules, jwks, now=now, secret=b"secret")


def a_token(key: Any = KEY, alg: str = "ES256", header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Sign a token; a claim that is None is left out."""
    said = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": key.kid, **(header or {})}, said, key, algorithms=[alg])


def forged(header: Any, claims: Any = CLAIMS, signature: bytes = b"") -> str:
    """Put a token together by hand."""
    parts = (value if isinstance(value, bytes) else msgspec.json.encode(value) for value in (header, claims))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, signature))


async def refusal(jwts: Jwts, token: str) -> str:
    """Return why a token is not accepted."""
    with pytest.raises(UnauthenticatedError) as caught:
        await jwts.verify(token)
    assert caught.value.__context__ is None
    assert token[-20:] not in caught.value.message
    return caught.value.message


async def test_a_good_token_tells_who_bears_it_and_what_he_may_see() -> None:
    """Its audience may be one of several."""
    jwts = open_jwts()
    bearer = await jwts.verify(a_token())
    assert (bearer.name, bearer.graphs, bearer.ends_at) == ("ada", frozenset({"movies"}), NOW + 630.0)
    assert (await jwts.verify(a_token(aud=["other", "ges-gateway"], nbf=NOW, iat=NOW))).name == "ada"
    assert "ada" not in repr(bearer)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://other.example"}, "claim `iss`"),
        ({"iss": None}, "form or its signature"),
        ({"iss": ["https://issuer.example"]}, "claim `iss`"),
        ({"aud": "other"}, "claim `aud`"),
        ({"aud": ["other"]}, "claim `aud`"),
        ({"aud": []}, "claim `aud`"),
        ({"aud": None}, "form or its signature"),
        ({"exp": None}, "form or its signature"),
        ({"exp": NOW - 30}, "expired"),
        ({"exp": "soon"}, "claim `exp`"),
        ({"exp": True}, "claim `exp`"),
        ({"nbf": NOW + 31}, "claim `nbf`"),
        ({"iat": NOW + 31}, "claim `iat`"),
        ({"sub": 5}, "form or its signature"),
    ],
)
async def test_a_wrong_claim_is_refused(claims: dict[str, Any], why: str) -> None:
    """Whoever sent it is told which; what was expected he is not told."""
    said = await refusal(open_jwts(), a_token(**claims))
    assert said.startswith("The token is not accepted: ")
    assert why in said or "missing or wrong" in said
    assert "issuer.example" not in said


@pytest.mark.parametrize("claims", [{"exp": NOW - 29}, {"nbf": NOW + 30}, {"iat": NOW + 30}])
async def test_clocks_may_differ_a_little(claims: dict[str, Any]) -> None:
    """By the leeway and no more."""
    assert (await open_jwts().verify(a_token(**claims))).name == "ada"


async def test_a_signature_must_be_of_the_key_it_names() -> None:
    """Of another key, of no key, or over something else: nothing of it counts."""
    jwts = open_jwts(Source(KEY, OTHER))
    stolen = a_token()
    head, _, signature = stolen.split(".")
    other_claims = forged({}, {**CLAIMS, "ges_graphs": ["*"]}).split(".")[1]
    for token in (
        a_token(OTHER, header={"kid": "one"}),
        f"{head}.{other_claims}.{signature}",
        f"{stolen[:-8]}AAAAAAAA",
        forged({"alg": "ES256", "kid": "one"}),
    ):
        assert "signature is wrong" in await refusal(jwts, token)


async def test_only_the_algorithms_named_are_taken() -> None:
    """Neither none, nor another one, nor a public key used as if it were a shared secret."""
    jwts = open_jwts()
    rsa = RSAKey.generate_key(2048, {"kid": "rsa"})
    both = open_jwts(Source(KEY, rsa))
    assert "signature is wrong" in await refusal(jwts, forged({"alg": "none", "kid": "one"}))
    assert "signature is wrong" in await refusal(jwts, forged({"kid": "one"}))
    unsigned = forged({"alg": "HS256", "kid": "one"}).rpartition(".")[0]
    with_public_key = hmac.digest(KEY.as_pem(private=False), unsigned.encode(), "sha256")
    signature = base64.urlsafe_b64encode(with_public_key).decode().rstrip("=")
    assert "signature is wrong" in await refusal(jwts, f"{unsigned}.{signature}")
    assert "signature is wrong" in await refusal(both, a_token(rsa, "RS256"))
    allowed = open_jwts(Source(rsa), JwtRules(("RS256",), RULES.issuer, RULES.audience))
    assert (await allowed.verify(a_token(rsa, "RS256"))).name == "ada"


async def test_a_key_that_is_not_published_opens_nothing() -> None:
    """Nor does a token that names none, where there are several."""
    assert "does not publish" in await refusal(open_jwts(), a_token(OTHER))
    unnamed = jwt.encode({"alg": "ES256"}, CLAIMS, KEY)
    assert "does not publish" in await refusal(open_jwts(Source(KEY, OTHER)), unnamed)
    assert (await open_jwts(Source(KEY)).verify(unnamed)).name == "ada"


async def test_a_new_key_is_accepted_and_an_old_one_ends() -> None:
    """With it end the tokens that were verified by it, also those remembered."""
    source = Source(KEY)
    jwts = open_jwts(source)
    old = a_token(exp=NOW + 5000)
    await jwts.verify(old)
    source.keys = (OTHER,)
    pass_time(60)
    assert (await jwts.verify(a_token(OTHER))).name == "ada"
    assert jwts.known(old) is None
    assert "does not publish" in await refusal(jwts, old)


async def test_what_was_verified_is_remembered_until_its_end() -> None:
    """And under a keyed hash: nothing that is kept holds the token."""
    jwts = open_jwts()
    token = a_token(sub=None)
    assert jwts.known(token) is None
    bearer = await jwts.verify(token)
    assert jwts.known(token) is bearer
    assert await jwts.verify(token) is bearer
    assert token not in repr(jwts._remembered)
    assert token not in bearer.name
    pass_time(629)
    assert jwts.known(token) is bearer
    pass_time(1)
    assert jwts.known(token) is None
    assert "expired" in await refusal(jwts, token)


async def test_the_least_recently_used_is_forgotten() -> None:
    """Tokens cost their issuer nothing, memory is ours."""
    jwks = Jwks(Source(KEY), monotonic=fake_time_loop().time, lifetime_seconds=600)
    jwts = Jwts(RULES, jwks, now=now, secret=b"secret", most_remembered=2)
    one, two, three = (a_token(sub=name) for name in ("one", "two", "three"))
    await jwts.verify(one)
    await jwts.verify(two)
    assert jwts.known(one)
    await jwts.verify(three)
    assert [jwts.known(token) is not None for token in (one, two, three)] == [True, False, True]


@pytest.mark.parametrize(
    "token",
    [
        "a.b.c",
        "..",
        "Ä.b.c",
        forged(b"{"),
        forged(b"[1]"),
        forged({"alg": 5, "kid": "one"}),
        forged({"alg": "ES256", "kid": 5}),
        forged({"alg": "ES256", "kid": "one", "crit": ["x"]}),
        forged(b"[" * 9_000),
        forged(b'{"kid":"one","x":' + b"[" * 9_000),
        forged({"alg": "ES256", "kid": "one"}, b"[" * 9_000),
    ],
)
async def test_what_is_no_token_is_refused(token: str) -> None:
    """Whatever it does to a parser."""
    with pytest.raises(UnauthenticatedError):
        await open_jwts().verify(token)


@pytest.mark.parametrize("claims", [b"[]", b"null", b"{", b"[" * 9_000, b"\xff"])
async def test_signed_nonsense_is_refused_too(claims: bytes) -> None:
    """An issuer may be broken."""
    token = jws.serialize_compact({"alg": "ES256", "kid": "one"}, claims, KEY)
    assert "form or its signature" in await refusal(open_jwts(), token)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    """Reading the head is all that is done before a key is at hand."""
    with suppress(UnauthenticatedError):
        _kid_of(text)
    assert Jwts.takes(text) is (text.count(".") == 2)


@pytest.mark.parametrize(
    ("claims", "claim", "table", "graphs"),
    [
        ({"g": ["movies", "books"]}, "g", {}, {"movies", "books"}),
        ({"g": "movies books"}, "g", {}, {"movies", "books"}),
        ({"g": "*"}, "g", {}, {"*"}),
        ({"g": ["movies", 5, None]}, "g", {}, {"movies"}),
        ({"g": {"movies": True}}, "g", {}, set()),
        ({"g": None}, "g", {}, set()),
        ({}, "g", {}, set()),
        ({"roles": ["analyst", "cook"]}, "roles", {"analyst": ["movies"], "admin": ["*"]}, {"movies"}),
        ({"roles": ["*", "movies"]}, "roles", {"analyst": ["movies"]}, set()),
        ({"realm": {"roles": ["analyst"]}}, "realm.roles", {"analyst": ["movies"]}, {"movies"}),
        ({"https://x.example/graphs": ["movies"]}, "https://x.example/graphs", {}, {"movies"}),
        ({"realm": "x"}, "realm.roles", {}, set()),
    ],
)
def test_a_claim_opens_graphs(
    claims: dict[str, Any], claim: str, table: dict[str, list[str]], graphs: set[str]
) -> None:
    """Through the table where there is one; a word it does not hold opens nothing, not even if a graph is called so."""
    assert graphs_of(claims, JwtRules((), "i", "a", claim=claim, graphs=table)) == graphs


async def test_the_end_follows_the_clock_that_is_passed_in() -> None:
    """Times are told by nothing else."""
    token = a_token(exp=int((BEGAN + timedelta(hours=1)).timestamp()))
    jwts = open_jwts()
    pass_time(3629)
    assert (await jwts.verify(token)).name == "ada"


async def test_a_key_that_is_taken_back_ends_tokens_that_are_in_use() -> None:
    """Though nothing else has to be verified meanwhile; and none is believed when keys cannot be had for long."""
    source = Source(KEY)
    jwts = open_jwts(source)
    token = a_token(exp=NOW + 50_000)
    await jwts.verify(token)
    pass_time(601)
    assert jwts.known(token)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (source.asked, jwts.known(token) is not None) == (2, True)
    source.keys = (OTHER,)
    pass_time(601)
    assert jwts.known(token)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert jwts.known(token) is None
    other = a_token(OTHER, exp=NOW + 50_000)
    await jwts.verify(other)
    pass_time(3601)
    assert jwts.known(other) is None
