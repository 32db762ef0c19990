"""The table of all formats, and the way from rows as GES wrote them to bytes of one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.formats.csv import CsvWriter
from gateway.formats.ndjson import NdjsonWriter
from gateway.formats.writer import Shape, Writer
from gateway.planes.tables import read_table
from schema.errors import BadUserInputError
from schema.export import ExportFormat
from schema.rows import ResultKind


def _open_arrow(shape: Shape) -> Writer:
    try:
        from gateway.formats.arrow import ArrowWriter
    except ImportError as error:
        raise BadUserInputError("This gateway was installed without the extra `arrow`.") from error
    return ArrowWriter(shape)


FORMATS: Mapping[ExportFormat, Callable[[Shape], Writer]] = {
    ExportFormat.NDJSON: NdjsonWriter,
    ExportFormat.CSV: CsvWriter,
    ExportFormat.ARROW: _open_arrow,
}


def open_writer(format: ExportFormat, shape: Shape) -> Writer:
    """Return what writes a format. Raises BadUserInputError when this gateway cannot."""
    return FORMATS[format](shape)


def write_rows(writer: Writer, kind: ResultKind, content: bytes, first_index: int) -> tuple[bytes, int]:
    """Write `[row, row, ...]`; return the bytes and how many rows they hold. Raises as `read_table` does."""
    table = read_table(kind, content, first_index)
    return writer.rows(table) if table.rows else b"", table.rows
