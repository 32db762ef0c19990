"""Large bodies in the store, piece by piece, so that neither keeping nor serving one ever holds all of it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

from gateway.cache.store import Entry, Store

_PIECE_BYTES = 512 * 1024
_INDEX = "pieces"


class LostPieceError(Exception):
    """A piece was evicted while the body was being served."""


class PageCopy:
    """
    Keeps a body as it passes: `add` what came, then `finish` once it is known to be good.

    Until then nobody can see it, since only the index written last names the pieces.
    """

    def __init__(self, store: Store, key: tuple[str, ...], seconds: float, *, max_bytes: int) -> None:
        self._store = store
        self._key = key
        self._seconds = seconds
        self._left_bytes = max_bytes
        # Names the pieces of this copy: two copies of one body must never be mixed.
        self._name = secrets.token_hex(8)
        self._pieces = 0
        self._buffer = bytearray()

    async def add(self, entry: Entry) -> None:
        """Take the next bytes of the body; beyond the bound the copy is given up."""
        self._left_bytes -= len(entry.content)
        if self._left_bytes < 0:
            self._buffer.clear()
            return
        self._buffer += entry.content
        while len(self._buffer) >= _PIECE_BYTES:
            await self._put(replace(entry, content=bytes(self._buffer[:_PIECE_BYTES])))
            del self._buffer[:_PIECE_BYTES]

    async def finish(self, entry: Entry) -> None:
        """Let the body be found; `entry` says when it was fetched."""
        if self._left_bytes < 0:
            return
        await self._put(replace(entry, content=bytes(self._buffer)))
        index = replace(entry, content=f"{self._name}.{self._pieces}".encode())
        await self._store.put((*self._key, _INDEX), index, self._seconds)

    async def _put(self, piece: Entry) -> None:
        await self._store.put((*self._key, self._name, str(self._pieces)), piece, self._seconds)
        self._pieces += 1


async def find_page(store: Store, key: tuple[str, ...]) -> Entry | None:
    """Return the index of a body that is kept in pieces, None when there is none."""
    return await store.get((*key, _INDEX))


async def pieces_of(store: Store, key: tuple[str, ...], index: Entry) -> AsyncIterator[bytes]:
    """Give the pieces of a body in order. Raises LostPieceError when one is gone."""
    name, _, count = index.content.decode().partition(".")
    for number in range(int(count)):
        piece = await store.get((*key, name, str(number)))
        if piece is None:
            raise LostPieceError
        yield piece.content
