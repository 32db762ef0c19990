"""Flights: equal reads under way are one call, whoever comes, goes, fails or is cancelled."""

import asyncio
import contextlib
import contextvars
import copy
import gc
import traceback
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.flight import FlightCancelledError, Flights
from schema.errors import LimitExceededError, PlaneUnavailableError
from schema.plane import Plane

pytestmark = pytest.mark.anyio


async def turn() -> None:
    """Let everything that can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


@dataclass
class Call:
    """One upstream call that ends when the test says so."""

    answer: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    was_cancelled: bool = False


class Upstream:
    """Counts the calls that were started."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def start(self) -> str:
        call = Call()
        self.calls.append(call)
        try:
            return await call.answer
        except asyncio.CancelledError:
            call.was_cancelled = True
            raise


@pytest.fixture
async def flights() -> AsyncIterator[Flights]:
    flights = Flights()
    yield flights
    await flights.close()


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


def joined(flights: Flights, upstream: Upstream, count: int, key: str = "key") -> list[asyncio.Task[str]]:
    return [asyncio.create_task(flights.join(key, upstream.start)) for _ in range(count)]


async def test_equal_reads_under_way_are_one_call(flights: Flights, upstream: Upstream) -> None:
    waiters = joined(flights, upstream, 20)
    await turn()
    assert len(flights) == 1
    upstream.calls[0].answer.set_result("body")
    assert await asyncio.gather(*waiters) == ["body"] * 20
    assert len(upstream.calls) == 1
    assert len(flights) == 0


async def test_everybody_gets_the_very_same_answer(flights: Flights) -> None:
    async def start() -> bytes:
        await asyncio.sleep(0)
        return bytes(range(100))

    one, other = await asyncio.gather(flights.join("key", start), flights.join("key", start))
    assert one is other


async def test_different_reads_are_calls_of_their_own(flights: Flights, upstream: Upstream) -> None:
    waiters = joined(flights, upstream, 1, "alice") + joined(flights, upstream, 1, "bob")
    await turn()
    assert len(flights) == 2
    upstream.calls[0].answer.set_result("hers")
    upstream.calls[1].answer.set_result("his")
    assert await asyncio.gather(*waiters) == ["hers", "his"]


async def test_a_read_after_the_answer_is_a_new_call(flights: Flights, upstream: Upstream) -> None:
    for body in ("first", "second"):
        (waiter,) = joined(flights, upstream, 1)
        await turn()
        upstream.calls[-1].answer.set_result(body)
        assert await waiter == body
    assert len(upstream.calls) == 2


async def test_a_call_that_has_ended_but_is_not_yet_forgotten_is_not_joined(flights: Flights) -> None:
    """Between a task's end and its callbacks there is a moment; an old answer must not pass for a new one."""
    late: list[asyncio.Task[str]] = []

    async def start() -> str:
        # Has its first turn when this task has ended, and ahead of the callbacks that say so.
        late.append(asyncio.create_task(flights.join("key", second)))
        return "first"

    async def second() -> str:
        return "second"

    assert await flights.join("key", start) == "first"
    assert await late[0] == "second"


@pytest.mark.parametrize("leaver", [0, 1, 2])
async def test_cancelling_one_waiter_leaves_the_others_alone(flights: Flights, upstream: Upstream, leaver: int) -> None:
    waiters = joined(flights, upstream, 3)
    await turn()
    waiters[leaver].cancel()
    await turn()
    assert waiters[leaver].cancelled()
    upstream.calls[0].answer.set_result("body")
    stayed = [waiter for waiter in waiters if waiter is not waiters[leaver]]
    assert await asyncio.gather(*stayed) == ["body", "body"]
    assert not upstream.calls[0].was_cancelled


