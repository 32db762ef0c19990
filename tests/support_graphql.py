"""A small schema with every way a field can end, and the endpoint that serves it; for tests of GraphQL over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import msgspec
import strawberry
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Route
from starlette.types import ASGIApp
from strawberry.schema.config import StrawberryConfig

from gateway.answers import Proofs
from gateway.documents import Documents
from gateway.endpoint import Endpoint
from gateway.http.checking import Checks
from gateway.http.persisted import PersistedDocuments
from gateway.middleware import protection
from gateway.rates import Rates
from gateway.settings import Settings
from gateway.tracing import UNTRACED, Trace
from schema.context import Context, Info
from schema.errors import GatewayError, NotFoundError
from schema.limits import Limits
from schema.plane import Plane
from schema.scalars import JSON, SCALARS

REQUEST_ID = "test-1"


@dataclass
class Watch:
    """What happened to fields that take their time."""

    started: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: bool = False


@dataclass
class FakeOpened:
    """An opened context whose costs are made up."""

    context: Context
    watch: Watch
    upstream_calls: int = 3
    cache_hits: int = 2
    proofs: Proofs = field(default_factory=Proofs)
    closed: int = 0
    caller: str | None = None
    trace: Trace = UNTRACED

    async def close(self) -> None:
        self.closed += 1


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "you") -> str:
        return f"Hello, {name}!"

    @strawberry.field
    async def patient(self, info: Info) -> str:
        watch = cast("WatchedContext", info.context).watch
        watch.started.set()
        try:
            return str(await asyncio.Event().wait())
        except asyncio.CancelledError:
            watch.cancelled = True
            raise

    @strawberry.field
    async def missing(self) -> str | None:
        raise NotFoundError("There is no such job.", plane=Plane.SERVICE, upstream_code="GES.7007")

    @strawberry.field
    async def defect(self) -> str | None:
        raise RuntimeError("secret-token")

    @strawberry.field
    def needed(self) -> str:
        raise NotFoundError("There is no such job.")

    @strawberry.field
    def reported(self, info: Info) -> str | None:
        info.context.report(NotFoundError("Half of it is missing."), info)
        return "half"

    @strawberry.field
    def rows(self) -> JSON:
        return JSON([msgspec.Raw(b'{"id":1e2}'), float("nan"), "Zürich"])

    @strawberry.field
    def badly_written(self) -> JSON:
        return JSON({"text": object()})


@strawberry.type
class Mutation:
    @strawberry.mutation
    def change(self) -> bool:
        return True


@dataclass(slots=True)
class WatchedContext(Context):
    watch: Watch = field(default_factory=Watch)


SCHEMA = strawberry.Schema(Query, Mutation, config=StrawberryConfig(scalar_map=SCALARS))


@dataclass
class Door:
    """Opens contexts and remembers them; refuses instead when told so."""

    refusal: GatewayError | None = None
    watch: Watch = field(default_factory=Watch)
    opened: list[FakeOpened] = field(default_factory=list)

    async def __call__(self, request: HTTPConnection, request_id: str) -> FakeOpened:
        if self.refusal is not None:
            raise self.refusal
        nothing: Any = None
        context = WatchedContext(
            jobs=nothing,
            graphs=nothing,
            planes=list,
            version="0",
            now=datetime(2026, 3, 4, tzinfo=UTC),
            request_id=request_id,
            project_id=None,
            watch=self.watch,
        )
        self.opened.append(FakeOpened(context, self.watch))
        return self.opened[-1]


def application(
    door: Door | None = None,
    settings: Settings | None = None,
    *,
    limits: Limits | None = None,
    introspection: bool = True,
    rates: Rates | None = None,
    persisted: PersistedDocuments | None = None,
    **options: Any,
) -> Starlette:
    """Return the endpoint behind everything a request passes."""
    limits = limits or Limits()
    documents = Documents(SCHEMA._schema, limits, introspection=introspection, rates=rates)
    checks = Checks(documents, limits, persisted)
    endpoint = Endpoint(SCHEMA, open_context=door or Door(), checks=checks, introspection=introspection, **options)
    return Starlette(routes=[Route("/graphql", endpoint)], middleware=protection(settings or Settings()))


@asynccontextmanager
async def client_of(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of an application in this process."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://gateway", headers={"X-Request-Id": REQUEST_ID}
    ) as client:
        yield client
