"""Shapes: the kind of rows by their values, and by their key where the values cannot tell."""

import msgspec
import pytest

from gateway.planes.shapes import kind_of_rows
from schema.rows import ResultKind

RAW = msgspec.Raw
VERTICES, EDGES, IDS = ResultKind.VERTICES, ResultKind.EDGES, ResultKind.VERTEX_IDS
VALUES, GROUPS, VECTORS = ResultKind.VERTEX_VALUES, ResultKind.VERTEX_GROUPS, ResultKind.VERTEX_VECTORS
PATHS, UNKNOWN = ResultKind.PATHS, ResultKind.RAW


def raws(*rows: object) -> list[msgspec.Raw]:
    """Write rows."""
    return [RAW(msgspec.json.encode(row)) for row in rows]


@pytest.mark.parametrize(
    ("key", "row", "kind"),
    [
        ("vertices", {"id": "a", "label": "x", "properties": {}}, VERTICES),
        ("vertices", {"id": "a"}, VERTICES),
        ("whatever", {"id": "a", "label": "x"}, VERTICES),
        # One key is a map of one vertex, whatever the vertex is called.
        ("community", {"id": "0"}, GROUPS),
        ("edges", {"source": "a", "target": "b", "label": "x"}, EDGES),
        ("betweenness", {"source": "a", "target": "b", "betweenness": 3.0}, EDGES),
        ("batch_paths", {"source": "a", "target": "b", "paths": [["a", "b"]]}, PATHS),
        ("edges", {"source": "a", "target": "b", "paths": 2}, EDGES),
        ("vertices", "a", IDS),
        ("vertices", 7, IDS),
        ("whatever", 7.5, UNKNOWN),
        ("whatever", True, UNKNOWN),
        ("whatever", None, UNKNOWN),
        ("whatever", {}, UNKNOWN),
        ("whatever", {"a": 1, "b": 2}, UNKNOWN),
        ("paths", ["a", "b"], PATHS),
        ("subgraphs", [1, 2], PATHS),
        ("paths", [], PATHS),
        ("circles", [{"source": "a", "target": "b"}], PATHS),
        ("circles", [{"source": "a", "target": None}], UNKNOWN),
        ("paths", [{"id": "a"}, {"edges": []}], UNKNOWN),
        ("paths", [1.5], UNKNOWN),
        ("pagerank", {"a": 0.1}, VALUES),
        ("whatever", {"a": 0.1}, VALUES),
        ("coreness", {"a": 2}, VALUES),
        ("community", {"a": "0"}, GROUPS),
        ("whatever", {"a": "0"}, GROUPS),
        ("community", {"a": 4}, GROUPS),
        ("communities", {"a": [0, 2]}, GROUPS),
        ("whatever", {"a": [0, 2]}, GROUPS),
        ("whatever", {"a": ["x"]}, GROUPS),
        ("whatever", {"a": [0, 2.5]}, VECTORS),
        ("embedding", {"a": [0, 2]}, VECTORS),
        ("embedding", {"a": []}, VECTORS),
        ("communities", {"a": []}, GROUPS),
        ("whatever", {"a": []}, UNKNOWN),
        ("vertices", {"a": []}, UNKNOWN),
        ("distance", {"a": None}, VALUES),
        ("whatever", {"a": None}, UNKNOWN),
        ("distance", {"a": "Infinity"}, VALUES),
        ("whatever", {"a": "NaN"}, VALUES),
        ("community", {"a": "nan"}, GROUPS),
        ("pagerank", {"a": "0.25"}, VALUES),
        ("pagerank", {"a": "x"}, GROUPS),
        ("whatever", {"a": True}, UNKNOWN),
        ("whatever", {"a": {}}, UNKNOWN),
    ],
)
def test_the_value_decides_and_the_key_only_where_it_cannot(key: str, row: object, kind: ResultKind) -> None:
    assert kind_of_rows(key, raws(row), ()) is kind


def test_an_odd_first_row_does_not_decide_for_all() -> None:
    assert kind_of_rows("whatever", raws(None, {"a": None}, {"a": 0.5}), ()) is VALUES
    assert kind_of_rows("whatever", raws(*[None] * 10, {"a": 0.5}), ()) is UNKNOWN


@pytest.mark.parametrize(
    ("key", "beside", "kind"),
    [
        ("vertices", (), VERTICES),
        ("vertices", ("k_hop_neighbors",), IDS),
        ("vertices", ("common_neighbors", "source"), IDS),
        ("edges", ("common_neighbors",), EDGES),
        ("path", (), PATHS),
        ("score", (), VALUES),
        ("whatever", (), UNKNOWN),
    ],
)
def test_an_empty_list_is_told_by_its_key(key: str, beside: tuple[str, ...], kind: ResultKind) -> None:
    assert kind_of_rows(key, [], beside) is kind
