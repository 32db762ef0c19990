"""
Layouts: how rows of each kind are nearly always written, so that many are read at once and none becomes an object.

A layout reads only what it can read as `rows` would; rows of any other layout are left to that. What an attribute of
a row is made of is told as a column: the values of all rows, in order. Knows nothing of selections and of writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import chain, repeat
from operator import attrgetter, itemgetter, sub
from typing import Annotated, Any, NamedTuple, TypeAlias, TypeVar

import msgspec

from gateway.planes import values
from gateway.planes.rows import label_of
from gateway.planes.shapes import id_of
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

_Item = TypeVar("_Item")
Column: TypeAlias = Callable[[list[Any]], Iterable[Any]]


class Layout(NamedTuple):
    """
    A decoder of `[row, row, ...]`, the columns of what it gives, and whether they hold for all of that.

    `members` is there when what it gives are Structs that hold these attributes, just as the columns tell them.
    """

    decoder: msgspec.json.Decoder[Any]
    columns: Mapping[str, Column]
    is_fit: Callable[[list[Any]], bool] = lambda _: True
    members: frozenset[str] | None = None


class _Member(NamedTuple):
    """
    A member of rows that are objects: its name, its type as a rule, its type in odder editions and what that says.

    Required without a default.
    """

    name: str
    type: Any
    odd_type: Any
    said: Callable[[Any], Any] | None = None
    default: Any = msgspec.NODEFAULT


# As some editions write them; bool is no int here.
_Id: TypeAlias = str | int
_ID = (str, _Id, str)
_LABEL = _Member("label", str | None, Any, label_of, None)
_PROPERTIES = _Member("properties", msgspec.Raw, msgspec.Raw, None, values.NULL)
_VERTEX = {"vertex_id": _Member("id", *_ID), "label": _LABEL, "properties": _PROPERTIES}
_EDGE = {
    "source_id": _Member("source", *_ID),
    "target_id": _Member("target", *_ID),
    "edge_index": _Member("index", str | None, Any, id_of, None),
    "label": _LABEL,
    "properties": _PROPERTIES,
}
_EDGE_NAMES = frozenset(member.name for member in _EDGE.values())


def row_type(kind: ResultKind) -> type[ResultRow]:
    """Return the type of the rows of a kind, as far as they fit one of its layouts."""
    return _ROW_TYPES[kind]


def layouts(kind: ResultKind, wanted: frozenset[str], raws: Callable[[], Sequence[msgspec.Raw]]) -> Sequence[Layout]:
    """Return the layouts to try for rows of a kind, given the attributes wanted and, if it matters, the rows."""
    if kind is ResultKind.VERTICES:
        return _vertices(wanted.intersection(_VERTEX))
    if kind is ResultKind.EDGES:
        return _edges(wanted.intersection(_EDGE), _names_beside(raws()) if "value" in wanted else None)
    return _LAYOUTS[kind]


def usual_layout(kind: ResultKind) -> Layout | None:
    """Return the layout that most rows of a kind have, for all their members; None for rows that are no Structs."""
    if kind is ResultKind.VERTICES:
        return _vertices(frozenset(_VERTEX))[0]
    return _edges(frozenset(_EDGE), None)[0] if kind is ResultKind.EDGES else None


@lru_cache(maxsize=128)
def _vertices(wanted: frozenset[str]) -> tuple[Layout, ...]:
    members = {name: _VERTEX[name] for name in _VERTEX if name in wanted or name == "vertex_id"}
    return _of_objects(members), _of_objects(members, odd=True)


@lru_cache(maxsize=256)
def _edges(wanted: frozenset[str], beside: tuple[str, ...] | None) -> tuple[Layout, ...]:
    """Return the layouts of edges; `beside` names what the first edge holds beside its own members, if that matters."""
    if beside is None:
        members = {name: _EDGE[name] for name in _EDGE if name in wanted or name in ("source_id", "target_id")}
        return _of_objects(members), _of_objects(members, odd=True)
    if len(beside) > 1:
        return ()
    # Another number beside the score would leave no score, so all names have to be known.
    if not beside:
        return tuple(_of_objects(_EDGE, odd=odd, is_closed=True, value=_nothing) for odd in (False, True))
    members = {**_EDGE, "value": _Member(beside[0], float | None, float | None, None, None)}
    return tuple(_of_objects(members, odd=odd, is_closed=True) for odd in (False, True))


def _of_objects(
    members: Mapping[str, _Member], *, odd: bool = False, is_closed: bool = False, **others: Column
) -> Layout:
    fields: list[Any] = [
        (attribute, member.odd_type if odd else member.type, msgspec.field(default=member.default, name=member.name))
        for attribute, member in members.items()
    ]
    row = msgspec.defstruct("Row", fields, forbid_unknown_fields=is_closed, gc=False)
    columns = {attribute: _attribute(attribute, member.said if odd else None) for attribute, member in members.items()}
    return Layout(
        msgspec.json.Decoder(list[row]),  # type: ignore[valid-type]
        {**columns, **others},
        members=None if odd else frozenset(members),
    )


def _names_beside(rows: Sequence[msgspec.Raw]) -> tuple[str, ...]:
    members = values.members_of(rows[0]) if rows and values.is_object(rows[0]) else {}
    return tuple(name for name in members if name not in _EDGE_NAMES)


def _attribute(name: str, said: Callable[[Any], Any] | None) -> Column:
    get = attrgetter(name)
    if said is None:
        return partial(map, get)
    return lambda rows: map(said, map(get, rows))


def _nothing(_rows: list[Any]) -> Iterable[Any]:
    return repeat(None)


def _keys(rows: list[dict[str, Any]]) -> Iterable[str]:
    return chain.from_iterable(rows)


def _mapped(rows: list[dict[str, Any]]) -> Iterable[Any]:
    return chain.from_iterable(map(dict.values, rows))


def _texts(lists: Iterable[Iterable[Any]]) -> Iterable[list[str]]:
    return map(list, map(map, repeat(str), lists))


def _of_pairs(type_: Any, attribute: str, column: Column) -> Layout:
    """Return the layout of maps from one vertex to something of a type."""
    return Layout(
        msgspec.json.Decoder(list[dict[str, type_]]),
        {"vertex_id": _keys, attribute: column},
        lambda rows: {1}.issuperset(map(len, rows)),
    )


# A path of nothing has no length; it is left to `rows`.
_Some: TypeAlias = Annotated[list[_Item], msgspec.Meta(min_length=1)]


class _Step(msgspec.Struct, gc=False):
    source: _Id
    target: _Id


class _Several(msgspec.Struct, gc=False):
    paths: _Some[_Some[_Id]]


def _of_paths(type_: Any, paths: Column) -> Layout:
    """Return the layout of rows that are, or hold, paths of vertices."""

    def lengths(rows: list[Any]) -> Iterable[int]:
        return map(sub, map(len, paths(rows)), repeat(1))

    return Layout(msgspec.json.Decoder(list[type_]), {"vertex_ids": paths, "length": lengths})


def _firsts(rows: list[_Several]) -> Iterable[list[str]]:
    return _texts(map(itemgetter(0), map(attrgetter("paths"), rows)))


def _along(rows: list[list[_Step]]) -> Iterable[list[str]]:
    return _texts([*(step.source for step in steps), steps[-1].target] for steps in rows)


# Of rows that are no objects with members of their own; in the order in which they are tried.
_LAYOUTS: dict[ResultKind, tuple[Layout, ...]] = {
    ResultKind.VERTEX_IDS: (
        Layout(
            msgspec.json.Decoder(list[_Id]),
            {"vertex_id": partial(map, str), "label": _nothing, "properties": _nothing},
        ),
    ),
    ResultKind.VERTEX_VALUES: (
        _of_pairs(float | None, "value", _mapped),
        _of_pairs(float | str | bool | None, "value", lambda rows: map(values.number, _mapped(rows))),
    ),
    ResultKind.VERTEX_GROUPS: (
        _of_pairs(_Id, "group_ids", lambda rows: zip(map(str, _mapped(rows)), strict=True)),
        _of_pairs(list[_Id], "group_ids", lambda rows: _texts(_mapped(rows))),
    ),
    ResultKind.VERTEX_VECTORS: (_of_pairs(list[float], "vector", _mapped),),
    ResultKind.PATHS: (
        _of_paths(_Some[str], iter),
        _of_paths(_Some[_Id], _texts),
        _of_paths(_Some[_Step], _along),
        _of_paths(_Several, _firsts),
    ),
    ResultKind.RAW: (Layout(msgspec.json.Decoder(list[msgspec.Raw]), {}),),
    # There are no rows, so nothing is tried.
    ResultKind.VALUES_ONLY: (),
}

_ROW_TYPES: dict[ResultKind, type[ResultRow]] = {
    ResultKind.VERTICES: VertexRow,
    ResultKind.VERTEX_IDS: VertexRow,
    ResultKind.EDGES: EdgeRow,
    ResultKind.VERTEX_VALUES: VertexValueRow,
    ResultKind.VERTEX_GROUPS: VertexGroupRow,
    ResultKind.VERTEX_VECTORS: VertexVectorRow,
    ResultKind.PATHS: PathRow,
    ResultKind.RAW: RawRow,
    ResultKind.VALUES_ONLY: RawRow,
}
