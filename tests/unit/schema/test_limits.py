"""How large a document may be and how much one operation may ask for: at each bound and just beyond it."""

from dataclasses import replace
from typing import Any

import pytest
from graphql import DocumentNode, GraphQLSyntaxError, get_introspection_query, parse

from schema.errors import LimitExceededError
from schema.limits import Allowed, Limits, check_operation, parse_document

DEFAULTS = Limits()


def refusal(text: str, limits: Limits = DEFAULTS, variables: dict[str, Any] | None = None) -> LimitExceededError:
    with pytest.raises(LimitExceededError) as caught:
        check_operation(parse(text), None, variables, limits)
    return caught.value


def chain(levels: int) -> str:
    return "{ id " * levels + "}" * levels


@pytest.mark.parametrize("length", [2_000, 1_999])
def test_a_document_up_to_the_bound_of_characters_is_parsed(length: int) -> None:
    """At and below the bound the document comes back."""
    text = "{ id }".ljust(length)
    assert isinstance(parse_document(text, Limits(max_characters=2_000)), DocumentNode)


def test_a_document_of_too_many_characters_is_refused_unread() -> None:
    """Even text that is no GraphQL at all is refused for its length."""
    with pytest.raises(LimitExceededError) as caught:
        parse_document("€" * 2_001, Limits(max_characters=2_000))
    assert (caught.value.limit, caught.value.maximum, caught.value.asked) == ("characters", 2_000, 2_001)


@pytest.mark.parametrize("tokens", [9, 10])
def test_a_document_up_to_the_bound_of_tokens_is_parsed(tokens: int) -> None:
    """Comments and commas are no tokens."""
    text = "{ # first\n" + "id, " * (tokens - 2) + "}"
    document = parse_document(text, Limits(max_tokens=10))
    assert check_operation(document, None, None, DEFAULTS).fields == tokens - 2


@pytest.mark.parametrize("tail", ["}", "", "} }", "$ ( \u0007"])
def test_a_document_of_too_many_tokens_is_refused_however_it_ends(tail: str) -> None:
    """What follows the bound is not even read, so it cannot turn the refusal into a syntax error."""
    with pytest.raises(LimitExceededError) as caught:
        parse_document("{" + " id" * 10 + tail, Limits(max_tokens=10))
    assert (caught.value.limit, caught.value.maximum, caught.value.asked) == ("tokens", 10, 11)
    assert isinstance(caught.value.__cause__, GraphQLSyntaxError)


@pytest.mark.parametrize("text", ["#\n#\n#\n{ id }", "{ #\n id #\n } #\n", "{ id }\n#\n#\n#"])
def test_as_many_comments_as_allowed_pass_wherever_they_stand(text: str) -> None:
    """At the bound the document comes back; one comment less allowed, and it is refused."""
    assert isinstance(parse_document(text, Limits(max_comments=3)), DocumentNode)
    with pytest.raises(LimitExceededError) as caught:
        parse_document(text, Limits(max_comments=2))
    assert (caught.value.limit, caught.value.maximum, caught.value.asked) == ("comments", 2, 3)


@pytest.mark.parametrize("text", ["", "{", "{ id } }", "{ id(first: 1", "{ \u0007 }", '{ id(name: "open) }'])
def test_a_document_that_is_small_but_wrong_is_a_syntax_error(text: str) -> None:
    """The parser's own error comes out, with its place in the text."""
    with pytest.raises(GraphQLSyntaxError):
        parse_document(text, DEFAULTS)


def test_a_wrong_document_at_the_bounds_is_a_syntax_error() -> None:
    """Only what is beyond a bound makes it a refusal; comments are not tokens, nor is the end."""
    with pytest.raises(GraphQLSyntaxError):
        parse_document("{ #\n id #\n id", Limits(max_tokens=3, max_comments=2))


def test_a_document_nested_without_end_is_a_syntax_error() -> None:
    """Nesting never ends in a crash of the interpreter's stack."""
    with pytest.raises(GraphQLSyntaxError, match="nested too deeply"):
        parse_document("{ a(b: " + "[" * 900 + "]" * 900 + ") }", Limits(max_tokens=2_000))


