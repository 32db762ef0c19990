"""The schema put together: its roots, its suggestions, its silence, and what is absent by default."""

import logging

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    Undefined,
    parse,
    validate,
    validate_schema,
)

from schema.build import build_schema
from schema.context import JobParts
from schema.export import ExportFormat
from schema.job_list import JobConnection, JobFilter
from schema.page import PageRequest
from schema.rows import ROW_TYPES
from tests.fakes import SCHEMA, FakeJobs, a_context, execute


def test_the_schema_is_valid() -> None:
    """By GraphQL's own rules."""
    assert validate_schema(SCHEMA._schema) == []


def test_everything_is_read_and_nothing_changed() -> None:
    """It is asked for once, or watched."""
    core = SCHEMA._schema
    assert core.query_type is core.type_map["Query"]
    assert core.subscription_type is core.type_map["Subscription"]
    assert core.mutation_type is None


def test_every_row_type_is_in_the_schema() -> None:
    """They are reached through an interface, so nothing else leads to them."""
    assert {kind.__name__ for kind in ROW_TYPES} <= set(SCHEMA._schema.type_map)


def test_an_argument_is_absent_by_default_or_has_a_value() -> None:
    """A default of null says nothing that absence does not."""
    defaults: dict[str, object] = {}
    for named in SCHEMA._schema.type_map.values():
        if isinstance(named, GraphQLObjectType | GraphQLInterfaceType) and not named.name.startswith("__"):
            for name, field in named.fields.items():
                defaults |= {f"{named.name}.{name}({key}:)": arg.default_value for key, arg in field.args.items()}
        elif isinstance(named, GraphQLInputObjectType):
            defaults |= {f"{named.name}.{name}": field.default_value for name, field in named.fields.items()}
    assert {where: default for where, default in defaults.items() if default is not Undefined} == {
        "AlgorithmResult.export(format:)": ExportFormat.NDJSON,
        "AlgorithmResult.rows(first:)": 100,
        "Graph.jobs(first:)": 20,
        "Query.findJob(waitSeconds:)": 0,
        "Query.graphs(first:)": 20,
        "Query.job(waitSeconds:)": 0,
        "Query.jobs(first:)": 20,
    }


class BrokenJobs(FakeJobs):
    """Meets a mistake of ours."""

    async def list_project(self, project: str, filter: JobFilter, page: PageRequest, parts: JobParts) -> JobConnection:
        raise RuntimeError("secret")


@pytest.mark.anyio
async def test_the_schema_itself_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A log of errors would hold documents; whoever serves the schema decides."""
    with caplog.at_level(logging.DEBUG):
        broken = await execute("{ jobs { totalCount } }", a_context(BrokenJobs()))
        refused = await execute("{ jobs(first: -1) { totalCount } }", a_context())
        unread = await execute("{", a_context())
    assert [len(result.errors or []) for result in (broken, refused, unread)] == [1, 1, 1]
    assert [record for record in caplog.records if record.name.startswith("strawberry")] == []


def test_two_schemas_are_independent() -> None:
    """Built twice, each validates by itself."""
    one, other = build_schema(), build_schema()
    assert one._schema is not other._schema
    assert validate(one._schema, parse("{ gateway { version } }")) == []
