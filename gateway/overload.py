"""
Bounded work: more operations than the process can finish are turned away at once, before anything is read of them.

Stands before the endpoint alone, so that probes and metrics answer all the same. Knows no GraphQL.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.answer import answer_errors, problem
from gateway.seats import Seat, Seats
from gateway.telemetry import Event, log
from schema.errors import OverloadedError

_RETRY_AFTER_SECONDS = "1"
# These last as long as their clients like, and have bounds of their own.
_STREAMS = (b"text/event-stream", b"multipart/mixed")


class Overload:
    """
    Lets a request through for each of its seats; the next is answered 503 with `Retry-After`.

    There is no queue: whoever waits in one holds memory and, when his turn comes, has often gone.
    """

    def __init__(self, app: ASGIApp, seats: Seats) -> None:
        self._app = app
        self._seats = seats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        try:
            seat = self._seats.take()
        except OverloadedError as error:
            return await _refuse(error, scope, receive, send)
        try:
            return await self._app(scope, receive, _watching(send, seat))
        finally:
            seat.leave()


def _watching(send: Send, seat: Seat) -> Send:
    """Return a `send` that leaves the seat when the answer turns out to be a stream."""

    async def watch(message: Message) -> None:
        if message["type"] == "http.response.start" and _is_stream(message):
            seat.leave()
        await send(message)

    return watch


def _is_stream(message: Message) -> bool:
    return any(name == b"content-type" and value.startswith(_STREAMS) for name, value in message["headers"])


async def _refuse(error: OverloadedError, scope: Scope, receive: Receive, send: Send) -> None:
    request_id = str(scope.get("state", {}).get("request_id", ""))
    log.info(Event.REFUSED, request_id=request_id, status=503)
    extensions = {**error.extensions, "retryable": True, "retryAfterSeconds": int(_RETRY_AFTER_SECONDS)}
    entry = problem(error.message, request_id, **extensions)
    # The body is not read: closing the connection spares that.
    headers = {"Retry-After": _RETRY_AFTER_SECONDS, "Connection": "close"}
    await answer_errors(503, [entry], headers=headers)(scope, receive, send)
