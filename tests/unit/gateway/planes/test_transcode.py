"""Transcoding: rows in, JSON as asked for out, in runs of bounded size, and what cannot be rows."""

from typing import Any

import msgspec
import pytest

from gateway.planes.transcode import HeldRows, transcode
from schema.projection import CURSOR, Constant, Projection, Template
from schema.rows import RawRow, ResultKind, VertexRow, VertexValueRow

EDGES, VERTICES, VALUES = ResultKind.EDGES, ResultKind.VERTICES, ResultKind.VERTEX_VALUES
IDS = (("id", "vertex_id"),)


def asking(template: Template, prefix: str = "") -> Projection:
    """Ask the same of rows of every type."""
    return Projection(lambda _: template, prefix)


def raws(*rows: object) -> list[msgspec.Raw]:
    """Write rows."""
    return [msgspec.Raw(msgspec.json.encode(row)) for row in rows]


@pytest.mark.parametrize(
    ("template", "written"),
    [
        (IDS, b'{"id":"a"},{"id":"b"}'),
        ((("n", "index"), ("t", Constant('T"'))), b'{"n":7,"t":"T\\""},{"n":8,"t":"T\\""}'),
        ((("__typename", Constant("T")),), b'{"__typename":"T"},{"__typename":"T"}'),
        ((("raw", "raw"),), b'{"raw":{"id": "a"}},{"raw":{"id":"b"}}'),
        ((("c", CURSOR), ("node", IDS)), b'{"c":"1x.8","node":{"id":"a"}},{"c":"1x.9","node":{"id":"b"}}'),
        ((("node", ()),), b'{"node":{}},{"node":{}}'),
        ((), b"{},{}"),
    ],
)
@pytest.mark.parametrize("odd", [b"", b',{"id":null}'])
def test_rows_are_written_as_they_are_asked_for(template: Template, written: bytes, odd: bytes) -> None:
    """At once, or one by one when one of them is odd."""
    types = {VertexRow: template, RawRow: (("odd", "index"),)}
    projection = Projection(types.__getitem__, "1x.")
    expected = written + (b',{"odd":9}' if odd else b""), 3 if odd else 2
    assert transcode(VERTICES, b'[{"id": "a"},{"id":"b"}' + odd + b"]", 7, projection) == expected


@pytest.mark.parametrize(
    ("template", "rows", "written"),
    [
        (
            (("P", "properties"), ("l", "label"), ("__i", "vertex_id")),
            b'{"id":"a","label":"x","properties":{"y":1}},{"id":"b"}',
            b'{"P":{"y":1},"l":"x","__i":"a"},{"P":null,"l":null,"__i":"b"}',
        ),
        ((("a", "vertex_id"), ("b", "vertex_id")), b'{"id":"a"}', b'{"a":"a","b":"a"}'),
        ((("label", "label"),), b'{"id":"a","label":"x"}', b'{"label":"x"}'),
        ((("t", Constant("T")), ("i", "vertex_id")), b'{"id":"a"}', b'{"t":"T","i":"a"}'),
        ((("i", "vertex_id"), ("l", "label")), b'{"id":1,"label":["x","y"]}', b'{"i":"1","l":"x,y"}'),
    ],
)
def test_members_are_named_and_placed_as_asked_for(template: Template, rows: bytes, written: bytes) -> None:
    """Whether they are all that is read of a row, in whatever order, or there is more or less or other to write."""
    assert transcode(VERTICES, b"[" + rows + b"]", 0, asking(template))[0] == written


def test_edges_are_named_as_asked_for_with_the_score_that_stands_beside() -> None:
    """One that no edge has is null, which is not read from anything."""
    ends: Template = (("v", "value"), ("s", "source_id"), ("t", "target_id"))
    template = (*ends, ("i", "edge_index"), ("l", "label"), ("p", "properties"))
    for score, said in ((b',"x":1', b"1.0"), (b"", b"null")):
        written, _ = transcode(EDGES, b'[{"source":"a","target":"b"' + score + b"}]", 0, asking(template))
        assert written == b'{"v":' + said + b',"s":"a","t":"b","i":null,"l":null,"p":null}'


