"""Tests of the table of documents."""

import pytest
from graphql import get_operation_ast

from gateway.documents import Document, Documents
from gateway.rates import Rates
from schema.errors import TooOftenError
from schema.limits import Limits
from tests.support_graphql import SCHEMA

CORE = SCHEMA._schema
QUERY = "{ hello }"


def test_a_valid_document_is_read_once() -> None:
    """The same text gives the same tree."""
    table = Documents(CORE, Limits())
    first = table.get(QUERY)
    assert first.errors == ()
    assert table.get(QUERY) is first


@pytest.mark.parametrize(
    ("text", "code"),
    [("{ hello", "GRAPHQL_PARSE_FAILED"), ("", "GRAPHQL_PARSE_FAILED"), ("{ nothing }", "GRAPHQL_VALIDATION_FAILED")],
)
def test_a_document_that_is_not_valid_is_refused_as_fast_again(text: str, code: str) -> None:
    """Its errors are kept ready."""
    table = Documents(CORE, Limits())
    first = table.get(text)
    assert [error["extensions"] for error in first.errors] == [{"code": code}]
    assert table.get(text) is first


def test_errors_say_where() -> None:
    """An editor marks the place."""
    (error,) = Documents(CORE, Limits()).get("{\n  nothing }").errors
    assert error["locations"] == [{"line": 2, "column": 3}]


def test_a_document_beyond_a_limit_names_the_limit_and_is_not_kept() -> None:
    """It costs nothing to refuse it again."""
    table = Documents(CORE, Limits(max_characters=8))
    first = table.get(QUERY)
    extensions = {"code": "LIMIT_EXCEEDED", "limit": "characters", "maximum": 8, "asked": 9}
    assert first.errors[0]["extensions"] == extensions
    assert table.get(QUERY) is not first


def test_errors_of_one_document_are_bounded() -> None:
    """A document can be wrong in very many ways."""
    fields = " ".join(f"f{number}" for number in range(400))
    errors = Documents(CORE, Limits()).get(f"{{ {fields} }}").errors
    assert len(errors) == 21
    assert errors[-1]["message"].startswith("Too many validation errors")


def test_names_are_suggested_only_with_introspection() -> None:
    """Suggestions are the schema, read one mistake at a time."""
    (open_error,) = Documents(CORE, Limits()).get("{ helo }").errors
    (closed_error,) = Documents(CORE, Limits(), introspection=False).get("{ helo }").errors
    assert "Did you mean 'hello'" in open_error["message"]
    assert closed_error["message"] == "Cannot query field 'helo' on type 'Query'."


def test_the_schema_is_read_only_with_introspection() -> None:
    """`__typename` is no introspection: clients add it everywhere."""
    text = "{ __schema { queryType { name } } }"
    assert Documents(CORE, Limits()).get(text).errors == ()
    closed = Documents(CORE, Limits(), introspection=False)
    assert "introspection" in closed.get(text).errors[0]["message"]
    assert closed.get("{ __typename }").errors == ()


def used(table: Documents, text: str) -> Document:
    """Ask for a document until it is no newcomer."""
    table.get(text)
    return table.get(text)


def test_the_oldest_leave_when_there_are_too_many() -> None:
    """One that was asked for again is not old."""
    table = Documents(CORE, Limits(), max_count=4)
    first, second = used(table, "{ a: hello }"), used(table, "{ b: hello }")
    used(table, "{ c: hello }")
    table.get("{ a: hello }")
    used(table, "{ d: hello }")
    assert table.get("{ a: hello }") is first
    assert table.get("{ b: hello }") is not second


def test_the_oldest_leave_when_they_are_too_large() -> None:
    """A document weighs by its tokens, an invalid one by its errors."""
    table = Documents(CORE, Limits(), max_bytes=40_000)
    small = used(table, QUERY)
    assert table.get(QUERY) is small
    for number in range(5):
        used(table, f"{{ a{number}: hello b: hello }}")
    assert table.get(QUERY) is not small


def planned(table: Documents, text: str) -> Document:
    """Ask for a document until it has a plan that is counted in."""
    document = used(table, text)
    node = get_operation_ast(document.tree) if document.tree else None
    assert node is not None
    assert document.plans is not None
    for _ in range(2):
        document.plans.find(CORE, node, None)
    return table.get(text)


def test_a_document_weighs_by_its_plans_as_well() -> None:
    """As soon as it is asked for again, and once only."""
    table = Documents(CORE, Limits(), max_bytes=40_000)
    other = used(table, QUERY)
    text = "{ a: hello b: hello }"
    assert planned(table, text) is table.get(text)
    assert table.held_bytes == len(text) * 4 + 10 * 600 + 2 * 3_500 + len(QUERY) * 4 + 5 * 600
    assert table.get(QUERY) is other
    # Without their plans there would be room for all of them.
    for name in "cde":
        planned(table, f"{{ {name}: hello b: hello }}")
    assert table.get(QUERY) is not other


