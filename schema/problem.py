"""Why a plane could not be asked, as GraphQL types: the code and the object that answers and errors share."""

from enum import Enum

import strawberry

from schema.plane import Plane


@strawberry.enum(description="What kind of trouble a plane, or the request towards it, met.")
class ProblemCode(Enum):
    NOT_FOUND = strawberry.enum_value("NOT_FOUND", description="Upstream said that there is no such job or graph.")
    BAD_USER_INPUT = strawberry.enum_value(
        "BAD_USER_INPUT", description="An argument, id or cursor that cannot be meant."
    )
    UNAUTHENTICATED = strawberry.enum_value(
        "UNAUTHENTICATED", description="No credential, or one that upstream does not accept."
    )
    FORBIDDEN = strawberry.enum_value("FORBIDDEN", description="Upstream knows the caller and refuses.")
    RATE_LIMITED = strawberry.enum_value("RATE_LIMITED", description="Upstream throttles; see `retryAfterSeconds`.")
    TIMEOUT = strawberry.enum_value("TIMEOUT", description="No answer within the time allowed.")
    PLANE_UNAVAILABLE = strawberry.enum_value(
        "PLANE_UNAVAILABLE", description="The plane could not be reached or is out of service."
    )
    GRAPH_NOT_RUNNING = strawberry.enum_value(
        "GRAPH_NOT_RUNNING",
        description="The graph is stopped, frozen or being changed, so its service plane cannot be asked.",
    )
    UPSTREAM_ERROR = strawberry.enum_value("UPSTREAM_ERROR", description="Upstream failed in another way.")
    UPSTREAM_MALFORMED = strawberry.enum_value(
        "UPSTREAM_MALFORMED", description="Upstream answered with something that is no answer."
    )
    RESULT_GONE = strawberry.enum_value(
        "RESULT_GONE", description="The job is known but its rows are no longer kept upstream."
    )
    NOT_CANCELLABLE = strawberry.enum_value("NOT_CANCELLABLE", description="GES cannot stop this job (any more).")


@strawberry.type(
    description="Why a plane could not be asked or did not answer well. `errors[].extensions` has the same shape."
)
class UpstreamProblem:
    code: ProblemCode = strawberry.field(description="The kind of trouble.")
    message: str = strawberry.field(description="For people; not meant to be parsed.")
    plane: Plane | None = strawberry.field(description="The plane that was asked, when there was one.")
    upstream_status: int | None = strawberry.field(description="HTTP status that GES answered with.")
    upstream_code: str | None = strawberry.field(description="GES or APIG code, e.g. `GES.8301`, `APIG.0301`.")
    retryable: bool = strawberry.field(description="Whether asking again unchanged may work.")
    retry_after_seconds: float | None = strawberry.field(description="How long upstream asks to wait, when it says.")
