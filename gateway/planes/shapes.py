"""
Shapes: the kinds that rows come in, and how to tell them by their values.

One key holds different shapes for different algorithms, so a key decides only where the values cannot. A shape nobody
has seen is RAW and never an error. Knows nothing of where a body keeps its rows.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from gateway.planes import values
from schema.rows import ResultKind

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


def kind_of_rows(key: str, rows: Sequence[msgspec.Raw], beside: Collection[str]) -> ResultKind:
    """Return the kind of the rows under a key; `beside` are the names of the members next to it."""
    if not rows:
        is_ids = key == "vertices" and not _ID_COUNTS.isdisjoint(beside)
        return ResultKind.VERTEX_IDS if is_ids else KINDS_OF_KEYS.get(key, ResultKind.RAW)
    kinds = (_kind_of(key, values.plain(row)) for row in rows[:_ROWS_LOOKED_AT])
    return next((kind for kind in kinds if kind), ResultKind.RAW)


def _kind_of(key: str, row: Any) -> ResultKind | None:
    if isinstance(row, list):
        return ResultKind.PATHS if path_of(row) is not None else None
    if not isinstance(row, dict):
        return ResultKind.VERTEX_IDS if id_of(row) is not None else None
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


def id_of(value: object) -> str | None:
    # Integer ids arrive as strings from most versions, as integers from some.
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value)


def ids_of(items: Sequence[object]) -> list[str] | None:
    ids = [text for item in items if (text := id_of(item)) is not None]
    return ids if len(ids) == len(items) else None


def path_of(items: Sequence[Any]) -> list[str] | None:
    """Return the vertices along a list of ids or of edges."""
    if not items or not all(isinstance(item, dict) for item in items):
        return ids_of(items)
    return ids_of([*(edge.get("source") for edge in items), items[-1].get("target")])
