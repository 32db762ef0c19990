"""What an operation asks for: counted by hand, and against a count that expands everything."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    Node,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_operation_ast,
    parse,
    visit,
)
from graphql.language import Visitor
from hypothesis import given, settings
from hypothesis import strategies as st

from schema.build import build_schema
from schema.cost import CEILING, LISTED, SLICED, Cost, cost_of


def cost(text: str, **variables: Any) -> Cost:
    return cost_of(parse(text), None, variables)


def rows_of(text: str, **variables: Any) -> int:
    return cost(text, **variables).rows


def test_a_plain_operation_is_counted() -> None:
    """Depth, fields and root fields of what most clients send."""
    assert cost("query ($id: ID!) { job(id: $id) { id status graph { id name } } gateway { version } }") == Cost(
        depth=3, fields=8, root_fields=2
    )


def test_an_operation_is_chosen_by_name() -> None:
    """Only what the chosen operation reaches is counted."""
    document = parse("query A { a } query B { ...F } fragment F on Q { a b: c @d }")
    assert cost_of(document, "A", {}) == Cost(depth=1, fields=1, root_fields=1)
    assert cost_of(document, "B", {}) == Cost(depth=1, aliases=1, directives=1, fields=2, root_fields=2)


def test_naming_a_download_costs_no_rows() -> None:
    """They do not pass GraphQL, however many there are."""
    assert cost("{ job(id: 1) { result { export(format: CSV) { path totalCount } } } }") == Cost(
        depth=4, fields=5, root_fields=1
    )


@pytest.mark.parametrize("name", [None, "C", ""])
def test_an_operation_that_is_not_there_asks_for_nothing(name: str | None) -> None:
    """Refusing it is up to execution."""
    assert cost_of(parse("query A { a } query B { b }"), name, {}) == Cost()


def test_depth_goes_through_fragments() -> None:
    """Named and inline fragments are no levels, the fields in them are."""
    assert cost("{ a { ... { ...F } } } fragment F on A { b { ...G } } fragment G on B { c { d } }").depth == 4


def test_the_deepest_place_of_a_fragment_decides() -> None:
    """A fragment spread twice counts from where it stands lower."""
    assert cost("{ ...F a { b { ...F } } c } fragment F on A { d { e } }").depth == 4


@pytest.mark.parametrize(
    "text",
    [
        "{ __schema { types { fields { type { ofType { ofType { name } } } } } } }",
        "{ __schema { types { ...T } } } fragment T on X { ofType { ...U } } fragment U on X { ofType { name } }",
        "{ ...F } fragment F on Query { __type(name: 1) { fields { ... { type { name } } } } }",
    ],
)
def test_levels_below_introspection_are_not_counted(text: str) -> None:
    """The fields there are counted, so they stay bounded."""
    counted = cost(text)
    assert counted.depth == 1
    assert counted.fields >= 4


def test_aliases_are_counted_as_asked() -> None:
    """A fragment's aliases count again at each spread."""
    assert cost("{ a: x { ...F } b: x { ...F } } fragment F on X { c: y d: y y }").aliases == 6


def test_root_fields_in_fragments_are_counted_where_they_are_at_the_root() -> None:
    """The same fragment lower down asks nothing of the root."""
    assert cost("{ ...F a { ...F } ... { b } } fragment F on Q { c d }").root_fields == 4


def test_fields_and_directives_are_counted_as_written() -> None:
    """Once for each fragment, skipped fields left out; their directives are read all the same."""
    counted = cost("query @a { x @b { ...F @c ...F } y @skip(if: true) { z @d } } fragment F on X @e { u @f v }")
    assert (counted.fields, counted.directives) == (3, 6)


@pytest.mark.parametrize(
    ("argument", "rows"),
    [
        ("", 100),
        ("(offset: 5)", 100),
        ("(first: 7)", 7),
        ("(first: 0)", 0),
        ("(first: -7)", 0),
        ("(first: -2147483648)", 0),
        ("(first: 2147483647)", 2147483647),
        ("(first: 99999999999)", CEILING),
        ("(first: 100000000000)", 0),
        ("(first: null)", 0),
        ("(first: 7.5)", 0),
        ('(first: "7")', 0),
        ("(first: true)", 0),
        ("(first: [7])", 0),
        (f"(first: {'9' * 5_000})", 0),
    ],
)
def test_rows_are_counted_from_a_literal(argument: str, rows: int) -> None:
    """Without one the schema's default holds; what cannot be meant counts as nothing."""
    assert rows_of(f"{{ job {{ result {{ rows{argument} {{ nodes {{ index }} }} }} }} }}") == rows


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        (7, 7),
        (7.0, 7),
        (1e5, 100_000),
        (10**30, CEILING),
        (0, 0),
        (-7, 0),
        (None, 0),
        (7.5, 0),
        (float("inf"), 0),
        (float("nan"), 0),
        ("7", 0),
        (True, 0),
        ([7], 0),
        ({"first": 7}, 0),
    ],
)
def test_rows_are_counted_from_a_variable(value: object, rows: int) -> None:
    """Integral floats are integers in JSON and to GraphQL, so they cannot hide a page."""
    assert rows_of("query ($n: Int = 3) { rows(first: $n) }", n=value) == rows


