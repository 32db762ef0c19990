"""What lives as long as the process: clients, store, flights, grants and the clock. Opened and closed once."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from weakref import WeakValueDictionary

import httpx
from opentelemetry.trace import Tracer

from gateway import VERSION
from gateway.auth.exchange import Exchanges
from gateway.auth.modes import Means, open_mode
from gateway.cache.lifetime import Lifetimes
from gateway.cache.store import Store, open_store
from gateway.flight import Flights
from gateway.grants import Grants
from gateway.metrics import (
    BREAKERS,
    FLIGHTS,
    GRANTS,
    JOINED,
    LOOKUPS,
    LOOP_LAG,
    POLLERS,
    SUBSCRIBERS,
    TOKENS,
    UPSTREAM,
    UPSTREAM_BYTES,
    Metrics,
)
from gateway.planes.account import OnAccount
from gateway.planes.breaker import Breakers
from gateway.planes.client import ClientLimits, PlaneClient
from gateway.planes.guard import Guard, GuardLimits
from gateway.planes.intake import Room
from gateway.planes.outcomes import Outcome, UpstreamCall
from gateway.planes.transport import AiohttpTransport, TLSOptions
from gateway.seats import Seats
from gateway.settings import PREFIX, Settings, SettingsError
from gateway.telemetry import Event, log
from gateway.tracing import Traces
from gateway.watch import Pace, Watches
from schema.plane import Plane

_LAG_SECONDS = 0.5
_USER_AGENT = f"ges-gateway/{VERSION}"
_ISSUER_CONNECTIONS = 4
# Calls that somebody gave up, or that were never sent, say nothing about GES.
_FAILED = frozenset({Outcome.TIMEOUT, Outcome.UNAVAILABLE, Outcome.MALFORMED, Outcome.UNSENDABLE})


@dataclass(frozen=True, slots=True)
class Clock:
    """The time, passed in so that tests can move it."""

    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(slots=True)
class Statistics:
    """What one operation cost, for its line in the log."""

    upstream_calls: int = 0
    cache_hits: int = 0


class Runtime:
    """The things every request shares. Use `open` inside the running loop, `close` when the last request is over."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or Clock()
        # Scopes of different processes must not match: entries of another process were proven to another gateway.
        # With a secret of the operator's they do: his replicas share a store.
        given = settings.cache_secret
        self.secret = secrets.token_bytes(32) if given is None else _derived(given.get_secret_value())
        self.flights = Flights()
        # Of each large page that is on its way into the store, for as long as somebody brings it or waits for it.
        self.turns: WeakValueDictionary[tuple[str, ...], asyncio.Lock] = WeakValueDictionary()
        monotonic = self.clock.monotonic
        self.grants = Grants(settings.grant_seconds, monotonic)
        self.lifetimes = Lifetimes(settings.cache_settle_seconds, monotonic)
        self.store: Store = _open_store(settings, monotonic)
        # Apart from the bodies: what clients store cannot push those out.
        self.documents: Store = open_store("memory", max_bytes=settings.stored_documents_max_bytes, clock=monotonic)
        self.metrics = Metrics()
        self.traces = Traces(tracer)
        # Set when the process is about to end: what lasts as long as its client likes ends then.
        self.ending = asyncio.Event()
        self.watches = Watches(_pace(settings), self.clock.monotonic)
        self.waits = Seats("waits", maximum=settings.max_operations, per_caller=settings.max_waits_per_caller)
        self._transports = {plane: transport or _transport(plane, settings) for plane in Plane}
        self.room = Room(settings.max_collected_bytes)
        self.breakers = {plane: Breakers(self.clock.monotonic) for plane in Plane}
        self._issuers = transport or AiohttpTransport(tls=TLSOptions(), connections=_ISSUER_CONNECTIONS)
        self.mode = open_mode(settings, self._means())
        self.clients = {plane: self._entrusted(self._guard(self._client(plane))) for plane in Plane}
        self._show_gauges()

    def _means(self) -> Means:
        def exchanges(transport: httpx.AsyncBaseTransport) -> Exchanges:
            return Exchanges(transport, _USER_AGENT, self.settings.upstream_timeout_seconds)

        return Means(
            secret=self.secret,
            now=self.clock.now,
            monotonic=self.clock.monotonic,
            iam=exchanges(self._transports[Plane.MANAGEMENT]),
            issuers=exchanges(self._issuers),
            observe=self._observe_token,
        )

    def _entrusted(self, guard: Guard) -> Guard | OnAccount:
        """Return what reads are sent through: with the gateway's own credential in the modes that have one."""
        account = self.mode.account
        return guard if account is None else OnAccount(guard, account, self.clock.monotonic)

    def _observe_token(self, outcome: str) -> None:
        self.metrics.count(TOKENS, outcome)
        if outcome != "issued":
            log.warning(Event.ACCOUNT_FAILED, what="token", cause=outcome)

    def _guard(self, client: PlaneClient) -> Guard:
        limits = GuardLimits(
            calls=self.settings.upstream_calls_per_address,
            streams=self.settings.upstream_streams_per_address,
            attempts=self.settings.upstream_attempts,
        )
        return Guard(client, limits, monotonic=self.clock.monotonic, sleep=self.clock.sleep, observe=self.observe)

    def _client(self, plane: Plane) -> PlaneClient:
        return PlaneClient(
            plane,
            self._transports[plane],
            limits=ClientLimits(
                max_body_bytes=self.settings.max_body_bytes,
                accept_compressed=self.settings.upstream_compression,
                stall_seconds=self.settings.upstream_timeout_seconds,
                room=self.room,
            ),
            user_agent=_USER_AGENT,
            clock=self.clock.now,
            breakers=self.breakers[plane],
            observe=self.observe,
        )

    def observe(self, call: UpstreamCall) -> None:
        """Count one call to GES, and write a line when it failed."""
        plane, outcome = call.plane.name, call.outcome.value
        self.metrics.time(UPSTREAM, plane, outcome, seconds=call.seconds)
        self.metrics.count(UPSTREAM_BYTES, plane, by=call.bytes)
        if call.outcome in _FAILED:
            seconds = round(call.seconds, 3)
            log.warning(
                Event.UPSTREAM_FAILED,
                plane=plane,
                outcome=outcome,
                status=call.status,
                seconds=seconds,
                cause=call.cause,
            )

    def _show_gauges(self) -> None:
        show, stats = self.metrics.show, self.store.stats
        show(FLIGHTS, lambda: {(): len(self.flights)})
        show(JOINED, lambda: {(): self.flights.joined})
        show(POLLERS, lambda: {(): self.watches.pollers})
        show(SUBSCRIBERS, lambda: {(): self.watches.listeners})
        show(GRANTS, lambda: {(): len(self.grants)})
        show(
            LOOKUPS,
            lambda: {
                ("bodies", "hit"): stats.hits,
                ("bodies", "miss"): stats.misses,
                ("bodies", "error"): stats.errors,
            },
        )
        show(BREAKERS, self._breaker_counts)

    def _breaker_counts(self) -> dict[tuple[str, ...], float]:
        return {
            (plane.name, state.name): count
            for plane, breakers in self.breakers.items()
            for state, count in breakers.counts().items()
        }

    async def measure_lag(self) -> None:
        """Note, twice a second and for ever, how late the event loop comes back: so long every request waits too."""
        while True:
            due_at = self.clock.monotonic() + _LAG_SECONDS
            await self.clock.sleep(_LAG_SECONDS)
            self.metrics.time(LOOP_LAG, seconds=max(0.0, self.clock.monotonic() - due_at))

    async def close(self) -> None:
        """Cancel what is under way and close every connection."""
        await self.watches.close()
        await self.flights.close()
        await self.mode.close()
        transports = {id(transport): transport for transport in (*self._transports.values(), self._issuers)}
        for transport in transports.values():
            await transport.aclose()
        await self.store.close()
        await self.documents.close()


def _derived(secret: str) -> bytes:
    # One length for every text; the keyed hashes take no longer key.
    return hashlib.blake2b(secret.encode(), digest_size=32).digest()


def _open_store(settings: Settings, monotonic: Callable[[], float]) -> Store:
    url = settings.cache_url.get_secret_value() if settings.cache_url else ""
    try:
        return open_store(settings.cache_backend, max_bytes=settings.cache_max_bytes, clock=monotonic, url=url)
    except ImportError:
        raise SettingsError(
            f"{PREFIX}CACHE_BACKEND: needs the extra `redis`: pip install 'ges-gateway[redis]'."
        ) from None


def _pace(settings: Settings) -> Pace:
    return Pace(settings.watch_first_seconds, settings.watch_longest_seconds, jitter=settings.watch_jitter)


def _transport(plane: Plane, settings: Settings) -> httpx.AsyncBaseTransport:
    if plane is Plane.MANAGEMENT:
        tls = TLSOptions(settings.management_tls_verify, settings.management_tls_ca_file)
    else:
        tls = TLSOptions(settings.service_tls_verify, settings.service_tls_ca_file)
    return AiohttpTransport(tls=tls, connections=settings.upstream_connections)