BOUNDS = [
    pytest.param("depth", "max_depth", chain(4), 4, id="depth"),
    pytest.param("aliases", "max_aliases", "{ a: id b: id ...F } fragment F on Q { c: id d: id }", 4, id="aliases"),
    pytest.param("directives", "max_directives", "query @a { id @b ... @c { id @d } }", 4, id="directives"),
    pytest.param("rootFields", "max_root_fields", "{ a b ...F } fragment F on Q { c d { e } }", 4, id="root fields"),
    pytest.param("fields", "max_fields", "{ a b { c } ...F ...F } fragment F on Q { d }", 4, id="fields"),
    pytest.param("nodes", "max_nodes", "{ jobs(first: 4) { nodes { id } } }", 4, id="nodes"),
    pytest.param("rows", "max_rows", "{ jobs(first: 2) { nodes { result { rows(first: 2) } } } }", 4, id="rows"),
]


@pytest.mark.parametrize(("limit", "setting", "text", "asked"), BOUNDS)
def test_an_operation_at_a_bound_passes_and_beyond_it_is_refused(
    limit: str, setting: str, text: str, asked: int
) -> None:
    """The refusal names the limit, the maximum and what was asked."""
    document = parse(text)
    for maximum in (asked, asked + 1):
        check_operation(document, None, None, replace(DEFAULTS, **{setting: maximum}))
    error = refusal(text, replace(DEFAULTS, **{setting: asked - 1}))
    assert (error.limit, error.maximum, error.asked) == (limit, asked - 1, asked)
    assert error.extensions == {"code": "LIMIT_EXCEEDED", "limit": limit, "maximum": asked - 1, "asked": asked}
    assert limit in error.message
    assert str(asked - 1) in error.message
    assert str(asked) in error.message


def test_the_defaults_are_those_that_the_documents_promise() -> None:
    """A change of a default is a change that clients notice."""
    assert Limits() == Limits(
        max_characters=20_000,
        max_tokens=1_000,
        max_comments=200,
        max_depth=12,
        max_aliases=30,
        max_directives=8,
        max_root_fields=12,
        max_fields=500,
        max_nodes=10_000,
        max_rows=100_000,
    )


def test_rows_are_budgeted_over_all_aliases() -> None:
    """Ten pages that are allowed each are too many together."""
    rows = " ".join(f"r{n}: rows(first: $n) {{ nodes {{ index }} }}" for n in range(10))
    text = f"query ($n: Int!) {{ job(id: 1) {{ result {{ {rows} }} }} }}"
    assert check_operation(parse(text), None, {"n": 10_000}, DEFAULTS).rows == 100_000
    error = refusal(text, variables={"n": 10_001})
    assert (error.limit, error.asked) == ("rows", 100_010)


def test_nested_lists_are_refused_though_each_page_is_allowed() -> None:
    """A hundred graphs with a hundred jobs each are too many nodes for one operation."""
    error = refusal("{ graphs(first: 100) { nodes { jobs(first: 100) { nodes { id } } } } }")
    assert (error.limit, error.maximum, error.asked) == ("nodes", 10_000, 10_100)


@pytest.mark.parametrize("fragments", [21, 90])
def test_fragments_that_double_at_each_step_are_refused(fragments: int) -> None:
    """The document of 740 bytes that held other limiters for seconds; its number stops at 32 bits."""
    text = "{...F0}" + "".join(f"fragment F{n} on Query{{...F{n + 1} ...F{n + 1}}}" for n in range(fragments))
    text += f"fragment F{fragments} on Query{{a:__typename}}"
    document = parse_document(text, DEFAULTS)
    with pytest.raises(LimitExceededError) as caught:
        check_operation(document, None, None, DEFAULTS)
    assert (caught.value.limit, caught.value.asked) == ("aliases", min(2**fragments, 2**31 - 1))


@pytest.mark.parametrize("depth", [3, 9, 13])
def test_introspection_passes_by_default(depth: int) -> None:
    """The queries that GraphiQL and code generators send, with every option."""
    text = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        one_of=True,
        type_depth=depth,
    )
    cost = check_operation(parse_document(text, DEFAULTS), "IntrospectionQuery", None, DEFAULTS)
    assert (cost.depth, cost.aliases, cost.root_fields, cost.rows) == (1, 0, 1, 0)