def test_a_variable_that_is_not_given_takes_its_default() -> None:
    """The operation's default first, then the argument's."""
    assert rows_of("query ($n: Int = 3) { rows(first: $n) }") == 3
    assert rows_of("query ($n: Int = null) { rows(first: $n) }") == 0
    assert rows_of("query ($n: Int) { rows(first: $n) }") == 100


def test_every_sliced_list_of_the_contract_is_known_with_its_default() -> None:
    """A list that is added to the contract has to be added to the tables, or it asks for nothing."""
    types = [type_ for type_ in build_schema()._schema.type_map.values() if isinstance(type_, GraphQLObjectType)]
    fields = [(name, field.args) for type_ in types for name, field in type_.fields.items()]
    sliced = {name: ("first", args["first"].default_value) for name, args in fields if "first" in args}
    listed = {name: "ids" for name, args in fields if "ids" in args}
    assert sliced == SLICED
    assert listed == LISTED


def test_lists_multiply_what_is_inside_them() -> None:
    """Jobs of graphs, rows of jobs; the defaults are twenty each and a hundred."""
    counted = cost("{ graphs { nodes { jobs(first: 3) { edges { node { result { rows } } } } } } }")
    assert (counted.nodes, counted.rows) == (20 + 20 * 3, 20 * 3 * 100)


def test_lists_multiply_through_fragments() -> None:
    """A fragment's rows count for each entry around its spread, at each spread."""
    text = """
      { jobs(first: 2) { nodes { ...F } edges { node { ...F } } } ...R }
      fragment R on Query { graphs(first: 3) { nodes { jobs(first: 5) { nodes { ...F } } } } }
      fragment F on Job { result { rows(first: 7) } }
    """
    counted = cost(text)
    assert (counted.nodes, counted.rows) == (2 + 3 + 3 * 5, 7 * (2 + 2 + 3 * 5))


@pytest.mark.parametrize(
    ("argument", "items"),
    [
        ('ids: ["a", "b", "c"]', 3),
        ("ids: []", 0),
        ('ids: "a"', 1),
        ("ids: 5", 1),
        ("ids: [$a, 2]", 2),
        ("ids: null", 0),
        ("ids: $ids", 4),
    ],
)
def test_nodes_multiply_by_the_ids_given(argument: str, items: int) -> None:
    """A list where it is written, one for a single value, as GraphQL reads it."""
    counted = cost(f"{{ nodes({argument}) {{ ... on Job {{ result {{ rows(first: 10) }} }} }} }}", ids=list("abcd"))
    assert (counted.nodes, counted.rows) == (items, items * 10)


def test_ids_that_are_no_list_in_a_variable_are_one() -> None:
    """A variable takes a single value for a list as well."""
    assert cost("{ nodes(ids: $ids) { id } }", ids="a").nodes == 1
    assert cost("{ nodes(ids: $ids) { id } }", ids=None).nodes == 0


def test_a_page_that_cannot_be_meant_asks_nothing_of_what_is_inside() -> None:
    """The resolver refuses it, so nothing inside is ever read."""
    counted = cost("{ jobs(first: -1) { nodes { result { rows } } } }")
    assert (counted.nodes, counted.rows) == (0, 0)


def test_numbers_stop_at_32_bits() -> None:
    """Added up, multiplied through lists, or multiplied through fragments."""
    counted = cost(
        """
        { a: rows(first: 2147483647) b: rows graphs(first: 2147483647) { nodes { ...F jobs { ...F } } } }
        fragment F on Graph { jobs(first: 2147483647) { nodes { result { rows(first: 2147483647) } } } }
        """
    )
    assert (counted.rows, counted.nodes) == (CEILING, CEILING)
    assert cost("{ rows(first: 2147483647) a: rows }").rows == CEILING
    assert cost("{ jobs(first: 2147483647) { id } graphs { id } }").nodes == CEILING
    assert cost(
        "{ graphs(first: 65536) { jobs(first: 65536) { rows(first: 0) ...F } } } fragment F on Job { rows }"
    ) == (Cost(depth=3, root_fields=1, fields=4, nodes=CEILING, rows=CEILING))


