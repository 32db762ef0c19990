"""
The client: sends one read to one address and brings the body back, whole, within limits and without secrets.
Classifies nothing but the exchange itself: any HTTP status is a body. Knows no jobs, no caching, no repeating.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

import httpx

from gateway.planes import outcomes
from gateway.planes.breaker import Breaker, Breakers
from gateway.planes.intake import (
    Intake,
    NoRoomError,
    Room,
    Sink,
    UnacceptableBodyError,
    retry_after_seconds,
    without_credentials,
)
from gateway.planes.outcomes import Fault, Outcome, UpstreamCall
from gateway.planes.read import Body, Read
from gateway.planes.redact import redact_body
from schema.errors import BadUserInputError, PlaneUnavailableError, UpstreamError, UpstreamMalformedError
from schema.plane import Plane

# What of the caller's goes upstream; everything else stays here.
FORWARDED_HEADERS = frozenset(
    {"x-auth-token", "authorization", "x-sdk-date", "x-security-token", "traceparent", "tracestate"}
)
# The service plane's pages call the last two mandatory, also where there is no body.
FIXED_HEADERS = {"Accept": "application/json", "Content-Type": "application/json", "X-Language": "en-us"}
_CLIMBING = re.compile(r"/\.{1,2}(?=[/?]|$)")
OUT_OF_SERVICE_STATUSES = frozenset({502, 503, 504})
_FAILED = (Outcome.TIMEOUT, Outcome.UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """
    How large a body may be, on the wire and expanded, whether it may come compressed, and how long GES may pause.

    `room` is for large bodies while they are collected; clients share it who share the memory. The pause counts only
    while somebody waits for the next piece, so a slow reader of a large body is no stall.
    """

    max_body_bytes: int
    accept_compressed: bool = False
    stall_seconds: float = 10.0
    room: Room = field(default_factory=lambda: Room(sys.maxsize))


@dataclass(slots=True)
class _Exchange:
    """What is known so far about one exchange; still readable when it ends early."""

    intake: Intake
    sink: Sink | None = None
    status: int = 0
    retry_after: str | None = None
    content: bytes = b""
    outcome: Outcome = Outcome.ABANDONED
    cause: str = ""


class PlaneClient:
    """
    Sends reads to one plane through a transport that it does not own.

    A fetch is one exchange; `guard` stands before it and repeats. `observe` is called once for
    each exchange, sent or spared, and must not raise.
    """

    def __init__(
        self,
        plane: Plane,
        transport: httpx.AsyncBaseTransport,
        *,
        limits: ClientLimits,
        user_agent: str,
        clock: Callable[[], datetime],
        breakers: Breakers,
        observe: Callable[[UpstreamCall], None] = lambda call: None,
    ) -> None:
        self.breakers = breakers
        self._plane = plane
        self._transport = transport
        self._limits = limits
        self._clock = clock
        self._observe = observe
        self._fixed_headers = {
            **FIXED_HEADERS,
            "Accept-Encoding": "gzip" if limits.accept_compressed else "identity",
            "User-Agent": user_agent,
        }

    async def fetch(
        self,
        read: Read,
        *,
        origin: str,
        headers: Mapping[str, str],
        timeout_seconds: float,
        sink: Sink | None = None,
    ) -> Body:
        """
        Ask GES and return what it answered, whatever the status; redirects are answers and never followed.

        With a `sink` the pieces of a good answer (status 200) go there as they arrive, and the body returned is
        empty; reading waits for the sink.

        Everything happens within `timeout_seconds`, and only `FORWARDED_HEADERS` of `headers` leave the gateway.
        Cancelling closes the connection. Raises UpstreamTimeoutError, PlaneUnavailableError, UpstreamMalformedError,
        UpstreamFailedError for a request that nobody can send, BadUserInputError for a read that fits no path.
        """
        if timeout_seconds <= 0:
            raise self._error(outcomes.TIMEOUT)
        request = self._request(read, origin, headers)
        breaker = self.breakers.of(origin)
        ticket = self._admitted(breaker)
        exchange = _Exchange(self._intake(), sink)
        started = asyncio.get_running_loop().time()
        try:
            error = await self._send(request, exchange, timeout_seconds)
        finally:
            self._settle(breaker, ticket, exchange, asyncio.get_running_loop().time() - started)
        # Raised here and not where it was met: an error must not carry, as its context, one that holds the request.
        if error is not None:
            try:
                raise error
            finally:
                # It holds this frame now; did the frame hold it too, both would outlive their use.
                del error
        return self._body(read, headers, exchange)

    def _intake(self) -> Intake:
        limits = self._limits
        return Intake(
            max_body_bytes=limits.max_body_bytes, accept_compressed=limits.accept_compressed, room=limits.room
        )

    def _request(self, read: Read, origin: str, headers: Mapping[str, str]) -> httpx.Request:
        # Dots would climb into another project. Ids are checked long before this.
        if _CLIMBING.search(read.target):
            raise BadUserInputError("An id or a name does not fit into one path segment.", plane=self._plane)
        forwarded = {name: value for name, value in headers.items() if name.lower() in FORWARDED_HEADERS}
        request = None
        # Either failure holds what could not be taken, which may be a credential; so it goes no further.
        with suppress(httpx.InvalidURL, ValueError):
            request = httpx.Request(
                "GET",
                _url(origin, read.target),
                headers={**self._fixed_headers, **forwarded},
                extensions={"timeout": {"read": self._limits.stall_seconds}},
            )
        if request is None:
            raise self._error(outcomes.UNSENDABLE)
        return request

    def _admitted(self, breaker: Breaker) -> int:
        ticket = breaker.admit()
        if ticket is None:
            self._observe(UpstreamCall(self._plane, Outcome.SPARED, None, 0.0, 0))
            raise PlaneUnavailableError(
                "GES failed several times in a row and is left alone for a moment.",
                plane=self._plane,
                retry_after_seconds=breaker.retry_after_seconds,
            )
        return ticket

    async def _send(self, request: httpx.Request, exchange: _Exchange, timeout_seconds: float) -> UpstreamError | None:
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._receive(request, exchange)
        except UnacceptableBodyError as refusal:
            exchange.outcome = Outcome.MALFORMED
            return UpstreamMalformedError(str(refusal), plane=self._plane, upstream_status=exchange.status)
        except NoRoomError:
            exchange.outcome = Outcome.CROWDED
            return PlaneUnavailableError(
                "More is being read from GES than the gateway holds at once.",
                plane=self._plane,
                upstream_status=exchange.status,
                retry_after_seconds=1.0,
            )
        except outcomes.FAILURES as failure:
            fault = outcomes.fault_of(failure)
            exchange.outcome = fault.outcome
            exchange.cause = outcomes.cause_of(failure)
            # The status tells that an answer had begun: such a read is not sent again.
            return fault.error(fault.message, plane=self._plane, upstream_status=exchange.status or None)
        exchange.outcome = Outcome.ANSWERED
        return None

    async def _receive(self, request: httpx.Request, exchange: _Exchange) -> None:
        response = await self._transport.handle_async_request(request)
        stream = response.stream
        if not isinstance(stream, httpx.AsyncByteStream):
            raise TypeError("the transport gave a body that cannot be awaited")
        try:
            exchange.status = response.status_code
            exchange.retry_after = response.headers.get("retry-after")
            # Only a good answer is passed on as it comes; any other is small, and read whole to tell what it says.
            sink = exchange.sink if exchange.status == httpx.codes.OK else None
            exchange.content = await exchange.intake.take(response.headers, stream, sink)
        finally:
            await response.aclose()

    def _settle(self, breaker: Breaker, ticket: int, exchange: _Exchange, seconds: float) -> None:
        if exchange.status in OUT_OF_SERVICE_STATUSES or exchange.outcome in _FAILED:
            breaker.failed(ticket)
        elif exchange.outcome is Outcome.ANSWERED:
            breaker.succeeded(ticket, self._clock())
        else:
            breaker.abandoned(ticket)
        received = exchange.intake.received_bytes
        call = UpstreamCall(self._plane, exchange.outcome, exchange.status or None, seconds, received, exchange.cause)
        self._observe(call)

    def _body(self, read: Read, headers: Mapping[str, str], exchange: _Exchange) -> Body:
        content = exchange.content
        is_error = exchange.status >= 400
        if is_error:
            content = without_credentials(content, headers)
        if is_error or read.carries_requests:
            content = redact_body(content)
        now = self._clock()
        return Body(exchange.status, content, now, retry_after_seconds(exchange.retry_after, now))

    def _error(self, fault: Fault) -> UpstreamError:
        return fault.error(fault.message, plane=self._plane)


def _url(origin: str, target: str) -> httpx.URL:
    """
    Return the URL of a read. httpx takes an eighth of a small query to take apart and quote what is quoted already.

    A test compares it with the one that httpx makes of the same text.
    """
    path, _, query = target.partition("?")
    around = _parsed(origin)._uri_reference
    url = httpx.URL.__new__(httpx.URL)
    url._uri_reference = around._replace(path=around.path.rstrip("/") + path, query=query or None)
    return url


@lru_cache(maxsize=1024)
def _parsed(origin: str) -> httpx.URL:
    return httpx.URL(origin)
