"""Graphs: how one is named, what it says of itself, and its jobs."""

from typing import Any

import pytest

from schema.errors import BadUserInputError, PlaneUnavailableError
from schema.graph import GraphConnection, GraphEdge, GraphEdition, GraphRef, InstanceGraphRef, graph_key
from schema.ids import GraphKey, graph_id_of, job_id_of
from schema.job import JobStatus
from schema.job_list import JobFilter
from schema.page import PageRequest, Window
from schema.plane import Plane
from schema.scalars import DateTime, Long
from tests.fakes import (
    INSTANCE,
    MOVIES,
    NOW,
    SERVICE_JOB,
    FakeGraphs,
    FakeJobs,
    a_context,
    a_graph,
    a_job,
    a_page,
    a_report,
    answer,
    asked_for,
    execute,
    refusal,
    reported,
)

INSIDE = GraphKey("p1", graph_id="g-1", name="movies")
GRAPH = "query ($by: GraphRef!) {{ graph(by: $by) {{ {} }} }}"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("by", "key"),
    [
        ({"id": graph_id_of(INSIDE)}, INSIDE),
        ({"id": graph_id_of(GraphKey("p2", name="movies"))}, GraphKey("p2", name="movies")),
        ({"graphId": "g-1"}, INSTANCE),
        ({"name": "movies"}, MOVIES),
        ({"inInstance": {"graphId": "g-1", "name": "movies"}}, INSIDE),
    ],
)
async def test_a_graph_is_named_in_one_of_four_ways(by: dict[str, Any], key: GraphKey) -> None:
    """A global id says its project itself; the others are meant in the project asked about."""
    graphs = FakeGraphs({key: a_graph(key)})
    data = await answer(GRAPH.format("id"), a_context(graphs=graphs), by=by)
    assert data == {"graph": {"id": graph_id_of(key)}}
    assert graphs.got == [key]


@pytest.mark.anyio
async def test_a_graph_named_by_its_global_id_needs_no_project() -> None:
    """The others do."""
    graphs = FakeGraphs({MOVIES: a_graph()})
    context = a_context(graphs=graphs, project_id=None)
    assert await answer(GRAPH.format("name"), context, by={"id": graph_id_of(MOVIES)}) == {"graph": {"name": "movies"}}
    for by in ({"graphId": "g-1"}, {"name": "movies"}, {"inInstance": {"graphId": "g-1", "name": "movies"}}):
        extensions = await refusal(GRAPH.format("name"), context, by=by)
        assert extensions == {"code": "BAD_USER_INPUT", "retryable": False}
    assert graphs.got == [MOVIES]


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        (GraphRef(name=""), "must not be empty"),
        (GraphRef(graph_id=""), "must not be empty"),
        (GraphRef(name="mov/ies"), "The graph name must be"),
        (GraphRef(graph_id="../p2"), "The graph id must be"),
        (GraphRef(in_instance=InstanceGraphRef(graph_id="", name="movies")), "The graph id must be"),
        (GraphRef(in_instance=InstanceGraphRef(graph_id="g-1", name="")), "The graph name must be"),
    ],
)
def test_a_name_that_cannot_be_meant_is_refused(ref: GraphRef, message: str) -> None:
    """It would become a path segment."""
    with pytest.raises(BadUserInputError, match=message):
        graph_key(ref, a_context())


@pytest.mark.anyio
@pytest.mark.parametrize("id", [job_id_of(SERVICE_JOB), "movies", ""])
async def test_an_id_that_names_no_graph_is_refused(id: str) -> None:
    """Nobody is asked."""
    graphs = FakeGraphs()
    assert (await refusal(GRAPH.format("name"), a_context(graphs=graphs), by={"id": id}))["code"] == "BAD_USER_INPUT"
    assert graphs.got == []


@pytest.mark.anyio
@pytest.mark.parametrize("by", [{}, {"name": "movies", "graphId": "g-1"}, {"name": None}])
async def test_exactly_one_way_must_be_chosen(by: dict[str, Any]) -> None:
    """GraphQL itself refuses none and several."""
    graphs = FakeGraphs()
    result = await execute(GRAPH.format("name"), a_context(graphs=graphs), by=by)
    assert len(result.errors or []) == 1
    assert result.data is None
    assert graphs.got == []


@pytest.mark.anyio
async def test_a_graph_tells_all_that_is_known_of_it() -> None:
    """Under the names of the contract."""
    graph = a_graph(
        INSIDE, edition=GraphEdition.DATABASE, status_code="900", is_queryable=False, created_at=DateTime(NOW)
    )
    selection = "id graphId name edition statusCode isQueryable createdAt"
    data = await answer(
        GRAPH.format(selection),
        a_context(graphs=FakeGraphs({INSIDE: graph})),
        by={"inInstance": {"graphId": "g-1", "name": "movies"}},
    )
    assert data["graph"] == {
        "id": "MS5HcmFwaC5wMS5nLTEubW92aWVz",
        "graphId": "g-1",
        "name": "movies",
        "edition": "DATABASE",
        "statusCode": "900",
        "isQueryable": False,
        "createdAt": "2026-03-04T10:20:30Z",
    }


