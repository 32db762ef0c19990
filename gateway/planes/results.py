"""
Results: where the answer of a job keeps its rows, their sizes and the values beside them.

Tables of the documentation place all of it in `data`, examples in `data.outputs`; both are read, outputs first. Rows
stay bytes. Knows nothing of jobs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from gateway.planes import shapes, values
from gateway.planes.transcode import HeldRows
from gateway.planes.values import Members
from schema.algorithm_result import ResultValue, RowPage
from schema.page import LARGEST_OFFSET, Window
from schema.rows import ResultKind
from schema.scalars import JSON

# The one path of shortest_path is a flat list of vertices: one row, not one row for each vertex.
_ONE_PATH = "path"
# Lists that repeat what was asked, so never rows.
_PARAMETERS = frozenset({"source", "sources", "target", "targets", "pattern_graph"})
_TOTAL, _OFFSET, _RETURNED = "data_total_size", "data_offset", "data_return_size"
_PAGING = frozenset({_TOTAL, _OFFSET, _RETURNED})
_EMPTY_LIST = re.compile(rb"\[\s*\]")
# Null under one of these is "none of it", no value.
_HOLDERS = {*shapes.KINDS_OF_KEYS, "outputs"}
_PREFERENCE = {key: place for place, key in enumerate(shapes.KINDS_OF_KEYS)}


@dataclass(frozen=True, slots=True)
class Result:
    """What a job produced, as far as one window: the kind of its rows, where they were found; no page, no rows."""

    kind: ResultKind
    rows_key: str | None
    values: list[ResultValue]
    page: RowPage | None


def read_result(data: msgspec.Raw, window: Window) -> Result | None:
    """Read the `data` of a job's status; None when there is nothing in it."""
    inner, outputs = _places(data)
    found = _rows_key([outputs, inner])
    holder, key = found or (inner, None)
    # Beside rows in `outputs` stand its own values; everywhere else those of both, `outputs` first.
    beside = outputs if holder is outputs else {**outputs, **inner, **outputs}
    named = [
        ResultValue(name=name, value=JSON(values.passed_through(raw)))
        for name, raw in beside.items()
        if name != key and name not in _PAGING and not (raw == values.NULL and name in _HOLDERS)
    ]
    if key is None:
        return Result(ResultKind.VALUES_ONLY, None, named, None) if named else None
    kind, page = _page(key, {**inner, **outputs, key: holder[key]}, window)
    return Result(kind, key, named, page)


def _places(data: msgspec.Raw) -> tuple[Members, Members]:
    """Return the members of `data`, without `outputs`, and those of `outputs`."""
    if not values.is_object(data):
        # Nobody has seen data that is no object; what is in it is shown rather than lost.
        return {} if data == values.NULL else {"data": data}, {}
    inner = values.members_of(data)
    if values.is_object(inner.get("outputs", values.NULL)):
        return inner, values.members_of(inner.pop("outputs"))
    return inner, {}


def _rows_key(places: list[Members]) -> tuple[Members, str] | None:
    """Return the member that holds the rows: filled before empty, known before unknown, `outputs` before `data`."""
    found = [
        ((bool(_EMPTY_LIST.fullmatch(raw)), key not in _PREFERENCE, place, _PREFERENCE.get(key, 0)), members, key)
        for place, members in enumerate(places)
        for key, raw in members.items()
        if values.is_list(raw) and key not in _PARAMETERS
    ]
    if not found:
        return None
    # Equals keep their order, so that of several unknown lists the first is taken.
    _, members, key = min(found, key=lambda entry: entry[0])
    return members, key


def _page(key: str, members: Members, window: Window) -> tuple[ResultKind, RowPage]:
    raws = values.items_of(members[key])
    is_whole = _PAGING.isdisjoint(members)
    if key == _ONE_PATH and not any(values.is_list(raw) or values.is_object(raw) for raw in raws):
        raws, is_whole = [members[key]] if raws else [], True
    kind = shapes.kind_of_rows(key, raws, members.keys())
    if is_whole:
        # Without sizes GES sent the whole result, whatever window it was asked for.
        rows = raws[window.offset : window.offset + window.limit]
        return kind, RowPage(window, window.offset, HeldRows(kind, rows, window.offset), len(raws), is_whole=True)
    start, total = _size(members, _OFFSET), _size(members, _TOTAL)
    offset = window.offset if start is None or start > LARGEST_OFFSET else start
    if total is not None and raws:
        total = max(total, offset + len(raws))
    return kind, RowPage(window, offset, HeldRows(kind, raws[: window.limit], offset), total)


def _size(members: Members, name: str) -> int | None:
    return values.count(values.get(members, name))
