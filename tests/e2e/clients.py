"""Programs of real clients, run by Node.js against a gateway whose two planes are the sandbox. Knows no client."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from gateway.app import PATH, create_app
from gateway.demo.graphs import PROJECT_ID
from gateway.demo.simulator import create_sandbox
from gateway.settings import Settings
from tests import support_npm
from tests.e2e import browser

CLIENTS = Path(__file__).parents[1] / "clients"
HOME = support_npm.home_of(CLIENTS)
TOKEN = "sandbox-token-all"
MANAGEMENT_URL = "http://ges.example"
PATIENCE_SECONDS = 60


@contextmanager
def serving(*, pace: int = 0, **settings: Any) -> Iterator[str]:
    """
    Serve the gateway and give its address.

    Time in the sandbox goes by `pace` times as fast as ours. By default it stands still: lists that are paged do not
    change meanwhile.
    """
    began = datetime.now(UTC)

    def clock() -> datetime:
        return began + timedelta(seconds=pace * (datetime.now(UTC) - began).total_seconds())

    sandbox = create_sandbox(clock=clock)
    chosen = {"management_url": MANAGEMENT_URL, "project_id": PROJECT_ID, "watch_first_seconds": 0.1, **settings}
    app = create_app(Settings(**chosen), transport=httpx.ASGITransport(sandbox))
    with browser.serving(app) as origin:
        yield f"{origin}{PATH}"


@dataclass(frozen=True)
class Told:
    """What a program told, by its concerns."""

    lines: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, printed: str) -> Told:
        lines = map(json.loads, printed.splitlines())
        return cls({line["concern"]: line for line in lines})

    def __getitem__(self, concern: str) -> Any:
        line = self.lines.get(concern, {"failed": f"it told nothing of {concern}"})
        assert "told" in line, line["failed"]
        return line["told"]


def run(*command: str, folder: Path = HOME, environ: Mapping[str, str] | None = None) -> str:
    """Run one command of Node.js in the clients' home, and return what it printed. It must end well."""
    ended = subprocess.run(
        ("node", *command),
        cwd=folder,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}{ended.stderr}"
    return ended.stdout


def hear(url: str, *program: str, argument: str = "") -> Told:
    """Run a program against the gateway, and return what it told."""
    return Told.read(run(*program, url, TOKEN, argument))


def ask(url: str, query: str) -> Any:
    """Ask the gateway as no client does, and return the data: what clients are compared with."""
    answer = httpx.post(url, json={"query": query}, headers={"X-Auth-Token": TOKEN}).json()
    assert "errors" not in answer, answer
    return answer["data"]


def all_pages(url: str, query: str, connection_of: Callable[[Any], Any]) -> list[Any]:
    """Return the nodes of one page that is as large as the whole list."""
    connection = connection_of(ask(url, query))
    assert connection["pageInfo"] == {"hasNextPage": False}
    return list(connection["nodes"])
