"""The root fields. Each translates its arguments, asks a port and hands back what it gave."""

from collections.abc import Awaitable
from typing import Annotated

import strawberry

from schema.context import Info, JobParts
from schema.errors import BadUserInputError, LimitExceededError
from schema.graph import Graph, GraphConnection, GraphRef, graph_key
from schema.health import Gateway
from schema.ids import JobRef, checked_part, read_id, read_job_id
from schema.job import Job, job_parts
from schema.job_list import JobConnection, JobFilter, JobFilterArgument
from schema.node import Node
from schema.page import PAGE_GRAPHS, PAGE_IDS, PAGE_JOBS, After, First, Offset, page_request
from schema.plane import Plane

LONGEST_WAIT_SECONDS = 50

GlobalID = Annotated[strawberry.ID, strawberry.argument(description="Global id from this API.")]
GlobalIDs = Annotated[list[strawberry.ID], strawberry.argument(description="Global ids from this API.")]
GraphRefArgument = Annotated[GraphRef, strawberry.argument(description="How the graph is named.")]
JobID = Annotated[str, strawberry.argument(description="The id GES gave.")]
OnlyPlane = Annotated[Plane | None, strawberry.argument(description="Ask this plane alone.")]
WaitSeconds = Annotated[int | None, strawberry.argument(description="Hold the answer so long at most, 0 to 50.")]


@strawberry.type(description="Everything that can be read.")
class Query:
    @strawberry.field(description="Any object by global id. Null with a `NOT_FOUND` error when nothing has that id.")
    async def node(self, info: Info, id: GlobalID) -> Node | None:
        return await _node(info, id, job_parts(info))

    @strawberry.field(
        description="Several at once; positions match `ids`. At most 100.", graphql_type=list[Node | None]
    )
    def nodes(self, info: Info, ids: GlobalIDs) -> list[Awaitable[Node]]:
        if len(ids) > PAGE_IDS:
            raise LimitExceededError("ids", PAGE_IDS, len(ids))
        parts = job_parts(info)
        # Each item is awaited by the executor, all at the same time, and fails by itself.
        return [_node(info, id, parts) for id in ids]

    @strawberry.field(
        description="One job by global id: one plane is asked, nothing is searched. "
        "With `waitSeconds` the answer is held until the job is terminal or the time is up, whichever is first; "
        "running out of time is not an error (look at `isTerminal`). 0 to 50."
    )
    async def job(self, info: Info, id: GlobalID, wait_seconds: WaitSeconds = 0) -> Job | None:
        ref = read_job_id(id)
        wait = _wait_seconds(wait_seconds)
        return _told(info, await info.context.jobs.get(ref, job_parts(info), wait))

    @strawberry.field(
        description="One job by the id GES gave. Without `plane` both planes are asked. "
        "Null with `NOT_FOUND` only when every plane that could hold it has answered; if one could not be asked the "
        "error is `PLANE_UNAVAILABLE`, never `NOT_FOUND`."
    )
    async def find_job(
        self, info: Info, graph: GraphRefArgument, job_id: JobID, plane: OnlyPlane = None, wait_seconds: WaitSeconds = 0
    ) -> Job | None:
        key = graph_key(graph, info.context)
        wait = _wait_seconds(wait_seconds)
        job = info.context.jobs.find(key, checked_part(job_id, "job id"), plane, job_parts(info), wait)
        return _told(info, await job)

    @strawberry.field(
        description="Jobs of the project's task center "
        "(management plane only; the service plane has no project-wide list)."
    )
    async def jobs(
        self,
        info: Info,
        filter: JobFilterArgument = None,
        first: First = 20,
        after: After = None,
        offset: Offset = None,
    ) -> JobConnection:
        page = page_request(first, after, offset, maximum=PAGE_JOBS)
        parts = job_parts(info, "nodes", "edges.node")
        connection = await info.context.jobs.list_project(info.context.project, filter or JobFilter(), page, parts)
        return connection.told(info)

    @strawberry.field(description="One graph. Null with `NOT_FOUND` when there is none.")
    async def graph(self, info: Info, by: GraphRefArgument) -> Graph | None:
        return await info.context.graphs.get(graph_key(by, info.context))

    @strawberry.field(description="Graphs of the project.")
    async def graphs(
        self, info: Info, first: First = 20, after: After = None, offset: Offset = None
    ) -> GraphConnection:
        page = page_request(first, after, offset, maximum=PAGE_GRAPHS)
        return await info.context.graphs.list(info.context.project, page)

    @strawberry.field(
        description="The gateway and the planes behind it: version, which planes are configured, whether they answer."
    )
    def gateway(self, info: Info) -> Gateway:
        return Gateway(version=info.context.version, read_only=True)


async def _node(info: Info, id: str, parts: JobParts) -> Node:
    ref = read_id(id)
    if isinstance(ref, JobRef):
        return _told(info, await info.context.jobs.get(ref, parts))
    return await info.context.graphs.get(ref)


def _told(info: Info, job: Job) -> Job:
    """Return the job, having reported what could not be read beside it."""
    for problem in job.problems:
        info.context.report(problem, info)
    return job


def _wait_seconds(asked: int | None) -> int:
    seconds = asked or 0
    if not 0 <= seconds <= LONGEST_WAIT_SECONDS:
        raise BadUserInputError(f"`waitSeconds` must be 0 to {LONGEST_WAIT_SECONDS}.")
    return seconds
