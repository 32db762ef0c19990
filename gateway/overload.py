"""
Bounded work: more operations than the process can finish are turned away at once, before anything is read of them.

Stands before the endpoint alone, so that probes and metrics answer all the same. Knows no GraphQL.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.answer import answer_errors, problem
from gateway.telemetry import Event, log
from schema.errors import OverloadedError

_RETRY_AFTER_SECONDS = "1"
# These last as long as their clients like, and have bounds of their own.
_STREAMS = (b"text/event-stream", b"multipart/mixed")


class Overload:
    """
    Lets at most so many requests through at a time; the next is answered 503 with `Retry-After`.

    There is no queue: whoever waits in one holds memory and, when his turn comes, has often gone.
    """

    def __init__(self, app: ASGIApp, maximum: int) -> None:
        self._app = app
        self._maximum = maximum
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if self.under_way >= self._maximum:
            return await _refuse(scope, receive, send)
        turn = _Turn(self)
        try:
            return await self._app(scope, receive, turn.watching(send))
        finally:
            turn.end()


class _Turn:
    """One request's part of the bound; ends once, at the latest with the request."""

    def __init__(self, overload: Overload) -> None:
        self._overload = overload
        self._is_over = False
        overload.under_way += 1

    def end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._overload.under_way -= 1

    def watching(self, send: Send) -> Send:
        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_stream(message):
                self.end()
            await send(message)

        return watch


def _is_stream(message: Message) -> bool:
    return any(name == b"content-type" and value.startswith(_STREAMS) for name, value in message["headers"])


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    request_id = str(scope.get("state", {}).get("request_id", ""))
    log.info(Event.REFUSED, request_id=request_id, status=503)
    text = "The gateway has more work than it can finish; try again in a moment."
    entry = problem(
        text, request_id, code=OverloadedError.code, retryable=True, retryAfterSeconds=int(_RETRY_AFTER_SECONDS)
    )
    # The body is not read: closing the connection spares that.
    headers = {"Retry-After": _RETRY_AFTER_SECONDS, "Connection": "close"}
    await answer_errors(503, [entry], headers=headers)(scope, receive, send)
