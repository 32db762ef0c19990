"""
What every request passes, outermost first: its name and headers of safety, CORS, last resort, bounds of head and body.

Pure ASGI classes; they know nothing of GraphQL but how an error is written.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.answer import answer_errors, problem
from gateway.http.problems import INTERNAL, INTERNAL_TEXT
from gateway.http.refusals import Refused, TurnAway, nobody_hears
from gateway.settings import Settings
from gateway.telemetry import Event, describe_exception, log
from schema.errors import PayloadTooLargeError

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_HEADER_NAME = re.compile(r"[a-z0-9-]{1,64}")
_MOST_HEADERS = 100
# IAM tokens alone may have 16 KiB.
_MOST_HEADER_BYTES = 64 * 1024
_MOST_URL_BYTES = 64_000

# Those that mean something for answers in JSON; pages bring more of them.
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # For what is no page: nothing in it may load or run. The GraphiQL page brings a policy of its own.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}

ALLOWED_METHODS = "GET, POST"
ALLOWED_HEADERS = ", ".join(
    (
        "Content-Type",
        "Authorization",
        "Cache-Control",
        "X-Auth-Token",
        "X-Project-Id",
        "X-Request-Id",
        "Traceparent",
        "Tracestate",
    )
)
# Clients of Apollo and of others like them invent more of these; they say who asks, and open nothing.
_ALLOWED_BEGINNINGS = ("apollo", "x-apollo")
EXPOSED_HEADERS = "X-Request-Id, Retry-After, ETag, Age, Content-Disposition, X-Total-Count"
_PREFLIGHT_SECONDS = "600"


def protection(settings: Settings, refused: Refused = nobody_hears) -> list[Middleware]:
    """Return all of it in its order, for the application."""
    return [
        Middleware(Signature),
        Middleware(CrossOrigin, allowed=settings.allowed_origins),
        Middleware(LastResort),
        Middleware(HeaderBounds, refused=refused),
        Middleware(BodyLimit, maximum=settings.max_request_bytes, refused=refused),
    ]


def protected(app: ASGIApp, settings: Settings, refused: Refused = nobody_hears) -> ASGIApp:
    """Return an application with all of it around, for one that stands by itself."""
    for layer in reversed(protection(settings, refused)):
        app = layer.cls(app, *layer.args, **layer.kwargs)
    return app


def name_request(scope: Scope) -> str:
    """Return the name of a request: the client's own when that is a plain word, else a new one."""
    given = _first(scope, b"x-request-id").decode("latin-1")
    # Not from the system: asking it takes longer than all else this does, and nobody gains by guessing a name.
    return given if _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"


def exceeds_headers(scope: Scope, maximum: int = _MOST_HEADER_BYTES, count: int = _MOST_HEADERS) -> bool:
    """Tell whether a request has too many headers, or too many bytes of them."""
    headers = scope["headers"]
    return len(headers) > count or sum(map(len, chain.from_iterable(headers))) > maximum


def exceeds_address(scope: Scope) -> bool:
    """Tell whether the address of a request is too long."""
    return len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _MOST_URL_BYTES


def declared_bytes(scope: Scope) -> int | None:
    """Return the length of the body as the client says it, None when it does not."""
    length = _first(scope, b"content-length")
    if not length.isdigit():
        return None
    # Longer numbers take long to read, and no body has such a length.
    return int(length) if len(length) <= 15 else sys.maxsize


def _first(scope: Scope, wanted: bytes) -> bytes:
    """Return the first header of a name, in lower case as ASGI has them; empty when there is none."""
    value: bytes
    for name, value in scope["headers"]:
        if name == wanted:
            return value
    return b""


