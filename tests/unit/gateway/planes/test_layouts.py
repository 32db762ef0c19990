"""Layouts: which rows each reads, what it leaves to the reading of single rows, and what its columns say."""

from itertools import islice
from typing import Any

import msgspec
import pytest

from gateway.planes.layouts import layouts, row_type, usual_layout
from schema.rows import EdgeRow, RawRow, ResultKind, VertexRow

EDGES, VERTICES = ResultKind.EDGES, ResultKind.VERTICES
RAWS = msgspec.json.Decoder(list[msgspec.Raw])


def columns(kind: ResultKind, content: bytes, *wanted: str) -> tuple[int, dict[str, list[Any]]] | None:
    """Read rows by the first layout they have: its place among the layouts of its kind, and what was wanted."""
    tried = layouts(kind, frozenset(wanted), lambda: RAWS.decode(content))
    for place, layout in enumerate(tried):
        try:
            rows = layout.decoder.decode(content)
        except msgspec.ValidationError:
            continue
        if layout.is_fit(rows):
            return place, {name: list(islice(layout.columns[name](rows), len(rows))) for name in wanted}
    return None


@pytest.mark.parametrize(
    ("kind", "content", "place", "said"),
    [
        (VERTICES, b'[{"id":"a","label":"x"},{"id":"b"}]', 0, {"vertex_id": ["a", "b"], "label": ["x", None]}),
        (VERTICES, b'[{"id":1,"label":["x","y"]}]', 1, {"vertex_id": ["1"], "label": ["x,y"]}),
        (VERTICES, b'[{"id":"a","label":{}}]', 1, {"label": [None]}),
        (
            ResultKind.VERTEX_IDS,
            b'["a",2]',
            0,
            {"vertex_id": ["a", "2"], "label": [None] * 2, "properties": [None] * 2},
        ),
        (EDGES, b'[{"source":"a","target":"b","x":1}]', 0, {"source_id": ["a"], "target_id": ["b"]}),
        (EDGES, b'[{"source":1,"target":2,"index":3}]', 1, {"source_id": ["1"], "edge_index": ["3"]}),
        (EDGES, b'[{"source":"a","target":"b","s":2},{"source":"a","target":"b"}]', 0, {"value": [2.0, None]}),
        (EDGES, b'[{"source":"a","target":"b"},{"source":1,"target":"b"}]', 1, {"value": [None, None]}),
        (ResultKind.VERTEX_VALUES, b'[{"a":1},{"b":null}]', 0, {"vertex_id": ["a", "b"], "value": [1.0, None]}),
        (ResultKind.VERTEX_VALUES, b'[{"a":"2.5"},{"b":"Infinity"},{"c":true}]', 1, {"value": [2.5, None, None]}),
        (ResultKind.VERTEX_GROUPS, b'[{"a":"0"},{"b":1}]', 0, {"vertex_id": ["a", "b"], "group_ids": [("0",), ("1",)]}),
        (ResultKind.VERTEX_GROUPS, b'[{"a":[0,"1"]},{"b":[]}]', 1, {"group_ids": [["0", "1"], []]}),
        (ResultKind.VERTEX_VECTORS, b'[{"a":[1,0.5]}]', 0, {"vertex_id": ["a"], "vector": [[1.0, 0.5]]}),
        (ResultKind.PATHS, b'[["a","b"],["c"]]', 0, {"vertex_ids": [["a", "b"], ["c"]], "length": [1, 0]}),
        (ResultKind.PATHS, b'[["a",2]]', 1, {"vertex_ids": [["a", "2"]], "length": [1]}),
        (
            ResultKind.PATHS,
            b'[[{"source":"a","target":"b"},{"source":"b","target":3}]]',
            2,
            {"vertex_ids": [["a", "b", "3"]], "length": [2]},
        ),
        (ResultKind.PATHS, b'[{"paths":[["a",2],["c"]]}]', 3, {"vertex_ids": [["a", "2"]], "length": [1]}),
        (ResultKind.RAW, b'[1,"a",{}]', 0, {}),
    ],
)
def test_rows_are_read_by_the_first_layout_they_have(
    kind: ResultKind, content: bytes, place: int, said: dict[str, list[Any]]
) -> None:
    """Those that most rows have come first."""
    assert columns(kind, content, *said) == (place, said)


