"""
The baseline `plain`: this gateway's contract, as far as it is asked here, built the way the manuals show it.

Strawberry's own ASGI application, an httpx client, one object for each row. No caches, no limits, no extensions.
"""

import base64
import enum
from typing import Any

import strawberry
from strawberry.asgi import GraphQL
from strawberry.scalars import JSON

from tests.benchmarks.baselines import open_client
from tests.benchmarks.shapes import status_path

_client = open_client()


async def _read_status(job_id: str, limit: int) -> Any:
    response = await _client.get(status_path(job_id), params={"offset": 0, "limit": limit})
    return response.json()


@strawberry.enum
class Plane(enum.Enum):
    SERVICE = "SERVICE"


@strawberry.enum
class JobStatus(enum.Enum):
    RUNNING = "running"
    SUCCEEDED = "success"


@strawberry.enum
class ResultKind(enum.Enum):
    VERTICES = "vertices"
    VERTEX_VALUES = "pagerank"
    PATHS = "paths"
    EDGES = "edges"


@strawberry.interface
class ResultRow:
    index: int


@strawberry.type
class VertexRow(ResultRow):
    vertex_id: str
    label: str | None
    properties: JSON | None


@strawberry.type
class VertexValueRow(ResultRow):
    vertex_id: str
    value: float | None


@strawberry.type
class PathRow(ResultRow):
    vertex_ids: list[str]
    length: int


@strawberry.type
class EdgeRow(ResultRow):
    source_id: str
    target_id: str
    edge_index: str | None
    label: str | None
    properties: JSON | None


def _vertex(index: int, row: Any) -> ResultRow:
    return VertexRow(index=index, vertex_id=row["id"], label=row["label"], properties=row["properties"])


def _value(index: int, row: Any) -> ResultRow:
    ((vertex_id, value),) = row.items()
    return VertexValueRow(index=index, vertex_id=vertex_id, value=value)


def _path(index: int, row: Any) -> ResultRow:
    return PathRow(index=index, vertex_ids=row, length=len(row) - 1)


def _edge(index: int, row: Any) -> ResultRow:
    return EdgeRow(
        index=index,
        source_id=row["source"],
        target_id=row["target"],
        edge_index=row["index"],
        label=row["label"],
        properties=row["properties"],
    )


_ROWS = {"vertices": _vertex, "pagerank": _value, "paths": _path, "edges": _edge}


@strawberry.type
class ResultRowConnection:
    nodes: list[ResultRow]


@strawberry.type
class AlgorithmResult:
    job_id: strawberry.Private[str]
    key: strawberry.Private[str]
    kind: ResultKind
    total_count: int | None

    @strawberry.field
    async def rows(self, first: int = 100) -> ResultRowConnection:
        outputs = (await _read_status(self.job_id, first))["data"]["outputs"]
        build = _ROWS[self.key]
        return ResultRowConnection(nodes=[build(index, row) for index, row in enumerate(outputs[self.key])])


@strawberry.type
class Job:
    job_id: str
    plane: Plane
    status: JobStatus
    raw_status: str
    is_terminal: bool
    graph_name: str
    result: AlgorithmResult | None


@strawberry.type
class Query:
    @strawberry.field
    async def job(self, id: strawberry.ID) -> Job | None:
        text = base64.urlsafe_b64decode(id + "=" * (-len(id) % 4)).decode()
        graph_name, job_id = text.split(".")[-2:]
        body = await _read_status(job_id, 1)
        status = JobStatus(body["status"])
        return Job(
            job_id=job_id,
            plane=Plane.SERVICE,
            status=status,
            raw_status=body["status"],
            is_terminal=status is JobStatus.SUCCEEDED,
            graph_name=graph_name,
            result=_result(job_id, body["data"].get("outputs")),
        )


def _result(job_id: str, outputs: Any) -> AlgorithmResult | None:
    if not outputs:
        return None
    key = next(name for name in _ROWS if name in outputs)
    return AlgorithmResult(job_id=job_id, key=key, kind=ResultKind(key), total_count=outputs["data_total_size"])


schema = strawberry.Schema(query=Query, types=[VertexRow, VertexValueRow, PathRow, EdgeRow])
app: GraphQL[Any, Any] = GraphQL(schema, graphql_ide=None)
