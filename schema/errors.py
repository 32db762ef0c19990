"""
Everything a client can be told went wrong, as one tree. Knows codes and wording, not how upstream spells them.

    GatewayError                      has a `code`; its text may be shown to clients
    ├── UpstreamError                 a plane could not be asked, or refused
    │   ├── NotFoundError             GES says there is no such job or graph
    │   ├── BadUserInputError         an argument, id or cursor that cannot be meant
    │   ├── UnauthenticatedError      no credential, or one that GES does not accept
    │   ├── ForbiddenError            GES knows the caller and refuses
    │   ├── RateLimitedError          GES throttles
    │   ├── UpstreamTimeoutError      no answer within the time allowed
    │   ├── PlaneUnavailableError     the plane could not be reached or is out of service
    │   ├── GraphNotRunningError      the graph is stopped, frozen or being changed
    │   ├── UpstreamFailedError       GES failed in another way
    │   ├── UpstreamMalformedError    GES answered with something that is no answer
    │   ├── ResultGoneError           the job is known but its rows are no longer kept
    │   └── NotCancellableError       GES cannot stop this job (any more)
    └── RequestRefusedError           the request itself, whatever GES would say
        ├── LimitExceededError        the operation asks for more than one operation may
        │   ├── TooOftenError         the caller does something more often than he may
        │   └── CallerBusyError       the caller has as much under way as he may
        ├── PayloadTooLargeError      the request body is too large
        ├── DocumentNotFoundError     no document is known under this hash or id
        ├── DocumentsNotStoredError   documents cannot be stored here, nor asked for by hash
        ├── DocumentNotTrustedError   the document is none of those that are accepted here
        ├── OverloadedError           the gateway has more work than it can finish
        └── JobNotEndedError          the whole result of a job that can still change
"""

from __future__ import annotations

from typing import Any, ClassVar

from schema.plane import Plane
from schema.problem import ProblemCode, UpstreamProblem


class GatewayError(Exception):
    """An error whose text and code may be shown to a client."""

    code: ClassVar[str] = "INTERNAL_SERVER_ERROR"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def extensions(self) -> dict[str, Any]:
        """What `errors[].extensions` carries; GraphQL execution picks it up by this name."""
        return {"code": self.code}


class UpstreamError(GatewayError):
    """A plane could not be asked, or refused; has the shape of `UpstreamProblem`."""

    problem_code: ClassVar[ProblemCode] = ProblemCode.UPSTREAM_ERROR
    retryable_by_default: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        plane: Plane | None = None,
        upstream_status: int | None = None,
        upstream_code: str | None = None,
        retryable: bool | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.plane = plane
        self.upstream_status = upstream_status
        self.upstream_code = upstream_code
        self.retryable = self.retryable_by_default if retryable is None else retryable
        self.retry_after_seconds = retry_after_seconds

    def problem(self) -> UpstreamProblem:
        """Return the same as a GraphQL object, for answers that carry problems beside data."""
        return UpstreamProblem(
            code=self.problem_code,
            message=self.message,
            plane=self.plane,
            upstream_status=self.upstream_status,
            upstream_code=self.upstream_code,
            retryable=self.retryable,
            retry_after_seconds=self.retry_after_seconds,
        )

    @property
    def extensions(self) -> dict[str, Any]:
        members: dict[str, Any] = {
            "plane": self.plane.name if self.plane else None,
            "upstreamStatus": self.upstream_status,
            "upstreamCode": self.upstream_code,
            "retryable": self.retryable,
            "retryAfterSeconds": self.retry_after_seconds,
        }
        present = {name: value for name, value in members.items() if value is not None}
        return {"code": self.problem_code.name, **present}


class NotFoundError(UpstreamError):
    """GES says there is no such job or graph; raised only when that was really said."""

    problem_code = ProblemCode.NOT_FOUND


class BadUserInputError(UpstreamError):
    """An argument, id or cursor cannot be meant."""

    problem_code = ProblemCode.BAD_USER_INPUT


class UnauthenticatedError(UpstreamError):
    """There is no credential, or one that GES does not accept."""

    problem_code = ProblemCode.UNAUTHENTICATED


class ForbiddenError(UpstreamError):
    """GES knows the caller and refuses."""

    problem_code = ProblemCode.FORBIDDEN


class RateLimitedError(UpstreamError):
    """GES throttles; `retry_after_seconds` says for how long, when it does."""

    problem_code = ProblemCode.RATE_LIMITED
    retryable_by_default = True


