"""
What the selection below a field is going to ask for, so that a resolver fetches it at once. Knows no field's meaning.

Fragments are followed whatever type they are on: in this contract a name means the same on every type that has it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import strawberry
from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    VariableValues,
    get_argument_values,
    get_named_type,
)

# The value of `if` that takes a selection away.
_UNWANTED: Mapping[str, bool] = {"skip": True, "include": False}

_Selected: TypeAlias = tuple[FieldNode, GraphQLField]


def is_selected(node: SelectionNode, value_of: Callable[[str], object]) -> bool:
    """Return whether `@skip` and `@include` leave the selection in, given how to look up a variable's value."""
    for directive in node.directives or ():
        unwanted = _UNWANTED.get(directive.name.value)
        # `if` is the only argument of both.
        if unwanted is not None and any(
            _condition(argument.value, value_of) is unwanted for argument in directive.arguments or ()
        ):
            return False
    return True


def _condition(value: ValueNode, value_of: Callable[[str], object]) -> object:
    if isinstance(value, VariableNode):
        return value_of(value.name.value)
    return value.value if isinstance(value, BooleanValueNode) else None


class SeenNodes(list[FieldNode]):
    """The nodes of a field in a plan, which are the same each time: what is selected below them is found out once."""

    def __init__(self, nodes: Iterable[FieldNode]) -> None:
        super().__init__(nodes)
        self.levels: dict[str, dict[str, dict[str, list[_Selected]]]] = {}
        # What somebody else has made of it, and no variable can change.
        self.made: dict[object, Any] = {}


class Selection:
    """
    The fields below the one being resolved, by dotted path, e.g. `edges.node.result`.

    Each fragment is read at most once for each path, and nothing is read twice for the same `Selection`. Where the
    field gives an interface, `on` names the type that is meant: what is selected on other types is left out.
    """

    def __init__(self, info: strawberry.Info[Any, Any], on: str = "") -> None:
        self._info = info._raw_info
        self._on = on
        self._variables = info.variable_values
        self._value_of = info.variable_values.get
        self._root = get_named_type(self._info.return_type)
        nodes = self._info.field_nodes
        self._levels = nodes.levels.setdefault(on, {}) if isinstance(nodes, SeenNodes) else {}

    def selects(self, *paths: str) -> bool:
        """Return whether any of the paths is selected."""
        return any(map(self._at, paths))

    def arguments(self, path: str) -> list[Mapping[str, Any]]:
        """
        Return the arguments of every field selected at the path, in document order, equal ones once.

        Values are coerced, variables and the schema's defaults are filled in; every argument the field has is there,
        None when nothing was given. Raises the GraphQLError that the field itself would meet when they cannot be.
        """
        # Only custom scalars with variables inside their literals would miss the sources; this contract has none.
        variables = VariableValues(sources={}, coerced=self._variables)
        found: list[Mapping[str, object]] = []
        for node, field in self._at(path):
            given = dict.fromkeys(field.args) | get_argument_values(field, node, variables)
            # Fields that differ in their arguments need aliases, and these are few; so this search stays short.
            if given not in found:
                found.append(given)
        return found

    def _at(self, path: str) -> list[_Selected]:
        parent, _, name = path.rpartition(".")
        return self._below(parent).get(name, [])

    def _below(self, path: str) -> dict[str, list[_Selected]]:
        if path not in self._levels:
            self._levels[path] = self._read(
                [(node, get_named_type(field.type)) for node, field in self._at(path)]
                if path
                else [(node, self._root) for node in self._info.field_nodes]
            )
        return self._levels[path]

    def _read(self, parents: list[tuple[FieldNode, GraphQLNamedType]]) -> dict[str, list[_Selected]]:
        level: dict[str, list[_Selected]] = {}
        opened: set[str] = set()
        # A stack, its next entry last, so that long chains of fragments need no recursion.
        pending = [entry for node, on in reversed(parents) for entry in _entries(node.selection_set, on)]
        while pending:
            selection, on = pending.pop()
            if not is_selected(selection, self._value_of):
                continue
            if isinstance(selection, FieldNode):
                _add(level, selection, on)
            elif fragment := self._open(selection, opened):
                inner = self._type_of(fragment) or on
                if not self._is_elsewhere(on, inner):
                    pending += _entries(fragment.selection_set, inner)
        return level

    def _is_elsewhere(self, on: GraphQLNamedType, inner: GraphQLNamedType) -> bool:
        is_narrowed = isinstance(on, GraphQLInterfaceType) and isinstance(inner, GraphQLObjectType)
        return bool(self._on) and is_narrowed and inner.name != self._on and on is self._root

    def _open(self, selection: SelectionNode, opened: set[str]) -> FragmentDefinitionNode | InlineFragmentNode | None:
        if not isinstance(selection, FragmentSpreadNode):
            return selection if isinstance(selection, InlineFragmentNode) else None
        name = selection.name.value
        if name in opened:
            return None
        opened.add(name)
        return self._info.fragments.get(name)

    def _type_of(self, fragment: FragmentDefinitionNode | InlineFragmentNode) -> GraphQLNamedType | None:
        condition = fragment.type_condition
        return self._info.schema.get_type(condition.name.value) if condition else None


def _entries(
    selection_set: SelectionSetNode | None, on: GraphQLNamedType
) -> list[tuple[SelectionNode, GraphQLNamedType]]:
    return [(selection, on) for selection in reversed(selection_set.selections)] if selection_set else []


def _add(level: dict[str, list[_Selected]], node: FieldNode, on: GraphQLNamedType) -> None:
    name = node.name.value
    field = on.fields.get(name) if isinstance(on, GraphQLObjectType | GraphQLInterfaceType) else None
    # Only `__typename` and its like are no fields of the type they stand on.
    if field is not None:
        level.setdefault(name, []).append((node, field))
