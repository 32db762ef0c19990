"""A gateway and a sandbox in trouble, over real HTTP, and every query of the README asked of them at once.

The sandbox's clock stands, so that an answer is right when it is the answer of a sandbox without trouble.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.app import PATH, create_app
from gateway.demo.graphs import PROJECT_ID
from gateway.demo.simulator import create_sandbox
from gateway.settings import Settings
from tests.support_served import deaf, served
from tests.test_docs import BLOCKS

TOKEN = "sandbox-token-all"
# What one call may take, on a machine with nothing else to do; an operation may take twice as long.
CALL_SECONDS = 1.5
NOW = datetime(2026, 3, 5, 2, 0, 0, tzinfo=UTC)
HANG_CONNECT = "hang_connect"
# The plane that has what a query asks for; of the others, both have a part.
PLANE_OF = {
    **dict.fromkeys(("TaskCenter", "TriageImport"), "management"),
    **dict.fromkeys(("FindJob", "FirstPage", "NextPage", "TypedRows", "Wait", "ReadAgain", "Export"), "service"),
}
# Of no job; the same at any time, or no matter at all.
_VARYING = {"requestId", "fetchedAt", "cached", "immutable"}


def _queries() -> dict[str, str]:
    texts = [block.text for block in BLOCKS if block.language == "graphql"]
    # A clock that stands ends no job.
    texts = [re.sub(r"waitSeconds: \d+", "waitSeconds: 0", text) for text in texts]
    return {found[1]: text for text in texts if (found := re.search(r"\bquery (\w+)", text))}


QUERIES = _queries()


@dataclass
class Told:
    """One answer as its client got it."""

    status: int
    seconds: float
    text: str
    json: Any

    @property
    def errors(self) -> list[dict[str, Any]]:
        """What it says went wrong."""
        return self.json.get("errors", []) if isinstance(self.json, dict) else []


@dataclass
class Lag:
    """How late the loop of this process was at worst: the clients, the gateway and the sandbox share it."""

    seconds: float = 0.0

    async def measure(self) -> None:
        """Measure for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due_at = loop.time() + 0.01
            await asyncio.sleep(0.01)
            self.seconds = max(self.seconds, loop.time() - due_at)


@dataclass
class Troubled:
    """A gateway, a client of it, and the sandbox behind it."""

    client: httpx.AsyncClient
    sandbox: Starlette
    lag: Lag
    # Names of the headers that reached the planes.
    headers: set[str] = field(default_factory=set)

    def strike(self, plane: str, kind: str | None) -> None:
        """Put a plane in trouble, or out of it."""
        self.sandbox.state.trouble.set({plane: kind and {"kind": kind, "seconds": 1 if kind == "throttled" else 0.3}})

    @property
    def calls(self) -> int:
        """How many calls reached the planes."""
        return len(self.sandbox.state.calls.calls)

    async def ask(self, query: str) -> Told:
        """Ask one query."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer = await self.client.post(PATH, json={"query": query}, headers={"X-Auth-Token": TOKEN})
        seconds = loop.time() - began
        return Told(answer.status_code, seconds, answer.text, answer.json())

    async def ask_all(self) -> dict[str, Told]:
        """Ask every query at once."""
        answers = await asyncio.gather(*map(self.ask, QUERIES.values()))
        return dict(zip(QUERIES, answers, strict=True))


@asynccontextmanager
async def troubled(call_seconds: float = CALL_SECONDS, deaf_plane: str | None = None) -> AsyncIterator[Troubled]:
    """Serve both; the address of a deaf plane takes no connection."""
    sandbox = create_sandbox(clock=lambda: NOW)
    headers: set[str] = set()
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(served(sandbox, wired=True))
        sandbox.middleware_stack = _noting(sandbox.middleware_stack, headers)
        nowhere = await stack.enter_async_context(deaf()) if deaf_plane else origin
        chosen: dict[str, Any] = {
            "management_url": nowhere if deaf_plane == "management" else origin,
            # Found without the directory, which may be what is in trouble.
            "service_urls": {"supply_chain": nowhere if deaf_plane == "service" else origin},
            "project_id": PROJECT_ID,
            "upstream_timeout_seconds": call_seconds,
            "request_timeout_seconds": 2 * call_seconds,
            # Of a body that has no end.
            "max_body_bytes": 2**20,
        }
        url = await stack.enter_async_context(served(create_app(Settings(**chosen))))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
        lag = Lag()
        measuring = asyncio.create_task(lag.measure())
        stack.callback(measuring.cancel)
        yield Troubled(client, sandbox, lag, headers)


def _noting(app: ASGIApp | None, names: set[str]) -> ASGIApp:
    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        names.update(name.decode() for name, _ in scope.get("headers", ()))
        assert app is not None
        await app(scope, receive, send)

    return note


def told_alike(value: Any) -> Any:
    """Return an answer without what no two answers share."""
    if isinstance(value, dict):
        return {name: told_alike(member) for name, member in value.items() if name not in _VARYING}
    if isinstance(value, list):
        return [told_alike(item) for item in value]
    return value
