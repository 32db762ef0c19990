"""
The public keys that callers' tokens are signed with: had from where they are published, and had again as they change.

Knows no token. Whoever shows made-up key ids causes one look in a while, not one each.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

from gateway.telemetry import Event, log
from schema.errors import PlaneUnavailableError

# An unknown key id is looked for again after so long; a source that failed is asked again after so long.
_COOL_DOWN_SECONDS, _FAILED_SECONDS = 30.0, 5.0
# Keys are used for so many lifetimes when new ones cannot be had.
_STALE_LIFETIMES = 6
_MOST_KEYS = 100


class KeysError(Exception):
    """There is no set of keys; the text says why and quotes nothing of it."""


class Jwks:
    """The keys by their ids. `generation` changes whenever they do."""

    def __init__(
        self, fetch: Callable[[], Awaitable[bytes]], *, monotonic: Callable[[], float], lifetime_seconds: float
    ) -> None:
        self.generation = 0
        self._fetch = fetch
        self._monotonic = monotonic
        self._lifetime_seconds = lifetime_seconds
        self._keys: dict[str | None, Key] = {}
        self._content: bytes | None = None
        self._fetched_at = 0.0
        self._next_at = 0.0
        self._look: asyncio.Task[None] | None = None

    async def find(self, kid: str | None) -> Key | None:
        """
        Return the key of this id, None when there is none; without an id, the only key there is.

        Raises PlaneUnavailableError when the keys cannot be had.
        """
        now = self._monotonic()
        if not self.hold():
            await self._looked(now)
            if not self.hold():
                raise PlaneUnavailableError("The keys of callers' tokens cannot be had.", retry_after_seconds=5.0)
        if kid not in self._keys:
            await self._looked(now)
        return self._keys.get(kid)

    def hold(self) -> bool:
        """Tell whether the keys may be used, and what was verified by them; older ones are had again beside that."""
        now = self._monotonic()
        age = now - self._fetched_at
        if self._content is None or age > self._lifetime_seconds * _STALE_LIFETIMES:
            return False
        if age > self._lifetime_seconds:
            self._begin(now)
        return True

    async def close(self) -> None:
        """End a look under way."""
        if self._look is not None:
            self._look.cancel()
            await asyncio.gather(self._look, return_exceptions=True)

    async def _looked(self, now: float) -> None:
        look = self._begin(now)
        if look is not None:
            # Many may wait for one look; who leaves must not end it.
            await asyncio.shield(look)

    def _begin(self, now: float) -> asyncio.Task[None] | None:
        """Return the look under way, a new one if it is time for one, else None."""
        if self._look is not None and not self._look.done():
            return self._look
        if now < self._next_at:
            return None
        self._look = asyncio.get_running_loop().create_task(self._renew(), context=contextvars.Context())
        return self._look

    async def _renew(self) -> None:
        try:
            content = await self._fetch()
            keys = read_keys(content)
        except KeysError as error:
            self._next_at = self._monotonic() + _FAILED_SECONDS
            log.warning(Event.ACCOUNT_FAILED, what="jwks", cause=str(error))
            return
        self._fetched_at = self._monotonic()
        self._next_at = self._fetched_at + _COOL_DOWN_SECONDS
        if content != self._content:
            self._content, self._keys = content, keys
            self.generation += 1


def read_keys(content: bytes) -> dict[str | None, Key]:
    """Return the public keys for signatures by their ids. Raises KeysError when there is none that can be used."""
    try:
        described = msgspec.json.decode(content, type=_Set).keys
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise KeysError("not a set of keys") from None
    keys: dict[str | None, Key] = {}
    for entry in described[:_MOST_KEYS]:
        kid = entry.get("kid")
        if (isinstance(kid, str) or kid is None) and (key := _read_key(entry)) is not None:
            keys[kid] = key
    if not keys:
        raise KeysError("no key that can be used")
    if len(keys) == 1:
        # Then a token need not name it.
        keys[None] = next(iter(keys.values()))
    elif None in keys:
        # Nothing tells it from the others.
        del keys[None]
    return keys


class _Set(msgspec.Struct):
    keys: list[dict[str, object]]


def _read_key(entry: dict[str, object]) -> Key | None:
    if entry.get("use", "sig") != "sig":
        return None
    try:
        key = JWKRegistry.import_key(dict(entry))  # type: ignore[arg-type]  # checked by what it raises
    except (JoseError, ValueError, TypeError, KeyError):
        # One key of a new kind must not take the others away.
        return None
    # A shared secret in a public list would let anybody sign.
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None
