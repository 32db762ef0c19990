"""An upstream made of raw bytes on 127.0.0.1: says what it is told to, well-formed or not, and counts what it hears."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import Enum

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Then(Enum):
    """What follows the bytes of an answer; without one the connection is kept for the next request."""

    CLOSE = "end the connection"
    RESET = "break it off"
    HANG = "say nothing more"


Step = bytes | Then


class RawUpstream:
    """Plays the same steps for every request."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        self.origin = ""
        self.connections = 0
        self.requests: list[bytes] = []
        # Set by the first request, and when the other side has gone.
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self._over = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin a conversation on a new connection."""
        self.connections += 1
        self._tasks.append(asyncio.create_task(self._converse(reader, writer)))

    async def end(self) -> None:
        """Wait for the end of every conversation; clients that keep their connections open keep it from coming."""
        self._over.set()
        await asyncio.gather(*self._tasks)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                self.asked.set()
                if not await self._answer(reader, writer):
                    break
        except (OSError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        for step in self.steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
                # Long enough for the bytes to arrive on their own.
                await asyncio.sleep(0.005)
            elif step is Then.RESET:
                at_once = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
                writer.transport.abort()
                return False
            elif step is Then.HANG:
                await self._hang(reader)
                return False
            else:
                return False
        return True

    async def _hang(self, reader: asyncio.StreamReader) -> None:
        over, gone = asyncio.ensure_future(self._over.wait()), asyncio.ensure_future(reader.read(1))
        await asyncio.wait([over, gone], return_when=asyncio.FIRST_COMPLETED)
        if not self._over.is_set():
            self.left.set()
        over.cancel()
        gone.cancel()
        await asyncio.gather(over, gone, return_exceptions=True)


@asynccontextmanager
async def raw_upstream(*steps: Step) -> AsyncIterator[RawUpstream]:
    """Serve the steps on a free port until the block ends. Close the clients inside of it."""
    upstream = RawUpstream(steps)
    server = await asyncio.start_server(upstream.meet, "127.0.0.1", 0)
    upstream.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield upstream
    finally:
        server.close()
        await upstream.end()
        await server.wait_closed()
