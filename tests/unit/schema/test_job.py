"""Jobs: what each says of itself, the graph behind it, and which parts a selection asks for."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from graphql import parse

from schema.algorithm_result import row_cursors
from schema.context import JobParts
from schema.errors import ForbiddenError, PlaneUnavailableError
from schema.execution import RowExecutor
from schema.ids import GraphKey, JobRef, job_id_of
from schema.job import JobFailure, JobKind, JobRequest, JobSource, JobStatus
from schema.page import Window
from schema.plan import make_plan
from schema.plane import Plane
from schema.scalars import JSON, DateTime
from tests.fakes import (
    INSTANCE,
    MANAGEMENT_JOB,
    MOVIES,
    NOW,
    SCHEMA,
    SERVICE_JOB,
    FakeGraphs,
    FakeJobs,
    a_context,
    a_graph,
    a_job,
    a_page,
    a_result,
    answer,
    asked_for,
    execute,
    reported,
)

JOB = "query ($id: ID!) {{ job(id: $id) {{ {} }} }}"
ID = job_id_of(SERVICE_JOB)
OTHER_JOB = JobRef(Plane.SERVICE, MOVIES, "43")


async def read(selection: str, ref: JobRef = SERVICE_JOB, graphs: FakeGraphs | None = None, **changes: Any) -> Any:
    """Read from one job."""
    context = a_context(FakeJobs({ref: a_job(ref, **changes)}), graphs)
    data = await answer(JOB.format(selection), context, id=job_id_of(ref))
    return data["job"]


@pytest.mark.anyio
async def test_a_job_tells_where_it_stands() -> None:
    """Under the names of the contract."""
    selection = """
      id jobId plane kind rawKind name status rawStatus progressPercent startedAt endedAt graphName canCancel
    """
    job = await read(
        selection,
        kind=JobKind.ALGORITHM,
        raw_kind="Algorithm",
        name="pagerank",
        status=JobStatus.PARTIALLY_FAILED,
        raw_status="partFailed",
        progress_percent=99.5,
        started_at=DateTime(NOW - timedelta(seconds=90)),
        ended_at=DateTime(NOW),
        graph_name="movies",
        can_cancel=False,
    )
    assert job == {
        "id": "MS5Kb2Iucy5wMS4ubW92aWVzLjQy",
        "jobId": "42",
        "plane": "SERVICE",
        "kind": "ALGORITHM",
        "rawKind": "Algorithm",
        "name": "pagerank",
        "status": "PARTIALLY_FAILED",
        "rawStatus": "partFailed",
        "progressPercent": 99.5,
        "startedAt": "2026-03-04T10:19:00Z",
        "endedAt": "2026-03-04T10:20:30Z",
        "graphName": "movies",
        "canCancel": False,
    }


@pytest.mark.anyio
async def test_a_job_tells_what_was_asked_why_it_failed_and_who_says_so() -> None:
    """Values that are JSON are passed through."""
    job = await read(
        """
          request { command path algorithm body bodyText }
          failure { message code advice retryable }
          source { plane fetchedAt cached immutable }
        """,
        request=JobRequest(
            command="Algorithm", path="/action", algorithm="pagerank", body=JSON({"alpha": 1}), body_text="{}"
        ),
        failure=JobFailure(message="Out of memory.", code="GES.8402", advice=None, retryable=False),
        source=JobSource(plane=Plane.SERVICE, fetched_at=DateTime(NOW), cached=True, immutable=True),
    )
    assert job["request"] == {
        "command": "Algorithm",
        "path": "/action",
        "algorithm": "pagerank",
        "body": {"alpha": 1},
        "bodyText": "{}",
    }
    assert job["failure"] == {"message": "Out of memory.", "code": "GES.8402", "advice": None, "retryable": False}
    assert job["source"] == {
        "plane": "SERVICE",
        "fetchedAt": "2026-03-04T10:20:30Z",
        "cached": True,
        "immutable": True,
    }


@pytest.mark.anyio
async def test_what_is_not_known_of_a_job_is_null() -> None:
    """Never an error."""
    selection = """
      rawKind rawStatus progressPercent startedAt endedAt graphName canCancel
      request { path } failure { code } importDetail { totals { files } } result { kind }
    """
    job = await read(selection)
    assert set(job.values()) == {None}
    assert len(job) == 11


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "has_ended", "expected"),
    [
        (JobStatus.PENDING, False, False),
        (JobStatus.RUNNING, False, False),
        (JobStatus.RUNNING, True, False),
        (JobStatus.SUCCEEDED, False, True),
        (JobStatus.PARTIALLY_FAILED, False, True),
        (JobStatus.FAILED, False, True),
        (JobStatus.CANCELLED, False, True),
        (JobStatus.UNKNOWN, False, False),
        (JobStatus.UNKNOWN, True, True),
    ],
)
async def test_a_job_is_terminal_by_its_status(status: JobStatus, has_ended: bool, expected: bool) -> None:
    """Only where the status is unknown does the end time decide."""
    job = await read("isTerminal", status=status, ended_at=DateTime(NOW) if has_ended else None)
    assert job == {"isTerminal": expected}


def test_every_status_is_known_to_be_terminal_or_not() -> None:
    """A new one needs a line above."""
    assert {status.name for status in JobStatus} == {
        *("PENDING", "RUNNING", "SUCCEEDED", "PARTIALLY_FAILED", "FAILED", "CANCELLED", "UNKNOWN")
    }


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "started", "ended", "seconds"),
    [
        (JobStatus.RUNNING, None, None, None),
        (JobStatus.SUCCEEDED, None, 0, None),
        (JobStatus.RUNNING, 90.5, None, 90.5),
        (JobStatus.SUCCEEDED, 90, 30, 60.0),
        (JobStatus.SUCCEEDED, 90, None, None),
        (JobStatus.UNKNOWN, 90, None, 90.0),
        (JobStatus.SUCCEEDED, 30, 30, 0.0),
        (JobStatus.RUNNING, -5, None, 0.0),
    ],
)
async def test_a_job_takes_from_its_start_to_its_end(
    status: JobStatus, started: float | None, ended: float | None, seconds: float | None
) -> None:
    """
    Or to now while it runs; times are given in seconds ago. Unknown when it has ended nobody knows when, and never
    below zero, however clocks differ.
    """
    started_at, ended_at = (None if ago is None else DateTime(NOW - timedelta(seconds=ago)) for ago in (started, ended))
    job = await read("elapsedSeconds", status=status, started_at=started_at, ended_at=ended_at)
    assert job == {"elapsedSeconds": seconds}


@pytest.mark.anyio
@pytest.mark.parametrize(
    "ref",
    [SERVICE_JOB, MANAGEMENT_JOB, JobRef(Plane.MANAGEMENT, GraphKey("p1", graph_id="g-1", name="movies"), "a7")],
)
async def test_the_graph_of_a_job_is_asked_by_its_key(ref: JobRef) -> None:
    """By whatever names it."""
    graphs = FakeGraphs({ref.graph: a_graph(ref.graph)})
    assert await read("graph { name }", ref, graphs) == {"graph": {"name": "movies"}}
    assert graphs.got == [ref.graph]


@pytest.mark.anyio
async def test_a_name_that_the_task_center_recorded_identifies_no_graph() -> None:
    """It may have been given to another graph since; nobody is asked."""
    graphs = FakeGraphs({MOVIES: a_graph(MOVIES)})
    assert await read("graph { name }", JobRef(Plane.MANAGEMENT, MOVIES, "a7"), graphs) == {"graph": None}
    assert graphs.got == []


@pytest.mark.anyio
async def test_a_graph_that_is_gone_is_null() -> None:
    """That is an answer, not an error."""
    graphs = FakeGraphs()
    assert await read("jobId graph { name }", MANAGEMENT_JOB, graphs) == {"jobId": "a7", "graph": None}
    assert graphs.got == [INSTANCE]


@pytest.mark.anyio
async def test_a_graph_that_could_not_be_asked_is_an_error() -> None:
    """Null alone would say that there is none."""
    context = a_context(
        FakeJobs({SERVICE_JOB: a_job()}), FakeGraphs({MOVIES: PlaneUnavailableError("Out.", plane=Plane.MANAGEMENT)})
    )
    result = await execute(JOB.format("jobId graph { name }"), context, id=ID)
    assert result.data == {"job": {"jobId": "42", "graph": None}}
    [error] = result.errors or []
    assert error.path == ["job", "graph"]
    assert error.extensions == {"code": "PLANE_UNAVAILABLE", "plane": "MANAGEMENT", "retryable": True}


LISTING, IDENTITY, RESULT, FAILURE = "listing", "identity", "result", "failure"
# What each selection of a job asks for; fields not named here cost nothing beyond the job itself.
SELECTIONS: list[tuple[str, set[str]]] = [
    ("jobId plane status rawStatus isTerminal graphName source { cached }", set()),
    ("kind", {LISTING}),
    ("rawKind", {LISTING}),
    ("name", {LISTING}),
    ("progressPercent", {LISTING}),
    ("startedAt", {LISTING}),
    ("endedAt", {LISTING}),
    ("elapsedSeconds", {LISTING}),
    ("request { path }", {LISTING}),
    ("importDetail { totals { files } }", {LISTING}),
    ("canCancel", {LISTING}),
    ("result { algorithm }", {LISTING, RESULT}),
    ("result { kind }", {RESULT}),
    ("failure { message }", {FAILURE}),
    ("id", {IDENTITY}),
    ("graph { name }", {IDENTITY}),
    ("graph { id name } jobId", {IDENTITY}),
    ("kind: jobId id: status", set()),
    ("... on Job { ... { name } } failure { code }", {LISTING, FAILURE}),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("selection", "expected"), SELECTIONS)
async def test_a_selection_asks_for_the_parts_it_needs(selection: str, expected: set[str]) -> None:
    """By the fields' names, whatever their aliases; without rows no window is asked."""
    jobs = FakeJobs({SERVICE_JOB: a_job()})
    await answer(JOB.format(selection), a_context(jobs, FakeGraphs({MOVIES: a_graph()})), id=ID)
    [(_, parts, _)] = jobs.got
    assert asked_for(parts) == expected
    assert parts.window(SERVICE_JOB) is None


