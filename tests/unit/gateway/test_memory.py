"""Tests of what gives memory back: a process that says what it holds, and the real heap."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.memory import Heap, find_heap, give_back

pytestmark = pytest.mark.anyio
MB = 2**20


class Process:
    """Holds so much at each look in turn; says at which looks its heap was trimmed."""

    def __init__(self, *megabytes: int) -> None:
        self._left = list(megabytes)
        self._looks = 0
        self.trimmed: list[int] = []
        self.pauses: list[float] = []
        self.is_over = asyncio.Event()

    def resident_bytes(self) -> int:
        """Look."""
        self._looks += 1
        return self._left.pop(0) * MB

    def trim(self) -> None:
        """Note it."""
        self.trimmed.append(self._looks)

    async def sleep(self, seconds: float) -> None:
        """Pass the time, until there is nothing more to be seen."""
        self.pauses.append(seconds)
        if not self._left:
            self.is_over.set()
            await asyncio.Event().wait()


async def watched(*megabytes: int) -> Process:
    """Let it run over a process that holds so much at each look."""
    process = Process(*megabytes)
    task = asyncio.ensure_future(give_back(Heap(process.resident_bytes, process.trim), process.sleep))
    async with asyncio.timeout(5):
        await process.is_over.wait()
    task.cancel()
    return process


@pytest.mark.parametrize(
    ("megabytes", "trimmed"),
    [
        pytest.param((100, 110, 115, 115), [], id="little more than there was"),
        pytest.param((100, 116, 101, 110), [2], id="given back"),
        pytest.param((100, 90, 106, 91, 100), [3], id="measured from the least there was"),
        pytest.param((100, 400, 300, 300, 110, 110), [2, 4], id="again while it bears fruit"),
        pytest.param((100, 200, 200, 200, 200, 200, 200, 210, 210), [2, 4, 6], id="in use after all"),
        pytest.param((100, 200, 200, 200, 199, 200, 200, 200, 200, 200, 200), [2, 4, 6, 8, 10], id="fruit in between"),
        pytest.param((100, 200, 200, 200, 200, 200, 200, 216, 200), [2, 4, 6, 8], id="and more than that"),
    ],
)
async def test_memory_is_given_back_when_there_may_be_some(megabytes: Sequence[int], trimmed: Sequence[int]) -> None:
    """Looking takes time, so only when the process has grown, and not for ever when it needs what it has."""
    assert (await watched(*megabytes)).trimmed == trimmed


async def test_it_is_looked_at_every_few_seconds() -> None:
    """Never without a pause."""
    assert (await watched(100, 200, 100, 100)).pauses == [5.0, 5.0, 5.0]


def test_the_heap_gives_back_what_lies_between_what_is_used() -> None:
    """A few bytes at the end of it keep all of it otherwise."""
    heap = find_heap()
    assert heap is not None
    bodies = [bytes(100_000) for _ in range(1000)]
    for body in bodies:
        # Counted as resident once they are written to.
        memoryview(body).hex()
    pins = bodies[::50]
    before = heap.resident_bytes()
    del bodies, body
    heap.trim()
    assert before - heap.resident_bytes() > 50 * MB
    assert len(pins) == 20
