"""Rows: each read by the kind of its list, in the documented form and in odd ones, and rows that do not fit."""

from typing import Any

import msgspec
import pytest

from gateway.planes import rows
from gateway.planes.rows import Rows
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

RAW = msgspec.Raw
VERTICES, EDGES, IDS = ResultKind.VERTICES, ResultKind.EDGES, ResultKind.VERTEX_IDS
VALUES, GROUPS, VECTORS = ResultKind.VERTEX_VALUES, ResultKind.VERTEX_GROUPS, ResultKind.VERTEX_VECTORS
PATHS, UNKNOWN = ResultKind.PATHS, ResultKind.RAW


def read_row(kind: ResultKind, raw: msgspec.Raw, index: int) -> ResultRow:
    """Read one row of a list."""
    return Rows(kind, [raw], index)[0]


def raws(*rows: object) -> list[msgspec.Raw]:
    """Write rows."""
    return [RAW(msgspec.json.encode(row)) for row in rows]


def unread(value: object) -> bytes:
    """Return the bytes of something that must not have been read."""
    assert isinstance(value, RAW)
    return bytes(value)


def fields(row: ResultRow) -> dict[str, Any]:
    """Return what a row says, its bytes read."""
    return {
        name: msgspec.json.decode(value) if isinstance(value, RAW) else value
        for name, value in vars(row).items()
        if name not in ("index", "raw")
    }


def read(kind: ResultKind, content: bytes) -> tuple[type[ResultRow], dict[str, Any]]:
    """Read one row: its type and what it says."""
    row = read_row(kind, RAW(content), 3)
    assert row.index == 3
    assert unread(row.raw) == content
    return type(row), fields(row)


def test_a_vertex_keeps_its_properties_as_they_came() -> None:
    content = b'{"id": 7, "label": ["a", "b"], "properties": {"x": [1.50]}}'
    row = read_row(VERTICES, RAW(content), 0)
    assert isinstance(row, VertexRow)
    assert (row.vertex_id, row.label, unread(row.properties)) == ("7", "a,b", b'{"x": [1.50]}')


@pytest.mark.parametrize(
    ("content", "label", "properties"),
    [
        (b'{"id": "a"}', None, None),
        (b'{"id": "a", "label": null, "properties": null}', None, None),
        (b'{"id": "a", "label": [], "properties": {}}', None, {}),
        (b'{"id": "a", "label": {"x": 1}, "properties": 5}', None, 5),
        (b'{"id": "a", "label": [null]}', None, None),
        (b'{"id": "a", "label": "x", "more": 1}', "x", None),
    ],
)
def test_a_vertex_may_lack_all_but_its_id(content: bytes, label: str | None, properties: object) -> None:
    expected = {"vertex_id": "a", "label": label, "properties": properties}
    assert read(VERTICES, content) == (VertexRow, expected)


@pytest.mark.parametrize(("content", "vertex_id"), [(b'"a"', "a"), (b"12", "12"), (b'""', "")])
def test_a_bare_id_is_a_vertex_without_anything(content: bytes, vertex_id: str) -> None:
    assert read(IDS, content) == (VertexRow, {"vertex_id": vertex_id, "label": None, "properties": None})


@pytest.mark.parametrize(
    ("content", "differs"),
    [
        (b'{"source": "a", "target": "b"}', {}),
        (b'{"source": "a", "target": "b", "index": "4", "label": "x"}', {"edge_index": "4", "label": "x"}),
        (
            b'{"source": "a", "target": "b", "index": 4, "properties": {"w": [1]}}',
            {"edge_index": "4", "properties": {"w": [1]}},
        ),
        (b'{"source": "a", "target": "b", "index": 4, "betweenness": 3.0}', {"edge_index": "4", "value": 3.0}),
        (b'{"source": "a", "target": "b", "score": 1e999, "text": "x"}', {"value": None}),
        (b'{"source": "a", "target": "b", "score": 2, "good": true}', {"value": 2.0}),
        # Of two numbers nobody can tell which is the score.
        (b'{"source": "a", "target": "b", "score": 2, "rank": 1}', {"value": None}),
    ],
)
def test_an_edge_has_properties_or_a_score(content: bytes, differs: dict[str, Any]) -> None:
    plain = {"source_id": "a", "target_id": "b", "edge_index": None, "label": None, "properties": None, "value": None}
    assert read(EDGES, content) == (EdgeRow, plain | differs)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'{"a": 0.5}', 0.5),
        (b'{"a": 2}', 2.0),
        (b'{"a": null}', None),
        (b'{"a": "Infinity"}', None),
        (b'{"a": "0.25"}', 0.25),
        (b'{"a": 1e999}', None),
        (b'{"a": true}', None),
        (b'{"a": "x"}', None),
    ],
)
def test_a_value_is_a_number_or_nothing(content: bytes, value: float | None) -> None:
    assert read(VALUES, content) == (VertexValueRow, {"vertex_id": "a", "value": value})


