"""The memo of one operation: what was asked in it is not asked again. Knows nothing of reads, stores and planes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Memo(Generic[T]):
    """
    What was found for each key, errors included: they too are raised again and not asked for again.

    Whoever asks first asks in his own task, and those who want the same meanwhile wait. When he is cancelled, the
    next of them asks.
    """

    def __init__(self) -> None:
        self._found: dict[Hashable, T | Exception] = {}
        self._asking: dict[Hashable, _Asking] = {}

    async def find(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what was found for `key`, or what `ask` finds now. Raises what `ask` raises."""
        while (asking := self._asking.get(key)) is not None:
            await asking.over()
        if key not in self._found:
            return await self._ask(key, ask)
        found = self._found[key]
        if isinstance(found, Exception):
            raise found
        return found

    def forget(self) -> None:
        """Let what was found be asked for again."""
        self._found.clear()

    async def close(self) -> None:
        """Cancel whoever still asks, and wait until all have ended."""
        tasks = {asking.task for asking in self._asking.values() if asking.task}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # An error holds the frames it passed, and those hold whoever owns this memo, with all that was read: a cycle.
        self._found.clear()

    async def _ask(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        asking = self._asking[key] = _Asking()
        try:
            found = self._found[key] = await ask()
        except Exception as error:
            self._found[key] = error
            raise
        finally:
            del self._asking[key]
            asking.end()
        return found


class _Asking:
    """A question under way, and the task that waits for its answer."""

    def __init__(self) -> None:
        self.task: asyncio.Task[Any] | None = asyncio.current_task()
        # Made for the first who waits: mostly nobody does.
        self._is_over: asyncio.Event | None = None

    async def over(self) -> None:
        """Wait until there is an answer, or nobody asks any more."""
        self._is_over = self._is_over or asyncio.Event()
        await self._is_over.wait()

    def end(self) -> None:
        """Tell those who wait."""
        if self._is_over is not None:
            self._is_over.set()
