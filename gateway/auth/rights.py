"""Rights: which graphs of one project a caller may see, where the gateway decides that and not GES. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

EVERY_GRAPH = "*"


@dataclass(frozen=True, slots=True)
class Rights:
    """
    The graphs of a project by name or id; all of them when `graphs` is None, as `*` says.

    A database instance is opened as a whole, by its own name or id.
    """

    project: str
    graphs: frozenset[str] | None = None

    @classmethod
    def to(cls, graphs: Iterable[str], project: str) -> Rights:
        """Return the rights to graphs as people list them."""
        listed = frozenset(graphs)
        return cls(project, None if EVERY_GRAPH in listed else listed)

    def opens(self, *names: str | None) -> bool:
        """Tell whether a graph of one of these names or ids may be seen."""
        return self.graphs is None or any(name in self.graphs for name in names if name is not None)

    def text(self) -> str:
        """Return one spelling for equal rights, for keys."""
        return json.dumps([self.project, None if self.graphs is None else sorted(self.graphs)])
