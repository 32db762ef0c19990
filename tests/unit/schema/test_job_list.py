"""Lists of jobs: the page, what each plane contributed, and what is reported beside it."""

from datetime import UTC, datetime

import pytest

from schema.errors import ForbiddenError, PlaneUnavailableError, UpstreamMalformedError
from schema.job import JobKind, JobStatus
from schema.job_list import JobFilter
from schema.plane import Plane
from schema.scalars import DateTime, Long
from tests.fakes import (
    MANAGEMENT_JOB,
    NOW,
    SERVICE_JOB,
    FakeJobs,
    a_context,
    a_job,
    a_page,
    a_report,
    answer,
    execute,
    reported,
)


@pytest.mark.anyio
async def test_a_page_of_jobs_has_edges_nodes_and_a_total() -> None:
    """In the order of the port; its first and last cursors open the neighbours."""
    page = a_page(
        a_job(SERVICE_JOB), a_job(MANAGEMENT_JOB), has_next=True, has_previous=True, total_count=Long(3_000_000_000)
    )
    text = """
      { jobs {
          edges { cursor node { jobId } } nodes { jobId plane } totalCount
          pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      } }
    """
    data = await answer(text, a_context(FakeJobs(listed=page)))
    assert data["jobs"] == {
        "edges": [{"cursor": "after 42", "node": {"jobId": "42"}}, {"cursor": "after a7", "node": {"jobId": "a7"}}],
        "nodes": [{"jobId": "42", "plane": "SERVICE"}, {"jobId": "a7", "plane": "MANAGEMENT"}],
        "totalCount": 3_000_000_000,
        "pageInfo": {
            "hasNextPage": True,
            "hasPreviousPage": True,
            "startCursor": "after 42",
            "endCursor": "after a7",
        },
    }


@pytest.mark.anyio
async def test_an_empty_page_has_no_cursors() -> None:
    """And nothing is reported."""
    context = a_context(FakeJobs(listed=a_page()))
    text = "{ jobs { nodes { jobId } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
    data = await answer(text, context)
    assert data["jobs"] == {
        "nodes": [],
        "totalCount": None,
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }
    assert context.problems == []


@pytest.mark.anyio
async def test_a_plane_reports_what_it_contributed() -> None:
    """And a plane that did not answer says why."""
    page = a_page(
        planes=[
            a_report(
                Plane.MANAGEMENT,
                total_count=Long(12),
                filtered_here=["statuses", "search"],
                fetched_at=DateTime(NOW),
                cached=True,
            ),
            a_report(Plane.SERVICE, ok=False, error=PlaneUnavailableError("Out.", plane=Plane.SERVICE)),
        ]
    )
    text = "{ jobs { planes { plane ok totalCount filteredHere fetchedAt cached problem { code } } } }"
    data = await answer(text, a_context(FakeJobs(listed=page)))
    assert data["jobs"]["planes"] == [
        {
            "plane": "MANAGEMENT",
            "ok": True,
            "totalCount": 12,
            "filteredHere": ["statuses", "search"],
            "fetchedAt": "2026-03-04T10:20:30Z",
            "cached": True,
            "problem": None,
        },
        {
            "plane": "SERVICE",
            "ok": False,
            "totalCount": None,
            "filteredHere": [],
            "fetchedAt": None,
            "cached": False,
            "problem": {"code": "PLANE_UNAVAILABLE"},
        },
    ]


@pytest.mark.anyio
async def test_what_is_missing_is_reported_even_if_nobody_selects_the_planes() -> None:
    """At the field of the list, planes first; what the healthy plane gave is there."""
    page = a_page(
        a_job(),
        planes=[a_report(Plane.MANAGEMENT, ok=False, error=ForbiddenError("No.")), a_report(Plane.SERVICE)],
        problems=(UpstreamMalformedError("One job is none."),),
    )
    context = a_context(FakeJobs(listed=page))
    assert await answer("{ mine: jobs { nodes { jobId } } }", context) == {"mine": {"nodes": [{"jobId": "42"}]}}
    assert reported(context) == [(["mine"], "No."), (["mine"], "One job is none.")]
    assert [(error.extensions or {})["code"] for error in context.problems] == ["FORBIDDEN", "UPSTREAM_MALFORMED"]


@pytest.mark.anyio
async def test_a_list_that_no_plane_gives_is_an_error() -> None:
    """The field is not null, so neither is anything above it."""
    result = await execute("{ jobs { nodes { jobId } } }", a_context(FakeJobs(listed=PlaneUnavailableError("Out."))))
    assert result.data is None
    [error] = result.errors or []
    assert (error.path, error.extensions) == (["jobs"], {"code": "PLANE_UNAVAILABLE", "retryable": True})


FILTERED = "query ($filter: JobFilter) { jobs(filter: $filter) { totalCount } }"


async def filter_of(text: str, **variables: object) -> JobFilter:
    """Return the filter that an operation asks the port for."""
    jobs = FakeJobs(listed=a_page())
    await answer(text, a_context(jobs), **variables)
    [(_, filter, _, _)] = jobs.project_listed
    return filter


@pytest.mark.anyio
async def test_every_filter_reaches_the_port() -> None:
    """Times as instants in UTC."""
    filter = await filter_of(
        FILTERED,
        filter={
            "statuses": ["RUNNING", "UNKNOWN"],
            "kinds": ["IMPORT"],
            "graphName": "movies",
            "startedFrom": "2026-03-04T00:00:00+08:00",
            "startedBefore": "2026-03-05T00:00:00Z",
            "search": "Page",
        },
    )
    assert filter == JobFilter(
        statuses=[JobStatus.RUNNING, JobStatus.UNKNOWN],
        kinds=[JobKind.IMPORT],
        graph_name="movies",
        started_from=DateTime(datetime(2026, 3, 3, 16, tzinfo=UTC)),
        started_before=DateTime(datetime(2026, 3, 5, tzinfo=UTC)),
        search="Page",
    )


@pytest.mark.anyio
@pytest.mark.parametrize("text", ["{ jobs { totalCount } }", "{ jobs(filter: null) { totalCount } }", FILTERED])
async def test_without_a_filter_nothing_is_filtered(text: str) -> None:
    """Absent, null, or a variable that is not given."""
    assert await filter_of(text) == JobFilter()


@pytest.mark.anyio
async def test_a_member_of_a_filter_that_is_null_does_not_filter() -> None:
    """While an empty list is kept: nothing passes it."""
    nothing = dict.fromkeys(("statuses", "kinds", "graphName", "startedFrom", "startedBefore", "search"))
    assert await filter_of(FILTERED, filter=nothing) == JobFilter()
    assert await filter_of(FILTERED, filter={"statuses": []}) == JobFilter(statuses=[])


@pytest.mark.anyio
async def test_a_time_that_is_none_is_refused_before_anything_is_asked() -> None:
    """The message says what was expected."""
    jobs = FakeJobs(listed=a_page())
    result = await execute(FILTERED, a_context(jobs), filter={"startedFrom": "yesterday"})
    [error] = result.errors or []
    assert "DateTime must be an RFC 3339 instant" in error.message
    assert jobs.project_listed == []


@pytest.mark.anyio
async def test_an_empty_page_with_more_behind_it_says_where_to_go_on() -> None:
    """A filter may find nothing in what was read so far; its client must be able to continue."""
    context = a_context(FakeJobs(listed=a_page(has_next=True, resume="after much")))
    data = await answer("{ jobs { pageInfo { hasNextPage startCursor endCursor } } }", context)
    assert data["jobs"]["pageInfo"] == {"hasNextPage": True, "startCursor": None, "endCursor": "after much"}
