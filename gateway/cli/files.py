"""Files that are written piece by piece, and what of a partial one counts. Knows formats by their ends of rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_BLOCK_BYTES = 1024 * 1024
# Formats in which rows end visibly, and how many lines before them are none.
HEADS = {"ndjson": 0, "csv": 1}
# Those in which a line may break inside of quotes; JSON writes such breaks otherwise.
_QUOTING = {"csv"}


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a partial file can be continued: so many bytes, which hold so many whole rows."""

    bytes: int = 0
    rows: int = 0


def partial_of(path: Path) -> Path:
    """Return where a file is written until it is whole."""
    return path.with_name(f"{path.name}.part")


def measure(path: Path, format: str) -> Kept:
    """Return what is whole of a partial file; nothing when there is none."""
    if not path.exists():
        return Kept()
    with path.open("rb") as file:
        lines, end = _lines(file, has_quotes=format in _QUOTING)
    rows = lines - HEADS[format]
    # Without the line of names there is nothing to continue.
    return Kept(end, rows) if rows >= 0 else Kept()


@contextmanager
def written(path: Path, kept: Kept) -> Iterator[BinaryIO]:
    """Write a file behind what is kept of it. It gets its name when it is whole; until then it is a partial one."""
    partial = partial_of(path)
    with partial.open("r+b" if kept.bytes else "wb") as file:
        file.truncate(kept.bytes)
        file.seek(kept.bytes)
        yield file
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _lines(file: BinaryIO, *, has_quotes: bool) -> tuple[int, int]:
    """Return how many lines are whole, and where the last of them ends; breaks inside of quotes end no line."""
    lines = end = position = 0
    is_quoted = False
    while block := file.read(_BLOCK_BYTES):
        for place, text in enumerate(block.split(b'"') if has_quotes else [block]):
            if place:
                position += 1
                is_quoted = not is_quoted
            if not is_quoted and (breaks := text.count(b"\n")):
                lines += breaks
                end = position + text.rindex(b"\n") + 1
            position += len(text)
    return lines, end
