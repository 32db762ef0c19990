"""A flow: a body passed on while it arrives, at the pace of whoever reads it. Knows nothing of what is in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")

Sink = Callable[[bytes], Awaitable[None]]


class Flow(Generic[T]):
    """
    Pieces of a body from `start`, which sends each to the sink it is given and returns what it knows at the end.

    At most one piece waits between the two, so a reader that stops stops the sender. Close every flow that was
    opened: that cancels a sender still under way and waits for its end.
    """

    def __init__(self, start: Callable[[Sink], Awaitable[T]]) -> None:
        self._start = start
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._first: bytes | None = None
        self._sender: asyncio.Task[T] | None = None

    async def open(self) -> None:
        """Wait for the first piece, or for the end of a flow that has none; raises what the sender raised by then."""
        self._sender = asyncio.create_task(self._send())
        self._first = await self._pieces.get()
        if self._first is None:
            await self._sender

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give every piece, once. Whether the sender came to a good end, only `end` tells."""
        piece = self._first
        while piece is not None:
            yield piece
            piece = await self._pieces.get()

    async def end(self) -> T:
        """Return what the sender returned, once all pieces were taken; raises what it raised."""
        if self._sender is None:
            raise RuntimeError("the flow was never opened")
        return await self._sender

    async def close(self) -> None:
        """End the flow, whole or not."""
        if self._sender is not None:
            self._sender.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._sender

    async def _send(self) -> T:
        try:
            known = await self._start(self._pieces.put)
        except Exception:
            await self._pieces.put(None)
            raise
        await self._pieces.put(None)
        return known
