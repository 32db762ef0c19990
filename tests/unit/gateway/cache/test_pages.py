"""Tests of gateway/cache/pages.py: a large body is found whole or not at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.cache.pages import LostPieceError, PageCopy, find_page, pieces_of
from gateway.cache.store import Entry, open_store

pytestmark = pytest.mark.anyio

KEY = ("scope", "origin", "read")
BODY = bytes(range(256)) * 8192  # 2 MiB
MIB = 1024 * 1024


def _entry(content: bytes) -> Entry:
    return Entry(200, content, datetime(2026, 3, 5, tzinfo=UTC), immutable=True)


async def test_a_finished_copy_is_found_and_gives_the_same_bytes() -> None:
    """However the pieces came, the body is the same."""
    store = open_store("memory", max_bytes=64 * MIB)
    copy = PageCopy(store, KEY, 60, max_bytes=16 * MIB)
    for begin in range(0, len(BODY), 100_001):
        await copy.add(BODY[begin : begin + 100_001])
    assert await find_page(store, KEY) is None
    await copy.finish(_entry(b""))
    index = await find_page(store, KEY)
    assert index is not None
    pieces = [piece async for piece in pieces_of(store, KEY, index)]
    assert b"".join(pieces) == BODY
    assert max(map(len, pieces)) < 128 * 1024 + 100_001


async def test_a_copy_beyond_its_bound_is_never_found() -> None:
    """One body may not push out all others."""
    store = open_store("memory", max_bytes=64 * MIB)
    copy = PageCopy(store, KEY, 60, max_bytes=MIB)
    await copy.add(BODY)
    await copy.add(b"more")
    await copy.finish(_entry(b""))
    assert await find_page(store, KEY) is None


async def test_two_copies_of_one_body_are_never_mixed() -> None:
    """The index names the pieces of the copy that was finished last, and of no other."""
    store = open_store("memory", max_bytes=64 * MIB)
    one, two = (PageCopy(store, KEY, 60, max_bytes=16 * MIB) for _ in range(2))
    await one.add(b"1" * MIB)
    await two.add(b"2" * MIB)
    await one.finish(_entry(b""))
    index = await find_page(store, KEY)
    assert index is not None
    assert {byte async for piece in pieces_of(store, KEY, index) for byte in piece} == {ord("1")}


async def test_a_chunk_that_is_large_enough_is_not_copied() -> None:
    """The store holds the very object that came, so keeping a page costs nothing but its memory."""
    store = open_store("memory", max_bytes=64 * MIB)
    copy = PageCopy(store, KEY, 60, max_bytes=16 * MIB)
    await copy.add(BODY)
    await copy.finish(_entry(b""))
    index = await find_page(store, KEY)
    assert index is not None
    pieces = [piece async for piece in pieces_of(store, KEY, index)]
    assert pieces[0] is BODY


async def test_a_piece_of_another_length_is_noticed() -> None:
    """A shared store may give back anything."""
    store = open_store("memory", max_bytes=64 * MIB)
    copy = PageCopy(store, KEY, 60, max_bytes=16 * MIB)
    await copy.add(BODY)
    await copy.finish(_entry(b""))
    index = await find_page(store, KEY)
    assert index is not None
    name = index.content.decode().partition(".")[0]
    await store.put_piece((*KEY, name, "0"), BODY[:-1], 60)
    with pytest.raises(LostPieceError):
        [piece async for piece in pieces_of(store, KEY, index)]


async def test_a_lost_piece_is_noticed() -> None:
    """What was evicted meanwhile must not look like the end of the body."""
    store = open_store("memory", max_bytes=5 * MIB)
    copy = PageCopy(store, KEY, 60, max_bytes=16 * MIB)
    await copy.add(BODY)
    await copy.finish(_entry(b""))
    index = await find_page(store, KEY)
    assert index is not None
    for number in range(4):
        await store.put(("other", str(number)), _entry(b"x" * MIB), 60)
    with pytest.raises(LostPieceError):
        [piece async for piece in pieces_of(store, KEY, index)]
