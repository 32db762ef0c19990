"""
What of an answer is let in: its size, its encoding, how long it asks us to wait, and never the caller's credential.
Knows bytes and headers, not who sent them or what they mean.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote_from_bytes

GZIP_NAMES = frozenset({"gzip", "x-gzip"})
# What bodies nearly always are, pages of rows aside.
SMALL_BODY_BYTES = 2**20
# A few milliseconds of work; the loop goes round between two steps.
EXPAND_STEP_BYTES = 2**20
# Longer than this nobody waits, and a clock that is wrong by days must not stop a client for days.
MAX_RETRY_AFTER_SECONDS = 3600.0

CREDENTIAL_HEADERS = frozenset({"x-auth-token", "authorization", "x-security-token"})
# A credential's start gives it away, also where GES cuts it short; what follows in its alphabet is the rest of it.
CREDENTIAL_START_BYTES = 16
CREDENTIAL_WORD = re.compile(rb"[A-Za-z0-9+/=_.%-]{16,}")
CREDENTIAL_REST = rb"(?:[A-Za-z0-9+/=_.%-]|\\/)*"

Sink = Callable[[bytes], Awaitable[None]]


class NoRoomError(Exception):
    """Other bodies have taken the memory that this one would need to be collected."""


class Room:
    """
    Memory for bodies that are collected, or were and are still to be answered; shared by all of them.

    Only what is large counts: small bodies always find room, whatever another plane sends meanwhile.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._left_bytes = max_bytes

    @property
    def is_short(self) -> bool:
        """Whether more than half of it is taken; then what can be passed on while it arrives is not collected."""
        return self._left_bytes * 2 < self._max_bytes

    def take(self, size_bytes: int) -> None:
        """Take some of it. Raises NoRoomError when so much is not left."""
        if size_bytes > self._left_bytes:
            raise NoRoomError
        self._left_bytes -= size_bytes

    def give_back(self, size_bytes: int) -> None:
        """Give back what was taken."""
        self._left_bytes += size_bytes


class UnacceptableBodyError(Exception):
    """The body breaks our limits or the encoding that was agreed on; its text may be shown to clients."""


class Intake:
    """Takes one body in, counting; `received_bytes` stays readable when it ends early."""

    def __init__(self, *, max_body_bytes: int, accept_compressed: bool, room: Room) -> None:
        self.received_bytes = 0
        self._room = room
        self._max_body_bytes = max_body_bytes
        self._accept_compressed = accept_compressed

    async def take(self, headers: Mapping[str, str], stream: AsyncIterable[bytes], sink: Sink | None = None) -> bytes:
        """
        Read the body to its end and return it expanded; raises UnacceptableBodyError as early as possible.

        With a `sink` every piece goes there instead, and nothing is returned; reading waits for it. Without one a
        large body needs room; raises NoRoomError when there is none.
        """
        announced = headers.get("content-length", "")
        self._check_size(float(announced) if announced.isdecimal() else 0)
        expander = self._expander(headers)
        if sink is not None:
            await self._pass_on(stream, expander, sink)
            return b""
        collected = _Collected(self._room)
        try:
            await self._pass_on(stream, expander, collected.keep)
            return b"".join(collected.pieces)
        finally:
            collected.give_back()

    async def _pass_on(self, stream: AsyncIterable[bytes], expander: _Expander | None, keep: Sink) -> None:
        async for chunk in stream:
            self.received_bytes += len(chunk)
            self._check_size(self.received_bytes)
            if expander is None:
                await keep(chunk)
                continue
            for piece in expander.feed(chunk):
                self._check_size(expander.expanded_bytes)
                await keep(piece)
                await asyncio.sleep(0)
        if expander is not None:
            expander.finish()

    def _expander(self, headers: Mapping[str, str]) -> _Expander | None:
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding in {"", "identity"}:
            return None
        if self._accept_compressed and encoding in GZIP_NAMES:
            return _Expander()
        raise UnacceptableBodyError("GES answered in an encoding that was not asked for.")

    def _check_size(self, size_bytes: float) -> None:
        if size_bytes > self._max_body_bytes:
            raise UnacceptableBodyError(f"GES answered with more than {self._max_body_bytes} bytes.")


class _Collected:
    """The pieces of one body, and the room they take."""

    def __init__(self, room: Room) -> None:
        self.pieces: list[bytes] = []
        self._room = room
        self._size_bytes = 0
        self._taken_bytes = 0

    async def keep(self, piece: bytes) -> None:
        self._size_bytes += len(piece)
        if self._size_bytes > SMALL_BODY_BYTES:
            self._room.take(len(piece))
            self._taken_bytes += len(piece)
        self.pieces.append(piece)

    def give_back(self) -> None:
        self._room.give_back(self._taken_bytes)


class _Expander:
    """Expands gzip a bounded step at a time, so that a small body cannot become a large one unnoticed."""

    def __init__(self) -> None:
        self.expanded_bytes = 0
        self._gzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Give what a chunk holds, piece by piece."""
        while chunk:
            try:
                piece = self._gzip.decompress(chunk, EXPAND_STEP_BYTES)
            except zlib.error:
                raise UnacceptableBodyError("GES answered with a compressed body that is damaged.") from None
            self.expanded_bytes += len(piece)
            yield piece
            chunk = self._gzip.unconsumed_tail

    def finish(self) -> None:
        """Refuse a body that ended too early or went on after its end."""
        if not self._gzip.eof or self._gzip.unused_data:
            raise UnacceptableBodyError("GES answered with a compressed body that is damaged.")


def without_credentials(content: bytes, headers: Mapping[str, str]) -> bytes:
    """Remove the credentials that were sent, whole or cut short, from an answer that repeats them."""
    for name, value in headers.items():
        if name.lower() in CREDENTIAL_HEADERS and value:
            content = _credential_pattern(value.encode()).sub(b"***", content)
    return content


def _credential_pattern(value: bytes) -> re.Pattern[bytes]:
    starts = [word[:CREDENTIAL_START_BYTES] for word in CREDENTIAL_WORD.findall(value)]
    if not starts:
        return re.compile(re.escape(value))
    spellings = {
        re.escape(spelling)
        for start in starts
        for spelling in (start, start.replace(b"/", rb"\/"), quote_from_bytes(start, safe="").encode())
    }
    return re.compile(rb"(?:%b)%b" % (b"|".join(sorted(spellings)), CREDENTIAL_REST))


def retry_after_seconds(said: str | None, now: datetime) -> float | None:
    """Read `Retry-After`, which is a number of seconds or a date; None without one that can be meant."""
    said = (said or "").strip()
    try:
        seconds = float(said) if said.isdecimal() else (_date(said) - now).total_seconds()
    except ValueError:
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _date(said: str) -> datetime:
    date = parsedate_to_datetime(said)
    # The zone "-0000" is UTC from somewhere unknown.
    return date if date.tzinfo else date.replace(tzinfo=UTC)