async def jobs_of(jobs: FakeJobs, arguments: str = "", selection: str = "totalCount") -> Any:
    """Read the jobs of a graph."""
    context = a_context(jobs, FakeGraphs({MOVIES: a_graph()}))
    data = await answer(GRAPH.format(f"jobs{arguments} {{ {selection} }}"), context, by={"name": "movies"})
    return data["graph"]["jobs"]


@pytest.mark.anyio
async def test_jobs_of_a_graph_are_asked_from_all_planes_by_default() -> None:
    """The first twenty, unfiltered, and no more of each than is selected."""
    jobs = FakeJobs(listed=a_page(a_job(), total_count=Long(1)))
    assert await jobs_of(jobs, selection="nodes { jobId } totalCount") == {"nodes": [{"jobId": "42"}], "totalCount": 1}
    [(graph, planes, filter, page, parts)] = jobs.graph_listed
    assert (graph, planes, filter, page) == (MOVIES, None, JobFilter(), PageRequest(20))
    assert asked_for(parts) == set()
    assert jobs.got == []


@pytest.mark.anyio
async def test_jobs_of_a_graph_are_asked_as_the_arguments_say() -> None:
    """Planes in the order given."""
    jobs = FakeJobs(listed=a_page())
    await jobs_of(jobs, '(planes: [SERVICE, MANAGEMENT], filter: {statuses: RUNNING}, first: 5, after: "here")')
    await jobs_of(jobs, "(planes: SERVICE, first: 100, offset: 40)", "edges { node { name result { kind } } }")
    (first_ask, second_ask) = jobs.graph_listed
    assert first_ask[:4] == (
        MOVIES,
        [Plane.SERVICE, Plane.MANAGEMENT],
        JobFilter(statuses=[JobStatus.RUNNING]),
        PageRequest(5, "here"),
    )
    assert second_ask[:4] == (MOVIES, [Plane.SERVICE], JobFilter(), PageRequest(100, None, 40))
    assert asked_for(second_ask.parts) == {"listing", "result"}


@pytest.mark.anyio
async def test_rows_of_jobs_of_a_graph_are_asked_together_with_them() -> None:
    """The window follows from each job."""
    jobs = FakeJobs(listed=a_page())
    await jobs_of(jobs, selection="nodes { result { rows(first: 3, offset: 6) { totalCount } } }")
    assert jobs.graph_listed[0].parts.window(SERVICE_JOB) == Window(6, 3)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "extensions"),
    [
        ("(planes: [])", {"code": "BAD_USER_INPUT", "retryable": False}),
        ("(first: -1)", {"code": "BAD_USER_INPUT", "retryable": False}),
        ('(after: "here", offset: 0)', {"code": "BAD_USER_INPUT", "retryable": False}),
        ("(first: 101)", {"code": "LIMIT_EXCEEDED", "limit": "first", "maximum": 100, "asked": 101}),
    ],
)
async def test_arguments_that_cannot_be_meant_are_refused(arguments: str, extensions: dict[str, Any]) -> None:
    """Before a plane is asked."""
    jobs = FakeJobs(listed=a_page())
    context = a_context(jobs, FakeGraphs({MOVIES: a_graph()}))
    text = GRAPH.format(f"jobs{arguments} {{ totalCount }}")
    assert await refusal(text, context, by={"name": "movies"}) == extensions
    assert jobs.graph_listed == []


@pytest.mark.anyio
async def test_a_plane_that_did_not_answer_is_reported_at_the_jobs_of_the_graph() -> None:
    """What the other plane gave is there."""
    report = a_report(Plane.MANAGEMENT, ok=False, error=PlaneUnavailableError("Out."))
    context = a_context(FakeJobs(listed=a_page(a_job(), planes=[report])), FakeGraphs({MOVIES: a_graph()}))
    data = await answer(GRAPH.format("recent: jobs { nodes { jobId } }"), context, by={"name": "movies"})
    assert data == {"graph": {"recent": {"nodes": [{"jobId": "42"}]}}}
    assert reported(context) == [(["graph", "recent"], "Out.")]


@pytest.mark.anyio
async def test_a_page_of_graphs_has_edges_nodes_and_a_total() -> None:
    """In the order of the port."""
    edges = [GraphEdge(cursor="a", node=a_graph(MOVIES)), GraphEdge(cursor="b", node=a_graph(INSTANCE, name="actors"))]
    page = GraphConnection(has_next=True, has_previous=False, edges=edges, total_count=Long(7))
    text = """
      { graphs {
          edges { cursor node { name } } nodes { name graphId } totalCount
          pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      } }
    """
    data = await answer(text, a_context(graphs=FakeGraphs(listed=page)))
    assert data["graphs"] == {
        "edges": [{"cursor": "a", "node": {"name": "movies"}}, {"cursor": "b", "node": {"name": "actors"}}],
        "nodes": [{"name": "movies", "graphId": None}, {"name": "actors", "graphId": "g-1"}],
        "totalCount": 7,
        "pageInfo": {"hasNextPage": True, "hasPreviousPage": False, "startCursor": "a", "endCursor": "b"},
    }