@pytest.mark.anyio
@pytest.mark.parametrize(("selection", "expected"), SELECTIONS)
@pytest.mark.parametrize("way", ["nodes {{ {} }}", "edges {{ node {{ {} }} }}"])
async def test_a_selection_of_a_list_asks_for_the_same_parts(selection: str, expected: set[str], way: str) -> None:
    """Whichever way leads to its jobs."""
    jobs = FakeJobs(listed=a_page())
    await answer(f"{{ jobs {{ {way.format(selection)} }} }}", a_context(jobs))
    [(_, _, _, parts)] = jobs.project_listed
    assert asked_for(parts) == expected
    assert parts.window(SERVICE_JOB) is None


CURSOR = row_cursors(SERVICE_JOB).write(30)


async def window_of(selection: str, ref: JobRef = SERVICE_JOB) -> Window | None:
    """Return the window that a selection of a result makes the port ask for, given a job."""
    jobs = FakeJobs({SERVICE_JOB: a_job()})
    await answer(JOB.format(f"result {{ kind {selection} }}"), a_context(jobs), id=ID)
    [(_, parts, _)] = jobs.got
    return parts.window(ref)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("rows { totalCount }", Window(0, 100)),
        ("rows(first: 7) { totalCount }", Window(0, 7)),
        ("rows(first: 7, offset: 40) { totalCount }", Window(40, 7)),
        ("rows(first: 7, offset: null, after: null) { totalCount }", Window(0, 7)),
        (f'rows(first: 7, after: "{CURSOR}") {{ totalCount }}', Window(30, 7)),
        ("a: rows(first: 5) { totalCount } b: rows(first: 9) { totalCount }", Window(0, 5)),
        ("rows(first: 5) @skip(if: true) { totalCount } b: rows(first: 9) { totalCount }", Window(0, 9)),
        ("a: rows(first: -1) { totalCount } b: rows(first: 9) { totalCount }", Window(0, 9)),
        ("a: rows(first: 100001) { totalCount } b: rows(first: 9) { totalCount }", Window(0, 9)),
        ("rows(first: null) { totalCount }", None),
        ('rows(after: "damaged") { totalCount }', None),
        ("rows(offset: -1) { totalCount }", None),
        ("rows(first: 100001) { totalCount }", None),
    ],
)
async def test_rows_are_asked_together_with_their_job(selection: str, expected: Window | None) -> None:
    """The first window that can be meant; those that cannot are the error of their own field."""
    assert await window_of(selection) == expected


