"""Running one valid operation: for as long as its client is there and its time lasts. Knows no media types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, TypeVar

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    OperationDefinitionNode,
    create_source_event_stream,
    execute,
)
from graphql.pyutils import AwaitableOrValue
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from schema.context import Context
from schema.plans import Plans

T = TypeVar("T")
_UNWATCHED_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Operation:
    """A valid document and what is to be run of it."""

    tree: DocumentNode
    name: str | None
    variables: dict[str, Any] | None
    extensions: dict[str, Any] | None
    # The operation itself and the plans of its document, if it may be answered by one.
    node: OperationDefinitionNode | None = None
    plans: Plans | None = None
    # How many rows it asks for, at most.
    rows: int = 0


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
        async with WhileConnected(receive, seconds):
            return await self._completed(operation, context)

    async def _completed(self, operation: Operation, context: Context) -> ExecutionResult:
        """Follow the plan of the operation, when there is one and it leads to a good end; execute it otherwise."""
        plans, node = operation.plans, operation.node
        planned = plans.find(self._schema._schema, node, operation.variables) if plans and node else None
        if planned is not None:
            try:
                return ExecutionResult(await planned.plan.execute(context, planned.variables, _together), None)
            except Exception:
                # What it was is for execution to find out: what was read meanwhile is not read again.
                context.problems.clear()
        outcome = self._execute(operation, context)
        return await outcome if isawaitable(outcome) else outcome

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


class WhileConnected:
    """
    Breaks off what is done inside when the client leaves or time is up: by ClientDisconnect or TimeoutError.

    A class, since a generator would cost a small query more than the watching itself.
    """

    def __init__(self, receive: Receive, seconds: float | None) -> None:
        self._receive = receive
        self._limit = asyncio.timeout(seconds)
        self._leaving: asyncio.Task[None] | None = None
        self._is_gone = False

    async def __aenter__(self) -> None:
        # Most operations are over before anybody could have left.
        self._beginning = asyncio.get_running_loop().call_later(_UNWATCHED_SECONDS, self._begin)
        await self._limit.__aenter__()

    async def __aexit__(self, kind: type[BaseException] | None, *raised: Any) -> None:
        self._beginning.cancel()
        try:
            await self._limit.__aexit__(kind, *raised)
        except TimeoutError:
            if self._is_gone:
                raise ClientDisconnect from None
            raise
        finally:
            if self._leaving is not None:
                self._leaving.cancel()
                await asyncio.gather(self._leaving, return_exceptions=True)

    def _begin(self) -> None:
        self._leaving = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        await until_disconnect(self._receive)
        self._is_gone = True
        self._limit.reschedule(asyncio.get_running_loop().time())


async def _together(awaitables: Sequence[Awaitable[T]]) -> list[T]:
    """Await all at the same time, and all to their end; raise what the first of those that failed raised."""
    found = await asyncio.gather(*awaitables, return_exceptions=True)
    for outcome in found:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in found if not isinstance(outcome, BaseException)]


async def until_disconnect(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
