"""Job: one unit of asynchronous work, whichever plane runs it, and its small parts. Knows no upstream spelling."""

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from schema.algorithm_result import AlgorithmResult, row_window
from schema.context import Info, JobParts
from schema.errors import GatewayError, NotFoundError, UpstreamError
from schema.ids import JobRef, job_id_of
from schema.import_detail import ImportDetail
from schema.lookahead import SeenNodes, Selection
from schema.node import Node
from schema.page import Window
from schema.plane import Plane
from schema.scalars import JSON, DateTime

if TYPE_CHECKING:
    from schema.graph import Graph


@strawberry.enum(description="One vocabulary for every plane and version. `rawStatus` keeps the upstream's own word.")
class JobStatus(Enum):
    # See Plane.
    __hash__ = object.__hash__

    PENDING = strawberry.enum_value("PENDING", description="Accepted, not started. Upstream: `pending`, `waiting`.")
    RUNNING = strawberry.enum_value("RUNNING", description="Started. Upstream: `running`.")
    SUCCEEDED = strawberry.enum_value(
        "SUCCEEDED", description="Ended well. Upstream: `success`, and `complete` when no error accompanies it."
    )
    PARTIALLY_FAILED = strawberry.enum_value(
        "PARTIALLY_FAILED",
        description="Ended with part of the work failed (an import with failed lines or files). "
        "Upstream: `partiallyFailed`.",
    )
    FAILED = strawberry.enum_value(
        "FAILED",
        description="Ended in failure. Upstream: `failed`, and `complete` together with an error code or "
        "`result: failed`.",
    )
    CANCELLED = strawberry.enum_value("CANCELLED", description="Stopped on request.")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN",
        description="A word this gateway does not know. Read `rawStatus`; not terminal until `endedAt` is set.",
    )


TERMINAL = frozenset({JobStatus.SUCCEEDED, JobStatus.PARTIALLY_FAILED, JobStatus.FAILED, JobStatus.CANCELLED})


@strawberry.enum(
    description="What a job does, independent of the plane's spelling (`ImportGraph`, `import_graph`, ...)."
)
class JobKind(Enum):
    IMPORT = strawberry.enum_value("IMPORT", description="Loads files into a graph.")
    EXPORT = strawberry.enum_value("EXPORT", description="Writes a graph to files.")
    EXPORT_RESULT = strawberry.enum_value("EXPORT_RESULT", description="Writes the result of another job to files.")
    ALGORITHM = strawberry.enum_value("ALGORITHM", description="Runs a graph algorithm.")
    VERTEX_QUERY = strawberry.enum_value("VERTEX_QUERY", description="Queries vertices by filters.")
    EDGE_QUERY = strawberry.enum_value("EDGE_QUERY", description="Queries edges by filters.")
    QUERY = strawberry.enum_value("QUERY", description="Another query: Cypher, Gremlin, filtered query.")
    INDEX = strawberry.enum_value("INDEX", description="Builds or deletes an index.")
    CREATE_GRAPH = strawberry.enum_value("CREATE_GRAPH", description="Creates a graph.")
    START_GRAPH = strawberry.enum_value("START_GRAPH", description="Starts a stopped graph.")
    STOP_GRAPH = strawberry.enum_value("STOP_GRAPH", description="Stops a graph.")
    RESTART_GRAPH = strawberry.enum_value("RESTART_GRAPH", description="Stops and starts a graph.")
    CLEAR_GRAPH = strawberry.enum_value("CLEAR_GRAPH", description="Deletes all data of a graph.")
    DELETE_GRAPH = strawberry.enum_value("DELETE_GRAPH", description="Deletes a graph.")
    UPGRADE_GRAPH = strawberry.enum_value("UPGRADE_GRAPH", description="Upgrades the engine of a graph.")
    RESIZE_GRAPH = strawberry.enum_value("RESIZE_GRAPH", description="Changes the size of a graph.")
    EXPAND_GRAPH = strawberry.enum_value("EXPAND_GRAPH", description="Adds replicas to a graph.")
    BACKUP = strawberry.enum_value("BACKUP", description="Makes, imports or exports a backup.")
    RESTORE = strawberry.enum_value("RESTORE", description="Restores a graph from a backup.")
    OTHER = strawberry.enum_value("OTHER", description="Anything else; see `Job.name` and `Job.rawKind`.")


@strawberry.type(description="What was asked of GES, secrets removed.")
class JobRequest:
    command: str | None = strawberry.field(description="Engine command or task type, e.g. `import_graph`, `Algorithm`.")
    path: str | None = strawberry.field(description="Path the job was submitted to.")
    algorithm: str | None = strawberry.field(description="Algorithm name, when this ran one.")
    body: JSON | None = strawberry.field(
        description="The whole body parsed, secrets replaced by `***`. Null when it is not JSON; then see `bodyText`."
    )
    body_text: str | None = strawberry.field(
        description="The whole body as text, secrets (`accessKey`, `secretKey`, tokens) replaced by `***`."
    )


@strawberry.type(description="Why a job failed.")
class JobFailure:
    message: str = strawberry.field(description="`fail_reason`, `failReason` or `errorMessage`.")
    code: str | None = strawberry.field(description="GES error code, e.g. `GES.8402`, when given.")
    advice: str | None = strawberry.field(description="What the GES error table advises, when known.")
    retryable: bool | None = strawberry.field(description="Whether asking again unchanged may work.")


