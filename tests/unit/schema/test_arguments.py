"""Arguments of a plan: for all variables what graphql-core and Strawberry would make of them."""

from typing import Any

import pytest
from graphql import GraphQLError, GraphQLObjectType, get_operation_ast, parse
from strawberry.schema.schema_converter import GraphQLCoreConverter

from schema.arguments import Arguments, UnboundError, bind
from schema.execution import RowExecutor
from schema.graph import GraphRef
from schema.job import JobStatus
from schema.plane import Plane
from tests.fakes import SCHEMA

HEAD = """
  $id: ID = "1", $first: Int, $after: String, $offset: Long, $plane: Plane, $planes: [Plane!], $statuses: [JobStatus!]
  $status: JobStatus!, $search: String, $name: String!, $ref: GraphRef!
"""


def bound(parent: str, field: str, **variables: Any) -> Arguments:
    """Bind the arguments of one field as an operation with these variables has them."""
    declared = ", ".join(
        line for line in HEAD.replace("\n", ",").split(",") if line.strip()[1:].split(":")[0] in variables
    )
    tree = parse(f"query {f'({declared})' if declared else ''} {{ {field} }}")
    executor = RowExecutor.build(SCHEMA._schema, tree, raw_variable_values=variables)
    assert isinstance(executor, RowExecutor)
    operation, type_ = get_operation_ast(tree), SCHEMA._schema.type_map[parent]
    assert operation is not None
    assert isinstance(type_, GraphQLObjectType)
    node: Any = operation.selection_set.selections[0]
    asked = type_.fields[node.name.value]
    return bind(executor, asked, asked.extensions[GraphQLCoreConverter.DEFINITION_BACKREF], node)


def given(arguments: Arguments, **variables: Any) -> dict[str, Any]:
    """Return what a resolver is called with."""
    assert arguments is not None
    return arguments(variables)


def test_a_field_without_arguments_is_called_without() -> None:
    """So its resolver needs no lookup at all."""
    assert bound("Job", "isTerminal") is None


def test_literals_and_defaults_are_found_out_once() -> None:
    """They are the same objects each time; what is absent stays absent."""
    arguments = bound("Graph", "jobs(planes: SERVICE, filter: {statuses: FAILED}, after: null)")
    found = given(arguments)
    assert (found["planes"], found["filter"].statuses) == ([Plane.SERVICE], [JobStatus.FAILED])
    assert (found["first"], found["after"], "offset" in found) == (20, None, False)
    assert given(arguments)["filter"] is found["filter"]


def test_variables_are_looked_up_each_time() -> None:
    """Under the names that the resolver has for them."""
    arguments = bound("Query", 'findJob(graph: {name: "m"}, jobId: $name, plane: SERVICE)', name="a")
    for name in ("a", "b"):
        found = given(arguments, name=name)
        assert (found["job_id"], found["plane"]) == (name, Plane.SERVICE)


def test_a_variable_that_is_not_given_leaves_the_default() -> None:
    """Null is given; absent is not."""
    assert given(bound("AlgorithmResult", "rows(first: $first, after: $after)"))["first"] == 100
    arguments = bound("AlgorithmResult", "rows(first: $first, after: $after)", first=None, after="x")
    assert given(arguments, first=None, after="y") == {"first": None, "after": "y"}


@pytest.mark.parametrize(
    ("field", "first", "then", "name", "value"),
    [
        ("rows(offset: $offset)", {"offset": 1}, {"offset": 2**40}, "offset", 2**40),
        ("jobs(planes: $planes)", {"planes": []}, {"planes": [Plane.SERVICE]}, "planes", [Plane.SERVICE]),
        ("jobs(planes: [$plane])", {"plane": "SERVICE"}, {"plane": Plane.MANAGEMENT}, "planes", [Plane.MANAGEMENT]),
    ],
)
def test_variables_that_need_conversion_get_it(
    field: str, first: dict[str, Any], then: dict[str, Any], name: str, value: Any
) -> None:
    """Enumerations, lists and scalars of ours."""
    arguments = bound("AlgorithmResult" if field.startswith("rows") else "Graph", field, **first)
    found = given(arguments, **then)[name]
    assert (found, type(found)) == (value, type(value))


def test_variables_inside_objects_are_looked_up() -> None:
    """However deep they stand."""
    field = "jobs(filter: {statuses: [FAILED, $status], search: $search})"
    arguments = bound("Query", field, status="RUNNING", search="x")
    for status, search in ((JobStatus.RUNNING, "x"), (JobStatus.CANCELLED, None)):
        asked = given(arguments, status=status, search=search)["filter"]
        assert (asked.statuses, asked.search) == ([JobStatus.FAILED, status], search)


def test_an_object_without_variables_that_are_given_stays_as_it_is() -> None:
    """The absent member has its default."""
    arguments = bound("Query", "jobs(filter: {statuses: [FAILED], search: $search})")
    assert given(arguments)["filter"] is given(arguments)["filter"]
    assert given(arguments)["filter"].search is None


def test_an_object_that_is_a_variable_is_converted_each_time() -> None:
    """To the input type that resolvers know."""
    arguments = bound("Query", "graph(by: $ref)", ref={"name": "a"})
    found = given(arguments, ref={"graphId": "g"})["by"]
    assert isinstance(found, GraphRef)
    assert found.graph_id == "g"


def test_null_for_what_may_not_be_null_is_refused() -> None:
    """A variable with a default may be null where its default may not."""
    with pytest.raises(GraphQLError, match="id"):
        bound("Query", "job(id: $id)", id=None)
    arguments = bound("Query", "job(id: $id)", id="a")
    assert given(arguments, id="b") == {"id": "b", "wait_seconds": 0}
    with pytest.raises(UnboundError):
        given(arguments, id=None)
