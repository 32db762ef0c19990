"""JobEvent: what a subscription tells of a job. Knows nothing of how it was found out."""

from dataclasses import replace
from enum import Enum

import strawberry

from schema.context import Info
from schema.errors import UpstreamError
from schema.job import Job, JobStatus, job_parts
from schema.problem import UpstreamProblem
from schema.scalars import DateTime


@strawberry.enum(description="What an event tells.")
class JobEventType(Enum):
    SNAPSHOT = strawberry.enum_value("SNAPSHOT", description="First event of a stream.")
    APPEARED = strawberry.enum_value("APPEARED", description="A job that was not there before.")
    CHANGED = strawberry.enum_value("CHANGED", description="Something about it is new, or GES answers again.")
    FINISHED = strawberry.enum_value("FINISHED", description="Now terminal; the last event for that job.")
    POLL_FAILED = strawberry.enum_value(
        "POLL_FAILED", description="GES could not be asked; the stream goes on and `job` is the last known state."
    )


@strawberry.type(description="Something that happened to a job.")
class JobEvent:
    type: JobEventType = strawberry.field(description="What happened.")
    at: DateTime = strawberry.field(description="When it was noticed.")
    previous_status: JobStatus | None = strawberry.field(
        description="Status in the event before, of the same job and stream. Null in its first event."
    )
    problem: UpstreamProblem | None = strawberry.field(
        description="Why GES could not be asked. Null unless POLL_FAILED."
    )
    seen: strawberry.Private[Job]
    # A list tells other parts of a job than its status does.
    is_listed: strawberry.Private[bool]

    @strawberry.field(description="The job as it is now, or as it was last known.")
    async def job(self, info: Info) -> Job:
        parts = job_parts(info)
        is_lacking = parts.result or parts.failure if self.is_listed else parts.listing
        if not is_lacking or self.type is JobEventType.POLL_FAILED:
            return self.seen
        try:
            job = await info.context.jobs.get(self.seen.ref, parts)
        except UpstreamError as error:
            info.context.report(error, info)
            return self.seen
        for problem in job.problems:
            info.context.report(problem, info)
        if job.source.fetched_at >= self.seen.source.fetched_at:
            return job
        # Kept from before the poll: what it lacks may come from there, but not what the event is about.
        return replace(job, status=self.seen.status, raw_status=self.seen.raw_status)
