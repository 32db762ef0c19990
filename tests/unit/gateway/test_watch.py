"""The watcher: one poller for many, at a pace of its own, and nothing polled for nobody. Over time that only counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.watch import Listener, Pace, Sight, Watches
from schema.errors import PlaneUnavailableError, RateLimitedError
from tests.support_clock import FAKE_TIME, fake_clock, fake_time_loop, pass_time

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    """Run on a loop of fake time."""
    return FAKE_TIME


@dataclass
class World:
    """What a poll sees: one thing after the other for each topic, the last for ever; notes when it looked at what."""

    shown: Mapping[Hashable, list[Sight[str]]]
    looks: list[tuple[float, frozenset[Hashable]]] = field(default_factory=list)
    seconds: float = 0.0

    async def poll(self, topics: frozenset[Hashable]) -> Mapping[Hashable, Sight[str]]:
        """Look at the topics, which takes `seconds`."""
        self.looks.append((fake_time_loop().time(), topics))
        await fake_clock().sleep(self.seconds)
        return {topic: shown.pop(0) if len(shown := self.shown[topic]) > 1 else shown[0] for topic in topics}

    @property
    def times(self) -> list[float]:
        """When it looked."""
        return [at for at, _ in self.looks]


def watches(pace: Pace | None = None) -> Watches:
    return Watches(pace or Pace(jitter=0), fake_time_loop().time)


def seeing(*values: str, **more: Any) -> list[Sight[str]]:
    """Show these values in turn."""
    return [Sight(value, value, **more) for value in values]


LAST = Sight("end", "end", is_last=True)


async def values_of(listener: Listener[str], count: int) -> list[str | None]:
    """Return so many values as the listener is told them."""
    return [(await listener.next()).value for _ in range(count)]


async def until(seconds: float) -> None:
    """Let everybody else run until a moment has passed."""
    await fake_clock().sleep(seconds - fake_time_loop().time())


async def test_a_thousand_listeners_cost_one_poller() -> None:
    """Each of them is told everything; the number of looks does not depend on how many they are."""
    world = World({"job": [*seeing("pending", "running", "running"), LAST]})
    all_watches = watches()
    listeners = [all_watches.join("key", "job", world.poll) for _ in range(1000)]
    assert (all_watches.pollers, all_watches.listeners) == (1, 1000)
    told = await asyncio.gather(*(values_of(listener, 3) for listener in listeners))
    assert told == [["pending", "running", "end"]] * 1000
    assert world.times == [0, 1, 2, 3.5]
    assert all_watches.pollers == 0


async def test_pauses_grow_while_nothing_changes_and_are_short_again_after_a_change() -> None:
    """1 s, times 1.5, to 10 s."""
    world = World({"job": seeing("a", *["a"] * 7, "b", "b")})
    listener = watches().join("key", "job", world.poll)
    await values_of(listener, 2)
    await until(46)
    growing = [0, 1, 2.5, 4.75, 8.125, 13.1875, 20.78125, 30.78125, 40.78125]
    assert world.times == [*growing, 41.78125, 43.28125, 45.53125]
    listener.leave()


async def test_jitter_only_lengthens_a_pause() -> None:
    """By a tenth at most."""
    pace = Pace(jitter=0.1, within=lambda least, most: most)
    assert pace.jittered(10) == pytest.approx(11)
    assert Pace(jitter=0.1, within=lambda least, most: least).jittered(10) == 10


async def test_nobody_asks_again_before_retry_after() -> None:
    """Who throttles is left alone for as long as he says."""
    failing: Sight[str] = Sight(None, error=PlaneUnavailableError("away"), retry_after_seconds=7)
    world = World({"job": [*seeing("a"), failing, *seeing("a")]})
    listener = watches().join("key", "job", world.poll)
    first, second, third = [await listener.next() for _ in range(3)]
    assert (first.value, type(second.error), third.value) == ("a", PlaneUnavailableError, "a")
    assert world.times == [0, 1, 8]
    listener.leave()


async def test_without_an_audience_nothing_is_polled() -> None:
    """Neither again nor to the end: the look under way is given up."""
    world = World({"job": seeing("a")}, seconds=5)
    all_watches = watches()
    one, two = (all_watches.join("key", "job", world.poll) for _ in range(2))
    await until(1)
    one.leave()
    one.leave()
    assert all_watches.pollers == 1
    two.leave()
    assert all_watches.pollers == 0
    await until(60)
    assert world.times == [0]


async def test_a_slow_listener_gets_the_newest_and_not_a_queue() -> None:
    """What it missed is gone, however much it was."""
    world = World({"job": seeing(*"abcdef")})
    listener = watches().join("key", "job", world.poll)
    assert (await listener.next()).value == "a"
    await until(100)
    assert (await listener.next()).value == "f"
    listener.leave()


async def test_one_poll_serves_all_topics_of_a_key() -> None:
    """Ten jobs of a graph are looked at together; one that joins later is looked at on its own, at once."""
    topics = [f"job-{number}" for number in range(10)]
    world = World({topic: seeing("a") for topic in [*topics, "late"]})
    all_watches = watches()
    listeners = [all_watches.join("key", topic, world.poll) for topic in topics]
    await until(0.5)
    late = all_watches.join("key", "late", world.poll)
    assert (await late.next()).value == "a"
    await until(2)
    assert world.looks == [(0, frozenset(topics)), (0.5, frozenset({"late"})), (1, frozenset({*topics, "late"}))]
    assert all_watches.pollers == 1
    for listener in (*listeners, late):
        listener.leave()


async def test_those_who_join_do_not_put_off_the_look_at_the_others() -> None:
    """However often somebody joins."""
    world = World({"first": seeing(*"abcdefghijklmnop"), **{f"late-{number}": seeing("a") for number in range(20)}})
    all_watches = watches()
    first = all_watches.join("key", "first", world.poll)
    others = []
    for number in range(20):
        await until(number / 2)
        others.append(all_watches.join("key", f"late-{number}", world.poll))
    assert [at for at, topics in world.looks if "first" in topics] == [*range(10)]
    for listener in (first, *others):
        listener.leave()


async def test_who_joins_while_ges_throttles_is_told_so_at_once() -> None:
    """Nobody is asked on his behalf, and he need not wait to hear it; those who know the state go on waiting."""
    throttled: Sight[str] = Sight(None, error=RateLimitedError("slow down"), retry_after_seconds=60)
    world = World({"job": [*seeing("a"), throttled, *seeing("b")], "late": seeing("a")})
    all_watches = watches()
    listener = all_watches.join("key", "job", world.poll)
    known, failed = [await listener.next() for _ in range(2)]
    assert (known.value, failed.value, type(failed.error)) == ("a", "a", RateLimitedError)
    late = all_watches.join("key", "late", world.poll)
    waiter = all_watches.join("key", "waited for", world.poll, known=Sight("a", "a"))
    sight = await late.next()
    assert (sight.value, type(sight.error)) == (None, RateLimitedError)
    late.leave()
    waiter.leave()
    assert await values_of(listener, 1) == ["b"]
    assert world.times == [0, 1, 61]
    listener.leave()


async def test_who_joins_during_an_outage_gets_what_was_known() -> None:
    """And the error with it."""
    failing: Sight[str] = Sight(None, error=PlaneUnavailableError("away"))
    world = World({"job": [*seeing("a"), failing]})
    all_watches = watches()
    listener = all_watches.join("key", "job", world.poll)
    await until(2)
    late = all_watches.join("key", "job", world.poll)
    sight = await late.next()
    assert (sight.value, type(sight.error)) == ("a", PlaneUnavailableError)
    listener.leave()
    late.leave()
    assert all_watches.listeners == 0


async def test_what_cannot_be_seen_is_asked_ever_less_often_and_told_once() -> None:
    """Whatever the reasons are; when it is back, that is a change."""
    away: list[Sight[str]] = [Sight(None, error=PlaneUnavailableError("away"), look=number) for number in range(3)]
    throttled: Sight[str] = Sight(None, error=RateLimitedError("slow down"))
    world = World({"job": [*seeing("a"), *away, throttled, *seeing("a")]})
    listener = watches().join("key", "job", world.poll)
    sights = [await listener.next() for _ in range(3)]
    assert [sight.error is None for sight in sights] == [True, False, True]
    await until(14.5)
    assert world.times == [0, 1, 2.5, 4.75, 8.125, 13.1875, 14.1875]
    listener.leave()


async def test_several_listeners_may_share_a_bell() -> None:
    """It rings for each of them, at once for what is known already."""
    world = World({"one": seeing("a"), "two": seeing("b")})
    all_watches, bell = watches(), asyncio.Event()
    listeners = [all_watches.join("key", topic, world.poll, bell=bell) for topic in ("one", "two")]
    await bell.wait()
    assert [sight and sight.value for sight in (listener.take() for listener in listeners)] == ["a", "b"]
    assert [listener.take() for listener in listeners] == [None, None]
    another = asyncio.Event()
    listeners.append(all_watches.join("key", "one", world.poll, bell=another))
    assert another.is_set()
    for listener in listeners:
        listener.leave()


async def test_a_topic_that_has_ended_is_polled_no_more() -> None:
    """The others go on."""
    world = World({"short": [*seeing("a"), LAST], "long": seeing("a", "a", "b")})
    all_watches = watches()
    short, long = (all_watches.join("key", topic, world.poll) for topic in ("short", "long"))
    assert await values_of(short, 2) == ["a", "end"]
    assert await values_of(long, 2) == ["a", "b"]
    assert [topics for _, topics in world.looks] == [{"short", "long"}, {"short", "long"}, {"long"}]
    long.leave()
    short.leave()
    assert all_watches.pollers == 0


async def test_what_was_just_seen_is_not_looked_at_again_at_once() -> None:
    """Who knows the state when he joins waits a pause for the next look, and is told what he knows first."""
    world = World({"job": seeing("b")})
    listener = watches().join("key", "job", world.poll, known=Sight("a", "a"))
    assert await values_of(listener, 2) == ["a", "b"]
    assert world.times == [1]
    listener.leave()


async def test_what_is_not_sure_is_looked_at_again_soon() -> None:
    """However long the pauses have become."""
    unsure = Sight("end", "end", is_sure=False)
    world = World({"job": [*seeing("a", "a", "a"), unsure, LAST]})
    listener = watches().join("key", "job", world.poll)
    assert await values_of(listener, 3) == ["a", "end", "end"]
    assert world.times == [0, 1, 2.5, 4.75, 5.75]


async def test_a_defect_in_a_poll_leaves_nobody_waiting() -> None:
    """It reaches every listener as the last thing."""

    async def broken(topics: frozenset[Hashable]) -> Mapping[Hashable, Sight[str]]:
        raise ZeroDivisionError

    all_watches = watches()
    listener = all_watches.join("key", "job", broken)
    sight = await listener.next()
    assert (type(sight.error), sight.is_last) == (ZeroDivisionError, True)
    listener.leave()
    assert all_watches.pollers == 0


async def test_closing_ends_every_listener_and_takes_no_more() -> None:
    """The streams end, each with an error that says why."""
    world = World({"job": seeing("a")})
    all_watches = watches()
    listener = all_watches.join("key", "job", world.poll)
    await listener.next()
    await all_watches.close()
    sight = await listener.next()
    assert (type(sight.error), sight.is_last) == (PlaneUnavailableError, True)
    listener.leave()
    with pytest.raises(PlaneUnavailableError):
        all_watches.join("key", "job", world.poll)
    pass_time(60)
    await asyncio.sleep(0)
    assert world.times == [0]


async def test_a_poller_sees_nothing_of_who_joined_first() -> None:
    """It runs in an empty context."""
    seen: list[Any] = []
    which: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    variable: Any = __import__("contextvars").ContextVar("whose", default="nobody's")

    async def poll(topics: frozenset[Hashable]) -> Mapping[Hashable, Sight[str]]:
        seen.append(variable.get())
        which.set_result(None)
        return {topic: Sight("a", "a") for topic in topics}

    variable.set("mine")
    listener = watches().join("key", "job", poll)
    await which
    assert seen == ["nobody's"]
    listener.leave()


async def test_keys_have_pollers_of_their_own() -> None:
    """A key names the caller, and callers share nothing."""
    worlds: list[World] = [World({"job": seeing(value)}) for value in "ab"]
    all_watches = watches()
    join: Callable[[int], Listener[str]] = lambda number: all_watches.join(number, "job", worlds[number].poll)  # noqa: E731
    one, two = join(0), join(1)
    assert [await values_of(one, 1), await values_of(two, 1)] == [["a"], ["b"]]
    one.leave()
    two.leave()
