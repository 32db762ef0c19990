"""Lists of jobs: the connection, the filters, and what each plane contributed. Knows no plane's spelling."""

from dataclasses import replace
from typing import Annotated

import strawberry

from schema.context import Info
from schema.errors import UpstreamError
from schema.job import Job, JobKind, JobStatus
from schema.page import PageInfo, page_info
from schema.plane import Plane
from schema.problem import UpstreamProblem
from schema.scalars import DateTime, Long


@strawberry.input(
    description="Filters that a plane honours itself, or that the gateway applies after reading "
    "(see `JobConnection.planes`)."
)
class JobFilter:
    statuses: list[JobStatus] | None = strawberry.field(default=None, description="Any of these.")
    kinds: list[JobKind] | None = strawberry.field(default=None, description="Any of these.")
    graph_name: str | None = strawberry.field(default=None, description="Only jobs of this graph name.")
    started_from: DateTime | None = strawberry.field(
        default=None,
        description="Started at or after. The management plane filters by day; the gateway narrows to the instant.",
    )
    started_before: DateTime | None = strawberry.field(default=None, description="Started before.")
    search: str | None = strawberry.field(
        default=None, description="Case-insensitive match on name, algorithm or upstream job id."
    )


JobFilterArgument = Annotated[JobFilter | None, strawberry.argument(description="Only jobs that pass.")]


@strawberry.type(description="One plane's part in a fanned-out answer.")
class PlaneReport:
    plane: Plane = strawberry.field(description="The plane that was asked.")
    ok: bool = strawberry.field(description="Whether it answered.")
    total_count: Long | None = strawberry.field(
        description="Jobs it has in all. Null when it gave no total, or the gateway filtered after reading."
    )
    filtered_here: list[str] = strawberry.field(
        description="Filters that the gateway applied after reading, because the plane cannot."
    )
    fetched_at: DateTime | None = strawberry.field(description="When GES answered. Null when it did not.")
    cached: bool = strawberry.field(description="Whether it was served from this gateway's cache.")
    error: strawberry.Private[UpstreamError | None] = None

    @strawberry.field(description="Why it did not answer. Null when it did.")
    def problem(self) -> UpstreamProblem | None:
        return self.error.problem() if self.error else None


@strawberry.type(description="A job and its cursor.")
class JobEdge:
    cursor: str = strawberry.field(description="Give it as `after` to continue behind this job.")
    node: Job = strawberry.field(description="The job.")


@strawberry.type(description="One page of jobs.")
class JobConnection:
    has_next: strawberry.Private[bool]
    has_previous: strawberry.Private[bool]
    # Where the next page starts, should this one be empty though more may follow.
    resume: strawberry.Private[str]
    edges: list[JobEdge] = strawberry.field(description="The jobs with their cursors.")
    total_count: Long | None = strawberry.field(
        description="Sum over the planes asked. Null when one of them gave no total."
    )
    planes: list[PlaneReport] = strawberry.field(description="What each plane asked contributed, failures included.")

    # What could not be read of single jobs, though the list itself could.
    problems: strawberry.Private[tuple[UpstreamError, ...]] = ()

    def told(self, info: Info) -> "JobConnection":
        """Return the connection, having reported every plane that did not answer and all that is missing."""
        for error in (*(report.error for report in self.planes), *self.problems):
            if error is not None:
                info.context.report(error, info)
        return self

    @strawberry.field(description="The jobs alone.")
    def nodes(self) -> list[Job]:
        return [edge.node for edge in self.edges]

    @strawberry.field(description="Whether more jobs follow, and from where.")
    def page_info(self) -> PageInfo:
        cursors = [edge.cursor for edge in self.edges]
        info = page_info(cursors, has_next=self.has_next, has_previous=self.has_previous)
        return info if cursors or not self.has_next else replace(info, end_cursor=self.resume)
