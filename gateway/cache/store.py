"""
The store: bodies kept between requests, in a backend of `BACKENDS`. Builds every key and the envelope around a body.

A slow, full or broken backend is a miss and a log line, never an error. Knows nothing of planes, jobs or grants.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
import time
import zlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gateway.cache.memory import BoundedMemoryCache
from gateway.telemetry import Event, log

KEY_VERSION = "1"
_LONGEST_KEY = 200

ENVELOPE_VERSION = 1
# Version, status, flags, microseconds since the epoch; then a checksum of these and the content.
_HEADER = struct.Struct(">BHBq")
_IMMUTABLE, _APART = 1, 2
_CHECKSUM = struct.Struct(">I")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Copying and summing more than this would hold the event loop noticeably, so a thread does it.
_LARGE_BYTES = 1 << 20
# In this process nothing damages bytes. From this size on they stay as they are, beside an envelope without content.
_LEAST_APART_BYTES = 1 << 17
_CONTENT = "content"

# One failing backend fails every request; the log hears of it once in so many seconds, the counter every time.
_LOG_PAUSE_SECONDS = 10.0

# A read that GES answers takes no longer than that either.
_SLOWEST_SECONDS = 0.25
_UNLIMITED: AbstractAsyncContextManager[None] = nullcontext()

Clock = Callable[[], float]


class Cache(Protocol):
    """What the store needs of a backend: three commands of aiocache's `BaseCache`."""

    async def get(self, key: str) -> object:
        """Return the bytes under a key, or None."""

    async def set(self, key: str, value: bytes, ttl: float) -> object:
        """Keep bytes for `ttl` seconds; return something false when they were refused."""

    async def close(self) -> object:
        """Let go of everything."""


@dataclass(frozen=True, slots=True)
class Backend:
    """
    How a backend is made from the bound in bytes, the clock and its URL, and how long one command may take.

    One `in_process` gives the very bytes back that it was given.
    """

    make: Callable[[int, Clock, str], Cache]
    timeout_seconds: float | None = _SLOWEST_SECONDS
    in_process: bool = False


def _memory(max_bytes: int, clock: Clock, _url: str) -> Cache:
    return BoundedMemoryCache(max_bytes=max_bytes, clock=clock)


def _redis(_max_bytes: int, clock: Clock, url: str) -> Cache:
    # Loaded for those who chose it: its library is an extra.
    from gateway.cache.redis import RedisCache

    return RedisCache(url, _SLOWEST_SECONDS, clock)


