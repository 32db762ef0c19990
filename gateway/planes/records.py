"""What the readers hand back where the contract has no type of its own: parts of lists, graphs as listed."""

from __future__ import annotations

from dataclasses import dataclass

from schema.algorithm_result import RowPage
from schema.graph import GraphEdition
from schema.job import Job
from schema.scalars import DateTime


@dataclass(frozen=True, slots=True)
class JobsRead:
    """
    Some jobs of a list and how many there are in all, None when GES does not say.

    A job of the task center knows its graph by name only, None where even that is missing: `ref.graph` has no id yet.
    """

    jobs: list[Job]
    total: int | None


@dataclass(frozen=True, slots=True)
class JobRead:
    """One job, and the window of its rows that was asked for; None when it has no rows."""

    job: Job
    page: RowPage | None


@dataclass(frozen=True, slots=True)
class GraphRecord:
    """A graph as the management plane describes it. `addresses` are untrusted: where its service plane may answer."""

    graph_id: str
    name: str
    edition: GraphEdition
    status_code: str | None
    is_running: bool
    addresses: tuple[str, ...]
    enable_https: bool | None
    enable_rbac: bool | None
    created_at: DateTime | None


@dataclass(frozen=True, slots=True)
class GraphsRead:
    """Some graphs of a list and how many there are in all, None when GES does not say."""

    graphs: list[GraphRecord]
    total: int | None
