"""Graph, and how to name one. Knows no upstream spelling and makes no call itself."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.context import Context, Info
from schema.errors import BadUserInputError
from schema.ids import GraphKey, checked_part, graph_id_of, read_graph_id
from schema.job import job_parts
from schema.job_list import JobConnection, JobFilter, JobFilterArgument
from schema.node import Node
from schema.page import PAGE_JOBS, After, First, Offset, PageInfo, page_info, page_request
from schema.plane import Plane
from schema.scalars import DateTime, Long

Planes = Annotated[
    list[Plane] | None, strawberry.argument(description="The planes to ask; all that are configured by default.")
]


@strawberry.enum(description="Edition of GES, which decides the dialect of the service plane.")
class GraphEdition(Enum):
    MEMORY = strawberry.enum_value("MEMORY", description="In memory; the graph is the instance.")
    DATABASE = strawberry.enum_value("DATABASE", description="Persistent; one instance holds several graphs.")
    UNKNOWN = strawberry.enum_value("UNKNOWN", description="The management plane could not be asked or did not say.")


@strawberry.input(description="A graph inside a multi-graph instance.")
class InstanceGraphRef:
    graph_id: str = strawberry.field(description="Management plane id of the instance.")
    name: str = strawberry.field(description="Name of the graph inside it.")


@strawberry.input(one_of=True, description="How to name a graph. Exactly one field.")
class GraphRef:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Global id from this API.")
    graph_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Graph id of the management plane, e.g. `f1529b88-c958-493e-8452-fccfe932cde1`.",
    )
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="Name of the graph, as service plane URLs carry it."
    )
    in_instance: InstanceGraphRef | None = strawberry.field(
        default=strawberry.UNSET, description="A graph inside a multi-graph instance (database edition)."
    )


def graph_key(ref: GraphRef, context: Context) -> GraphKey:
    """
    Return the graph that a client named, in the project asked about; a global id says its project itself.

    Raises BadUserInputError for parts that cannot be meant.
    """
    if ref.id:
        return read_graph_id(ref.id)
    if ref.graph_id:
        return GraphKey(context.project, graph_id=checked_part(ref.graph_id, "graph id"))
    if ref.name:
        return GraphKey(context.project, name=checked_part(ref.name, "graph name"))
    if ref.in_instance:
        return GraphKey(
            context.project,
            graph_id=checked_part(ref.in_instance.graph_id, "graph id"),
            name=checked_part(ref.in_instance.name, "graph name"),
        )
    raise BadUserInputError("Name the graph: its field must not be empty.")


@strawberry.type(description="A graph: data, and the engine instance that serves it.")
class Graph(Node):
    key: strawberry.Private[GraphKey]
    graph_id: str | None = strawberry.field(
        description="Management plane id of the instance. Null for a graph known only by its service plane name."
    )
    name: str = strawberry.field(description="Name used in service plane URLs.")
    edition: GraphEdition = strawberry.field(description="Edition of GES it runs on.")
    status_code: str | None = strawberry.field(
        description="Upstream status code as GES reports it (`200` running, `202` importing, `900` stopped, ...)."
    )
    is_queryable: bool = strawberry.field(
        description="Whether the service plane can be asked now (running, and reachable from this gateway)."
    )
    created_at: DateTime | None = strawberry.field(description="When it was created.")

    @strawberry.field(description="Encodes project and graph, so reading it again needs no search.")
    def id(self) -> strawberry.ID:
        return strawberry.ID(graph_id_of(self.key))

    @strawberry.field(
        description="Jobs of this graph from the chosen planes, both by default, asked at the same time. Newest first "
        "where the plane gives times; jobs without a start time keep their upstream order."
    )
    async def jobs(
        self,
        info: Info,
        planes: Planes = None,
        filter: JobFilterArgument = None,
        first: First = 20,
        after: After = None,
        offset: Offset = None,
    ) -> JobConnection:
        page = page_request(first, after, offset, maximum=PAGE_JOBS)
        if planes == []:
            raise BadUserInputError("`planes` must name at least one plane.")
        parts = job_parts(info, "nodes", "edges.node")
        connection = await info.context.jobs.list_graph(self, planes, filter or JobFilter(), page, parts)
        return connection.told(info)


@strawberry.type(description="A graph and its cursor.")
class GraphEdge:
    cursor: str = strawberry.field(description="Give it as `after` to continue behind this graph.")
    node: Graph = strawberry.field(description="The graph.")


@strawberry.type(description="One page of graphs.")
class GraphConnection:
    has_next: strawberry.Private[bool]
    has_previous: strawberry.Private[bool]
    edges: list[GraphEdge] = strawberry.field(description="The graphs with their cursors.")
    total_count: Long | None = strawberry.field(description="Graphs in all. Null when GES does not say.")

    @strawberry.field(description="The graphs alone.")
    def nodes(self) -> list[Graph]:
        return [edge.node for edge in self.edges]

    @strawberry.field(description="Whether more graphs follow, and from where.")
    def page_info(self) -> PageInfo:
        cursors = [edge.cursor for edge in self.edges]
        return page_info(cursors, has_next=self.has_next, has_previous=self.has_previous)
