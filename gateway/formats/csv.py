"""
CSV as RFC 4180 has it, in UTF-8: what is no single value is flattened into one cell. Spreadsheets are kept from taking
a text for a formula.

A column is made into cells at once where its texts are plain, as nearly all are; else cell by cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import msgspec

from gateway.formats.writer import Shape, misfits_of, raw_text
from gateway.planes.tables import Table
from gateway.planes.values import NULL

_ENCODER = msgspec.json.Encoder()
_END = "\r\n"
# What of a text needs quotes, or might be taken for a formula where it comes first.
_SPECIAL = '",\r\n=+@\t'
_PLAIN = bytes(byte for byte in range(256) if chr(byte) not in _SPECIAL)
_NEEDS_QUOTES = re.compile(r'[",\r\n]')
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)

_Cells = Callable[[Sequence[Any]], Sequence[str]]


class CsvWriter:
    """Rows of one kind, a line each; the last column holds rows that do not fit the others."""

    def __init__(self, shape: Shape) -> None:
        self._titles = () if shape.is_continued else (*shape.titles, "raw")
        kinds: Mapping[str, _Cells] = _VERBATIM if shape.is_verbatim else _GUARDED
        self._cells = [kinds[name] for name in shape.names]

    def head(self) -> bytes:
        """Write the names of the columns, unless lines before these have them."""
        return (",".join(self._titles) + _END).encode() if self._titles else b""

    def rows(self, table: Table) -> bytes:
        """Write a line for each row."""
        columns = [cells(column) for cells, column in zip(self._cells, table.columns, strict=True)]
        if table.misfits or not columns:
            columns.append(_json_cells(misfits_of(table)))
            return _lines(columns, table.rows, _END)
        # The last column is empty in every line.
        return _lines(columns, table.rows, f",{_END}")

    def tail(self) -> bytes:
        """Write nothing: a line ends by itself."""
        return b""


def _lines(columns: Sequence[Sequence[str]], rows: int, end: str) -> bytes:
    """Join cells to lines. They are laid out as they are written, so that one join does it all."""
    width = 2 * len(columns)
    pieces = [","] * (width * rows)
    for place, cells in enumerate(columns):
        pieces[2 * place :: width] = cells
    pieces[width - 1 :: width] = [end] * rows
    return "".join(pieces).encode()


def _text_cells(texts: Sequence[str | None], *, guarded: bool) -> Sequence[str]:
    if None not in texts:
        lines = "\n" + "\n".join(texts)  # type: ignore[arg-type]  # None was looked for
        breaks = lines.encode("utf-8", "surrogatepass").translate(None, _PLAIN)
        if breaks == b"\n" * len(texts) and "\n-" not in lines and "" not in texts:
            return texts  # type: ignore[return-value]
    elif not any(texts) and "" not in texts:
        return [""] * len(texts)
    return [_text_cell(text, guarded) for text in texts]


def _text_cell(text: str | None, guarded: bool) -> str:
    if text is None:
        return ""
    if guarded and _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        text = f"'{text}"
    # Nothing at all is null, so an empty text has quotes.
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if _NEEDS_QUOTES.search(text) or not text else text


def _json_cells(raws: Sequence[msgspec.Raw | None]) -> list[str]:
    if None not in raws and NULL not in raws:
        lines = b"\n".join(raws).replace(b'"', b'""')  # type: ignore[arg-type]  # None was looked for
        cells = lines.replace(b"\n", b'"\n"').decode().split("\n")
        if len(cells) == len(raws) and b"\r" not in lines:
            # The first and the last have no neighbour that would have given them this quote.
            cells[0] = f'"{cells[0]}'
            cells[-1] += '"'
            return cells
    return [_text_cell(raw_text(raw), False) for raw in raws]


def _number_cells(numbers: Sequence[float | None]) -> Sequence[str]:
    return _ENCODER.encode(numbers)[1:-1].replace(b"null", b"").decode().split(",")


def _list_cells(lists: Sequence[Sequence[str] | None], *, guarded: bool) -> Sequence[str]:
    """Write lists of texts with `;` between them; one that would not read back as it was, as JSON."""
    if None not in lists and all(lists):
        items = "\n" + "\n".join(chain.from_iterable(lists))  # type: ignore[arg-type]  # None was looked for
        if ";" not in items and "\n[" not in items and "\n\n" not in items + "\n":
            return _text_cells(list(map(";".join, lists)), guarded=guarded)  # type: ignore[arg-type]
    return [_text_cell(_list_text(texts), guarded) for texts in lists]


def _list_text(texts: Sequence[str] | None) -> str | None:
    if texts is None or all(text and ";" not in text and text[0] != "[" for text in texts):
        return None if not texts else ";".join(texts)
    return _ENCODER.encode(texts).decode()


def _vector_cells(vectors: Sequence[Sequence[float] | None]) -> list[str]:
    if None in vectors:
        return ["" if vector is None else ";".join(_number_cells(vector)) for vector in vectors]
    return _ENCODER.encode(vectors)[2:-2].replace(b",", b";").decode().split("];[")


def _columns(*, guarded: bool) -> Mapping[str, _Cells]:
    texts, lists = partial(_text_cells, guarded=guarded), partial(_list_cells, guarded=guarded)
    return {
        "vertex_id": texts,
        "source_id": texts,
        "target_id": texts,
        "edge_index": texts,
        "label": texts,
        "properties": _json_cells,
        "value": _number_cells,
        "length": _number_cells,
        "group_ids": lists,
        "vertex_ids": lists,
        "vector": _vector_cells,
    }


_GUARDED, _VERBATIM = _columns(guarded=True), _columns(guarded=False)
