"""
Bodies in memory, cut at row boundaries: so that the many rows of a page are looked through once and never taken apart.

Reading such a body member by member would pass over all rows again at each level. What is left after cutting is a
small body of the same layout, which is read as any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import overload

import msgspec

from gateway.planes.rows import Rows
from gateway.planes.rowstream import RowCutter, UncutError
from gateway.planes.transcode import HeldRows, transcode
from schema.projection import Projection
from schema.rows import ResultKind, ResultRow, RowList

# Below this a body is read in less time than it takes to look for its rows.
LEAST_BYTES = 64 * 1024
_HEAD_BYTES = 4 * 1024
_CHUNK_BYTES = 256 * 1024
_LIST = re.compile(rb'"(\w+)"\s*:\s*\[')
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
# As many rows as tell the kind of all.
_FIRST_ROWS = 10


@dataclass(frozen=True, slots=True)
class Run:
    """Some whole rows: where they stand in the body, and how many they are."""

    start: int
    end: int
    rows: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A body cut apart: the runs of its rows, the first rows, and `rest`, a body with the rows that are left."""

    content: bytes
    key: str
    runs: tuple[Run, ...]
    first: tuple[msgspec.Raw, ...]
    rest: bytes


class CutRows(RowList):
    """Rows of one kind in a body that is cut apart; those behind the last run are given by themselves."""

    def __init__(self, kind: ResultKind, cut: Cut, last: HeldRows, offset: int) -> None:
        self._kind = kind
        self._cut = cut
        self._last = last
        self._offset = offset
        self._length = sum(run.rows for run in cut.runs) + len(last)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, position: int) -> ResultRow: ...
    @overload
    def __getitem__(self, position: slice) -> list[ResultRow]: ...
    def __getitem__(self, position: int | slice) -> ResultRow | list[ResultRow]:
        return list(self)[position]

    def __iter__(self) -> Iterator[ResultRow]:
        index = self._offset
        for run in self._cut.runs:
            yield from Rows(self._kind, _RAWS.decode(self._bytes_of(run)), index)
            index += run.rows
        yield from self._last

    def contents(self) -> Iterator[tuple[bytes, int]]:
        """Give the rows as `[row, row, ...]`, run by run, with the index of the first."""
        index = self._offset
        for run in self._cut.runs:
            yield self._bytes_of(run), index
            index += run.rows
        yield from self._last.contents()

    def runs(self, projection: Projection) -> Iterator[bytes]:
        """Write the rows as JSON, run by run."""
        index = self._offset
        for run in self._cut.runs:
            written, rows = transcode(self._kind, self._bytes_of(run), index, projection)
            yield written
            index += rows
        yield from self._last.runs(projection)

    def _bytes_of(self, run: Run) -> bytes:
        return b"".join((b"[", memoryview(self._cut.content)[run.start : run.end], b"]"))


def cut_rows(content: bytes) -> Cut | None:
    """Cut a body at its rows; None when it is small, or laid out so that it must be read in another way."""
    named = _LIST.search(content, 0, _HEAD_BYTES) if len(content) > LEAST_BYTES else None
    if named is None:
        return None
    first: list[msgspec.Raw] = []

    def accept(run: bytes) -> tuple[int, int]:
        raws = _RAWS.decode(run)
        if not first:
            first.extend(raws[:_FIRST_ROWS])
        return len(run) - 2, len(raws)

    cutter = RowCutter(named[1].decode(), accept)
    try:
        if not content.isascii():
            str(content, "utf-8")  # Nothing else looks into what is copied through.
        # Chunk by chunk, so that the cutter never holds a second copy of the body.
        starts = range(0, len(content), _CHUNK_BYTES)
        lengths = [length for start in starts for length in cutter.feed(content[start : start + _CHUNK_BYTES])]
        lengths.extend(cutter.finish())
    except (UncutError, UnicodeDecodeError, RecursionError):
        return None
    if not first:
        return None
    return Cut(content, named[1].decode(), tuple(_runs(cutter.head_bytes, lengths)), tuple(first), cutter.rest())


def _runs(start: int, lengths: list[tuple[int, int]]) -> Iterator[Run]:
    for length, rows in lengths:
        yield Run(start, start + length, rows)
        start += length + 1  # The comma between two runs.
