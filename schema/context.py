"""What resolvers may ask for: the ports, and the Context of one operation that carries them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias

import strawberry
from graphql import GraphQLError

from schema.errors import BadUserInputError, GatewayError
from schema.ids import GraphKey, JobRef
from schema.page import PageRequest, Window
from schema.plane import Plane

if TYPE_CHECKING:
    from schema.algorithm_result import RowPage
    from schema.graph import Graph, GraphConnection
    from schema.health import PlaneHealth
    from schema.job import Job, JobKind
    from schema.job_event import JobEvent
    from schema.job_list import JobConnection, JobFilter


@dataclass(frozen=True, slots=True)
class JobParts:
    """
    The parts of a job that the selection asks for, as far as they decide which upstream calls are made.

    `listing`: fields that only the job list of a graph has. `identity`: the id or the graph. `result`, `failure`:
    what a job list may lack. `window`: the rows asked for, given their job; None when no rows are selected.
    """

    listing: bool
    identity: bool
    result: bool
    failure: bool
    window: Callable[[JobRef], Window | None]


class Jobs(Protocol):
    """Asks the planes for jobs. Every method raises the errors of `schema.errors`."""

    async def get(self, ref: JobRef, parts: JobParts, wait_seconds: float = 0) -> Job:
        """Return one job, waiting for its end so long. Asks only the plane the ref names."""

    async def find(
        self, graph: GraphKey, job_id: str, plane: Plane | None, parts: JobParts, wait_seconds: float = 0
    ) -> Job:
        """Return the job with this upstream id, from the plane given or from whichever has it, waiting so long."""

    async def rows(self, ref: JobRef, window: Window) -> RowPage:
        """Return one window of a job's rows."""

    def watch(self, refs: Sequence[JobRef]) -> AsyncGenerator[JobEvent]:
        """Tell of jobs until all have ended; close it when nobody listens any more."""

    def watch_graph(
        self, graph: GraphKey, planes: Sequence[Plane] | None, kinds: Sequence[JobKind] | None
    ) -> AsyncGenerator[JobEvent]:
        """Tell of the jobs of a graph, from the planes and of the kinds given; close it when nobody listens."""

    async def list_project(self, project: str, filter: JobFilter, page: PageRequest, parts: JobParts) -> JobConnection:
        """Return jobs of the project's task center."""

    async def list_graph(
        self, graph: Graph, planes: Sequence[Plane] | None, filter: JobFilter, page: PageRequest, parts: JobParts
    ) -> JobConnection:
        """Return jobs of one graph from the planes given, from all by default, asked at the same time."""


class Graphs(Protocol):
    """Asks for graphs. Every method raises the errors of `schema.errors`."""

    async def get(self, key: GraphKey) -> Graph:
        """Return one graph; raises NotFoundError only when GES really said that there is none."""

    async def list(self, project: str, page: PageRequest) -> GraphConnection:
        """Return graphs of the project."""


@dataclass(slots=True)
class Context:
    """All that the resolvers of one operation share. Built for each operation, never kept longer."""

    jobs: Jobs
    graphs: Graphs
    planes: Callable[[], list[PlaneHealth]]
    version: str
    now: datetime
    request_id: str
    # Checked; None when neither the settings nor the request name a project.
    project_id: str | None
    problems: list[GraphQLError] = field(default_factory=list)

    @property
    def project(self) -> str:
        """The project asked about; raises BadUserInputError when nobody named one."""
        if self.project_id is None:
            raise BadUserInputError("No project: send the header X-Project-Id.")
        return self.project_id

    def report(self, error: GatewayError, info: Info) -> None:
        """Add an entry to `errors[]` beside the data, at the path of the field being resolved."""
        path = info.path.as_list() if info.path else None
        self.problems.append(GraphQLError(error.message, path=path, original_error=error))


Info: TypeAlias = strawberry.Info[Context, None]
