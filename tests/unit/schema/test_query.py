"""The root fields: what each asks its port, and what it refuses without asking."""

from typing import Any

import pytest

from schema.errors import ForbiddenError, NotFoundError, PlaneUnavailableError
from schema.graph import GraphConnection
from schema.ids import GraphKey, JobRef, graph_id_of, job_id_of
from schema.job_list import JobFilter
from schema.page import PageRequest, Window
from schema.plane import Plane
from tests.fakes import (
    INSTANCE,
    MANAGEMENT_JOB,
    MOVIES,
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
    refusal,
    reported,
)

REFUSED = {"code": "BAD_USER_INPUT", "retryable": False}
NO_GRAPHS = GraphConnection(has_next=False, has_previous=False, edges=[], total_count=None)
NODE = "query ($id: ID!) { node(id: $id) { id } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
JOB = "query ($id: ID!, $wait: Int = 0) { job(id: $id, waitSeconds: $wait) { jobId } }"
FIND = """
  query ($graph: GraphRef!, $jobId: String!, $plane: Plane, $wait: Int = 0) {
    findJob(graph: $graph, jobId: $jobId, plane: $plane, waitSeconds: $wait) { jobId plane }
  }
"""


@pytest.mark.anyio
@pytest.mark.parametrize("ref", [SERVICE_JOB, MANAGEMENT_JOB])
async def test_a_job_is_got_by_its_id(ref: JobRef) -> None:
    """From the plane the id names, without a project, without waiting and without searching."""
    jobs = FakeJobs({ref: a_job(ref)})
    assert await answer(JOB, a_context(jobs, project_id=None), id=job_id_of(ref)) == {"job": {"jobId": ref.job_id}}
    [(got, parts, wait_seconds)] = jobs.got
    assert (got, asked_for(parts), wait_seconds) == (ref, set(), 0)
    assert jobs.sought == []


@pytest.mark.anyio
async def test_a_job_that_is_not_there_is_null_and_an_error() -> None:
    """Null alone is never the answer of a plane that could not be asked."""
    for error, code in ((NotFoundError("None."), "NOT_FOUND"), (PlaneUnavailableError("Out."), "PLANE_UNAVAILABLE")):
        result = await execute(JOB, a_context(FakeJobs({SERVICE_JOB: error})), id=job_id_of(SERVICE_JOB))
        assert result.data == {"job": None}
        [told] = result.errors or []
        assert told.path == ["job"]
        assert (told.extensions or {})["code"] == code


@pytest.mark.anyio
@pytest.mark.parametrize(("wait", "asked"), [(0, 0), (1, 1), (50, 50), (None, 0)])
async def test_the_port_waits_as_long_as_the_client_says(wait: int | None, asked: int) -> None:
    """Up to 50 seconds, for either way to ask for one job."""
    jobs = FakeJobs({SERVICE_JOB: a_job()})
    await answer(JOB, a_context(jobs), id=job_id_of(SERVICE_JOB), wait=wait)
    await answer(FIND, a_context(jobs), graph={"name": "movies"}, jobId="42", wait=wait)
    assert [got.wait_seconds for got in jobs.got] == [sought.wait_seconds for sought in jobs.sought] == [asked]


@pytest.mark.anyio
@pytest.mark.parametrize("wait", [-1, 51])
async def test_waiting_longer_than_allowed_is_refused(wait: int) -> None:
    """Before anybody is asked."""
    jobs = FakeJobs({SERVICE_JOB: a_job()})
    assert await refusal(JOB, a_context(jobs), id=job_id_of(SERVICE_JOB), wait=wait) == REFUSED
    assert await refusal(FIND, a_context(jobs), graph={"name": "movies"}, jobId="42", wait=wait) == REFUSED
    assert (jobs.got, jobs.sought) == ([], [])


@pytest.mark.anyio
@pytest.mark.parametrize("id", ["", "42", graph_id_of(MOVIES)])
async def test_an_id_that_names_no_job_is_refused(id: str) -> None:
    """Before anybody is asked."""
    jobs = FakeJobs()
    assert await refusal(JOB, a_context(jobs), id=id) == REFUSED
    assert jobs.got == []


@pytest.mark.anyio
@pytest.mark.parametrize("plane", [None, Plane.SERVICE, Plane.MANAGEMENT])
async def test_a_job_is_found_by_the_id_ges_gave(plane: Plane | None) -> None:
    """Where the client says, anywhere when he does not."""
    held = JobRef(plane or Plane.SERVICE, MOVIES, "42")
    jobs = FakeJobs({held: a_job(held)})
    data = await answer(
        FIND, a_context(jobs), graph={"name": "movies"}, jobId="42", plane=plane.name if plane else None
    )
    assert data == {"findJob": {"jobId": "42", "plane": held.plane.name}}
    [(graph, job_id, asked, parts, wait_seconds)] = jobs.sought
    assert (graph, job_id, asked, wait_seconds) == (MOVIES, "42", plane, 0)
    assert asked_for(parts) == set()


