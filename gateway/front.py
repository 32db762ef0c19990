"""
The door of the endpoint: gives finished answers again as bytes, and lets everything else pass.

Runs ahead of all that requests pass. What it gives again has passed that, for the same caller with the same headers,
so the only rules asked again are those that another request could break. Knows no GraphQL.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.answers import Answers, Finished, Headers, Key, Offer, age_text
from gateway.compression import normal
from gateway.http.request import arrived
from gateway.http.telling import count_operation, log_operation
from gateway.metrics import LOOKUPS
from gateway.middleware import declared_bytes, exceeds_headers, name_request
from gateway.operations import CALLER, wants_fresh
from gateway.ready import lines_of
from gateway.runtime import Runtime
from gateway.telemetry import log
from schema.errors import GatewayError

# What answers depend on beside caller and body. An answer that says it varies by anything else is not kept.
DECIDING = frozenset(
    {
        *(b"accept", b"accept-encoding", b"cache-control", b"content-type", b"content-encoding", b"origin"),
        b"x-project-id",
    }
)
_REQUEST_ID, _AGE, _ENCODINGS = b"x-request-id", b"age", b"accept-encoding"
# Where the state of a request has the key under which nothing was found.
_MISSED = "missed"
# The messages of a request so far. In place of one that did not come in time stands None.
Taken = Sequence[Message | None]
# A body that comes in more pieces than this is not looked up.
_PIECES = 16
# A head and a body; one message more shows that the answer came in pieces.
_WHOLE = 2


class Front:
    """
    Gives again what was answered to POSTs to the endpoint's path, as long as nothing in it can have changed.

    Other POSTs go on to the `endpoint` and all else to the `app`, which has the endpoint among its routes.
    """

    def __init__(self, app: ASGIApp, endpoint: ASGIApp, *, path: str, runtime: Runtime, answers: Answers) -> None:
        self._app = app
        self._endpoint = endpoint
        self._path = path
        self._runtime = runtime
        self._answers = answers
        # Bound once: to bind it for each line, as it does by itself, takes as long as writing one.
        self._log = log.bind()
        self._untold: list[tuple[str, str | None, float]] = []

    def find(self, scope: Scope, body: bytes) -> tuple[bytes, bytes] | None:
        """
        Return the answer to a POST that came whole: its headers as lines, its content; None when there is none.

        For servers that can ask before they make a request of it. Of `scope` the headers and the state are used.
        """
        started = time.perf_counter()
        caller = self._read_caller(scope)
        key = None if caller is None else self._key(caller, scope, body)
        answer = key and self._look_up(key)
        if answer is None:
            scope["state"][_MISSED] = key
            return None
        return answer.lines + lines_of(self._own_headers(answer, scope, started)), answer.content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            return await self._app(scope, receive, send)
        state = scope.get("state", {})
        if _MISSED in state:
            return await self._pass(state[_MISSED], scope, receive, send)
        started = time.perf_counter()
        caller = self._read_caller(scope)
        if caller is None or scope["query_string"]:
            return await self._endpoint(scope, receive, send)
        first = arrived(receive)
        taken: Taken = [first] if first else []
        body = _body_of(taken)
        if body is None:
            taken = await self._take(taken, scope, receive)
            body = _body_of(taken)
        key = None if body is None else self._key(caller, scope, body)
        answer = key and self._look_up(key)
        if answer is None:
            return await self._pass(key, scope, _again(taken, receive), send)
        headers = [*answer.headers, *self._own_headers(answer, scope, started)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        return await send({"type": "http.response.body", "body": answer.content})

    async def _pass(self, key: Key | None, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the endpoint answer, and keep the answer where that can serve another request."""
        if key is None:
            return await self._endpoint(scope, receive, send)
        self._runtime.metrics.count(LOOKUPS, "answers", "miss")
        recording = _Recording(send)
        await self._endpoint(scope, receive, recording.send)
        return self._keep(key, scope.get("state", {}).get("offer"), recording)

    def _own_headers(self, answer: Finished, scope: Scope, started: float) -> Headers:
        """Return the headers that differ each time an answer is given; tell that it was."""
        request_id = name_request(scope)
        self._tell_later(request_id, answer.name, started)
        if answer.fetched_at is None:
            return ((_REQUEST_ID, request_id.encode()),)
        age = age_text(answer.fetched_at, self._runtime.clock.now())
        return (_REQUEST_ID, request_id.encode()), (_AGE, age.encode())

    def _key(self, caller: str, scope: Scope, body: bytes) -> Key:
        return Key(caller, self._runtime.grants.epoch(caller), _deciding(scope["headers"]), body)

    def _read_caller(self, scope: Scope) -> str | None:
        """
        Return whose answers may be given; None for nobody's, and for heads that are refused behind us.

        Who it is stays with the request, so that nobody behind us has to find it out again.
        """
        if exceeds_headers(scope):
            return None
        try:
            caller = self._runtime.mode.callers.known(scope["headers"])
        except GatewayError:
            return None
        if caller is None:
            return None
        scope.setdefault("state", {})[CALLER] = caller
        return caller.scope

    async def _take(self, taken: Taken, scope: Scope, receive: Receive) -> Taken:
        """Take the rest of a body, as far as it may be read and comes in time."""
        most = self._runtime.settings.max_request_bytes
        if (declared_bytes(scope) or 0) > most:
            # Refused behind us, at once.
            return taken
        messages = [*taken]
        try:
            async with asyncio.timeout(self._runtime.settings.request_timeout_seconds):
                while not messages or (_goes_on(messages) and len(messages) < _PIECES and _length(messages) <= most):
                    messages.append(await receive())
        except TimeoutError:
            messages.append(None)
        return messages

    def _look_up(self, key: Key) -> Finished | None:
        answer = self._answers.get(key)
        if answer is None:
            return None
        for resource in answer.resources:
            if not self._runtime.grants.allow(key.caller, resource):
                return None
        return answer

    def _keep(self, key: Key, offer: Offer | None, recording: _Recording) -> None:
        headers, content = recording.headers, recording.content
        if offer is None or content is None or not (_varies_as_known(headers) and _tells_length(headers, content)):
            return
        if wants_fresh(key.headers):
            # Never looked up itself; it replaces what others would get who do not mind.
            key = key._replace(headers=_without(key.headers, b"cache-control"))
        resources = tuple(offer.proofs.resources)
        kept = _without(headers, _REQUEST_ID, _AGE)
        answer = Finished(kept, lines_of(kept), content, resources, offer.name, offer.proofs.oldest)
        # A longer life gains nothing: by then the right must be proven anew.
        seconds = min(offer.proofs.seconds_left(self._runtime.clock.now()), self._runtime.settings.grant_seconds)
        self._answers.put(key, answer, seconds)

    def _tell_later(self, request_id: str, name: str | None, started: float) -> None:
        """Write the line of an operation when all answers of this turn of the loop are out, together with theirs."""
        if not self._untold:
            asyncio.get_running_loop().call_soon(self._tell)
        self._untold.append((request_id, name, time.perf_counter() - started))

    def _tell(self) -> None:
        # First, so that what fails here fails once.
        untold, self._untold = self._untold, []
        metrics = self._runtime.metrics
        metrics.count(LOOKUPS, "answers", "hit", by=len(untold))
        for request_id, name, seconds in untold:
            count_operation(metrics, "query", seconds=seconds)
            log_operation(self._log, request_id, name, "query", seconds=seconds, cache_hits=1)


