"""Tables: the columns of each kind, rows that do not fit, and what cannot be rows."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.planes.rows import Rows
from gateway.planes.tables import Table, names_of, read_table
from schema.rows import RawRow, ResultKind

VERTICES = ResultKind.VERTICES
CASES: list[tuple[ResultKind, bytes, dict[str, list[Any]]]] = [
    (VERTICES, b'[{"id":"a","label":"x"},{"id":"b"}]', {"vertex_id": ["a", "b"], "label": ["x", None]}),
    (VERTICES, b'[{"id":1,"label":["x","y"]}]', {"vertex_id": ["1"], "label": ["x,y"]}),
    (ResultKind.VERTEX_IDS, b'["a",2]', {"vertex_id": ["a", "2"]}),
    (ResultKind.VERTEX_VALUES, b'[{"a":0.5},{"b":null}]', {"vertex_id": ["a", "b"], "value": [0.5, None]}),
    (ResultKind.VERTEX_GROUPS, b'[{"a":1},{"b":"c"}]', {"vertex_id": ["a", "b"], "group_ids": [("1",), ("c",)]}),
    (ResultKind.VERTEX_GROUPS, b'[{"a":[1,"c"]}]', {"vertex_id": ["a"], "group_ids": [["1", "c"]]}),
    (ResultKind.VERTEX_VECTORS, b'[{"a":[1,0.5]}]', {"vertex_id": ["a"], "vector": [[1.0, 0.5]]}),
    (ResultKind.PATHS, b'[["a","b"]]', {"vertex_ids": [["a", "b"]], "length": [1]}),
    (ResultKind.EDGES, b'[{"source":"a","target":"b","s":0.5}]', {"source_id": ["a"], "label": [None], "value": [0.5]}),
    (ResultKind.EDGES, b'[{"source":"a","target":"b","index":"0"}]', {"edge_index": ["0"], "value": [None]}),
]


def columns(table: Table) -> dict[str, list[Any]]:
    """Return the columns by name."""
    return {name: list(column) for name, column in zip(table.names, table.columns, strict=True)}


@pytest.mark.parametrize(("kind", "content", "expected"), CASES)
def test_rows_are_read_into_the_columns_of_their_type(
    kind: ResultKind, content: bytes, expected: dict[str, list[Any]]
) -> None:
    """As many values in each as there are rows; what is constant in all rows included."""
    table = read_table(kind, content, 7)
    told = columns(table)
    assert {name: told[name] for name in expected} == expected
    assert (table.names, table.first_index, table.misfits) == (names_of(kind), 7, {})
    assert {len(column) for column in told.values()} == {table.rows}


@pytest.mark.parametrize(("kind", "content", "expected"), CASES)
def test_a_row_that_fits_nothing_stands_beside_the_columns(
    kind: ResultKind, content: bytes, expected: dict[str, list[Any]]
) -> None:
    """The other rows are read as ever."""
    table = read_table(kind, content[:-1] + b',{"odd": [1], "x": 2}]', 0)
    told = columns(table)
    assert {name: [*told[name][:-1]] for name in expected} == {
        name: [list(value) if isinstance(value, tuple) else value for value in values]
        for name, values in expected.items()
    }
    assert {name: column[-1] for name, column in told.items()} == dict.fromkeys(names_of(kind))
    assert {position: bytes(raw) for position, raw in table.misfits.items()} == {
        table.rows - 1: b'{"odd": [1], "x": 2}'
    }


@pytest.mark.parametrize("kind", [ResultKind.RAW, ResultKind.VALUES_ONLY])
def test_rows_of_no_known_kind_are_all_misfits(kind: ResultKind) -> None:
    """They have no columns."""
    table = read_table(kind, b'[1,{"a":2}]', 0)
    assert (table.names, table.columns, table.rows) == ((), (), 2)
    assert [bytes(raw) for raw in table.misfits.values()] == [b"1", b'{"a":2}']


def test_no_rows_are_an_empty_table() -> None:
    """And no error."""
    assert read_table(VERTICES, b"[ ]", 3).rows == 0


@pytest.mark.parametrize("content", [b"", b"[", b'[{"id":"a"}', b"[1,]", b"{}", b"[NaN]"])
def test_what_is_no_list_is_told_as_such(content: bytes) -> None:
    """That is how a wrong cut is found."""
    with pytest.raises(msgspec.DecodeError):
        read_table(VERTICES, content, 0)


def test_what_is_no_text_is_told_as_such() -> None:
    """Properties are copied through, so nothing else would notice."""
    with pytest.raises(UnicodeDecodeError):
        read_table(VERTICES, b'[{"id":"a","properties":{"x":"\xff"}}]', 0)


_PAIRS = st.lists(
    st.dictionaries(
        st.text(), st.none() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False), min_size=1, max_size=1
    ),
    min_size=1,
    max_size=6,
)


@given(_PAIRS, st.sampled_from([(",", ":"), (", ", ": "), (" , ", " :")]), st.booleans(), st.sampled_from([None, 1]))
def test_pairs_are_read_as_objects_are(
    rows: list[dict[str, float | None]], separators: tuple[str, str], is_ascii: bool, indent: int | None
) -> None:
    """Nearly all are read as one flat list; one odd row among them has each read for itself."""
    content = json.dumps(rows, separators=separators, ensure_ascii=is_ascii, indent=indent).encode()
    together = read_table(ResultKind.VERTEX_VALUES, content, 0)
    alone = read_table(ResultKind.VERTEX_VALUES, content[:-1] + b',{"odd":[]}]', 0)
    assert columns(together) == {name: column[:-1] for name, column in columns(alone).items()}
    assert together.misfits == {}


@pytest.mark.parametrize(
    "content",
    [
        *(b'[{"":}1]', b'[{"a":}1,{"b":}2]', b'[{"a": }1]', b'[{"a":\n}1]', b'[{"a"1:}]', b'[{1"a":}]', b'[1{"a":}]'),
        *(b'[{"a":1}{"b":2}]', b'[{"a":1}2,{"b":2}]', b'[{"a":1} 2]', b'[{"a":1}]2', b'2[{"a":1}]', b'[{"a":1},]'),
        *(b'[{"a":1 2}]', b'[{"a" 5:1}]', b'[{"a":}]', b"[{:1}]", b'["a":1]', b'[{"a",1}]', b'[{"a":1]', b'["a":1}]'),
        *(b'[{"a":01}]', b'[{"a":nul}]', b'[{"a":1}],[{"b":2}]', b'[{"a\x01":1}]'),
    ],
)
def test_pairs_that_are_no_json_are_told_as_such(content: bytes) -> None:
    """Braces and colons count, though rows are read without."""
    with pytest.raises(msgspec.DecodeError):
        read_table(ResultKind.VERTEX_VALUES, content, 0)


@pytest.mark.parametrize("content", [b'[{"a":1,"b":2}]', b'[{"a":{}}]', b"[{}]", b'["a",1]'])
def test_what_looks_like_pairs_is_a_misfit(content: bytes) -> None:
    """Or none of them is read."""
    table = read_table(ResultKind.VERTEX_VALUES, content, 0)
    assert [bytes(raw) for raw in table.misfits.values()] == [
        bytes(row) for row in msgspec.json.decode(content, type=list[msgspec.Raw])
    ]


def test_the_layout_of_edges_is_that_of_the_first_whatever_braces_it_has() -> None:
    """The first brace that closes need not be that of the row."""
    edge = b'{"properties":{"a}":[{"b":{}}]},"source":"a","target":"b","s":0.5}'
    for content in (b"[%b]" % edge, b'[%b,{"source":"b","target":"c","s":1}]' % edge, b" [%b]" % edge):
        assert columns(read_table(ResultKind.EDGES, content, 0))["value"][0] == 0.5


@pytest.mark.parametrize("content", [b'[{"a":true}]', b'[{"a":"1"}]', b'[{"a":1},{"b":"x"}]'])
def test_pairs_with_other_values_are_read_as_objects_are(content: bytes) -> None:
    """What a value means is not for the quick way to say."""
    together = columns(read_table(ResultKind.VERTEX_VALUES, content, 0))
    alone = columns(read_table(ResultKind.VERTEX_VALUES, content[:-1] + b',{"odd":[]}]', 0))
    assert together == {name: column[:-1] for name, column in alone.items()}


_NUMBERS = ("1", "-0.5", "0.250000000000", "2e-3", "null", "1e999", "9" * 400, "true", '"2"', "[1]", "{}", "1,2", "")
_NAMES = ("a", "", "é", "a,b", "a:b", "{", "}", "},{", "[", '\\"', "\\\\", "\\u0041", '":1},{"')
_SIGNS = ("{", "}", "},{", "[", "]", '"', ":", ",", "\\", " ", "\n", "7", "}7", "a", '"b":2', ',"c":3', '{"d":4},')
_rows = st.lists(st.builds('{{"{}":{}}}'.format, st.sampled_from(_NAMES), st.sampled_from(_NUMBERS)), max_size=4)
_changes = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2), st.sampled_from(_SIGNS)), max_size=2)


@given(_rows, _changes)
@example(['{"a":1}', '{"b":2}'], [(7, 0, "0")])
@example(['{"a},{":1}', '{"x":1,"y":2}'], [])
@example(['{"a":1}', '{"b":2}'], [(1, 0, "7")])
@example(['{"a":1,"b":2}', "{}"], [])
@example(['{"a":}', '{"b":}'], [(7, 0, "1"), (15, 0, "2")])
def test_numbers_of_vertices_are_read_at_once_only_as_each_would_be_alone(
    rows: list[str], changes: list[tuple[int, int, str]]
) -> None:
    """Whatever stands at whatever place: what is no JSON stays none, and names may look like the end of a row."""
    text = f"[{','.join(rows)}]"
    for place, length, sign in changes:
        text = text[:place] + sign + text[place + length :]
    content = text.encode()
    try:
        raws = msgspec.json.decode(content, type=list[msgspec.Raw])
    except msgspec.DecodeError:
        with pytest.raises(msgspec.DecodeError):
            read_table(ResultKind.VERTEX_VALUES, content, 0)
        return
    table = read_table(ResultKind.VERTEX_VALUES, content, 0)
    alone = list(Rows(ResultKind.VERTEX_VALUES, raws, 0))
    assert columns(table) == {
        name: [getattr(row, name, None) for row in alone] for name in names_of(ResultKind.VERTEX_VALUES)
    }
    assert list(table.misfits) == [position for position, row in enumerate(alone) if isinstance(row, RawRow)]
