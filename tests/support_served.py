"""Applications served over real HTTP on 127.0.0.1, by the server that serves them in production, in this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from uvicorn import Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.demo.wire import WiredProtocol
from gateway.server import _config, open_port, url_of


@asynccontextmanager
async def served(app: Starlette, *, wired: bool = False) -> AsyncIterator[str]:
    """Serve an application until the block ends, and give its address; `wired` as the sandbox is."""
    app.state.is_draining = False
    listener = open_port("127.0.0.1", 0)
    server = Server(_config(app, 1, WiredProtocol if wired else HttpToolsProtocol))
    # Without the part that takes the signals of the process.
    serving = asyncio.create_task(server._serve([listener]))
    while not (server.started or serving.done()):  # noqa: ASYNC110 -- uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield url_of(listener)
    finally:
        server.should_exit = True
        # What hangs on purpose is not waited for.
        for task in [*server.server_state.tasks] if wired else []:
            task.cancel()
        await serving
        listener.close()


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