class _Recording:
    """Passes an answer on, and remembers it when it comes in one piece."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []

    @property
    def headers(self) -> Headers:
        """The headers of the answer, as they went out."""
        return tuple(self._messages[0]["headers"]) if self._messages else ()

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


def _deciding(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return what answers depend on; of encodings, which clients list at length, only what comes of them."""
    return tuple(
        [(name, normal(value) if name == _ENCODINGS else value) for name, value in headers if name in DECIDING]
    )


def _length(taken: Taken) -> int:
    return sum(len(message.get("body", b"")) for message in taken if message)


def _goes_on(taken: Taken) -> bool:
    last = taken[-1]
    return last is not None and bool(last.get("more_body", False))


def _body_of(taken: Taken) -> bytes | None:
    """Return the body that these messages bring, None when they do not bring it whole."""
    if not taken or _goes_on(taken):
        return None
    pieces = [message.get("body", b"") for message in taken if message and message["type"] == "http.request"]
    return b"".join(pieces) if len(pieces) == len(taken) else None


def _again(taken: Taken, receive: Receive) -> Receive:
    """Return a `receive` that begins with the messages already taken."""
    left = list(reversed(taken))

    async def receive_again() -> Message:
        if not left:
            return await receive()
        message = left.pop()
        if message is None:
            raise TimeoutError
        return message

    return receive_again


def _varies_as_known(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return all(_are_deciding(value) for name, value in headers if name == b"vary")


@lru_cache(maxsize=64)
def _are_deciding(names: bytes) -> bool:
    return {name.strip().lower() for name in names.split(b",")} - {b""} <= DECIDING


def _tells_length(headers: Headers, content: bytes) -> bool:
    """Tell whether an answer says where it ends. Another may only be framed by the server that was given it."""
    return (b"content-length", b"%d" % len(content)) in headers


def _without(headers: Headers, *left_out: bytes) -> Headers:
    return tuple([header for header in headers if header[0] not in left_out])
