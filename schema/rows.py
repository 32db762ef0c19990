"""The rows of a result: one type for each shape that about thirty algorithms share. Knows no upstream spelling."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from enum import Enum

import strawberry

from schema.projection import Projection
from schema.scalars import JSON, Long

_INDEX = "Position in the whole result, from 0."
_RAW = "The row as GES sent it."


@strawberry.enum(description="The shape of the rows; about thirty algorithms share these.")
class ResultKind(Enum):
    VERTICES = strawberry.enum_value("VERTICES", description="Vertices with label and properties (filtered queries).")
    EDGES = strawberry.enum_value(
        "EDGES",
        description="Edges with label and properties, or edges with a score (edge_betweenness, od_betweenness).",
    )
    VERTEX_IDS = strawberry.enum_value("VERTEX_IDS", description="Vertex ids only (k_hop, common_neighbors).")
    VERTEX_VALUES = strawberry.enum_value(
        "VERTEX_VALUES",
        description="A number per vertex (pagerank, personalrank, kcore, sssp, triangle_count, ...).",
    )
    VERTEX_GROUPS = strawberry.enum_value(
        "VERTEX_GROUPS",
        description="A group, or several, per vertex (louvain, label_propagation, connected_component, bigclam).",
    )
    VERTEX_VECTORS = strawberry.enum_value("VERTEX_VECTORS", description="A vector per vertex (node2vec).")
    PATHS = strawberry.enum_value("PATHS", description="Paths, circles and matched subgraphs: lists of vertex ids.")
    VALUES_ONLY = strawberry.enum_value(
        "VALUES_ONLY",
        description="Values only, no rows (closeness of one vertex, degree_correlation, link_prediction).",
    )
    RAW = strawberry.enum_value("RAW", description="Rows in a shape this gateway does not know; read `raw`.")


@strawberry.interface(description="One row of a result.")
class ResultRow:
    index: Long = strawberry.field(description=_INDEX)
    raw: JSON | None = strawberry.field(description=_RAW)


@strawberry.type(description="A vertex, with label and properties or by its id alone.")
class VertexRow(ResultRow):
    vertex_id: str = strawberry.field(description="Id of the vertex.")
    label: str | None = strawberry.field(description="Null when the result has ids only.")
    properties: JSON | None = strawberry.field(
        description="Property name to list of values, as GES sends it. Null when the result has ids only."
    )


@strawberry.type(description="An edge, with label and properties or with a score.")
class EdgeRow(ResultRow):
    source_id: str = strawberry.field(description="Id of the vertex the edge starts from.")
    target_id: str = strawberry.field(description="Id of the vertex the edge leads to.")
    edge_index: str | None = strawberry.field(description="Upstream `index`, which tells parallel edges apart.")
    label: str | None = strawberry.field(description="Null when the result has scores only.")
    properties: JSON | None = strawberry.field(description="Property name to list of values. Null with scores only.")
    value: float | None = strawberry.field(description="Score of the edge, for algorithms that give one.")


@strawberry.type(description="A number for a vertex.")
class VertexValueRow(ResultRow):
    vertex_id: str = strawberry.field(description="Id of the vertex.")
    value: float | None = strawberry.field(description="Null for a value JSON numbers cannot hold (unreachable, NaN).")


@strawberry.type(description="The group, or the groups, of a vertex.")
class VertexGroupRow(ResultRow):
    vertex_id: str = strawberry.field(description="Id of the vertex.")
    group_ids: list[str] = strawberry.field(
        description="One group for most algorithms, several for overlapping communities (bigclam, cesna)."
    )


@strawberry.type(description="The vector of a vertex.")
class VertexVectorRow(ResultRow):
    vertex_id: str = strawberry.field(description="Id of the vertex.")
    vector: list[float] = strawberry.field(description="Its coordinates.")


@strawberry.type(description="A path, a circle or a matched subgraph.")
class PathRow(ResultRow):
    vertex_ids: list[str] = strawberry.field(
        description="The vertices in order. Of several paths between one pair (all pairs shortest paths) the first; "
        "`raw` has them all."
    )
    length: int = strawberry.field(description="Edges along the path.")


@strawberry.type(description="A row in a shape this gateway does not know.")
class RawRow(ResultRow):
    pass


ROW_TYPES: tuple[type[ResultRow], ...] = (
    VertexRow,
    EdgeRow,
    VertexValueRow,
    VertexGroupRow,
    VertexVectorRow,
    PathRow,
    RawRow,
)


class RowList(Sequence[ResultRow]):
    """
    Rows that can be written without being built, all fields of all rows at once.

    So no field of theirs may fail, or be null where its type is not: what does not fit is a RawRow.
    """

    @abstractmethod
    def runs(self, projection: Projection) -> Iterator[bytes]:
        """Write the rows as JSON, some at a time: members of a list joined by commas, without its brackets."""


class RowStream(ABC):
    """
    Rows that are written while they arrive; as in `RowList` no field of theirs may fail.

    Those that are `collected` are all waited for before any is sent, so that what fails can still be said.
    """

    collected = False

    @abstractmethod
    def __len__(self) -> int:
        """How many rows there are going to be."""

    @abstractmethod
    async def open(self, projection: Projection) -> AsyncIterator[bytes]:
        """Wait for the first rows, then give them all as `RowList.runs` does. May be opened more than once."""
