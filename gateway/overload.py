"""
Bounded work: more operations than the process can finish are turned away at once, before anything is read of them.

Stands before the endpoint alone, so that probes and metrics answer all the same. Knows no GraphQL.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.refusals import Refused, TurnAway, nobody_hears
from gateway.seats import Seat, Seats
from schema.errors import OverloadedError

# These last as long as their clients like, and have bounds of their own.
_STREAMS = (b"text/event-stream", b"multipart/mixed")


class Overload:
    """
    Lets a request through for each of its seats; the next is answered 503 with `Retry-After`.

    There is no queue: whoever waits in one holds memory and, when his turn comes, has often gone.
    """

    def __init__(self, app: ASGIApp, seats: Seats, refused: Refused = nobody_hears) -> None:
        self._app = app
        self._away = TurnAway(refused)
        self._seats = seats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        try:
            seat = self._seats.take()
        except OverloadedError as error:
            return await self._away.answer(503, "overloaded", error, scope, receive, send)
        try:
            # Whose turn it is is not known yet: the endpoint claims it for him.
            scope.setdefault("state", {})["turn"] = seat
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
