"""Streams of results over HTTP: server-sent events and multipart. Knows how they are framed, not what they say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Literal, NamedTuple

import msgspec
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.http.negotiation import EVENTS, PARTS
from gateway.http.operation import until_disconnect
from gateway.http.stream import StreamEndedError

# Outside of strings a line end is but space, and inside of them there is none; in an event it would end the data.
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


class Framing(NamedTuple):
    """How a stream is written: its type, what begins it, stands around each result, says nothing, and ends it."""

    content_type: str
    beginning: bytes
    before: bytes
    after: bytes
    heartbeat: bytes
    end: bytes

    def frame(self, result: bytes) -> bytes:
        """Return one result as it is sent."""
        return self.before + result.translate(_ONE_LINE) + self.after


# Lines end with LF alone: there are clients that split events at empty lines of no other kind.
_EVENTS = Framing(
    content_type="text/event-stream; charset=utf-8",
    beginning=b":\n\n",
    before=b"event: next\ndata: ",
    after=b"\n\n",
    heartbeat=b":\n\n",
    # Without a line of data browsers would not tell it.
    end=b"event: complete\ndata:\n\n",
)
# A part counts as arrived when the boundary behind it is here, so that is sent with it and not with the next.
_BOUNDARY = b"\r\n--graphql"
_PART = b"\r\nContent-Type: application/json\r\n\r\n"
_PARTS = Framing(
    content_type='multipart/mixed; boundary="graphql"; subscriptionSpec="1.0"',
    beginning=_BOUNDARY,
    before=_PART + b'{"payload":',
    after=b"}" + _BOUNDARY,
    heartbeat=_PART + b"{}" + _BOUNDARY,
    end=b"--\r\n",
)
FRAMINGS: Mapping[str, Framing] = {EVENTS: _EVENTS, PARTS: _PARTS}
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no", "Vary": "Accept"}


def as_stream(framing: Framing, entries: Sequence[Mapping[str, object]]) -> Response:
    """Answer with a stream that holds nothing but these errors."""
    body = framing.beginning + framing.frame(msgspec.json.encode({"errors": entries})) + framing.end
    return Response(body, headers={**_HEADERS, "Content-Type": framing.content_type})


class EventStream(Response):
    """
    An answer that goes on until its results end, its client leaves, or `ending` is set.

    Ended in any of these ways but the second, it is complete. A result is asked for when the one before it is sent.
    """

    def __init__(
        self, framing: Framing, results: AsyncGenerator[bytes], *, heartbeat_seconds: float, ending: asyncio.Event
    ) -> None:
        super().__init__(headers={**_HEADERS, "Content-Type": framing.content_type})
        del self.headers["content-length"]
        self._framing = framing
        self._results = results
        self._heartbeat_seconds = heartbeat_seconds
        self._ending = ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. Raises ClientDisconnect when the client leaves."""
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(until_disconnect(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                raise ClientDisconnect
            await sending
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await _write(send, self._framing.beginning)
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            async with aclosing(self._results) as results:
                await self._pass_on(results, ending, send)
        except StreamEndedError as error:
            await _write(send, self._framing.frame(msgspec.json.encode({"errors": error.entries})))
        finally:
            ending.cancel()
        await _write(send, self._framing.end, more=False)

    async def _pass_on(self, results: AsyncGenerator[bytes], ending: asyncio.Future[Literal[True]], send: Send) -> None:
        """Send each result, and a heartbeat whenever there is none for a while."""
        while not ending.done():
            following = asyncio.ensure_future(anext(results, None))
            try:
                while not following.done() and not ending.done():
                    both, seconds = (following, ending), self._heartbeat_seconds
                    done, _ = await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                    if not done:
                        await _write(send, self._framing.heartbeat)
                result = following.result() if following.done() else None
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
            if result is None:
                return
            await _write(send, self._framing.frame(result))


async def _write(send: Send, content: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": content, "more_body": more})