@pytest.mark.anyio
async def test_a_cursor_opens_the_rows_of_its_own_job_only() -> None:
    """In a list each job is asked by itself, so the window follows from the job."""
    selection = f'rows(after: "{CURSOR}") {{ totalCount }}'
    assert await window_of(selection, SERVICE_JOB) == Window(30, 100)
    assert await window_of(selection, OTHER_JOB) is None


@pytest.mark.anyio
async def test_rows_of_a_list_are_asked_from_either_way_to_its_jobs() -> None:
    """Nodes come first."""
    jobs = FakeJobs(listed=a_page())
    text = """
      { jobs {
          edges { node { result { rows(first: 4) { totalCount } } } }
          nodes { result { rows(first: 3) { totalCount } } }
      } }
    """
    await answer(text, a_context(jobs))
    await answer("{ jobs { edges { node { result { rows(first: 4) { totalCount } } } } } }", a_context(jobs))
    assert [parts.window(SERVICE_JOB) for *_, parts in jobs.project_listed] == [Window(0, 3), Window(0, 4)]


@pytest.mark.anyio
async def test_the_window_asked_together_is_the_window_read() -> None:
    """So rows are asked from GES once: the port finds them where the job was read."""
    jobs = FakeJobs({SERVICE_JOB: a_job(result=a_result())})
    text = JOB.format("result { rows(first: 7, offset: 40) { totalCount } }")
    await answer(text, a_context(jobs), id=ID)
    [(_, parts, _)] = jobs.got
    assert [(SERVICE_JOB, parts.window(SERVICE_JOB))] == jobs.windows


