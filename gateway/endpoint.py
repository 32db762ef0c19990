"""
GraphQL over HTTP: one request in, one operation run, one answer out; the page for browsers instead, when there is one.

Knows neither planes nor credentials: whoever builds it says how the context of an operation is opened.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_operation_ast,
)
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.answers import Offer, Proofs, age_text
from gateway.documents import Documents
from gateway.http.answer import STATUS_BY_CODE, RefusalError, answer_errors, answer_result
from gateway.http.negotiation import GRAPHQL_JSON, HTML, JSON, negotiate
from gateway.http.operation import Executor, Operation
from gateway.http.problems import present
from gateway.http.request import METHODS, GraphQLRequest, read_request
from gateway.http.telling import CLIENT_GONE, CUT_OFF, count_operation, log_operation
from gateway.metrics import Metrics
from gateway.telemetry import Event, describe_exception, log
from schema.context import Context
from schema.errors import GatewayError, LimitExceededError, UnauthenticatedError, UpstreamError
from schema.limits import Limits, check_operation

_NO_OPERATION = "`operationName` must name an operation of the document; only a single one needs no name."
_CHALLENGE = 'Bearer realm="ges"'
_LONGEST_NAME = 64
# Fields that tell of the reading itself, or of this moment: another value for the next client to ask the same.
_PASSING = frozenset({"source", "gateway"})


class Opened(Protocol):
    """What one operation runs with, opened for it and closed after it."""

    @property
    def context(self) -> Context:
        """What resolvers get."""

    @property
    def upstream_calls(self) -> int:
        """How many calls to GES it caused so far."""

    @property
    def cache_hits(self) -> int:
        """How many reads it was spared so far."""

    @property
    def proofs(self) -> Proofs:
        """What its answer rests on so far."""

    async def close(self) -> None:
        """End what is still under way for this operation."""


OpenContext = Callable[[Request, str], Opened]


@dataclass(slots=True)
class _Exchange:
    """One request while it is being answered, and what its line in the log will say."""

    request: Request
    request_id: str
    media_type: str = JSON
    operation: OperationDefinitionNode | None = None
    opened: Opened | None = None
    codes: set[str] = field(default_factory=set)

    @property
    def name(self) -> str | None:
        """What the client calls its operation, as far as a line of the log goes."""
        return self.operation.name.value[:_LONGEST_NAME] if self.operation and self.operation.name else None

    def refuse(self, status: int, *entries: Mapping[str, Any], **headers: str) -> Response:
        """Answer that execution did not begin."""
        self.codes |= {entry["extensions"]["code"] for entry in entries}
        named = [{**entry, "extensions": {**entry["extensions"], "requestId": self.request_id}} for entry in entries]
        return answer_errors(status, named, media_type=self.media_type, headers=headers)

    def refuse_document(self, *entries: Mapping[str, Any]) -> Response:
        """Answer that this document is not executed. With plain JSON, clients understand that from a 200 only."""
        return self.refuse(400 if self.media_type == GRAPHQL_JSON else 200, *entries)


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
        limits: Limits | None = None,
        introspection: bool = True,
        request_timeout_seconds: float = 10.0,
        waiting_seconds: float = 55.0,
        page: Callable[[], Response] | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._documents = Documents(schema._schema, self._limits, introspection=introspection)
        self._executor = Executor(schema, hide_suggestions=not introspection)
        self._open_context = open_context
        self._read_seconds = request_timeout_seconds
        # A net below the deadlines of the reads: the longest that `waitSeconds` may add, and a little for the answer.
        self._longest_seconds = request_timeout_seconds + waiting_seconds
        self._page = page
        self._metrics = metrics or Metrics()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request. Nothing is sent to a client that went away."""
        request = Request(scope, receive)
        exchange = _Exchange(request, request.state.request_id)
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
            if exchange.opened is not None:
                await exchange.opened.close()
        if exchange.media_type != HTML:
            self._tell(exchange, response.status_code, started)

    def _tell(self, exchange: _Exchange, status: int, started: float) -> None:
        seconds = time.perf_counter() - started
        kind = exchange.operation.operation.value if exchange.operation else None
        opened = exchange.opened
        count_operation(self._metrics, kind, seconds=seconds, status=status, codes=exchange.codes)
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

    async def _respond(self, exchange: _Exchange) -> Response:
        try:
            exchange.media_type = self._negotiate(exchange.request)
            if exchange.media_type == HTML and self._page is not None:
                return self._page()
            parameters = await self._read(exchange.request)
            exchange.opened = self._open_context(exchange.request, exchange.request_id)
            return await self._answer(exchange, exchange.opened, parameters)
        except RefusalError as error:
            entry = {"message": error.message, "extensions": {"code": error.code}}
            return exchange.refuse(error.status, entry, **error.headers)
        except GatewayError as error:
            entry = {"message": error.message, "extensions": error.extensions}
            headers = {"WWW-Authenticate": _CHALLENGE} if isinstance(error, UnauthenticatedError) else {}
            return exchange.refuse(STATUS_BY_CODE.get(error.extensions["code"], 500), entry, **headers)

    def _negotiate(self, request: Request) -> str:
        if request.method not in METHODS:
            raise RefusalError(405, "GraphQL is asked by GET or POST.", Allow=", ".join(METHODS))
        has_page = self._page is not None and request.method == "GET"
        offered = (GRAPHQL_JSON, JSON, HTML) if has_page else (GRAPHQL_JSON, JSON)
        media_type = negotiate(", ".join(request.headers.getlist("accept")), offered)
        if media_type is None:
            raise RefusalError(406, f"Accept must allow one of: {', '.join(offered)}.")
        return media_type

    async def _read(self, request: Request) -> GraphQLRequest:
        try:
            async with asyncio.timeout(self._read_seconds):
                return await read_request(request)
        except TimeoutError:
            raise RefusalError(408, "The request body did not arrive in time.", code="TIMEOUT") from None

    async def _answer(self, exchange: _Exchange, opened: Opened, parameters: GraphQLRequest) -> Response:
        document = self._documents.get(parameters.query)
        if document.tree is not None:
            exchange.operation = get_operation_ast(document.tree, parameters.operation_name)
        if exchange.operation is not None:
            _check_method(exchange.operation.operation, exchange.request.method)
        if document.tree is None or document.errors:
            return exchange.refuse_document(*document.errors)
        if exchange.operation is None:
            return exchange.refuse_document({"message": _NO_OPERATION, "extensions": {"code": "BAD_USER_INPUT"}})
        operation = Operation(document.tree, parameters.operation_name, parameters.variables, parameters.extensions)
        try:
            check_operation(operation.tree, operation.name, operation.variables, self._limits)
        except LimitExceededError as error:
            return exchange.refuse_document({"message": error.message, "extensions": error.extensions})
        try:
            receive, seconds = exchange.request.receive, self._longest_seconds
            result = await self._executor.run(operation, opened.context, receive, seconds)
        except TimeoutError:
            raise RefusalError(504, "The operation took too long.", code="TIMEOUT") from None
        if not (result.errors or opened.context.problems):
            _offer(exchange, exchange.operation, opened, operation.tree)
        response = await _answer_result(exchange, opened.context, result)
        if opened.proofs.is_kept and opened.proofs.oldest is not None:
            response.headers["Age"] = age_text(opened.proofs.oldest, opened.context.now)
        return response


def _check_method(operation: OperationType, method: str) -> None:
    if operation is OperationType.SUBSCRIPTION:
        raise RefusalError(400, "Subscriptions are not served here.")
    if operation is OperationType.MUTATION and method == "GET":
        raise RefusalError(405, "Mutations are sent by POST.", Allow="POST")


async def _answer_result(exchange: _Exchange, context: Context, result: ExecutionResult) -> Response:
    errors = [*(result.errors or ()), *context.problems]
    entries, defects = present(errors, exchange.request_id)
    if defects:
        log.error(
            Event.UNEXPECTED, request_id=exchange.request_id, count=len(defects), **describe_exception(defects[0])
        )
    if result.data is None and all(error.path is None for error in errors):
        return exchange.refuse_document(*entries)
    exchange.codes |= {entry["extensions"]["code"] for entry in entries}
    content = {"data": result.data, "errors": entries} if entries else {"data": result.data}
    # A credential opened what is in it: only the client that asked may keep it, and not without asking again.
    kept = "private, no-cache" if exchange.request.method == "GET" and not entries else "no-store"
    return await answer_result(content, media_type=exchange.media_type, cache_control=kept)


def _offer(exchange: _Exchange, operation: OperationDefinitionNode, opened: Opened, tree: DocumentNode) -> None:
    """Tell whoever keeps answers, in front of this endpoint, what a good one rests on."""
    if operation.operation is OperationType.QUERY and not _selects(tree, _PASSING):
        exchange.request.state.offer = Offer(opened.proofs, exchange.name)


def _selects(tree: DocumentNode, names: Collection[str]) -> bool:
    """Return whether a field of one of these names is anywhere in the document."""
    pending: list[Node] = list(tree.definitions)
    while pending:
        node = pending.pop()
        if isinstance(node, FieldNode) and node.name.value in names:
            return True
        below: SelectionSetNode | None = getattr(node, "selection_set", None)
        pending += below.selections if below else ()
    return False