@pytest.mark.parametrize(
    ("content", "group_ids"),
    [
        (b'{"a": "0"}', ["0"]),
        (b'{"a": 3}', ["3"]),
        (b'{"a": 3.0}', ["3"]),
        (b'{"a": [0, "x"]}', ["0", "x"]),
        (b'{"a": []}', []),
        (b'{"a": null}', []),
    ],
)
def test_a_vertex_is_in_one_group_or_several(content: bytes, group_ids: list[str]) -> None:
    assert read(GROUPS, content) == (VertexGroupRow, {"vertex_id": "a", "group_ids": group_ids})


def test_a_vector_is_a_list_of_numbers() -> None:
    assert read(VECTORS, b'{"a": [1, -0.5]}') == (VertexVectorRow, {"vertex_id": "a", "vector": [1.0, -0.5]})
    assert read(VECTORS, b'{"a": []}') == (VertexVectorRow, {"vertex_id": "a", "vector": []})


@pytest.mark.parametrize(
    ("content", "vertex_ids", "length"),
    [
        (b'["a", "b", 3]', ["a", "b", "3"], 2),
        (b'["a"]', ["a"], 0),
        (b"[]", [], 0),
        (b'[{"source": "a", "target": "b"}, {"source": "b", "target": "a"}]', ["a", "b", "a"], 2),
        (b'{"source": "a", "target": "c", "paths": [["a", "b", "c"], ["a", "c"]]}', ["a", "b", "c"], 2),
        (b'{"source": "a", "target": "c", "paths": []}', [], 0),
    ],
)
def test_a_path_is_its_vertices_and_one_edge_less(content: bytes, vertex_ids: list[str], length: int) -> None:
    assert read(PATHS, content) == (PathRow, {"vertex_ids": vertex_ids, "length": length})


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (VERTICES, b'{"label": "x"}'),
        (VERTICES, b'{"id": 1.5}'),
        (VERTICES, b'"a"'),
        (IDS, b"{}"),
        (IDS, b"true"),
        (EDGES, b'{"source": "a"}'),
        (EDGES, b'{"source": null, "target": "b"}'),
        (VALUES, b'{"a": 1, "b": 2}'),
        (VALUES, b'{"a": [1]}'),
        (VALUES, b"5"),
        (GROUPS, b'{"a": {}}'),
        (GROUPS, b'{"a": 1.5}'),
        (GROUPS, b"[]"),
        (VECTORS, b'{"a": [null]}'),
        (VECTORS, b'{"a": 1}'),
        (PATHS, b'[{"source": "a"}]'),
        (PATHS, b'{"paths": 5}'),
        (PATHS, b'{"paths": [5]}'),
        (PATHS, b'"a"'),
        (UNKNOWN, b'{"a": 1}'),
        (ResultKind.VALUES_ONLY, b"1"),
        (VERTICES, b'{"id": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
    ],
)
def test_a_row_that_does_not_fit_is_raw(kind: ResultKind, content: bytes) -> None:
    assert read(kind, content) == (RawRow, {})


def test_every_kind_has_readers_and_every_row_type_a_kind() -> None:
    assert set(rows._READERS) == set(ResultKind)
    samples = [
        read_row(VERTICES, RAW(b'{"id":"a"}'), 0),
        read_row(EDGES, RAW(b'{"source":"a","target":"b"}'), 0),
        read_row(VALUES, RAW(b'{"a":1}'), 0),
        read_row(GROUPS, RAW(b'{"a":"0"}'), 0),
        read_row(VECTORS, RAW(b'{"a":[1]}'), 0),
        read_row(PATHS, RAW(b'["a"]'), 0),
        read_row(UNKNOWN, RAW(b"1"), 0),
    ]
    assert tuple(map(type, samples)) == ROW_TYPES


def test_rows_are_built_when_looked_at_and_know_their_place() -> None:
    rows = Rows(IDS, raws("a", "b", "c"), 40)
    assert len(rows) == 3
    assert [row.index for row in rows] == [40, 41, 42]
    assert (rows[0].index, rows[-1].index) == (40, 42)
    assert [row.index for row in rows[1:]] == [41, 42]
    assert rows[0] is not rows[0]
    with pytest.raises(IndexError):
        rows[3]