class Signature:
    """
    Names each request, by the client's `X-Request-Id` when that is a plain word, and has each answer repeat the name.

    Answers also get the headers that keep browsers careful, where they do not say it better themselves.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        request_id = name_request(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        safe = _SAFE if scope["type"] == "http" else ()
        return await self._app(scope, receive, _adding(send, ((b"x-request-id", request_id.encode()), *safe)))


class CrossOrigin:
    """Lets pages of the allowed origins read answers and send what they need; without any, browsers keep them out."""

    def __init__(self, app: ASGIApp, allowed: Iterable[str] = ()) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._allowed:
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        permits = self._permits(origin)
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            asked = headers.get("access-control-request-headers", "")
            response = Response(status_code=204, headers={**permits, **(_preflight(asked) if len(permits) > 1 else {})})
            return await response(scope, receive, send)
        return await self._app(scope, receive, _adding(send, _raw(permits)))

    def _permits(self, origin: str) -> dict[str, str]:
        # Told also to other origins, so that no cache gives the answer of one to another.
        if "*" in self._allowed or origin.lower() in self._allowed:
            return {
                "Vary": "Origin",
                "Access-Control-Allow-Origin": "*" if "*" in self._allowed else origin,
                "Access-Control-Expose-Headers": EXPOSED_HEADERS,
            }
        return {"Vary": "Origin"}


def _preflight(asked: str) -> dict[str, str]:
    """Return what may be sent, told of some of the headers that are asked for by how they begin."""
    names = {name.strip().lower() for name in asked.split(",")}
    more = sorted(name for name in names if name.startswith(_ALLOWED_BEGINNINGS) and _HEADER_NAME.fullmatch(name))
    return {
        "Access-Control-Allow-Methods": ALLOWED_METHODS,
        "Access-Control-Allow-Headers": ", ".join((ALLOWED_HEADERS, *more)),
        "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
        "Vary": "Origin, Access-Control-Request-Headers",
    }


class LastResort:
    """Answers and logs what nobody foresaw. An answer that has begun can only be broken off, by the server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        has_begun = False

        async def watch(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            request_id = str(scope.get("state", {}).get("request_id", ""))
            log.error(Event.UNEXPECTED, request_id=request_id, count=1, **describe_exception(error))
            if has_begun:
                raise
            response = answer_errors(500, [problem(INTERNAL_TEXT, request_id, code=INTERNAL)])
            await response(scope, receive, send)


class HeaderBounds:
    """Refuses requests with more headers, or a longer address, than any client of ours has reason to send."""

    def __init__(
        self,
        app: ASGIApp,
        maximum: int = _MOST_HEADER_BYTES,
        count: int = _MOST_HEADERS,
        refused: Refused = nobody_hears,
    ) -> None:
        self._app = app
        self._maximum = maximum
        self._count = count
        self._away = TurnAway(refused)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and exceeds_headers(scope, self._maximum, self._count):
            self._away.note(403, "headers", scope)
            # Before it is accepted this is a plain 403.
            return await send({"type": "websocket.close", "code": 1008})
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if exceeds_headers(scope, self._maximum, self._count):
            error = PayloadTooLargeError(
                f"The request has more than {self._count} headers or {self._maximum} bytes of them."
            )
            return await self._away.answer(431, "headers", error, scope, receive, send)
        if exceeds_address(scope):
            text = f"The address is longer than {_MOST_URL_BYTES} bytes."
            return await self._away.answer(414, "address", PayloadTooLargeError(text), scope, receive, send)
        return await self._app(scope, receive, send)


class BodyLimit:
    """Refuses bodies beyond `maximum` bytes, before they are read when the client says their length."""

    def __init__(self, app: ASGIApp, maximum: int, refused: Refused = nobody_hears) -> None:
        self._app = app
        self._maximum = maximum
        self._away = TurnAway(refused)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if (declared_bytes(scope) or 0) > self._maximum:
            return await self._refuse(scope, receive, send)
        left = self._maximum

        async def count() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise _TooLargeError
            return message

        try:
            return await self._app(scope, count, send)
        except _TooLargeError:
            # Raised while reading, so no answer has begun.
            return await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = PayloadTooLargeError(f"The request body is longer than {self._maximum} bytes.")
        await self._away.answer(413, "body", error, scope, receive, send)


class _TooLargeError(Exception):
    """Carries the news from where the body is read to where it is answered; nobody between them may understand it."""


def _raw(headers: Mapping[str, str]) -> Sequence[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


_SAFE = _raw(SECURITY_HEADERS)


def _adding(send: Send, added: Sequence[tuple[bytes, bytes]]) -> Send:
    """Return a `send` that adds headers; one that is there already stays as it is, except that Vary grows."""

    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            _add(message, added)
        await send(message)

    return send_with


def _add(message: Message, added: Sequence[tuple[bytes, bytes]]) -> None:
    headers = message["headers"] = list(message.get("headers", ()))
    present = {name.lower() for name, _ in headers}
    for name, value in added:
        if name not in present:
            headers.append((name, value))
        elif name == b"vary":
            MutableHeaders(scope=message).add_vary_header(value.decode("latin-1"))
            headers = message["headers"]