@strawberry.type(description="How fresh a record is and where it was read.")
class JobSource:
    plane: Plane = strawberry.field(description="The plane that was asked.")
    fetched_at: DateTime = strawberry.field(description="When GES answered.")
    cached: bool = strawberry.field(description="Whether it was served from this gateway's cache.")
    immutable: bool = strawberry.field(description="True when the copy is kept because the job is terminal.")


@strawberry.type(description="An asynchronous unit of work in GES, whichever plane runs it.")
class Job(Node):
    ref: strawberry.Private[JobRef]
    job_id: str = strawberry.field(description="The id GES gave.")
    plane: Plane = strawberry.field(description="The plane that runs it.")
    kind: JobKind = strawberry.field(description="What it does.")
    raw_kind: str | None = strawberry.field(description="`job_name`, `taskType` or `command` as sent.")
    name: str = strawberry.field(description="For display: the algorithm's name, else the task's name.")
    status: JobStatus = strawberry.field(description="Where it stands.")
    raw_status: str | None = strawberry.field(description="Upstream's own status word.")
    progress_percent: float | None = strawberry.field(
        description="0 to 100. Null where the plane reports none; the management plane's `job_progress` is reserved, "
        "so its 0 is null."
    )
    started_at: DateTime | None = strawberry.field(description="When it began. Null while it waits, or unknown.")
    ended_at: DateTime | None = strawberry.field(description="When it ended. Null while it runs, or unknown.")
    graph_name: str | None = strawberry.field(description="Graph name as the job recorded it.")
    request: JobRequest | None = strawberry.field(
        description="What was asked of GES, secrets removed. Null on the management plane, which does not keep it."
    )
    failure: JobFailure | None = strawberry.field(description="Why it failed. Null unless FAILED or PARTIALLY_FAILED.")
    import_detail: ImportDetail | None = strawberry.field(
        description="Files read and lines loaded. Null unless this is an import and the plane reports files."
    )
    result: AlgorithmResult | None = strawberry.field(
        description="Rows and values produced. Null until there are some, and for jobs that produce none."
    )
    can_cancel: bool | None = strawberry.field(
        description="Whether GES says it can be stopped now. Null where unknown."
    )
    source: JobSource = strawberry.field(description="Where this record came from and how fresh it is.")
    # What could not be read of it, though the job itself could.
    problems: strawberry.Private[tuple[UpstreamError, ...]] = ()

    @strawberry.field(description="Encodes plane, project, graph and upstream id, so reading it again needs no search.")
    def id(self) -> strawberry.ID:
        return strawberry.ID(job_id_of(self.ref))

    @strawberry.field(
        description="True when status and results can no longer change: SUCCEEDED, PARTIALLY_FAILED, FAILED or "
        "CANCELLED, and UNKNOWN once `endedAt` is set."
    )
    def is_terminal(self) -> bool:
        return ended(self)

    @strawberry.field(description="Seconds from start to end, or to now while running. Null without a start time.")
    def elapsed_seconds(self, info: Info) -> float | None:
        if self.started_at is None or (self.ended_at is None and ended(self)):
            return None
        return max(0.0, ((self.ended_at or info.context.now) - self.started_at).total_seconds())

    @strawberry.field(
        description="The graph worked on. Null when it no longer exists or a name alone cannot identify it."
    )
    async def graph(self, info: Info) -> Annotated["Graph", strawberry.lazy("schema.graph")] | None:
        # Names are used again after a graph is deleted, so a name the task center recorded identifies nothing.
        if self.plane is Plane.MANAGEMENT and self.ref.graph.graph_id is None:
            return None
        try:
            return await info.context.graphs.get(self.ref.graph)
        except NotFoundError:
            return None


def ended(job: Job) -> bool:
    """Return whether the job is terminal."""
    return job.status in TERMINAL or (job.status is JobStatus.UNKNOWN and job.ended_at is not None)


# Fields of a service plane job that its status call does not answer.
_LISTED = (
    "kind",
    "rawKind",
    "name",
    "progressPercent",
    "startedAt",
    "endedAt",
    "elapsedSeconds",
    "request",
    "importDetail",
    "canCancel",
    "result.algorithm",
)


def job_parts(info: Info, *prefixes: str) -> JobParts:
    """Return the parts of jobs that the selection asks for; prefixes lead from the field to its jobs."""
    nodes = info._raw_info.field_nodes
    made: dict[object, JobParts] = nodes.made if isinstance(nodes, SeenNodes) else {}
    if prefixes in made:
        return made[prefixes]
    selection = Selection(info, on="Job")
    starts = [f"{prefix}." for prefix in prefixes] or [""]

    def selected(*names: str) -> bool:
        return selection.selects(*(start + name for start in starts for name in names))

    # Checked by GraphQL against the arguments of `rows`.
    asked: list[Mapping[str, Any]] = [given for start in starts for given in selection.arguments(f"{start}result.rows")]

    def window(ref: JobRef) -> Window | None:
        for given in asked:
            try:
                return row_window(ref, **given)
            except GatewayError:
                continue  # The resolver of `rows` will say so at its own path.
        return None

    parts = JobParts(
        listing=selected(*_LISTED),
        identity=selected("id", "graph"),
        result=selected("result"),
        failure=selected("failure"),
        window=window,
    )
    if not asked:
        # Without rows there is nothing that variables decide.
        made[prefixes] = parts
    return parts
