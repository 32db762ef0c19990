"""What a selection asks for: asked by resolvers of a small schema, whose answers the tests read."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import strawberry
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    SelectionNode,
    execute_sync,
    parse,
)

from schema.lookahead import SeenNodes, Selection, is_selected


@strawberry.input
class Range:
    low: int = 0
    high: int | None = None


@strawberry.type
class Rows:
    count: int = 0


@strawberry.type
class Result:
    kind: str = ""

    @strawberry.field
    def rows(
        self,
        first: int = 100,
        after: str | None = None,
        offset: int | None = strawberry.UNSET,
        within_range: Range | None = None,
        labels: list[str] | None = None,
    ) -> Rows:
        return Rows()


@strawberry.interface
class Node:
    id: strawberry.ID = strawberry.ID("1")


@strawberry.type
class Job(Node):
    kind: str = ""
    result: Result = strawberry.field(default_factory=Result)


@strawberry.type
class Graph(Node):
    name: str = ""


@strawberry.type
class Edge:
    node: Job = strawberry.field(default_factory=Job)


@strawberry.type
class Connection:
    nodes: list[Job] = strawberry.field(default_factory=list)
    edges: list[Edge] = strawberry.field(default_factory=list)


class Questions:
    """What the resolvers ask about their selections, and the answers they got."""

    def __init__(self, *paths: str) -> None:
        self.paths = paths
        self.selected: list[bool] = []
        self.arguments: list[list[Mapping[str, object]]] = []

    def ask(self, info: strawberry.Info[Any, Any]) -> None:
        self.selected.append(Selection(info).selects(*self.paths))
        self.arguments.append(Selection(info).arguments(self.paths[0]))


@strawberry.type
class Query:
    @strawberry.field
    def job(self, info: strawberry.Info[Questions, None]) -> Job:
        info.context.ask(info)
        return Job()

    @strawberry.field
    def jobs(self, info: strawberry.Info[Questions, None]) -> Connection:
        info.context.ask(info)
        return Connection()

    @strawberry.field
    def node(self, info: strawberry.Info[Questions, None]) -> Node:
        info.context.ask(info)
        return Job()

    @strawberry.field
    def found(self, info: strawberry.Info[Questions, None]) -> Job | Graph | None:
        info.context.ask(info)
        return None


SCHEMA = strawberry.Schema(Query, types=[Job, Graph])


def ask(text: str, *paths: str, **variables: Any) -> Questions:
    questions = Questions(*paths)
    result = SCHEMA.execute_sync(text, variable_values=variables, context_value=questions)
    assert result.errors is None
    return questions


def selected(text: str, *paths: str, **variables: Any) -> bool:
    [answer] = ask(text, *paths, **variables).selected
    return answer


def given(text: str, path: str = "result.rows", **variables: Any) -> list[Mapping[str, object]]:
    [answer] = ask(text, path, **variables).arguments
    return answer


def page(first: int, **others: object) -> dict[str, object]:
    return {"first": first, "after": None, "offset": None, "withinRange": None, "labels": None} | others


@pytest.mark.parametrize(
    "text",
    [
        "{ job { result { rows { count } } } }",
        "{ a: job { b: result { c: rows { count } } } }",
        "{ job { id ... { ... on Job { result { ... { rows { count } } } } } } }",
        "{ job { ...J } } fragment J on Job { result { ...R } } fragment R on Result { kind rows { count } }",
        "{ job { ...N } } fragment N on Node { id ... on Job { result { rows { count } } } }",
        "{ job { result { kind } } job { result { rows { count } } } }",
        "{ job { result { kind } ...J } } fragment J on Job { kind result { rows { count } } }",
        "{ node { id ... on Job { result { rows { count } } } } }",
        "{ node { ...J } } fragment J on Job { result { rows { count } } }",
        "{ found { __typename ... on Job { result { rows { count } } } ... on Graph { name } } }",
    ],
)
def test_a_path_is_found_wherever_it_is_written(text: str) -> None:
    """Under aliases, in fragments of any kind, on interfaces and unions, in merged fields."""
    assert selected(text, "result.rows")
    assert given(text) == [page(100)]


@pytest.mark.parametrize(
    "text",
    [
        "{ job { result { kind } } }",
        "{ job { rows: id result { rows: kind } } }",
        "{ job { __typename } }",
        "{ node { ... on Graph { name } } }",
        "{ found { __typename } }",
        "{ job { kind } other: jobs { nodes { result { rows { count } } } } }",
    ],
)
def test_a_path_that_is_not_selected_is_not_found(text: str) -> None:
    """Aliases of that name are not the field, other fields' selections do not matter."""
    questions = ask(text, "result.rows")
    assert questions.selected[0] is False
    assert questions.arguments[0] == []