class UpstreamTimeoutError(UpstreamError):
    """There was no complete answer within the time allowed."""

    problem_code = ProblemCode.TIMEOUT
    retryable_by_default = True


class PlaneUnavailableError(UpstreamError):
    """The plane could not be reached, is out of service or is not configured."""

    problem_code = ProblemCode.PLANE_UNAVAILABLE
    retryable_by_default = True


class GraphNotRunningError(UpstreamError):
    """The graph is stopped, frozen or being changed, so its service plane cannot be asked now."""

    problem_code = ProblemCode.GRAPH_NOT_RUNNING


class UpstreamFailedError(UpstreamError):
    """GES failed in a way that no other error names."""

    problem_code = ProblemCode.UPSTREAM_ERROR


class UpstreamMalformedError(UpstreamError):
    """GES answered with something that is no answer: not JSON, wrong types, too large."""

    problem_code = ProblemCode.UPSTREAM_MALFORMED


class ResultGoneError(UpstreamError):
    """The job is known but its rows are no longer kept upstream."""

    problem_code = ProblemCode.RESULT_GONE


class NotCancellableError(UpstreamError):
    """GES cannot stop this job (any more)."""

    problem_code = ProblemCode.NOT_CANCELLABLE


class RequestRefusedError(GatewayError):
    """The gateway refuses the request itself, before or without asking GES."""


class LimitExceededError(RequestRefusedError):
    """The operation asks for more than one operation may."""

    code = "LIMIT_EXCEEDED"

    def __init__(self, limit: str, maximum: int, asked: int) -> None:
        super().__init__(f"The operation exceeds the limit `{limit}`: at most {maximum}, asked {asked}.")
        self.limit = limit
        self.maximum = maximum
        self.asked = asked

    @property
    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "limit": self.limit, "maximum": self.maximum, "asked": self.asked}


class TooOftenError(LimitExceededError):
    """The caller does something more often than he may; a moment later he may again."""

    def __init__(self, limit: str, maximum: int, *, per_second: int, retry_after_seconds: int) -> None:
        super().__init__(limit, maximum, maximum + 1)
        self.message = f"The caller exceeds the limit `{limit}`: at most {maximum} at once, and {per_second} a second."
        self.retry_after_seconds = retry_after_seconds

    @property
    def extensions(self) -> dict[str, Any]:
        return {**super().extensions, "retryable": True, "retryAfterSeconds": self.retry_after_seconds}


class CallerBusyError(LimitExceededError):
    """The caller has as much under way as he may; when some of it has ended he may again."""

    def __init__(self, limit: str, maximum: int, asked: int, *, retry_after_seconds: int = 1) -> None:
        super().__init__(limit, maximum, asked)
        self.message = f"The caller exceeds the limit `{limit}`: at most {maximum} at once, asked {asked}."
        self.retry_after_seconds = retry_after_seconds

    @property
    def extensions(self) -> dict[str, Any]:
        return {**super().extensions, "retryable": True, "retryAfterSeconds": self.retry_after_seconds}


class PayloadTooLargeError(RequestRefusedError):
    """The request body is larger than the gateway reads."""

    code = "PAYLOAD_TOO_LARGE"


class DocumentNotFoundError(RequestRefusedError):
    """No document is known under this hash or id; a client that has its text sends both."""

    code = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self) -> None:
        # Clients compare this very text.
        super().__init__("PersistedQueryNotFound")


class DocumentsNotStoredError(RequestRefusedError):
    """Documents cannot be stored here, nor asked for by hash; clients send the text from then on."""

    code = "PERSISTED_QUERY_NOT_SUPPORTED"

    def __init__(self) -> None:
        # Clients compare this very text.
        super().__init__("PersistedQueryNotSupported")


class DocumentNotTrustedError(RequestRefusedError):
    """The document is none of those that are accepted here."""

    code = "DOCUMENT_NOT_TRUSTED"

    def __init__(self) -> None:
        super().__init__("Only documents that were agreed on before are accepted here, and this is none of them.")


class OverloadedError(RequestRefusedError):
    """The gateway has more work than it can finish."""

    code = "OVERLOADED"

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds

    @property
    def extensions(self) -> dict[str, Any]:
        return {**super().extensions, "retryable": True, "retryAfterSeconds": self.retry_after_seconds}


class JobNotEndedError(RequestRefusedError):
    """The whole result was asked of a job that can still change."""

    code = "JOB_NOT_ENDED"
