"""
Operations whose results come one after the other, each completed with a context of its own.

Knows no transport: whoever iterates decides when the next result is asked for, so nothing is ever queued.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from graphql import ExecutionResult, GraphQLError, OperationType

from gateway.http.answer import collect_result
from gateway.http.operation import Executor, Operation
from gateway.http.problems import INTERNAL, INTERNAL_TEXT, let_go, present
from gateway.http.refusals import reasons_in
from gateway.seats import Seat, Seats
from gateway.telemetry import Event, describe_exception, log
from gateway.tracing import Trace
from schema.context import Context
from schema.errors import GatewayError

Entry = Mapping[str, Any]
# What waits for a client that reads slowly is one such result for each of its streams.
_MOST_BYTES = 8 * 1024 * 1024


class Opened(Protocol):
    """What one operation, or one event of it, runs with; opened for it and closed after it."""

    @property
    def context(self) -> Context:
        """What resolvers get."""

    @property
    def caller(self) -> str | None:
        """Whose bounds it counts against; None without a credential."""

    @property
    def upstream_calls(self) -> int:
        """How many calls to GES it caused so far."""

    @property
    def cache_hits(self) -> int:
        """How many reads it was spared so far."""

    @property
    def trace(self) -> Trace:
        """The trace it belongs to."""

    async def close(self) -> None:
        """End what is still under way for it."""


class StreamEndedError(Exception):
    """There is no further result; `entries`, for `errors`, say why and belong to no result."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        super().__init__()
        self.entries = list(entries)


@dataclass(frozen=True, slots=True)
class StreamSeats:
    """The bounds: subscriptions last as long as their clients like, any other operation takes a turn among all."""

    subscriptions: Seats = field(default_factory=lambda: Seats("subscriptions", maximum=10_000, per_caller=100))
    operations: Seats = field(default_factory=lambda: Seats("operations", maximum=1000, per_caller=1000))
    # Of an operation while it is executed and sent; of a subscription, of each event of it.
    rows: Seats = field(default_factory=lambda: Seats("rowsUnderWay", maximum=2_000_000, per_caller=500_000))

    def take(self, kind: OperationType, caller: str | None) -> Seat:
        """Take a seat for an operation of this kind. Raises GatewayError when there is none."""
        return (self.subscriptions if kind is OperationType.SUBSCRIPTION else self.operations).reserve(caller)


class Streams:
    """Starts streams, as many as there are seats for them."""

    def __init__(self, executor: Executor, seats: StreamSeats, *, seconds: float) -> None:
        self._executor = executor
        self._seats = seats
        # A net below the deadlines of the reads, for one result; nothing limits the time between two of them.
        self._seconds = seconds

    def start(
        self, operation: Operation, kind: OperationType, *, opened: Opened, reopen: Callable[[], Awaitable[Opened]]
    ) -> Stream:
        """
        Return the results of an operation of one kind. Raises GatewayError when there is no seat for it.

        The operation itself runs with `opened`, each event of a subscription with what `reopen` gives then. The
        stream closes both, and must be closed itself.
        """
        seat = self._seats.take(kind, opened.caller)
        return Stream(self._executor, operation, kind, opened, reopen, seat, self._seats.rows, self._seconds)


class Stream:
    """One operation under way, and what it has cost so far."""

    def __init__(
        self,
        executor: Executor,
        operation: Operation,
        kind: OperationType,
        opened: Opened,
        reopen: Callable[[], Awaitable[Opened]],
        seat: Seat,
        rows: Seats,
        seconds: float,
    ) -> None:
        self._executor = executor
        self._operation = operation
        self._kind = kind
        self._opened = opened
        self._reopen = reopen
        self._seat = seat
        self._rows = rows
        self._seconds = seconds
        self._request_id = opened.context.request_id
        self._past_calls = 0
        self._past_hits = 0
        self.codes: set[str] = set()
        self.reasons: set[str] = set()

    @property
    def upstream_calls(self) -> int:
        """How many calls to GES it caused so far, its events included."""
        return self._past_calls + self._opened.upstream_calls

    @property
    def cache_hits(self) -> int:
        """How many reads it was spared so far, its events included."""
        return self._past_hits + self._opened.cache_hits

    async def results(self) -> AsyncGenerator[bytes]:
        """Give each result as JSON, asking for the next when it is wanted. Raises StreamEndedError. Iterate once."""
        try:
            if self._kind is not OperationType.SUBSCRIPTION:
                with self._counted():
                    yield await self._complete(self._opened)
                return
            async with self._events() as events:
                async for event in events:
                    # Until the next is asked for: then this one is sent.
                    with self._counted():
                        async with self._reopened() as opened:
                            result = await self._complete(opened, event)
                        yield result
        except StreamEndedError:
            raise
        except Exception as error:
            raise StreamEndedError([self._entry(error)]) from error

    async def close(self) -> None:
        """End what is still under way, after the results were closed, and leave the seat."""
        self._seat.leave()
        await self._opened.close()

    def _counted(self) -> Seat:
        return self._rows.reserve(self._opened.caller, self._operation.rows)

    @asynccontextmanager
    async def _events(self) -> AsyncIterator[AsyncIterable[object]]:
        async with asyncio.timeout(self._seconds):
            events = await self._executor.subscribe(self._operation, self._opened.context)
        if isinstance(events, ExecutionResult):
            raise StreamEndedError(self._entries(events.errors or ()))
        try:
            yield events
        finally:
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    @asynccontextmanager
    async def _reopened(self) -> AsyncIterator[Opened]:
        """Open what one event runs with: what was read for an earlier one may be stale."""
        opened = await self._reopen()
        try:
            yield opened
        finally:
            await opened.close()
            self._past_calls += opened.upstream_calls
            self._past_hits += opened.cache_hits

    async def _complete(self, opened: Opened, event: object = None) -> bytes:
        context = opened.context
        result = await self._executor.complete(self._operation, context, self._seconds, event)
        errors = [*(result.errors or ()), *context.problems]
        entries = self._entries(errors)
        if result.data is None and all(error.path is None for error in errors):
            # Execution did not begin.
            raise StreamEndedError(entries)
        content = {"data": result.data, "errors": entries} if entries else {"data": result.data}
        return await collect_result(content, _MOST_BYTES)

    def _entries(self, errors: Iterable[GraphQLError]) -> list[Entry]:
        told = [*errors]
        entries, defects = present(told, self._request_id)
        self.codes |= {entry["extensions"]["code"] for entry in entries}
        self.reasons |= reasons_in(entries)
        if defects:
            _log_defect(defects[0], len(defects), self._request_id)
        let_go(told)
        return [*entries]

    def _entry(self, error: Exception) -> Entry:
        entry = entry_of(error, self._request_id)
        self.codes.add(entry["extensions"]["code"])
        self.reasons |= reasons_in([entry])
        return entry


def entry_of(error: Exception, request_id: str) -> Entry:
    """Return the entry of what ended an operation: an error of ours as it is, anything else masked and logged."""
    if isinstance(error, GatewayError):
        message, extensions = error.message, error.extensions
    elif isinstance(error, TimeoutError):
        message, extensions = "The operation took too long.", {"code": "TIMEOUT"}
    else:
        message, extensions = INTERNAL_TEXT, {"code": INTERNAL}
        _log_defect(error, 1, request_id)
    return {"message": message, "extensions": {**extensions, "requestId": request_id}}


def _log_defect(error: Exception, count: int, request_id: str) -> None:
    log.error(Event.UNEXPECTED, request_id=request_id, count=count, **describe_exception(error))
