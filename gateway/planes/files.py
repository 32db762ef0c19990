"""Imported files: the lists that both planes give of what an import read. Knows no jobs."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.planes import values, words
from gateway.planes.values import Members
from schema.import_detail import ImportDetail, ImportFile, ImportFileKind
from schema.scalars import Long

_KINDS = list(ImportFileKind)


def read_files(holders: Iterable[Members]) -> ImportDetail | None:
    """Read the lists of files among the members given, schema files first; None when there is no such list."""
    found = [
        (words.FILE_LISTS[name], raw)
        for members in holders
        for name, raw in members.items()
        if name in words.FILE_LISTS and raw != values.NULL
    ]
    if not found:
        return None
    ordered = sorted(found, key=lambda entry: _KINDS.index(entry[0]))
    return ImportDetail(all_files=tuple(_file(kind, row) for kind, raw in ordered for row in values.items_of(raw)))


def _file(kind: ImportFileKind, raw: msgspec.Raw) -> ImportFile:
    row = values.folded_members(raw)
    status = values.get_text(row, "status")
    return ImportFile(
        kind=kind,
        path=values.get_text(row, "path", "filename") or "",
        log_path=values.get_text(row, "log"),
        status=words.read_file_status(status),
        raw_status=status,
        cause=values.get_text(row, "cause", "failreason"),
        total_lines=_lines(row, "total"),
        failed_lines=_lines(row, "failed"),
        successful_lines=_lines(row, "successful"),
    )


def _lines(row: Members, which: str) -> Long | None:
    # A schema file has labels where other files have lines.
    count = values.count(values.get(row, f"{which}lines", f"{which}labels"))
    return None if count is None else Long(count)
