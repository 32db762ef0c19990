"""Tests of gateway/planes/cutting.py: a body cut apart says the same as one read whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.planes import service
from gateway.planes.cutting import CutRows, cut_rows
from gateway.planes.read import Body
from gateway.planes.records import JobRead
from gateway.planes.transcode import HeldRows
from schema.ids import GraphKey, JobRef
from schema.page import Window
from schema.plane import Plane
from schema.projection import CURSOR, Constant, Projection, Template

REF = JobRef(Plane.SERVICE, GraphKey("p1", name="movies"), "j-1")
PAD = "x" * 400
VERTICES = [{"id": f"v{number}", "label": '},{"id":"', "properties": {"pad": [PAD]}} for number in range(500)]
NAMES = Projection(lambda _: (("id", "vertex_id"), ("n", "index")))


def _body(outputs: dict[str, Any], **beside: Any) -> bytes:
    return json.dumps({"data": {"outputs": outputs}, "status": "success", **beside}).encode()


def _sizes(rows: list[Any], offset: int = 0) -> dict[str, int]:
    return {"data_return_size": len(rows), "data_offset": offset, "data_total_size": len(rows) + offset}


def _read(content: bytes, limit: int = 1000, offset: int = 0) -> JobRead:
    return service.read_job(Body(200, content, datetime(2026, 3, 5, tzinfo=UTC)), REF, Window(offset, limit))


def _said(read: JobRead) -> Any:
    assert read.page is not None
    assert read.job.result is not None
    rows = [msgspec.json.decode(msgspec.json.encode(row)) for row in read.page.rows]  # type: ignore[union-attr]
    return rows, read.page.total, read.page.offset, read.job.result.kind, read.job.status, read.job.result.values


def test_a_large_page_is_given_as_lists_of_rows_in_their_order() -> None:
    """With the index of the first of each, up to the last row."""
    read = _read(_body({"vertices": VERTICES, **_sizes(VERTICES, offset=70)}), offset=70)
    assert read.page is not None
    assert isinstance(read.page.rows, CutRows)
    given: list[Any] = []
    for content, index in read.page.rows.contents():
        assert index == 70 + len(given)
        given += msgspec.json.decode(content)
    assert given == VERTICES


def test_a_large_page_is_cut_and_says_the_same_row_by_row() -> None:
    """Index, id and everything beside the rows; as objects and as text."""
    read = _read(_body({"vertices": VERTICES, "runtime": 0.5, **_sizes(VERTICES, offset=70)}), offset=70)
    assert read.page is not None
    assert isinstance(read.page.rows, CutRows)
    assert len(read.page.rows) == 500
    assert [row.index for row in read.page.rows] == list(range(70, 570))
    assert read.page.rows[499].vertex_id == "v499"  # type: ignore[attr-defined]
    assert [row.index for row in read.page.rows[498:]] == [568, 569]
    assert read.page.total == 570
    assert read.job.result is not None
    assert [value.name for value in read.job.result.values] == ["runtime"]
    written = msgspec.json.decode(b"[" + b",".join(read.page.rows.runs(NAMES)) + b"]")
    assert written == [{"id": f"v{number}", "n": 70 + number} for number in range(500)]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_body({"vertices": VERTICES}), id="whole result without sizes"),
        pytest.param(_body({"vertices": VERTICES, **_sizes(VERTICES)}) + b" ", id="blank at the end"),
        pytest.param(
            _body({"sources": VERTICES, "pagerank": [{"a": 0.5}], **_sizes([1])}), id="rows under another key"
        ),
        pytest.param(_body({"pad": PAD * 400, "vertices": VERTICES[:1], **_sizes([1])}), id="rows far behind"),
        pytest.param(_body({"vertices": [1, *VERTICES], **_sizes([1, *VERTICES])}), id="odd first row"),
    ],
)
def test_a_body_of_any_layout_says_the_same(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where cutting does not fit, the body is read whole."""
    read = _said(_read(content))
    monkeypatch.setattr(service, "cut_rows", lambda _: None)
    assert read == _said(_read(content))


EDGES = [{"source": f"v{number}", "target": "w", "label": PAD, "properties": {}} for number in range(500)]
VERTEX = (("l", "label"), ("p", "properties"), ("i", "vertex_id"))
EDGE = (("t", "target_id"), ("s", "source_id"), ("p", "properties"), ("l", "label"), ("i", "edge_index"))


