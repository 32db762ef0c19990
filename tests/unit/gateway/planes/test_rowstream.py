"""Tests of gateway/planes/rowstream.py: whatever the layout and the chunks, no row is lost, split or made up."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.planes.rowstream import RowCutter, UncutError


def _maps(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(TEXTS, inner, max_size=3)


HOSTILE = ['},{"id":"x"', '"],["', '","', "]}}}", '{"data":{"outputs":{"vertices":[', "\\", '\\"},{"', "é\u2028", ""]
TEXTS = st.sampled_from(HOSTILE) | st.text(max_size=8)
VALUES = st.recursive(st.none() | st.integers() | TEXTS, lambda inner: st.lists(inner, max_size=3) | _maps(inner))
LAYOUTS = st.sampled_from([{"separators": (",", ":")}, {}, {"indent": 2}, {"ensure_ascii": False}])


ROWS = st.one_of(
    st.lists(st.fixed_dictionaries({"id": TEXTS, "properties": _maps(VALUES)}), max_size=30),
    st.lists(st.lists(TEXTS, max_size=4), max_size=30),
    st.lists(TEXTS, max_size=40),
    st.lists(VALUES, max_size=30),
)


def _list_of(run: bytes) -> list[Any]:
    return msgspec.json.decode(run, type=list[Any])


def _cut(body: bytes, chunk_bytes: int, step_bytes: int, *, finishes: bool = False) -> tuple[list[Any], dict[str, Any]]:
    cutter = RowCutter("vertices", _list_of, step_bytes=step_bytes)
    rows: list[Any] = []
    for start in range(0, len(body), chunk_bytes):
        for run in cutter.feed(body[start : start + chunk_bytes]):
            rows += run
    if finishes:
        rows += [row for run in cutter.finish() for row in run]
    return rows, json.loads(cutter.rest())


@given(ROWS, _maps(VALUES), LAYOUTS, st.booleans(), st.integers(1, 200), st.integers(1, 300), st.booleans())
def test_runs_and_rest_together_are_the_body(
    rows: list[Any],
    beside: dict[str, Any],
    layout: dict[str, Any],
    inside: bool,
    chunk_bytes: int,
    step_bytes: int,
    finishes: bool,
) -> None:
    """What was cut off and what is left over give every row once, in order, and everything beside the rows."""
    beside.pop("vertices", None)
    data = {**beside, "vertices": rows, "data_total_size": len(rows)}
    whole = {"data": {"outputs": data} if inside else data, "status": "success"}
    given_rows, rest = _cut(json.dumps(whole, **layout).encode(), chunk_bytes, step_bytes, finishes=finishes)
    found = rest["data"]["outputs"] if inside else rest["data"]
    assert given_rows + found.pop("vertices") == rows
    assert rest["status"] == "success"
    assert found == {**beside, "data_total_size": len(rows)}


def test_most_of_a_large_body_is_cut_off_within_its_steps() -> None:
    """A run is never longer than a step, and little more than a step is ever held back."""
    rows = [{"id": f"v{number}", "properties": {"name": ["x" * 40]}} for number in range(2000)]
    body = json.dumps({"data": {"outputs": {"vertices": rows}}, "status": "success"}).encode()
    lengths: list[int] = []

    def measure(run: bytes) -> list[Any]:
        rows = _list_of(run)
        lengths.append(len(run))
        return rows

    cutter = RowCutter("vertices", measure, step_bytes=4096)
    given_rows = [
        row for start in range(0, len(body), 10_000) for run in cutter.feed(body[start : start + 10_000]) for row in run
    ]
    assert max(lengths) <= 4096 + 2
    assert len(cutter.rest()) < 4096 + 200
    assert given_rows == rows[: len(given_rows)]


def test_finishing_leaves_the_last_row() -> None:
    """And where it is not found at once, as before other lists, all that was left."""
    rows = [{"id": f"v{number}"} for number in range(9)]
    body = json.dumps({"data": {"vertices": rows, "data_total_size": 9}}).encode()
    given_rows, rest = _cut(body, 1000, 1000, finishes=True)
    assert (given_rows, rest["data"]) == (rows[:-1], {"vertices": rows[-1:], "data_total_size": 9})
    body = json.dumps({"data": {"vertices": rows, "edges": [{}, {}]}}).encode()
    assert _cut(body, 1000, 1000, finishes=True) == _cut(body, 1000, 1000)


def test_nothing_is_left_to_finish_where_no_rows_began() -> None:
    """Not even what would be rows between brackets."""
    cutter = RowCutter("vertices", _list_of)
    assert list(cutter.feed(b'{"a":1},{"a":2},{"vertices":[')) == []
    assert list(cutter.finish()) == []


def test_a_row_longer_than_a_step_is_still_one_row() -> None:
    """Steps grow for a long row rather than give up."""
    rows = [{"id": "a" * 5000}, {"id": "b"}, {"id": "c" * 5000}]
    body = json.dumps({"data": {"vertices": rows}}).encode()
    given_rows, rest = _cut(body, 700, 64)
    assert given_rows + rest["data"]["vertices"] == rows


def test_a_row_of_many_megabytes_is_no_row() -> None:
    """What cannot be a row is not collected without end."""
    cutter = RowCutter("vertices", _list_of)
    with pytest.raises(UncutError, match="row is too long"):
        list(cutter.feed(b'{"data":{"vertices":[{"id":"' + b"x" * 5_000_000))


def test_a_body_without_those_rows_is_refused_after_a_bounded_head() -> None:
    """A body of another layout is not collected without end."""
    cutter = RowCutter("vertices", _list_of)
    with pytest.raises(UncutError, match="no rows"):
        list(cutter.feed(b'{"data":{"other":[' + b"1," * 200_000))


def test_a_key_of_the_same_name_elsewhere_is_not_the_rows() -> None:
    """Only the list in `data` or `data.outputs` is taken."""
    body = b'{"vertices":[1],"data":{"x":{"vertices":[2]},"outputs":{"vertices":["a","b","c"]}}}'
    given_rows, rest = _cut(body, 5, 4)
    assert given_rows + rest["data"]["outputs"]["vertices"] == ["a", "b", "c"]


def test_a_key_of_the_same_name_behind_the_data_is_not_the_rows() -> None:
    """A list that follows where rows should have been is not taken for them."""
    cutter = RowCutter("vertices", _list_of, step_bytes=4)
    body = b'{"data":{"vertices":5},"x":{"vertices":[1,2,3]}}'
    assert list(cutter.feed(body)) == []
    assert cutter.rest() == body
