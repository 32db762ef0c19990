"""What can be read again by id: which types those are, and that each tells its own."""

import pytest
from graphql import GraphQLInterfaceType

from schema.ids import graph_id_of, job_id_of
from tests.fakes import MOVIES, SCHEMA, SERVICE_JOB, FakeGraphs, FakeJobs, a_context, a_graph, a_job, answer

NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"


def test_jobs_and_graphs_are_nodes() -> None:
    """Nothing else has an id of its own."""
    node = SCHEMA._schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {kind.name for kind in SCHEMA._schema.get_possible_types(node)} == {"Graph", "Job"}


@pytest.mark.anyio
async def test_a_job_read_by_id_has_that_id() -> None:
    """The type is told apart by the object."""
    id = job_id_of(SERVICE_JOB)
    data = await answer(NODE, a_context(FakeJobs({SERVICE_JOB: a_job()})), id=id)
    assert data == {"node": {"__typename": "Job", "id": id}}


@pytest.mark.anyio
async def test_a_graph_read_by_id_has_that_id() -> None:
    """The type is told apart by the object."""
    id = graph_id_of(MOVIES)
    data = await answer(NODE, a_context(graphs=FakeGraphs({MOVIES: a_graph()})), id=id)
    assert data == {"node": {"__typename": "Graph", "id": id}}
