"""The plans of one document: one for each operation, each set of given variables and each outcome of its conditions."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    GraphQLSchema,
    NamedTypeNode,
    Node,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    VariableNode,
    get_variable_values,
)

from schema.execution import RowExecutor
from schema.plan import Plan, make_plan
from schema.steps import PLAIN


class _Nothing:
    """The type of no value."""


# A client that turns many conditions on and off is served without more of them.
_MOST = 16


class Planned(NamedTuple):
    """A plan, and the coerced variables to follow it with."""

    plan: Plan
    variables: Mapping[str, Any]


class Plans:
    """
    Makes a plan when something is asked for the second time.

    Much is asked for once only, and planning costs as much as executing.
    """

    def __init__(self, tree: DocumentNode) -> None:
        self._tree = tree
        self._conditions = tuple(sorted(set(_conditions(tree))))
        # None for what was asked for once, and for what cannot be planned.
        self._plans: dict[tuple[object, ...], Plan | None] = {}
        # Of all plans together: what they weigh.
        self.fields = 0
        self._is_new: set[tuple[object, ...]] = set()
        self._plain: dict[int, list[tuple[str, type]]] = {}

    def find(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, raw: Mapping[str, Any] | None
    ) -> Planned | None:
        """Return the plan of an operation of this document, given the variables as sent; None when it has none."""
        if operation.operation is not OperationType.QUERY:
            return None
        coerced = self._coerced(schema, operation, raw or {})
        if coerced is None:
            return None
        key = (id(operation), *coerced, *map(coerced.get, self._conditions))
        if key in self._is_new:
            self._is_new.remove(key)
            made = self._plans[key] = self._make(schema, operation, raw)
            self.fields += made.fields if made else 0
        elif key not in self._plans and len(self._plans) < _MOST:
            self._plans[key] = None
            self._is_new.add(key)
        plan = self._plans.get(key)
        return None if plan is None else Planned(plan, coerced)

    def _coerced(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, raw: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """Return the variables as execution would have them, None when it would refuse them."""
        definitions = operation.variable_definitions or ()
        plain = self._plain.get(id(operation))
        if plain is None:
            plain = self._plain[id(operation)] = [_plain_type(definition) for definition in definitions]
        if all(type(raw.get(name)) is expected for name, expected in plain):
            # Those that are as they must be, all of them given: they stay as they are.
            return {name: raw[name] for name, _ in plain}
        values = get_variable_values(schema, definitions, dict(raw))
        return None if isinstance(values, list) else values.coerced

    def _make(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, raw: Mapping[str, Any] | None
    ) -> Plan | None:
        name = operation.name.value if operation.name else None
        executor = RowExecutor.build(schema, self._tree, raw_variable_values=dict(raw or {}), operation_name=name)
        if not isinstance(executor, RowExecutor):
            return None
        try:
            return make_plan(executor, self._conditions)
        except Exception:
            # Whatever keeps it from being planned, execution knows what to tell.
            return None


def _plain_type(definition: VariableDefinitionNode) -> tuple[str, type]:
    """Return the name of a variable, and the type of values that need no coercion; for others one that no value has."""
    type_ = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
    named = type_.name.value if isinstance(type_, NamedTypeNode) else ""
    return definition.variable.name.value, PLAIN.get(named, _Nothing)


def _conditions(tree: DocumentNode) -> Iterator[str]:
    """Give the names of the variables that decide what is selected."""
    pending: list[Node] = list(tree.definitions)
    while pending:
        node = pending.pop()
        for directive in getattr(node, "directives", None) or ():
            values = (argument.value for argument in directive.arguments or ())
            yield from (value.name.value for value in values if isinstance(value, VariableNode))
        below = getattr(node, "selection_set", None)
        pending += below.selections if below else ()
