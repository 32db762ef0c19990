"""The commands about jobs against a gateway in this process, and what they write."""

from __future__ import annotations

import argparse
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from gateway.cli.client import GatewayClient
from gateway.cli.commands import COMMANDS, Session
from gateway.cli.documents import Target
from gateway.cli.output import Output
from tests.e2e.gateway import open_gateway

GRAPH = "supply_chain"
TOKEN = "sandbox-token-all"
SUCCEEDED = "5e9c0705-41d8-4b6a-93f0-27ac1d0e0005007740215"
FAILED = "5e9c0701-41d8-4b6a-93f0-27ac1d0e0001007740211"
PARTIALLY_FAILED = "8a1f0000000000000000000000000003"
RUNNING = "5e9c072b-41d8-4b6a-93f0-27ac1d0e002b007740253"
LARGE = "5e9c0707-41d8-4b6a-93f0-27ac1d0e0007007740217"
DEFAULTS: dict[str, Any] = {
    "timeout": None, "first": 100, "offset": 0, "format": "table", "output": None, "resume": False, "verbatim": False,
}  # fmt: skip


class Terminal(io.TextIOWrapper):
    """A stream of text over bytes in memory, which may say that somebody looks on."""

    def __init__(self, *, is_watched: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)
        self.is_watched = is_watched

    def isatty(self) -> bool:
        return self.is_watched

    @property
    def text(self) -> str:
        content = self.buffer
        assert isinstance(content, io.BytesIO)
        return content.getvalue().decode()


class Shell:
    """Runs commands and remembers what they wrote."""

    def __init__(self, client: GatewayClient) -> None:
        self.client = client
        self.out, self.err = Terminal(), Terminal()

    async def run(self, action: str, job: str, *, watched: bool = False, as_json: bool = False, **options: Any) -> int:
        self.out, self.err = Terminal(), Terminal(is_watched=watched)
        target = Target(job, options.pop("graph", GRAPH), options.pop("instance", None), options.pop("plane", None))
        output = Output(self.out, self.err, as_json=as_json)
        command, _ = COMMANDS[action]
        return await command(Session(self.client, target, output, argparse.Namespace(**{**DEFAULTS, **options})))


@asynccontextmanager
async def open_shell(transport: httpx.AsyncBaseTransport | None = None, token: str = TOKEN) -> AsyncIterator[Shell]:
    """Give a shell whose commands ask the sandbox through a gateway, or whatever the transport is."""
    if transport is not None:
        async with GatewayClient("http://gateway.example", token=token, transport=transport) as client:
            yield Shell(client)
        return
    async with (
        open_gateway() as gateway,
        GatewayClient("http://gateway.example", token=token, transport=httpx.ASGITransport(gateway.app)) as client,
    ):
        yield Shell(client)
