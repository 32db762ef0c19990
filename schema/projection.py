"""
Projections: what a selection asks of each row, as plain values that can be compared and kept.

Which fields a selection holds is GraphQL execution's own doing: its way of collecting them is handed in. This file
only puts the names of our attributes to them. Knows neither rows nor bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from graphql import GraphQLNamedType, GraphQLObjectType, get_named_type, is_leaf_type
from graphql.execution.collect_fields import CollectedFields, FieldDetailsList
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types import get_object_definition

# What an edge has beside its row. No row has an attribute of this name.
CURSOR = "cursor"
_DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF


@dataclass(frozen=True, slots=True)
class Constant:
    """The same text in every row."""

    text: str


# Where a member of the answer comes from: an attribute of the row or its cursor, by name; a constant; the row again,
# as an object of its own.
Source: TypeAlias = "str | Constant | Template"
# The members of one object by response key, in the order in which they are written.
Template: TypeAlias = "tuple[tuple[str, Source], ...]"

Collect: TypeAlias = Callable[[GraphQLObjectType, FieldDetailsList], CollectedFields]


@dataclass(frozen=True, slots=True)
class Projection:
    """What is asked of the rows of one list: a template for each type a row may have, and how cursors begin."""

    template: Callable[[type], Template]
    cursor_prefix: str = ""


def projection(
    element: GraphQLNamedType,
    details: FieldDetailsList,
    collect: Collect,
    type_named: Callable[[str], GraphQLNamedType | None],
    cursor_prefix: str,
) -> Projection:
    """
    Return what the selection in `details` asks of a list of `element`, which is a row or has one.

    A template is made when the first row of its type is met, and once only.
    """

    @cache
    def template(row_type: type) -> Template:
        concrete = type_named(get_object_definition(row_type, strict=True).name)
        if not isinstance(concrete, GraphQLObjectType):
            raise TypeError(f"{row_type.__name__} is no object of this schema.")
        return _template(element, concrete, details, collect)

    return Projection(template, cursor_prefix)


def attributes(template: Template) -> frozenset[str]:
    """Return the names of all attributes that a template asks for, at whatever depth."""
    found: set[str] = set()
    for _, source in template:
        if isinstance(source, str):
            found.add(source)
        elif isinstance(source, tuple):
            found |= attributes(source)
    return frozenset(found)


def _template(
    named: GraphQLNamedType, row_type: GraphQLObjectType, details: FieldDetailsList, collect: Collect
) -> Template:
    parent = named if isinstance(named, GraphQLObjectType) else row_type
    fields = collect(parent, details).grouped_field_set
    return tuple((key, _source(parent, row_type, same, collect)) for key, same in fields.items())


def _source(
    parent: GraphQLObjectType, row_type: GraphQLObjectType, details: FieldDetailsList, collect: Collect
) -> Source:
    name = details[0].node.name.value
    if name == "__typename":
        return Constant(parent.name)
    field = parent.fields[name]
    named = get_named_type(field.type)
    if is_leaf_type(named):
        python_name: str = field.extensions[_DEFINITION].python_name
        return python_name
    return _template(named, row_type, details, collect)
