"""An operation asked as a message: checked, run and told in the log as one by HTTP is. Knows no messages."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from graphql import OperationDefinitionNode

from gateway.http.checking import Checks
from gateway.http.refusals import reasons_in
from gateway.http.request import GraphQLRequest
from gateway.http.stream import Opened, Stream, StreamEndedError, Streams, entry_of
from gateway.http.telling import CLIENT_GONE, count_operation, log_operation
from gateway.metrics import Metrics
from gateway.telemetry import log

_LONGEST_NAME = 64


class StreamedOperation:
    """One operation, whose results are passed on one by one. Close it, however it ended."""

    def __init__(
        self,
        checks: Checks,
        streams: Streams,
        metrics: Metrics,
        open_context: Callable[[], Awaitable[Opened]],
        request_id: str,
    ) -> None:
        self._checks = checks
        self._streams = streams
        self._metrics = metrics
        self._open = open_context
        self._request_id = request_id
        self._started = time.perf_counter()
        self._node: OperationDefinitionNode | None = None
        self._opened: Opened | None = None
        self._stream: Stream | None = None
        self._codes: set[str] = set()
        self._reasons: set[str] = set()
        # Until it has come to an end, the client's leaving is what ends it.
        self._status = CLIENT_GONE

    async def results(self, asked: GraphQLRequest) -> AsyncGenerator[bytes]:
        """Give each result as JSON. Raises StreamEndedError."""
        try:
            self._stream = await self._start(asked)
            async with aclosing(self._stream.results()) as results:
                async for result in results:
                    yield result
        except StreamEndedError as error:
            self._codes |= {entry["extensions"]["code"] for entry in error.entries}
            self._reasons |= reasons_in(error.entries)
            self._status = 200
            raise
        self._status = 200

    async def _start(self, asked: GraphQLRequest) -> Stream:
        try:
            opened = self._opened = await self._open()
            checked = await self._checks.check(asked, opened.caller)
            self._node = checked.node
            if checked.operation is not None and checked.node is not None:
                kind = checked.node.operation
                return self._streams.start(checked.operation, kind, opened=opened, reopen=self._open)
        except Exception as error:
            raise StreamEndedError([entry_of(error, self._request_id)]) from error
        named = {"requestId": self._request_id}
        raise StreamEndedError({**entry, "extensions": {**entry["extensions"], **named}} for entry in checked.refusals)

    async def close(self) -> None:
        """End what is still under way for it, and write its line."""
        if self._stream is not None:
            self._codes |= self._stream.codes
            self._reasons |= self._stream.reasons
            await self._stream.close()
        elif self._opened is not None:
            await self._opened.close()
        seconds, codes = time.perf_counter() - self._started, self._codes
        kind = self._node.operation.value if self._node else None
        count_operation(self._metrics, kind, seconds=seconds, status=self._status, codes=codes, reasons=self._reasons)
        log_operation(
            log,
            self._request_id,
            self._node.name.value[:_LONGEST_NAME] if self._node and self._node.name else None,
            kind,
            seconds=seconds,
            upstream_calls=self._stream.upstream_calls if self._stream else 0,
            cache_hits=self._stream.cache_hits if self._stream else 0,
            status=self._status,
            codes=sorted(codes),
        )
