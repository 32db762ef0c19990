"""Apache Arrow: an IPC stream with a record batch for each run of rows. Needs nanoarrow, the extra `arrow`."""

from __future__ import annotations

import io
from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any, NamedTuple

import nanoarrow
from nanoarrow.c_array_stream import CArrayStream
from nanoarrow.ipc import StreamWriter

from gateway.formats.writer import Shape, misfits_of, raw_text
from gateway.planes.tables import Table


class ArrowWriter:
    """Columns as in CSV, with `index` before them; lists stay lists, JSON is text."""

    def __init__(self, shape: Shape) -> None:
        self._columns = [_COLUMNS[name] for name in shape.names]
        titles = ("index", *shape.titles, "raw")
        types = (nanoarrow.int64(), *(column.type for column in self._columns), nanoarrow.string())
        self._schema = nanoarrow.struct(dict(zip(titles, types, strict=True)))
        self._sink = io.BytesIO()
        self._writer = StreamWriter.from_writable(self._sink)

    def head(self) -> bytes:
        """Write the schema."""
        self._writer.write_stream(CArrayStream.from_c_arrays([], nanoarrow.c_schema(self._schema)), write_schema=True)
        return self._taken()

    def rows(self, table: Table) -> bytes:
        """Write a record batch."""
        end = table.first_index + table.rows
        children = [
            nanoarrow.c_array(array("q", range(table.first_index, end))),
            *(column.build(values) for column, values in zip(self._columns, table.columns, strict=True)),
            _texts(list(map(raw_text, misfits_of(table)))),
        ]
        batch = nanoarrow.c_array_from_buffers(self._schema, table.rows, [None], children=children)
        self._writer.write_array(batch, write_schema=False)
        return self._taken()

    def tail(self) -> bytes:
        """Write the end of the stream, without which a reader knows that something is missing."""
        self._writer.close()
        return self._taken()

    def _taken(self) -> bytes:
        taken = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return taken


class _Column(NamedTuple):
    type: Any
    build: Callable[[Sequence[Any]], Any]


def _texts(values: Sequence[str | None]) -> Any:
    return nanoarrow.c_array(values, nanoarrow.string())


def _lists(item: _Column, values: Sequence[Sequence[Any] | None]) -> Any:
    present = nanoarrow.c_buffer([value is not None for value in values], nanoarrow.bool_())
    filled = [value or () for value in values]
    offsets = array("i", accumulate(map(len, filled), initial=0))
    items = item.build(list(chain.from_iterable(filled)))
    return nanoarrow.c_array_from_buffers(nanoarrow.list_(item.type), len(values), [present, offsets], children=[items])


_TEXT = _Column(nanoarrow.string(), _texts)
_JSON = _Column(nanoarrow.string(), lambda values: _texts(list(map(raw_text, values))))
_FLOAT = _Column(nanoarrow.float64(), lambda values: nanoarrow.c_array(values, nanoarrow.float64()))
_COUNT = _Column(nanoarrow.int64(), lambda values: nanoarrow.c_array(values, nanoarrow.int64()))
_TEXT_LIST = _Column(nanoarrow.list_(_TEXT.type), lambda values: _lists(_TEXT, values))
_FLOAT_LIST = _Column(nanoarrow.list_(_FLOAT.type), lambda values: _lists(_FLOAT, values))
_COLUMNS: Mapping[str, _Column] = {
    "vertex_id": _TEXT,
    "source_id": _TEXT,
    "target_id": _TEXT,
    "edge_index": _TEXT,
    "label": _TEXT,
    "properties": _JSON,
    "value": _FLOAT,
    "length": _COUNT,
    "group_ids": _TEXT_LIST,
    "vertex_ids": _TEXT_LIST,
    "vector": _FLOAT_LIST,
}
