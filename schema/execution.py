"""
The executor that completes a list of rows at once instead of row by row and field by field.

Everything else is Strawberry's and graphql-core's own execution, and that is also what a list of rows must equal.
"""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from graphql import GraphQLList, GraphQLOutputType, GraphQLResolveInfo, get_named_type
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from schema.algorithm_result import EdgeList, EdgeStream
from schema.projection import Projection, projection
from schema.rows import RowList, RowStream


# Neither of these is a dataclass: the encoder would write one as an object instead of handing it over.
class Written:
    """A completed list of rows in the data of a result. It is text already, or will be when it is looked at."""

    def __init__(self, rows: RowList, projection: Projection) -> None:
        self._rows = rows
        self._projection = projection

    def pieces(self) -> Iterator[bytes]:
        """Give the JSON of the whole list, brackets included, without building all of it at once."""
        joint = b"["
        for run in self._rows.runs(self._projection):
            yield joint + run
            joint = b","
        yield b"]" if joint == b"," else b"[]"


class Streaming:
    """A completed list of rows that is still arriving. Can be written once, and may break off."""

    def __init__(self, runs: AsyncIterator[bytes]) -> None:
        self._runs = runs

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give the JSON of the whole list as it comes; raises what keeps the rest from coming."""
        joint = b"["
        async for run in self._runs:
            if run:
                yield joint + run
                joint = b","
        yield b"]" if joint == b"," else b"[]"


class Collected(Written):
    """A completed list of rows that arrived while it was waited for. Can be written once."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = deque(pieces)

    def pieces(self) -> Iterator[bytes]:
        """Give the JSON of the whole list as it came, and let go of it."""
        while self._pieces:
            yield self._pieces.popleft()


class RowExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes one operation. Given as `execution_context_class` to the schema."""

    def complete_list_value(
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete a list of rows, or of edges of rows, as `Written`; any other list as ever."""
        rows = result.rows if isinstance(result, EdgeList | EdgeStream) else result
        if not isinstance(rows, RowList | RowStream):
            return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)
        element = get_named_type(return_type)
        prefix = result.cursors.prefix if isinstance(result, EdgeList | EdgeStream) else ""
        asked = projection(element, field_details_list, self.collect_subfields, self.schema.get_type, prefix)
        return Written(rows, asked) if isinstance(rows, RowList) else opened(rows, asked)


async def opened(rows: RowStream, asked: Projection) -> Streaming | Written:
    """Complete a list of rows that are still to arrive: once the first are here, or all when they are collected."""
    streaming = Streaming(await rows.open(asked))
    return Collected([piece async for piece in streaming.pieces()]) if rows.collected else streaming
