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
from gateway.planes.rowstream import STEP_BYTES, RowCutter, UncutError
from gateway.planes.shapes import kind_of_rows
from gateway.planes.transcode import Decoded, HeldRows, decode, transcode
from schema.projection import Projection
from schema.rows import ResultKind, ResultRow, RowList

# Below this a body is read in less time than it takes to look for its rows.
LEAST_BYTES = 64 * 1024
_HEAD_BYTES = 4 * 1024
_CHUNK_BYTES = 256 * 1024
_LIST = re.compile(rb'"(\w+)"\s*:\s*\[')
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
# As many rows as tell the kind of all; they are looked for in steps of their own, for they are read twice.
_FIRST_ROWS, _FIRST_BYTES = 10, 4 * 1024
# The rows of a body are read once, if it is not so large that reading them twice is better than holding them.
_DECODED_BYTES = 2 * 1024 * 1024


@dataclass(slots=True)
class Run:
    """Some whole rows: where they stand in the body, how many they are and, until they are written, the rows."""

    start: int
    end: int
    rows: int
    decoded: Decoded | None

    def write(self, first_index: int, projection: Projection) -> bytes | None:
        """Write the rows once; None when they have to be read from the body."""
        decoded, self.decoded = self.decoded, None
        return decoded.write(first_index, projection) if decoded else None


@dataclass(frozen=True, slots=True)
class Cut:
    """A body cut apart: the runs of its rows, the kind of these, and `rest`, a body with the rows that are left."""

    content: bytes
    key: str
    runs: tuple[Run, ...]
    kind: ResultKind
    rest: bytes


class CutRows(RowList):
    """Rows of one kind in a body that is cut apart; those behind the last run are given by themselves."""

    def __init__(self, cut: Cut, last: HeldRows, offset: int) -> None:
        self._kind = cut.kind
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
            written = run.write(index, projection)
            yield transcode(self._kind, self._bytes_of(run), index, projection)[0] if written is None else written
            index += run.rows
        yield from self._last.runs(projection)

    def _bytes_of(self, run: Run) -> bytes:
        return b"".join((b"[", memoryview(self._cut.content)[run.start : run.end], b"]"))


def cut_rows(content: bytes) -> Cut | None:
    """Cut a body at its rows; None when it is small, or laid out so that it must be read in another way."""
    named = _LIST.search(content, 0, _HEAD_BYTES) if len(content) > LEAST_BYTES else None
    if named is None:
        return None
    reading = _Reading(named[1].decode(), is_decoding=len(content) <= _DECODED_BYTES)
    cutter = reading.cutter
    try:
        if not content.isascii():
            str(content, "utf-8")  # Nothing else looks into what is copied through.
        # Chunk by chunk, so that the cutter never holds a second copy of the body.
        starts = range(0, len(content), _CHUNK_BYTES)
        runs = [run for start in starts for run in cutter.feed(content[start : start + _CHUNK_BYTES])]
        runs.extend(cutter.finish())
    except (UncutError, UnicodeDecodeError, RecursionError):
        return None
    if not runs:
        return None
    start = cutter.head_bytes
    for run in runs:
        run.start, run.end = start, start + run.end
        start = run.end + 1  # The comma between two runs.
    return Cut(content, reading.key, tuple(runs), reading.kind, cutter.rest())


class _Reading:
    """The rows of one body as they are cut: the first of them tell of which kind they are, the others are read so."""

    def __init__(self, key: str, *, is_decoding: bool) -> None:
        self.key = key
        self.kind = ResultKind.RAW
        self.cutter = RowCutter(key, self._accept, step_bytes=_FIRST_BYTES)
        self._first: list[msgspec.Raw] = []
        self._is_decoding = is_decoding

    def _accept(self, content: bytes) -> Run:
        """Return the run, as if it stood at the beginning of the body."""
        is_known = len(self._first) >= _FIRST_ROWS
        if is_known and self._is_decoding and (decoded := decode(self.kind, content)):
            return Run(0, len(content) - 2, len(decoded.rows), decoded)
        raws = _RAWS.decode(content)
        if not is_known:
            self._first += raws[: _FIRST_ROWS - len(self._first)]
            self.kind = kind_of_rows(self.key, self._first, ())
            if len(self._first) == _FIRST_ROWS:
                self.cutter.step_bytes = STEP_BYTES
        return Run(0, len(content) - 2, len(raws), None)
