"""Real clients of subscriptions: those that frontend applications use, and Python's, each watching a job to its end."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport

from tests import support_npm
from tests.e2e.live import GOOD, ID, WATCH, Served, serving

CLIENTS = Path(__file__).parents[1] / "clients"
# The outage lasts several looks, so that no client misses it for being slow.
STORY = ("running",) * 40 + ("away",) * 40 + ("running",) * 40 + ("success",)
EVENTS = [
    ("SNAPSHOT", "RUNNING"),
    ("POLL_FAILED", "RUNNING"),
    ("CHANGED", "RUNNING"),
    ("FINISHED", "SUCCEEDED"),
]


@pytest.fixture
def gateway() -> Iterator[Served]:
    """A gateway whose job runs, cannot be asked for a while, runs and ends."""
    with serving(*STORY) as found:
        yield found


@pytest.fixture(scope="module")
def programs() -> Path:
    """The programs in tests/clients, with their packages; without them nothing here may pass."""
    problem = support_npm.install(CLIENTS)
    assert problem is None, problem
    return support_npm.home_of(CLIENTS)


def told(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["type"], event["job"]["status"]) for event in events]


@pytest.mark.parametrize("client", ["graphql-ws", "graphql-sse", "apollo"])
def test_a_client_from_npm_is_told_everything_in_order(gateway: Served, programs: Path, client: str) -> None:
    """Its state, the outage, the recovery and the end; then its stream completes."""
    arguments = (client, f"{gateway.origin}/graphql", GOOD["X-Auth-Token"], ID)
    ended = subprocess.run(
        ("node", str(programs / "watch.mjs"), *arguments), capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    *events, last = [json.loads(line) for line in ended.stdout.splitlines()]
    assert last == "complete"
    assert told(events) == EVENTS
    assert {event["job"]["id"] for event in events} == {ID}


def test_the_python_client_is_told_everything_in_order(gateway: Served) -> None:
    """It offers both protocols and gets the one that is spoken here."""

    async def watch() -> list[dict[str, Any]]:
        transport = WebsocketsTransport(url=gateway.socket, init_payload=dict(GOOD), connect_args={"compression": None})
        request = gql(WATCH)
        request.variable_values = {"id": ID}
        async with Client(transport=transport) as session:
            return [result["jobUpdated"] async for result in session.subscribe(request)]

    assert told(asyncio.run(watch())) == EVENTS
