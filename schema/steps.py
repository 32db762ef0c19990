"""Steps: the parts of a plan, each from a value to what is written of it. Knows no operation and no schema."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import GraphQLEnumType, GraphQLLeafType, Undefined
from strawberry.types import Info, get_object_definition

from schema.arguments import Arguments
from schema.context import Context

# Values of these types are what they say, coming in and going out; an Int has fewer bits than a number of JSON.
PLAIN: Mapping[str, type] = {"String": str, "ID": str, "Boolean": bool}


class UnplannedError(Exception):
    """The operation, or what came of it, is not for a plan."""


Gather = Callable[[Sequence[Awaitable[Any]]], Awaitable[list[Any]]]


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a plan: who resolves, with which variables; `gather` awaits all and raises what one raised."""

    context: Context
    variables: Mapping[str, Any]
    gather: Gather


class Step(NamedTuple):
    """What becomes of a value. An asynchronous step gives something to await and raises nothing before that."""

    take: Callable[[Any, Run], Any]
    is_async: bool = False


def members(members: Mapping[str, Step]) -> Step:
    """Return the step from an object to its members; those that have to be awaited are awaited together."""
    takes = [(key, step.take) for key, step in members.items()]
    if not any(step.is_async for step in members.values()):
        return Step(lambda source, run: {key: take(source, run) for key, take in takes})
    here = [(key, step.take) for key, step in members.items() if not step.is_async]
    awaited = [(key, step.take) for key, step in members.items() if step.is_async]
    keys, (first, take_first) = list(members), awaited[0]

    async def take(source: Any, run: Run) -> dict[str, Any]:
        found = dict.fromkeys(keys)
        for key, take in here:
            found[key] = take(source, run)
        if len(awaited) == 1:
            found[first] = await take_first(source, run)
        else:
            values = await run.gather([take(source, run) for _, take in awaited])
            found.update(zip((key for key, _ in awaited), values, strict=True))
        return found

    return Step(take, is_async=True)


def joined(get: Callable[[Any], Any], value: Step) -> Step:
    take = value.take
    return Step(lambda source, run: take(get(source), run), value.is_async)


def following(call: Callable[[Any, Run], Any], value: Step) -> Step:
    """Return the step through a resolver that gives its value at once."""
    take = value.take
    if not value.is_async:
        return Step(lambda source, run: take(call(source, run), run))

    async def take_later(source: Any, run: Run) -> Any:
        return await take(call(source, run), run)

    return Step(take_later, is_async=True)


def awaited(call: Callable[[Any, Run], Any], value: Step) -> Step:
    """Return the step through an asynchronous resolver."""
    take_found, is_async = value

    async def take(source: Any, run: Run) -> Any:
        found = take_found(await call(source, run), run)
        return await found if is_async else found

    return Step(take, is_async=True)


def calling(function: Callable[..., Any], arguments: Arguments) -> Callable[[Any, Run], Any]:
    if arguments is None:
        return lambda source, _: function(source)
    return lambda source, run: function(source, **arguments(run.variables))


def calling_informed(
    function: Callable[..., Any], arguments: Arguments, inform: Callable[[Run], Info]
) -> Callable[[Any, Run], Any]:
    if arguments is None:
        return lambda source, run: function(source, info=inform(run))
    return lambda source, run: function(source, info=inform(run), **arguments(run.variables))


def required(step: Step) -> Step:
    take, is_async = step

    def take_required(value: Any, run: Run) -> Any:
        if value is None:
            raise UnplannedError("null where none may be")
        return take(value, run)

    async def take_later(value: Any, run: Run) -> Any:
        return await take_required(value, run)

    return Step(take_later, is_async=True) if is_async else Step(take_required)


def optional(step: Step) -> Step:
    take, is_async = step

    async def take_later(value: Any, run: Run) -> Any:
        return None if value is None else await take(value, run)

    if is_async:
        return Step(take_later, is_async=True)
    return Step(lambda value, run: None if value is None else take(value, run))


def listed(step: Step) -> Step:
    take, is_async = step

    def take_all(values: Any, run: Run) -> list[Any]:
        if not isinstance(values, list | tuple):
            raise UnplannedError("a list of another kind")
        return [take(value, run) for value in values]

    async def take_later(values: Any, run: Run) -> list[Any]:
        return await run.gather(take_all(values, run))

    return Step(take_later, is_async=True) if is_async else Step(take_all)


def by_type(steps: Mapping[str, Step]) -> Step:
    """Return the step from a value of an interface."""

    async def take(value: Any, run: Run) -> Any:
        step = steps[get_object_definition(value, strict=True).name]
        found = step.take(value, run)
        return await found if step.is_async else found

    return Step(take, is_async=True)


def writing(type_: GraphQLLeafType) -> Callable[[Any, Run], Any]:
    coerce, plain = type_.coerce_output_value, PLAIN.get(type_.name)
    members: dict[Any, Any] = {}

    def write(value: Any, _: Run) -> Any:
        if value.__class__ is plain:
            return value
        written = coerce(value)
        if written is None or written is Undefined:
            raise UnplannedError("a value that cannot be written")
        return written

    def write_member(value: Any, run: Run) -> Any:
        written = members.get(value)
        if written is None:
            written = members[value] = write(value, run)
        return written

    return write_member if isinstance(type_, GraphQLEnumType) else write
