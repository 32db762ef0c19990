"""Large bodies in the store, piece by piece, so that neither keeping nor serving one ever holds all of it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

from gateway.cache.store import Entry, Store

# Smaller chunks are joined; larger ones are kept as the very objects they came as, so that keeping costs no copy.
_PIECE_BYTES = 128 * 1024
_INDEX = "pieces"


class LostPieceError(Exception):
    """A piece was evicted, or came back damaged, while the body was being served."""


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
        self._bytes = 0
        self._held: list[bytes] = []
        self._held_bytes = 0

    async def add(self, chunk: bytes) -> None:
        """Take the next bytes of the body; beyond the bound the copy is given up."""
        self._left_bytes -= len(chunk)
        if self._left_bytes < 0:
            self._held.clear()
            return
        self._held.append(chunk)
        self._held_bytes += len(chunk)
        if self._held_bytes >= _PIECE_BYTES:
            await self._put()

    async def finish(self, entry: Entry) -> None:
        """Let the body be found; `entry` says when it was fetched."""
        if self._left_bytes < 0:
            return
        await self._put()
        index = replace(entry, content=f"{self._name}.{self._pieces}.{self._bytes}".encode())
        await self._store.put((*self._key, _INDEX), index, self._seconds)

    async def _put(self) -> None:
        piece = b"".join(self._held)
        await self._store.put_piece((*self._key, self._name, str(self._pieces)), piece, self._seconds)
        self._pieces += 1
        self._bytes += len(piece)
        self._held.clear()
        self._held_bytes = 0


async def find_page(store: Store, key: tuple[str, ...]) -> Entry | None:
    """Return the index of a body that is kept in pieces, None when there is none."""
    return await store.get((*key, _INDEX))


async def pieces_of(store: Store, key: tuple[str, ...], index: Entry) -> AsyncIterator[bytes]:
    """Give the pieces of a body in order. Raises LostPieceError when one is gone, or not as long as it was."""
    name, count, total = index.content.decode().split(".")
    left_bytes = int(total)
    for number in range(int(count)):
        piece = await store.get_piece((*key, name, str(number)))
        if piece is None:
            raise LostPieceError
        left_bytes -= len(piece)
        yield piece
    if left_bytes:
        raise LostPieceError
