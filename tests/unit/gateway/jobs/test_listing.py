"""Lists of jobs: paged to the end without loss or repetition, completed by what lists do not carry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.jobs.listing import Listing
from gateway.jobs.results import JobReads
from gateway.reader import Reader
from schema.context import JobParts
from schema.errors import BadUserInputError, PlaneUnavailableError, UpstreamError
from schema.ids import GraphKey
from schema.job import JobKind, JobStatus
from schema.job_list import JobConnection, JobFilter
from schema.page import PageRequest
from schema.plane import Plane
from tests.support_clock import FAKE_TIME
from tests.support_ges import (
    Ges,
    Said,
    a_caller_with,
    a_described_graph,
    a_directory,
    a_list_of,
    open_reader,
    open_runtime,
)

pytestmark = pytest.mark.anyio

GRAPHS, TASKS, JOBS = "/v2/p1/graphs", "/v2/p1/graphs/jobs", "/ges/v1.0/p1/graphs/movies/jobs/status"
STATUS = "/ges/v1.0/p1/graphs/movies/jobs/{}/status"
NOTHING = JobParts(listing=False, identity=False, result=False, failure=False, window=lambda ref: None)
MOVIES = GraphKey("p1", name="movies")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


def a_task(number: int, minute: int | None = None, **changes: Any) -> dict[str, Any]:
    """Describe a job as the task center lists it."""
    begin = None if minute is None else f"2026-03-04T10:{minute:02d}:00"
    task = {"job_id": f"m{number}", "status": "success", "job_name": "ImportGraph", "related_graph": "movies"}
    return {**task, "begin_time": begin, **changes}


def an_entry(number: int, minute: int | None = None, **changes: Any) -> dict[str, Any]:
    """Describe a job as a memory graph lists it; its times are those of a deployment in UTC+8."""
    begin = "" if minute is None else f"2026-03-04 18:{minute:02d}:00"
    return {"jobId": f"s{number}", "status": "success", "taskType": "Algorithm", "startTime": begin, **changes}


def in_windows(name: str, total_name: str, rows: list[dict[str, Any]]) -> Any:
    """Answer windows of a list as GES does."""

    def answer(request: httpx.Request) -> Said:
        offset, limit = (int(request.url.params[which]) for which in ("offset", "limit"))
        return 200, {name: rows[offset : offset + limit], total_name: len(rows)}

    return answer


def a_ges(tasks: list[dict[str, Any]], entries: list[dict[str, Any]], **says: Said) -> Ges:
    """Make a GES with these two lists."""
    return Ges(
        {
            GRAPHS: a_list_of(a_described_graph("movies")),
            TASKS: in_windows("job_list", "job_count", tasks),
            JOBS: in_windows("jobs", "jobCount", entries),
            **{STATUS.format(job_id): said for job_id, said in says.items()},
        }
    )


def a_listing(reader: Reader) -> Listing:
    """Make the listing of one operation."""
    directory = a_directory(reader)
    return Listing(JobReads(reader, directory), directory)


async def list_movies(
    reader: Reader,
    page: PageRequest,
    *,
    planes: list[Plane] | None = None,
    filter: JobFilter | None = None,
    parts: JobParts = NOTHING,
) -> JobConnection:
    """List the jobs of the graph `movies`."""
    directory = a_directory(reader)
    graph = await directory.get(MOVIES)
    listing = Listing(JobReads(reader, directory), directory)
    return await listing.of_graph(graph, planes, filter or JobFilter(), page, parts)


def ids(connection: JobConnection) -> list[str]:
    """Return the jobs of a page by the ids GES gave."""
    return [edge.node.job_id for edge in connection.edges]


async def ids_to_the_end(ges: Ges, first: int, filter: JobFilter) -> list[str]:
    """Page to the end by cursors, each page an operation of its own."""
    found: list[str] = []
    async with open_runtime(ges, management_url="http://ges.example") as runtime:
        after: str | None = None
        for _ in range(100):
            async with open_reader(runtime) as reader:
                connection = await list_movies(reader, PageRequest(first, after), filter=filter)
            found += ids(connection)
            if not connection.has_next:
                return found
            assert connection.edges, "a page without jobs cannot lead on"
            after = connection.edges[-1].cursor
    raise AssertionError("there is no end")


LISTS = st.lists(st.tuples(st.none() | st.integers(0, 59), st.booleans()), max_size=9)


@settings(max_examples=60)
@given(LISTS, LISTS, st.integers(1, 5), st.booleans())
async def test_paging_to_the_end_gives_each_job_once(
    tasks: list[tuple[int | None, bool]], entries: list[tuple[int | None, bool]], first: int, filtered: bool
) -> None:
    """Whatever the times, the size of the page and the filter: nothing is lost, nothing comes twice."""
    ges = a_ges(
        [a_task(number, minute, status="failed" if bad else "success") for number, (minute, bad) in enumerate(tasks)],
        [
            an_entry(number, minute, status="failed" if bad else "success")
            for number, (minute, bad) in enumerate(entries)
        ],
    )
    found = await ids_to_the_end(
        ges, first, JobFilter(statuses=[JobStatus.FAILED, JobStatus.RUNNING] if filtered else None)
    )
    of_tasks = [f"m{number}" for number, (_, bad) in enumerate(tasks) if bad or not filtered]
    of_entries = [f"s{number}" for number, (_, bad) in enumerate(entries) if bad or not filtered]
    assert sorted(found) == sorted(of_tasks + of_entries)
    assert [job_id for job_id in found if job_id[0] == "m"] == of_tasks
    assert [job_id for job_id in found if job_id[0] == "s"] == of_entries


async def test_skipping_in_a_merged_list_is_reading_what_is_skipped() -> None:
    """The same jobs as paging there; a cursor behind them continues."""
    ges = a_ges([a_task(0, 50), a_task(1, 10)], [an_entry(0, 40), an_entry(1, 30)])
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        page = await list_movies(reader, PageRequest(2, offset=1))
        assert ids(page) == ["s0", "s1"]
        assert (page.has_next, page.has_previous) == (True, True)
        rest = await list_movies(reader, PageRequest(2, after=page.edges[-1].cursor))
        assert ids(rest) == ["m1"]


async def test_skipping_far_is_refused_where_it_would_mean_reading() -> None:
    """In one list as GES gives it, an offset costs nothing."""
    ges = a_ges([a_task(0)], [])
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        for planes, filter in ((None, JobFilter()), ([Plane.SERVICE], JobFilter(search="x"))):
            with pytest.raises(BadUserInputError, match="at most 1000"):
                await list_movies(reader, PageRequest(1, offset=1001), planes=planes, filter=filter)
        page = await list_movies(reader, PageRequest(1, offset=1001), planes=[Plane.SERVICE])
        assert (ids(page), page.has_next, page.has_previous) == ([], False, True)


async def test_a_page_of_none_tells_how_many_there_are() -> None:
    """`first: 0` asks for one, which nobody gets to see."""
    ges = a_ges([a_task(0), a_task(1)], [an_entry(0)])
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        page = await list_movies(reader, PageRequest(0))
    assert (ids(page), page.total_count, page.has_next) == ([], 3, True)
    assert f"{JOBS}?offset=0&limit=1" in ges.asked


async def test_planes_are_listed_in_one_order_and_once() -> None:
    """However they were named, so that cursors fit."""
    ges = a_ges([a_task(0, 5)], [an_entry(0, 6)])
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        page = await list_movies(reader, PageRequest(5), planes=[Plane.SERVICE, Plane.MANAGEMENT, Plane.SERVICE])
    assert [report.plane for report in page.planes] == [Plane.MANAGEMENT, Plane.SERVICE]
    assert ids(page) == ["s0", "m0"]


async def test_a_task_of_a_former_graph_of_that_name_names_no_graph_of_today() -> None:
    """Names are used again: a job that began before the graph was created worked on another one."""
    before, at_creation = "2026-01-10T06:19:00", "2026-01-10T06:25:00"
    tasks = [a_task(0, begin_time=before), a_task(1, begin_time=at_creation), a_task(2)]
    async with open_runtime(a_ges(tasks, [])) as runtime, open_reader(runtime) as reader:
        page = await list_movies(reader, PageRequest(5), planes=[Plane.MANAGEMENT])
        project = await a_listing(reader).of_project("p1", JobFilter(), PageRequest(5), replace(NOTHING, identity=True))
    for connection in (page, project):
        assert [edge.node.ref.graph for edge in connection.edges] == [
            MOVIES,
            GraphKey("p1", graph_id="id-of-movies"),
            GraphKey("p1", graph_id="id-of-movies"),
        ]


async def test_jobs_of_other_graphs_are_no_jobs_of_this_one() -> None:
    """Whether the task center matches names exactly is documented nowhere."""
    tasks = [a_task(0), a_task(1, related_graph="movies_2"), a_task(2)]
    async with open_runtime(a_ges(tasks, [])) as runtime, open_reader(runtime) as reader:
        page = await list_movies(reader, PageRequest(5), planes=[Plane.MANAGEMENT])
    assert ids(page) == ["m0", "m2"]
    assert page.planes[0].filtered_here == ["graphName"]
    assert page.total_count is None


async def test_the_task_center_asks_for_the_graphs_only_when_somebody_wants_to_know() -> None:
    """Ids and graphs of jobs need the directory; when it cannot be asked the jobs are told without."""
    ges = a_ges([a_task(0, related_graph="gone"), a_task(1)], [])
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        listing = a_listing(reader)
        page = await listing.of_project("p1", JobFilter(), PageRequest(5), NOTHING)
        assert [edge.node.ref.graph.graph_id for edge in page.edges] == [None, None]
        assert ges.asked == [f"{TASKS}?offset=0&limit=5"]
        page = await listing.of_project("p1", JobFilter(), PageRequest(5), replace(NOTHING, identity=True))
        assert [edge.node.ref.graph.graph_id for edge in page.edges] == [None, "id-of-movies"]
        ges.says[GRAPHS] = (503, {})
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        page = await a_listing(reader).of_project("p1", JobFilter(), PageRequest(5), replace(NOTHING, identity=True))
        assert ids(page) == ["m0", "m1"]
        assert [type(problem) for problem in page.problems] == [PlaneUnavailableError]


RESULT = replace(NOTHING, result=True)
FAILURE = replace(NOTHING, failure=True)
PAGERANK: Said = (200, {"status": "success", "data": {"outputs": {"pagerank": [{"a": 1}], "data_total_size": 1}}})
FAILED: Said = (200, {"status": "failed", "errorCode": "GES.8402", "errorMessage": "no such vertex"})


async def test_results_are_read_of_the_jobs_that_may_have_one() -> None:
    """Not of those that run, failed or import; one call each, at the same time."""
    entries = [
        an_entry(0),
        an_entry(1, status="running"),
        an_entry(2, status="failed"),
        an_entry(3, taskType="ImportGraph"),
        an_entry(4, taskType="Cypher", rawRequest='{"algorithmName":"pagerank"}'),
    ]
    ges = a_ges([a_task(0)], entries, s0=PAGERANK, s4=PAGERANK)
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        page = await list_movies(reader, PageRequest(9), parts=RESULT)
    results = {edge.node.job_id: edge.node.result for edge in page.edges}
    assert {job_id for job_id, result in results.items() if result} == {"s0", "s4"}
    named = results["s4"]
    assert named is not None
    assert named.algorithm == "pagerank"
    statuses = [target for target in ges.asked if target.endswith("limit=1")]
    assert statuses == [f"{STATUS.format(job_id)}?offset=0&limit=1" for job_id in ("s0", "s4")]


async def test_a_reason_is_read_of_the_jobs_whose_list_gives_none() -> None:
    """The database edition's list says only that they failed."""
    entries = [an_entry(0, status="failed"), an_entry(1, status="failed", failReason="column 3"), an_entry(2)]
    ges = a_ges([a_task(0, status="failed")], entries, s0=FAILED)
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        page = await list_movies(reader, PageRequest(9), planes=[Plane.SERVICE], parts=FAILURE)
    failures = [edge.node.failure for edge in page.edges]
    assert [failure and (failure.message, failure.code) for failure in failures] == [
        ("no such vertex", "GES.8402"),
        ("column 3", None),
        None,
    ]
    assert [target for target in ges.asked if "/jobs/s0/" in target or "/jobs/s1/" in target] == [
        f"{STATUS.format('s0')}?offset=0&limit=1"
    ]


