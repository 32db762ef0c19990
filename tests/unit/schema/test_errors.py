"""The tree of errors: what each says to a client, as `extensions` and as an object beside data."""

import re

import pytest

from schema import errors
from schema.errors import (
    BadUserInputError,
    DocumentNotFoundError,
    DocumentNotTrustedError,
    DocumentsNotStoredError,
    GatewayError,
    LimitExceededError,
    NotFoundError,
    OverloadedError,
    PayloadTooLargeError,
    PlaneUnavailableError,
    RateLimitedError,
    RequestRefusedError,
    TooOftenError,
    UpstreamError,
    UpstreamFailedError,
    UpstreamMalformedError,
    UpstreamTimeoutError,
)
from schema.plane import Plane
from schema.problem import ProblemCode, UpstreamProblem

# What asking again unchanged may mend.
PASSING = {"RateLimitedError", "UpstreamTimeoutError", "PlaneUnavailableError"}


def test_everything_known_is_told() -> None:
    """In the shape of `UpstreamProblem`, with the names of the contract."""
    error = RateLimitedError(
        "Slow down.", plane=Plane.SERVICE, upstream_status=429, upstream_code="APIG.0308", retry_after_seconds=1.5
    )
    assert str(error) == error.message == "Slow down."
    assert error.extensions == {
        "code": "RATE_LIMITED",
        "plane": "SERVICE",
        "upstreamStatus": 429,
        "upstreamCode": "APIG.0308",
        "retryable": True,
        "retryAfterSeconds": 1.5,
    }
    assert error.problem() == UpstreamProblem(
        code=ProblemCode.RATE_LIMITED,
        message="Slow down.",
        plane=Plane.SERVICE,
        upstream_status=429,
        upstream_code="APIG.0308",
        retryable=True,
        retry_after_seconds=1.5,
    )


def test_what_is_unknown_is_left_out() -> None:
    """But whether asking again may work is always said; and no wait at all is a wait that is known."""
    assert NotFoundError("There is none.").extensions == {"code": "NOT_FOUND", "retryable": False}
    assert UpstreamTimeoutError("Too slow.", retry_after_seconds=0).extensions == {
        "code": "TIMEOUT",
        "retryable": True,
        "retryAfterSeconds": 0,
    }
    assert NotFoundError("There is none.").problem() == UpstreamProblem(
        code=ProblemCode.NOT_FOUND,
        message="There is none.",
        plane=None,
        upstream_status=None,
        upstream_code=None,
        retryable=False,
        retry_after_seconds=None,
    )


@pytest.mark.parametrize("kind", UpstreamError.__subclasses__(), ids=lambda kind: kind.__name__)
def test_an_error_says_by_default_whether_it_may_pass(kind: type[UpstreamError]) -> None:
    """Throttling, slowness and outages do."""
    assert kind("Why.").retryable is (kind.__name__ in PASSING)


@pytest.mark.parametrize("kind", [UpstreamFailedError, PlaneUnavailableError])
@pytest.mark.parametrize("retryable", [True, False])
def test_who_raises_an_error_may_know_better_whether_it_passes(kind: type[UpstreamError], retryable: bool) -> None:
    """A 500 may pass where another failure does not; a plane that is not configured will not."""
    error = kind("Why.", retryable=retryable)
    assert error.extensions["retryable"] is error.problem().retryable is error.retryable is retryable


def test_an_exceeded_limit_says_what_was_asked_and_what_is_allowed() -> None:
    """In words and in numbers."""
    error = LimitExceededError("rows", 100_000, 100_001)
    assert error.message == "The operation exceeds the limit `rows`: at most 100000, asked 100001."
    assert error.extensions == {"code": "LIMIT_EXCEEDED", "limit": "rows", "maximum": 100_000, "asked": 100_001}


def test_what_is_done_too_often_may_be_done_again_in_a_moment() -> None:
    """The error says when; its code is that of other limits."""
    error = TooOftenError("unknownDocuments", 20, per_second=2, retry_after_seconds=3)
    assert error.message == "The caller exceeds the limit `unknownDocuments`: at most 20 at once, and 2 a second."
    assert error.extensions == {
        "code": "LIMIT_EXCEEDED",
        "limit": "unknownDocuments",
        "maximum": 20,
        "asked": 21,
        "retryable": True,
        "retryAfterSeconds": 3,
    }


def test_a_refused_request_has_a_code_and_nothing_of_a_plane() -> None:
    """GES was not asked."""
    assert PayloadTooLargeError("Too large.").extensions == {"code": "PAYLOAD_TOO_LARGE"}
    assert OverloadedError("Too much.").extensions == {"code": "OVERLOADED", "retryable": True, "retryAfterSeconds": 1}
    assert DocumentNotTrustedError().extensions == {"code": "DOCUMENT_NOT_TRUSTED"}
    assert GatewayError("Why.").extensions == {"code": "INTERNAL_SERVER_ERROR"}


def test_clients_of_stored_documents_find_the_very_words_they_look_for() -> None:
    """Some compare the message, others the code."""
    found, stored = DocumentNotFoundError(), DocumentsNotStoredError()
    assert (found.message, found.code) == ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    assert (stored.message, stored.code) == ("PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED")


def test_an_upstream_error_of_no_kind_is_an_upstream_error() -> None:
    """Its code in `errors[]` is the one of the tree, too."""
    assert UpstreamError("Why.").extensions == {"code": "UPSTREAM_ERROR", "retryable": False}


def test_one_class_catches_what_a_plane_says_and_another_what_the_gateway_says() -> None:
    """Callers tell them apart by class."""
    assert issubclass(UpstreamMalformedError, UpstreamError)
    assert issubclass(BadUserInputError, UpstreamError)
    assert issubclass(LimitExceededError, RequestRefusedError)
    assert not issubclass(RequestRefusedError, UpstreamError)
    assert issubclass(RequestRefusedError, GatewayError)
    assert issubclass(UpstreamError, GatewayError)


def test_the_drawing_shows_every_class() -> None:
    """It is the first thing that a reader of the module sees."""
    drawn = re.findall(r"^ .*?(\w+Error) ", errors.__doc__ or "", re.MULTILINE)
    assert drawn == [
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, GatewayError)
    ]
