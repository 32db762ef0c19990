"""
Corks: small pieces that are written to one client in one turn of the event loop go out together.

The server below writes the head of an answer and its body apart, each by a system call, and wakes the client twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

# What is larger is not held back, nor copied.
_HELD_BYTES = 16 * 1024


class Corked:
    """
    A transport that holds small pieces back until the loop has gone round, and is another in all else.

    Never more than 16 KiB: the transport below knows of all the rest, and says so when its client takes nothing.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0
        # What is asked for with every request: bound once.
        self.is_closing = transport.is_closing
        self.pause_reading, self.resume_reading = transport.pause_reading, transport.resume_reading

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, piece: bytes) -> None:
        """Write a piece, at the end of this turn at the latest."""
        if not self._held:
            self._loop.call_soon(self.release)
        self._held.append(piece)
        self._size += len(piece)
        if self._size > _HELD_BYTES:
            self.release()

    def writelines(self, pieces: Iterable[bytes]) -> None:
        """Write some pieces."""
        if not self._held:
            self._loop.call_soon(self.release)
        self._held += pieces
        self._size = sum(map(len, self._held))
        if self._size > _HELD_BYTES:
            self.release()

    def release(self) -> None:
        """Write what is held back."""
        held, size, self._held, self._size = self._held, self._size, [], 0
        if not held or self.is_closing():
            return
        if size > _HELD_BYTES:
            self._transport.writelines(held)
        else:
            self._transport.write(b"".join(held))

    def close(self) -> None:
        """Write what is held back, and close when all is written."""
        self.release()
        self._transport.close()
