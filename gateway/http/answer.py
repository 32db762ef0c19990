"""Answers as bytes: results and errors in JSON, with the headers every answer has. Decides no status and no wording."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.http.negotiation import JSON
from gateway.http.operation import until_disconnect
from schema.errors import PayloadTooLargeError
from schema.execution import Streaming, Written

# Larger answers are sent in pieces.
_JOINED_BYTES = 256 * 1024
# Rows in a result are msgspec.Raw, written through as they are; a number that is none becomes null.
_encoder = msgspec.json.Encoder()

STATUS_BY_CODE: Mapping[str, int] = {
    "BAD_USER_INPUT": 400,
    "GRAPHQL_PARSE_FAILED": 400,
    "GRAPHQL_VALIDATION_FAILED": 400,
    "LIMIT_EXCEEDED": 400,
    "DOCUMENT_NOT_TRUSTED": 400,
    # For clients these two are no failure but a part of the conversation.
    "PERSISTED_QUERY_NOT_FOUND": 200,
    "PERSISTED_QUERY_NOT_SUPPORTED": 200,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "JOB_NOT_ENDED": 409,
    "PAYLOAD_TOO_LARGE": 413,
    "RATE_LIMITED": 429,
    "PLANE_UNAVAILABLE": 503,
    "OVERLOADED": 503,
    "TIMEOUT": 504,
}


class RefusalError(Exception):
    """A request that HTTP rules turn away, whatever its document says."""

    def __init__(self, status: int, message: str, *, code: str = "BAD_USER_INPUT", **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers


def problem(message: str, request_id: str, **extensions: Any) -> dict[str, Any]:
    """Return one entry of `errors` that belongs to no field."""
    return {"message": message, "extensions": {**extensions, "requestId": request_id}}


class _Splice:
    """The text of a result, and the lists of rows that belong between its parts."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.lists: list[Written | Streaming] = []
        self._mark = b""
        text = msgspec.json.encode(content, enc_hook=self._leave_out)
        self._around = text.split(self._mark) if self._mark else [text]

    async def pieces(self) -> AsyncIterator[bytes]:
        """Write the result as JSON, its lists piece by piece; between two pieces the loop is given away."""
        for text, rows in zip_longest(self._around, self.lists):
            yield text
            if isinstance(rows, Streaming):
                async for piece in rows.pieces():
                    yield piece
                continue
            for piece in rows.pieces() if rows else ():
                yield piece
                await asyncio.sleep(0)

    def _leave_out(self, value: object) -> msgspec.Raw:
        if not isinstance(value, Written | Streaming):
            raise TypeError(f"A result cannot hold objects of type {type(value).__name__}.")
        self.lists.append(value)
        # Nobody can know it, so nothing in the result can look like it.
        self._mark = self._mark or b'"%b"' % secrets.token_hex(16).encode()
        return msgspec.Raw(self._mark)


async def answer_result(
    content: Mapping[str, Any], *, media_type: str = JSON, cache_control: str = "no-store"
) -> Response:
    """Answer with the result of an operation: whole and of known length, unless rows in it are still arriving."""
    splice = _Splice(content)
    if any(isinstance(rows, Streaming) for rows in splice.lists):
        return _Arriving(splice, headers=_headers(media_type, cache_control))
    pieces = [piece async for piece in splice.pieces()]
    length = sum(map(len, pieces))
    if length > _JOINED_BYTES:
        return _Pieces(pieces, {**_headers(media_type, cache_control), "Content-Length": str(length)})
    return _respond(200, b"".join(pieces), media_type, cache_control, {})


async def collect_result(content: Mapping[str, Any], maximum: int) -> bytes:
    """Return the result of an operation as JSON, whole. Raises PayloadTooLargeError past `maximum` bytes."""
    pieces, length = [], 0
    async for piece in _Splice(content).pieces():
        length += len(piece)
        if length > maximum:
            raise PayloadTooLargeError(f"The result is longer than {maximum} bytes; ask for fewer rows at a time.")
        pieces.append(piece)
    return b"".join(pieces)


def pieces_of(response: Response) -> Sequence[bytes] | None:
    """Return the body of an answer, None while it is still arriving."""
    if isinstance(response, _Arriving):
        return None
    return tuple(response.pieces) if isinstance(response, _Pieces) else (bytes(response.body),)


class _Pieces(Response):
    """An answer that is here, sent piece by piece and never joined, since that would take its memory twice."""

    def __init__(self, pieces: list[bytes], headers: Mapping[str, str]) -> None:
        super().__init__(headers=headers)
        self.pieces = deque(pieces)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and let go of each piece that is sent."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while self.pieces:
            piece = self.pieces.popleft()
            await send({"type": "http.response.body", "body": piece, "more_body": bool(self.pieces)})


class _Arriving(Response):
    """
    An answer that is sent while its rows arrive, at the pace of its client.

    When they stop coming, the answer is left unfinished: a client sees that it was cut off, never a shorter list.
    """

    def __init__(self, splice: _Splice, headers: Mapping[str, str]) -> None:
        super().__init__(headers=headers)
        del self.headers["content-length"]
        self._splice = splice

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. Raises ClientDisconnect when the client leaves, UpstreamError when the rows break off."""
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
        async for piece in self._splice.pieces():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def answer(
    status: int,
    content: Mapping[str, Any],
    *,
    media_type: str = JSON,
    cache_control: str = "no-store",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with JSON. Stored nowhere unless said otherwise."""
    return _respond(status, _encoder.encode(content), media_type, cache_control, headers or {})


def answer_errors(
    status: int,
    errors: Sequence[Mapping[str, Any]],
    *,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with errors and no data: execution did not begin."""
    return answer(status, {"errors": errors}, media_type=media_type, headers=headers)


def _respond(status: int, body: bytes, media_type: str, cache_control: str, headers: Mapping[str, str]) -> Response:
    return Response(body, status, headers={**_headers(media_type, cache_control), **headers})


def _headers(media_type: str, cache_control: str) -> dict[str, str]:
    return {"Content-Type": f"{media_type}; charset=utf-8", "Cache-Control": cache_control, "Vary": "Accept"}
