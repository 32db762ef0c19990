"""
The whole result of one ended job: window after window, each passed on as it comes, with a check at every seam.

Each window is read by an operation of its own, so bounds of time and of calls hold for a window and not for the whole.
Knows no format.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Protocol

from gateway.jobs.results import STATUS_ONLY, JobReads
from gateway.jobs.streaming import StreamedRows, Write
from gateway.planes.cutting import CutRows
from gateway.planes.transcode import HeldRows
from schema.algorithm_result import AlgorithmResult, RowPage
from schema.context import JobParts
from schema.errors import BadUserInputError, JobNotEndedError, ResultGoneError, UpstreamMalformedError
from schema.ids import JobRef
from schema.job import ended
from schema.page import PAGE_ROWS, Window
from schema.plane import Plane

_PARTS = JobParts(listing=True, identity=False, result=True, failure=False, window=lambda ref: STATUS_ONLY)


class Reads(Protocol):
    """What one window is read with."""

    @property
    def passing(self) -> JobReads:
        """What reads its rows."""

    @property
    def upstream_calls(self) -> int:
        """How many calls to GES it caused so far."""

    @property
    def cache_hits(self) -> int:
        """How many reads it was spared so far."""

    async def close(self) -> None:
        """End what is still under way for it."""


class WholeResult:
    """Reads one result from the row `offset` on. Close it when it is no longer wanted, read or not."""

    def __init__(
        self,
        ref: JobRef,
        offset: int,
        opened: Reads,
        reopen: Callable[[], Awaitable[Reads]],
        window_rows: int = PAGE_ROWS,
    ) -> None:
        self._ref = ref
        self._offset = offset
        self._opened = opened
        self._reopen = reopen
        self._window_rows = window_rows
        self._upstream_calls = self._cache_hits = 0

    @property
    def upstream_calls(self) -> int:
        """How many calls to GES all windows caused so far."""
        return self._upstream_calls + self._opened.upstream_calls

    @property
    def cache_hits(self) -> int:
        """How many reads they were spared so far."""
        return self._cache_hits + self._opened.cache_hits

    async def look(self) -> AlgorithmResult:
        """Return what the result is, without its rows. Raises GatewayError when there is none to be had whole."""
        if self._ref.plane is not Plane.SERVICE:
            raise BadUserInputError("Only jobs of the service plane have results.")
        job = await self._opened.passing.on_service(self._ref.graph, self._ref.job_id, _PARTS)
        if not ended(job):
            raise JobNotEndedError("The job has not ended, so its result can still change.")
        if job.result is None:
            raise ResultGoneError("GES keeps no result of this job.", plane=Plane.SERVICE)
        total = job.result.total_count
        if total is not None and self._offset > total:
            raise BadUserInputError(f"`offset` is beyond the end: there are {total} rows.")
        return job.result

    async def open(self, write: Write) -> AsyncGenerator[bytes]:
        """Wait for the first rows, so that what fails until then can still be said; then give all, written."""
        page = await self._page(self._offset)
        return self._windows(page, await _written(page, write), write)

    async def close(self) -> None:
        """End what is still under way."""
        await self._opened.close()

    async def _page(self, offset: int) -> RowPage:
        return await self._opened.passing.rows(self._ref, Window(offset, self._window_rows))

    async def _windows(self, first: RowPage, runs: AsyncIterator[bytes], write: Write) -> AsyncGenerator[bytes]:
        page = first
        while True:
            async for run in runs:
                yield run
            if not page.has_next:
                return
            offset = page.offset + len(page.rows)
            await self._turn()
            page = await self._page(offset)
            if (page.offset, page.total) != (offset, first.total):
                raise UpstreamMalformedError("GES changed its answer between two pages.", plane=Plane.SERVICE)
            runs = await _written(page, write)

    async def _turn(self) -> None:
        """Go on with a new operation."""
        await self._opened.close()
        self._upstream_calls, self._cache_hits = self.upstream_calls, self.cache_hits
        self._opened = await self._reopen()


async def _written(page: RowPage, write: Write) -> AsyncIterator[bytes]:
    """Return the rows of a page as they are written. Raises UpstreamMalformedError for less than there must be."""
    rows = page.rows
    if isinstance(rows, StreamedRows):
        return await rows.written(write)
    missing = page.total is not None and len(rows) < min(page.window.limit, page.total - page.offset)
    if missing or page.offset != page.window.offset:
        raise UpstreamMalformedError("GES sent another number of rows than it said.", plane=Plane.SERVICE)
    return _held(rows, write)


async def _held(rows: object, write: Write) -> AsyncIterator[bytes]:
    if isinstance(rows, HeldRows | CutRows):
        for content, index in rows.contents():
            yield write(content, index)[0]
            await asyncio.sleep(0)
