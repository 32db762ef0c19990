"""Tests of running one operation."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from graphql import ExecutionResult, parse
from starlette.requests import ClientDisconnect, Request

from gateway.http.operation import Executor, Operation
from schema.build import build_schema
from tests.support_graphql import SCHEMA, Door

anyio = pytest.mark.anyio
EXECUTOR = Executor(SCHEMA, hide_suggestions=False)


class Line:
    """The connection to a client that says nothing more, until it hangs up."""

    def __init__(self) -> None:
        self.hung_up = asyncio.Event()
        self.sent = 0

    async def receive(self) -> MutableMapping[str, Any]:
        self.sent += 1
        if self.sent == 1:
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.hung_up.wait()
        return {"type": "http.disconnect"}


async def run(text: str, door: Door, line: Line, seconds: float = 60, **variables: Any) -> ExecutionResult:
    """Run a document with the test schema."""
    operation = Operation(parse(text), None, variables, None)
    context = (await door(Request({"type": "http", "headers": []}), "r")).context
    return await EXECUTOR.run(operation, context, line.receive, seconds)


@anyio
async def test_a_synchronous_operation_gives_its_result() -> None:
    """Without a task of its own."""
    line = Line()
    result = await run("query ($n: String!) { hello(name: $n) }", Door(), line, n="Ada")
    assert (result.data, result.errors, line.sent) == ({"hello": "Hello, Ada!"}, None, 0)


@anyio
async def test_an_asynchronous_operation_gives_its_result() -> None:
    """While the connection is watched."""
    result = await run("{ missing hello }", Door(), Line())
    assert result.data == {"missing": None, "hello": "Hello, you!"}


@anyio
async def test_a_client_that_leaves_ends_its_operation() -> None:
    """Nobody works for somebody who is not there."""
    door, line = Door(), Line()
    running = asyncio.create_task(run("{ patient }", door, line))
    await door.watch.started.wait()
    line.hung_up.set()
    with pytest.raises(ClientDisconnect):
        await running
    assert door.watch.cancelled


@anyio
async def test_an_operation_ends_with_its_time() -> None:
    """Whatever it waits for."""
    door = Door()
    with pytest.raises(TimeoutError):
        await run("{ patient }", door, Line(), seconds=0.01)
    assert door.watch.cancelled


@anyio
async def test_a_server_that_stops_ends_its_operations() -> None:
    """Cancelling the request cancels what it runs."""
    door = Door()
    running = asyncio.create_task(run("{ patient }", door, Line()))
    await door.watch.started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert door.watch.cancelled


def test_the_contract_uses_no_extensions_of_the_schema() -> None:
    """They would not run here, and nobody would notice."""
    assert not build_schema().extensions
