"""
Cuts the body of a large result at row boundaries while it arrives, so that nobody ever holds all of it.

There is no tokenizer: a cut is right if and only if what is before it is a list that decodes, since no prefix of a
JSON list closes at another place. Knows which key holds the rows, and nothing of what rows mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

# A step of the event loop: decoding and writing so much takes less than a millisecond. Half of it, or twice as much, is
# slower: each step passes a dozen layers, and what a step touches has to fit the cache of a core.
STEP_BYTES = 128 * 1024
_LONGEST_HEAD_BYTES = 256 * 1024
_LONGEST_ROW_BYTES = 4 * 1024 * 1024
_MOST_TRIES = 64
_WINDOW_BYTES, _OVERLAP_BYTES = 1024, 64
# What ends one row and begins the next, by the first byte of the first row. Blanks may stand between.
_BOUNDARIES = {
    ord("{"): re.compile(rb"\}\s*(,)\s*\{"),
    ord("["): re.compile(rb"\]\s*(,)\s*\["),
    ord('"'): re.compile(rb'"\s*(,)\s*"'),
}
_ANY_BOUNDARY = re.compile(rb"(,)")
_PLACES = (("data", "outputs"), ("data",))


class UncutError(ValueError):
    """The body is not laid out as a result with rows under the expected key."""


class RowCutter(Generic[T]):
    """
    Takes a body chunk by chunk and gives what `accept` makes of each run of whole rows, `[row, ...]`.

    `accept` raises msgspec.DecodeError for what is no JSON list; that is how a wrong cut is told. Between two runs
    the caller may give the loop away.
    """

    def __init__(self, rows_key: str, accept: Callable[[bytes], T], *, step_bytes: int = STEP_BYTES) -> None:
        self._start = re.compile(rb'"' + re.escape(rows_key.encode()) + rb'"\s*:\s*\[\s*')
        self._rows_key = rows_key
        self._accept = accept
        self.step_bytes = step_bytes
        self._head: bytes | None = None
        self._buffer = bytearray()
        self._boundary: re.Pattern[bytes] | None = None

    def feed(self, chunk: bytes) -> Iterator[T]:
        """Take a chunk; give the runs that are complete. Raises UncutError for a body of another layout."""
        self._buffer += chunk
        if self._head is None and not self._find_head():
            return
        # What is held back may already be the end of the rows: only `rest` can tell.
        while len(self._buffer) > self.step_bytes:
            run = self._cut()
            if run is None:
                return
            yield run

    def finish(self) -> Iterator[T]:
        """When all has come, give one more run if it is found at the first try: all rows left but the last."""
        if self._head is None:
            return
        for end in islice(self._candidates(len(self._buffer)), 1):
            with suppress(msgspec.DecodeError):
                yield self._accepted(end)

    @property
    def head_bytes(self) -> int:
        """How many bytes stood before the first row."""
        return len(self._head or b"")

    def rest(self) -> bytes:
        """Return a body of the same layout that holds only the rows not given yet, and everything beside the rows."""
        return (self._head or b"") + bytes(self._buffer)

    def _find_head(self) -> bool:
        for end in self._openings():
            head = bytes(self._buffer[:end])
            if self._opens_rows(head):
                if end == len(self._buffer):
                    return False  # The first row is still to come, and its first byte tells how rows end.
                self._head = head
                del self._buffer[:end]
                self._boundary = _BOUNDARIES.get(self._buffer[0], _ANY_BOUNDARY)
                return True
        if len(self._buffer) >= _LONGEST_HEAD_BYTES:
            raise UncutError("no rows where they were expected")
        return False

    def _openings(self) -> Iterator[int]:
        """Give where lists begin that have the name of the rows."""
        end = 0
        while (found := self._start.search(self._buffer, end, _LONGEST_HEAD_BYTES)) is not None:
            end = found.end()
            # A match keeps hold of what was searched, which could not be cut then.
            del found
            yield end

    def _opens_rows(self, head: bytes) -> bool:
        """Whether the list that the head opens is the list of rows: closed at once, it is empty and in its place."""
        for path in _PLACES:
            try:
                value = msgspec.json.decode(head + b"]" + b"}" * (len(path) + 1))
                for name in (*path, self._rows_key):
                    value = value[name]
            except (msgspec.DecodeError, KeyError, TypeError, RecursionError):
                continue
            if value == []:
                return True
        return False

    def _cut(self) -> T | None:
        """Cut at the last boundary within a step; a row longer than that takes a longer step."""
        reach = self.step_bytes
        while True:
            for end in self._candidates(reach):
                with suppress(msgspec.DecodeError):
                    return self._accepted(end)
            if reach >= len(self._buffer):
                return None
            if reach >= _LONGEST_ROW_BYTES:
                raise UncutError("a row is too long")
            reach = min(reach * 4, _LONGEST_ROW_BYTES)

    def _accepted(self, end: int) -> T:
        run = self._accept(b"".join((b"[", memoryview(self._buffer)[:end], b"]")))
        del self._buffer[: end + 1]
        return run

    def _candidates(self, reach: int) -> Iterator[int]:
        """Give the places of commas between rows, the last within reach first."""
        boundary, window = self._boundary or _ANY_BOUNDARY, _WINDOW_BYTES
        end, tries = min(reach, len(self._buffer)), 0
        # Looked for backwards in windows that grow, for the last one is nearly always right.
        while end > 0 and tries < _MOST_TRIES:
            begin, window = max(0, end - window), window * 4
            places = [found.start(1) for found in boundary.finditer(self._buffer, begin, end)]
            for place in reversed(places):
                tries += 1
                yield place
            # Windows overlap, for a boundary may lie across two.
            end = begin + _OVERLAP_BYTES if begin else 0
