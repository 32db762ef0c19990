"""Arguments of a resolver in a plan: what stays the same is found out once, what variables say is looked up."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLScalarType,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    VariableValues,
    get_argument_values,
    is_specified_scalar_type,
)
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from schema.execution import RowExecutor

# From the coerced variables to what the resolver is called with; None for a resolver without arguments.
Arguments: TypeAlias = Callable[[Mapping[str, Any]], dict[str, Any]] | None


class UnboundError(Exception):
    """The variables do not fit the arguments, in a way that only graphql-core can tell properly."""


def bind(executor: RowExecutor, field: GraphQLField, ours: StrawberryField, node: FieldNode) -> Arguments:
    """
    Return the arguments of one field as a function of the variables.

    It holds as long as the same variables are given as now. Raises what graphql-core raises for arguments that cannot
    be meant.
    """
    if not field.args:
        return None
    converter = executor.schema._strawberry_schema.schema_converter  # type: ignore[attr-defined]
    config, scalars = converter.config, converter.scalar_registry
    now = executor.variable_values

    def convert(given: Mapping[str, Any]) -> dict[str, Any]:
        return convert_arguments(dict(given), ours.arguments, scalars, config)

    given = get_argument_values(field, node, now)
    said = {argument.name.value: argument.value for argument in node.arguments or ()}
    plain = {
        name: value.name.value
        for name, value in said.items()
        if isinstance(value, VariableNode) and value.name.value in now.coerced and _is_plain(field.args[name].type)
    }
    if any(_varies(value, now) for name, value in said.items() if name not in plain):
        return lambda variables: convert(get_argument_values(field, node, VariableValues({}, dict(variables))))
    constant = convert({name: value for name, value in given.items() if name not in plain})
    names = {config.name_converter.from_argument(argument): argument.python_name for argument in ours.arguments}
    looked_up = [
        (names[name], variable, isinstance(field.args[name].type, GraphQLNonNull)) for name, variable in plain.items()
    ]
    return lambda variables: (
        constant | {name: _value(variables, variable, is_required) for name, variable, is_required in looked_up}
    )


def _is_plain(type_: GraphQLInputType) -> bool:
    """Tell whether values of a type need no conversion once they are coerced."""
    named = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    return isinstance(named, GraphQLScalarType) and is_specified_scalar_type(named)


def _varies(value: ValueNode, now: VariableValues) -> bool:
    """Tell whether a variable that is given stands anywhere in a value."""
    match value:
        case VariableNode():
            return value.name.value in now.coerced
        case ListValueNode():
            return any(_varies(item, now) for item in value.values)
        case ObjectValueNode():
            return any(_varies(member.value, now) for member in value.fields)
    return False


def _value(variables: Mapping[str, Any], name: str, is_required: bool) -> Any:
    value = variables[name]
    if value is None and is_required:
        raise UnboundError("null for an argument that may not be null")
    return value
