"""A whole result: window after window with a check at every seam, each window read by an operation of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.jobs.results import JobReads
from gateway.jobs.whole import WholeResult
from gateway.reader import Reader
from gateway.runtime import Runtime
from schema.errors import (
    BadUserInputError,
    GatewayError,
    JobNotEndedError,
    NotFoundError,
    ResultGoneError,
    UpstreamMalformedError,
)
from schema.ids import GraphKey, JobRef
from schema.plane import Plane
from tests.support_clock import FAKE_TIME
from tests.support_ges import Ges, Said, a_caller, a_directory, open_runtime

pytestmark = pytest.mark.anyio

JOB = JobRef(Plane.SERVICE, GraphKey("p1", name="movies"), "j1")
STATUS = "/ges/v1.0/p1/graphs/movies/jobs/j1/status"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


class Operation:
    """What one window is read with."""

    def __init__(self, runtime: Runtime) -> None:
        self.reader = Reader(runtime, a_caller())
        self.is_closed = False

    @property
    def passing(self) -> JobReads:
        return JobReads(self.reader, a_directory(self.reader), passing=True)

    @property
    def upstream_calls(self) -> int:
        return self.reader.statistics.upstream_calls

    @property
    def cache_hits(self) -> int:
        return self.reader.statistics.cache_hits

    async def close(self) -> None:
        self.is_closed = True
        await self.reader.close()


class Result:
    """What GES says of a result of ids, window by window."""

    def __init__(self, total: int, **sizes: Any) -> None:
        self.total = total
        # What is said otherwise in windows that begin later.
        self.later: dict[str, Any] = {}
        self.sizes = sizes
        self.windows: list[tuple[int, int]] = []

    def __call__(self, request: httpx.Request) -> Said:
        offset, limit = (int(request.url.params[name]) for name in ("offset", "limit"))
        self.windows.append((offset, limit))
        rows = [f"v{number}" for number in range(offset, min(offset + limit, self.total))]
        told = {"data_total_size": self.total, "data_offset": offset, **self.sizes, **(self.later if offset else {})}
        held = {"k_hop_neighbors": self.total, "vertices": told.pop("vertices", rows)}
        sizes = {name: size for name, size in told.items() if size is not None}
        return 200, {"status": "success", "data": {"outputs": {**held, **sizes}}}


@asynccontextmanager
async def opened(
    result: Any, offset: int = 0, ref: JobRef = JOB, rows: int = 3
) -> AsyncIterator[tuple[WholeResult, list[Operation]]]:
    """Open a result in windows of so many rows, with the operations it is read with."""
    ges = Ges({STATUS: result})
    async with open_runtime(ges, service_urls={"movies": "http://10.0.0.1"}) as runtime:
        operations = [Operation(runtime)]

        async def reopen() -> Operation:
            operations.append(Operation(runtime))
            return operations[-1]

        whole = WholeResult(ref, offset, operations[0], reopen, window_rows=rows)
        try:
            yield whole, operations
        finally:
            await whole.close()


def as_they_are(content: bytes, index: int) -> tuple[bytes, int]:
    """Write rows with the index of the first."""
    return b"%d:%b " % (index, content), content.count(b'"') // 2


async def everything(whole: WholeResult) -> str:
    """Read it to its end."""
    return b"".join([run async for run in await whole.open(as_they_are)]).decode()


async def test_windows_follow_each_other_to_the_end() -> None:
    """Each by an operation that is closed when the next begins; the costs are those of all."""
    result = Result(7)
    async with opened(result) as (whole, operations):
        assert (await whole.look()).total_count == 7
        assert await everything(whole) == '0:["v0","v1","v2"] 3:["v3","v4","v5"] 6:["v6"] '
        assert whole.upstream_calls == len(result.windows) + 1  # The job list has nothing to say here.
        assert whole.cache_hits == sum(operation.cache_hits for operation in operations)
        assert [operation.is_closed for operation in operations] == [True, True, False]
    assert [window for window in result.windows if window[1] == 3] == [(0, 3), (3, 3), (6, 3)]
    assert operations[-1].is_closed


async def test_a_result_can_be_read_from_any_row_on() -> None:
    """Up to the end of it, where nothing is left."""
    async with opened(Result(5), offset=4) as (whole, _):
        assert await everything(whole) == '4:["v4"] '
    async with opened(Result(5), offset=5) as (whole, _):
        await whole.look()
        assert await everything(whole) == ""
    async with opened(Result(5), offset=6) as (whole, _):
        with pytest.raises(BadUserInputError, match="there are 5 rows"):
            await whole.look()


async def test_a_result_without_a_total_ends_with_a_page_that_is_not_full() -> None:
    """Nothing else tells its end."""
    async with opened(Result(5, data_total_size=None)) as (whole, _):
        assert (await whole.look()).total_count is None
        assert await everything(whole) == '0:["v0","v1","v2"] 3:["v3","v4"] '


async def test_values_alone_are_no_rows() -> None:
    """And no error."""
    said = (200, {"status": "success", "data": {"outputs": {"modularity": 0.5}}})
    async with opened(said) as (whole, _):
        assert (await whole.look()).rows_key is None
        assert await everything(whole) == ""


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ((200, {"status": "running", "data": {}}), JobNotEndedError),
        ((200, {"status": "pending"}), JobNotEndedError),
        ((200, {"status": "success", "data": {}}), ResultGoneError),
        ((200, {"status": "failed", "errorMessage": "no memory"}), ResultGoneError),
        ((400, {"errorCode": "GES.8301", "errorMessage": "can not find job"}), NotFoundError),
    ],
)
async def test_what_cannot_be_had_whole_is_told_before_any_row(said: Said, error: type[GatewayError]) -> None:
    """A job that still runs, one without a result, none at all."""
    async with opened(said) as (whole, _):
        with pytest.raises(error):
            await whole.look()


async def test_jobs_of_the_management_plane_have_no_rows() -> None:
    """Nobody is asked."""
    ref = JobRef(Plane.MANAGEMENT, GraphKey("p1", graph_id="g1"), "j1")
    async with opened(Result(1), ref=ref) as (whole, _):
        with pytest.raises(BadUserInputError, match="service plane"):
            await whole.look()
        assert whole.upstream_calls == 0


@pytest.mark.parametrize(
    "later", [{"data_total_size": 8}, {"data_offset": 2}, {"vertices": ["v3", "v4"]}, {"vertices": []}], ids=str
)
async def test_a_window_that_does_not_follow_the_last_ends_it_with_an_error(later: dict[str, Any]) -> None:
    """The rows before it were given; the end must not look like one."""
    result = Result(7)
    result.later = later
    given: list[bytes] = []

    async def read_on() -> None:
        async for run in await whole.open(as_they_are):
            given.append(run)

    async with opened(result) as (whole, _):
        with pytest.raises(UpstreamMalformedError):
            await read_on()
    assert given == [b'0:["v0","v1","v2"] ']


async def test_a_first_window_that_begins_elsewhere_is_told() -> None:
    """Before anything of it is given."""
    async with opened(Result(7, data_offset=1), offset=3) as (whole, _):
        with pytest.raises(UpstreamMalformedError):
            await whole.open(as_they_are)
