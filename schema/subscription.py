"""The root streams. Each translates its arguments and passes on what the port gives, until nobody listens."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from schema.context import Info
from schema.errors import LimitExceededError
from schema.graph import graph_key
from schema.ids import read_job_id
from schema.job import JobKind
from schema.job_event import JobEvent
from schema.page import PAGE_IDS
from schema.plane import Plane
from schema.query import GlobalID, GlobalIDs, GraphRefArgument

OnlyPlanes = Annotated[list[Plane] | None, strawberry.argument(description="Watch these planes alone.")]
OnlyKinds = Annotated[list[JobKind] | None, strawberry.argument(description="Tell of these kinds of jobs alone.")]


@strawberry.type(description="Everything that can be watched.")
class Subscription:
    @strawberry.subscription(
        description="One job: its state now, then every change, then completion once terminal. "
        "All subscribers of a job share one poller."
    )
    async def job_updated(self, info: Info, id: GlobalID) -> AsyncGenerator[JobEvent]:
        async with aclosing(info.context.jobs.watch([read_job_id(id)])) as events:
            async for event in events:
                yield event

    @strawberry.subscription(
        description="Several jobs, ended when all are terminal. At most 100; jobs of one graph are polled with one "
        "list call."
    )
    async def jobs_updated(self, info: Info, ids: GlobalIDs) -> AsyncGenerator[JobEvent]:
        if len(ids) > PAGE_IDS:
            raise LimitExceededError("ids", PAGE_IDS, len(ids))
        async with aclosing(info.context.jobs.watch([read_job_id(id) for id in ids])) as events:
            async for event in events:
                yield event

    @strawberry.subscription(description="Jobs appearing and changing in one graph. Does not end.")
    async def graph_jobs_updated(
        self, info: Info, graph: GraphRefArgument, planes: OnlyPlanes = None, kinds: OnlyKinds = None
    ) -> AsyncGenerator[JobEvent]:
        key = graph_key(graph, info.context)
        async with aclosing(info.context.jobs.watch_graph(key, planes, kinds)) as events:
            async for event in events:
                yield event