@pytest.mark.parametrize(
    ("directives", "asked"),
    [
        ("@skip(if: true)", False),
        ("@skip(if: false)", True),
        ("@include(if: false)", False),
        ("@include(if: true)", True),
        ("@skip(if: $yes)", False),
        ("@skip(if: $no)", True),
        ("@include(if: $no)", False),
        ("@include(if: $yes)", True),
        ("@include(if: $default)", False),
        ("@include(if: true) @skip(if: true)", False),
        ("@include(if: false) @skip(if: false)", False),
        ("@skip(if: $absent)", True),
        ("@include(if: $absent)", True),
        ("@include(if: 0)", True),
        ("@other(if: true)", True),
        ("@skip", True),
    ],
)
@pytest.mark.parametrize("selection", ["rows(first: 7) {}", "... {} {{ rows(first: 7) }}", "...F {}"])
def test_what_is_skipped_is_not_counted(selection: str, directives: str, asked: bool) -> None:
    """For fields, inline fragments and spreads; a condition that cannot be told leaves the field in."""
    text = (
        f"query ($yes: Boolean!, $no: Boolean!, $default: Boolean = false) {{ x {selection.format(directives)} }}"
        " fragment F on Q { rows(first: 7) }"
    )
    assert rows_of(text, yes=True, no=False) == (7 if asked else 0)


def test_the_variables_that_made_a_difference_are_named() -> None:
    """Others may change without the operation being counted again."""
    text = """
      query ($id: ID!, $first: Int, $with: Boolean!, $hidden: Int, $never: Int) {
        job(id: $id) @include(if: $with) { result { rows(first: $first, offset: $id) } }
        jobs(first: $hidden) @skip(if: true) { nodes { id } }
      }
      fragment Unused on Job { result { rows(first: $never) } }
    """
    assert cost(text, id="x", **{"with": True}).variables == {"first", "with"}
    assert cost(text, id="x", **{"with": False}).variables == {"with"}


@pytest.mark.parametrize(
    "text",
    [
        "{ a { ...F } } fragment F on A { b: c rows(first: 2) ...F }",
        "{ a { ...F } } fragment F on A { b: c rows(first: 2) ...G } fragment G on A { ...F }",
        "{ a { ...F } } fragment F on A { b: c rows(first: 2) ...Missing }",
    ],
)
def test_cycles_and_missing_fragments_end(text: str) -> None:
    """Validation refuses both, but counting does not depend on it."""
    assert cost(text) == Cost(depth=2, aliases=1, root_fields=1, fields=3, rows=2)


def test_a_cycle_with_fields_in_it_ends() -> None:
    """It counts as if it were cut where it closes."""
    assert cost("{ ...F } fragment F on A { b { ...G } } fragment G on A { c { ...F } }").depth == 2


class CountedSelections(tuple[SelectionNode, ...]):
    """Selections that count how often they are gone through."""

    counter: list[int]

    def __iter__(self) -> Iterator[SelectionNode]:
        self.counter[0] += 1
        return super().__iter__()


def count_readings(document: DocumentNode) -> tuple[list[int], int]:
    """Make every selection set of the document count its readings; return the counter and the number of sets."""
    counter, sets = [0], 0
    for definition in document.definitions:
        assert hasattr(definition, "selection_set")
        selections = CountedSelections(definition.selection_set.selections)
        selections.counter = counter
        object.__setattr__(definition.selection_set, "selections", selections)
        sets += 1
    return counter, sets


@pytest.mark.parametrize("fragments", [21, 200, 2_000])
def test_each_definition_is_read_once_however_often_it_is_spread(fragments: int) -> None:
    """Fragments that double at every step cost as many readings as there are of them, and no deep stack."""
    text = "{...F0}" + "".join(f"fragment F{n} on Q{{...F{n + 1} ...F{n + 1}}}" for n in range(fragments))
    document = parse(text + f"fragment F{fragments} on Q{{a: rows}}")
    counter, sets = count_readings(document)
    counted = cost_of(document, None, {})
    assert counter[0] == sets == fragments + 2
    assert counted.aliases == min(2**fragments, CEILING)
    assert counted.rows == min(2**fragments * 100, CEILING)


# Below: documents at random, counted by expanding everything.

LEAVES = ["id", "a: id", "rows", "rows(first: 3)", "b: rows(first: $n)", "rows(first: -1)", "__typename"]
PARENTS = ["job", "c: job", "jobs", "jobs(first: 2)", "graphs(first: $n)", "nodes", "nodes(ids: [1, 2])", "__schema"]
FRAGMENTS = ["...", "... on Job"]
DIRECTIVES = ["", "", "", "", "", "", "", "", " @skip(if: $no)", " @skip(if: $yes)", " @include(if: false)", " @other"]
CLOSE = "}"
NAMES = ["F0", "F1", "F2", "F3"]
VARIABLES = {"n": 4, "yes": True, "no": False}


