"""The context of one operation: its project, and what is reported beside the data."""

from dataclasses import replace

import pytest
import strawberry

from schema.context import Info, JobParts
from schema.errors import BadUserInputError, PlaneUnavailableError
from schema.plane import Plane
from tests.fakes import a_context, asked_for


def test_the_project_is_the_one_of_the_request() -> None:
    """Checked by whoever built the context."""
    assert a_context(project_id="p2").project == "p2"


def test_without_a_project_whoever_needs_one_is_refused() -> None:
    """Not before: what is asked by global id needs none."""
    context = a_context(project_id=None)
    with pytest.raises(BadUserInputError, match="X-Project-Id"):
        _ = context.project


@strawberry.type
class Query:
    @strawberry.field
    def lists(self, info: Info) -> list[str]:
        info.context.report(PlaneUnavailableError("Out.", plane=Plane.SERVICE), info)
        info.context.report(BadUserInputError("Odd."), info)
        return ["kept"]


def test_what_is_reported_stands_at_the_field_that_reports_it() -> None:
    """With the extensions of its error, in order; the data is kept."""
    context = a_context()
    result = strawberry.Schema(Query).execute_sync("{ mine: lists }", context_value=context)
    assert (result.data, result.errors) == ({"mine": ["kept"]}, None)
    assert [error.formatted for error in context.problems] == [
        {
            "message": "Out.",
            "path": ["mine"],
            "extensions": {"code": "PLANE_UNAVAILABLE", "plane": "SERVICE", "retryable": True},
        },
        {"message": "Odd.", "path": ["mine"], "extensions": {"code": "BAD_USER_INPUT", "retryable": False}},
    ]


def test_each_context_has_problems_of_its_own() -> None:
    """Operations that run at the same time do not hear of each other's."""
    one, other = a_context(), a_context()
    assert one.problems == other.problems == []
    assert one.problems is not other.problems


def test_parts_are_told_apart() -> None:
    """They are a value, so they cannot change under way."""
    parts = JobParts(listing=True, identity=False, result=True, failure=False, window=lambda ref: None)
    assert asked_for(parts) == {"listing", "result"}
    assert asked_for(replace(parts, listing=False, failure=True)) == {"result", "failure"}
