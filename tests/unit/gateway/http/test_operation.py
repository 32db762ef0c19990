"""Tests of running one operation."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
import strawberry
from graphql import ExecutionResult, get_operation_ast, parse
from starlette.requests import ClientDisconnect, Request
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.http.operation import Executor, Operation, WhileConnected, _together
from schema.build import build_schema
from schema.context import Context
from schema.plans import Plans
from schema.scalars import SCALARS
from tests.support_graphql import SCHEMA, Door, Query

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


async def opened(door: Door) -> Context:
    """Open a context."""
    return (await door(Request({"type": "http", "headers": []}), "r")).context


async def run(text: str, door: Door, line: Line, seconds: float = 60, **variables: Any) -> ExecutionResult:
    """Run a document with the test schema."""
    operation = Operation(parse(text), None, variables, None)
    return await EXECUTOR.run(operation, await opened(door), line.receive, seconds)


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


@anyio
async def test_a_client_that_stays_long_does_not_disturb() -> None:
    """It is listened to after a moment, and no longer than its operation takes."""
    line, before = Line(), asyncio.all_tasks()
    with pytest.raises(TimeoutError):
        await run("{ patient }", Door(), line, seconds=0.05)
    assert line.sent == 2
    assert asyncio.all_tasks() == before


@anyio
async def test_a_client_that_left_before_it_is_listened_to_has_left() -> None:
    """Nobody listens at first, as most operations are over by then."""
    line = Line()
    line.hung_up.set()
    with pytest.raises(ClientDisconnect):
        await run("{ patient }", Door(), line)
    assert (await run("{ missing }", Door(), line)).data == {"missing": None}


@anyio
async def test_time_that_a_field_ran_out_of_is_its_own() -> None:
    """It is no deadline of ours, nor has the client left."""

    async def late(line: Line) -> None:
        async with WhileConnected(line.receive, 60):
            raise TimeoutError("of a plane")

    with pytest.raises(TimeoutError, match="plane"):
        await late(Line())


@anyio
async def test_all_is_awaited_to_its_end_and_the_first_failure_is_raised() -> None:
    """So that nothing of an operation goes on after it."""
    ended: list[int] = []

    async def end(number: int, turns: int, error: BaseException | None = None) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        ended.append(number)
        if error is not None:
            raise error
        return number

    assert await _together([end(1, 3), end(2, 1)]) == [1, 2]
    with pytest.raises(KeyError):
        await _together([end(3, 3), end(4, 2, KeyError()), end(5, 1, ValueError()), end(6, 4)])
    assert ended == [2, 1, 5, 4, 3, 6]


# --- Plans ---------------------------------------------------------------------------------------------------------


class Counting(StrawberryGraphQLCoreExecutionContext):
    """The executor of the schema, counting."""

    built = 0

    @classmethod
    def build(cls, *args: Any, **kwargs: Any) -> Any:
        cls.built += 1
        return super().build(*args, **kwargs)


COUNTED = strawberry.Schema(Query, execution_context_class=Counting, config=StrawberryConfig(scalar_map=SCALARS))


async def planned(text: str, *, times: int = 3) -> tuple[list[ExecutionResult], list[Context], int]:
    """Run a document several times with its plans; return results, contexts and how often it was executed."""
    tree = parse(text)
    node, plans, executor = get_operation_ast(tree), Plans(tree), Executor(COUNTED, hide_suggestions=False)
    operation, before = Operation(tree, None, None, None, node, plans), Counting.built
    contexts = [await opened(Door()) for _ in range(times)]
    results = [await executor.run(operation, context, Line().receive, 60) for context in contexts]
    return results, contexts, Counting.built - before


@anyio
async def test_what_is_planned_is_executed_once() -> None:
    """The answers are the same."""
    results, _, executed = await planned('{ hello(name: "Ada") it: hello }')
    assert [result.data for result in results] == [{"hello": "Hello, Ada!", "it": "Hello, you!"}] * 3
    assert executed == 1


@anyio
@pytest.mark.parametrize(
    ("text", "message"), [("{ missing }", "no such job"), ("{ defect }", "secret"), ("{ needed }", "no such job")]
)
async def test_what_a_plan_cannot_tell_is_executed(text: str, message: str) -> None:
    """Each time: the error is told at its place."""
    results, _, executed = await planned(text)
    for result in results:
        [error] = result.errors or []
        assert message in error.message
        assert error.path == [text.strip("{} ")]
    assert executed == 3


@anyio
async def test_what_is_reported_beside_the_data_is_reported_once() -> None:
    """What the plan heard of it, it did not know the place of."""
    results, contexts, executed = await planned("{ reported }")
    assert [result.data for result in results] == [{"reported": "half"}] * 3
    assert [[problem.path for problem in context.problems] for context in contexts] == [[["reported"]]] * 3
    assert executed == 3


@anyio
async def test_a_client_that_leaves_ends_its_plan() -> None:
    """It is not executed after that."""
    tree, door, line = parse("{ patient }"), Door(), Line()
    plans, node = Plans(tree), get_operation_ast(tree)
    assert node is not None
    assert plans.find(COUNTED._schema, node, None) is None
    before = Counting.built
    operation = Operation(tree, None, None, None, node, plans)
    executor = Executor(COUNTED, hide_suggestions=False)
    running = asyncio.create_task(executor.run(operation, await opened(door), line.receive, 60))
    await door.watch.started.wait()
    line.hung_up.set()
    with pytest.raises(ClientDisconnect):
        await running
    assert door.watch.cancelled
    assert Counting.built == before


def test_the_contract_uses_no_extensions_of_the_schema() -> None:
    """They would not run here, and nobody would notice."""
    assert not build_schema().extensions