async def test_a_result_that_cannot_be_read_is_a_problem_of_the_list_and_not_its_end() -> None:
    """The job is told as the list knows it, beside the error."""
    ges = a_ges([], [an_entry(0, kind="x"), an_entry(1)], s0=PAGERANK)
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        page = await list_movies(reader, PageRequest(9), planes=[Plane.SERVICE], parts=RESULT)
    [found, missing] = [edge.node for edge in page.edges]
    assert found.result is not None
    assert (missing.result, missing.status, missing.kind) == (None, JobStatus.SUCCEEDED, JobKind.ALGORITHM)
    [problem] = page.problems
    assert isinstance(problem, PlaneUnavailableError)


async def test_a_graph_without_an_entry_in_the_directory_has_jobs_of_its_plane() -> None:
    """The operator placed it; the management plane is asked by the name alone."""
    ges = a_ges([a_task(0, 5)], [an_entry(0, 6)])
    ges.says[GRAPHS] = a_list_of()
    async with (
        open_runtime(ges, service_urls={"movies": "http://10.0.0.5"}) as runtime,
        open_reader(runtime) as reader,
    ):
        page = await list_movies(reader, PageRequest(5))
    assert ids(page) == ["s0", "m0"]
    assert page.edges[1].node.ref.graph == MOVIES


