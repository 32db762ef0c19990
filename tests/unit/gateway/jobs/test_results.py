"""One job on one plane: its status and rows as GES gave them, completed by the list, honest about what is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from gateway.jobs.results import JobReads
from schema.algorithm_result import RowPage
from schema.context import JobParts
from schema.errors import BadUserInputError, ForbiddenError, NotFoundError, PlaneUnavailableError, ResultGoneError
from schema.ids import GraphKey, JobRef
from schema.job import JobKind, JobStatus
from schema.page import Window
from schema.plane import Plane
from schema.rows import ResultRow, RowStream
from tests.support_clock import FAKE_TIME, pass_time
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

MOVIES = GraphKey("p1", name="movies")
JOB = JobRef(Plane.SERVICE, MOVIES, "j1")
NOTHING = JobParts(listing=False, identity=False, result=False, failure=False, window=lambda ref: None)
LISTING = replace(NOTHING, listing=True)
STATUS, LIST = "/ges/v1.0/p1/graphs/movies/jobs/j1/status", "/ges/v1.0/p1/graphs/movies/jobs/status"
TASKS = "/v2/p1/graphs/jobs"
REFUSED: Said = (400, {"errorCode": "GES.8005", "errorMessage": "Parameter error!"})


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


def a_status(word: str = "success", **outputs: Any) -> Said:
    """Say a status, with a result if there is one."""
    return 200, {"status": word, "data": {"outputs": outputs} if outputs else {}}


def some_rows(count: int, total: int, offset: int = 0) -> Said:
    """Say so many rows of a result."""
    rows = [{f"v{offset + number}": 1.5} for number in range(count)]
    return a_status(pagerank=rows, data_total_size=total, data_offset=offset, data_return_size=count)


def held(page: RowPage) -> list[ResultRow]:
    """Return the rows of a page that is held whole, as small ones are."""
    assert isinstance(page.rows, Sequence)
    return list(page.rows)


@asynccontextmanager
async def reads_of(ges: Ges, *, passing: bool = False, **settings: Any) -> AsyncIterator[JobReads]:
    """Open the reads of one operation."""
    ges.says.setdefault("/v2/p1/graphs", a_list_of(a_described_graph("movies")))
    async with open_runtime(ges, **settings) as runtime, open_reader(runtime) as reader:
        yield JobReads(reader, a_directory(reader), passing=passing)


async def test_what_only_the_list_knows_is_added_and_what_the_status_said_stays() -> None:
    """The list may be a moment older or newer; one status holds for the whole answer."""
    entry = {
        "jobId": "j1",
        "status": "running",
        "taskType": "Algorithm",
        "progress": "100",
        "canStop": False,
        "startTime": "2026-03-04 18:00:00",
        "endTime": "",
        "rawRequest": '{"algorithmName":"pagerank"}',
    }
    ges = Ges({STATUS: some_rows(1, 5), LIST: (200, {"jobs": [{"jobId": "j0"}, entry], "jobCount": 2})})
    async with reads_of(ges, service_job_list_limit=77) as reads:
        job = await reads.on_service(MOVIES, "j1", LISTING)
    assert (job.status, job.kind, job.name, job.can_cancel) == (
        JobStatus.SUCCEEDED,
        JobKind.ALGORITHM,
        "pagerank",
        False,
    )
    assert job.result is not None
    assert (job.result.algorithm, job.result.total_count) == ("pagerank", 5)
    assert ges.asked[-1] == f"{LIST}?offset=0&limit=77"


async def test_a_job_that_its_list_does_not_hold_is_told_as_its_status_tells() -> None:
    """A long list is cut, and early editions forget."""
    ges = Ges({STATUS: some_rows(1, 1), LIST: (200, {"jobs": [], "jobCount": 0})})
    async with reads_of(ges) as reads:
        job = await reads.on_service(MOVIES, "j1", LISTING)
    assert (job.status, job.kind, job.started_at, job.problems) == (JobStatus.SUCCEEDED, JobKind.OTHER, None, ())


async def test_a_list_that_cannot_be_read_is_a_problem_beside_the_job() -> None:
    """The status was answered, so there is a job to tell."""
    async with reads_of(Ges({STATUS: a_status()})) as reads:
        job = await reads.on_service(MOVIES, "j1", LISTING)
    [problem] = job.problems
    assert job.status is JobStatus.SUCCEEDED
    assert isinstance(problem, PlaneUnavailableError)


@pytest.mark.parametrize(
    ("reason", "message", "code"), [("too old", "too old", None), (None, "GES gives no reason.", None)]
)
async def test_the_lists_reason_stands_in_for_a_status_without_a_code(
    reason: str | None, message: str, code: str | None
) -> None:
    """A status that names a code says more than the list; one without says less."""
    entry = {"jobId": "j1", "status": "failed", "failReason": reason}
    ges = Ges({STATUS: (200, {"status": "failed"}), LIST: (200, {"jobs": [entry], "jobCount": 1})})
    async with reads_of(ges) as reads:
        job = await reads.on_service(MOVIES, "j1", LISTING)
    assert job.failure is not None
    assert (job.failure.message, job.failure.code) == (message, code)
    ges.says[STATUS] = (200, {"status": "failed", "errorCode": "GES.8402", "errorMessage": "bad vertex"})
    async with reads_of(ges) as reads:
        job = await reads.on_service(MOVIES, "j1", LISTING)
    assert job.failure is not None
    assert (job.failure.message, job.failure.code) == ("bad vertex", "GES.8402")


@pytest.mark.parametrize(("end", "is_terminal"), [("2026-03-04 18:00:00", True), ("", False)])
async def test_a_status_nobody_knows_is_looked_up_in_the_list(end: str, is_terminal: bool) -> None:
    """Only the list has the end time that makes it terminal, so it is asked although nobody selected its fields."""
    entry = {"jobId": "j1", "status": "resting", "endTime": end}
    ges = Ges({STATUS: a_status("resting"), LIST: (200, {"jobs": [entry], "jobCount": 1})})
    async with reads_of(ges) as reads:
        job = await reads.on_service(MOVIES, "j1", NOTHING)
    assert job.status is JobStatus.UNKNOWN
    assert (job.ended_at is not None) is is_terminal


async def test_rows_are_the_window_asked_for() -> None:
    """Whatever else was read of the job before."""
    ges = Ges({f"{STATUS}?offset=3&limit=2": some_rows(2, 9, 3), f"{STATUS}?offset=0&limit=1": some_rows(1, 9)})
    async with reads_of(ges) as reads:
        page = await reads.rows(JOB, Window(3, 2))
    assert (page.offset, page.total, [row.index for row in held(page)]) == (3, 9, [3, 4])
    assert page.has_next


async def test_beyond_the_end_is_an_empty_page_also_where_ges_refuses() -> None:
    """What GES says there is documented nowhere; how long the result is, one row tells."""
    ges = Ges({STATUS: REFUSED, f"{STATUS}?offset=0&limit=1": some_rows(1, 9)})
    async with reads_of(ges) as reads:
        page = await reads.rows(JOB, Window(9, 2))
        assert (held(page), page.total, page.offset, page.has_next) == ([], 9, 9, False)
        with pytest.raises(BadUserInputError):
            await reads.rows(JOB, Window(8, 2))


@pytest.mark.parametrize("one_row", [REFUSED, a_status("running"), a_status(pagerank=[{"a": 1}], data_offset=0)])
async def test_a_refusal_that_is_not_about_the_end_stays_one(one_row: Said) -> None:
    """Without a known length nobody can tell that the window lies beyond it."""
    ges = Ges({STATUS: REFUSED, f"{STATUS}?offset=0&limit=1": one_row})
    async with reads_of(ges) as reads:
        with pytest.raises(BadUserInputError):
            await reads.rows(JOB, Window(9, 2))


async def test_a_refusal_at_the_beginning_is_one() -> None:
    """There is no end before the first row."""
    ges = Ges({STATUS: REFUSED})
    async with reads_of(ges) as reads:
        with pytest.raises(BadUserInputError):
            await reads.rows(JOB, Window(0, 2))


async def test_rows_of_a_job_without_a_result_are_gone() -> None:
    """The job is known and succeeded, but GES keeps nothing of it any more."""
    async with reads_of(Ges({STATUS: a_status()})) as reads:
        with pytest.raises(ResultGoneError):
            await reads.rows(JOB, Window(0, 2))


async def test_a_result_of_values_alone_has_a_page_of_no_rows() -> None:
    """Asking every result for its rows is no mistake."""
    async with reads_of(Ges({STATUS: a_status(closeness=0.8)})) as reads:
        page = await reads.rows(JOB, Window(0, 2))
    assert (held(page), page.total, page.has_next) == ([], None, False)


async def test_history_is_read_on_until_the_job_is_met() -> None:
    """A hundred at a time, of this graph name alone, and to the end."""

    def tasks(count: int, *last: str) -> Said:
        listed = [{"job_id": f"x{number}", "related_graph": "gone"} for number in range(count)]
        return 200, {"job_list": [*listed, *({"job_id": name, "related_graph": "gone"} for name in last)]}

    gone = GraphKey("p1", name="gone")
    query = "limit=100&graph_name=gone"
    ges = Ges({f"{TASKS}?offset=0&{query}": tasks(100), f"{TASKS}?offset=100&{query}": tasks(4, "j1")})
    async with reads_of(ges) as reads:
        assert (await reads.in_history(gone, "j1")).graph_name == "gone"
        with pytest.raises(NotFoundError):
            await reads.in_history(gone, "j2")
    ges = Ges({TASKS: tasks(100)})
    async with reads_of(ges) as reads:
        with pytest.raises(NotFoundError):
            await reads.in_history(gone, "j1")
    assert len(ges.asked) == 10


async def test_history_of_another_graph_is_not_this_ones() -> None:
    """A loose match of names must not hand out a job of another graph."""
    ges = Ges({TASKS: (200, {"job_list": [{"job_id": "j1", "related_graph": "movies_2"}]})})
    async with reads_of(ges) as reads:
        with pytest.raises(NotFoundError):
            await reads.in_history(MOVIES, "j1")


async def test_a_job_is_told_although_the_window_asked_with_it_is_out_of_bounds() -> None:
    """Its status is read with one row instead; at the beginning a refusal is one."""
    ges = Ges({STATUS: REFUSED, f"{STATUS}?offset=0&limit=1": some_rows(1, 9)})
    beyond = replace(NOTHING, result=True, window=lambda ref: Window(9, 2))
    async with reads_of(ges) as reads:
        job = await reads.on_service(MOVIES, "j1", beyond)
        assert job.result is not None
        assert job.result.total_count == 9
        with pytest.raises(BadUserInputError):
            await reads.on_service(MOVIES, "j1", replace(beyond, window=lambda ref: Window(0, 2)))


MANY = Window(0, 20_000)
ONE_ROW = f"{STATUS}?offset=0&limit=1"


async def test_many_rows_of_an_ended_job_are_written_while_they_arrive() -> None:
    """One row tells how large they are; the rows themselves are asked for when somebody writes them."""
    ges = Ges({ONE_ROW: some_rows(1, 30_000)})
    async with reads_of(ges, spool_max_bytes=1000) as reads:
        page = await reads.rows(JOB, MANY)
        last = await reads.rows(JOB, Window(29_000, 20_000))
    assert not isinstance(page.rows, Sequence)
    assert (len(page.rows), len(last.rows), page.total, page.has_next, last.has_next) == (
        20_000,
        1000,
        30_000,
        True,
        False,
    )
    assert [target for target in ges.asked if "/jobs/j1/" in target] == [ONE_ROW]


@pytest.mark.parametrize(("spool_max_bytes", "collected"), [(3_000_000, True), (2_000_000, False)])
async def test_of_many_rows_those_that_fit_are_collected(spool_max_bytes: int, collected: bool) -> None:
    """As they arrive and are written, so that they and their body are never held both."""
    row = {"v0": "x" * 100}
    ges = Ges({ONE_ROW: a_status(pagerank=[row], data_total_size=30_000, data_offset=0, data_return_size=1)})
    async with reads_of(ges, spool_max_bytes=spool_max_bytes) as reads:
        page = await reads.rows(JOB, MANY)
    assert isinstance(page.rows, RowStream)
    assert page.rows.collected is collected


async def test_rows_that_only_pass_are_not_held_however_few() -> None:
    """They are to be written somewhere else, and to be kept nowhere."""
    async with reads_of(Ges({ONE_ROW: some_rows(1, 5)}), passing=True) as reads:
        page = await reads.rows(JOB, MANY)
    assert isinstance(page.rows, RowStream)
    assert not page.rows.collected


@pytest.mark.parametrize(
    ("one_row", "spool_max_bytes"),
    [
        (some_rows(1, 30_000), 10**9),
        (some_rows(1, 5), 1000),
        (some_rows(0, 0), 1),
        (a_status("running", pagerank=[{"v0": 1.5}], data_total_size=30_000), 1000),
        (a_status(pagerank=[{"v0": 1.5}], data_return_size=1), 1000),
        (a_status(pagerank=[{"v0": 1.5}]), 1000),
    ],
    ids=["small enough", "few", "none", "may change", "of unknown length", "sent whole"],
)
async def test_many_rows_are_held_where_streaming_gains_or_proves_nothing(one_row: Said, spool_max_bytes: int) -> None:
    """Then the window is one read like any other, kept and shared like any other."""
    ges = Ges({STATUS: one_row, f"{STATUS}?offset=0&limit=20000": one_row})
    async with reads_of(ges, spool_max_bytes=spool_max_bytes) as reads:
        page = await reads.rows(JOB, MANY)
    assert isinstance(page.rows, Sequence)
    assert ges.asked[-1] == f"{STATUS}?offset=0&limit=20000"


@pytest.mark.parametrize(("opened", "said"), [("movies", "books"), ("id-of-movies", "books")])
async def test_a_job_of_another_graph_than_it_was_asked_under_is_refused(opened: str, said: str) -> None:
    """Whether GES looks at the graph in the path is documented nowhere, so what it answers is looked at."""
    path = "/v2/p1/graphs/id-of-movies/jobs/m1/status"
    described = a_described_graph("movies")
    ges = Ges({TASKS[:-5]: a_list_of(described), TASKS[:-5] + "/id-of-movies": (200, {"graph": described})})
    key = GraphKey("p1", graph_id="id-of-movies")
    async with open_runtime(ges) as runtime, open_reader(runtime, a_caller_with(opened)) as reader:
        reads = JobReads(reader, a_directory(reader), fresh=True)
        ges.says[path] = (200, {"job_id": "m1", "status": "success", "related_graph": "movies"})
        assert (await reads.on_management(key, "m1")).graph_name == "movies"
        reader.forget()
        ges.says[path] = (200, {"job_id": "m1", "status": "success", "related_graph": said})
        with pytest.raises(ForbiddenError):
            await reads.on_management(key, "m1")


async def test_a_job_of_a_graph_that_is_not_opened_is_not_even_asked_for() -> None:
    """Its answer need not say of which graph it is."""
    path = "/v2/p1/graphs/id-of-movies/jobs/m1/status"
    ges = Ges({path: (200, {"job_id": "m1", "status": "success"})})
    ges.says["/v2/p1/graphs/id-of-movies"] = (200, {"graph": a_described_graph("movies")})
    async with open_runtime(ges) as runtime, open_reader(runtime, a_caller_with("books")) as reader:
        reads = JobReads(reader, a_directory(reader))
        with pytest.raises(ForbiddenError):
            await reads.on_management(GraphKey("p1", graph_id="id-of-movies"), "m1")
    assert path not in ges.asked


@pytest.mark.parametrize(("word", "asked"), [("success", 1), ("hibernating", 2)])
async def test_a_word_that_nobody_knows_is_not_kept_as_an_end(word: str, asked: int) -> None:
    """A list whose jobs have all ended is kept for seconds; one with such a word is asked for again."""
    entry = {"jobId": "j1", "status": word, "endTime": "2026-03-04 18:00:00"}
    ges = Ges({"/v2/p1/graphs": a_list_of(a_described_graph("movies")), LIST: (200, {"jobs": [entry]})})
    async with open_runtime(ges) as runtime:
        for _ in range(2):
            async with open_reader(runtime) as reader:
                directory = a_directory(reader)
                await JobReads(reader, directory).listed(await directory.place(MOVIES), 0, 10)
            pass_time(2)
    assert [target.partition("?")[0] for target in ges.asked].count(LIST) == asked