def test_any_of_the_paths_is_enough() -> None:
    """Asked with several paths, one that is selected decides; asked with none, nothing does."""
    text = "{ jobs { edges { node { kind } } } }"
    assert selected(text, "nodes.result", "edges.node.kind")
    assert selected(text, "edges")
    assert not selected(text, "nodes.kind", "edges.kind", "edges.node.result", "node.kind")


@pytest.mark.parametrize(
    ("directive", "expected"),
    [
        ("@skip(if: true)", False),
        ("@skip(if: false)", True),
        ("@skip(if: $yes)", False),
        ("@skip(if: $no)", True),
        ("@include(if: $yes)", True),
        ("@include(if: $no)", False),
        ("@include(if: true) @skip(if: $yes)", False),
        ("@include(if: $default)", False),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "{{ job {{ id result {d} {{ rows {{ count }} }} }} }}",
        "{{ job {{ id result {{ kind rows {d} {{ count }} }} }} }}",
        "{{ job {{ id ... {d} {{ result {{ rows {{ count }} }} }} }} }}",
        "{{ job {{ id ...J {d} }} }} fragment J on Job {{ result {{ rows {{ count }} }} }}",
    ],
)
def test_what_is_skipped_is_not_selected(text: str, directive: str, expected: bool) -> None:
    """For fields on the way and at its end, inline fragments and spreads; with literals, variables and defaults."""
    # Every variable has to be used somewhere.
    used = "{ u: id @skip(if: $yes) v: id @skip(if: $no) w: id @skip(if: $default) }"
    text = f"query ($yes: Boolean!, $no: Boolean!, $default: Boolean! = false) {text.format(d=directive)}".replace(
        "job { id", f"job {{ id ... on Job {used}", 1
    )
    assert selected(text, "result.rows", yes=True, no=False) is expected


def test_a_fragment_skipped_once_is_still_followed_where_it_is_not() -> None:
    """The spread that is left counts, whichever comes first."""
    fragment = "fragment J on Job { result { rows { count } } }"
    assert selected("{ job { ...J @skip(if: true) ...J } } " + fragment, "result.rows")
    assert selected("{ job { ...J ...J @skip(if: true) } } " + fragment, "result.rows")


def test_arguments_are_literals_variables_and_defaults() -> None:
    """Under their names in the schema; one that nothing is given for, and that has no default, is None."""
    text = """
      query ($first: Int = 7, $offset: Int, $after: String, $low: Int!, $label: String!) { job { result {
        rows(first: $first, offset: $offset, after: $after, withinRange: {low: $low}, labels: [$label, "b"]) { count }
      } } }
    """
    [found] = given(text, offset=3, low=1, label="a")
    within = found["withinRange"]
    assert found == page(7, offset=3, labels=["a", "b"], withinRange=within)
    assert within == {"low": 1, "high": None}


def test_every_field_at_the_path_is_reported_in_document_order() -> None:
    """Pages under other aliases, in fragments and after them."""
    text = """
      { job {
          result { a: rows(first: 1) { count } ...R b: rows(first: 4) { count } }
          ...J
          ... { other: result { rows(first: 6) { count } } }
      } }
      fragment R on Result { c: rows(first: 2) { count } ... { d: rows(first: 3) { count } } }
      fragment J on Job { result { e: rows(first: 5) { count } } }
    """
    assert given(text) == [page(first) for first in (1, 2, 3, 4, 5, 6)]


def test_equal_arguments_are_reported_once() -> None:
    """Where defaults are written out as well; and a fragment spread twice gives one answer."""
    text = """
      { job { result { rows { count } a: rows(first: 100) { count } b: rows(first: 9) { count } ...R ...R } } }
      fragment R on Result { c: rows(first: 9, after: null) { count } }
    """
    assert given(text) == [page(100), page(9)]


def test_paths_lead_through_connections() -> None:
    """Each way to the jobs is asked by itself."""
    text = """
      { jobs { nodes { ...J } edges { node { result { rows(first: 2) { count } } ...J } } } }
      fragment J on Job { result { a: rows(first: 1) { count } } }
    """
    assert given(text, "nodes.result.rows") == [page(1)]
    assert given(text, "edges.node.result.rows") == [page(2), page(1)]


def test_a_field_without_arguments_gives_empty_ones() -> None:
    """It is there, so there is an answer, but nothing in it."""
    assert given("{ job { result { kind } } }", "result.kind") == [{}]


def test_arguments_that_cannot_be_read_are_the_error_of_the_field() -> None:
    """A variable may be null where its default may not; GraphQL sees that only now."""
    text = "query ($first: Int = 1) { job { result { rows(first: $first) { count } } } }"
    result = SCHEMA.execute_sync(text, variable_values={"first": None}, context_value=Questions("result.rows"))
    assert result.errors is not None
    assert isinstance(result.errors[0], GraphQLError)
    assert "first" in result.errors[0].message