async def test_the_call_is_cancelled_when_the_last_waiter_leaves(flights: Flights, upstream: Upstream) -> None:
    waiters = joined(flights, upstream, 2)
    await turn()
    waiters[0].cancel()
    await turn()
    assert not upstream.calls[0].was_cancelled
    waiters[1].cancel()
    await turn()
    assert upstream.calls[0].was_cancelled
    assert len(flights) == 0


async def test_a_waiter_cancelled_before_it_ran_starts_nothing_that_stays(flights: Flights, upstream: Upstream) -> None:
    (waiter,) = joined(flights, upstream, 1)
    await asyncio.sleep(0)
    waiter.cancel()
    await turn()
    assert upstream.calls == [] or upstream.calls[0].was_cancelled
    assert len(flights) == 0


async def test_a_time_limit_of_one_waiter_is_its_own(flights: Flights, upstream: Upstream) -> None:
    (patient,) = joined(flights, upstream, 1)
    await turn()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await flights.join("key", upstream.start)
    upstream.calls[0].answer.set_result("body")
    assert await patient == "body"
    assert len(upstream.calls) == 1


async def test_whoever_comes_while_a_left_call_still_ends_gets_a_new_one(flights: Flights, upstream: Upstream) -> None:
    gate = asyncio.Event()

    async def slow_to_end() -> str:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await gate.wait()
        return "unreachable"

    leaver = asyncio.create_task(flights.join("key", slow_to_end))
    await turn()
    leaver.cancel()
    await turn()
    newcomers = joined(flights, upstream, 1)
    await turn()
    # The old call ends while the new one is under way, and must not take it along.
    gate.set()
    await turn()
    newcomers += joined(flights, upstream, 1)
    await turn()
    assert len(upstream.calls) == 1
    upstream.calls[0].answer.set_result("fresh")
    assert await asyncio.gather(*newcomers) == ["fresh", "fresh"]


async def test_an_error_reaches_every_waiter_and_is_then_forgotten(flights: Flights, upstream: Upstream) -> None:
    waiters = joined(flights, upstream, 3)
    await turn()
    upstream.calls[0].answer.set_exception(PlaneUnavailableError("The plane is away.", plane=Plane.SERVICE))
    outcomes = await asyncio.gather(*waiters, return_exceptions=True)
    for outcome in outcomes:
        assert isinstance(outcome, PlaneUnavailableError)
        assert (outcome.message, outcome.plane, outcome.retryable) == ("The plane is away.", Plane.SERVICE, True)
    (later,) = joined(flights, upstream, 1)
    await turn()
    upstream.calls[1].answer.set_result("body")
    assert await later == "body"
    assert len(upstream.calls) == 2


async def test_each_waiter_raises_an_error_of_its_own(flights: Flights, upstream: Upstream) -> None:
    """One object would show every waiter the frames, and the later changes, of all the others."""
    waiters = joined(flights, upstream, 50)
    await turn()
    failure = PlaneUnavailableError("The plane is away.")
    failure.__cause__ = OSError("reset")
    upstream.calls[0].answer.set_exception(failure)
    outcomes = await asyncio.gather(*waiters, return_exceptions=True)
    assert len({id(outcome) for outcome in outcomes}) == 50
    for outcome in outcomes:
        assert isinstance(outcome, PlaneUnavailableError)
        assert outcome.__cause__ is failure.__cause__
        frames = [frame.name for frame in traceback.extract_tb(outcome.__traceback__)]
        assert frames == ["join", "_run", "start"]


async def test_what_an_error_came_from_stays_with_it(flights: Flights) -> None:
    async def fails() -> str:
        try:
            raise OSError("reset")
        except OSError:
            raise PlaneUnavailableError("away")  # noqa: B904 -- the unspoken context is the point

    with pytest.raises(PlaneUnavailableError) as caught:
        await flights.join("key", fails)
    assert isinstance(caught.value.__context__, OSError)
    assert caught.value.__cause__ is None
    assert not caught.value.__suppress_context__