@pytest.mark.parametrize(
    ("key", "rows", "template"),
    [
        ("vertices", VERTICES, VERTEX),
        ("vertices", VERTICES, (*VERTEX, ("n", "index"), ("t", Constant("T")))),
        ("vertices", VERTICES, (("c", CURSOR), ("node", VERTEX))),
        ("vertices", VERTICES, (("r", "raw"),)),
        ("vertices", [*VERTICES[:300], {"id": 7, "label": ["a", "b"]}, *VERTICES[300:]], VERTEX),
        ("vertices", [*VERTICES[:300], {"id": None}, *VERTICES[300:]], (("n", "index"),)),
        ("vertices", [{}] * 9 + VERTICES, (("n", "index"),)),
        ("vertices", VERTICES * 12, VERTEX),
        ("edges", EDGES, EDGE),
        ("edges", [{**row, "score": 0.5} for row in EDGES], (*EDGE, ("v", "value"))),
        ("pagerank", [{PAD: number / 8} for number in range(500)], (("v", "value"), ("i", "vertex_id"))),
    ],
)
def test_a_cut_page_is_written_as_a_whole_one_however_often(
    key: str, rows: list[Any], template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was read of its rows when it was cut, and whatever is asked of them."""
    content = _body({key: rows, **_sizes(rows, offset=3)})
    projection = Projection(lambda _: template, "1x.")
    cut = _read(content, limit=len(rows), offset=3).page
    monkeypatch.setattr(service, "cut_rows", lambda _: None)
    whole = _read(content, limit=len(rows), offset=3).page
    assert cut is not None
    assert whole is not None
    assert isinstance(cut.rows, CutRows)
    assert isinstance(whole.rows, HeldRows)
    expected = b",".join(whole.rows.runs(projection))
    for _ in range(2):
        assert b",".join(cut.rows.runs(projection)) == expected


def test_rows_are_read_once_unless_they_are_many_or_of_another_kind() -> None:
    """The first of them tell the kind; what is read is let go when it was written."""
    few, many, others = (
        cut_rows(_body({key: rows, **_sizes(rows)}))
        for key, rows in (("vertices", VERTICES), ("vertices", VERTICES * 12), ("pagerank", [{PAD: 0.5}] * 500))
    )
    assert few is not None
    assert many is not None
    assert others is not None
    assert [run.decoded is not None for run in few.runs] == [False] * 2 + [True] * (len(few.runs) - 2)
    assert not any(run.decoded for cut in (many, others) for run in cut.runs)
    assert few.runs[-1].write(0, NAMES) is not None
    assert few.runs[-1].write(0, NAMES) is None


def test_more_rows_than_were_asked_are_left_out_as_ever() -> None:
    """An engine that ignores the limit sends all; the page is as long as asked."""
    read = _read(_body({"vertices": VERTICES, **_sizes(VERTICES)}), limit=3)
    assert read.page is not None
    assert len(read.page.rows) == 3


def test_small_bodies_and_broken_ones_are_not_cut() -> None:
    """Text that is none, rows that end nowhere, a body without rows: all are for others to tell."""
    good = _body({"vertices": VERTICES, **_sizes(VERTICES)})
    assert cut_rows(good) is not None
    assert cut_rows(good[:60_000]) is None
    assert cut_rows(good.replace(b"v7", b"\xff7", 1)) is None
    assert cut_rows(b'{"data":{"vertices":[' + b"[" * 100_000) is None
    assert cut_rows(b'{"data":{"outputs":{}},"pad":"' + b"x" * 100_000 + b'"}') is None
    assert cut_rows(b'{"data":{"vertices":["' + b"x" * 5_000_000) is None


ROWS = st.one_of(
    st.lists(st.fixed_dictionaries({"id": st.text(max_size=5), "pad": st.just(PAD)}), min_size=200, max_size=260),
    st.lists(st.dictionaries(st.text(max_size=3), st.just(PAD), min_size=1, max_size=2), min_size=200, max_size=260),
    st.lists(st.lists(st.sampled_from([PAD, '"],["', "a"]), max_size=4), min_size=200, max_size=300),
)


@given(ROWS, st.sampled_from(["vertices", "community", "paths", "unheard_of"]), st.booleans())
def test_whatever_the_rows_a_cut_body_says_what_a_whole_one_says(rows: list[Any], key: str, is_last: bool) -> None:
    """The same rows, kind, sizes and values."""
    outputs = {key: rows, **_sizes(rows)} if not is_last else {"modularity": 0.4, **_sizes(rows), key: rows}
    content = _body(outputs)
    with pytest.MonkeyPatch.context() as patch:
        cut = _said(_read(content))
        patch.setattr(service, "cut_rows", lambda _: None)
        assert cut == _said(_read(content))


def test_a_long_list_that_only_repeats_what_was_asked_is_a_value() -> None:
    """It looks like rows until the whole body is read."""
    read = _read(_body({"sources": VERTICES, "modularity": 0.5}))
    assert read.page is None
    assert read.job.result is not None
    assert [value.name for value in read.job.result.values] == ["sources", "modularity"]
