"""Serving an ASGI application by uvicorn: opening the port, draining, ending with exit code 0. Knows no routes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import time
from types import FrameType

import uvicorn
import websockets.http11
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.connections import ConnectionBounds, bounded
from gateway.ready import NOTHING
from gateway.telemetry import Event, log

_BACKLOG = 2048
_LONGEST_MESSAGE_BYTES = 64 * 1024
# The largest header of a request for a socket: IAM tokens alone may have 16 KiB, and websockets takes but half of it.
_LONGEST_SOCKET_HEADER = 20 * 1024
_DEFAULT = ConnectionBounds()

# How much is made between two looks for garbage; requests that end well leave none that only such a look finds.
_GARBAGE = (10_000, 20, 20)


class PortError(Exception):
    """The port cannot be opened; the text says why."""


def open_port(host: str, port: int, *, stalled_seconds: float = 2 * _DEFAULT.stall_seconds) -> socket.socket:
    """Open a listening socket, whose connections are cut when a client takes nothing for long. Raises PortError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise PortError(f"Cannot listen on {host}: {error.strerror}.") from error
    try:
        listener = socket.create_server(address, family=family, backlog=_BACKLOG)
    except OSError as error:
        raise PortError(f"Cannot listen on {host}, port {port}: {os.strerror(error.errno or 0)}.") from error
    if sys.platform == "linux":
        # Connections inherit it: the kernel is the first to know of a client that is not there any more.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(stalled_seconds * 1000))
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the address of a listening socket as a client of this machine would write it."""
    host, port = listener.getsockname()[:2]
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared, not listened on
    return f"http://[{local}]:{port}" if ":" in local else f"http://{local}:{port}"


def serve(
    app: Starlette,
    *listeners: socket.socket,
    bounds: ConnectionBounds = _DEFAULT,
    drain_seconds: float = 0,
    grace_seconds: int = 5,
    protocol: type[HttpToolsProtocol] = HttpToolsProtocol,
) -> bool:
    """
    Serve all listening sockets until SIGINT or SIGTERM; return whether the application could be started at all.

    From the signal on `app.state.is_draining` is true. SIGTERM leaves the port open for `drain_seconds` more, so that
    load balancers see it; then requests under way have `grace_seconds`. A second signal ends at once.
    `app.state.refused`, when there is one, hears why a connection was turned away or cut; `app.state.ready` has answers
    that are given without the application.
    """
    app.state.is_draining = False
    server = _Server(_config(app, grace_seconds, protocol, bounds), app, drain_seconds)
    # uvicorn leaves this way when the application cannot be started; it has logged why.
    with contextlib.suppress(SystemExit):
        server.run(sockets=[*listeners])
    for listener in listeners:
        listener.close()
    log.info(Event.STOPPED)
    return server.started


def _config(
    app: Starlette,
    grace_seconds: int,
    protocol: type[HttpToolsProtocol] = HttpToolsProtocol,
    bounds: ConnectionBounds = _DEFAULT,
) -> uvicorn.Config:
    refused, ready = getattr(app.state, "refused", lambda reason: None), getattr(app.state, "ready", NOTHING)
    http, sockets = bounded(bounds, refused, ready, protocol)
    # There is no other way to set it than this, and a variable of the environment.
    websockets.http11.MAX_LINE_LENGTH = _LONGEST_SOCKET_HEADER
    return uvicorn.Config(
        app,
        loop="asyncio" if sys.platform == "win32" else "uvloop",
        http=http,
        ws=sockets,
        ws_max_size=_LONGEST_MESSAGE_BYTES,
        # Compressed messages may be far larger than they look.
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Nothing here asks for the client's address, so nobody needs to be believed about it.
        proxy_headers=False,
        timeout_keep_alive=bounds.idle_seconds,
        timeout_graceful_shutdown=grace_seconds,
    )


class _Server(uvicorn.Server):
    """
    uvicorn's server, which drains before it closes the port.

    uvicorn raises a signal again when everything has ended, and so never exits with 0; signals are not kept for that.
    """

    def __init__(self, config: uvicorn.Config, app: Starlette, drain_seconds: float) -> None:
        super().__init__(config)
        self._app = app
        self._drain_seconds = drain_seconds
        self._closes_at: float | None = None
        self._has_told = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then take connections."""
        await super().startup(sockets)
        self._app.state.connections = self.server_state.connections
        # What is here now stays: a full collection that walked all of it was seen to hold the loop for 35 ms.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GARBAGE)
        log.info(Event.LISTENING, urls=[url_of(listener) for listener in sockets or ()])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end, or end at once when that was asked for before. Writes no log: the signal may interrupt it."""
        if self._closes_at is not None:
            self.should_exit = self.force_exit = True
            return
        self._app.state.is_draining = True
        # Whoever presses Ctrl-C has no load balancer.
        self._closes_at = time.monotonic() + (0 if sig == signal.SIGINT else self._drain_seconds)

    def _end_streams(self) -> bool:
        """Tell streams to complete: they would last as long as their clients like. Return whether they were told."""
        ending: asyncio.Event | None = getattr(self._app.state, "ending", None)
        if ending is None or ending.is_set():
            return False
        ending.set()
        return True

    async def on_tick(self, counter: int) -> bool:
        """Tell, ten times a second, whether to close the port."""
        if self._closes_at is not None:
            left = self._closes_at - time.monotonic()
            if not self._has_told:
                self._has_told = True
                log.info(Event.DRAINING, seconds=round(max(0.0, left), 1))
            # A tick between the two: uvicorn closes sockets the moment it begins to end, and gives no reason.
            if left <= 0 and not self._end_streams():
                self.should_exit = True
        return await super().on_tick(counter)