class WrappingError(Exception):
    """Builds its text from what it is given, so that copying it would wrap the text twice."""

    def __init__(self, what: str) -> None:
        super().__init__(f"could not {what}")


class SolitaryError(Exception):
    """Cannot be copied at all."""

    def __copy__(self) -> "SolitaryError":
        raise copy.Error("no")


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (LimitExceededError("depth", 10, 11), "The operation exceeds the limit `depth`: at most 10, asked 11."),
        (WrappingError("connect"), "could not connect"),
        (SolitaryError("alone"), "alone"),
    ],
)
async def test_an_error_that_cannot_be_copied_is_raised_itself_without_growing(
    flights: Flights, upstream: Upstream, failure: Exception, text: str
) -> None:
    waiters = joined(flights, upstream, 50)
    await turn()
    upstream.calls[0].answer.set_exception(failure)
    outcomes = await asyncio.gather(*waiters, return_exceptions=True)
    assert all(outcome is failure for outcome in outcomes)
    assert str(failure) == text
    assert len(traceback.extract_tb(failure.__traceback__)) == 1


async def test_an_error_that_nobody_waits_for_any_more_is_not_reported_as_lost() -> None:
    flights, reports = Flights(), list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))

    async def fails_when_cancelled() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            raise OSError("while closing the connection") from None

    waiter = asyncio.create_task(flights.join("key", fails_when_cancelled))
    await turn()
    waiter.cancel()
    await turn()
    del waiter
    gc.collect()
    assert reports == []


async def test_a_call_that_cancels_itself_is_an_error_to_waiters_that_were_not_cancelled(flights: Flights) -> None:
    async def gives_up() -> str:
        raise asyncio.CancelledError

    with pytest.raises(FlightCancelledError, match="before it gave an answer"):
        await flights.join("key", gives_up)
    assert len(flights) == 0


async def test_the_call_sees_nothing_of_the_first_callers_context(flights: Flights) -> None:
    token = contextvars.ContextVar("token", default="none")
    token.set("alice's")

    async def start() -> str:
        seen = token.get()
        token.set("upstream's")
        return seen

    assert await flights.join("key", start) == "none"
    assert token.get() == "alice's"


async def test_an_error_while_starting_is_an_error_of_the_call(flights: Flights) -> None:
    def start() -> Awaitable[str]:
        raise ValueError("no address")

    with pytest.raises(ValueError, match="no address"):
        await flights.join("key", start)
    assert len(flights) == 0


