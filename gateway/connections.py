"""
The connections of clients: how many there are, and how long each may take to ask and to read what it is answered.

Knows no routes. What goes on inside a request has deadlines of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.cork import Corked
from gateway.ready import NOTHING, Ready, ReadyConnection
from gateway.telemetry import Event, log

Refused = Callable[[str], None]

# While more requests of one connection wait for their turn, no more of them is read.
_MOST_WAITING = 16


@dataclass(frozen=True, slots=True)
class ConnectionBounds:
    """
    How many connections there may be, and their deadlines in seconds.

    `head` is for the head of a request, `idle` for the pause between two, `stall` for the client to take what waits
    for it: the transport says so when it holds more than 64 KiB, and takes it back at 16.
    """

    most: int = 20_000
    head_seconds: float = 10.0
    idle_seconds: int = 75
    stall_seconds: float = 30.0


def _answer(status: str, code: str, message: str, **headers: str) -> bytes:
    body = msgspec.json.encode({"errors": [{"message": message, "extensions": {"code": code}}]})
    told = {"content-type": "application/json; charset=utf-8", "content-length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**told, "connection": "close"}.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


_LATE = _answer("408 Request Timeout", "TIMEOUT", "The head of the request did not arrive in time.")
_FULL = _answer(
    *(
        "503 Service Unavailable",
        "OVERLOADED",
        "The gateway has as many connections as it takes.",
    ),
    **{"retry-after": "1"},
)


class _Stall:
    """Cuts a connection whose client does not take what waits for it."""

    def __init__(self, bounds: ConnectionBounds, loop: asyncio.AbstractEventLoop, refused: Refused) -> None:
        self._seconds = bounds.stall_seconds
        self._loop = loop
        self._refused = refused
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, transport: asyncio.Transport) -> None:
        """Let the time run, unless it does already."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._cut, transport)

    def end(self) -> None:
        """Stop the time: something was taken, or nobody is there."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self, transport: asyncio.Transport) -> None:
        self._timer = None
        self._refused("stalled")
        # To close it would wait for the client to read the rest.
        transport.abort()


class _Line(FlowControl):
    """uvicorn's, which reads on for each request that asks for its body, however many wait in line behind it."""

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        """Read on, unless there is enough to do. A few in line are none too many: who leaves is noticed by reading."""
        if len(self._waiting) < _MOST_WAITING:
            super().resume_reading()


class _Ending:
    """What both kinds of connection do when their client says no more."""

    transport: asyncio.Transport

    def eof_received(self) -> None:
        """Close. By itself the loop would, and drop what is held back of the last turn."""
        self.transport.close()


class HTTPConnection(_Ending, ReadyConnection):
    """uvicorn's, which waits for a client as long as it likes; this one does not."""

    bounds = ConnectionBounds()
    refused: Refused = staticmethod(lambda reason: None)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._stall = _Stall(self.bounds, self.loop, self.refused)
        self._head_timer: asyncio.TimerHandle | None = None
        self._is_in_head = False
        self._is_lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or turn it away when there are as many as may be."""
        if len(self.connections) >= self.bounds.most:
            self.transport = transport
            self._turn_away(_FULL, 503, "connections")
            return
        # A transport in all that is used of one here.
        corked = cast(asyncio.Transport, Corked(transport, self.loop))
        super().connection_made(corked)
        self.flow = _Line(corked, self.pipeline)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._is_lost = True
        self._end_head()
        self._stall.end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends; when it is no whole head, the rest must come in time."""
        super().data_received(data)
        is_idle = self.timeout_keep_alive_task is not None
        if self._head_timer is None and (self._is_in_head or not (is_idle or self._is_answering())):
            self._await_head()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to answer it."""
        self._is_in_head = False
        self._end_head()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request; not when this one was never read to its end, for that may take for ever."""
        is_last = not self.pipeline
        super().on_response_complete()
        if is_last and self.cycle.more_body:
            self.transport.close()
        if self.transport.is_closing() and not self._is_lost:
            self._stall.begin(self.transport)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, in time also when its client has yet to take the last answer."""
        super().timeout_keep_alive_handler()
        if not self._is_lost:
            self._stall.begin(self.transport)

    def pause_writing(self) -> None:
        """Stop writing: the client is behind."""
        super().pause_writing()
        self._stall.begin(self.transport)

    def resume_writing(self) -> None:
        """Write on."""
        self._stall.end()
        super().resume_writing()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        if not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self.bounds.head_seconds, self._give_up_head)

    def _end_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up_head(self) -> None:
        self._head_timer = None
        if self._is_answering():
            # The head of the request after this one; whoever waits for an answer is not cut off for that.
            self._await_head()
        elif self._is_in_head:
            self._turn_away(_LATE, 408, "slow_head")
        else:
            self.transport.close()

    def _turn_away(self, answer: bytes, status: int, reason: str) -> None:
        self.refused(reason)
        log.info(Event.REFUSED, status=status, reason=reason)
        self.transport.write(answer)
        self.transport.close()
        self._stall.begin(self.transport)


class SocketConnection(_Ending, WebSocketsSansIOProtocol):
    """uvicorn's, which leaves a client waiting whose request for a socket cannot be read, and waits for any reader."""

    bounds = ConnectionBounds()
    refused: Refused = staticmethod(lambda reason: None)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._stall = _Stall(self.bounds, self.loop, self.refused)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._stall.end()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Stop writing: the client is behind."""
        super().pause_writing()
        self._stall.begin(self.transport)

    def resume_writing(self) -> None:
        """Write on."""
        self._stall.end()
        super().resume_writing()


def bounded(
    bounds: ConnectionBounds,
    refused: Refused,
    ready: Ready = NOTHING,
    protocol: type[HttpToolsProtocol] = HttpToolsProtocol,
) -> tuple[type[HTTPConnection], type[SocketConnection]]:
    """
    Return the protocols of connections with these bounds; `refused` hears why one was turned away or cut.

    Answers that are `ready` are given at once. `protocol` is what HTTP is spoken by otherwise.
    """
    members = {"bounds": bounds, "refused": staticmethod(refused)}
    http = type("HTTP", (HTTPConnection, protocol), {**members, "ready": ready})
    return http, type("Socket", (SocketConnection,), members)
