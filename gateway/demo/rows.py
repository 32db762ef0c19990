"""Rows of a result as JSON text, made from their index when they are asked for. Knows no jobs and keeps no rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

_LABELS = ("warehouse", "factory", "port", "shop", "depot")
_CITIES = ("Lyon", "Porto", "Ghent", "Turin", "Gdansk", "Bilbao", "Malmo")
_COUNTRIES = ("FR", "PT", "BE", "IT", "PL", "ES", "SE")
_CLIMATES = ("cooled", "normal")
_EDGE_LABELS = ("ships_to", "returns_to", "supplies")


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of a result: the key they are sent under, how many there are, and how to write the one at an index."""

    key: str
    total: int
    row: Callable[[int], str]

    def page(self, offset: int, limit: int) -> tuple[int, str]:
        """Write the rows of one page, comma separated, and count them. Beyond the end a page is empty."""
        window = range(min(offset, self.total), min(offset + limit, self.total))
        return len(window), ",".join(map(self.row, window))


def listed(key: str, rows: Sequence[Any]) -> Rows:
    """Take rows as they are: for shapes that have only a few."""
    texts = [msgspec.json.encode(row).decode() for row in rows]
    return Rows(key, len(texts), texts.__getitem__)


def vertex_id(index: int) -> str:
    """Name the vertex that the row at this index is about."""
    return f"site-{index:07d}"


def rank(index: int) -> str:
    """Write a vertex with a score that falls from row to row, as pagerank sends it."""
    return f'{{"site-{index:07d}":{1 / (index + 4):.12f}}}'


def coreness(index: int) -> str:
    """Write a vertex with a small whole number."""
    return f'{{"site-{index:07d}":{2 + index % 5}}}'


def distance(index: int) -> str:
    """Write a vertex with its distance from the source."""
    return f'{{"site-{index:07d}":{index % 9}.0}}'


def community(index: int) -> str:
    """Write a vertex with the one group it belongs to; group ids are strings."""
    return f'{{"site-{index:07d}":"{_scatter(index) % 400}"}}'


def communities(index: int) -> str:
    """Write a vertex with the groups it belongs to; here group ids are integers."""
    return f'{{"site-{index:07d}":[{index % 3},{3 + index % 4}]}}'


def embedding(index: int) -> str:
    """Write a vertex with a vector of eight numbers."""
    vector = ",".join(f"{_scatter(index * 8 + place) % 2000 / 1000 - 1:.3f}" for place in range(8))
    return f'{{"site-{index:07d}":[{vector}]}}'


def vertex(index: int) -> str:
    """Write a vertex with label and properties, about 159 bytes."""
    return f'{{"id":"site-{index:07d}",{_VERTEX_TAILS[index % len(_VERTEX_TAILS)]}'


def edge(index: int) -> str:
    """Write an edge with label and properties."""
    source, target = index, _scatter(index) % 20417
    tail = _EDGE_TAILS[index % len(_EDGE_TAILS)]
    return f'{{"index":"{index % 3}","source":"site-{source:07d}","target":"site-{target:07d}",{tail}'


def _scatter(index: int) -> int:
    # Knuth's multiplicative hash: looks random, yet the same row is the same in every process.
    return index * 2654435761 % 4294967296


def _vertex_tail(index: int) -> str:
    place = index % len(_CITIES)
    opened = f"20{10 + index % 15}-0{1 + index % 9}-{10 + index % 18} 08:00:00"
    return (
        f'"label":"{_LABELS[index % len(_LABELS)]}","properties":{{"city":["{_CITIES[place]}"],'
        f'"country":["{_COUNTRIES[place]}"],"capacity":[{100 + index * 13 % 900}],'
        f'"opened":["{opened}"],"climate":["{_CLIMATES[index % 2]}"]}}}}'
    )


def _edge_tail(index: int) -> str:
    label = _EDGE_LABELS[index % len(_EDGE_LABELS)]
    since = f"20{10 + index % 15}-11-22 19:16:16"
    return f'"label":"{label}","properties":{{"days":[{1 + index % 9}],"since":["{since}"]}}}}'


# Properties repeat after a while, so that a page of 100,000 rows costs one short format per row.
_VERTEX_TAILS = [_vertex_tail(index) for index in range(315)]
_EDGE_TAILS = [_edge_tail(index) for index in range(135)]