@pytest.mark.parametrize(
    ("kind", "content", "wanted"),
    [
        (VERTICES, b'[{"id":"a"},{"label":"x"}]', "label"),
        (VERTICES, b'[{"id":null}]', "label"),
        (VERTICES, b'[{"id":true}]', "vertex_id"),
        (VERTICES, b'["a"]', "vertex_id"),
        (ResultKind.VERTEX_IDS, b'["a",1.5]', "vertex_id"),
        (EDGES, b'[{"source":"a"}]', "label"),
        (EDGES, b'[{"source":"a","target":"b","s":1,"t":2}]', "value"),
        (EDGES, b'[{"source":"a","target":"b","s":1},{"source":"a","target":"b","t":2}]', "value"),
        (EDGES, b'[{"source":"a","target":"b","s":"1"}]', "value"),
        (EDGES, b'["a",{"source":"a","target":"b"}]', "value"),
        (ResultKind.VERTEX_VALUES, b'[{"a":1,"b":2},{}]', "value"),
        (ResultKind.VERTEX_VALUES, b'[{"a":[]}]', "value"),
        (ResultKind.VERTEX_GROUPS, b'[{"a":1.5}]', "group_ids"),
        (ResultKind.VERTEX_VECTORS, b'[{"a":["1"]}]', "vector"),
        (ResultKind.PATHS, b"[[]]", "length"),
        (ResultKind.PATHS, b'[{"paths":[]}]', "length"),
        (ResultKind.VALUES_ONLY, b"[1]", "index"),
    ],
)
def test_other_rows_are_left_to_be_read_one_by_one(kind: ResultKind, content: bytes, wanted: str) -> None:
    """One among many is enough."""
    assert columns(kind, content, wanted) is None


def test_the_score_of_no_edges_is_known_nevertheless() -> None:
    """An empty list has no first row to look at."""
    assert columns(EDGES, b"[]", "value") == (0, {"value": []})


def test_properties_are_not_read() -> None:
    """Null and missing are the same."""
    content = b'[{"id":"a","properties":{ "x" : [ 1 ]}},{"id":"b"},{"id":"c","properties":null}]'
    read = columns(VERTICES, content, "properties")
    assert read is not None
    assert [bytes(raw) for raw in read[1]["properties"]] == [b'{ "x" : [ 1 ]}', b"null", b"null"]


def test_the_decoder_of_a_selection_is_made_once() -> None:
    """Whatever else is asked besides."""
    first = layouts(VERTICES, frozenset({"label", "index"}), list)
    assert layouts(VERTICES, frozenset({"label", "cursor"}), list) is first
    assert layouts(VERTICES, frozenset({"vertex_id", "label"}), list) is not first


def test_only_rows_that_are_objects_of_known_members_have_a_usual_layout() -> None:
    """It reads all of them, so that whatever is asked of the rows can be written."""
    found = {kind: layout.members for kind in ResultKind if (layout := usual_layout(kind))}
    assert found == {
        VERTICES: frozenset({"vertex_id", "label", "properties"}),
        EDGES: frozenset({"source_id", "target_id", "edge_index", "label", "properties"}),
    }


def test_every_kind_has_layouts_and_a_type_of_row() -> None:
    """Rows of no kind are raw."""
    for kind in ResultKind:
        layouts(kind, frozenset(), list)
        row_type(kind)
    assert (row_type(VERTICES), row_type(EDGES), row_type(ResultKind.RAW)) == (VertexRow, EdgeRow, RawRow)
