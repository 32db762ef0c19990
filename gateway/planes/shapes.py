"""
Shapes: the kinds that rows come in, how to tell them by their values, and how a row of each kind is read.

One key holds different shapes for different algorithms, so a key decides only where the values cannot. A shape nobody
has seen is RAW and never an error. Knows nothing of where a body keeps its rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, overload

import msgspec

from gateway.planes import values
from schema.rows import (
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
from schema.scalars import JSON, Long

# Keys that hold rows, in the order in which they are preferred, and the kind of rows where the values do not tell:
# an empty list, or a map from a vertex to something that two kinds share.
KINDS_OF_KEYS = {
    "vertices": ResultKind.VERTICES,
    "edges": ResultKind.EDGES,
    "paths": ResultKind.PATHS,
    "path": ResultKind.PATHS,
    "batch_paths": ResultKind.PATHS,
    "circles": ResultKind.PATHS,
    "subgraphs": ResultKind.PATHS,
    "pagerank": ResultKind.VERTEX_VALUES,
    "personalrank": ResultKind.VERTEX_VALUES,
    "topicrank": ResultKind.VERTEX_VALUES,
    "coreness": ResultKind.VERTEX_VALUES,
    "distance": ResultKind.VERTEX_VALUES,
    "closeness": ResultKind.VERTEX_VALUES,
    "betweenness": ResultKind.VERTEX_VALUES,
    "score": ResultKind.VERTEX_VALUES,
    "vertex_triangles": ResultKind.VERTEX_VALUES,
    "vertex_cluster_coefficient": ResultKind.VERTEX_VALUES,
    "edge_betweenness": ResultKind.EDGES,
    "community": ResultKind.VERTEX_GROUPS,
    "communities": ResultKind.VERTEX_GROUPS,
    "embedding": ResultKind.VERTEX_VECTORS,
}
# Counts beside `vertices` that only the algorithms have whose vertices are bare ids.
_ID_COUNTS = frozenset({"k_hop_neighbors", "common_neighbors"})
_MAPS = frozenset({ResultKind.VERTEX_VALUES, ResultKind.VERTEX_GROUPS, ResultKind.VERTEX_VECTORS})
# The first rows may be odd ones; further than this nobody looks for one that is not.
_ROWS_LOOKED_AT = 10
_EDGE_MEMBERS = frozenset({"source", "target", "index", "label", "properties"})


class Rows(Sequence[ResultRow]):
    """Rows of one kind over their bytes: each is built when it is looked at. `offset` is the index of the first."""

    def __init__(self, kind: ResultKind, raws: Sequence[msgspec.Raw], offset: int) -> None:
        self.kind = kind
        self.raws = raws
        self.offset = offset

    def __len__(self) -> int:
        return len(self.raws)

    @overload
    def __getitem__(self, position: int) -> ResultRow: ...
    @overload
    def __getitem__(self, position: slice) -> list[ResultRow]: ...
    def __getitem__(self, position: int | slice) -> ResultRow | list[ResultRow]:
        positions = range(len(self.raws))[position]
        if isinstance(positions, range):
            return [self._row(index) for index in positions]
        return self._row(positions)

    def __iter__(self) -> Iterator[ResultRow]:
        return map(self._row, range(len(self.raws)))

    def _row(self, position: int) -> ResultRow:
        return read_row(self.kind, self.raws[position], self.offset + position)


def kind_of_rows(key: str, rows: Sequence[msgspec.Raw], beside: Collection[str]) -> ResultKind:
    """Return the kind of the rows under a key; `beside` are the names of the members next to it."""
    if not rows:
        is_ids = key == "vertices" and not _ID_COUNTS.isdisjoint(beside)
        return ResultKind.VERTEX_IDS if is_ids else KINDS_OF_KEYS.get(key, ResultKind.RAW)
    kinds = (_kind_of(key, values.plain(row)) for row in rows[:_ROWS_LOOKED_AT])
    return next((kind for kind in kinds if kind), ResultKind.RAW)


def read_row(kind: ResultKind, raw: msgspec.Raw, index: int) -> ResultRow:
    """Read one row; a RawRow when it does not fit the kind of its list."""
    try:
        row = _READERS[kind](Long(index), raw)
    except (ValueError, RecursionError):
        row = None
    return row or RawRow(index=Long(index), raw=JSON(raw))


def _kind_of(key: str, row: Any) -> ResultKind | None:
    if isinstance(row, list):
        return ResultKind.PATHS if _path_of(row) is not None else None
    if not isinstance(row, dict):
        return ResultKind.VERTEX_IDS if _id_of(row) is not None else None
    if len(row) == 1 and not (key == "vertices" and "id" in row):
        return _kind_of_value(KINDS_OF_KEYS.get(key), *row.values())
    if "source" in row and "target" in row:
        return ResultKind.PATHS if isinstance(row.get("paths"), list) else ResultKind.EDGES
    return ResultKind.VERTICES if "id" in row else None


def _kind_of_value(hint: ResultKind | None, value: Any) -> ResultKind | None:
    """Tell what a vertex is mapped to; None when it could be several things and the key does not help."""
    known = hint if hint in _MAPS else None
    match value:
        case bool() | dict():
            return None
        case None | []:
            return known
        case list():
            is_vector = known is ResultKind.VERTEX_VECTORS or any(isinstance(item, float) for item in value)
            return ResultKind.VERTEX_VECTORS if is_vector else ResultKind.VERTEX_GROUPS
        case str():
            is_number = _is_not_finite(value) or (
                known is ResultKind.VERTEX_VALUES and values.number(value) is not None
            )
            if not is_number:
                return ResultKind.VERTEX_GROUPS
    return ResultKind.VERTEX_GROUPS if known is ResultKind.VERTEX_GROUPS else ResultKind.VERTEX_VALUES


def _is_not_finite(text: str) -> bool:
    try:
        return not math.isfinite(float(text))
    except ValueError:
        return False


def _id_of(value: object) -> str | None:
    # Integer ids arrive as strings from most versions, as integers from some.
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value)


def _ids_of(items: Sequence[object]) -> list[str] | None:
    ids = [text for item in items if (text := _id_of(item)) is not None]
    return ids if len(ids) == len(items) else None


def _path_of(items: Sequence[Any]) -> list[str] | None:
    """Return the vertices along a list of ids or of edges."""
    if not items or not all(isinstance(item, dict) for item in items):
        return _ids_of(items)
    return _ids_of([*(edge.get("source") for edge in items), items[-1].get("target")])


def _label_of(value: object) -> str | None:
    # Graphs with several labels to a vertex may send a list.
    labels = _ids_of(value) if isinstance(value, list) else None
    return ",".join(labels) if labels else _id_of(value)


def _unread(members: Mapping[str, msgspec.Raw], name: str) -> JSON | None:
    raw = members.get(name, values.NULL)
    return None if raw == values.NULL else JSON(raw)


def _read_vertex(index: Long, raw: msgspec.Raw) -> ResultRow | None:
    members = values.members_of(raw)
    vertex_id = _id_of(values.get(members, "id"))
    if vertex_id is None:
        return None
    label, properties = _label_of(values.get(members, "label")), _unread(members, "properties")
    return VertexRow(index=index, raw=JSON(raw), vertex_id=vertex_id, label=label, properties=properties)


def _read_vertex_id(index: Long, raw: msgspec.Raw) -> ResultRow | None:
    vertex_id = _id_of(values.plain(raw))
    if vertex_id is None:
        return None
    return VertexRow(index=index, raw=JSON(raw), vertex_id=vertex_id, label=None, properties=None)


def _read_edge(index: Long, raw: msgspec.Raw) -> ResultRow | None:
    members = values.members_of(raw)
    source, target = _id_of(values.get(members, "source")), _id_of(values.get(members, "target"))
    if source is None or target is None:
        return None
    scores = [values.get(members, name) for name in members if name not in _EDGE_MEMBERS]
    numbers = [score for score in scores if isinstance(score, int | float) and not isinstance(score, bool)]
    return EdgeRow(
        index=index,
        raw=JSON(raw),
        source_id=source,
        target_id=target,
        edge_index=_id_of(values.get(members, "index")),
        label=_label_of(values.get(members, "label")),
        properties=_unread(members, "properties"),
        value=values.number(numbers[0]) if len(numbers) == 1 else None,
    )


def _pair_of(raw: msgspec.Raw) -> tuple[str, Any]:
    """Return the vertex and what it is mapped to; raises ValueError when the row is no map of one vertex."""
    pair = values.plain(raw)
    if not isinstance(pair, dict) or len(pair) != 1:
        raise ValueError("no map of one vertex")
    return next(iter(pair.items()))


def _read_value(index: Long, raw: msgspec.Raw) -> ResultRow | None:
    vertex_id, value = _pair_of(raw)
    if isinstance(value, list | dict):
        return None
    return VertexValueRow(index=index, raw=JSON(raw), vertex_id=vertex_id, value=values.number(value))


def _read_group(index: Long, raw: msgspec.Raw) -> ResultRow | None:
    vertex_id, value = _pair_of(raw)
    groups = [] if value is None else value if isinstance(value, list) else [value]
    group_ids = _ids_of([int(group) if isinstance(group, float) and group.is_integer() else group for group in groups])
    if group_ids is None:
        return None
    return VertexGroupRow(index=index, raw=JSON(raw), vertex_id=vertex_id, group_ids=group_ids)


def _read_vector(index: Long, raw: msgspec.Raw) -> ResultRow | None:
    vertex_id, value = _pair_of(raw)
    vector = [values.number(item) for item in value] if isinstance(value, list) else [None]
    coordinates = [item for item in vector if item is not None]
    if len(coordinates) != len(vector):
        return None
    return VertexVectorRow(index=index, raw=JSON(raw), vertex_id=vertex_id, vector=coordinates)


def _read_path(index: Long, raw: msgspec.Raw) -> ResultRow | None:
    path = values.plain(raw)
    if isinstance(path, dict):
        # All shortest paths between one pair; the first stands for them.
        several = path.get("paths")
        path = several[0] if isinstance(several, list) and several else several
    vertex_ids = _path_of(path) if isinstance(path, list) else None
    if vertex_ids is None:
        return None
    return PathRow(index=index, raw=JSON(raw), vertex_ids=vertex_ids, length=max(0, len(vertex_ids) - 1))


def _read_nothing(_index: Long, _raw: msgspec.Raw) -> ResultRow | None:
    return None


_READERS: dict[ResultKind, Callable[[Long, msgspec.Raw], ResultRow | None]] = {
    ResultKind.VERTICES: _read_vertex,
    ResultKind.VERTEX_IDS: _read_vertex_id,
    ResultKind.EDGES: _read_edge,
    ResultKind.VERTEX_VALUES: _read_value,
    ResultKind.VERTEX_GROUPS: _read_group,
    ResultKind.VERTEX_VECTORS: _read_vector,
    ResultKind.PATHS: _read_path,
    ResultKind.RAW: _read_nothing,
    ResultKind.VALUES_ONLY: _read_nothing,
}
