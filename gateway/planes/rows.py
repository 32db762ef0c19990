"""
Rows: how a row of each kind is read from its bytes, when somebody looks at it and not before.

Most rows are as documented and read by a typed decoder; the odd ones are read once more, member by member. A row that
does not fit its kind is a RawRow, never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, overload

import msgspec

from gateway.planes import values
from gateway.planes.shapes import id_of, ids_of, path_of
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

_EDGE_MEMBERS = frozenset({"source", "target", "index", "label", "properties"})


class _MisfitError(ValueError):
    """The row does not fit the kind of its list."""


class _Vertex(msgspec.Struct, gc=False):
    id: str
    label: str | None = None
    properties: msgspec.Raw = values.NULL


# A member more may be the score: which, the typed decoder does not tell.
class _Edge(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    source: str
    target: str
    index: str | None = None
    label: str | None = None
    properties: msgspec.Raw = values.NULL


_VERTEX = msgspec.json.Decoder(_Vertex)
_EDGE = msgspec.json.Decoder(_Edge)
_VALUE = msgspec.json.Decoder(dict[str, float])


class Rows(Sequence[ResultRow]):
    """Rows of one kind over their bytes: each is built when it is looked at. `offset` is the index of the first."""

    def __init__(self, kind: ResultKind, raws: Sequence[msgspec.Raw], offset: int) -> None:
        self.kind = kind
        self.raws = raws
        self.offset = offset
        self._readers = _READERS[kind]

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
        index, raw = Long(self.offset + position), self.raws[position]
        for read in self._readers:
            try:
                return read(index, raw)
            except (ValueError, RecursionError):
                continue
        return RawRow(index=index, raw=JSON(raw))


def _vertex(index: Long, raw: msgspec.Raw) -> ResultRow:
    vertex = _VERTEX.decode(raw)
    properties = None if vertex.properties == values.NULL else JSON(vertex.properties)
    return VertexRow(index=index, raw=JSON(raw), vertex_id=vertex.id, label=vertex.label, properties=properties)


def _edge(index: Long, raw: msgspec.Raw) -> ResultRow:
    edge = _EDGE.decode(raw)
    return EdgeRow(
        index=index,
        raw=JSON(raw),
        source_id=edge.source,
        target_id=edge.target,
        edge_index=edge.index,
        label=edge.label,
        properties=None if edge.properties == values.NULL else JSON(edge.properties),
        value=None,
    )


def _value(index: Long, raw: msgspec.Raw) -> ResultRow:
    # More than one member is a ValueError of its own.
    [(vertex_id, value)] = _VALUE.decode(raw).items()
    return VertexValueRow(index=index, raw=JSON(raw), vertex_id=vertex_id, value=value)


def _odd_vertex(index: Long, raw: msgspec.Raw) -> ResultRow:
    members = values.members_of(raw)
    return VertexRow(
        index=index,
        raw=JSON(raw),
        vertex_id=_id(values.get(members, "id")),
        label=label_of(values.get(members, "label")),
        properties=_unread(members, "properties"),
    )


def _vertex_id(index: Long, raw: msgspec.Raw) -> ResultRow:
    vertex_id = _id(values.plain(raw))
    return VertexRow(index=index, raw=JSON(raw), vertex_id=vertex_id, label=None, properties=None)


def _odd_edge(index: Long, raw: msgspec.Raw) -> ResultRow:
    members = values.members_of(raw)
    scores = [values.get(members, name) for name in members if name not in _EDGE_MEMBERS]
    numbers = [score for score in scores if isinstance(score, int | float) and not isinstance(score, bool)]
    return EdgeRow(
        index=index,
        raw=JSON(raw),
        source_id=_id(values.get(members, "source")),
        target_id=_id(values.get(members, "target")),
        edge_index=id_of(values.get(members, "index")),
        label=label_of(values.get(members, "label")),
        properties=_unread(members, "properties"),
        value=values.number(numbers[0]) if len(numbers) == 1 else None,
    )


def _odd_value(index: Long, raw: msgspec.Raw) -> ResultRow:
    vertex_id, value = _pair_of(raw)
    if isinstance(value, list | dict):
        raise _MisfitError
    return VertexValueRow(index=index, raw=JSON(raw), vertex_id=vertex_id, value=values.number(value))


def _group(index: Long, raw: msgspec.Raw) -> ResultRow:
    vertex_id, value = _pair_of(raw)
    groups = [] if value is None else value if isinstance(value, list) else [value]
    whole = [int(group) if isinstance(group, float) and group.is_integer() else group for group in groups]
    return VertexGroupRow(index=index, raw=JSON(raw), vertex_id=vertex_id, group_ids=[_id(group) for group in whole])


def _vector(index: Long, raw: msgspec.Raw) -> ResultRow:
    vertex_id, value = _pair_of(raw)
    vector = [values.number(item) for item in value] if isinstance(value, list) else [None]
    coordinates = [item for item in vector if item is not None]
    if len(coordinates) != len(vector):
        raise _MisfitError
    return VertexVectorRow(index=index, raw=JSON(raw), vertex_id=vertex_id, vector=coordinates)


def _path(index: Long, raw: msgspec.Raw) -> ResultRow:
    path = values.plain(raw)
    if isinstance(path, dict):
        # All shortest paths between one pair; the first stands for them.
        several = path.get("paths")
        path = several[0] if isinstance(several, list) and several else several
    vertex_ids = path_of(path) if isinstance(path, list) else None
    if vertex_ids is None:
        raise _MisfitError
    return PathRow(index=index, raw=JSON(raw), vertex_ids=vertex_ids, length=max(0, len(vertex_ids) - 1))


def _pair_of(raw: msgspec.Raw) -> tuple[str, Any]:
    pair = values.plain(raw)
    if not isinstance(pair, dict) or len(pair) != 1:
        raise _MisfitError
    return next(iter(pair.items()))


def _id(value: object) -> str:
    text = id_of(value)
    if text is None:
        raise _MisfitError
    return text


def label_of(value: object) -> str | None:
    """Return a label, of several all."""
    # Graphs with several labels to a vertex may send a list.
    labels = ids_of(value) if isinstance(value, list) else None
    return ",".join(labels) if labels else id_of(value)


def _unread(members: Mapping[str, msgspec.Raw], name: str) -> JSON | None:
    raw = members.get(name, values.NULL)
    return None if raw == values.NULL else JSON(raw)


# In the order they are tried; a row that fits none is raw.
_READERS: dict[ResultKind, tuple[Callable[[Long, msgspec.Raw], ResultRow], ...]] = {
    ResultKind.VERTICES: (_vertex, _odd_vertex),
    ResultKind.VERTEX_IDS: (_vertex_id,),
    ResultKind.EDGES: (_edge, _odd_edge),
    ResultKind.VERTEX_VALUES: (_value, _odd_value),
    ResultKind.VERTEX_GROUPS: (_group,),
    ResultKind.VERTEX_VECTORS: (_vector,),
    ResultKind.PATHS: (_path,),
    ResultKind.RAW: (),
    ResultKind.VALUES_ONLY: (),
}
