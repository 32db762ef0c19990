"""Requests as bytes into the connections of production, without a network: the way by which answers are given first."""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
import httpx
import uvicorn
from starlette.applications import Starlette
from uvicorn.server import ServerState

from gateway.connections import ConnectionBounds, HTTPConnection, bounded


class Wire(httpx.AsyncBaseTransport):
    """Sends each request whole, on a connection of its own. `was_given` tells that the last one never reached `app`."""

    def __init__(self, app: Starlette) -> None:
        self.was_given = False
        self._http, _ = bounded(ConnectionBounds(), lambda reason: None, app.state.ready)
        self._state = ServerState()
        self._config = uvicorn.Config(app, http=self._http, log_config=None, access_log=False, proxy_headers=False)
        self._config.load()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = _Answer()
        loop = asyncio.get_running_loop()
        connection: HTTPConnection = self._http(config=self._config, server_state=self._state, app_state={}, _loop=loop)
        connection.connection_made(answer)
        connection.data_received(_written(request) + await request.aread())
        self.was_given = connection.cycle is None
        await answer.ended.wait()
        connection.connection_lost(None)
        return httpx.Response(answer.parser.get_status_code(), headers=answer.headers, content=answer.content)


def _written(request: httpx.Request) -> bytes:
    headers = b"".join(b"%b: %b\r\n" % header for header in request.headers.raw)
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (request.method.encode(), request.url.raw_path, headers)


class _Answer(asyncio.Transport):
    """A connection that takes everything, and reads one answer of it."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: list[tuple[bytes, bytes]] = []
        self.content = b""
        self.ended = asyncio.Event()
        self.parser: Any = httptools.HttpResponseParser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, piece: bytes) -> None:
        self.content += piece

    def on_message_complete(self) -> None:
        self.ended.set()

    def write(self, content: Any) -> None:
        self.parser.feed_data(content)

    def writelines(self, pieces: Any) -> None:
        for piece in pieces:
            self.write(piece)

    def is_closing(self) -> bool:
        return self.ended.is_set()

    def pause_reading(self) -> None:
        """There is nothing more to read."""

    resume_reading = close = pause_reading