def test_rows_that_decode_and_fit_no_layout_are_read_one_by_one() -> None:
    """A map of two vertices says nothing of one."""
    types: dict[type, Template] = {VertexValueRow: (("value", "value"),), RawRow: (("raw", "raw"),)}
    content = b'[{"a":0.5},{"b":1,"c":2}]'
    assert transcode(VALUES, content, 0, Projection(types.__getitem__)) == (b'{"value":0.5},{"raw":{"b":1,"c":2}}', 2)


def test_no_rows_are_nothing() -> None:
    """And no error."""
    assert transcode(VERTICES, b"[ ]", 0, asking(IDS)) == (b"", 0)
    assert list(HeldRows(VERTICES, [], 0).runs(asking(IDS))) == []


@pytest.mark.parametrize("content", [b"", b"[", b'[{"id":"a"', b'[{"id":"a"}', b"[1,]", b"{}", b"[NaN]"])
@pytest.mark.parametrize("kind", ResultKind)
def test_what_is_no_list_is_refused(kind: ResultKind, content: bytes) -> None:
    """That is how a cut at the wrong place is told."""
    with pytest.raises(msgspec.DecodeError):
        transcode(kind, content, 0, asking((("value", "value"), ("raw", "raw")) if kind is ResultKind.EDGES else ()))


def test_what_is_no_text_is_refused() -> None:
    """Even where nobody reads it."""
    content = b'[{"id":"a","properties":{"x":"\xff"}}]'
    for template in (IDS, (("p", "properties"),)):
        with pytest.raises(UnicodeDecodeError):
            transcode(VERTICES, content, 0, asking(template))
    text = '[{"id":"图"}]'.encode()
    assert transcode(VERTICES, text, 0, asking(IDS)) == ('{"id":"图"}'.encode(), 1)


def test_what_nests_too_deep_is_refused() -> None:
    """By an error that can be told from others."""
    content = b'[{"id":"a","properties":' + b"[" * 50_000 + b"]" * 50_000 + b"}]"
    with pytest.raises(RecursionError):
        transcode(VERTICES, content, 0, asking(IDS))


def test_a_row_too_deep_to_be_looked_into_is_passed_on_when_it_is_held() -> None:
    """Its bytes are whole, and nothing has to be read of them."""
    deep = msgspec.Raw(b'{"id":' + b"[" * 50_000 + b"]" * 50_000 + b"}")
    [run] = HeldRows(VERTICES, [deep], 0).runs(asking((("raw", "raw"),)))
    assert run == b'{"raw":' + bytes(deep) + b"}"


@pytest.mark.parametrize(
    ("rows", "runs"),
    [
        ([{"id": "a"}] * 2_500, [1_000, 1_000, 500]),
        ([{"id": "a"}] * 1_000, [1_000]),
        ([{"id": "x" * 60_000}] * 5, [2, 2, 1]),
        ([{"id": "x" * 180_000}, {"id": "a"}, {"id": "x" * 180_000}, {"id": "x" * 180_000}], [1, 1, 1, 1]),
    ],
)
def test_a_run_is_bounded_by_bytes_and_by_rows(rows: list[Any], runs: list[int]) -> None:
    """So that no turn of the event loop is long; a row that is longer has a run of its own."""
    pieces = list(HeldRows(VERTICES, raws(*rows), 40).runs(asking((("id", "vertex_id"), ("n", "index")))))
    read = [msgspec.json.decode(b"[" + piece + b"]") for piece in pieces]
    assert [len(run) for run in read] == runs
    assert [row for run in read for row in run] == [{**row, "n": 40 + place} for place, row in enumerate(rows)]


def test_numbers_are_written_as_a_single_row_would_be() -> None:
    """A float stays one."""
    content = b'[{"a":1},{"b":-0.0},{"c":null},{"d":18446744073709551617}]'
    written, _ = transcode(VALUES, content, 0, asking((("v", "value"),)))
    assert written == b'{"v":1.0},{"v":-0.0},{"v":null},{"v":1.8446744073709552e19}'
