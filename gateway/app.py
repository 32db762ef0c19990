"""The composition root: builds the application from its settings. The only place that knows every part."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import httpx
import strawberry
from opentelemetry.trace import Tracer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from gateway.answers import Answers
from gateway.compression import Compression
from gateway.dashboard import dashboard
from gateway.dashboard import operations as own_documents
from gateway.documents import Documents
from gateway.endpoint import Endpoint
from gateway.export import PATH as EXPORT_PATH
from gateway.export import Export
from gateway.front import Front
from gateway.graphiql import assets, page
from gateway.http.checking import Checks
from gateway.http.persisted import PersistedDocuments
from gateway.http.stream import StreamSeats
from gateway.landing import landing
from gateway.memory import find_heap, give_back
from gateway.metrics import CACHE_BYTES, CONNECTIONS, EXPORTS, REFUSALS, ROWS_UNDER_WAY, UNDER_WAY, Metrics
from gateway.middleware import protected, protection
from gateway.operations import opener
from gateway.overload import Overload
from gateway.probes import metrics_route, probes
from gateway.rates import Rates
from gateway.ready import Ready
from gateway.runtime import Clock, Runtime
from gateway.seats import Seats
from gateway.settings import Settings
from gateway.sockets import Sockets
from gateway.trusted import Trusted, read_trusted
from schema.build import build_schema

PATH = "/graphql"


def create_app(
    settings: Settings,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
    demo_token: str | None = None,
    tracer: Tracer | None = None,
) -> Starlette:
    """
    Build the gateway. `transport` replaces the connections to both planes; `demo_token` is preset in GraphiQL.

    `app.state.is_draining` turns readiness off; `app.state.runtime` is what the process shares. Raises SettingsError
    when a file that the settings name cannot be used.
    """
    runtime = Runtime(settings, transport=transport, clock=clock, tracer=tracer)
    schema = build_schema()
    checks = _checks(runtime, schema)
    seats = _seats(settings)
    served = _endpoint(runtime, schema, checks, seats, demo_token)
    refused = partial(runtime.metrics.count, REFUSALS)
    endpoint = Overload(served, seats.operations, refused)
    app = Starlette(
        routes=[
            Route(PATH, endpoint),
            WebSocketRoute(PATH, _sockets(runtime, served, checks)),
            Route(EXPORT_PATH, _export(runtime)),
            *_pages(settings, demo_token),
            *probes(lambda: not app.state.is_draining),
            metrics_route(runtime.metrics, settings.metrics_port),
        ],
        middleware=protection(settings, refused),
        lifespan=partial(_lifespan, runtime),
    )
    # Ahead of Starlette itself: what is given again needs nothing of it, and what is executed neither.
    app.middleware_stack = _front(app, protected(endpoint, settings, refused), runtime)
    app.state.is_draining = False
    app.state.ending = runtime.ending
    app.state.runtime = runtime
    _measure(app, seats)
    return app


def _seats(settings: Settings) -> StreamSeats:
    return StreamSeats(
        subscriptions=Seats(
            "subscriptions", maximum=settings.max_subscriptions, per_caller=settings.max_subscriptions_per_caller
        ),
        operations=Seats("operations", maximum=settings.max_operations, per_caller=settings.max_operations_per_caller),
        rows=Seats(
            "rowsUnderWay", maximum=settings.max_rows_under_way, per_caller=settings.max_rows_under_way_per_caller
        ),
    )


def _measure(app: Starlette, seats: StreamSeats) -> None:
    metrics: Metrics = app.state.runtime.metrics
    # What a server tells of connections, when it is one that does.
    app.state.refused = partial(metrics.count, REFUSALS)
    app.state.connections = ()
    show = metrics.show
    show(UNDER_WAY, lambda: {(): seats.operations.taken})
    show(ROWS_UNDER_WAY, lambda: {(): seats.rows.taken})
    show(CONNECTIONS, lambda: {(): len(app.state.connections)})


@asynccontextmanager
async def _lifespan(runtime: Runtime, _app: Starlette) -> AsyncIterator[None]:
    background = [asyncio.create_task(runtime.measure_lag())]
    if heap := find_heap():
        background.append(asyncio.create_task(give_back(heap, runtime.clock.sleep)))
    try:
        yield
    finally:
        for task in background:
            task.cancel()
        await runtime.close()


def _front(app: Starlette, endpoint: ASGIApp, runtime: Runtime) -> Front:
    answers = Answers(runtime.settings.answers_max_bytes, runtime.clock.monotonic)
    runtime.metrics.show(CACHE_BYTES, lambda: {("answers",): answers.held_bytes})
    behind = app.build_middleware_stack()
    if runtime.settings.compression:
        behind, endpoint = Compression(behind), Compression(endpoint)
    front = Front(behind, endpoint, path=PATH, runtime=runtime, answers=answers)
    app.state.ready = Ready(PATH.encode(), front.find)
    return front


def _checks(runtime: Runtime, schema: strawberry.Schema) -> Checks:
    settings = runtime.settings
    rates = Rates(
        per_caller=settings.max_unknown_documents_per_caller,
        in_all=settings.max_unknown_documents,
        clock=runtime.clock.monotonic,
    )
    documents = Documents(schema._schema, settings.limits, introspection=settings.introspection, rates=rates)
    persisted = PersistedDocuments(
        runtime.documents if settings.stored_documents_max_bytes else None,
        _trusted(settings),
        only_trusted=settings.only_trusted_documents,
    )
    return Checks(documents, settings.limits, persisted)


def _trusted(settings: Settings) -> Trusted:
    """Return the documents of the file, and those of the dashboard where it is served."""
    own = own_documents().values() if settings.dashboard else ()
    file = settings.trusted_documents_file
    return read_trusted(file, own) if file else Trusted(others=own)


def _endpoint(
    runtime: Runtime, schema: strawberry.Schema, checks: Checks, seats: StreamSeats, demo_token: str | None
) -> Endpoint:
    settings = runtime.settings
    return Endpoint(
        schema,
        open_context=opener(runtime),
        checks=checks,
        introspection=settings.introspection,
        request_timeout_seconds=settings.request_timeout_seconds,
        metrics=runtime.metrics,
        seats=seats,
        ending=runtime.ending,
        heartbeat_seconds=settings.heartbeat_seconds,
        challenge=runtime.mode.challenge,
        page=_page(settings, demo_token),
    )


def _sockets(runtime: Runtime, served: Endpoint, checks: Checks) -> Sockets:
    settings = runtime.settings
    return Sockets(
        checks,
        served.streams,
        open_context=opener(runtime),
        ending=runtime.ending,
        seats=Seats("sockets", maximum=settings.max_sockets, per_caller=settings.max_sockets),
        metrics=runtime.metrics,
        allowed_origins=settings.allowed_origins,
        most_operations=settings.max_operations_per_socket,
        heartbeat_seconds=settings.heartbeat_seconds,
    )


def _export(runtime: Runtime) -> Export:
    settings = runtime.settings
    most, most_of_one = settings.max_exports, settings.max_exports_per_caller
    # Downloads are long.
    seats = Seats("exports", maximum=most, per_caller=most_of_one, retry_after_seconds=5)
    runtime.metrics.show(EXPORTS, lambda: {(): seats.taken})
    return Export(opener(runtime), seats, runtime.metrics)


def _page(settings: Settings, demo_token: str | None) -> Callable[[], Response]:
    """Return what a browser gets at the endpoint."""
    if settings.graphiql:
        return partial(page, endpoint=PATH, demo_token=demo_token, has_dashboard=settings.dashboard)
    return partial(
        landing,
        endpoint=PATH,
        introspection=settings.introspection,
        only_trusted=settings.only_trusted_documents,
        has_dashboard=settings.dashboard,
    )


def _pages(settings: Settings, demo_token: str | None) -> list[Route]:
    """Return what a browser gets beside it."""
    files = assets() if settings.graphiql else []
    if settings.dashboard:
        return [*dashboard(endpoint=PATH, has_explorer=settings.graphiql, demo_token=demo_token), *files]
    return [Route("/", _to_endpoint), *files]


async def _to_endpoint(_: Request) -> Response:
    return RedirectResponse(PATH.lstrip("/"))
