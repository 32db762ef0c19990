"""Applications served over real HTTP on 127.0.0.1, by the server that serves them in production, in this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from uvicorn import Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.connections import ConnectionBounds
from gateway.demo.wire import WiredProtocol
from gateway.server import _DEFAULT, _config, open_port, url_of


@asynccontextmanager
async def served(app: Starlette, *, wired: bool = False, bounds: ConnectionBounds = _DEFAULT) -> AsyncIterator[str]:
    """Serve an application until the block ends, and give its address; `wired` as the sandbox is."""
    app.state.is_draining = False
    listener = open_port("127.0.0.1", 0)
    config = _config(app, 1, WiredProtocol if wired else HttpToolsProtocol, bounds)
    config.load()
    # Its own loop would look ten times a second for signals, which are those of the whole process.
    server = Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup([listener])
    app.state.connections = server.server_state.connections
    try:
        yield url_of(listener)
    finally:
        # What hangs on purpose is not waited for.
        for task in [*server.server_state.tasks] if wired else []:
            task.cancel()
        await server.shutdown([listener])


@asynccontextmanager
async def deaf() -> AsyncIterator[str]:
    """Give an address at which connecting never ends: nobody takes the connections, and there is no room for more."""
    loop = asyncio.get_running_loop()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        filling = [socket.socket() for _ in range(4)]
        for one in filling:
            one.setblocking(False)
        tries = [asyncio.create_task(loop.sock_connect(one, listener.getsockname())) for one in filling]
        await asyncio.wait(tries, timeout=0.1)
        try:
            yield url_of(listener)
        finally:
            for attempt in tries:
                attempt.cancel()
            await asyncio.gather(*tries, return_exceptions=True)
            for one in filling:
                one.close()
