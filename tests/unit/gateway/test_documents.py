"""Tests of the table of documents."""

import pytest

from gateway.documents import Documents
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


def test_the_oldest_leave_when_there_are_too_many() -> None:
    """One that was asked for again is not old."""
    table = Documents(CORE, Limits(), max_count=2)
    first, second = table.get("{ a: hello }"), table.get("{ b: hello }")
    table.get("{ a: hello }")
    table.get("{ c: hello }")
    assert table.get("{ a: hello }") is first
    assert table.get("{ b: hello }") is not second


def test_the_oldest_leave_when_they_are_too_large() -> None:
    """A document weighs by its tokens, an invalid one by its errors."""
    table = Documents(CORE, Limits(), max_bytes=9_000)
    small = table.get(QUERY)
    assert table.get(QUERY) is small
    table.get("{ a: hello b: hello }")
    assert table.get(QUERY) is not small


def test_bytes_are_given_back_when_documents_leave() -> None:
    """Else the table would shrink with every document it forgets."""
    table = Documents(CORE, Limits(), max_count=1)
    for number in range(50):
        table.get(f"{{ a{number}: hello }}")
    last = table.get("{ a49: hello }")
    assert table.get("{ a49: hello }") is last
    assert table._bytes == len("{ a49: hello }") * 4 + 7 * 600


def test_a_value_is_not_repeated_at_any_length() -> None:
    """GraphQL indents a nested value level by level, so its message may be far longer than the document."""
    text = "{ hello(name: " + "[" * 100 + "]" * 100 + ") }"
    (error,) = Documents(CORE, Limits()).get(text).errors
    assert error["message"].startswith("String cannot represent")
    assert len(error["message"]) == 501
