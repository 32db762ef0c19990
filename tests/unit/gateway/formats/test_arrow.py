"""Arrow: what is written reads back, typed, batch by batch; a stream that is cut is noticed."""

import json
from typing import Any

import nanoarrow
import pytest
from nanoarrow.ipc import InputStream

from gateway.formats.arrow import ArrowWriter
from gateway.formats.writer import Shape
from gateway.planes.tables import read_table
from schema.rows import ResultKind


def stream(kind: ResultKind, *runs: Any) -> bytes:
    """Write a stream."""
    writer = ArrowWriter(Shape(kind))
    pieces, index = [writer.head()], 0
    for rows in runs:
        pieces.append(writer.rows(read_table(kind, json.dumps(rows).encode(), index)))
        index += len(rows)
    return b"".join([*pieces, writer.tail()])


def read_back(kind: ResultKind, *runs: Any) -> list[dict[str, Any]]:
    """Write a stream and read it."""
    rows: list[dict[str, Any]] = nanoarrow.Array(InputStream.from_readable(stream(kind, *runs))).to_pylist()
    return rows


@pytest.mark.parametrize(
    ("kind", "row", "expected"),
    [
        (ResultKind.VERTICES, {"id": "é", "label": None, "properties": {"a": ["b"]}},
         {"vertexId": "é", "label": None, "properties": '{"a": ["b"]}'}),
        (ResultKind.VERTEX_VALUES, {"a": 0.25}, {"vertexId": "a", "value": 0.25}),
        (ResultKind.VERTEX_VALUES, {"a": None}, {"vertexId": "a", "value": None}),
        (ResultKind.VERTEX_GROUPS, {"a": [1, "x"]}, {"vertexId": "a", "groupIds": ["1", "x"]}),
        (ResultKind.VERTEX_VECTORS, {"a": [1, -0.5]}, {"vertexId": "a", "vector": [1.0, -0.5]}),
        (ResultKind.VERTEX_VECTORS, {"a": []}, {"vertexId": "a", "vector": []}),
        (ResultKind.PATHS, ["a", "b"], {"vertexIds": ["a", "b"], "length": 1}),
        (ResultKind.VERTEX_IDS, "a", {"vertexId": "a"}),
        (ResultKind.RAW, {"x": 1}, {"raw": '{"x": 1}'}),
    ],
)  # fmt: skip
def test_each_kind_has_typed_columns(kind: ResultKind, row: Any, expected: dict[str, Any]) -> None:
    """Lists are lists; a row that fits has no `raw`."""
    assert read_back(kind, [row]) == [{"index": 0, "raw": None, **expected}]


@pytest.mark.parametrize("kind", [ResultKind.VERTEX_GROUPS, ResultKind.VERTEX_VALUES, ResultKind.PATHS])
def test_a_row_that_does_not_fit_is_raw_and_else_null(kind: ResultKind) -> None:
    """Between rows that do."""
    good: Any = ["a", "b"] if kind is ResultKind.PATHS else {"a": 1}
    rows = read_back(kind, [good, {"x": 1, "y": 2}, good])
    assert [row["raw"] for row in rows] == [None, '{"x": 1, "y": 2}', None]
    assert {value for name, value in rows[1].items() if name not in ("index", "raw")} == {None}
    assert rows[0].keys() == rows[2].keys()
    assert {**rows[0], "index": 2} == rows[2]


def test_batches_follow_each_other() -> None:
    """Rows are numbered through."""
    rows = read_back(ResultKind.VERTEX_IDS, ["a", "b"], ["c"])
    assert [(row["index"], row["vertexId"]) for row in rows] == [(0, "a"), (1, "b"), (2, "c")]


def test_no_rows_are_a_schema() -> None:
    """A reader knows the columns of an empty result."""
    content = stream(ResultKind.VERTEX_VALUES)
    schema = nanoarrow.ArrayStream(InputStream.from_readable(content)).schema
    assert [field.name for field in schema.fields] == ["index", "vertexId", "value", "raw"]
    assert read_back(ResultKind.VERTEX_VALUES) == []