@pytest.mark.anyio
async def test_a_job_that_no_plane_has_is_null_and_not_found() -> None:
    """That is what the port says; it would say something else if a plane could not be asked."""
    result = await execute(FIND, a_context(FakeJobs()), graph={"name": "movies"}, jobId="42")
    assert result.data == {"findJob": None}
    assert [error.extensions for error in result.errors or []] == [{"code": "NOT_FOUND", "retryable": False}]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("graph", "job_id", "project"),
    [
        ({"name": "movies"}, "", "p1"),
        ({"name": "movies"}, "4/2", "p1"),
        ({"name": "mov/ies"}, "42", "p1"),
        ({"name": "movies"}, "42", None),
    ],
)
async def test_a_job_is_not_sought_where_it_cannot_be(graph: dict[str, str], job_id: str, project: str | None) -> None:
    """By parts that are no path segments, or without a project."""
    jobs = FakeJobs()
    assert await refusal(FIND, a_context(jobs, project_id=project), graph=graph, jobId=job_id) == REFUSED
    assert jobs.sought == []


@pytest.mark.anyio
async def test_a_job_is_sought_in_the_project_of_a_global_id() -> None:
    """Whatever the request names."""
    key = GraphKey("p2", name="movies")
    held = JobRef(Plane.SERVICE, key, "42")
    jobs = FakeJobs({held: a_job(held)})
    await answer(FIND, a_context(jobs, project_id=None), graph={"id": graph_id_of(key)}, jobId="42")
    assert jobs.sought[0].graph == key


@pytest.mark.anyio
async def test_a_found_job_reports_what_could_not_be_read_beside_it() -> None:
    """As a job that was got by its id does."""
    context = a_context(FakeJobs({SERVICE_JOB: a_job(problems=(ForbiddenError("No list."),))}))
    await answer(FIND, context, graph={"name": "movies"}, jobId="42")
    assert reported(context) == [(["findJob"], "No list.")]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("selection", "expected", "window"),
    [
        ("... on Job { jobId }", set(), None),
        ("id ... on Job { name failure { code } }", {"listing", "identity", "failure"}, None),
        ("id ... on Graph { name createdAt } ... on Node { id }", {"identity"}, None),
        ("... on Job { result { rows(first: 5) { totalCount } } }", {"result"}, Window(0, 5)),
    ],
)
async def test_a_node_asks_for_the_parts_it_needs(selection: str, expected: set[str], window: Window | None) -> None:
    """As the field of its own type does."""
    jobs = FakeJobs({SERVICE_JOB: a_job(result=a_result())})
    id = job_id_of(SERVICE_JOB)
    await answer(f"query ($id: ID!) {{ node(id: $id) {{ {selection} }} }}", a_context(jobs), id=id)
    await answer(f"query ($id: ID!) {{ nodes(ids: [$id]) {{ {selection} }} }}", a_context(jobs), id=id)
    assert [(ref, asked_for(parts), parts.window(ref), wait) for ref, parts, wait in jobs.got] == [
        (SERVICE_JOB, expected, window, 0)
    ] * 2


@pytest.mark.anyio
async def test_a_node_that_is_a_graph_is_asked_from_the_other_port() -> None:
    """By its key."""
    jobs, graphs = FakeJobs(), FakeGraphs({INSTANCE: a_graph(INSTANCE)})
    id = graph_id_of(INSTANCE)
    assert await answer(NODE, a_context(jobs, graphs, project_id=None), id=id) == {"node": {"id": id}}
    assert (jobs.got, graphs.got) == ([], [INSTANCE])


@pytest.mark.anyio
async def test_a_node_reports_what_could_not_be_read_beside_it() -> None:
    """At its own field."""
    context = a_context(FakeJobs({SERVICE_JOB: a_job(problems=(ForbiddenError("No list."),))}))
    await answer(NODE, context, id=job_id_of(SERVICE_JOB))
    await answer(NODES, context, ids=[job_id_of(SERVICE_JOB)])
    assert reported(context) == [(["node"], "No list."), (["nodes"], "No list.")]


@pytest.mark.anyio
async def test_a_node_that_is_not_there_is_null_and_an_error() -> None:
    """Whether it is a job, a graph or nothing at all."""
    for id, code in (
        (job_id_of(SERVICE_JOB), "NOT_FOUND"),
        (graph_id_of(MOVIES), "NOT_FOUND"),
        ("nothing", "BAD_USER_INPUT"),
    ):
        result = await execute(NODE, a_context(), id=id)
        assert result.data == {"node": None}
        assert [(error.extensions or {})["code"] for error in result.errors or []] == [code]