@pytest.mark.anyio
async def test_what_could_not_be_read_beside_a_job_is_reported() -> None:
    """At the field that asked for the job, in order; the job itself is there."""
    problems = (ForbiddenError("No list."), PlaneUnavailableError("No rows."))
    context = a_context(FakeJobs({SERVICE_JOB: a_job(problems=problems)}))
    assert await answer("query ($id: ID!) { it: job(id: $id) { jobId } }", context, id=ID) == {"it": {"jobId": "42"}}
    assert reported(context) == [(["it"], "No list."), (["it"], "No rows.")]


async def parts_of_a_plan(selection: str, *values: int) -> list[JobParts]:
    """Return the parts that a plan asks of a list of jobs, for some values of a variable."""
    text = f"query ($n: Int!) {{ jobs(first: $n) {{ {selection} }} }}"
    executor = RowExecutor.build(SCHEMA._schema, parse(text), raw_variable_values={"n": 1})
    assert isinstance(executor, RowExecutor)
    plan, jobs = make_plan(executor, ()), FakeJobs(listed=a_page())
    for value in values:
        await plan.execute(a_context(jobs), {"n": value}, lambda awaitables: asyncio.gather(*awaitables))
    return [listed.parts for listed in jobs.project_listed]


@pytest.mark.anyio
async def test_a_plan_finds_out_once_what_it_asks_of_jobs() -> None:
    """As long as no variable decides of it; rows have windows, which variables say."""
    one, other = await parts_of_a_plan("nodes { name failure { code } }", 1, 2)
    assert one is other
    assert asked_for(one) == {LISTING, FAILURE}
    few, many = await parts_of_a_plan("nodes { result { rows(first: $n) { totalCount } } }", 3, 4)
    assert [parts.window(SERVICE_JOB) for parts in (few, many)] == [Window(0, 3), Window(0, 4)]
    assert asked_for(many) == {RESULT}