def test_a_newcomer_whose_plans_are_too_heavy_for_newcomers_moves_all_the_same() -> None:
    """It was asked for several times at once."""
    table = Documents(CORE, Limits(), max_bytes=40_000)
    text = "{ a: hello b: hello }"
    document = table.get(text)
    node = get_operation_ast(document.tree) if document.tree else None
    assert node is not None
    assert document.plans is not None
    for _ in range(2):
        document.plans.find(CORE, node, None)
    assert table.get(text) is table.get(text) is document
    assert table.held_bytes == len(text) * 4 + 10 * 600 + 2 * 3_500


def test_what_plans_weigh_is_given_back_when_their_document_leaves() -> None:
    """A table of one, for what was asked for again."""
    table = Documents(CORE, Limits(), max_count=2)
    for number in range(5):
        planned(table, f"{{ a{number}: hello }}")
    assert table.held_bytes <= 2 * (len("{ a4: hello }") * 4 + 7 * 600 + 3_500)


def test_bytes_are_given_back_when_documents_leave() -> None:
    """Else the table would shrink with every document it forgets."""
    table = Documents(CORE, Limits(), max_count=4)
    for number in range(50):
        used(table, f"{{ a{number}: hello }}")
        table.get(f"{{ b{number}")
    assert table.held_bytes == 3 * (len("{ a49: hello }") * 4 + 7 * 600) + len("{ b49") * 4 + 1_000


def test_a_document_that_is_used_again_is_counted_once() -> None:
    """It moves, it is not copied."""
    table = Documents(CORE, Limits())
    used(table, QUERY)
    assert table.held_bytes == len(QUERY) * 4 + 5 * 600


@pytest.mark.parametrize("flood", ["{{ nothing{} }}", "{{ a{}", "{{ a{}: hello }}"], ids=["invalid", "broken", "valid"])
def test_a_flood_of_new_documents_leaves_those_in_use(flood: str) -> None:
    """Whether they are valid or not, and in a bounded part of the room."""
    table = Documents(CORE, Limits(), max_count=40, max_bytes=400_000)
    kept = [used(table, f"{{ used{number}: hello }}") for number in range(30)]
    room = table.held_bytes
    for number in range(200):
        table.get(flood.format(number))
    assert [table.get(f"{{ used{number}: hello }}") for number in range(30)] == kept
    assert table.held_bytes - room <= 100_000


def test_a_document_that_is_not_valid_stays_a_newcomer_however_often_it_is_asked_for() -> None:
    """Asking twice is cheap, and must not open the rest of the room."""
    table = Documents(CORE, Limits(), max_count=8)
    kept = used(table, QUERY)
    for number in range(50):
        used(table, f"{{ nothing{number} }}")
    assert table.get(QUERY) is kept
    assert table.get("{ nothing49 }") is table.get("{ nothing49 }")


def limited(seconds: list[float]) -> Documents:
    """Return a table that reads two new documents a second for each caller."""
    rates = Rates(per_caller=2, in_all=3, clock=lambda: seconds[0])
    return Documents(CORE, Limits(max_characters=30), rates=rates)


def test_new_documents_are_read_only_so_often() -> None:
    """Known ones as often as anybody likes, those too long as well: neither costs anything."""
    seconds = [0.0]
    table = limited(seconds)
    for number in range(20):
        table.get(f"{{ nothing{number} }}", "one")
    with pytest.raises(TooOftenError) as caught:
        table.get(QUERY, "one")
    assert caught.value.extensions == {
        "code": "LIMIT_EXCEEDED",
        "limit": "unknownDocuments",
        "maximum": 20,
        "asked": 21,
        "retryable": True,
        "retryAfterSeconds": 1,
    }
    assert table.get("{ nothing3 }", "one").errors
    assert table.get("{" + " " * 30, "one").errors[0]["extensions"]["limit"] == "characters"
    seconds[0] += 0.5
    assert table.get(QUERY, "one").errors == ()


def test_a_caller_that_brings_too_many_does_not_stop_another() -> None:
    """Those without a credential are one caller."""
    table = limited([0.0])
    for number in range(20):
        table.get(f"{{ a{number} }}", None)
    with pytest.raises(TooOftenError):
        table.get(QUERY, None)
    assert table.get(QUERY, "one").errors == ()


def test_a_value_is_not_repeated_at_any_length() -> None:
    """GraphQL indents a nested value level by level, so its message may be far longer than the document."""
    text = "{ hello(name: " + "[" * 100 + "]" * 100 + ") }"
    (error,) = Documents(CORE, Limits()).get(text).errors
    assert error["message"].startswith("String cannot represent")
    assert len(error["message"]) == 501
