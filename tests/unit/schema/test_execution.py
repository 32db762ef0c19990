"""Execution: lists of rows are completed at once, everything else as ever."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, overload

import pytest

from schema.algorithm_result import RowPage
from schema.errors import PlaneUnavailableError
from schema.execution import Streaming, Written
from schema.ids import JobRef, job_id_of
from schema.page import Window
from schema.projection import Projection
from schema.rows import RawRow, ResultRow, RowList, RowStream
from schema.scalars import JSON, Long
from tests.fakes import SERVICE_JOB, FakeJobs, a_context, a_job, a_result, execute

pytestmark = pytest.mark.anyio


def a_row(index: int) -> ResultRow:
    """Make a row that says nothing."""
    return RawRow(index=Long(index), raw=JSON(None))


class Listed(RowList):
    """Rows that write themselves, each in a run of its own, and remember for whom."""

    def __init__(self, count: int) -> None:
        self.length = count
        self.projections: list[Projection] = []

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, position: int) -> ResultRow: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[ResultRow]: ...
    def __getitem__(self, position: int | slice) -> ResultRow | Sequence[ResultRow]:
        return [a_row(index) for index in range(self.length)][position]

    def runs(self, projection: Projection) -> Iterator[bytes]:
        self.projections.append(projection)
        return (b"%d" % index for index in range(self.length))


class Streamed(RowStream):
    """Rows that arrive, some runs of them empty."""

    def __init__(self, runs: list[bytes], *, collected: bool = False, is_lost: bool = False) -> None:
        self.runs = runs
        self.collected = collected
        self.is_lost = is_lost

    def __len__(self) -> int:
        return len(self.runs)

    async def open(self, projection: Projection) -> AsyncIterator[bytes]:
        return self._give()

    async def _give(self) -> AsyncIterator[bytes]:
        for run in self.runs:
            yield run
        if self.is_lost:
            raise PlaneUnavailableError("The plane is away.")


class Rows(FakeJobs):
    """One job with these rows."""

    def __init__(self, rows: Any) -> None:
        super().__init__({SERVICE_JOB: a_job(result=a_result())})
        self.its_rows = rows

    async def rows(self, ref: JobRef, window: Window) -> RowPage:
        return RowPage(window, window.offset, self.its_rows, None)


async def completed(selection: str, rows: Any = None, **variables: bool) -> Any:
    """Return the data of a connection of rows, as execution left it; fragments follow behind a bar."""
    asked, _, fragments = selection.partition("|")
    head = "".join(f", ${name}: Boolean!" for name in variables)
    text = f"query ($id: ID!{head}) {{ job(id: $id) {{ result {{ rows {{ {asked} }} }} }} }} {fragments}"
    context = a_context(Rows(Listed(2) if rows is None else rows))
    result = await execute(text, context, id=job_id_of(SERVICE_JOB), **variables)
    assert result.errors is None
    assert result.data is not None
    return result.data["job"]["result"]["rows"]


@pytest.mark.parametrize(("count", "pieces"), [(0, [b"[]"]), (1, [b"[0", b"]"]), (3, [b"[0", b",1", b",2", b"]"])])
async def test_rows_are_written_piece_by_piece(count: int, pieces: list[bytes]) -> None:
    """The first opens the list, the last closes it."""
    data = await completed("nodes { index }", Listed(count))
    assert isinstance(data["nodes"], Written)
    assert list(data["nodes"].pieces()) == pieces


async def test_nothing_is_written_before_it_is_looked_at() -> None:
    """Nor any row built."""
    rows = Listed(2)
    data = await completed("a: nodes { index } edges { cursor }", rows)
    assert rows.projections == []
    [*data["a"].pieces(), *data["edges"].pieces()]
    nodes, edges = rows.projections
    assert (nodes.cursor_prefix, nodes.template(RawRow)) == ("", (("index", "index"),))
    assert (edges.cursor_prefix[-1], edges.template(RawRow)) == (".", (("cursor", "cursor"),))


async def test_rows_that_cannot_write_themselves_are_executed_one_by_one() -> None:
    """As all other lists are."""
    data = await completed("nodes { index } edges { node { index } }", [a_row(0), a_row(1)])
    rows = [{"index": 0}, {"index": 1}]
    assert data == {"nodes": rows, "edges": [{"node": row} for row in rows]}


@pytest.mark.parametrize(
    ("runs", "pieces"),
    [([], [b"[]"]), ([b""], [b"[]"]), ([b"", b"0", b"", b"1"], [b"[0", b",1", b"]"])],
)
async def test_rows_that_still_arrive_are_written_as_they_come(runs: list[bytes], pieces: list[bytes]) -> None:
    """A run without rows leaves no comma."""
    data = await completed("nodes { index } edges { cursor }", Streamed(runs))
    for rows in data.values():
        assert isinstance(rows, Streaming)
        assert [piece async for piece in rows.pieces()] == pieces
    data = await completed("nodes { index } edges { cursor }", Streamed(runs, collected=True))
    for rows in data.values():
        assert isinstance(rows, Written)
        assert list(rows.pieces()) == pieces


async def test_what_fails_while_rows_are_collected_is_an_error_like_any_other() -> None:
    """Nothing of them was sent."""
    context = a_context(Rows(Streamed([b"0"], collected=True, is_lost=True)))
    result = await execute(
        "query ($id: ID!) { job(id: $id) { jobId result { rows { nodes { index } } } } }",
        context,
        id=job_id_of(SERVICE_JOB),
    )
    assert result.errors is not None
    assert [error.path for error in result.errors] == [["job", "result", "rows", "nodes"]]
