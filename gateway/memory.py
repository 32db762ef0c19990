"""The memory of the process: what large bodies took goes back to the system when they are gone. Knows no requests."""

from __future__ import annotations

import asyncio
import ctypes
import mmap
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

_PAUSE_SECONDS = 5.0
# So much more than there was at the least is no reason to look for what is free.
_SPARE_BYTES = 16 * 2**20
_FRUIT_BYTES = 2**20
# What several looks in a row could not give back is in use.
_FRUITLESS = 3


@dataclass(frozen=True, slots=True)
class Heap:
    """How much memory is resident, and the order to give back what is free of it."""

    resident_bytes: Callable[[], int]
    trim: Callable[[], object]


def find_heap() -> Heap | None:
    """Return the heap of the C library; None where it cannot be told to give back, or nobody tells what it holds."""
    try:
        heap = Heap(_resident_bytes, partial(ctypes.CDLL(None).malloc_trim, 0))
        heap.resident_bytes()
    except (OSError, AttributeError, TypeError):
        return None
    return heap


async def give_back(heap: Heap, sleep: Callable[[float], Awaitable[None]]) -> None:
    """
    Give back, for ever, what is free.

    By itself glibc gives back no more than the end of its heap: large bodies that failed halfway were seen to leave a
    process at three times its size for good. In a thread, as it takes a few milliseconds without Python's lock.
    """
    least, fruitless = heap.resident_bytes(), 0
    while True:
        await sleep(_PAUSE_SECONDS)
        before = heap.resident_bytes()
        least = min(least, before)
        if before - least < _SPARE_BYTES:
            continue
        await asyncio.to_thread(heap.trim)
        after = heap.resident_bytes()
        fruitless = fruitless + 1 if before - after < _FRUIT_BYTES else 0
        if fruitless == _FRUITLESS:
            least, fruitless = after, 0


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE
