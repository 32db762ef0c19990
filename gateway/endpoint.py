"""
GraphQL over HTTP: one request in, one operation run, one answer out; the page for browsers instead, when there is one.

Knows neither planes nor credentials: whoever builds it says how the context of an operation is opened.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    OperationDefinitionNode,
    OperationType,
)
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.answers import Offer, age_text
from gateway.http.answer import STATUS_BY_CODE, RefusalError, answer_result
from gateway.http.checking import Checked, Checks, tells_of_the_moment
from gateway.http.events import FRAMINGS, EventStream, Framing
from gateway.http.exchange import Exchange, Opened
from gateway.http.negotiation import GRAPHQL_JSON, HTML, JSON, negotiate, negotiate_stream
from gateway.http.operation import Executor, Operation
from gateway.http.problems import let_go, present
from gateway.http.refusals import reasons_in
from gateway.http.request import METHODS, GraphQLRequest, read_request
from gateway.http.stream import Streams, StreamSeats
from gateway.http.telling import CLIENT_GONE, CUT_OFF, count_operation, log_operation
from gateway.http.validators import validate
from gateway.metrics import Metrics
from gateway.seats import Seat
from gateway.telemetry import Event, describe_exception, log
from schema.context import Context
from schema.errors import CallerBusyError, GatewayError, UnauthenticatedError, UpstreamError

_CHALLENGE = 'Bearer realm="ges"'
_KEPT_BY_CLIENT = "private, no-cache"
_LONGEST_NAME = 64
_STREAM_WANTED = (
    "A subscription is a stream: Accept must name text/event-stream, or multipart/mixed with subscriptionSpec=1.0; "
    "or use a WebSocket."
)


OpenContext = Callable[[HTTPConnection, str], Awaitable[Opened]]


class Endpoint:
    """
    The ASGI application of the endpoint.

    `open_context` may raise GatewayError, which refuses the request. A client that goes away ends its operation.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        open_context: OpenContext,
        checks: Checks,
        introspection: bool = True,
        request_timeout_seconds: float = 10.0,
        waiting_seconds: float = 55.0,
        page: Callable[[], Response] | None = None,
        metrics: Metrics | None = None,
        seats: StreamSeats | None = None,
        ending: asyncio.Event | None = None,
        heartbeat_seconds: float = 12.0,
        challenge: str = _CHALLENGE,
    ) -> None:
        self._checks = checks
        self._executor = Executor(schema, hide_suggestions=not introspection)
        # A net below the deadlines of the reads: the longest that `waitSeconds` may add, and a little for the answer.
        self._longest_seconds = request_timeout_seconds + waiting_seconds
        self._seats = seats or StreamSeats()
        self.streams = Streams(self._executor, self._seats, seconds=self._longest_seconds)
        # Set when the process ends: streams are completed then.
        self.ending = ending or asyncio.Event()
        self._heartbeat_seconds = heartbeat_seconds
        self._open_context = open_context
        self._read_seconds = request_timeout_seconds
        self._page = page
        self._challenge = challenge
        self._metrics = metrics or Metrics()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request. Nothing is sent to a client that went away."""
        request = Request(scope, receive)
        exchange = Exchange(request, request.state.request_id)
        started = time.perf_counter()
        try:
            response = await self._respond(exchange)
            # Large rows are still on their way while they are sent, so the operation lasts until they are.
            await response(scope, receive, send)
        except ClientDisconnect:
            self._tell(exchange, CLIENT_GONE, started)
            return
        except UpstreamError as error:
            # Rows stopped coming after the head was sent: the answer stays unfinished, and the server cuts it off.
            exchange.codes.add(error.extensions["code"])
            self._tell(exchange, CUT_OFF, started)
            return
        finally:
            await exchange.close()
        if exchange.media_type != HTML:
            self._tell(exchange, response.status_code, started)

    def _tell(self, exchange: Exchange, status: int, started: float) -> None:
        seconds = time.perf_counter() - started
        kind = exchange.operation.operation.value if exchange.operation else None
        opened = exchange.stream or exchange.opened
        count_operation(
            self._metrics, kind, seconds=seconds, status=status, codes=exchange.codes, reasons=exchange.reasons
        )
        log_operation(
            log,
            exchange.request_id,
            exchange.name,
            kind,
            seconds=seconds,
            upstream_calls=opened.upstream_calls if opened else 0,
            cache_hits=opened.cache_hits if opened else 0,
            status=status,
            codes=sorted(exchange.codes),
        )

    async def _respond(self, exchange: Exchange) -> Response:
        try:
            self._negotiate(exchange)
            if exchange.media_type == HTML and self._page is not None:
                return self._page()
            parameters = await self._read(exchange.request)
            exchange.opened = await self._open_context(exchange.request, exchange.request_id)
            return await self._answer(exchange, exchange.opened, parameters)
        except RefusalError as error:
            if error.status < 500:
                exchange.reasons.add("slow_body" if error.status == 408 else "request")
            entry = {"message": error.message, "extensions": {"code": error.code}}
            return exchange.refuse(error.status, entry, **error.headers)
        except GatewayError as error:
            entry = {"message": error.message, "extensions": error.extensions}
            headers = {"WWW-Authenticate": self._challenge} if isinstance(error, UnauthenticatedError) else {}
            if seconds := error.extensions.get("retryAfterSeconds"):
                headers["Retry-After"] = str(math.ceil(seconds))
            # What a caller has too much of now he may have again later.
            status = 429 if isinstance(error, CallerBusyError) else STATUS_BY_CODE.get(error.extensions["code"], 500)
            return exchange.refuse(status, entry, **headers)

    def _negotiate(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.method not in METHODS:
            raise RefusalError(405, "GraphQL is asked by GET or POST.", Allow=", ".join(METHODS))
        has_page = self._page is not None and request.method == "GET"
        offered = (GRAPHQL_JSON, JSON, HTML) if has_page else (GRAPHQL_JSON, JSON)
        accept = ", ".join(request.headers.getlist("accept"))
        media_type, stream = negotiate(accept, offered), negotiate_stream(accept)
        if media_type is None and stream is None:
            raise RefusalError(406, f"Accept must allow one of: {', '.join(offered)}.")
        exchange.media_type = media_type or JSON
        exchange.framing = FRAMINGS[stream] if stream else None
        exchange.takes_streams_only = media_type is None

    async def _read(self, request: Request) -> GraphQLRequest:
        try:
            return await read_request(request, self._read_seconds)
        except TimeoutError:
            raise RefusalError(408, "The request body did not arrive in time.", code="TIMEOUT") from None

    async def _answer(self, exchange: Exchange, opened: Opened, parameters: GraphQLRequest) -> Response:
        checked = await self._checks.check(parameters, opened.caller)
        exchange.operation = checked.node
        _check_method(checked, exchange)
        if checked.operation is None or checked.node is None:
            return exchange.refuse_document(*checked.refusals)
        if exchange.framing is not None and (checked.is_subscription or exchange.takes_streams_only):
            return self._stream(exchange, exchange.framing, checked.node.operation, checked.operation, opened)
        self._count(exchange, opened.caller, checked.operation.rows)
        try:
            receive, seconds = exchange.request.receive, self._longest_seconds
            result = await self._executor.run(checked.operation, opened.context, receive, seconds)
        except TimeoutError:
            raise RefusalError(504, "The operation took too long.", code="TIMEOUT") from None
        if not (result.errors or opened.context.problems):
            _offer(exchange, checked.node, opened, checked.operation.tree)
        response = await _answer_result(exchange, opened.context, result)
        if opened.proofs.is_kept and opened.proofs.oldest is not None:
            response.headers["Age"] = age_text(opened.proofs.oldest, opened.context.now)
        if response.headers["Cache-Control"] == _KEPT_BY_CLIENT:
            # Whether he still may see it was found out just now.
            return await validate(response, exchange.request.headers.get("if-none-match"))
        return response

    def _count(self, exchange: Exchange, caller: str | None, rows: int) -> None:
        """Let it count for its caller. Raises GatewayError when that is too much."""
        turn: Seat | None = getattr(exchange.request.state, "turn", None)
        if turn is not None:
            turn.claim(caller)
        if rows:
            exchange.rows = self._seats.rows.reserve(caller, rows)

    def _stream(
        self, exchange: Exchange, framing: Framing, kind: OperationType, operation: Operation, opened: Opened
    ) -> Response:
        request, request_id = exchange.request, exchange.request_id
        exchange.stream = self.streams.start(
            operation, kind, opened=opened, reopen=lambda: self._open_context(request, request_id)
        )
        results = exchange.stream.results()
        return EventStream(framing, results, heartbeat_seconds=self._heartbeat_seconds, ending=self.ending)


def _check_method(checked: Checked, exchange: Exchange) -> None:
    if checked.is_subscription and exchange.framing is None:
        raise RefusalError(406, _STREAM_WANTED)
    is_mutation = checked.node is not None and checked.node.operation is OperationType.MUTATION
    if is_mutation and exchange.request.method == "GET":
        raise RefusalError(405, "Mutations are sent by POST.", Allow="POST")


async def _answer_result(exchange: Exchange, context: Context, result: ExecutionResult) -> Response:
    errors = [*(result.errors or ()), *context.problems]
    entries, defects = present(errors, exchange.request_id)
    if defects:
        log.error(
            Event.UNEXPECTED, request_id=exchange.request_id, count=len(defects), **describe_exception(defects[0])
        )
    let_go(errors)
    if result.data is None and all(error.path is None for error in errors):
        return exchange.refuse_document(*entries)
    exchange.codes |= {entry["extensions"]["code"] for entry in entries}
    exchange.reasons |= reasons_in(entries)
    content = {"data": result.data, "errors": entries} if entries else {"data": result.data}
    # A credential opened what is in it: only the client that asked may keep it, and not without asking again.
    kept = _KEPT_BY_CLIENT if exchange.request.method == "GET" and not entries else "no-store"
    return await answer_result(content, media_type=exchange.media_type, cache_control=kept)


def _offer(exchange: Exchange, operation: OperationDefinitionNode, opened: Opened, tree: DocumentNode) -> None:
    """Tell whoever keeps answers, in front of this endpoint, what a good one rests on."""
    if operation.operation is OperationType.QUERY and not tells_of_the_moment(tree):
        exchange.request.state.offer = Offer(opened.proofs, exchange.name)