async def test_a_plane_that_fails_takes_the_total_along() -> None:
    """A sum without it would be a lie."""
    ges = a_ges([a_task(0), a_task(1)], [])
    ges.says[JOBS] = (429, {})
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        page = await list_movies(reader, PageRequest(1))
    assert (ids(page), page.total_count, page.has_next) == (["m0"], None, True)
    errors: list[UpstreamError | None] = [report.error for report in page.planes]
    assert errors[0] is None
    assert errors[1] is not None
    assert errors[1].retryable


@pytest.mark.parametrize(
    ("opened", "jobs"),
    [("movies", ["m3", "m1"]), ("id-of-movies", ["m3"]), ("*", ["m3", "m2", "m1"]), ("books", ["m2"])],
)
async def test_rights_by_id_are_to_the_graph_that_has_it_now(opened: str, jobs: list[str]) -> None:
    """A job older than the graph is of an earlier graph of its name, which only rights by name open."""
    early = "2025-03-04T10:00:00"
    tasks = [a_task(3, 10), a_task(2, 9, related_graph="books"), a_task(1, begin_time=early)]
    ges = a_ges(tasks, [])
    async with open_runtime(ges) as runtime, open_reader(runtime, a_caller_with(opened)) as reader:
        directory = a_directory(reader)
        listing = Listing(JobReads(reader, directory), directory)
        page = await listing.of_project("p1", JobFilter(), PageRequest(10), NOTHING)
        assert [edge.node.job_id for edge in page.edges] == jobs
        told = page.planes[0]
        assert (told.total_count, told.filtered_here) == ((3, []) if opened == "*" else (None, ["graphName"]))
        if opened != "books":
            graph = await directory.get(MOVIES)
            of_graph = await listing.of_graph(graph, [Plane.MANAGEMENT], JobFilter(), PageRequest(10), NOTHING)
            assert [edge.node.job_id for edge in of_graph.edges] == [job for job in jobs if job != "m2"]
