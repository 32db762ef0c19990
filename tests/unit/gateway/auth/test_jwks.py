"""Keys of issuers: had once, had again as they change, looked for again for an unknown id, but not for each of them."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from structlog.testing import capture_logs

from gateway.auth.jwks import Jwks, KeysError, read_keys
from schema.errors import PlaneUnavailableError
from tests.support_clock import FAKE_TIME, fake_clock, fake_time_loop, pass_time

pytestmark = pytest.mark.anyio
LIFETIME = 600.0


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


def a_key(kid: str | None, **more: Any) -> dict[str, Any]:
    """Make a public key as it is published."""
    described: dict[str, Any] = {**ECKey.generate_key("P-256").as_dict(private=False), **more}
    described.pop("kid", None)
    return described if kid is None else {**described, "kid": kid}


class Source:
    """Publishes keys, after a second; has none when told so."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.fails = False

    async def __call__(self) -> bytes:
        self.asked += 1
        await fake_clock().sleep(1)
        if self.fails:
            raise KeysError("status 503")
        return msgspec.json.encode({"keys": self.keys})


def open_jwks(source: Source) -> Jwks:
    """Open the keys of a source on the running loop."""
    return Jwks(source, monotonic=fake_time_loop().time, lifetime_seconds=LIFETIME)


async def kid_of(jwks: Jwks, kid: str | None) -> str | None:
    """Return the id of the key that is found."""
    key: Key | None = await jwks.find(kid)
    return None if key is None else key.kid


async def test_many_who_ask_at_once_cause_one_look() -> None:
    """And later ones none, while the keys are young."""
    source = Source(a_key("one"), a_key("two"))
    jwks = open_jwks(source)
    assert set(await asyncio.gather(*(kid_of(jwks, "one") for _ in range(50)))) == {"one"}
    pass_time(LIFETIME - 10)
    assert await kid_of(jwks, "two") == "two"
    assert (source.asked, jwks.generation) == (1, 1)


async def test_a_new_key_is_found_when_its_first_token_comes() -> None:
    """Issuers change their keys without telling anybody."""
    source = Source(a_key("one"))
    jwks = open_jwks(source)
    await jwks.find("one")
    pass_time(60)
    source.keys = [a_key("one"), a_key("two")]
    assert await kid_of(jwks, "two") == "two"
    assert (source.asked, jwks.generation) == (2, 2)


async def test_made_up_ids_cause_one_look_in_a_while() -> None:
    """Or anybody could make the gateway ask the issuer as often as he likes."""
    source = Source(a_key("one"))
    jwks = open_jwks(source)
    for second in range(60):
        assert await jwks.find(f"made-up-{second}") is None
        await fake_clock().sleep(1)
    # At the start, and once more after half a minute.
    assert source.asked == 2


async def test_older_keys_are_renewed_beside_their_use() -> None:
    """Nobody waits; a key that is gone is not known any more."""
    source = Source(a_key("one"))
    jwks = open_jwks(source)
    await jwks.find("one")
    source.keys = [a_key("two")]
    pass_time(LIFETIME + 1)
    before = fake_time_loop().time()
    assert await kid_of(jwks, "one") == "one"
    assert fake_time_loop().time() == before
    await fake_clock().sleep(2)
    assert await jwks.find("one") is None


async def test_what_does_not_change_is_no_new_generation() -> None:
    """What was verified by it stays verified."""
    source = Source(a_key("one"))
    jwks = open_jwks(source)
    await jwks.find("one")
    pass_time(LIFETIME + 1)
    await jwks.find("one")
    await fake_clock().sleep(2)
    assert (source.asked, jwks.generation) == (2, 1)


async def test_a_source_that_fails_is_told_and_asked_again_after_a_moment() -> None:
    """Without keys there is no telling who is calling, which is not the caller's fault."""
    source = Source(a_key("one"))
    source.fails = True
    jwks = open_jwks(source)
    with capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(PlaneUnavailableError, match="cannot be had") as caught:
                await jwks.find("one")
            assert caught.value.retryable
    assert source.asked == 1
    assert [(line["event"], line["what"], line["cause"]) for line in logs] == [("account_failed", "jwks", "status 503")]
    source.fails = False
    pass_time(5)
    assert await kid_of(jwks, "one") == "one"


async def test_old_keys_bridge_an_outage_but_not_for_ever() -> None:
    """A key that was taken back must stop to open things."""
    source = Source(a_key("one"))
    jwks = open_jwks(source)
    await jwks.find("one")
    source.fails = True
    pass_time(5 * LIFETIME)
    assert await kid_of(jwks, "one") == "one"
    await fake_clock().sleep(2)
    pass_time(LIFETIME)
    with pytest.raises(PlaneUnavailableError):
        await jwks.find("one")


async def test_who_leaves_ends_no_look_and_closing_does() -> None:
    """Others may wait for it."""
    source = Source(a_key("one"))
    jwks = open_jwks(source)
    await jwks.close()
    impatient, patient = (asyncio.create_task(kid_of(jwks, "one")) for _ in range(2))
    await fake_clock().sleep(0.5)
    impatient.cancel()
    assert await patient == "one"
    pass_time(LIFETIME + 1)
    await jwks.find("one")
    await asyncio.sleep(0)
    await jwks.close()
    await fake_clock().sleep(2)
    assert (source.asked, jwks.generation) == (2, 1)


def read(*keys: dict[str, Any]) -> set[str | None]:
    """Return the ids under which the keys of a set are found."""
    return set(read_keys(msgspec.json.encode({"keys": keys})))


def test_public_keys_for_signatures_are_read() -> None:
    """Of any kind that is known; what is for something else, or of a new kind, takes nothing from the others."""
    published: list[dict[str, Any]] = [
        {**RSAKey.generate_key(2048).as_dict(private=False), "kid": "rsa", "use": "sig"},
        {**OKPKey.generate_key("Ed25519").as_dict(private=False), "kid": "okp"},
        a_key("ec"),
        a_key("for-encryption", use="enc"),
        {"kty": "ML-DSA", "kid": "of-a-new-kind"},
        {"kty": "EC", "kid": "broken"},
        {**a_key(None), "kid": 5},
        a_key(None),
    ]
    assert read(*published) == {"rsa", "okp", "ec"}


def test_a_shared_secret_is_no_key() -> None:
    """Whoever reads the list could sign with it."""
    with pytest.raises(KeysError):
        read({**OctKey.generate_key(256).as_dict(private=True), "kid": "oct"})


def test_the_only_key_needs_no_id() -> None:
    """Some issuers have one and never name it."""
    assert read(a_key("one")) == {"one", None}
    assert read(a_key(None)) == {None}


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"keys":5}', b'{"keys":[]}', b"[" * 100_000])
def test_what_is_no_set_of_keys_is_refused(content: bytes) -> None:
    """A page of some proxy, for instance."""
    with pytest.raises(KeysError):
        read_keys(content)
