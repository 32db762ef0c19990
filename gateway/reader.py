"""The read path of one operation: memo, then store, then flight, then plane. Knows no endpoint and no GraphQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gateway.answers import Proofs
from gateway.auth.caller import Caller
from gateway.auth.rights import Rights
from gateway.cache.lifetime import JOB_SETTLED, Lifetime
from gateway.cache.pages import PageCopy, find_page, pieces_of
from gateway.cache.store import Entry
from gateway.flight import FlightCancelledError
from gateway.flow import Sink
from gateway.memo import Memo
from gateway.planes.intake import SMALL_BODY_BYTES, NoRoomError
from gateway.planes.read import Body, Read
from gateway.reading import Answer, Reading
from gateway.runtime import Runtime, Statistics
from gateway.tracing import UNTRACED, Trace
from schema.errors import (
    ForbiddenError,
    LimitExceededError,
    NotFoundError,
    OverloadedError,
    PlaneUnavailableError,
    UnauthenticatedError,
    UpstreamMalformedError,
    UpstreamTimeoutError,
)

T = TypeVar("T")
_SHARED = "shared"
# Bodies that may still change are kept up to this size.
_BRIEF_BYTES = 1024 * 1024


class Reader:
    """
    Reads for one caller during one operation. Equal reads of one operation are made once.

    `fresh` skips reading the store; `trace` is told of every read and goes upstream with it. Every read ends by the
    deadline of the operation.
    """

    def __init__(
        self,
        runtime: Runtime,
        caller: Caller | None,
        *,
        fresh: bool = False,
        trace: Trace = UNTRACED,
    ) -> None:
        self.runtime = runtime
        self.statistics = Statistics()
        self.proofs = Proofs()
        self._caller = caller
        self._fresh = fresh
        self._trace = trace
        self._deadline = runtime.clock.monotonic() + runtime.settings.request_timeout_seconds
        self._reads = 0
        self._held_bytes = 0
        self._owned: list[Callable[[], Awaitable[None]]] = []
        self._memo: Memo[Answer[Any]] = Memo()

    @property
    def caller(self) -> Caller:
        """Who is calling; raises UnauthenticatedError when nobody said, so nothing is read for nobody."""
        if self._caller is None:
            raise UnauthenticatedError("No credential: send one in X-Auth-Token or Authorization: Bearer.")
        return self._caller

    @property
    def rights(self) -> Rights | None:
        """Our own rule on what may be read; none where GES decides, nor for nobody, for whom nothing is read."""
        return self._caller.rights if self._caller else None

    async def ask(self, reading: Reading[T]) -> Answer[T]:
        """Return the answer to a read. Raises UpstreamError, or LimitExceededError past the reads of an operation."""
        caller = self.caller
        key = (reading.origin, *reading.read.key)
        answer = await self._memo.find(key, lambda: self._answer(reading, caller))
        self._rest_on(reading, answer)
        return answer

    async def pour(self, reading: Reading[T], sink: Sink, keep: Lifetime) -> PageCopy | None:
        """
        Pass a large body on to the sink while it arrives, from the store or from GES, holding none of it.

        The caller's right must have been proven during this operation. What GES sends is copied into the store for
        `keep`; the copy returned stays invisible until it is finished, which is for whoever has read the body to do.
        Raises UpstreamError, also after the sink got some of it.
        """
        caller, runtime = self.caller, self.runtime
        key = (_SHARED if reading.shared else self._private(caller), reading.origin, *reading.read.key)
        index = None if self._fresh or not self._may_open(reading, caller) else await find_page(runtime.store, key)
        if index is not None:
            self.statistics.cache_hits += 1
            self.proofs.show(index.fetched_at, kept=True)
            async for piece in pieces_of(runtime.store, key, index):
                await sink(piece)
            return None
        copy = PageCopy(runtime.store, key, keep.seconds, max_bytes=runtime.settings.cache_max_bytes // 4)

        async def pass_on(chunk: bytes) -> None:
            if keep.immutable:
                await copy.add(chunk)
            await sink(chunk)

        self._count_read()
        self.statistics.upstream_calls += 1
        with self._trace.call(reading.read.plane.name):
            body = await runtime.clients[reading.read.plane].fetch(
                reading.read,
                origin=reading.origin,
                headers={**caller.headers, **self._trace.headers},
                timeout_seconds=runtime.settings.stream_timeout_seconds,
                sink=pass_on,
            )
        if body.status != 200:
            # Raises what GES said instead of rows.
            await self._interpreted(reading, reading.read, body, caller)
            raise UpstreamMalformedError("GES answered with no rows.", plane=reading.read.plane)
        return copy if keep.immutable else None

    async def turn(self, reading: Reading[T]) -> asyncio.Lock:
        """
        Wait until nobody else brings this body into the store for the caller, and take the turn; the taker releases it.

        Raises UpstreamTimeoutError.
        """
        key = (self.caller.scope, reading.origin, *reading.read.key)
        turn = self.runtime.turns.setdefault(key, asyncio.Lock())
        try:
            async with asyncio.timeout(max(0.0, self._deadline - self.runtime.clock.monotonic())):
                await turn.acquire()
        except TimeoutError:
            raise UpstreamTimeoutError("There was no answer in time.", plane=reading.read.plane) from None
        return turn

    async def interpret(self, reading: Reading[T], content: bytes) -> T:
        """Return what a body that was passed on means, or what was left of it. Raises what GES said instead."""
        body = Body(200, content, self.runtime.clock.now())
        return await self._interpreted(reading, reading.read, body, self.caller)

    def own(self, close: Callable[[], Awaitable[None]]) -> None:
        """Call `close` when this operation is over."""
        self._owned.append(close)

    def extend(self, seconds: float) -> None:
        """Move the deadline, for a client that said it would wait."""
        self._deadline += seconds

    def forget(self) -> None:
        """Let the next reads of this operation look again."""
        self._memo.forget()

    async def close(self) -> None:
        """End what nobody waits for any more."""
        for close in self._owned:
            await close()
        await self._memo.close()
        self.runtime.room.give_back(self._held_bytes)
        self._held_bytes = 0

    def _rest_on(self, reading: Reading[T], answer: Answer[T]) -> None:
        self.proofs.show(answer.fetched_at, kept=answer.cached)
        lifetime = JOB_SETTLED if answer.immutable else reading.addresses
        if lifetime is None:
            self.proofs.show_changing()
        else:
            self.proofs.rest_on(answer.fetched_at, lifetime.seconds)
        if reading.resource is not None:
            self.proofs.resources.add(reading.resource)

    async def _answer(self, reading: Reading[T], caller: Caller) -> Answer[T]:
        entry = None if self._fresh or reading.fresh else await self._stored(reading, caller)
        if entry is None:
            return await self._fetched(reading, reading.read, caller)
        # A stored refusal is the caller's own and raises here; it reveals nothing that needs a grant.
        value = reading.interpret(Body(entry.status, entry.content, entry.fetched_at))
        if not self._may_open(reading, caller):
            if reading.probe is None:
                return await self._fetched(reading, reading.read, caller)
            await self._fetched(reading, reading.probe(), caller)
        self.statistics.cache_hits += 1
        return Answer(value, entry.fetched_at, cached=True, immutable=entry.immutable)

    async def _stored(self, reading: Reading[T], caller: Caller) -> Entry | None:
        scopes = (_SHARED, self._private(caller)) if reading.shared else (self._private(caller),)
        for scope in scopes:
            if entry := await self.runtime.store.get((scope, reading.origin, *reading.read.key)):
                return entry
        return None

    def _private(self, caller: Caller) -> str:
        # Withdrawing everything of a caller starts a new epoch, which no key of the old one can name.
        return f"{caller.scope}.{self.runtime.grants.epoch(caller.scope)}"

    def _may_open(self, reading: Reading[T], caller: Caller) -> bool:
        return reading.resource is None or self.runtime.grants.allow(caller.scope, reading.resource)

    async def _fetched(self, reading: Reading[T], read: Read, caller: Caller) -> Answer[T]:
        self._count_read()
        left = self._deadline - self.runtime.clock.monotonic()
        flight = (caller.scope, reading.origin, *read.key)
        try:
            outcome = await self.runtime.flights.join(
                flight, lambda: self._fly(reading, read, caller), timeout_seconds=max(0.0, left)
            )
        except TimeoutError as error:
            raise UpstreamTimeoutError("There was no answer in time.", plane=read.plane) from error
        except FlightCancelledError as error:
            raise PlaneUnavailableError("The gateway is closing.", plane=read.plane) from error
        self.hold(len(outcome.body.content))
        value = outcome.values.pop() if outcome.values else reading.interpret(outcome.body)
        return Answer(value, outcome.body.fetched_at, cached=False, immutable=outcome.immutable)

    def hold(self, size_bytes: int) -> None:
        """Count a large body for as long as this operation may write from it."""
        if size_bytes < SMALL_BODY_BYTES:
            return
        try:
            self.runtime.room.take(size_bytes)
        except NoRoomError:
            raise OverloadedError("The gateway holds as many rows as it may; try again in a moment.") from None
        self._held_bytes += size_bytes

    async def _fly(self, reading: Reading[T], read: Read, caller: Caller) -> _Outcome[T]:
        """Ask the plane, prove or disprove the caller's right, and store what may be stored."""
        runtime = self.runtime
        self.statistics.upstream_calls += 1
        with self._trace.call(read.plane.name):
            body = await runtime.clients[read.plane].fetch(
                read,
                origin=reading.origin,
                headers={**caller.headers, **self._trace.headers},
                timeout_seconds=runtime.settings.upstream_timeout_seconds,
            )
        value = await self._interpreted(reading, read, body, caller)
        if reading.resource is not None:
            runtime.grants.give(caller.scope, reading.resource)
        lifetime = reading.keep(value)
        if not lifetime.immutable and len(body.content) > _BRIEF_BYTES:
            # Copying it would cost more than the few seconds it may be kept are likely to save.
            return _Outcome(body, [value], lifetime.immutable)
        await self._put(_SHARED if reading.shared else self._private(caller), reading, read, body, lifetime)
        return _Outcome(body, [value], lifetime.immutable)

    async def _interpreted(self, reading: Reading[T], read: Read, body: Body, caller: Caller) -> T:
        """Return what the body means. A refusal takes back what the caller had proven, and is raised."""
        runtime = self.runtime
        try:
            return reading.interpret(body)
        except UnauthenticatedError:
            runtime.grants.withdraw_all(caller.scope)
            raise
        except ForbiddenError:
            self._withdraw(reading, caller)
            raise
        except NotFoundError:
            self._withdraw(reading, caller)
            await self._put(self._private(caller), reading, read, body, runtime.lifetimes.not_found())
            raise

    def _count_read(self) -> None:
        self._reads += 1
        if self._reads > self.runtime.settings.max_upstream_reads:
            raise LimitExceededError("upstreamReads", self.runtime.settings.max_upstream_reads, self._reads)

    async def _put(self, scope: str, reading: Reading[T], read: Read, body: Body, lifetime: Lifetime) -> None:
        entry = Entry(body.status, body.content, body.fetched_at, lifetime.immutable)
        await self.runtime.store.put((scope, reading.origin, *read.key), entry, lifetime.seconds)

    def _withdraw(self, reading: Reading[T], caller: Caller) -> None:
        if reading.resource is not None:
            self.runtime.grants.withdraw(caller.scope, reading.resource)


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[T]):
    """What a flight brought. The first waiter takes the value; the others build their own from the bytes."""

    body: Body
    values: list[T]
    immutable: bool
