"""Running one valid operation: for as long as its client is there and its time lasts. Knows no media types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, TypeVar

import strawberry
from graphql import DocumentNode, ExecutionResult, create_source_event_stream, execute
from graphql.pyutils import AwaitableOrValue
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from schema.context import Context

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Operation:
    """A valid document and what is to be run of it."""

    tree: DocumentNode
    name: str | None
    variables: dict[str, Any] | None
    extensions: dict[str, Any] | None


class Executor:
    """
    Runs operations against one schema.

    Calls graphql-core as Strawberry itself does, but with a document at hand: `Schema.execute` takes text only and
    would parse and validate it again. Strawberry's schema extensions do not run here; the contract uses none.
    """

    def __init__(self, schema: strawberry.Schema, *, hide_suggestions: bool) -> None:
        self._schema = schema
        self._hide_suggestions = hide_suggestions

    async def run(self, operation: Operation, context: Context, receive: Receive, seconds: float) -> ExecutionResult:
        """Return the result. Raises ClientDisconnect when the client leaves before it, TimeoutError when time is up."""
        outcome = self._execute(operation, context)
        if not isawaitable(outcome):
            return outcome
        async with asyncio.timeout(seconds):
            return await _while_connected(outcome, receive)

    async def complete(
        self, operation: Operation, context: Context, seconds: float, root: object = None
    ) -> ExecutionResult:
        """Return the result, for one event of a subscription or for all of another operation. Raises TimeoutError."""
        outcome = self._execute(operation, context, root)
        if not isawaitable(outcome):
            return outcome
        async with asyncio.timeout(seconds):
            return await outcome

    async def subscribe(self, operation: Operation, context: Context) -> AsyncIterable[object] | ExecutionResult:
        """Return the events of a subscription, or the errors that keep it from having any."""
        executor = self._schema.execution_context_class.build(
            self._schema._schema,
            operation.tree,
            context_value=context,
            raw_variable_values=operation.variables,
            operation_name=operation.name,
            hide_suggestions=self._hide_suggestions,
            operation_extensions=operation.extensions,
        )
        if isinstance(executor, list):
            return ExecutionResult(None, executor)
        events = create_source_event_stream(executor)
        return await events if isawaitable(events) else events

    def _execute(
        self, operation: Operation, context: Context, root: object = None
    ) -> AwaitableOrValue[ExecutionResult]:
        return execute(
            self._schema._schema,
            operation.tree,
            root_value=root,
            context_value=context,
            variable_values=operation.variables,
            operation_name=operation.name,
            executor_class=self._schema.execution_context_class,
            hide_suggestions=self._hide_suggestions,
            operation_extensions=operation.extensions,
        )


async def _while_connected(work: Awaitable[T], receive: Receive) -> T:
    running = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(until_disconnect(receive))
    try:
        await asyncio.wait((running, gone), return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            raise ClientDisconnect
        return running.result()
    finally:
        running.cancel()
        gone.cancel()
        # Nothing of the operation outlives this request.
        await asyncio.gather(running, gone, return_exceptions=True)


async def until_disconnect(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
