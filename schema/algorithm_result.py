"""AlgorithmResult: what a service plane job produced, as one paged list of rows plus named values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, overload

import strawberry

from schema.context import Info
from schema.export import ExportFormat, ResultExport, result_export
from schema.ids import JobRef, job_id_of
from schema.page import PAGE_ROWS, After, Cursors, First, PageInfo, Window, page_info, page_request
from schema.rows import ResultKind, ResultRow, RowStream
from schema.scalars import JSON, Long

RowOffset = Annotated[Long | None, strawberry.argument(description="Skip so many rows; not with `after`.")]
Format = Annotated[ExportFormat | None, strawberry.argument(description="How it is to be written.")]
ValueName = Annotated[str, strawberry.argument(description="Upstream key, as in `values`.")]


@dataclass(frozen=True, slots=True)
class RowPage:
    """
    One window of rows as GES gave it. `rows` builds each row when it is iterated; `offset` is the index of the first.

    `total` is the number of rows in all, None when GES does not say; then a full page may have a successor.
    """

    window: Window
    offset: int
    rows: "Sequence[ResultRow] | RowStream"
    total: int | None
    # GES sent the result whole, whatever window it was asked for.
    is_whole: bool = False

    @property
    def has_next(self) -> bool:
        """Whether rows follow this page, as far as can be known."""
        end = self.offset + len(self.rows)
        if self.total is not None:
            return bool(self.rows or not self.window.limit) and end < self.total
        return bool(self.rows) and len(self.rows) >= self.window.limit


@strawberry.type(description="A named value beside the rows.")
class ResultValue:
    name: str = strawberry.field(description="Upstream key, e.g. `modularity`.")
    value: JSON | None = strawberry.field(description="The value as GES sent it.")


@strawberry.type(description="A row and its cursor.")
class ResultRowEdge:
    cursor: str = strawberry.field(description="Give it as `after` to continue behind this row.")
    node: ResultRow = strawberry.field(description="The row.")


class EdgeList(Sequence[ResultRowEdge]):
    """Rows as edges: each is built when it is looked at."""

    def __init__(self, rows: Sequence[ResultRow], cursors: Cursors) -> None:
        self.rows = rows
        self.cursors = cursors

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, position: int) -> ResultRowEdge: ...
    @overload
    def __getitem__(self, position: slice) -> "EdgeList": ...
    def __getitem__(self, position: int | slice) -> "ResultRowEdge | EdgeList":
        if isinstance(position, slice):
            return EdgeList(self.rows[position], self.cursors)
        row = self.rows[position]
        return ResultRowEdge(cursor=self.cursors.write(row.index + 1), node=row)


@dataclass(frozen=True, slots=True)
class EdgeStream:
    """Rows as edges while the rows arrive."""

    rows: RowStream
    cursors: Cursors


@strawberry.type(description="One page of rows.")
class ResultRowConnection:
    page: strawberry.Private[RowPage]
    cursors: strawberry.Private[Cursors]

    @strawberry.field(description="The rows with their cursors.", graphql_type=list[ResultRowEdge])
    def edges(self) -> Sequence[ResultRowEdge] | EdgeStream:
        rows = self.page.rows
        return EdgeStream(rows, self.cursors) if isinstance(rows, RowStream) else EdgeList(rows, self.cursors)

    @strawberry.field(description="The rows alone.", graphql_type=list[ResultRow])
    def nodes(self) -> Sequence[ResultRow] | RowStream:
        return self.page.rows

    @strawberry.field(description="Whether more rows follow, and from where.")
    def page_info(self) -> PageInfo:
        start, length = self.page.offset, len(self.page.rows)
        ends = [self.cursors.write(start + 1), self.cursors.write(start + length)] if length else []
        return page_info(ends, has_next=self.page.has_next, has_previous=self.page.window.offset > 0)

    @strawberry.field(description="Rows in all. Null when GES does not say.")
    def total_count(self) -> Long | None:
        return None if self.page.total is None else Long(self.page.total)


@strawberry.type(
    description="Everything a service plane job produced: vertices, edges and other outputs as one paged list of rows "
    "plus named values."
)
class AlgorithmResult:
    ref: strawberry.Private[JobRef]
    algorithm: str | None = strawberry.field(description="Algorithm, when the request is known.")
    kind: ResultKind = strawberry.field(description="The shape of the rows.")
    rows_key: str | None = strawberry.field(
        description="Upstream key the rows came from, e.g. `pagerank`, `vertices`, `paths`."
    )
    total_count: Long | None = strawberry.field(
        description="Rows in all (`data_total_size`). Null when GES does not say."
    )
    values: list[ResultValue] = strawberry.field(
        description="Values beside the rows: `source`, `k_hop_neighbors`, `modularity`, `runtime`, ..."
    )

    @strawberry.field(description="One of `values` by name.")
    def value(self, name: ValueName) -> JSON | None:
        return next((value.value for value in self.values if value.name == name), None)

    @strawberry.field(
        description="One page of rows; up to 100,000, as GES itself allows. Give `after` or `offset`, not both."
    )
    async def rows(
        self, info: Info, first: First = 100, after: After = None, offset: RowOffset = None
    ) -> ResultRowConnection:
        cursors = row_cursors(self.ref)
        window = row_window(self.ref, first, after, offset)
        return ResultRowConnection(page=await info.context.jobs.rows(self.ref, window), cursors=cursors)

    @strawberry.field(description="Where the whole result is streamed from by this same server, of any size.")
    def export(self, format: Format = ExportFormat.NDJSON) -> ResultExport:
        return result_export(self.ref, format or ExportFormat.NDJSON, self.total_count)


def row_cursors(ref: JobRef) -> Cursors:
    """Return the cursors of the rows of one job."""
    return Cursors(("rows", job_id_of(ref)))


def row_window(ref: JobRef, first: int | None, after: str | None = None, offset: int | None = None) -> Window:
    """Return the window that the arguments of `rows` ask for. Raises BadUserInputError, LimitExceededError."""
    return page_request(first, after, offset, maximum=PAGE_ROWS).window(row_cursors(ref))


def with_algorithm(result: AlgorithmResult | None, algorithm: str | None) -> AlgorithmResult | None:
    """Return the result with the algorithm's name filled in, which only the job list knows."""
    return replace(result, algorithm=algorithm) if result and algorithm else result
