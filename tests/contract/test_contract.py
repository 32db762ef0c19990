"""The contract: what is printed, what was agreed, that everything is described, and that its tables are complete."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
    introspection_from_schema,
    is_input_object_type,
    is_introspection_type,
    is_specified_scalar_type,
)

from schema.errors import UpstreamError
from schema.problem import ProblemCode
from schema.rows import ROW_TYPES, ResultRow
from tests.fakes import SCHEMA

ROOT = Path(__file__).parents[2]
PRINTED = ROOT / "schema" / "schema.graphql"
AGREED_TEXT = (Path(__file__).parent / "expected_contract.graphql").read_text()
AGREED = build_schema(AGREED_TEXT)
SERVED = SCHEMA._schema
# Built-in, or described by the GraphQL specification.
OURS: list[GraphQLNamedType] = [
    named
    for named in SERVED.type_map.values()
    if not is_introspection_type(named) and not is_specified_scalar_type(named)
]


def test_the_printed_contract_is_the_one_that_is_served() -> None:
    """Clients generate their code from the file."""
    stale = "schema/schema.graphql is stale; write it with: python -m gateway schema > schema/schema.graphql"
    assert PRINTED.read_text() == SCHEMA.as_str() + "\n", stale


def test_the_printed_contract_reads_back_as_the_one_that_is_served() -> None:
    """With every description: what tools read from the file is what they would get by introspection."""
    assert shape(build_schema(PRINTED.read_text()), descriptions=True) == shape(SERVED, descriptions=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(AGREED, SERVED, id="nothing-agreed-is-missing"),
        pytest.param(SERVED, AGREED, id="nothing-served-is-not-agreed"),
    ],
)
def test_clients_meet_the_contract_that_was_agreed(old: GraphQLSchema, new: GraphQLSchema) -> None:
    """In both directions, because an addition is a promise as well. Change expected_contract.graphql knowingly."""
    assert find_breaking_changes(old, new) == []
    assert find_dangerous_changes(old, new) == []


def test_the_contract_is_the_agreed_one_to_the_letter() -> None:
    """Types, fields, arguments, defaults, nullability, specifications of scalars; wording and order are free."""
    served, agreed = shape(SERVED), shape(AGREED)
    assert set(served) == set(agreed)
    assert {name: (served[name], agreed[name]) for name in served if served[name] != agreed[name]} == {}


def test_inputs_of_which_one_member_is_given_are_those_agreed() -> None:
    """Asked by introspection, because Strawberry marks them in a way of its own."""
    told = introspection_from_schema(SERVED)["__schema"]["types"]
    served = {named["name"] for named in told if named["kind"] == "INPUT_OBJECT" and named["isOneOf"]}
    assert served == one_of(AGREED) == one_of(build_schema(PRINTED.read_text())) == {"GraphRef"}


def shape(schema: GraphQLSchema, *, descriptions: bool = False) -> dict[str, Any]:
    """Return the types of a schema by name, as introspection tells them, in an order that is always the same."""
    introspection = introspection_from_schema(schema, descriptions=descriptions, one_of=False)
    return {named["name"]: in_order(named) for named in introspection["__schema"]["types"]}


def in_order(told: Any) -> Any:
    """Return what introspection tells with the members of every list by name."""
    # Sorting the schema itself would make plain enums of Strawberry's, and these do not know their defaults.
    if isinstance(told, dict):
        return {name: in_order(value) for name, value in told.items()}
    return sorted(map(in_order, told), key=lambda member: str(member["name"])) if isinstance(told, list) else told


def one_of(schema: GraphQLSchema) -> set[str]:
    """Return the names of the inputs, of a schema read from text, of which one member is given."""
    return {named.name for named in schema.type_map.values() if is_input_object_type(named) and named.is_one_of}


def described() -> Iterator[tuple[str, str | None]]:
    """Give everything of the contract that has a description, with it."""
    for named in OURS:
        yield named.name, named.description
        if isinstance(named, GraphQLEnumType):
            yield from ((f"{named.name}.{name}", value.description) for name, value in named.values.items())
        elif isinstance(named, GraphQLInputObjectType):
            yield from ((f"{named.name}.{name}", field.description) for name, field in named.fields.items())
        elif isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in named.fields.items():
                yield f"{named.name}.{name}", field.description
                yield from ((f"{named.name}.{name}({key}:)", given.description) for key, given in field.args.items())


def test_everything_is_described() -> None:
    """Descriptions are the manual: a sentence on every type, field, argument, input field and enum value."""
    assert [where for where, text in described() if not text or not text.strip()] == []


def test_every_kind_of_definition_is_walked() -> None:
    """Otherwise the test above would find nothing because it looks nowhere."""
    walked = {where for where, _ in described()}
    one_of_each = {"Long", "Node.id", "Job.status", "Query.job(id:)", "JobFilter.search", "Plane.SERVICE"}
    assert one_of_each <= walked


def test_every_problem_code_has_its_error() -> None:
    """And every error its code: one class for each, so that catching by class is catching by code."""
    codes = [kind.problem_code for kind in UpstreamError.__subclasses__()]
    assert sorted(code.name for code in codes) == sorted(code.name for code in ProblemCode)
    assert [kind for kind in UpstreamError.__subclasses__() if kind.__subclasses__()] == []


def test_every_row_type_is_in_its_table() -> None:
    """One that is not would never reach the schema: nothing but the interface leads to it."""
    table = {kind.__name__ for kind in ROW_TYPES}
    assert {kind.__name__ for kind in ResultRow.__subclasses__()} == table
    assert implementations(SERVED) == implementations(AGREED) == table


def implementations(schema: GraphQLSchema) -> set[str]:
    """Return the names of the row types of a schema."""
    row = schema.type_map["ResultRow"]
    assert isinstance(row, GraphQLInterfaceType)
    return {kind.name for kind in schema.get_possible_types(row)}
