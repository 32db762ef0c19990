"""Real clients of subscriptions: those that frontend applications use, and Python's, each watching a sandbox job."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport

from gateway.app import PATH, create_app
from gateway.demo.graphs import PROJECT_ID
from gateway.demo.simulator import create_sandbox
from gateway.settings import Settings
from schema.ids import GraphKey, JobRef, job_id_of
from schema.plane import Plane
from tests.e2e.live import QUICK, WATCH, on_a_port

TOKEN = {"X-Auth-Token": "sandbox-token-all"}
# Runs from 10 to 40 seconds after the beginning, and succeeds.
JOB = JobRef(Plane.SERVICE, GraphKey(PROJECT_ID, name="supply_chain"), "5e9c072b-41d8-4b6a-93f0-27ac1d0e002b007740253")
ID = job_id_of(JOB)
# The looks at which the service plane is out of service: more than one poll repeats, fewer than open a breaker.
OUTAGE = range(20, 24)
EVENTS = [
    ("SNAPSHOT", "PENDING"),
    ("CHANGED", "RUNNING"),
    ("POLL_FAILED", "RUNNING"),
    ("CHANGED", "RUNNING"),
    ("FINISHED", "SUCCEEDED"),
]


class Stepped(httpx.AsyncBaseTransport):
    """The sandbox, in which a second passes with each look at the job: a slow client misses nothing for being slow."""

    def __init__(self) -> None:
        self.looks = 0
        began = datetime(2026, 3, 5, tzinfo=UTC)
        self._sandbox = create_sandbox(clock=lambda: began + timedelta(seconds=self.looks))
        self._inner = httpx.ASGITransport(self._sandbox)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if JOB.job_id in request.url.path:
            self.looks += 1
            trouble = {"kind": "status503"} if self.looks in OUTAGE else None
            self._sandbox.state.trouble.set({"service": trouble})
        return await self._inner.handle_async_request(request)


@pytest.fixture
def origin() -> Iterator[str]:
    """A gateway in front of the sandbox."""
    settings = Settings(management_url="http://ges.sandbox", project_id=PROJECT_ID, **QUICK)
    with on_a_port(create_app(settings, transport=Stepped())) as (found, _):
        yield found


def told(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["type"], event["job"]["status"]) for event in events]


@pytest.mark.parametrize("client", ["graphql-ws", "graphql-sse", "apollo"])
def test_a_client_from_npm_is_told_everything_in_order(origin: str, programs: Path, client: str) -> None:
    """Its state, the outage, the recovery and the end; then its stream completes."""
    arguments = (client, origin + PATH, TOKEN["X-Auth-Token"], ID)
    ended = subprocess.run(
        ("node", str(programs / "watch.mjs"), *arguments), capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    *events, last = [json.loads(line) for line in ended.stdout.splitlines()]
    assert last == "complete"
    assert told(events) == EVENTS
    assert {event["job"]["id"] for event in events} == {ID}


def test_the_python_client_is_told_everything_in_order(origin: str) -> None:
    """It offers both protocols and gets the one that is spoken here."""

    async def watch() -> list[dict[str, Any]]:
        transport = WebsocketsTransport(
            url=origin.replace("http", "ws") + PATH, init_payload=dict(TOKEN), connect_args={"compression": None}
        )
        request = gql(WATCH)
        request.variable_values = {"id": ID}
        async with Client(transport=transport) as session:
            return [result["jobUpdated"] async for result in session.subscribe(request)]

    assert told(asyncio.run(watch())) == EVENTS