BACKENDS: dict[str, Backend] = {
    "memory": Backend(_memory, timeout_seconds=None, in_process=True),
    "redis": Backend(_redis),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of an upstream answer: HTTP status, bytes, when it was fetched, whether it can still change."""

    status: int
    content: bytes = field(repr=False)
    fetched_at: datetime
    immutable: bool


@dataclass(slots=True)
class StoreStats:
    """What became of the reads and writes so far; an error in a read counts as a miss as well."""

    hits: int = 0
    misses: int = 0
    errors: int = 0
    refusals: int = 0


class Store:
    """Keeps entries in a backend and never fails. Whoever opens it closes it."""

    def __init__(
        self,
        cache: Cache,
        *,
        max_entry_bytes: int,
        timeout_seconds: float | None = 0.25,
        clock: Clock = time.monotonic,
        in_process: bool = False,
    ) -> None:
        self.stats = StoreStats()
        self._cache = cache
        self._max_entry_bytes = max_entry_bytes
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._in_process = in_process
        self._quiet_until: dict[str, float] = {}

    async def get(self, key: tuple[str, ...]) -> Entry | None:
        """Return what is kept under a key; None when that is nothing, damaged, or cannot be had in time."""
        entry = None
        try:
            async with self._limit():
                envelope = await self._cache.get(key_text(key))
            if envelope is not None:
                entry = await self._opened(key, envelope)
        except Exception as error:
            self._failed("get", error)
        if entry is None:
            self.stats.misses += 1
        else:
            self.stats.hits += 1
        return entry

    async def get_piece(self, key: tuple[str, ...]) -> bytes | None:
        """Return bytes that were put as a piece; None when they cannot be had in time."""
        try:
            async with self._limit():
                piece = await self._cache.get(key_text(key))
        except Exception as error:
            self._failed("get", error)
            return None
        return piece if isinstance(piece, bytes) else None

    async def put_piece(self, key: tuple[str, ...], piece: bytes, seconds: float) -> None:
        """Keep the bytes of a piece as they are, with nothing around them: whoever puts the pieces together checks."""
        if not seconds > 0:
            return
        try:
            async with self._limit():
                await self._cache.set(key_text(key), piece, ttl=float(seconds))
        except Exception as error:
            self._failed("put", error)

    async def put(self, key: tuple[str, ...], entry: Entry, seconds: float) -> None:
        """Keep an entry for a while. Without seconds, or past a quarter of the bound, it is left alone."""
        if not seconds > 0:
            return
        if len(entry.content) > self._max_entry_bytes:
            self.stats.refusals += 1
            return
        try:
            kept = await self._put(key, entry, float(seconds))
        except Exception as error:
            self._failed("put", error)
            return
        if not kept:
            self.stats.refusals += 1

    async def close(self) -> None:
        """Close the backend."""
        try:
            async with self._limit():
                await self._cache.close()
        except Exception as error:
            self._failed("close", error)

    async def _put(self, key: tuple[str, ...], entry: Entry, seconds: float) -> object:
        """Return something false when it was refused."""
        is_apart = self._in_process and len(entry.content) >= _LEAST_APART_BYTES
        if is_apart and not await self._cache.set(key_text((*key, _CONTENT)), entry.content, ttl=seconds):
            return False
        envelope = seal(replace(entry, content=b""), is_apart=True) if is_apart else await _sealed(entry)
        async with self._limit():
            return await self._cache.set(key_text(key), envelope, ttl=seconds)

    async def _opened(self, key: tuple[str, ...], envelope: object) -> Entry | None:
        if not isinstance(envelope, bytes):
            raise TypeError("A backend gave something else than bytes.")
        entry = await _unsealed(envelope)
        if entry is None or not _HEADER.unpack_from(envelope)[2] & _APART:
            return entry
        content = await self._cache.get(key_text((*key, _CONTENT)))
        return replace(entry, content=content) if isinstance(content, bytes) else None

    def _limit(self) -> AbstractAsyncContextManager[object]:
        # A limit that never comes costs as much as one that does.
        return _UNLIMITED if self._timeout_seconds is None else asyncio.timeout(self._timeout_seconds)

    def _failed(self, command: str, error: Exception) -> None:
        self.stats.errors += 1
        now = self._clock()
        if now < self._quiet_until.get(command, now):
            return
        self._quiet_until[command] = now + _LOG_PAUSE_SECONDS
        # The error's class only: backends put keys, and some values, into its text.
        log.warning(Event.STORE_FAILED, command=command, error=type(error).__name__, errors=self.stats.errors)


def open_store(backend: str, *, max_bytes: int, clock: Clock = time.monotonic, url: str = "") -> Store:
    """Open the store in a backend of `BACKENDS`; raises ValueError for any other, ImportError without its library."""
    chosen = BACKENDS.get(backend)
    if chosen is None:
        raise ValueError(f"There is no cache backend `{backend}`; there is {', '.join(BACKENDS)}.")
    return Store(
        chosen.make(max_bytes, clock, url),
        # No single body may push out most of the others.
        max_entry_bytes=max_bytes // 4,
        timeout_seconds=chosen.timeout_seconds,
        clock=clock,
        in_process=chosen.in_process,
    )


def key_text(key: tuple[str, ...]) -> str:
    """Return a key as backends take it: short, printable, and different for different keys."""
    # With its length before it, no part can be mistaken for two, nor two for one.
    text = KEY_VERSION + "".join([f"|{len(part)}:{part}" for part in key])
    if len(text) <= _LONGEST_KEY and text.isascii() and text.isprintable():
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32)
    return f"{KEY_VERSION}#{digest.hexdigest()}"


async def _sealed(entry: Entry) -> bytes:
    if len(entry.content) < _LARGE_BYTES:
        return seal(entry)
    return await asyncio.to_thread(seal, entry)


async def _unsealed(envelope: bytes) -> Entry | None:
    if len(envelope) < _LARGE_BYTES:
        return unseal(envelope)
    return await asyncio.to_thread(unseal, envelope)


def seal(entry: Entry, *, is_apart: bool = False) -> bytes:
    """Return an entry as the bytes a backend keeps; `is_apart` marks one whose content is kept under its own key."""
    fetched_at = (entry.fetched_at - _EPOCH) // _MICROSECOND
    flags = (_IMMUTABLE if entry.immutable else 0) | (_APART if is_apart else 0)
    header = _HEADER.pack(ENVELOPE_VERSION, entry.status, flags, fetched_at)
    checksum = _CHECKSUM.pack(zlib.crc32(entry.content, zlib.crc32(header)))
    return b"".join((header, checksum, entry.content))


def unseal(envelope: bytes) -> Entry | None:
    """Return the entry in an envelope, None when another version wrote it. Raises ValueError when it is damaged."""
    if envelope[:1] != bytes((ENVELOPE_VERSION,)):
        return None
    start = _HEADER.size + _CHECKSUM.size
    if len(envelope) < start:
        raise ValueError("The envelope is cut off.")
    _, status, flags, fetched_at = _HEADER.unpack_from(envelope)
    (checksum,) = _CHECKSUM.unpack_from(envelope, _HEADER.size)
    content = envelope[start:]
    if zlib.crc32(content, zlib.crc32(envelope[: _HEADER.size])) != checksum:
        raise ValueError("The envelope is damaged.")
    return Entry(status, content, _EPOCH + timedelta(microseconds=fetched_at), bool(flags & _IMMUTABLE))
