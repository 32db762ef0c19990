"""The messages of graphql-transport-ws: their shapes, the codes a socket is closed with, credentials in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import HTTPConnection

from gateway.http.answer import RefusalError
from gateway.http.request import GraphQLRequest, read_parameters

PROTOCOL = "graphql-transport-ws"
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, WRONG_PROTOCOL, LATE = 4400, 4401, 4403, 4406, 4408
ALREADY_THERE, TOO_MANY_INITS = 4409, 4429
# The codes of WebSockets themselves for "service restart" and "try again later".
ENDING, TRY_LATER = 1012, 1013
_KNOWN = frozenset({"connection_init", "ping", "pong", "subscribe", "complete"})
_WITH_ID = frozenset({"subscribe", "complete"})
# A browser cannot set headers of a socket, so these may come in the payload of `connection_init`.
_FROM_PAYLOAD = frozenset(
    {b"x-auth-token", b"authorization", b"x-project-id", b"cache-control", b"traceparent", b"tracestate"}
)
_LONGEST_VALUE = 16 * 1024


class CloseError(Exception):
    """The socket has to be closed, with a code and a reason that fits into 123 bytes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def read_message(text: str | bytes) -> Mapping[str, Any]:
    """Return a message whose shape is known; of a `subscribe` the payload is a request. Raises CloseError."""
    try:
        message = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        # Broken syntax and UTF-8, nesting and numbers beyond all measure.
        raise CloseError(BAD_REQUEST, "A message must be JSON") from None
    if not isinstance(message, dict) or not isinstance(kind := message.get("type"), str) or kind not in _KNOWN:
        raise CloseError(BAD_REQUEST, "A message must be an object of a known type")
    if kind in _WITH_ID and not (isinstance(message.get("id"), str) and message["id"]):
        raise CloseError(BAD_REQUEST, "A message of this type needs an id")
    payload = message.get("payload")
    if kind == "subscribe":
        message["payload"] = _request(payload)
    elif kind != "complete" and not isinstance(payload, dict | None):
        raise CloseError(BAD_REQUEST, "A payload must be an object")
    return message


def _request(payload: object) -> GraphQLRequest:
    if not isinstance(payload, dict):
        raise CloseError(BAD_REQUEST, "A payload must be an object")
    try:
        return read_parameters(payload)
    except RefusalError as error:
        raise CloseError(BAD_REQUEST, error.message.encode()[:120].decode("utf-8", "ignore")) from None


def with_credentials(socket: HTTPConnection, payload: Mapping[str, Any] | None) -> HTTPConnection:
    """
    Return a connection with the headers of the socket and those in the payload, whose names may be in any case.

    What the payload names replaces the socket's own header. Raises CloseError for what is no header.
    """
    given: dict[bytes, bytes] = {}
    for name, value in (payload or {}).items():
        encoded = name.lower().encode("latin-1", "ignore")
        if encoded not in _FROM_PAYLOAD or value in (None, ""):
            continue
        if not isinstance(value, str) or len(value) > _LONGEST_VALUE or not value.isascii() or not value.isprintable():
            raise CloseError(BAD_REQUEST, "A credential must be printable text")
        if encoded in given:
            raise CloseError(BAD_REQUEST, "A credential is given twice")
        given[encoded] = value.encode()
    kept = [header for header in socket.scope["headers"] if header[0] not in given]
    return HTTPConnection({**socket.scope, "type": "http", "headers": [*kept, *given.items()]})
