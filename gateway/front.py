"""
The door of the endpoint: gives finished answers again as bytes, and lets everything else pass.

Runs ahead of all that requests pass. What it gives again has passed that, for the same caller with the same headers,
so the only rules asked again are those that another request could break. Knows no GraphQL.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.answers import Answers, Finished, Key, Offer
from gateway.auth.passthrough import read_caller
from gateway.endpoint import log_operation
from gateway.middleware import declared_bytes, exceeds_address, exceeds_headers, name_request
from gateway.operations import wants_fresh
from gateway.runtime import Runtime
from gateway.telemetry import log
from schema.errors import GatewayError

# What answers depend on beside caller and body. An answer that says it varies by anything else is not kept.
DECIDING = frozenset({b"accept", b"content-type", b"content-encoding", b"origin", b"x-project-id"})
_REQUEST_ID = b"x-request-id"
# A head and a body; one message more shows that the answer came in pieces.
_WHOLE = 2


class Front:
    """Gives again what was answered to POSTs to the endpoint's path, as long as nothing in it can have changed."""

    def __init__(self, app: ASGIApp, *, path: str, runtime: Runtime, answers: Answers) -> None:
        self._app = app
        self._path = path
        self._runtime = runtime
        self._answers = answers
        # Bound once: to bind it for each line, as it does by itself, takes as long as writing one.
        self._log = log.bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            return await self._app(scope, receive, send)
        started = time.perf_counter()
        caller = self._read_caller(scope)
        if caller is None or not self._is_within_bounds(scope):
            return await self._app(scope, receive, send)
        first = await self._receive(receive)
        if first is None or first["type"] != "http.request" or first.get("more_body", False):
            return await self._app(scope, _again(first, receive), send)
        headers = tuple([header for header in scope["headers"] if header[0] in DECIDING])
        key = Key(caller, self._runtime.grants.epoch(caller), headers, first.get("body", b""))
        answer = self._find(key, scope)
        if answer is not None:
            request_id = name_request(scope)
            log_operation(self._log, request_id, answer.name, "query", started=started, cache_hits=1)
            return await _give(answer, request_id, send)
        recording = _Recording(send)
        await self._app(scope, _again(first, receive), recording.send)
        return self._keep(key, scope.get("state", {}).get("offer"), recording)

    def _read_caller(self, scope: Scope) -> str | None:
        """Return whose answers may be given; None for nobody's, and for credentials that are refused behind us."""
        try:
            caller = read_caller(scope["headers"], self._runtime.secret)
        except GatewayError:
            return None
        return caller.scope if caller else None

    def _is_within_bounds(self, scope: Scope) -> bool:
        """Return whether the request may be read; one that may not is refused behind us."""
        length = declared_bytes(scope)
        is_long = length is None or length > self._runtime.settings.max_request_bytes
        return not (is_long or exceeds_headers(scope) or exceeds_address(scope))

    async def _receive(self, receive: Receive) -> Message | None:
        """Return the first message, None when it does not come in time."""
        awaiting = receive().__await__()
        try:
            # Mostly the body came with the head. To find it there is a third of the cost of waiting with a time limit.
            next(awaiting)
        except StopIteration as received:
            message: Message = received.value
            return message
        awaiting.close()
        try:
            async with asyncio.timeout(self._runtime.settings.request_timeout_seconds):
                return await receive()
        except TimeoutError:
            return None

    def _find(self, key: Key, scope: Scope) -> Finished | None:
        answer = self._answers.get(key)
        if answer is None or wants_fresh(scope["headers"]):
            return None
        allow = self._runtime.grants.allow
        return answer if all(allow(key.caller, resource) for resource in answer.resources) else None

    def _keep(self, key: Key, offer: Offer | None, recording: _Recording) -> None:
        headers, content = recording.headers, recording.content
        if offer is None or content is None or not _vary(headers) <= DECIDING:
            return
        kept = tuple(header for header in headers if header[0] != _REQUEST_ID)
        answer = Finished(kept, content, tuple(offer.proofs.resources), offer.name)
        # A longer life gains nothing: by then the right must be proven anew.
        seconds = min(offer.proofs.seconds_left(self._runtime.clock.now()), self._runtime.settings.grant_seconds)
        self._answers.put(key, answer, seconds)


class _Recording:
    """Passes an answer on, and remembers it when it comes in one piece."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of the answer, as they went out."""
        return list(self._messages[0]["headers"]) if self._messages else []

    @property
    def content(self) -> bytes | None:
        """The body of a good answer, None when there is none or it came in pieces."""
        if len(self._messages) != _WHOLE or self._messages[0]["status"] != 200:
            return None
        body: bytes = self._messages[1].get("body", b"")
        return None if self._messages[1].get("more_body", False) else body

    async def send(self, message: Message) -> None:
        """Pass one message on."""
        await self._send(message)
        if len(self._messages) <= _WHOLE:
            self._messages.append(message)


def _vary(headers: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    values = b",".join(value for name, value in headers if name == b"vary")
    return {name.strip().lower() for name in values.split(b",")} - {b""}


def _again(first: Message | None, receive: Receive) -> Receive:
    """Return a `receive` that begins with a message already taken; with None it says that its time was over."""
    taken = [first]

    async def receive_again() -> Message:
        if not taken:
            return await receive()
        message = taken.pop()
        if message is None:
            raise TimeoutError
        return message

    return receive_again


async def _give(answer: Finished, request_id: str, send: Send) -> None:
    headers = [*answer.headers, (_REQUEST_ID, request_id.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})
