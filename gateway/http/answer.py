"""Answers as bytes: results and errors in JSON, with the headers every answer has. Decides no status and no wording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from gateway.http.negotiation import JSON

# Rows in a result are msgspec.Raw, written through as they are; a number that is none becomes null.
_encoder = msgspec.json.Encoder()

STATUS_BY_CODE: Mapping[str, int] = {
    "BAD_USER_INPUT": 400,
    "GRAPHQL_PARSE_FAILED": 400,
    "GRAPHQL_VALIDATION_FAILED": 400,
    "LIMIT_EXCEEDED": 400,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "PAYLOAD_TOO_LARGE": 413,
    "RATE_LIMITED": 429,
    "PLANE_UNAVAILABLE": 503,
    "OVERLOADED": 503,
    "TIMEOUT": 504,
}


class RefusalError(Exception):
    """A request that HTTP rules turn away, whatever its document says."""

    def __init__(self, status: int, message: str, *, code: str = "BAD_USER_INPUT", **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers


def problem(message: str, request_id: str, **extensions: Any) -> dict[str, Any]:
    """Return one entry of `errors` that belongs to no field."""
    return {"message": message, "extensions": {**extensions, "requestId": request_id}}


def answer(
    status: int,
    content: Mapping[str, Any],
    *,
    media_type: str = JSON,
    cache_control: str = "no-store",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with JSON. Stored nowhere unless said otherwise."""
    return Response(
        _encoder.encode(content),
        status,
        headers={
            "Content-Type": f"{media_type}; charset=utf-8",
            "Cache-Control": cache_control,
            "Vary": "Accept",
            **(headers or {}),
        },
    )


def answer_errors(
    status: int,
    errors: Sequence[Mapping[str, Any]],
    *,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with errors and no data: execution did not begin."""
    return answer(status, {"errors": errors}, media_type=media_type, headers=headers)