def test_the_executor_of_graphql_core_is_understood_as_well() -> None:
    """It hands variables over in a container, where strawberry's gives the plain values."""
    questions = Questions("result.rows")
    text = "query ($n: Int!, $no: Boolean!) { job { result { rows(first: $n) { count } kind @include(if: $no) } } }"
    core_schema = SCHEMA._schema
    result = execute_sync(core_schema, parse(text), context_value=questions, variable_values={"n": 5, "no": False})
    assert result.errors is None
    assert questions.arguments == [[page(5)]]


class CountedSelections(tuple[SelectionNode, ...]):
    """Selections that count how often they are gone through, from the back as well."""

    readings: int

    def __reversed__(self) -> Iterator[SelectionNode]:
        self.readings += 1
        return iter(self[::-1])


class Deep(Questions):
    """Asks while the readings of fragments are counted."""

    def __init__(self, *paths: str) -> None:
        super().__init__(*paths)
        self.readings: dict[str, int] = {}

    def ask(self, info: strawberry.Info[Any, Any]) -> None:
        counted: dict[str, CountedSelections] = {}
        for name, fragment in info._raw_info.fragments.items():
            counted[name] = CountedSelections(fragment.selection_set.selections)
            counted[name].readings = 0
            object.__setattr__(fragment.selection_set, "selections", counted[name])
        self.selected.append(Selection(info).selects(*self.paths))
        self.readings = {name: selections.readings for name, selections in counted.items()}


def test_each_fragment_is_read_once_for_each_path_however_often_it_is_spread() -> None:
    """Fragments that double at every step are no more work than their text, and paths share their beginnings."""
    text = "{ job { ...F0 } }" + "".join(f" fragment F{n} on Job {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60))
    questions = Deep("result.rows", "kind", "result.missing", "id.missing")
    result = SCHEMA.execute_sync(text + " fragment F60 on Job { result { kind } }", context_value=questions)
    assert result.errors is None
    assert questions.selected == [False]
    assert questions.readings == {f"F{n}": 1 for n in range(61)}


def test_a_selection_with_an_unknown_variable_is_left_in() -> None:
    """Better one read too many than one too few."""
    document: DocumentNode = parse("fragment F on X { a @skip(if: $gone) b @include(if: 1) c @include }")
    [fragment] = document.definitions
    assert isinstance(fragment, FragmentDefinitionNode)
    assert all(is_selected(selection, lambda _: None) for selection in fragment.selection_set.selections)


class Planned(Questions):
    """Asks several times with nodes that have been seen, as the resolvers of a plan do."""

    def __init__(self, *paths: str) -> None:
        super().__init__(*paths)
        self.seen: list[SeenNodes] = []

    def ask(self, info: strawberry.Info[Any, Any]) -> None:
        self.seen.append(SeenNodes(info._raw_info.field_nodes))
        raw = info._raw_info._replace(field_nodes=self.seen[-1])
        again = type(info)(raw, info._field)
        for _ in range(2):
            super().ask(again)
        level = self.seen[-1].levels[""][""]
        super().ask(again)
        assert self.seen[-1].levels[""][""] is level


def test_what_is_selected_below_nodes_that_were_seen_is_found_out_once() -> None:
    """And remains what it was; arguments are read anew each time."""
    questions = Planned("result.rows", "kind")
    text = "query ($n: Int!) { job { result { rows(first: $n) { count } } } }"
    result = SCHEMA.execute_sync(text, variable_values={"n": 5}, context_value=questions)
    assert result.errors is None
    assert questions.selected == [True] * 3
    assert questions.arguments == [[page(5)]] * 3
    [seen] = questions.seen
    assert [node.name.value for node in seen] == ["job"]
    assert sorted(seen.levels[""]) == ["", "result"]


def test_nodes_that_were_seen_keep_what_each_type_asks_for_apart() -> None:
    """What is selected on other types is left out for one and not for another."""

    class Both(Questions):
        def ask(self, info: strawberry.Info[Any, Any]) -> None:
            nodes = SeenNodes(info._raw_info.field_nodes)
            again = type(info)(info._raw_info._replace(field_nodes=nodes), info._field)
            for on in ("Job", "Graph", "", "Job"):
                self.selected.append(Selection(again, on=on).selects(*self.paths))

    questions = Both("kind")
    text = "{ node { ... on Job { kind } ... on Graph { name } } }"
    assert SCHEMA.execute_sync(text, context_value=questions).errors is None
    assert questions.selected == [True, False, True, True]
