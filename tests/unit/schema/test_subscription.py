"""The root streams: what they ask of the port, what an event shows, and that leaving one ends what is behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from strawberry.types import ExecutionResult

from schema.errors import GatewayError, PlaneUnavailableError
from schema.ids import JobRef, job_id_of
from schema.job import Job, JobKind, JobStatus
from schema.job_event import JobEvent, JobEventType
from schema.page import PAGE_IDS
from schema.plane import Plane
from schema.scalars import DateTime
from tests.fakes import MOVIES, NOW, SCHEMA, SERVICE_JOB, FakeJobs, a_context, a_job

pytestmark = pytest.mark.anyio

JOB = """subscription ($id: ID!) {
  jobUpdated(id: $id) { type at previousStatus problem { code } job { jobId status %s } }
}"""


def an_event(
    type: JobEventType = JobEventType.SNAPSHOT, *, job: Job | None = None, is_listed: bool = False, **changes: Any
) -> JobEvent:
    told: dict[str, Any] = {"at": DateTime(NOW), "previous_status": None, "problem": None, **changes}
    return JobEvent(type=type, seen=job or a_job(), is_listed=is_listed, **told)


async def heard(jobs: FakeJobs, text: str, **variables: Any) -> list[ExecutionResult]:
    """Return every result of a subscription."""
    context = a_context(jobs)
    variables = variables or {"id": job_id_of(SERVICE_JOB)}
    results = await SCHEMA.subscribe(text, variable_values=variables, context_value=context)
    found: list[Any] = []
    if isinstance(results, ExecutionResult) or not hasattr(results, "__aiter__"):
        return [results]  # type: ignore[list-item]
    async for result in results:
        found.append(result)
    return found


async def test_each_event_of_a_job_is_told() -> None:
    """With what happened, when, and what was before."""
    problem = PlaneUnavailableError("away", plane=Plane.SERVICE).problem()
    finished = an_event(JobEventType.FINISHED, previous_status=JobStatus.PENDING)
    jobs = FakeJobs(events=[an_event(), an_event(JobEventType.POLL_FAILED, problem=problem), finished])
    results = await heard(jobs, JOB % "")
    at = "2026-03-04T10:20:30Z"
    job = {"jobId": "42", "status": "RUNNING"}
    assert [result.data and result.data["jobUpdated"] for result in results] == [
        {"type": "SNAPSHOT", "at": at, "previousStatus": None, "problem": None, "job": job},
        {"type": "POLL_FAILED", "at": at, "previousStatus": None, "problem": {"code": "PLANE_UNAVAILABLE"}, "job": job},
        {"type": "FINISHED", "at": at, "previousStatus": "PENDING", "problem": None, "job": job},
    ]
    assert (jobs.watched, jobs.unwatched, jobs.got) == ([[SERVICE_JOB]], 1, [])


async def test_several_jobs_are_watched_at_once() -> None:
    """At most a hundred."""
    jobs = FakeJobs(events=[an_event()])
    text = "subscription ($ids: [ID!]!) { jobsUpdated(ids: $ids) { type } }"
    other = JobRef(Plane.SERVICE, MOVIES, "43")
    await heard(jobs, text, ids=[job_id_of(SERVICE_JOB), job_id_of(other)])
    assert jobs.watched == [[SERVICE_JOB, other]]
    (refused,) = await heard(jobs, text, ids=[job_id_of(SERVICE_JOB)] * (PAGE_IDS + 1))
    assert [error.extensions for error in refused.errors or ()] == [
        {"code": "LIMIT_EXCEEDED", "limit": "ids", "maximum": PAGE_IDS, "asked": PAGE_IDS + 1}
    ]


async def test_a_graph_is_watched_by_planes_and_kinds() -> None:
    """Handed on as they are."""
    jobs = FakeJobs(events=[an_event(JobEventType.APPEARED)])
    text = """subscription {
      graphJobsUpdated(graph: {name: "movies"}, planes: [SERVICE], kinds: [IMPORT]) { type job { jobId } }
    }"""
    (result,) = await heard(jobs, text, unused=True)
    assert result.data == {"graphJobsUpdated": {"type": "APPEARED", "job": {"jobId": "42"}}}
    assert jobs.watched[0] == (MOVIES, [Plane.SERVICE], [JobKind.IMPORT])


@pytest.mark.parametrize(
    ("selected", "is_listed", "asks"),
    [
        ("", False, False),
        ("", True, False),
        ("result { kind }", False, False),
        ("result { kind }", True, True),
        ("failure { message }", True, True),
        ("progressPercent", False, True),
        ("progressPercent", True, False),
    ],
)
async def test_what_a_poll_does_not_tell_is_read_for_the_event(selected: str, is_listed: bool, asks: bool) -> None:
    """A list tells other parts of a job than its status; nothing is read that nobody selects."""
    jobs = FakeJobs(held={SERVICE_JOB: a_job(status=JobStatus.SUCCEEDED)}, events=[an_event(is_listed=is_listed)])
    (result,) = await heard(jobs, JOB % selected)
    assert result.data is not None
    assert result.data["jobUpdated"]["job"]["status"] == ("SUCCEEDED" if asks else "RUNNING")
    assert [got.ref for got in jobs.got] == [SERVICE_JOB] * asks


async def test_what_was_kept_from_before_the_poll_does_not_take_the_news_back() -> None:
    """The parts that the poll does not tell may be a moment old; the status is that of the event."""
    older = replace(a_job().source, fetched_at=DateTime(NOW - timedelta(seconds=1)))
    kept = a_job(status=JobStatus.PENDING, progress_percent=40.0, source=older)
    jobs = FakeJobs(held={SERVICE_JOB: kept}, events=[an_event(JobEventType.CHANGED)])
    (result,) = await heard(jobs, JOB % "progressPercent")
    assert result.data is not None
    assert result.data["jobUpdated"]["job"] == {"jobId": "42", "status": "RUNNING", "progressPercent": 40.0}


async def test_a_part_that_cannot_be_read_leaves_the_event_as_it_is() -> None:
    """The error stands beside it; so do problems beside a job that could be read."""
    away = PlaneUnavailableError("away", plane=Plane.SERVICE)
    context_of: list[Any] = []
    for held in (away, a_job(problems=(away,))):
        jobs = FakeJobs(held={SERVICE_JOB: held}, events=[an_event()])
        context = a_context(jobs)
        context_of.append(context)
        results: Any = await SCHEMA.subscribe(
            JOB % "progressPercent", variable_values={"id": job_id_of(SERVICE_JOB)}, context_value=context
        )
        (result,) = [result async for result in results]
        assert result.data["jobUpdated"]["job"]["jobId"] == "42"
        assert [problem.original_error for problem in context.problems] == [away]


async def test_after_a_failed_poll_nothing_more_is_asked() -> None:
    """GES has just not answered; the job is the last known one."""
    jobs = FakeJobs(events=[an_event(JobEventType.POLL_FAILED)])
    (result,) = await heard(jobs, JOB % "progressPercent")
    assert result.data is not None
    assert jobs.got == []


async def test_an_error_ends_the_stream() -> None:
    """With its code, after what was heard."""
    failure: GatewayError = PlaneUnavailableError("The gateway is closing.")
    jobs = FakeJobs(events=[an_event(), failure])
    first, last = await heard(jobs, JOB % "")
    assert (first.errors, last.data) == (None, None)
    assert [error.original_error for error in last.errors or ()] == [failure]
    assert jobs.unwatched == 1