def test_the_deepest_page_of_the_contract_passes_by_default() -> None:
    """From the graphs of the project to one value of a row, by edges all the way."""
    text = """
      { graphs { edges { node { jobs(first: 1) { edges { node { result { rows(first: 5) { edges { node {
        ... on VertexValueRow { vertexId value } } } } } } } } } } } }
    """
    cost = check_operation(parse_document(text, DEFAULTS), None, None, DEFAULTS)
    assert (cost.depth, cost.nodes, cost.rows) == (11, 40, 100)


# --- What was allowed before ---------------------------------------------------------------------------------------

PAGE = "query A($n: Int = 9, $yes: Boolean = false) { job { result { rows(first: $n) @skip(if: $yes) { a } } } } "
PAGE += "query B($n: Int) { jobs(first: $n) { nodes { id } } }"
FEW = Limits(max_rows=5, max_nodes=5)


class Document:
    """A document whose operations are checked, and counted when they are."""

    def __init__(self, text: str = PAGE) -> None:
        self.document = parse(text)
        self.allowed = Allowed()

    def is_counted(self, **variables: object) -> bool:
        """Check the first operation; one that is not counted passes whatever the limits are."""
        self.allowed.check(self.document, "A", variables, FEW)
        try:
            self.allowed.check(self.document, "A", variables, Limits(max_fields=0))
        except LimitExceededError:
            return True
        return False

    def is_refused(self, name: str = "A", /, **variables: object) -> bool:
        """Tell whether an operation is refused."""
        try:
            self.allowed.check(self.document, name, variables, FEW)
        except LimitExceededError:
            return True
        return False


@pytest.mark.parametrize("n", [1, 5, 5.0, None, True, "3"])
def test_what_was_allowed_is_allowed_again(n: object) -> None:
    """However the value is meant; of values that are no number nothing is kept."""
    assert Document().is_counted(n=n) == isinstance(n, str)


def test_whoever_checks_is_told_how_many_rows_are_asked() -> None:
    """Also when they are not counted anew."""
    document = Document()
    for n in (3, 3, 4):
        assert document.allowed.check(document.document, "A", {"n": n}, FEW) == n


def test_values_that_decide_nothing_may_differ() -> None:
    """They are not even looked at."""
    document = Document()
    assert not document.is_counted(n=1, other="a")
    document.allowed.check(document.document, "A", {"n": 1, "other": "b"}, Limits(max_fields=0))


@pytest.mark.parametrize("first", [5, True, None, 5.0])
@pytest.mark.parametrize(
    "then", [{"n": 6}, {"n": 6.0}, {}, {"n": 6, "yes": False}], ids=["more", "a float", "the default", "a condition"]
)
def test_what_asks_for_more_is_counted_again(first: object, then: dict[str, object]) -> None:
    """Above all what is absent after it was null: then the default counts."""
    document = Document()
    assert not document.is_refused(n=first)
    assert document.is_refused(**then)


def test_truth_is_not_one() -> None:
    """It asks for nothing, being an error."""
    document = Document()
    assert not document.is_refused(n=True)
    with pytest.raises(LimitExceededError):
        document.allowed.check(document.document, "A", {"n": 1}, Limits(max_rows=0))


def test_a_condition_decides_as_well() -> None:
    """What it left out counts when it is in."""
    document = Document()
    assert not document.is_refused(n=6, yes=True)
    assert document.is_refused(n=6, yes=False)


def test_each_operation_is_allowed_by_itself() -> None:
    """They may have the same variables."""
    document = Document()
    assert not document.is_refused("A", n=0)
    assert document.is_refused("B", n=6)
    assert not document.is_refused("B", n=5)
    assert document.is_refused("A", n=6)


def test_nothing_is_kept_of_long_values() -> None:
    """A document may be known for long; what was asked with it is nobody's business."""
    document = Document("query A($ids: [ID!]!) { nodes(ids: $ids) { id } }")
    ids = ["a"] * 5
    assert document.is_counted(ids=ids)
    ids.append("b")
    assert document.is_refused(ids=ids)
