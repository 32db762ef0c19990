"""Operations whose results come one after the other: what each runs with, what ends them, what they take."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any

import pytest
import strawberry
from graphql import OperationType, get_operation_ast, parse
from starlette.requests import HTTPConnection
from strawberry.schema.config import StrawberryConfig

from gateway.http.operation import Executor, Operation
from gateway.http.stream import Stream, StreamEndedError, Streams, StreamSeats, entry_of
from gateway.seats import Seats
from schema.context import Info
from schema.errors import ForbiddenError, LimitExceededError, NotFoundError, OverloadedError
from schema.scalars import SCALARS
from tests.support_graphql import Door, Query

pytestmark = pytest.mark.anyio
COUNT = "subscription ($to: Int!, $fail: String) { count(to: $to, fail: $fail) { number context broken } }"


@strawberry.type
class Number:
    number: int

    @strawberry.field
    def context(self, info: Info) -> str:
        return str(id(info.context))

    @strawberry.field
    async def broken(self) -> str | None:
        if self.number == 2:
            raise NotFoundError("The second is missing.")
        return None


left: list[str] = []


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int, fail: str | None = None) -> AsyncGenerator[Number]:
        try:
            for number in range(1, to + 1):
                yield Number(number=number)
            if fail == "refused":
                raise ForbiddenError("Not any longer.")
            if fail == "broken":
                raise RuntimeError("secret-token")
        finally:
            left.append("left")


CONFIG = StrawberryConfig(scalar_map=SCALARS)
EXECUTOR = Executor(strawberry.Schema(Query, subscription=Subscription, config=CONFIG), hide_suggestions=False)


async def start(text: str, door: Door | None = None, seats: StreamSeats | None = None, **variables: Any) -> Stream:
    """Start an operation."""
    left.clear()
    tree = parse(text)
    node = get_operation_ast(tree)
    assert node is not None
    reopen = partial(door or Door(), HTTPConnection({"type": "http", "headers": []}), "r")
    streams = Streams(EXECUTOR, seats or StreamSeats(), seconds=60)
    return streams.start(Operation(tree, None, variables, None), node.operation, opened=await reopen(), reopen=reopen)


async def results_of(stream: Stream) -> list[Any]:
    """Return all results; what ends them early comes last, as its entries."""
    found: list[Any] = []
    try:
        async with aclosing(stream.results()) as results:
            async for result in results:
                found.append(json.loads(result))
    except StreamEndedError as error:
        found.append(error.entries)
    finally:
        await stream.close()
    return found


async def test_each_event_has_a_context_of_its_own() -> None:
    """What was read for an earlier one may be stale. All are closed, and what they cost is counted together."""
    door = Door()
    stream = await start("subscription { count(to: 3) { number context } }", door)
    results = await results_of(stream)
    contexts = [result["data"]["count"]["context"] for result in results]
    assert contexts == [str(id(opened.context)) for opened in door.opened[1:]]
    assert [opened.closed for opened in door.opened] == [1, 1, 1, 1]
    assert (stream.upstream_calls, stream.cache_hits) == (12, 8)
    assert left == ["left"]


async def test_an_error_of_a_field_belongs_to_its_event() -> None:
    """The stream goes on."""
    stream = await start(COUNT, to=3)
    results = await results_of(stream)
    assert [result["data"]["count"]["number"] for result in results] == [1, 2, 3]
    assert [len(result.get("errors", ())) for result in results] == [0, 1, 0]
    assert stream.codes == {"NOT_FOUND"}


@pytest.mark.parametrize(("fail", "code"), [("refused", "FORBIDDEN"), ("broken", "INTERNAL_SERVER_ERROR")])
async def test_an_error_of_the_events_ends_the_stream(fail: str, code: str) -> None:
    """Without data; a defect is masked."""
    stream = await start(COUNT, to=1, fail=fail)
    first, (entry,) = await results_of(stream)
    assert first["data"]["count"]["number"] == 1
    assert (entry["extensions"]["code"], entry["extensions"]["requestId"]) == (code, "r")
    assert "secret" not in entry["message"]
    assert stream.codes == {code}


@pytest.mark.parametrize("text", [COUNT, "query ($to: Int!) { hello(name: $to) @skip(if: $to) }"])
async def test_variables_that_cannot_be_meant_are_told_before_any_result(text: str) -> None:
    """Execution does not begin."""
    ((entry,),) = await results_of(await start(text, to="many"))
    assert entry["extensions"] == {"code": "BAD_USER_INPUT", "requestId": "r"}


async def test_a_defect_of_a_field_is_masked() -> None:
    """And logged, under the request id."""
    stream = await start("{ defect }")
    (result,) = await results_of(stream)
    assert result["data"] == {"defect": None}
    assert stream.codes == {"INTERNAL_SERVER_ERROR"}
    assert "secret" not in json.dumps(result)


async def test_a_query_has_one_result() -> None:
    """With the context that it was opened with."""
    door = Door()
    assert await results_of(await start("{ hello }", door)) == [{"data": {"hello": "Hello, you!"}}]
    assert [opened.closed for opened in door.opened] == [1]


async def test_a_reader_that_leaves_ends_the_events_and_frees_the_seat() -> None:
    """At once."""
    seats = StreamSeats()
    stream = await start(COUNT, seats=seats, to=1000)
    async with aclosing(stream.results()) as results:
        await anext(results)
        assert (seats.subscriptions.taken, seats.operations.taken) == (1, 0)
    await stream.close()
    assert left == ["left"]
    assert seats.subscriptions.taken == 0


async def test_queries_and_subscriptions_take_different_seats() -> None:
    """Each kind is refused by its own bound, and a refused one takes nothing."""
    subscriptions = Seats("subscriptions", maximum=2, per_caller=1)
    seats = StreamSeats(subscriptions, Seats("operations", maximum=1, per_caller=1))
    watching, asking = await start(COUNT, seats=seats, to=1), await start("{ hello }", seats=seats)
    with pytest.raises(LimitExceededError):
        await start(COUNT, seats=seats, to=1)
    with pytest.raises(OverloadedError):
        await start("{ hello }", seats=seats)
    assert (subscriptions.taken, seats.operations.taken) == (1, 1)
    for stream in (watching, asking):
        await stream.close()
    assert seats.take(OperationType.SUBSCRIPTION, None)


async def test_a_result_that_takes_too_long_ends_the_stream() -> None:
    """The net below the deadlines of the reads."""
    stream = await start("{ patient }")
    stream._seconds = 0.01
    ((entry,),) = await results_of(stream)
    assert entry["extensions"]["code"] == "TIMEOUT"


async def test_an_error_is_told_as_what_it_is() -> None:
    """Ours with all it says; anything else says nothing."""
    entry = entry_of(LimitExceededError("operations", 50, 51), "r")
    assert entry["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": "operations",
        "maximum": 50,
        "asked": 51,
        "requestId": "r",
    }
    assert entry_of(TimeoutError(), "r")["extensions"]["code"] == "TIMEOUT"
