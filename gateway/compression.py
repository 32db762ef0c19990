"""
Compresses answers for clients that take it, large ones in a thread and streamed ones piece by piece.

Stands behind the door, so that what is given again is compressed already. Streams of events are never touched: a
compressor holds back what it was given. Knows no GraphQL.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple, Protocol

import brotli
import zstandard
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.negotiation import negotiate_encoding

# Below this, what is saved fits into the packet that is sent anyway.
_LEAST_BYTES = 1024
# Compressing more than this would hold the event loop noticeably.
_LARGE_BYTES = 32 * 1024
# The quickest: pages are tens of MB, and the next levels take twice the time for a tenth of the bytes.
_LEVEL = 1
# The largest window that is of use at this level: of 256 KB, held for as long as an answer is on its way.
_BROTLI_WINDOW = 18
_GZIP_FRAME = 31
_TYPES = frozenset({"application/json", "application/graphql-response+json", "application/x-ndjson", "image/svg+xml"})
_EVENTS = "text/event-stream"
# It has no content, and stands for an answer that may have been compressed.
_NOT_MODIFIED = 304


class Compressor(Protocol):
    """Compresses one answer."""

    def compress(self, piece: bytes, /) -> bytes:
        """Take a piece, give what can be told by now."""

    def flush(self) -> bytes:
        """Give the rest, and the end."""


Compressors = Mapping[str, Callable[[], Compressor]]


class _Brotli:
    def __init__(self) -> None:
        self._compressor = brotli.Compressor(mode=brotli.MODE_TEXT, quality=_LEVEL, lgwin=_BROTLI_WINDOW)

    def compress(self, piece: bytes) -> bytes:
        return bytes(self._compressor.process(piece))

    def flush(self) -> bytes:
        return bytes(self._compressor.finish())


# In the order in which they are preferred by us, that is: by the time they take.
COMPRESSORS: Compressors = {
    "zstd": lambda: zstandard.ZstdCompressor(_LEVEL).compressobj(),
    "br": _Brotli,
    "gzip": lambda: zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_FRAME),
}


class Choice(NamedTuple):
    """How answers to a request are encoded, None being as they are; `always`, when the client refuses them so."""

    encoding: str | None
    always: bool = False


@lru_cache(maxsize=512)
def choose(accept: bytes) -> Choice:
    """Return what comes of an Accept-Encoding header."""
    return Choice(*negotiate_encoding(accept.decode("latin-1"), tuple(COMPRESSORS)))


@lru_cache(maxsize=512)
def normal(accept: bytes) -> bytes:
    """Return a short spelling of Accept-Encoding, the same for all that come to the same."""
    encoding, always = choose(accept)
    return f"{encoding}{'!' if always else ''}".encode()


class Compression:
    """Wraps an application. Answers to HTTP/1.0 stay as they are: without a length nobody could see them cut off."""

    def __init__(self, app: ASGIApp, compressors: Compressors = COMPRESSORS) -> None:
        self._app = app
        self._compressors = compressors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "HEAD" or scope.get("http_version") == "1.0":
            return await self._app(scope, receive, send)
        accept = b",".join([value for name, value in scope["headers"] if name == b"accept-encoding"])
        return await self._app(scope, receive, _Answer(send, choose(accept), self._compressors).send)


class _Answer:
    """One answer on its way. Its head waits for the first piece of the body, which decides."""

    def __init__(self, send: Send, choice: Choice, compressors: Compressors) -> None:
        self._send = send
        self._compressors = compressors
        self._choice = choice
        self._head: Message | None = None
        self._compressor: Compressor | None = None

    async def send(self, message: Message) -> None:
        """Pass one message on, compressed if it is to be."""
        if message["type"] == "http.response.start":
            may_be = _may_be_compressed(message)
            if may_be or message["status"] == _NOT_MODIFIED:
                MutableHeaders(scope=message).add_vary_header("Accept-Encoding")
            if may_be and self._choice.encoding is not None:
                self._head = message
                return
        elif message["type"] == "http.response.body" and self._head is not None:
            await self._begin(self._head, message)
            self._head = None
            return
        elif message["type"] == "http.response.body" and self._compressor is not None:
            await self._go_on(self._compressor, message)
            return
        await self._send(message)

    async def _begin(self, head: Message, first: Message) -> None:
        encoding, always = self._choice
        body, goes_on = first.get("body", b""), first.get("more_body", False)
        if encoding is None or not (goes_on or always or len(body) >= _LEAST_BYTES):
            await self._send(head)
            return await self._send(first)
        compressor = self._compressors[encoding]()
        headers = MutableHeaders(scope=head)
        headers["Content-Encoding"] = encoding
        if headers.get("etag", "").startswith('"'):
            # The same content in other bytes, which is all that a weak one promises.
            headers["ETag"] = f"W/{headers['ETag']}"
        del headers["Content-Length"]
        if goes_on:
            self._compressor = compressor
            await self._send(head)
            return await self._go_on(compressor, first)
        content = await _compress(compressor, body, ends=True)
        headers["Content-Length"] = str(len(content))
        await self._send(head)
        return await self._send({**first, "body": content})

    async def _go_on(self, compressor: Compressor, message: Message) -> None:
        body, goes_on = message.get("body", b""), message.get("more_body", False)
        content = await _compress(compressor, body, ends=not goes_on)
        if content or not goes_on:
            await self._send({**message, "body": content})


async def _compress(compressor: Compressor, piece: bytes, *, ends: bool) -> bytes:
    def work() -> bytes:
        content = compressor.compress(piece)
        return content + compressor.flush() if ends else content

    return work() if len(piece) <= _LARGE_BYTES else await asyncio.to_thread(work)


def _may_be_compressed(head: Message) -> bool:
    headers = MutableHeaders(scope=head)
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    is_text = media_type in _TYPES or (media_type.startswith("text/") and media_type != _EVENTS)
    return is_text and head["status"] not in (204, 206, _NOT_MODIFIED) and "content-encoding" not in headers
