"""Ports that answer from memory and remember how they were asked, and the context resolvers run in. No planes."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from strawberry.types import ExecutionResult

from schema.algorithm_result import AlgorithmResult, RowPage
from schema.build import build_schema
from schema.context import Context, Graphs, JobParts, Jobs
from schema.errors import GatewayError, NotFoundError
from schema.graph import Graph, GraphConnection, GraphEdition
from schema.health import PlaneHealth
from schema.ids import GraphKey, JobRef
from schema.job import Job, JobKind, JobSource, JobStatus
from schema.job_event import JobEvent
from schema.job_list import JobConnection, JobEdge, JobFilter, PlaneReport
from schema.page import PageRequest, Window
from schema.plane import Plane
from schema.rows import ResultKind, ResultRow
from schema.scalars import DateTime

Answer = TypeVar("Answer")

SCHEMA = build_schema()
PROJECT = "p1"
NOW = datetime(2026, 3, 4, 10, 20, 30, tzinfo=UTC)
MOVIES = GraphKey(PROJECT, name="movies")
INSTANCE = GraphKey(PROJECT, graph_id="g-1")
SERVICE_JOB = JobRef(Plane.SERVICE, MOVIES, "42")
MANAGEMENT_JOB = JobRef(Plane.MANAGEMENT, INSTANCE, "a7")


class Got(NamedTuple):
    """How `Jobs.get` was asked."""

    ref: JobRef
    parts: JobParts
    wait_seconds: float


class Sought(NamedTuple):
    """How `Jobs.find` was asked."""

    graph: GraphKey
    job_id: str
    plane: Plane | None
    parts: JobParts
    wait_seconds: float


class ProjectListed(NamedTuple):
    """How `Jobs.list_project` was asked."""

    project: str
    filter: JobFilter
    page: PageRequest
    parts: JobParts


class GraphListed(NamedTuple):
    """How `Jobs.list_graph` was asked."""

    graph: GraphKey
    planes: Sequence[Plane] | None
    filter: JobFilter
    page: PageRequest
    parts: JobParts


@dataclass
class FakeJobs:
    """Has some jobs, the rows of each of them and one page for every list; raises the errors put in their places."""

    held: dict[JobRef, Job | GatewayError] = field(default_factory=dict)
    kept_rows: Sequence[ResultRow] | GatewayError = ()
    listed: JobConnection | GatewayError | None = None
    got: list[Got] = field(default_factory=list)
    sought: list[Sought] = field(default_factory=list)
    windows: list[tuple[JobRef, Window]] = field(default_factory=list)
    project_listed: list[ProjectListed] = field(default_factory=list)
    graph_listed: list[GraphListed] = field(default_factory=list)
    events: list[JobEvent | GatewayError] = field(default_factory=list)
    watched: list[object] = field(default_factory=list)
    unwatched: int = 0

    async def get(self, ref: JobRef, parts: JobParts, wait_seconds: float = 0) -> Job:
        self.got.append(Got(ref, parts, wait_seconds))
        return given(self.held.get(ref))

    async def find(
        self, graph: GraphKey, job_id: str, plane: Plane | None, parts: JobParts, wait_seconds: float = 0
    ) -> Job:
        self.sought.append(Sought(graph, job_id, plane, parts, wait_seconds))
        places = [JobRef(asked, graph, job_id) for asked in Plane if plane in (asked, None)]
        return given(next((self.held[place] for place in places if place in self.held), None))

    async def rows(self, ref: JobRef, window: Window) -> RowPage:
        self.windows.append((ref, window))
        rows = given(self.kept_rows)
        return RowPage(window, window.offset, rows[window.offset : window.offset + window.limit], len(rows))

    async def list_project(self, project: str, filter: JobFilter, page: PageRequest, parts: JobParts) -> JobConnection:
        self.project_listed.append(ProjectListed(project, filter, page, parts))
        return given(self.listed)

    async def list_graph(
        self, graph: Graph, planes: Sequence[Plane] | None, filter: JobFilter, page: PageRequest, parts: JobParts
    ) -> JobConnection:
        self.graph_listed.append(GraphListed(graph.key, planes, filter, page, parts))
        return given(self.listed)

    async def watch(self, refs: Sequence[JobRef]) -> AsyncGenerator[JobEvent]:
        self.watched.append(list(refs))
        try:
            for event in self.events:
                yield given(event)
        finally:
            self.unwatched += 1

    def watch_graph(
        self, graph: GraphKey, planes: Sequence[Plane] | None, kinds: Sequence[JobKind] | None
    ) -> AsyncGenerator[JobEvent]:
        self.watched.append((graph, planes, kinds))
        return self.watch([])


@dataclass
class FakeGraphs:
    """Has some graphs and one page of them; raises the errors put in their places."""

    held: dict[GraphKey, Graph | GatewayError] = field(default_factory=dict)
    listed: GraphConnection | GatewayError | None = None
    got: list[GraphKey] = field(default_factory=list)
    project_listed: list[tuple[str, PageRequest]] = field(default_factory=list)

    async def get(self, key: GraphKey) -> Graph:
        self.got.append(key)
        return given(self.held.get(key))

    async def list(self, project: str, page: PageRequest) -> GraphConnection:
        self.project_listed.append((project, page))
        return given(self.listed)


def given(answer: Answer | GatewayError | None) -> Answer:
    """Return what a fake was given to answer, or raise it."""
    if answer is None:
        raise NotFoundError("There is none.")
    if isinstance(answer, GatewayError):
        raise answer
    return answer


def a_job(ref: JobRef = SERVICE_JOB, **changes: Any) -> Job:
    """Make a running job of which nothing but its identity is known."""
    known: dict[str, Any] = {
        **dict.fromkeys(("raw_kind", "raw_status", "progress_percent", "started_at", "ended_at", "graph_name")),
        **dict.fromkeys(("request", "failure", "import_detail", "result", "can_cancel")),
        "ref": ref,
        "job_id": ref.job_id,
        "plane": ref.plane,
        "kind": JobKind.OTHER,
        "name": "other",
        "status": JobStatus.RUNNING,
        "source": JobSource(plane=ref.plane, fetched_at=DateTime(NOW), cached=False, immutable=False),
    }
    return Job(**(known | changes))


def a_result(ref: JobRef = SERVICE_JOB, **changes: Any) -> AlgorithmResult:
    """Make a result of which nothing but the shape of its rows is known."""
    known: dict[str, Any] = {
        **dict.fromkeys(("algorithm", "rows_key", "total_count")),
        "ref": ref,
        "kind": ResultKind.RAW,
        "values": [],
    }
    return AlgorithmResult(**(known | changes))


def a_graph(key: GraphKey = MOVIES, **changes: Any) -> Graph:
    """Make a running graph of the memory edition."""
    known: dict[str, Any] = {
        "key": key,
        "graph_id": key.graph_id,
        "name": key.name or "movies",
        "edition": GraphEdition.MEMORY,
        "status_code": "200",
        "is_queryable": True,
        "created_at": None,
    }
    return Graph(**(known | changes))


def a_page(*jobs: Job, **changes: Any) -> JobConnection:
    """Make a page of jobs, the cursor of each being `after` and the id GES gave."""
    known: dict[str, Any] = {
        "has_next": False,
        "has_previous": False,
        "resume": "after nothing",
        "edges": [JobEdge(cursor=f"after {job.job_id}", node=job) for job in jobs],
        "total_count": None,
        "planes": [],
    }
    return JobConnection(**(known | changes))


def a_report(plane: Plane, **changes: Any) -> PlaneReport:
    """Make the report of a plane that answered."""
    known: dict[str, Any] = {
        **dict.fromkeys(("total_count", "fetched_at")),
        "plane": plane,
        "ok": True,
        "filtered_here": [],
        "cached": False,
    }
    return PlaneReport(**(known | changes))


def a_context(
    jobs: Jobs | None = None,
    graphs: Graphs | None = None,
    *,
    planes: Callable[[], list[PlaneHealth]] = list,
    project_id: str | None = PROJECT,
) -> Context:
    """Make the context of one operation, at NOW; ports that are not given hold nothing."""
    return Context(
        jobs=jobs or FakeJobs(),
        graphs=graphs or FakeGraphs(),
        planes=planes,
        version="1.2.3",
        now=NOW,
        request_id="r-1",
        project_id=project_id,
    )


def asked_for(parts: JobParts) -> set[str]:
    """Return the names of the parts of a job that were asked for, but for its rows."""
    return {name for name in ("listing", "identity", "result", "failure") if getattr(parts, name)}


async def execute(text: str, context: Context, **variables: object) -> ExecutionResult:
    """Execute an operation against the real schema."""
    result = await SCHEMA.execute(text, variable_values=variables, context_value=context)
    assert isinstance(result, ExecutionResult)
    return result


async def answer(text: str, context: Context, **variables: object) -> Any:
    """Return the data of an operation that meets no error."""
    result = await execute(text, context, **variables)
    assert result.errors is None
    return result.data


async def refusal(text: str, context: Context, **variables: object) -> dict[str, Any]:
    """Return the extensions of the only error that an operation meets."""
    result = await execute(text, context, **variables)
    [error] = result.errors or []
    return error.extensions or {}


def reported(context: Context) -> list[tuple[list[str | int] | None, str]]:
    """Return path and text of what was reported beside the data."""
    return [(error.path, error.message) for error in context.problems]