@pytest.mark.anyio
async def test_nodes_are_in_the_order_of_their_ids() -> None:
    """Each fails by itself, at its own position; equal ids are answered each."""
    jobs, graphs = FakeJobs({SERVICE_JOB: a_job()}), FakeGraphs({MOVIES: a_graph()})
    job, graph = job_id_of(SERVICE_JOB), graph_id_of(MOVIES)
    result = await execute(NODES, a_context(jobs, graphs), ids=[graph, job_id_of(MANAGEMENT_JOB), job, "nothing", job])
    assert result.data == {
        "nodes": [
            {"__typename": "Graph", "id": graph},
            None,
            {"__typename": "Job", "id": job},
            None,
            {"__typename": "Job", "id": job},
        ]
    }
    assert {(tuple(error.path or []), (error.extensions or {})["code"]) for error in result.errors or []} == {
        (("nodes", 1), "NOT_FOUND"),
        (("nodes", 3), "BAD_USER_INPUT"),
    }


@pytest.mark.anyio
async def test_a_hundred_nodes_may_be_asked_at_once() -> None:
    """One more exceeds a limit, and none of them is asked."""
    jobs = FakeJobs({SERVICE_JOB: a_job()})
    ids = [job_id_of(SERVICE_JOB)] * 100
    data = await answer(NODES, a_context(jobs), ids=ids)
    assert len(data["nodes"]) == len(jobs.got) == 100
    jobs.got.clear()
    extensions = await refusal(NODES, a_context(jobs), ids=[*ids, ids[0]])
    assert extensions == {"code": "LIMIT_EXCEEDED", "limit": "ids", "maximum": 100, "asked": 101}
    assert jobs.got == []
    assert await answer(NODES, a_context(jobs), ids=[]) == {"nodes": []}


@pytest.mark.anyio
async def test_jobs_of_the_project_are_asked_by_page() -> None:
    """Twenty by default; cursors are for the port to read."""
    jobs = FakeJobs(listed=a_page())
    context = a_context(jobs)
    await answer("{ jobs { totalCount } }", context)
    await answer('{ jobs(first: 100, after: "here") { totalCount } }', context)
    await answer("{ jobs(first: 0, offset: 40) { nodes { id } } }", context)
    assert [(project, filter, page, asked_for(parts)) for project, filter, page, parts in jobs.project_listed] == [
        ("p1", JobFilter(), PageRequest(20), set()),
        ("p1", JobFilter(), PageRequest(100, "here"), set()),
        ("p1", JobFilter(), PageRequest(0, None, 40), {"identity"}),
    ]


@pytest.mark.anyio
async def test_graphs_of_the_project_are_asked_by_page() -> None:
    """Twenty by default."""
    graphs = FakeGraphs(listed=NO_GRAPHS)
    context = a_context(graphs=graphs)
    await answer("{ graphs { totalCount } }", context)
    await answer('{ graphs(first: 100, after: "here") { totalCount } }', context)
    await answer("{ graphs(first: 1, offset: 40) { totalCount } }", context)
    assert graphs.project_listed == [
        ("p1", PageRequest(20)),
        ("p1", PageRequest(100, "here")),
        ("p1", PageRequest(1, None, 40)),
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("field", ["jobs", "graphs"])
@pytest.mark.parametrize(
    ("arguments", "extensions"),
    [
        ("(first: null)", REFUSED),
        ("(first: -1)", REFUSED),
        ("(offset: -1)", REFUSED),
        ('(after: "here", offset: 0)', REFUSED),
        ("(first: 101)", {"code": "LIMIT_EXCEEDED", "limit": "first", "maximum": 100, "asked": 101}),
    ],
)
async def test_a_page_that_cannot_be_meant_is_refused(field: str, arguments: str, extensions: dict[str, Any]) -> None:
    """Before anybody is asked."""
    jobs, graphs = FakeJobs(listed=a_page()), FakeGraphs(listed=NO_GRAPHS)
    assert await refusal(f"{{ {field}{arguments} {{ totalCount }} }}", a_context(jobs, graphs)) == extensions
    assert (jobs.project_listed, graphs.project_listed) == ([], [])


@pytest.mark.anyio
@pytest.mark.parametrize("field", ["jobs", "graphs"])
async def test_a_list_of_the_project_needs_a_project(field: str) -> None:
    """The error says how to name one."""
    result = await execute(f"{{ {field} {{ totalCount }} }}", a_context(project_id=None))
    assert [error.message for error in result.errors or []] == ["No project: send the header X-Project-Id."]
