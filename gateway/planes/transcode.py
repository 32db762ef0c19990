"""
Transcoding: rows as GES wrote them in, rows as a selection wants them out, many at once and none as an object.

What `rows` reads from a row is the definition of right; rows that fit no layout are read that way, one by one. Knows
nothing of where rows come from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count, islice, repeat
from typing import Any, NamedTuple

import msgspec

from gateway.planes.layouts import Layout, layouts, row_type, usual_layout
from gateway.planes.rows import Rows
from gateway.planes.rowstream import STEP_BYTES
from schema.projection import CURSOR, Constant, Projection, Source, Template, attributes
from schema.rows import ResultKind, ResultRow, RowList

# Very short rows cost by their number and not by their bytes.
STEP_ROWS = 1_000
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODER = msgspec.json.Encoder()


class HeldRows(Rows, RowList):
    """Rows of one kind over bytes that are in memory and known to be text."""

    def contents(self) -> Iterator[tuple[bytes, int]]:
        """Give the rows as `[row, row, ...]`, as many at a time as `runs` writes, with the index of the first."""
        for start, end in _steps(self.raws):
            yield b"[%b]" % b",".join(self.raws[start:end]), self.offset + start

    def runs(self, projection: Projection) -> Iterator[bytes]:
        """Write the rows as JSON, so many at a time that a run takes about a millisecond."""
        for start, end in _steps(self.raws):
            raws = self.raws[start:end]
            written, _ = _Run(self.kind, b"[%b]" % b",".join(raws), self.offset + start, raws).write(projection)
            yield written


def transcode(kind: ResultKind, content: bytes, first_index: int, projection: Projection) -> tuple[bytes, int]:
    """
    Write `[row, row, ...]` as a projection wants it: the rows joined by commas, without brackets, and their number.

    Raises ValueError, which is msgspec.DecodeError for no JSON list and UnicodeDecodeError for no text; and
    RecursionError for what nests too deep.
    """
    if not content.isascii():
        str(content, "utf-8")  # Nothing else looks into what is copied through.
    return _Run(kind, content, first_index).write(projection)


class Decoded(NamedTuple):
    """Rows of one kind that follow each other, read for whatever may be asked of them; they are written once."""

    kind: ResultKind
    layout: Layout
    rows: list[Any]

    def write(self, first_index: int, projection: Projection) -> bytes | None:
        """Write the rows joined by commas; None when more is asked for than was read of them."""
        template = projection.template(row_type(self.kind))
        if not attributes(template) <= {*self.layout.columns, "index", CURSOR}:
            return None
        run = _Run(self.kind, b"", first_index)
        return _ENCODER.encode(run.objects(self.layout, self.rows, template, projection))[1:-1]


def decode(kind: ResultKind, content: bytes) -> Decoded | None:
    """Read `[row, row, ...]`, which is known to be text, as most rows of a kind are; None when it is anything else."""
    layout = usual_layout(kind)
    try:
        return Decoded(kind, layout, layout.decoder.decode(content)) if layout else None
    except (ValueError, RecursionError):
        return None


class _Run:
    """Rows of one kind that follow each other, as bytes and, when they are asked for, cut apart."""

    def __init__(
        self, kind: ResultKind, content: bytes, first_index: int, raws: Sequence[msgspec.Raw] | None = None
    ) -> None:
        self._kind = kind
        self._content = content
        self._first_index = first_index
        self._raws = raws

    def write(self, projection: Projection) -> tuple[bytes, int]:
        """Return the rows joined by commas, and their number."""
        template = projection.template(row_type(self._kind))
        for layout in layouts(self._kind, attributes(template), self.raws):
            try:
                rows = layout.decoder.decode(self._content)
                if layout.is_fit(rows):
                    return _ENCODER.encode(self.objects(layout, rows, template, projection))[1:-1], len(rows)
            except (ValueError, RecursionError):
                continue
        objects = [_object(row, projection.template(type(row)), projection.cursor_prefix) for row in self._each()]
        return _ENCODER.encode(objects)[1:-1], len(objects)

    def raws(self) -> Sequence[msgspec.Raw]:
        """Return the bytes of each row."""
        if self._raws is None:
            self._raws = _RAWS.decode(self._content)
        return self._raws

    def indexes(self) -> Iterator[int]:
        """Count from the index of the first row, without end."""
        return count(self._first_index)

    def objects(self, layout: Layout, rows: list[Any], template: Template, projection: Projection) -> list[Any]:
        """Return what the encoder writes as asked for; the rows are used up."""
        renamed = _renamed_type(layout.members, template) if layout.members else None
        if renamed is not None:
            # Another type for each row takes half the time of another object beside it.
            deque(map(setattr, rows, repeat("__class__"), repeat(renamed)), 0)
            return rows
        columns = _Columns(self, layout, rows, projection.cursor_prefix)
        return list(islice(columns.objects(template), len(rows)))

    def _each(self) -> Iterable[ResultRow]:
        return Rows(self._kind, self.raws(), self._first_index)


class _Columns:
    """What the rows of a run say, by attribute and for all of them; at least as many values as there are rows."""

    def __init__(self, run: _Run, layout: Layout, rows: list[Any], cursor_prefix: str) -> None:
        self._run = run
        self._layout = layout
        self._rows = rows
        self._cursor_prefix = cursor_prefix

    def objects(self, template: Template) -> Iterator[Any]:
        """Give for each row what a template makes of it."""
        make = _object_type(tuple(key for key, _ in template))
        return map(make, *map(self._column, (source for _, source in template))) if template else repeat(make())

    def _column(self, source: Source) -> Iterable[Any]:
        match source:
            case Constant(text):
                return repeat(text)
            case tuple():
                return self.objects(source)
            case "index":
                return self._run.indexes()
            case "raw":
                return self._run.raws()
            case _ if source == CURSOR:
                # A cursor names what follows its row.
                return map(self._cursor_prefix.__add__, map(str, islice(self._run.indexes(), 1, None)))
        return self._layout.columns[source](self._rows)


@lru_cache(maxsize=512)
def _object_type(keys: tuple[str, ...]) -> Callable[..., Any]:
    # Response keys need not be Python names, and members may not begin with two underscores.
    fields = [(f"member_{place}", Any, msgspec.field(name=key)) for place, key in enumerate(keys)]
    return msgspec.defstruct("Object", fields, gc=False)


@lru_cache(maxsize=512)
def _renamed_type(members: frozenset[str], template: Template) -> type | None:
    """Return a type that writes Structs of these members as a template asks, when it asks for each of them once."""
    if len(template) != len(members) or {source for _, source in template} != members:
        return None
    fields = [(str(source), Any, msgspec.field(name=key)) for key, source in template]
    return msgspec.defstruct("Renamed", fields, gc=False)


def _object(row: ResultRow, template: Template, cursor_prefix: str) -> dict[str, Any]:
    return {key: _value(row, source, cursor_prefix) for key, source in template}


def _value(row: ResultRow, source: Source, cursor_prefix: str) -> Any:
    match source:
        case Constant(text):
            return text
        case tuple():
            return _object(row, source, cursor_prefix)
        case _ if source == CURSOR:
            return f"{cursor_prefix}{row.index + 1}"
    return getattr(row, source)


def _steps(raws: Sequence[msgspec.Raw]) -> Iterator[tuple[int, int]]:
    """Give where each run starts and ends: before a step's bytes or rows are passed, behind one row at least."""
    start, size = 0, 0
    for place, length in enumerate(map(len, raws)):
        if place > start and (size + length > STEP_BYTES or place - start == STEP_ROWS):
            yield start, place
            start, size = place, 0
        size += length
    if start < len(raws):
        yield start, len(raws)
