"""
GraphQL over WebSockets: the protocol graphql-transport-ws. Knows neither planes nor credentials.

Every operation has a context of its own, opened with the headers of the socket and those in `connection_init`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from gateway.http.checking import Checked, Checks
from gateway.http.request import GraphQLRequest
from gateway.http.socket_messages import (
    ALREADY_THERE,
    BAD_REQUEST,
    ENDING,
    FORBIDDEN,
    LATE,
    PROTOCOL,
    TOO_MANY_INITS,
    TRY_LATER,
    UNAUTHORIZED,
    CloseError,
    read_message,
    with_credentials,
)
from gateway.http.stream import Opened, Stream, StreamEndedError, Streams
from gateway.http.telling import CLIENT_GONE, count_operation, log_operation
from gateway.metrics import Metrics
from gateway.seats import Seats
from gateway.telemetry import log
from schema.errors import GatewayError, LimitExceededError, OverloadedError

_INIT_SECONDS = 10.0
# A client that has taken nothing for so long is not there, whatever its connection says.
_STALLED_SECONDS = 60.0
_LONGEST_NAME = 64
OpenContext = Callable[[HTTPConnection, str], Opened]


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
        self.checks = checks
        self.streams = streams
        self.open_context = open_context
        self.ending = ending
        self.metrics = metrics
        self.most_operations = most_operations
        self.heartbeat_seconds = heartbeat_seconds
        self.init_seconds = init_seconds
        self._seats = seats
        self._allowed_origins = frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket, until either side closes it or the process ends."""
        socket = WebSocket(scope, receive, send)
        if not self._is_allowed(socket):
            # Before it is accepted this is a plain 403.
            return await socket.close(FORBIDDEN)
        try:
            seat = self._seats.take()
        except OverloadedError:
            return await socket.close(TRY_LATER)
        try:
            await _Session(self, socket).run()
        finally:
            seat.leave()

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
        self._is_initialised = False
        self._operations: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        if PROTOCOL not in self._socket.scope.get("subprotocols", ()):
            return await self._socket.close(4406)
        await self._socket.accept(PROTOCOL)
        hearing = asyncio.ensure_future(self._hear())
        beside = [asyncio.ensure_future(self._keep_alive()), asyncio.ensure_future(self._sockets.ending.wait())]
        try:
            await asyncio.wait((hearing, *beside), return_when=asyncio.FIRST_COMPLETED)
            if hearing.done():
                hearing.result()
            else:
                await self._close(ENDING, "The gateway is closing.")
        except CloseError as error:
            await self._close(error.code, error.reason)
        except WebSocketDisconnect:
            pass
        finally:
            tasks = [hearing, *beside, *self._operations.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear(self) -> None:
        """Take messages until the client leaves. Raises CloseError for what the protocol does not allow."""
        try:
            async with asyncio.timeout(self._sockets.init_seconds):
                while not self._is_initialised:
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
                if self._is_initialised:
                    raise CloseError(TOO_MANY_INITS, "Too many initialisation requests")
                self._connection = with_credentials(self._socket, message.get("payload"))
                self._is_initialised = True
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
        if len(self._operations) >= self._sockets.most_operations:
            most, asks = self._sockets.most_operations, len(self._operations) + 1
            return await self._refuse(id, LimitExceededError("operations", most, asks))
        self._operations[id] = asyncio.ensure_future(self._run(id, asked, self._connection))
        return None

    async def _run(self, id: str, asked: GraphQLRequest, connection: HTTPConnection) -> None:
        """Run one operation to its end, and say that it has come."""
        started = time.perf_counter()
        opened, checked, stream, codes, status = None, None, None, set[str](), 200
        try:
            opened = self._sockets.open_context(connection, self._request_id)
            checked = await self._sockets.checks.check(asked, opened.caller)
            stream = self._open(checked, opened, connection)
            async with aclosing(stream.results()) as results:
                async for result in results:
                    await self._send_text(f'{{"id":{_json(id)},"type":"next","payload":{result.decode()}}}')
            await self._send({"id": id, "type": "complete"})
        except StreamEndedError as error:
            await self._send_errors(id, error.entries, codes)
        except GatewayError as error:
            await self._refuse(id, error, codes)
        except (asyncio.CancelledError, WebSocketDisconnect):
            status = CLIENT_GONE
            raise
        finally:
            if self._operations.get(id) is asyncio.current_task():
                del self._operations[id]
            if stream is not None:
                codes |= stream.codes
                await stream.close()
            elif opened is not None:
                await opened.close()
            self._tell(checked, stream, started, status, codes)

    def _open(self, checked: Checked, opened: Opened, connection: HTTPConnection) -> Stream:
        if checked.operation is None or checked.node is None:
            raise StreamEndedError(self._named(checked.refusals))
        reopen = lambda: self._sockets.open_context(connection, self._request_id)  # noqa: E731 -- used once
        return self._sockets.streams.start(checked.operation, checked.node.operation, opened=opened, reopen=reopen)

    def _tell(
        self, checked: Checked | None, stream: Stream | None, started: float, status: int, codes: set[str]
    ) -> None:
        seconds = time.perf_counter() - started
        node = checked.node if checked else None
        kind = node.operation.value if node else None
        count_operation(self._sockets.metrics, kind, seconds=seconds, status=status, codes=codes)
        log_operation(
            log,
            self._request_id,
            node.name.value[:_LONGEST_NAME] if node and node.name else None,
            kind,
            seconds=seconds,
            upstream_calls=stream.upstream_calls if stream else 0,
            cache_hits=stream.cache_hits if stream else 0,
            status=status,
            codes=sorted(codes),
        )

    def _named(self, entries: Collection[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [{**entry, "extensions": {**entry["extensions"], "requestId": self._request_id}} for entry in entries]

    async def _refuse(self, id: str, error: GatewayError, codes: set[str] | None = None) -> None:
        entry = {"message": error.message, "extensions": error.extensions}
        await self._send_errors(id, self._named([entry]), codes)

    async def _send_errors(self, id: str, entries: Collection[Mapping[str, Any]], codes: set[str] | None) -> None:
        if codes is not None:
            codes |= {entry["extensions"]["code"] for entry in entries}
        await self._send({"id": id, "type": "error", "payload": entries})

    async def _keep_alive(self) -> None:
        """Show the client, and whatever stands between, that the socket is alive."""
        while True:
            await asyncio.sleep(self._sockets.heartbeat_seconds)
            if self._is_initialised:
                await self._send({"type": "ping"})

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._send_text(_json(message))

    async def _send_text(self, text: str) -> None:
        """Send a message. Raises WebSocketDisconnect when the client does not take it."""
        try:
            async with asyncio.timeout(_STALLED_SECONDS):
                await self._socket.send_text(text)
        except (TimeoutError, RuntimeError):
            raise WebSocketDisconnect(BAD_REQUEST) from None

    async def _close(self, code: int, reason: str) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close(code, reason)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
