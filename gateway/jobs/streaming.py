"""One large window of rows, written while it arrives, and checked to be what one row before it promised."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from gateway.cache.lifetime import Lifetime
from gateway.cache.pages import LostPieceError, PageCopy
from gateway.cache.store import Entry
from gateway.flow import Flow
from gateway.planes.cutting import CutRows
from gateway.planes.records import JobRead
from gateway.planes.rowstream import STEP_BYTES, RowCutter, UncutError
from gateway.planes.transcode import STEP_ROWS, HeldRows, transcode
from gateway.reader import Reader
from gateway.reading import Reading
from schema.errors import UpstreamMalformedError
from schema.page import Window
from schema.plane import Plane
from schema.projection import Projection
from schema.rows import ResultKind, RowStream

# What a decoder raises about bytes that are no JSON, no text, or nested too deep.
_UNREADABLE = (ValueError, RecursionError, UncutError)

# From `[row, row, ...]` and the index of the first row to these rows as they are sent, and their number.
Write = Callable[[bytes, int], tuple[bytes, int]]


@dataclass(frozen=True, slots=True)
class Expected:
    """What one row, asked for before, told about the whole result. An ended job's result does not change."""

    kind: ResultKind
    rows_key: str
    status: object
    total: int
    window: Window
    row_bytes: int

    @property
    def count(self) -> int:
        """How many rows the window has."""
        return max(0, min(self.window.limit, self.total - self.window.offset))

    @property
    def bytes(self) -> int:
        """About how large they are."""
        return self.count * self.row_bytes

    @property
    def step_bytes(self) -> int:
        """How much to cut off at a time: short rows cost by their number and not by their bytes."""
        return min(STEP_BYTES, max(1, self.row_bytes) * STEP_ROWS)


class StreamedRows(RowStream):
    """The rows of one window, from GES or from the store, never held as a whole."""

    def __init__(
        self,
        reader: Reader,
        reading: Reading[JobRead],
        expected: Expected,
        keep: Lifetime,
        *,
        collected: bool = False,
    ) -> None:
        self.collected = collected
        self._reader = reader
        self._reading = reading
        self._expected = expected
        self._keep = keep

    def __len__(self) -> int:
        return self._expected.count

    async def open(self, projection: Projection) -> AsyncIterator[bytes]:
        """Ask for the rows and wait for the first of them, so that what fails until then can still be said."""
        kind = self._expected.kind

        def write(content: bytes, index: int) -> tuple[bytes, int]:
            return transcode(kind, content, index, projection)

        if self.collected and self._keep.immutable:
            return self._in_turn(write)
        if self.collected:
            self._reader.hold(self._expected.bytes)
        return await self.written(write)

    async def written(self, write: Write) -> AsyncIterator[bytes]:
        """Do as `open` does, writing the rows in another way."""
        flow: Flow[PageCopy | None] = Flow(lambda sink: self._reader.pour(self._reading, sink, self._keep))
        self._reader.own(flow.close)
        try:
            await flow.open()
        except LostPieceError as error:
            raise _malformed("The kept copy of these rows was given up.") from error
        return self._runs(flow, write)

    async def _in_turn(self, write: Write) -> AsyncIterator[bytes]:
        """Give the rows after whoever brings the same page into the store: it is there then, unless that failed."""
        turn = await self._reader.turn(self._reading)
        try:
            # Not before: who waits holds nothing.
            self._reader.hold(self._expected.bytes)
            async for run in await self.written(write):
                yield run
        finally:
            turn.release()

    async def _runs(self, flow: Flow[PageCopy | None], write: Write) -> AsyncIterator[bytes]:
        """Give the rows as written, some at a time. Raises UpstreamMalformedError as soon as something does not fit."""
        given = 0

        def accept(run: bytes) -> bytes:
            nonlocal given
            written, rows = write(run, self._expected.window.offset + given)
            given += rows
            return written

        cutter = RowCutter(self._expected.rows_key, accept, step_bytes=self._expected.step_bytes)
        try:
            async for piece in flow.pieces():
                for written in cutter.feed(piece):
                    yield written
                    # A socket that takes everything at once would never give the loop away.
                    await asyncio.sleep(0)
            copy = await flow.end()
            for written in cutter.finish():
                yield written
            # What is left when all runs are cut off: the last rows, and everything beside the rows.
            read = await self._reader.interpret(self._reading, cutter.rest())
            last = self._last_rows(read, given)
        except LostPieceError as error:
            raise _malformed("The kept copy of these rows was given up.") from error
        except _UNREADABLE as error:
            raise _malformed("GES sent rows that are not JSON.") from error
        for content, index in last.contents():
            yield write(content, given + index)[0]
        if copy is not None:
            await copy.finish(Entry(200, b"", self._reader.runtime.clock.now(), immutable=True))

    def _last_rows(self, read: JobRead, given: int) -> HeldRows | CutRows:
        """Return the rows left at the end; raises UpstreamMalformedError when the whole is not what was expected."""
        expected, window = self._expected, self._expected.window
        held = read.page.rows if read.page is not None else None
        if not isinstance(held, HeldRows | CutRows) or read.job.status is not expected.status:
            raise _malformed("GES changed its answer while the rows were sent.")
        is_same = read.page is not None and (read.page.offset, read.page.total) == (window.offset, expected.total)
        if not is_same or given + len(held) != expected.count:
            raise _malformed("GES sent another number of rows than it said.")
        return held


def _malformed(message: str) -> UpstreamMalformedError:
    return UpstreamMalformedError(message, plane=Plane.SERVICE)
