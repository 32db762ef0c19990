"""How GES says yes and no: JSON bodies, the error forms of each plane, and strict reading of queries. Knows no jobs."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

_JSON = "application/json"
_CHUNK_BYTES = 256 * 1024
# A number longer than this is no offset into anything; int() would also refuse to read thousands of digits.
_NUMBER_DIGITS = 18

API_NOT_FOUND = "The API does not exist or has not been published in the environment."
_REQUEST_ID = "7c1a2b3c5d6e7f8091a2b3c4d5e6f70b"


class RefusalError(Exception):
    """GES says no: raised where that is known, turned into the reply at the edge."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


Refuse = Callable[[str], RefusalError]


def gateway_refusal(status: int, code: str, message: str) -> RefusalError:
    """Refuse as the API gateway in front of the management plane does."""
    return RefusalError(status, {"error_code": code, "error_msg": message, "request_id": _REQUEST_ID})


def management_refusal(code: str, message: str) -> RefusalError:
    """Refuse as the management plane does."""
    return RefusalError(400, {"error_code": code, "error_msg": message})


def service_refusal(code: str, message: str, *, is_database: bool = False) -> RefusalError:
    """Refuse as the service plane of that edition does."""
    result = {"result": "failed"} if is_database else {}
    return RefusalError(400, {"errorMessage": message, "errorCode": code, **result})


def json_reply(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Reply with a JSON body."""
    return Response(msgspec.json.encode(body), status, headers, media_type=_JSON)


def bytes_reply(body: bytes, status: int = 200) -> Response:
    """Reply with a JSON body written already; a large one leaves in pieces, its length announced."""
    if len(body) <= _CHUNK_BYTES:
        return Response(body, status, media_type=_JSON)
    headers = {"content-length": str(len(body))}
    return StreamingResponse(_pieces(body), status, headers, media_type=_JSON)


def strict_query(request: Request, allowed: Collection[str], refuse: Refuse) -> dict[str, str]:
    """Take the query as names and values; an unknown or repeated name is a mistake of the caller's."""
    pairs = request.query_params.multi_items()
    for name, _ in pairs:
        if name not in allowed:
            raise refuse(f"unknown parameter {name}")
    query = dict(pairs)
    if len(query) != len(pairs):
        raise refuse("repeated parameter")
    return query


def number(query: Mapping[str, str], name: str, default: int, refuse: Refuse, *, least: int, most: int) -> int:
    """Take a whole number from the query, within these bounds."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS):
        raise refuse(f"{name} is not a number")
    value = int(text)
    if not least <= value <= most:
        raise refuse(f"{name} is out of range")
    return value


async def _pieces(body: bytes) -> AsyncIterator[memoryview]:
    view = memoryview(body)
    for start in range(0, len(body), _CHUNK_BYTES):
        yield view[start : start + _CHUNK_BYTES]