async def test_closing_ends_every_call_and_tells_the_waiters(upstream: Upstream) -> None:
    flights = Flights()
    waiters = joined(flights, upstream, 2, "a") + joined(flights, upstream, 1, "b")
    await turn()
    await flights.close()
    outcomes = await asyncio.gather(*waiters, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [FlightCancelledError] * 3
    assert all(call.was_cancelled for call in upstream.calls)
    assert len(flights) == 0


async def test_closing_waits_for_calls_that_everybody_has_left() -> None:
    flights, gate = Flights(), asyncio.Event()

    async def slow_to_end() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            while not gate.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await gate.wait()

    waiter = asyncio.create_task(flights.join("key", slow_to_end))
    await turn()
    waiter.cancel()
    await turn()
    closing = asyncio.create_task(flights.close())
    await turn()
    assert not closing.done()
    gate.set()
    await closing


async def test_nothing_starts_after_closing(upstream: Upstream) -> None:
    flights = Flights()
    await flights.close()
    with pytest.raises(FlightCancelledError, match="the gateway closes"):
        await flights.join("key", upstream.start)
    assert upstream.calls == []


async def test_answers_and_errors_are_not_held_on_to(flights: Flights) -> None:
    class Answer:
        pass

    async def answers() -> Answer:
        await asyncio.sleep(0)
        return Answer()

    async def fails() -> Answer:
        raise PlaneUnavailableError("away")

    gc.collect()
    gc.disable()
    try:
        answer = weakref.ref(await flights.join("key", answers))
        await turn()
        assert answer() is None
        try:
            await flights.join("key", fails)
        except PlaneUnavailableError as error:
            failure = weakref.ref(error)
        await turn()
        assert failure() is None
    finally:
        gc.enable()


async def test_cancel_scopes_of_anyio_leave_a_flight_as_cleanly(flights: Flights, upstream: Upstream) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(flights.join, "key", upstream.start)
        await turn()
        group.cancel_scope.cancel()
    await turn()
    assert upstream.calls[0].was_cancelled
    assert len(flights) == 0


STEPS = st.tuples(st.sampled_from(["join", "join", "leave", "answer", "fail"]), st.integers(min_value=0, max_value=5))


@dataclass
class Expected:
    """What a flight should look like: its call and the waiters still there."""

    call: Call
    waiters: set[asyncio.Task[str]] = field(default_factory=set)


class Script:
    """Plays steps against flights of two keys, and says what must come of every waiter and call."""

    def __init__(self) -> None:
        self.flights = Flights()
        self.upstream = Upstream()
        self.under_way: dict[str, Expected] = {}
        self.waiting: list[tuple[str, asyncio.Task[str]]] = []
        self.outcomes: list[tuple[asyncio.Task[str], str]] = []
        self.left: list[Call] = []

    async def play(self, step: str, number: int) -> None:
        steps: dict[str, Callable[[int], Awaitable[None]]] = {
            "join": self._join,
            "leave": self._leave,
            "answer": self._answer,
            "fail": self._fail,
        }
        await steps[step](number)
        await turn()
        assert len(self.flights) == len(self.under_way)

    async def _join(self, number: int) -> None:
        key = f"key {number % 2}"
        calls = len(self.upstream.calls)
        (waiter,) = joined(self.flights, self.upstream, 1, key)
        await turn()
        assert len(self.upstream.calls) == calls + (key not in self.under_way)
        flight = self.under_way.setdefault(key, Expected(self.upstream.calls[-1]))
        flight.waiters.add(waiter)
        self.waiting.append((key, waiter))

    async def _leave(self, number: int) -> None:
        if not self.waiting:
            return
        key, waiter = self.waiting.pop(number % len(self.waiting))
        waiter.cancel()
        self.outcomes.append((waiter, "cancelled"))
        flight = self.under_way[key]
        flight.waiters.discard(waiter)
        if not flight.waiters:
            self.left.append(self.under_way.pop(key).call)

    async def _answer(self, number: int) -> None:
        self._land(number, "answered", lambda call: call.answer.set_result("answered"))

    async def _fail(self, number: int) -> None:
        self._land(number, "failed", lambda call: call.answer.set_exception(OSError("failed")))

    def _land(self, number: int, outcome: str, end: Callable[[Call], None]) -> None:
        key = f"key {number % 2}"
        flight = self.under_way.pop(key, None)
        if flight is None:
            return
        end(flight.call)
        self.outcomes += [(waiter, outcome) for waiter in flight.waiters]
        self.waiting = [(name, waiter) for name, waiter in self.waiting if name != key]


def became(waiter: asyncio.Task[str]) -> str:
    if waiter.cancelled():
        return "cancelled"
    return "failed" if isinstance(waiter.exception(), OSError) else waiter.result()


@given(steps=st.lists(STEPS, max_size=30))
async def test_whoever_comes_and_goes_in_whatever_order_gets_what_his_call_gave(
    steps: list[tuple[str, int]],
) -> None:
    script = Script()
    for step, number in steps:
        await script.play(step, number)
    assert [became(waiter) for waiter, _ in script.outcomes] == [outcome for _, outcome in script.outcomes]
    assert all(call.was_cancelled for call in script.left)
    await script.flights.close()
    ends = await asyncio.gather(*(waiter for _, waiter in script.waiting), return_exceptions=True)
    assert all(isinstance(end, FlightCancelledError) for end in ends)
