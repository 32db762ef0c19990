"""Puts the contract together: roots, scalars, and what is switched on. Knows nothing of how it is served."""

from collections.abc import Iterable, Sequence

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLError,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    Undefined,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from schema.execution import RowExecutor
from schema.query import Query
from schema.rows import ROW_TYPES
from schema.scalars import SCALARS
from schema.subscription import Subscription


class GatewaySchema(strawberry.Schema):
    """The schema. Leaves logging of errors to whoever serves it: Strawberry's own log would hold documents."""

    def process_errors(self, errors: Sequence[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing."""


def build_schema() -> GatewaySchema:
    """Build the schema."""
    schema = GatewaySchema(
        query=Query,
        subscription=Subscription,
        types=list(ROW_TYPES),
        execution_context_class=RowExecutor,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    for named in schema._schema.type_map.values():
        if isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
            for field in named.fields.values():
                _leave_absent(field.args.values())
        elif isinstance(named, GraphQLInputObjectType):
            _leave_absent(named.fields.values())
    return schema


def _leave_absent(inputs: Iterable[GraphQLArgument | GraphQLInputField]) -> None:
    """Make arguments that are null by default absent by default: the same for resolvers, and plainer in the SDL."""
    for given in inputs:
        if given.default_value is None:
            given.default_value = Undefined
