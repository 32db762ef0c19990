"""A gateway in this process with the sandbox as both of its planes, and one fake clock for the two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.applications import Starlette

from gateway.app import PATH, create_app
from gateway.demo.graphs import PROJECT_ID
from gateway.demo.simulator import create_sandbox
from gateway.settings import Settings
from tests import support_clock

MANAGEMENT_URL = "http://ges.example"


@dataclass(frozen=True)
class Gateway:
    """The gateway under test, a client of it, and the sandbox behind it."""

    app: Starlette
    sandbox: Starlette
    client: httpx.AsyncClient

    async def ask(
        self, query: str, variables: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send one operation."""
        body = {"query": query, "variables": variables}
        return await self.client.post(PATH, json=body, headers=headers)

    def upstream_calls(self) -> list[str]:
        """Return the calls that GES received since they were last asked for, as `GET /path?query`."""
        calls = self.sandbox.state.calls
        told = [f"{call.method} {_target(call.path, call.query)}" for call in calls.calls]
        calls.clear()
        return told


@asynccontextmanager
async def open_gateway(**settings: Any) -> AsyncIterator[Gateway]:
    """Serve a gateway on the running loop, which must be one of fake time, and close it again."""
    sandbox = create_sandbox(clock=support_clock.now, sleep=asyncio.sleep)
    chosen = Settings(**{"management_url": MANAGEMENT_URL, "project_id": PROJECT_ID, "watch_jitter": 0, **settings})
    app = create_app(chosen, transport=httpx.ASGITransport(sandbox), clock=support_clock.fake_clock())
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.example") as client,
    ):
        yield Gateway(app, sandbox, client)


def _target(path: str, query: dict[str, str]) -> str:
    path = path.replace(f"/{PROJECT_ID}/", "/{project}/").replace(f"/{PROJECT_ID}", "/{project}")
    return path + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")
