"""Tests of how errors of an operation are shown."""

from graphql import FieldNode, GraphQLError, NameNode

from gateway.http.problems import INTERNAL_TEXT, let_go, present
from schema.errors import NotFoundError

NODE = FieldNode(name=NameNode(value="job"))


def test_our_own_errors_are_shown_with_their_extensions() -> None:
    """They were worded for clients."""
    error = GraphQLError("x", path=["job"], original_error=NotFoundError("No such job.", upstream_code="GES.7007"))
    extensions = {"code": "NOT_FOUND", "upstreamCode": "GES.7007", "retryable": False, "requestId": "r"}
    assert present([error], "r") == ([{"message": "No such job.", "path": ["job"], "extensions": extensions}], [])


def test_anything_unexpected_is_masked_and_handed_back() -> None:
    """The client learns the request id, the log the rest."""
    cause = RuntimeError("secret")
    entries, defects = present([GraphQLError("secret", path=["a", 0], original_error=cause)], "r")
    extensions = {"code": "INTERNAL_SERVER_ERROR", "requestId": "r"}
    assert entries == [{"message": INTERNAL_TEXT, "path": ["a", 0], "extensions": extensions}]
    assert defects == [cause]


def test_a_value_that_cannot_be_written_is_a_defect() -> None:
    """A scalar refuses what we gave it: the client did nothing wrong."""
    error = GraphQLError("Long cannot represent 'x'.", path=["a"], original_error=GraphQLError("Long ..."))
    entries, defects = present([error], "r")
    assert entries[0]["message"] == INTERNAL_TEXT
    assert len(defects) == 1


def test_an_error_of_execution_itself_without_a_cause_is_a_defect() -> None:
    """Nobody worded it for clients."""
    error = GraphQLError("odd", path=["a"])
    assert present([error], "r")[1] == [error]


def test_arguments_that_cannot_be_meant_are_the_clients() -> None:
    """Execution names the argument at fault."""
    error = GraphQLError("Argument ...", path=["a"], original_error=GraphQLError("Argument ...", NODE))
    entries, defects = present([error], "r")
    assert (entries[0]["message"], entries[0]["extensions"]["code"], defects) == ("Argument ...", "BAD_USER_INPUT", [])


def test_variables_that_cannot_be_meant_are_the_clients() -> None:
    """These errors come before any field and so have no path."""
    entries, defects = present([GraphQLError("Variable ...", NODE)], "r")
    assert entries == [{"message": "Variable ...", "extensions": {"code": "BAD_USER_INPUT", "requestId": "r"}}]
    assert defects == []


def test_errors_that_were_told_hold_nothing_more() -> None:
    """What a frame or a decoder's error holds may be a page."""
    try:
        try:
            raise ValueError("behind")
        except ValueError as behind:
            raise NotFoundError("No such job.") from behind
    except NotFoundError as told:
        error = GraphQLError("x", path=["job"], original_error=told)
    let_go([error])
    original = error.original_error
    assert isinstance(original, NotFoundError)
    assert (original.__traceback__, original.__cause__, original.__context__) == (None, None, None)
