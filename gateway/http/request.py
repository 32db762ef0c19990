"""What a client asked over HTTP, checked for shape. Anything malformed is refused here, so nothing behind sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from gateway.http.answer import RefusalError
from gateway.http.negotiation import JSON

METHODS = ("GET", "POST")


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The parameters of one operation; without `query` its document is named by `document_id` or by `persisted`."""

    query: str | None
    operation_name: str | None
    variables: dict[str, Any] | None
    extensions: dict[str, Any] | None
    document_id: str | None = None

    @property
    def persisted(self) -> Mapping[str, Any] | None:
        """What names the document by its hash; what is no object is one that says nothing."""
        persisted = (self.extensions or {}).get("persistedQuery")
        return None if persisted is None else persisted if isinstance(persisted, dict) else {}


async def read_request(request: Request, seconds: float | None = None) -> GraphQLRequest:
    """Return the parameters of a GET or POST. Raises RefusalError, TimeoutError when a body does not come in time."""
    if request.method == "GET":
        return _checked(request.query_params, from_url=True)
    _check_headers(request.headers)
    parameters = _parse_json(await _body(request.receive, seconds), "The request body")
    if isinstance(parameters, list):
        raise RefusalError(400, "Batches are not accepted: send one operation a request.")
    if not isinstance(parameters, dict):
        raise RefusalError(400, "The request body must be a JSON object.")
    return read_parameters(parameters)


def arrived(receive: Receive) -> Message | None:
    """Take the next message if it is there, as the first mostly is: then nobody has to wait under a time limit."""
    awaiting = receive().__await__()
    try:
        next(awaiting)
    except StopIteration as received:
        message: Message = received.value
        return message
    # As if whoever waited had been cancelled: the message is still to come.
    awaiting.close()
    return None


async def _body(receive: Receive, seconds: float | None) -> bytes:
    """Return the body, whole. Raises ClientDisconnect."""
    first = arrived(receive)
    if first and first["type"] == "http.request" and not first.get("more_body", False):
        return bytes(first.get("body", b""))
    pieces = []
    async with asyncio.timeout(seconds):
        message = first or await receive()
        while message["type"] == "http.request":
            pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                return b"".join(pieces)
            message = await receive()
    raise ClientDisconnect


def read_parameters(parameters: Mapping[str, Any]) -> GraphQLRequest:
    """Return the parameters in a JSON object. Raises RefusalError."""
    return _checked(parameters, from_url=False)


def _check_headers(headers: Headers) -> None:
    # Nothing that a page of another origin can send without asking first: no forms, no text/plain.
    media_type, *parameters = (part.strip().lower() for part in headers.get("content-type", "").split(";"))
    charset = next((part[8:].strip('" ') for part in parameters if part.startswith("charset=")), "utf-8")
    if media_type != JSON or charset not in ("utf-8", "utf8"):
        raise RefusalError(415, "Content-Type must be application/json, in UTF-8.", Accept=JSON)
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise RefusalError(415, "Compressed request bodies are not accepted.", **{"Accept-Encoding": "identity"})


# Parameter → its type, and what to call that, in the order of `GraphQLRequest`. What is empty counts as absent.
_SHAPES: Mapping[str, tuple[type, str]] = {
    "query": (str, "a string"),
    "operationName": (str, "a string"),
    "variables": (dict, "an object"),
    "extensions": (dict, "an object"),
    "documentId": (str, "a string"),
}


def _checked(parameters: Mapping[str, Any], *, from_url: bool) -> GraphQLRequest:
    values: dict[str, Any] = {}
    for name, (shape, wording) in _SHAPES.items():
        value = parameters.get(name)
        if value is None or value == "":
            values[name] = None
            continue
        if from_url and shape is dict:
            value = _parse_json(value.encode(), f"The parameter `{name}`")
        if value is not None and not isinstance(value, shape):
            raise RefusalError(400, f"The parameter `{name}` must be {wording}.")
        values[name] = value
    asked = GraphQLRequest(*values.values())
    if asked.query or asked.document_id or asked.persisted is not None:
        return asked
    # Relay's name for it, which others use for anything they like.
    id = parameters.get("id")
    if not (isinstance(id, str) and id):
        raise RefusalError(400, "The parameter `query` is missing.")
    return replace(asked, document_id=id)


def _parse_json(text: bytes, what: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        # Broken syntax and UTF-8, nesting and numbers beyond all measure. The text is not repeated.
        raise RefusalError(400, f"{what} is not valid JSON.") from None
