"""Results: rows by window, their cursors, what follows them, and the values beside them."""

from typing import Any

import pytest

from schema.algorithm_result import EdgeList, ResultValue, RowPage, row_cursors, row_window, with_algorithm
from schema.errors import BadUserInputError, LimitExceededError, ResultGoneError
from schema.ids import GraphKey, JobRef, job_id_of
from schema.page import Window
from schema.plane import Plane
from schema.rows import RawRow, ResultKind
from schema.scalars import JSON, Long
from tests.fakes import SERVICE_JOB, FakeJobs, a_context, a_job, a_result, answer, execute, refusal

PAGE = """
  query ($id: ID!, $first: Int = 100, $after: String, $offset: Long) { job(id: $id) { result {
    rows(first: $first, after: $after, offset: $offset) {
      edges { cursor node { index } }
      nodes { index }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      totalCount
    }
  } } }
"""
ID = job_id_of(SERVICE_JOB)
OTHER_JOB = JobRef(Plane.SERVICE, GraphKey("p1", name="movies"), "43")


def rows(count: int, start: int = 0) -> list[RawRow]:
    """Make so many rows."""
    return [RawRow(index=Long(start + position), raw=None) for position in range(count)]


def jobs_with(*, count: int = 0, **result: Any) -> FakeJobs:
    """Hold one job with a result of so many rows."""
    return FakeJobs({SERVICE_JOB: a_job(result=a_result(**result))}, kept_rows=rows(count))


async def page_of(jobs: FakeJobs, **arguments: object) -> Any:
    """Read one page of rows."""
    data = await answer(PAGE, a_context(jobs), id=ID, **arguments)
    return data["job"]["result"]["rows"]


@pytest.mark.anyio
async def test_a_page_in_the_middle_has_neighbours() -> None:
    """Each edge has the cursor behind which the next row starts; the port is asked for this window and no other."""
    jobs = jobs_with(count=10)
    cursor = row_cursors(SERVICE_JOB).write
    assert await page_of(jobs, first=2, offset=3) == {
        "edges": [{"cursor": cursor(4), "node": {"index": 3}}, {"cursor": cursor(5), "node": {"index": 4}}],
        "nodes": [{"index": 3}, {"index": 4}],
        "pageInfo": {
            "hasNextPage": True,
            "hasPreviousPage": True,
            "startCursor": cursor(4),
            "endCursor": cursor(5),
        },
        "totalCount": 10,
    }
    assert jobs.windows == [(SERVICE_JOB, Window(3, 2))]


