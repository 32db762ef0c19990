"""
GraphQL over WebSockets: the protocol graphql-transport-ws. Knows neither planes nor credentials.

Every operation has a context of its own, opened with the headers of the socket and those in `connection_init`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import aclosing, suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.http.checking import Checks
from gateway.http.refusals import TurnAway
from gateway.http.request import GraphQLRequest
from gateway.http.socket_messages import (
    ALREADY_THERE,
    ENDING,
    FORBIDDEN,
    LATE,
    PROTOCOL,
    TOO_MANY_INITS,
    TRY_LATER,
    UNAUTHORIZED,
    WRONG_PROTOCOL,
    CloseError,
    read_message,
    with_credentials,
)
from gateway.http.stream import Opened, StreamEndedError, Streams, entry_of
from gateway.http.streamed import StreamedOperation
from gateway.metrics import REFUSALS, Metrics
from gateway.seats import Seats
from schema.errors import LimitExceededError, OverloadedError

_INIT_SECONDS = 10.0
_CLOSE_SECONDS = 2.0
OpenContext = Callable[[HTTPConnection, str], Awaitable[Opened]]


class Sockets:
    """The ASGI application of the endpoint's sockets."""

    def __init__(
        self,
        checks: Checks,
        streams: Streams,
        *,
        open_context: OpenContext,
        ending: asyncio.Event,
        seats: Seats,
        metrics: Metrics,
        allowed_origins: Collection[str] = (),
        most_operations: int = 50,
        heartbeat_seconds: float = 12.0,
        init_seconds: float = _INIT_SECONDS,
    ) -> None:
        self.begin = partial(StreamedOperation, checks, streams, metrics)
        self.open_context = open_context
        self.ending = ending
        self.most_operations = most_operations
        self.heartbeat_seconds = heartbeat_seconds
        self.init_seconds = init_seconds
        self._seats = seats
        self._metrics = metrics
        self._away = TurnAway(self.refused)
        self._allowed_origins = frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket, until either side closes it or the process ends."""
        socket = WebSocket(scope, receive, send)
        if not self._is_allowed(socket):
            self._away.note(403, "origin", scope)
            # Before it is accepted this is a plain 403.
            return await socket.close(FORBIDDEN)
        if PROTOCOL not in scope.get("subprotocols", ()):
            return await _refuse(socket, None, CloseError(WRONG_PROTOCOL, f"Only {PROTOCOL} is spoken"))
        try:
            seat = self._seats.take()
        except OverloadedError:
            self._away.note(503, "sockets", scope)
            return await _refuse(socket, PROTOCOL, CloseError(TRY_LATER, "Too many sockets are open"))
        try:
            await _Session(self, socket).run()
        finally:
            seat.leave()

    def refused(self, reason: str) -> None:
        """Count that something was."""
        self._metrics.count(REFUSALS, reason)

    def _is_allowed(self, socket: WebSocket) -> bool:
        """Tell whether a page of this origin may connect: pages of the same host, and those of allowed origins."""
        origin = socket.headers.get("origin")
        if origin is None or "*" in self._allowed_origins or origin.lower() in self._allowed_origins:
            return True
        return urlsplit(origin).netloc.lower() == socket.headers.get("host", "").lower() != ""


class _Session:
    """One socket and the operations under way on it."""

    def __init__(self, sockets: Sockets, socket: WebSocket) -> None:
        self._sockets = sockets
        self._socket = socket
        self._request_id = str(socket.scope.get("state", {}).get("request_id", ""))
        self._connection: HTTPConnection | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        # Whatever of it ends with an error ends the others.
        self._tasks = asyncio.TaskGroup()

    async def run(self) -> None:
        try:
            await self._socket.accept(PROTOCOL)
            async with self._tasks as tasks:
                tasks.create_task(self._keep_alive())
                tasks.create_task(self._end_with_process())
                await self._hear()
        except* CloseError as group:
            await _close(self._socket, next(error for error in group.exceptions if isinstance(error, CloseError)))
        except* (WebSocketDisconnect, OSError):
            # Gone; that it is an OSError when nothing was accepted yet is Starlette's way.
            pass

    async def _hear(self) -> None:
        """Take messages until the client leaves. Raises CloseError for what the protocol does not allow."""
        try:
            async with asyncio.timeout(self._sockets.init_seconds):
                while self._connection is None:
                    await self._handle(read_message(await self._receive()))
        except TimeoutError:
            raise CloseError(LATE, "Connection initialisation timeout") from None
        while True:
            await self._handle(read_message(await self._receive()))

    async def _receive(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        content: str | bytes = message.get("text") or message.get("bytes") or b""
        return content

    async def _handle(self, message: Mapping[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                if self._connection is not None:
                    raise CloseError(TOO_MANY_INITS, "Too many initialisation requests")
                self._connection = with_credentials(self._socket, message.get("payload"))
                await self._send({"type": "connection_ack"})
            case "ping":
                await self._send({"type": "pong"})
            case "subscribe":
                await self._subscribe(message["id"], message["payload"])
            case "complete":
                if task := self._operations.pop(message["id"], None):
                    task.cancel()

    async def _subscribe(self, id: str, asked: GraphQLRequest) -> None:
        if self._connection is None:
            raise CloseError(UNAUTHORIZED, "Unauthorized")
        if id in self._operations:
            raise CloseError(ALREADY_THERE, "An operation of this id is under way")
        most, count = self._sockets.most_operations, len(self._operations) + 1
        if count > most:
            refusal = entry_of(LimitExceededError("operations", most, count), self._request_id)
            self._sockets.refused("operations")
            return await self._send({"id": id, "type": "error", "payload": [refusal]})
        open_context = partial(self._sockets.open_context, self._connection, self._request_id)
        operation = self._sockets.begin(open_context, self._request_id)
        self._operations[id] = self._tasks.create_task(self._run(id, operation, asked))
        return None

    async def _run(self, id: str, operation: StreamedOperation, asked: GraphQLRequest) -> None:
        """Run one operation to its end, and say that it has come."""
        try:
            async with aclosing(operation.results(asked)) as results:
                async for result in results:
                    await self._send_text(f'{{"id":{_json(id)},"type":"next","payload":{result.decode()}}}')
            last: Mapping[str, Any] = {"id": id, "type": "complete"}
        except StreamEndedError as error:
            last = {"id": id, "type": "error", "payload": error.entries}
        finally:
            # A client may use the id again as soon as it hears of the end; by now it may have done so.
            if self._operations.get(id) is asyncio.current_task():
                del self._operations[id]
            await operation.close()
        await self._send(last)

    async def _keep_alive(self) -> None:
        """Show the client, and whatever stands between, that the socket is alive."""
        while True:
            await asyncio.sleep(self._sockets.heartbeat_seconds)
            if self._connection is not None:
                await self._send({"type": "ping"})

    async def _end_with_process(self) -> None:
        await self._sockets.ending.wait()
        raise CloseError(ENDING, "The gateway is closing")

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._send_text(_json(message))

    async def _send_text(self, text: str) -> None:
        """Send a message. Raises WebSocketDisconnect when nobody is there to take it."""
        try:
            await self._socket.send_text(text)
        except RuntimeError:
            # It is closed already.
            raise WebSocketDisconnect from None


async def _refuse(socket: WebSocket, protocol: str | None, error: CloseError) -> None:
    """Close a socket that was not opened yet in a way that its client is told why."""
    with suppress(OSError):
        await socket.accept(protocol)
        await _close(socket, error)


async def _close(socket: WebSocket, error: CloseError) -> None:
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await socket.close(error.code, error.reason)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
