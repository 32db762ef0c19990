"""
Tables: runs of rows as columns, for formats that write many rows at once and none as an object.

What `rows` reads from a row is the definition of right; rows that fit no layout are read that way, one by one. Knows
no format.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from gateway.planes.layouts import Layout, layouts, row_type
from gateway.planes.rows import Rows
from schema.rows import RawRow, ResultKind

_RAW = msgspec.json.Decoder(msgspec.Raw)
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
# Brackets looked at for the end of the first row.
_MOST_TRIES = 16
# What every row has; the rest are its columns.
_OF_EVERY_ROW = frozenset({"index", "raw"})
_IDS_ALONE = ("vertex_id",)
# What is left of one row that maps a vertex to a number when all is deleted that is no sign of JSON.
_PAIR = b'{"":},'
_NO_SIGNS = bytes(set(range(256)).difference(b'{}[]":,\\'))
_FLATTENED = bytes.maketrans(b"{}:,", b" ,, ")
_FLAT = msgspec.json.Decoder(list[str | float | None])


@dataclass(frozen=True, slots=True)
class Table:
    """
    Some rows that follow each other. `columns` have one value a row each, in the order of `names`.

    `misfits` are the rows that do not fit their kind, by position in the table; nothing of them is in a column.
    """

    names: tuple[str, ...]
    columns: tuple[Sequence[Any], ...]
    first_index: int
    rows: int
    misfits: dict[int, msgspec.Raw]


def names_of(kind: ResultKind) -> tuple[str, ...]:
    """Return the attributes that rows of a kind have beside their index and themselves."""
    if kind is ResultKind.VERTEX_IDS:
        return _IDS_ALONE
    return tuple(name for name in row_type(kind).__annotations__ if name not in _OF_EVERY_ROW)


def read_table(kind: ResultKind, content: bytes, first_index: int) -> Table:
    """
    Read `[row, row, ...]`.

    Raises ValueError, which is msgspec.DecodeError for no JSON list and UnicodeDecodeError for no text; and
    RecursionError for what nests too deep.
    """
    if not content.isascii():
        str(content, "utf-8")  # Nothing else looks into what is copied through.
    names = names_of(kind)
    if kind is ResultKind.VERTEX_VALUES and (columns := _pairs(content)) is not None:
        return Table(names, columns, first_index, len(columns[0]), {})
    if names:
        for layout in layouts(kind, frozenset(names), lambda: _first_row(content)):
            try:
                rows = layout.decoder.decode(content)
                if layout.is_fit(rows):
                    return Table(names, _columns(layout, rows, names), first_index, len(rows), {})
            except (ValueError, RecursionError):
                continue
    return _one_by_one(kind, _RAWS.decode(content), first_index, names)


def _pairs(content: bytes) -> tuple[Sequence[Any], ...] | None:
    """
    Return the vertices and the numbers of `[{vertex:number}, ...]`; None for rows of which any might be otherwise.

    With each sign where it has to be, the rows are one flat list in which the number, too, ends with a comma: three
    times as quick to read as an object for each row. A last null follows the last of these commas.
    """
    signs = content.translate(None, _NO_SIGNS)
    if signs != b"[%b]" % (len(signs) // len(_PAIR) * _PAIR)[:-1]:
        return None
    try:
        flat = _FLAT.decode(content.translate(_FLATTENED)[:-1] + b"null]")
    except ValueError:
        return None
    return flat[:-1:2], flat[1::2]


def _first_row(content: bytes) -> Sequence[msgspec.Raw]:
    """Return the first row alone: an object ends at the first place where what is before it decodes."""
    for end in islice(re.finditer(rb"\}", content), _MOST_TRIES):
        with suppress(ValueError, RecursionError):
            return [_RAW.decode(content[1 : end.end()])]
    return _RAWS.decode(content)


def _columns(layout: Layout, rows: list[Any], names: tuple[str, ...]) -> tuple[Sequence[Any], ...]:
    # A column that is the same for all rows has no end of its own.
    return tuple(list(islice(layout.columns[name](rows), len(rows))) for name in names)


def _one_by_one(kind: ResultKind, raws: Sequence[msgspec.Raw], first_index: int, names: tuple[str, ...]) -> Table:
    columns: tuple[list[Any], ...] = tuple([] for _ in names)
    misfits = {}
    for position, row in enumerate(Rows(kind, raws, first_index)):
        if isinstance(row, RawRow):
            misfits[position] = raws[position]
        for name, column in zip(names, columns, strict=True):
            column.append(getattr(row, name, None))
    return Table(names, columns, first_index, len(raws), misfits)
