"""
What one operation asks for, told before anything is executed. Knows how this contract's lists are sliced, no limits.

Names suffice for that: in this contract a field's name means the same on every type that has it. Counting is linear in
the size of the document: each fragment is read once, however often it is spread.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_operation_ast,
)

from schema.lookahead import is_selected

# Lists by field: the argument that says how many entries, and what the schema takes when it is absent.
SLICED: Mapping[str, tuple[str, int]] = {"rows": ("first", 100), "jobs": ("first", 20), "graphs": ("first", 20)}
# Lists with one entry for each item of an argument. Without it (the `nodes` of a connection) the field adds nothing.
LISTED: Mapping[str, str] = {"nodes": "ids", "jobsUpdated": "ids"}
# The list whose entries are rows; the entries of the others are nodes.
ROWS = "rows"
# Below these, levels are not counted: GraphiQL's own query is 13 deep, and validation bounds its recursion.
INTROSPECTION = frozenset({"__schema", "__type"})

# Sums stop here. A fragment that spreads the next one twice doubles them, and clients read 32 bits.
CEILING = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Cost:
    """
    What one operation asks for; no number exceeds CEILING.

    Directives and fields are counted as written, in what the operation reaches. Depth, aliases, root fields, nodes and
    rows are counted as asked: again at each spread of a fragment, entries times the entries of the lists around them.
    `variables` names those whose values made a difference: while they stay the same, the cost of the operation does.
    """

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    fields: int = 0
    nodes: int = 0
    rows: int = 0
    variables: frozenset[str] = frozenset()


def cost_of(document: DocumentNode, operation_name: str | None, variables: Mapping[str, object]) -> Cost:
    """
    Count what a valid operation asks for; nothing when the document has no such operation.

    Values of variables may be as sent or coerced. A paging argument that cannot be meant asks for nothing.
    """
    operation = get_operation_ast(document, operation_name)
    return Cost() if operation is None else _Pricing(document, operation, variables).price()


class _Place(NamedTuple):
    """Where a selection stands in its definition, counted from there."""

    depth: int = 0  # fields above it
    step: int = 1  # levels that a field here adds to the depth
    times: int = 1  # how often it is answered, because of the lists around it


@dataclass(slots=True)
class _Price:
    """What one definition asks for: at first by itself, then with the fragments it spreads."""

    depth: int = 0
    aliases: int = 0
    root_fields: int = 0
    nodes: int = 0
    rows: int = 0
    spreads: list[tuple[str, _Place]] = field(default_factory=list)

    def add(self, fragment: "_Price", place: _Place) -> None:
        self.depth = max(self.depth, place.depth + place.step * fragment.depth)
        self.aliases = min(CEILING, self.aliases + fragment.aliases)
        self.nodes = min(CEILING, self.nodes + place.times * fragment.nodes)
        self.rows = min(CEILING, self.rows + place.times * fragment.rows)
        if place.depth == 0:
            self.root_fields = min(CEILING, self.root_fields + fragment.root_fields)


class _Pricing:
    """Prices one operation: each definition by itself, then in the order in which fragments need each other."""

    def __init__(
        self, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, object]
    ) -> None:
        self._operation = operation
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._values: dict[str, object] = {
            definition.variable.name.value: _plain(definition.default_value)
            for definition in operation.variable_definitions or ()
            if definition.default_value is not None
        }
        self._values.update(variables)
        self._variables_read: set[str] = set()
        self._directives = self._fields = 0

    def price(self) -> Cost:
        """Return the cost of the operation; a cycle of fragments counts as if cut where it closes."""
        price = self._price_whole()
        return Cost(
            depth=price.depth,
            aliases=price.aliases,
            directives=self._directives,
            root_fields=price.root_fields,
            fields=self._fields,
            nodes=price.nodes,
            rows=price.rows,
            variables=frozenset(self._variables_read),
        )

    def _price_whole(self) -> _Price:
        whole = self._read(self._operation)
        priced: dict[str, _Price] = {}
        opened: set[str] = set()
        # A stack of definitions, each with the spreads not looked at yet: chains are too long for recursion.
        path = [("", whole, iter(whole.spreads))]
        while path:
            name, price, spreads = path[-1]
            spread = next((spread for spread, _ in spreads if spread in self._fragments and spread not in opened), None)
            if spread is None:
                path.pop()
                for inner, place in price.spreads:
                    if inner in priced:
                        price.add(priced[inner], place)
                priced[name] = price
            else:
                opened.add(spread)
                fragment = self._read(self._fragments[spread])
                path.append((spread, fragment, iter(fragment.spreads)))
        return whole

    def _read(self, definition: OperationDefinitionNode | FragmentDefinitionNode) -> _Price:
        price = _Price()
        self._directives += len(definition.directives or ())
        pending = [(definition.selection_set, _Place())]
        while pending:
            selection_set, place = pending.pop()
            for selection in selection_set.selections:
                self._directives += len(selection.directives or ())
                if not is_selected(selection, self._value_of):
                    continue
                if isinstance(selection, FragmentSpreadNode):
                    price.spreads.append((selection.name.value, place))
                elif isinstance(selection, InlineFragmentNode):
                    pending.append((selection.selection_set, place))
                elif isinstance(selection, FieldNode):  # pragma: no branch -- there are no other selections
                    inner = self._count(price, selection, place)
                    if selection.selection_set:
                        pending.append((selection.selection_set, inner))
        return price

    def _count(self, price: _Price, node: FieldNode, place: _Place) -> _Place:
        name = node.name.value
        depth = place.depth + place.step
        self._fields += 1
        price.depth = max(price.depth, depth)
        price.aliases += node.alias is not None
        price.root_fields += place.depth == 0
        step = 0 if name in INTROSPECTION else place.step
        entries = self._entries(node)
        if entries is None:
            return _Place(depth, step, place.times)
        times = place.times * entries
        if name == ROWS:
            price.rows = min(CEILING, price.rows + times)
        else:
            price.nodes = min(CEILING, price.nodes + times)
        return _Place(depth, step, times)

    def _entries(self, node: FieldNode) -> int | None:
        name = node.name.value
        if name in SLICED:
            argument, absent = SLICED[name]
            return _page_size(self._argument(node, argument, absent))
        if name in LISTED:
            return _length(self._argument(node, LISTED[name], Undefined))
        return None

    def _argument(self, node: FieldNode, name: str, absent: object) -> object:
        for argument in node.arguments or ():
            if argument.name.value == name:
                value = argument.value
                given = self._value_of(value.name.value) if isinstance(value, VariableNode) else _plain(value)
                return absent if given is Undefined else given
        return absent

    def _value_of(self, variable: str) -> object:
        self._variables_read.add(variable)
        return self._values.get(variable, Undefined)


def _plain(value: ValueNode) -> object:
    """Return a literal as a JSON reader would give it, as far as slicing and conditions need to know."""
    if isinstance(value, IntValueNode):
        # Longer ones are outside of GraphQL's Int anyway, and Python refuses to read very long ones.
        return int(value.value) if len(value.value) <= 11 else None
    if isinstance(value, ListValueNode):
        return list(value.values)
    if isinstance(value, BooleanValueNode):
        return value.value
    return None if isinstance(value, NullValueNode) else value


def _page_size(value: object) -> int:
    # JSON knows one kind of number; GraphQL's Int takes 5.0 for 5.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0


def _length(value: object) -> int | None:
    if value is Undefined:
        return None
    # GraphQL reads a single value, where a list is expected, as a list of one.
    return len(value) if isinstance(value, list | tuple) else int(value is not None)