def bodies(spreadable: list[str]) -> st.SearchStrategy[str]:
    """Selection sets as a row of openings, leaves and closings, so that searching them is quick."""
    spreads = [f"...{name}" for name in spreadable] * 3
    openings = [f"{parent}{directive} {{ id" for parent in [*PARENTS, *FRAGMENTS] for directive in DIRECTIVES]
    leaves = [f"{leaf}{directive}" for leaf in LEAVES + spreads for directive in DIRECTIVES]
    step = st.sampled_from(openings) | st.sampled_from(leaves) | st.just(CLOSE)
    return st.lists(step, min_size=3, max_size=10).map(write_body)


def write_body(steps: list[str]) -> str:
    text, nested = "{ id", 0
    for step in steps:
        if step != CLOSE or nested:
            text += f" {step}"
            nested += {CLOSE: -1}.get(step, "{" in step)
    return text + CLOSE * (nested + 1)


def write_document(bodies: tuple[str, ...]) -> str:
    operation, *fragments = bodies
    text = "query ($n: Int, $yes: Boolean, $no: Boolean) " + operation
    return text + "".join(f" fragment {name} on Q {body}" for name, body in zip(NAMES, fragments, strict=True))


# A fragment spreads only those after it, so there are no cycles.
DOCUMENTS = st.tuples(*(bodies(NAMES[start:]) for start in range(len(NAMES) + 1))).map(write_document)


class Expanded:
    """Counts by following every spread every time: slow, and plain enough to be believed."""

    def __init__(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self.variables = variables
        self.depth = self.aliases = self.root_fields = self.nodes = self.rows = 0
        self.field_nodes: set[int] = set()
        self.directive_nodes: set[int] = set()

    def value(self, node: Node, name: str, absent: Any) -> Any:
        found = [argument.value for argument in getattr(node, "arguments", None) or () if argument.name.value == name]
        match found[0] if found else None:
            case VariableNode(name=variable):
                return self.variables[variable.value]
            case IntValueNode(value=text):
                return int(text)
            case BooleanValueNode(value=condition):
                return condition
            case ListValueNode(values=items):
                return len(items)
        return absent

    def follow(self, selection_set: SelectionSetNode | None, path: list[str], times: int) -> None:
        for selection in selection_set.selections if selection_set else ():
            directives = {directive.name.value: directive for directive in selection.directives or ()}
            self.directive_nodes.update(id(directive) for directive in directives.values())
            if "skip" in directives and self.value(directives["skip"], "if", None):
                continue
            if "include" in directives and not self.value(directives["include"], "if", None):
                continue
            if isinstance(selection, FragmentSpreadNode):
                self.follow(self.fragments[selection.name.value].selection_set, path, times)
            elif isinstance(selection, InlineFragmentNode):
                self.follow(selection.selection_set, path, times)
            elif isinstance(selection, FieldNode):
                self.enter(selection, path, times)

    def enter(self, node: FieldNode, path: list[str], times: int) -> None:
        name = node.name.value
        self.field_nodes.add(id(node))
        self.aliases += node.alias is not None
        self.root_fields += not path
        path = [*path, name]
        self.depth = max(self.depth, path.index("__schema") + 1 if "__schema" in path else len(path))
        if name == "rows":
            times *= max(0, self.value(node, "first", 100))
            self.rows += times
        elif name in ("jobs", "graphs") or (name == "nodes" and node.arguments):
            times *= self.value(node, "ids" if name == "nodes" else "first", 20)
            self.nodes += times
        self.follow(node.selection_set, path, times)


@settings(max_examples=300)
@given(DOCUMENTS)
def test_the_count_equals_that_of_the_document_expanded(text: str) -> None:
    """Whatever the document, each fragment read once gives the same numbers as all of them followed everywhere."""
    document = parse(text)
    operation = get_operation_ast(document)
    assert operation is not None
    expanded = Expanded(document, VARIABLES)
    expanded.follow(operation.selection_set, [], 1)
    counted = cost_of(document, None, VARIABLES)
    assert counted.depth == expanded.depth
    assert counted.aliases == min(CEILING, expanded.aliases)
    assert counted.root_fields == min(CEILING, expanded.root_fields)
    assert counted.nodes == min(CEILING, expanded.nodes)
    assert counted.rows == min(CEILING, expanded.rows)
    assert counted.fields == len(expanded.field_nodes)
    assert counted.directives == len(expanded.directive_nodes)
    assert counted.variables <= _variables_in(document)


def _variables_in(document: DocumentNode) -> set[str]:
    names = set[str]()

    class Names(Visitor):
        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            names.add(node.name.value)

    visit(document, Names())
    return names
