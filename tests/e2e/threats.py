"""The whole application and its sandbox over real HTTP, with one movable clock for both: for tests of threats."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette

from gateway.app import PATH, create_app
from gateway.demo.algorithm_stories import memory_job_id
from gateway.demo.graphs import PROJECT_ID
from gateway.demo.simulator import create_sandbox
from gateway.demo.tokens import Tokens
from gateway.runtime import Clock
from gateway.settings import Settings
from schema.ids import GraphKey, JobRef, job_id_of
from schema.plane import Plane
from tests.support_served import served

NOW = datetime(2026, 3, 5, 2, 0, 0, tzinfo=UTC)
ALL, SUPPLY, RESTRICTED = "sandbox-token-all", "sandbox-token-supply", "sandbox-token-restricted"
GOOD = {"X-Auth-Token": ALL}
# One graph that every token but a wrong one may read.
HELLO = '{ graph(by: { name: "supply_chain" }) { graphId } }'


@dataclass
class Timepiece:
    """The time of the gateway and of GES: real, and moved on by tests."""

    seconds: float = 0.0

    def clock(self) -> Clock:
        """Return the gateway's clock."""
        return Clock(now=self.now, monotonic=lambda: time.monotonic() + self.seconds, sleep=asyncio.sleep)

    def now(self) -> datetime:
        """Return a time that only tests move, so that the jobs of the sandbox stand still."""
        return NOW + timedelta(seconds=self.seconds)


@dataclass
class Bench:
    """A gateway on a port, a client of it, and the sandbox behind it."""

    url: str
    client: httpx.AsyncClient
    app: Starlette
    sandbox: Starlette
    time: Timepiece = field(default_factory=Timepiece)

    async def ask(self, query: str, token: str | None = ALL, **headers: str) -> httpx.Response:
        """Send one operation as this caller."""
        return await self.post({"query": query}, token, **headers)

    async def post(self, body: Any, token: str | None = ALL, **headers: str) -> httpx.Response:
        """Send one body as this caller."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(PATH, json=body, headers={**credential(token), **named})

    async def events(self, query: str, token: str | None) -> list[Any]:
        """Return all that a subscription tells by server-sent events, until it ends."""
        return [event async for event in self.stream(query, token)]

    async def stream(self, query: str, token: str | None) -> AsyncGenerator[Any]:
        """Give what a subscription tells."""
        headers = {**credential(token), "Accept": "text/event-stream"}
        async with self.client.stream("POST", PATH, json={"query": query}, headers=headers) as answer:
            if not answer.headers["content-type"].startswith("text/event-stream"):
                yield json.loads(await answer.aread())
                return
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    yield json.loads(line.removeprefix("data: "))

    def upstream(self) -> list[str]:
        """Return the paths that GES was asked for since this was asked last."""
        calls = self.sandbox.state.calls
        paths = [call.path for call in calls.calls]
        calls.clear()
        return paths

    async def raw(self, content: bytes, seconds: float = 5.0) -> bytes:
        """Send bytes on a connection of their own, and return all that comes until it is closed."""
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(content)
        try:
            async with asyncio.timeout(seconds):
                return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def open_bench(**settings: Any) -> AsyncIterator[Bench]:
    """Serve both until the block ends."""
    timepiece = Timepiece()
    sandbox = create_sandbox(clock=timepiece.now)
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(served(sandbox, wired=True))
        chosen = Settings(**{"management_url": origin, "project_id": PROJECT_ID, "cache_settle_seconds": 0, **settings})
        app = create_app(chosen, clock=timepiece.clock())
        url = await stack.enter_async_context(served(app))
        limits = httpx.Limits(max_connections=1000, max_keepalive_connections=20)
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30, limits=limits))
        yield Bench(url, client, app, sandbox, timepiece)


def issued(user: str, seconds: float) -> str:
    """Return a token of a user of the sandbox that ends so long after the start."""
    return Tokens(lifetime_seconds=seconds).issue(user, NOW).text


def credential(token: str | None) -> Mapping[str, str]:
    """Return the header of a caller."""
    return {} if token is None else {"X-Auth-Token": token}


def codes(answer: httpx.Response | Any) -> set[str]:
    """Return the codes of an answer's errors."""
    body = answer.json() if isinstance(answer, httpx.Response) else answer
    return {error["extensions"]["code"] for error in body.get("errors", [])}


def job_id(graph: str, number: int) -> str:
    """Return the global id of a job of the sandbox's memory graphs."""
    return job_id_of(JobRef(Plane.SERVICE, GraphKey(PROJECT_ID, name=graph), memory_job_id(number)))
