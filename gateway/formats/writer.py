"""What every format is: a head, rows, an end, over tables of rows. Knows no HTTP and not where rows come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from strawberry.utils.str_converters import to_camel_case

from gateway.planes.tables import Table, names_of
from gateway.planes.values import NULL
from schema.rows import ResultKind


@dataclass(frozen=True, slots=True)
class Shape:
    """What is going to be written: rows of which kind, from the first on or from a later one, texts as they are."""

    kind: ResultKind
    is_continued: bool = False
    is_verbatim: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of these rows, by the names of our attributes."""
        return names_of(self.kind)

    @property
    def titles(self) -> tuple[str, ...]:
        """The same as clients know them from the contract."""
        return tuple(map(to_camel_case, self.names))


class Writer(Protocol):
    """Writes one result. The calls come in the order of the methods, `rows` as often as there are runs of rows."""

    def head(self) -> bytes:
        """Write what stands before the rows."""

    def rows(self, table: Table) -> bytes:
        """Write some rows, one at least."""

    def tail(self) -> bytes:
        """Write what stands behind the rows."""


def closed_up(value: Any) -> Any:
    """Return JSON without the blanks between its parts, line breaks among them; anything else as it is."""
    return msgspec.Raw(msgspec.json.format(bytes(value), indent=-1)) if isinstance(value, msgspec.Raw) else value


def raw_text(raw: msgspec.Raw | None) -> str | None:
    """Return JSON as text on one line; None for null."""
    if raw is None or raw == NULL:
        return None
    content = bytes(raw)
    is_one_line = b"\n" not in content and b"\r" not in content
    return str(content if is_one_line else bytes(closed_up(raw)), "utf-8")


def misfits_of(table: Table) -> Sequence[msgspec.Raw | None]:
    """Return the column of what does not fit: nothing for nearly every row."""
    return [table.misfits.get(position) for position in range(table.rows)]
