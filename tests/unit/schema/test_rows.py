"""The row types: each as a client reads it through the interface."""

from typing import Any

import pytest

from schema.ids import job_id_of
from schema.rows import (
    ROW_TYPES,
    EdgeRow,
    PathRow,
    RawRow,
    ResultKind,
    ResultRow,
    VertexGroupRow,
    VertexRow,
    VertexValueRow,
    VertexVectorRow,
)
from schema.scalars import JSON, Long
from tests.fakes import SERVICE_JOB, FakeJobs, a_context, a_job, a_result, answer

ROWS = """
  query ($id: ID!) { job(id: $id) { result { kind rows { nodes {
    __typename
    index
    raw
    ... on VertexRow { vertexId label properties }
    ... on EdgeRow { sourceId targetId edgeIndex label properties value }
    ... on VertexValueRow { vertexId value }
    ... on VertexGroupRow { vertexId groupIds }
    ... on VertexVectorRow { vertexId vector }
    ... on PathRow { vertexIds length }
  } } } } }
"""
FIRST, RAW = Long(0), JSON({"as": "sent"})
READ: list[tuple[ResultRow, dict[str, Any]]] = [
    (
        VertexRow(index=FIRST, raw=RAW, vertex_id="v", label="user", properties=JSON({"age": [1]})),
        {"__typename": "VertexRow", "vertexId": "v", "label": "user", "properties": {"age": [1]}},
    ),
    (
        EdgeRow(
            index=FIRST, raw=RAW, source_id="a", target_id="b", edge_index="1", label=None, properties=None, value=0.5
        ),
        {
            "__typename": "EdgeRow",
            "sourceId": "a",
            "targetId": "b",
            "edgeIndex": "1",
            "label": None,
            "properties": None,
            "value": 0.5,
        },
    ),
    (
        VertexValueRow(index=FIRST, raw=RAW, vertex_id="v", value=None),
        {"__typename": "VertexValueRow", "vertexId": "v", "value": None},
    ),
    (
        VertexGroupRow(index=FIRST, raw=RAW, vertex_id="v", group_ids=["1", "2"]),
        {"__typename": "VertexGroupRow", "vertexId": "v", "groupIds": ["1", "2"]},
    ),
    (
        VertexVectorRow(index=FIRST, raw=RAW, vertex_id="v", vector=[0.5, -1.0]),
        {"__typename": "VertexVectorRow", "vertexId": "v", "vector": [0.5, -1.0]},
    ),
    (
        PathRow(index=FIRST, raw=RAW, vertex_ids=["a", "b", "a"], length=2),
        {"__typename": "PathRow", "vertexIds": ["a", "b", "a"], "length": 2},
    ),
    (RawRow(index=FIRST, raw=RAW), {"__typename": "RawRow"}),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("row", "expected"), READ, ids=[type(row).__name__ for row, _ in READ])
async def test_a_row_is_read_through_the_interface(row: ResultRow, expected: dict[str, Any]) -> None:
    """By its own fields, and as GES sent it."""
    jobs = FakeJobs({SERVICE_JOB: a_job(result=a_result())}, kept_rows=[row])
    data = await answer(ROWS, a_context(jobs), id=job_id_of(SERVICE_JOB))
    assert data["job"]["result"]["rows"]["nodes"] == [{"index": 0, "raw": {"as": "sent"}} | expected]


def test_every_row_type_is_read_here() -> None:
    """A new one needs a line above."""
    assert [type(row) for row, _ in READ] == list(ROW_TYPES)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ResultKind, ids=lambda kind: kind.name)
async def test_the_shape_of_the_rows_is_told_by_name(kind: ResultKind) -> None:
    """Whether there are rows or not."""
    jobs = FakeJobs({SERVICE_JOB: a_job(result=a_result(kind=kind))})
    data = await answer(ROWS, a_context(jobs), id=job_id_of(SERVICE_JOB))
    assert data["job"]["result"] == {"kind": kind.name, "rows": {"nodes": []}}