@pytest.mark.anyio
async def test_following_the_cursors_visits_every_row_once() -> None:
    """From the first page to one that says that it is the last."""
    jobs = jobs_with(count=7)
    seen: list[int] = []
    after = None
    while True:
        page = await page_of(jobs, first=3, after=after)
        seen += [node["index"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert seen == [0, 1, 2, 3, 4, 5, 6]
    assert jobs.windows == [(SERVICE_JOB, Window(0, 3)), (SERVICE_JOB, Window(3, 3)), (SERVICE_JOB, Window(6, 3))]


@pytest.mark.anyio
async def test_any_cursor_of_a_page_continues_behind_its_row() -> None:
    """Not only the last one."""
    jobs = jobs_with(count=10)
    page = await page_of(jobs, first=5)
    following = await page_of(jobs, first=2, after=page["edges"][1]["cursor"])
    assert following["nodes"] == [{"index": 2}, {"index": 3}]


@pytest.mark.anyio
@pytest.mark.parametrize(("offset", "expected"), [(None, False), (0, False), (1, True)])
async def test_only_the_first_row_has_none_before_it(offset: int | None, expected: bool) -> None:
    """Wherever pages are cut."""
    page = await page_of(jobs_with(count=3), first=1, offset=offset)
    assert page["pageInfo"]["hasPreviousPage"] is expected


@pytest.mark.anyio
async def test_a_page_of_no_rows_has_no_cursors() -> None:
    """Behind the end there is nothing more, but something before."""
    assert await page_of(jobs_with(count=3), offset=3) == {
        "edges": [],
        "nodes": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": True, "startCursor": None, "endCursor": None},
        "totalCount": 3,
    }


@pytest.mark.anyio
async def test_a_hundred_rows_are_asked_by_default() -> None:
    """From the first."""
    jobs = jobs_with()
    await answer("query ($id: ID!) { job(id: $id) { result { rows { totalCount } } } }", a_context(jobs), id=ID)
    assert jobs.windows == [(SERVICE_JOB, Window(0, 100))]


@pytest.mark.anyio
async def test_rows_that_are_gone_leave_the_rest_of_the_job() -> None:
    """The error is at the rows; there is nothing to put in their place, so the result is null."""
    jobs = jobs_with()
    jobs.kept_rows = ResultGoneError("No longer kept.")
    text = "query ($id: ID!) { job(id: $id) { jobId result { kind rows { totalCount } } } }"
    result = await execute(text, a_context(jobs), id=ID)
    assert result.data == {"job": {"jobId": "42", "result": None}}
    [error] = result.errors or []
    assert error.path == ["job", "result", "rows"]
    assert error.extensions == {"code": "RESULT_GONE", "retryable": False}


@pytest.mark.anyio
async def test_a_cursor_of_another_job_opens_no_rows() -> None:
    """Nobody is asked for them."""
    jobs = jobs_with(count=10)
    extensions = await refusal(PAGE, a_context(jobs), id=ID, after=row_cursors(OTHER_JOB).write(3))
    assert extensions == {"code": "BAD_USER_INPUT", "retryable": False}
    assert jobs.windows == []


@pytest.mark.parametrize(
    ("window", "count", "total", "expected"),
    [
        (Window(0, 5), 5, 10, True),
        (Window(5, 5), 5, 10, False),
        (Window(5, 5), 3, 10, True),
        (Window(8, 5), 2, 10, False),
        (Window(0, 5), 0, 10, False),
        (Window(0, 0), 0, 10, True),
        (Window(10, 0), 0, 10, False),
        (Window(0, 5), 0, 0, False),
        (Window(0, 5), 5, None, True),
        (Window(0, 5), 6, None, True),
        (Window(0, 5), 4, None, False),
        (Window(0, 5), 0, None, False),
        (Window(0, 0), 0, None, False),
    ],
    ids=str,
)
def test_what_follows_a_page_is_told_as_far_as_it_can_be_known(
    window: Window, count: int, total: int | None, expected: bool
) -> None:
    """
    By the total where GES gives one, else a full page may have a successor. An empty page of some ends every loop;
    a client that asks for none wants to know whether there are any.
    """
    assert RowPage(window, window.offset, rows(count, window.offset), total).has_next is expected


@pytest.mark.anyio
async def test_values_are_read_by_name_and_all_together() -> None:
    """A value that is null and one that is missing read alike; of two of the same name the first counts."""
    values = [
        ResultValue(name="modularity", value=JSON(0.5)),
        ResultValue(name="source", value=JSON(["a", {"b": None}])),
        ResultValue(name="empty", value=None),
        ResultValue(name="modularity", value=JSON(0.9)),
    ]
    text = """
      query ($id: ID!) { job(id: $id) { result {
        values { name value } a: value(name: "modularity") b: value(name: "empty") c: value(name: "Source")
      } } }
    """
    jobs = jobs_with(values=values)
    data = await answer(text, a_context(jobs), id=ID)
    assert data["job"]["result"] == {
        "values": [
            {"name": "modularity", "value": 0.5},
            {"name": "source", "value": ["a", {"b": None}]},
            {"name": "empty", "value": None},
            {"name": "modularity", "value": 0.9},
        ],
        "a": 0.5,
        "b": None,
        "c": None,
    }
    assert jobs.windows == []


@pytest.mark.anyio
async def test_a_result_tells_where_its_rows_came_from() -> None:
    """Totals beyond 32 bits included."""
    jobs = jobs_with(algorithm="pagerank", kind=ResultKind.VERTEX_VALUES, rows_key="pagerank", total_count=Long(10**11))
    text = "query ($id: ID!) { job(id: $id) { result { algorithm kind rowsKey totalCount } } }"
    data = await answer(text, a_context(jobs), id=ID)
    assert data["job"]["result"] == {
        "algorithm": "pagerank",
        "kind": "VERTEX_VALUES",
        "rowsKey": "pagerank",
        "totalCount": 100_000_000_000,
    }


@pytest.mark.anyio
async def test_a_total_that_ges_does_not_give_is_null() -> None:
    """Nobody counts rows that were not read."""

    class JobsWithoutTotals(FakeJobs):
        async def rows(self, ref: JobRef, window: Window) -> RowPage:
            return RowPage(window, window.offset, rows(2), None)

    page = await page_of(JobsWithoutTotals({SERVICE_JOB: a_job(result=a_result())}), first=2)
    assert page["totalCount"] is None
    assert page["pageInfo"]["hasNextPage"] is True


def test_the_window_of_rows_follows_from_the_arguments() -> None:
    """Absent ones are as good as null."""
    assert row_window(SERVICE_JOB, 100) == Window(0, 100)
    assert row_window(SERVICE_JOB, 100_000, None, 7) == Window(7, 100_000)
    assert row_window(SERVICE_JOB, 0, row_cursors(SERVICE_JOB).write(9)) == Window(9, 0)


def test_more_rows_than_ges_gives_at_once_exceed_a_limit() -> None:
    """The error says how many it may be."""
    with pytest.raises(LimitExceededError) as refused:
        row_window(SERVICE_JOB, 100_001)
    assert (refused.value.limit, refused.value.maximum, refused.value.asked) == ("first", 100_000, 100_001)


def test_a_window_of_rows_that_cannot_be_meant_is_refused() -> None:
    """As everywhere else."""
    with pytest.raises(BadUserInputError, match="not both"):
        row_window(SERVICE_JOB, 100, row_cursors(SERVICE_JOB).write(9), 9)


def test_the_algorithm_is_filled_in_where_it_is_known() -> None:
    """The result that was given stays as it is."""
    result = a_result(rows_key="pagerank")
    assert with_algorithm(result, "pagerank") == a_result(rows_key="pagerank", algorithm="pagerank")
    assert result.algorithm is None
    assert with_algorithm(result, None) is result
    assert with_algorithm(None, "pagerank") is None


def test_rows_as_edges_are_a_sequence() -> None:
    """Each edge is built when it is looked at; a slice is again a list of edges."""
    edges = EdgeList(rows(3, start=7), row_cursors(SERVICE_JOB))
    assert len(edges) == 3
    assert [edge.node.index for edge in edges[1:]] == [8, 9]
    assert edges[0].cursor == row_cursors(SERVICE_JOB).write(8)
