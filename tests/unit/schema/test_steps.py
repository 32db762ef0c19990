"""Steps: each from a value to what is written of it, alone and put together; or giving up."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, cast

import pytest
from graphql import GraphQLFloat, GraphQLInt, GraphQLLeafType, GraphQLScalarType, GraphQLString, Undefined

from schema import steps
from schema.steps import Run, Step, UnplannedError
from tests.fakes import SCHEMA, a_context, a_graph, a_job

pytestmark = pytest.mark.anyio


@dataclass
class Gathering:
    """Awaits all, and remembers how many at a time."""

    sizes: tuple[int, ...] = ()

    async def gather(self, awaitables: Sequence[Awaitable[Any]]) -> list[Any]:
        self.sizes += (len(awaitables),)
        return list(await asyncio.gather(*awaitables))


GATHERING = Gathering()
RUN = Run(a_context(), {"n": 3}, GATHERING.gather)


async def later(value: Any, _: Run) -> Any:
    """Write a value, but not at once."""
    await asyncio.sleep(0)
    return f"later {value}"


LATER, NOW = Step(later, is_async=True), Step(lambda value, _: f"now {value}")
STEPS = pytest.mark.parametrize(("step", "written"), [(NOW, "now"), (LATER, "later")])


async def taken(step: Step, value: Any, run: Run = RUN) -> Any:
    """Take a step to its end."""
    found = step.take(value, run)
    return await found if step.is_async else found


async def test_members_at_once_need_no_waiting() -> None:
    """In the order in which they are selected."""
    step = steps.members({"b": NOW, "a": NOW})
    assert not step.is_async
    assert list((await taken(step, 1)).items()) == [("b", "now 1"), ("a", "now 1")]


@pytest.mark.parametrize(("keys", "sizes"), [("L", ()), ("nLn", ()), ("LnL", (2,)), ("LLnL", (3,))])
async def test_members_that_take_time_are_awaited_together(keys: str, sizes: tuple[int, ...]) -> None:
    """One alone needs no gathering; the order is that of the selection."""
    gathering = Gathering()
    step = steps.members({f"{place}{key}": LATER if key == "L" else NOW for place, key in enumerate(keys)})
    found = await taken(step, 1, Run(RUN.context, {}, gathering.gather))
    assert list(found) == [f"{place}{key}" for place, key in enumerate(keys)]
    assert all(value == ("later 1" if key[-1] == "L" else "now 1") for key, value in found.items())
    assert gathering.sizes == sizes


@STEPS
async def test_an_attribute_is_followed(step: Step, written: str) -> None:
    """At once, when what follows is."""
    joined = steps.joined(attrgetter("imag"), step)
    assert joined.is_async == step.is_async
    assert await taken(joined, 2j) == f"{written} 2.0"


@STEPS
async def test_a_resolver_is_followed(step: Step, written: str) -> None:
    """Synchronous or not; nothing is called before it is awaited."""
    called: list[Any] = []

    def call(source: Any, run: Run) -> Any:
        called.append(source)
        return run.variables["n"]

    async def call_later(source: Any, run: Run) -> Any:
        return call(source, run)

    following, awaited = steps.following(call, step), steps.awaited(call_later, step)
    assert (following.is_async, awaited.is_async) == (step.is_async, True)
    assert [await taken(following, 1), await taken(awaited, 2)] == [f"{written} 3"] * 2
    assert called == [1, 2]
    started = awaited.take(3, RUN)
    assert called == [1, 2]
    started.close()


def test_resolvers_are_called_with_what_they_ask_for() -> None:
    """With arguments or without, with `info` or without."""

    def resolve(source: Any, info: Any = None, **given: Any) -> Any:
        return source, info, given

    def arguments(variables: Any) -> dict[str, Any]:
        return {"first": variables["n"]}

    inform = cast("Callable[[Run], Any]", lambda run: run.context.version)
    assert steps.calling(resolve, None)(1, RUN) == (1, None, {})
    assert steps.calling(resolve, arguments)(1, RUN) == (1, None, {"first": 3})
    assert steps.calling_informed(resolve, None, inform)(1, RUN) == (1, "1.2.3", {})
    assert steps.calling_informed(resolve, arguments, inform)(1, RUN) == (1, "1.2.3", {"first": 3})


@STEPS
async def test_null_ends_what_may_be_null(step: Step, written: str) -> None:
    """And nothing else does, however little it says."""
    optional = steps.optional(step)
    assert optional.is_async == step.is_async
    assert [await taken(optional, value) for value in (None, 0)] == [None, f"{written} 0"]


@STEPS
async def test_null_where_none_may_be_is_given_up(step: Step, written: str) -> None:
    """When it is awaited, if it has to be."""
    required = steps.required(step)
    assert required.is_async == step.is_async
    assert await taken(required, 0) == f"{written} 0"
    with pytest.raises(UnplannedError, match="null"):
        await taken(required, None)


@STEPS
async def test_lists_are_taken_item_by_item(step: Step, written: str) -> None:
    """In order, all at the same time."""
    listed = steps.listed(step)
    assert listed.is_async == step.is_async
    for values in ([1, 2], (1, 2)):
        assert await taken(listed, values) == [f"{written} 1", f"{written} 2"]
    assert await taken(listed, []) == []
    others: tuple[Any, ...] = (iter(()), {}, "ab", None)
    for other in others:
        with pytest.raises(UnplannedError, match="list"):
            await taken(listed, other)


async def test_a_value_of_an_interface_takes_the_step_of_its_type() -> None:
    """A type that is not expected is given up."""
    step = steps.by_type({"Job": Step(lambda job, _: job.job_id), "Graph": Step(later, is_async=True)})
    assert await taken(step, a_job()) == "42"
    assert (await taken(step, a_graph())).startswith("later")
    with pytest.raises(KeyError):
        await taken(steps.by_type({"Job": NOW}), a_graph())


def leaf(name: str) -> GraphQLLeafType:
    """Return a leaf type of the contract."""
    return cast("GraphQLLeafType", SCHEMA._schema.type_map[name])


@pytest.mark.parametrize(
    ("type_", "value", "written"),
    [
        *((GraphQLString, "a", "a"), (GraphQLString, 1, "1"), (leaf("ID"), "x", "x"), (leaf("ID"), 7, "7")),
        *((leaf("Boolean"), False, False), (leaf("Boolean"), 1, True), (GraphQLInt, 2.0, 2), (GraphQLFloat, 1, 1.0)),
        *((leaf("Long"), 2**40, 2**40), (leaf("JSON"), {"a": [None]}, {"a": [None]})),
    ],
)
def test_leaves_are_written_as_their_types_say(type_: GraphQLLeafType, value: Any, written: Any) -> None:
    """Those that are text already as they are."""
    found = steps.writing(type_)(value, RUN)
    assert (found, type(found)) == (written, type(written))


def test_members_of_enumerations_are_written_once() -> None:
    """The same member gives the same word each time."""
    job, write = a_job(), steps.writing(leaf("JobStatus"))
    assert [write(job.status, RUN) for _ in range(2)] == ["RUNNING", "RUNNING"]
    with pytest.raises(Exception, match="nobody"):
        write("nobody", RUN)


@pytest.mark.parametrize("nothing", [None, Undefined])
def test_a_value_that_comes_to_nothing_is_given_up(nothing: Any) -> None:
    """Execution has an error for it."""
    empty = GraphQLScalarType("Empty", coerce_output_value=lambda _: nothing)
    with pytest.raises(UnplannedError, match="written"):
        steps.writing(empty)(5, RUN)


def test_a_value_that_cannot_be_written_raises_what_its_type_says() -> None:
    """Whoever follows the plan gives up on that too."""
    with pytest.raises(Exception, match="Float"):
        steps.writing(GraphQLFloat)(math.nan, RUN)
