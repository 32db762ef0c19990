"""A GES that says what it is told, at the seam of the transport, and readers on it. Knows no endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from gateway.auth.caller import Caller, scope_of
from gateway.auth.gatekeeper import caller_with
from gateway.graphs import Directory
from gateway.operations import address_book
from gateway.reader import Reader
from gateway.runtime import Runtime
from gateway.settings import Settings
from tests.support_clock import fake_clock

ORIGIN = "http://ges.example"
Said = tuple[int, Any]


@dataclass(eq=False)
class Ges(httpx.AsyncBaseTransport):
    """
    Answers by path and query: `says` first by the whole target, then by its path. What it is not told is a 503.

    While `held` is set nothing is answered.
    """

    says: dict[str, Said | Callable[[httpx.Request], Said]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    held: asyncio.Event | None = None
    closed: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.decode()
        self.asked.append(target)
        self.tokens.append(request.headers.get("x-auth-token"))
        self.hosts.append(request.url.host)
        if self.held is not None:
            await self.held.wait()
        said = self.says.get(target) or self.says.get(request.url.path) or (503, {})
        status, body = said(request) if callable(said) else said
        return httpx.Response(status, content=msgspec.json.encode(body))

    async def aclose(self) -> None:
        self.closed += 1


def a_caller(token: str = "token-of-one") -> Caller:
    """Make a caller with this token."""
    return Caller(scope_of(token, b"secret"), {"X-Auth-Token": token})


def a_caller_with(*graphs: str) -> Caller:
    """Make a caller to whom these graphs of the project are opened, by our own rule."""
    return caller_with(graphs, "p1", "one", b"secret")


@asynccontextmanager
async def open_runtime(ges: Ges, **settings: Any) -> AsyncIterator[Runtime]:
    """Open what a gateway shares on the running loop, which must be one of fake time."""
    chosen = Settings(**{"management_url": ORIGIN, "project_id": "p1", "watch_jitter": 0, **settings})
    runtime = Runtime(chosen, transport=ges, clock=fake_clock())
    try:
        yield runtime
    finally:
        await runtime.close()


@asynccontextmanager
async def open_reader(runtime: Runtime, caller: Caller | None = None, **options: Any) -> AsyncIterator[Reader]:
    """Open one operation of a caller."""
    reader = Reader(runtime, caller or a_caller(), **options)
    try:
        yield reader
    finally:
        await reader.close()


def a_directory(reader: Reader) -> Directory:
    """Return the directory of an operation."""
    return Directory(reader, address_book(reader.runtime.settings))


def a_described_graph(name: str = "movies", **changes: Any) -> dict[str, Any]:
    """Describe a running memory graph as the management plane does; its address is that of the management plane."""
    return {
        "id": f"id-of-{name}",
        "name": name,
        "status": "200",
        "product_type": "InMemory",
        "private_ip": "ges.example",
        "enable_https": False,
        "enable_rbac": False,
        "created": "2026-01-10T06:30:00",
        **changes,
    }


def a_list_of(*graphs: dict[str, Any]) -> Said:
    """Say which graphs there are."""
    return 200, {"graph_count": len(graphs), "graphs": list(graphs)}
