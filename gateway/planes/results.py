"""
Results: where the answer of a job keeps its rows, their sizes and the values beside them.

Tables of the documentation place all of it in `data`, examples in `data.outputs`; both are read, outputs first. Rows
stay bytes. Knows nothing of jobs, and of rows only that `shapes` reads them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from gateway.planes import shapes, values
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
    inner = _members(data)
    outputs = _members(inner.pop("outputs")) if values.is_object(inner.get("outputs", values.NULL)) else {}
    everything = {**outputs, **inner, **outputs}  # In the order of `outputs` first, and with its values.
    key = _rows_key([outputs, inner])
    beside = outputs if key in outputs else everything
    named = [
        ResultValue(name=name, value=JSON(values.passed_through(raw)))
        for name, raw in beside.items()
        if name != key and name not in _PAGING and not (raw == values.NULL and name in shapes.KINDS_OF_KEYS)
    ]
    if key is None:
        return Result(ResultKind.VALUES_ONLY, None, named, None) if named else None
    kind, page = _page(key, everything, window)
    return Result(kind, key, named, page)


def _members(raw: msgspec.Raw) -> Members:
    if values.is_object(raw):
        return values.members_of(raw)
    # Nobody has seen data that is no object; what is in it is shown rather than lost.
    return {} if raw == values.NULL else {"data": raw}


def _rows_key(places: list[Members]) -> str | None:
    """Return the member that holds the rows: filled before empty, known before unknown, `outputs` before `data`."""
    found = [
        (bool(_EMPTY_LIST.fullmatch(raw)), key not in _PREFERENCE, place, _PREFERENCE.get(key, 0), key)
        for place, members in enumerate(places)
        for key, raw in members.items()
        if values.is_list(raw) and key not in _PARAMETERS
    ]
    # Equals keep their order, so that of several unknown lists the first is taken.
    return min(found, key=lambda found: found[:-1])[-1] if found else None


def _page(key: str, members: Members, window: Window) -> tuple[ResultKind, RowPage]:
    raws = values.items_of(members[key])
    is_whole = _PAGING.isdisjoint(members)
    if key == _ONE_PATH and not any(values.is_list(raw) or values.is_object(raw) for raw in raws):
        raws, is_whole = [members[key]] if raws else [], True
    kind = shapes.kind_of_rows(key, raws, members.keys())
    if is_whole:
        # Without sizes GES sent the whole result, whatever window it was asked for.
        rows = raws[window.offset : window.offset + window.limit]
        return kind, RowPage(window, window.offset, shapes.Rows(kind, rows, window.offset), len(raws))
    start, total = _size(members, _OFFSET), _size(members, _TOTAL)
    offset = window.offset if start is None or start > LARGEST_OFFSET else start
    if total is not None and raws:
        total = max(total, offset + len(raws))
    return kind, RowPage(window, offset, shapes.Rows(kind, raws[: window.limit], offset), total)


def _size(members: Members, name: str) -> int | None:
    return values.count(values.get(members, name))
