"""NDJSON: one object a line, its members those of the row's type. A row that does not fit its kind has `raw` alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import count
from typing import Any

import msgspec

from gateway.formats.writer import Shape, closed_up
from gateway.planes.tables import Table

_ENCODER = msgspec.json.Encoder()


class NdjsonWriter:
    """Lines of JSON need neither head nor end, so a result can be continued behind any of them."""

    def __init__(self, shape: Shape) -> None:
        self._make = _object_type(("index", *shape.titles))
        self._make_misfit = _object_type(("index", "raw"))

    def head(self) -> bytes:
        """Write nothing."""
        return b""

    def rows(self, table: Table) -> bytes:
        """Write a line for each row."""
        lines = _ENCODER.encode_lines(self._objects(table, table.columns))
        if lines.count(b"\n") == table.rows and b"\r" not in lines:
            return lines
        # GES laid JSON out over several lines.
        columns = [list(map(closed_up, column)) for column in table.columns]
        return _ENCODER.encode_lines(self._objects(table, columns))

    def tail(self) -> bytes:
        """Write nothing."""
        return b""

    def _objects(self, table: Table, columns: Iterable[Iterable[Any]]) -> list[Any]:
        objects = list(map(self._make, count(table.first_index), *columns)) if columns else [None] * table.rows
        for position, raw in table.misfits.items():
            objects[position] = self._make_misfit(table.first_index + position, closed_up(raw))
        return objects


@lru_cache(maxsize=32)
def _object_type(titles: tuple[str, ...]) -> Callable[..., Any]:
    fields = [(f"member_{place}", Any, msgspec.field(name=title)) for place, title in enumerate(titles)]
    return msgspec.defstruct("Object", fields, gc=False)
