"""
The watcher: one poller for each thing looked at, however many look on. Knows no job, no plane and no GraphQL.

What is seen replaces what was seen before: nothing is queued, so a slow listener costs no memory and gets the newest.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import random
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from schema.errors import PlaneUnavailableError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sight(Generic[T]):
    """
    What a poll saw of one thing, or `error` and, as long as it is not the last, what was known before.

    `look` is what changes are told by. Nothing follows a sight that `is_last`. One that is not `is_sure` is looked at
    once more, soon.
    """

    value: T | None
    look: Hashable = None
    error: Exception | None = None
    is_last: bool = False
    is_sure: bool = True
    retry_after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """
    How long to wait between two polls: `first` after a change, then longer each time, up to `longest`.

    `jitter` is the part of a pause that is added at random, so that pollers do not march in step.
    """

    first_seconds: float = 1.0
    longest_seconds: float = 10.0
    growth: float = 1.5
    jitter: float = 0.1
    within: Callable[[float, float], float] = random.uniform

    def after(self, pause_seconds: float) -> float:
        """Return the pause after one of this length in which nothing has changed."""
        return min(self.longest_seconds, pause_seconds * self.growth)

    def jittered(self, pause_seconds: float) -> float:
        """Return how long to wait really."""
        return pause_seconds * (1 + self.within(0, self.jitter))


Poll = Callable[[frozenset[Hashable]], Awaitable[Mapping[Hashable, Sight[T]]]]


@dataclass(slots=True, eq=False)
class _Topic(Generic[T]):
    """One thing that is watched: who listens, what was seen of it last, and how often that was new."""

    listeners: set[Listener[T]] = field(default_factory=set)
    sight: Sight[T] | None = None
    version: int = 0

    def publish(self, sight: Sight[T]) -> None:
        self.sight = sight
        self.version += 1
        for listener in self.listeners:
            listener.bell.set()


class Watches:
    """All pollers of the process, by key. A key must name the caller, since a poll asks with his credential."""

    def __init__(self, pace: Pace, monotonic: Callable[[], float]) -> None:
        self.pace = pace
        self.monotonic = monotonic
        self._watches: dict[Hashable, _Watch[object]] = {}
        self._ended: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def pollers(self) -> int:
        """How many pollers there are."""
        return len(self._watches)

    @property
    def listeners(self) -> int:
        """How many listen to them."""
        return sum(watch.listeners for watch in self._watches.values())

    def join(
        self,
        key: Hashable,
        topic: Hashable,
        poll: Poll[T],
        *,
        known: Sight[T] | None = None,
        bell: asyncio.Event | None = None,
    ) -> Listener[T]:
        """
        Listen to one topic of a poller; `poll` is used when there is none under the key yet.

        It is given the topics listened to and returns a sight of each, errors included; it must not raise. With a
        sight `known`, the first look is taken a pause later. The `bell` rings for news. The listener must leave.
        """
        if self._is_closed:
            raise PlaneUnavailableError("The gateway is closing.")
        watch = self._watches.get(key)
        if watch is None:
            watch = self._watches[key] = _Watch(self, key, poll)  # type: ignore[arg-type]  # one type for one key
        return watch.join(topic, known, bell or asyncio.Event())  # type: ignore[return-value, arg-type]  # as above

    def forget(self, key: Hashable, poller: asyncio.Task[None]) -> None:
        """Let go of a poller nobody listens to."""
        self._watches.pop(key, None)
        self._ended.add(poller)
        poller.add_done_callback(self._ended.discard)
        poller.cancel()

    async def close(self) -> None:
        """End every poller, and tell those who listen."""
        self._is_closed = True
        closing = PlaneUnavailableError("The gateway is closing.")
        for watch in list(self._watches.values()):
            watch.end(closing)
        await asyncio.gather(*self._ended, return_exceptions=True)


class _Watch(Generic[T]):
    """One poller and its topics."""

    def __init__(self, watches: Watches, key: Hashable, poll: Poll[T]) -> None:
        self._watches = watches
        self._key = key
        self._poll = poll
        self._topics: dict[Hashable, _Topic[T]] = {}
        # Topics nobody has looked at yet. They do not wait for the look at all of them, nor put it off.
        self._new: set[Hashable] = set()
        self._pause = watches.pace.first_seconds
        self._due_at = math.inf
        # Whoever throttles is left alone; those who join meanwhile are told why.
        self._refusal: Sight[T] = Sight(None)
        self._refused_until = -math.inf
        self._wake = asyncio.Event()
        # In an empty context: nothing that belongs to the first listener is seen by it.
        self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    @property
    def listeners(self) -> int:
        return sum(len(topic.listeners) for topic in self._topics.values())

    def join(self, name: Hashable, known: Sight[T] | None, bell: asyncio.Event) -> Listener[T]:
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = _Topic()
            self._pause = self._watches.pace.first_seconds
            if known is None:
                self._new.add(name)
            else:
                topic.publish(known)
                self._look_within(self._watches.pace.jittered(self._pause))
            self._wake.set()
        listener = Listener(topic, bell, lambda listener: self._leave(name, topic, listener))
        topic.listeners.add(listener)
        if topic.sight is not None:
            bell.set()
        return listener

    def end(self, error: Exception) -> None:
        for topic in self._topics.values():
            topic.publish(Sight(None, error=error, is_last=True))
        self._topics.clear()
        self._watches.forget(self._key, self._task)

    def _leave(self, name: Hashable, topic: _Topic[T], listener: Listener[T]) -> None:
        topic.listeners.discard(listener)
        if not topic.listeners and self._topics.get(name) is topic:
            self._drop(name)

    def _drop(self, name: Hashable) -> None:
        """Look no longer at a topic; without any, a poll under way is of no use to anyone."""
        del self._topics[name]
        self._new.discard(name)
        if not self._topics:
            self._watches.forget(self._key, self._task)

    async def _run(self) -> None:
        try:
            await self._poll_for_ever()
        except Exception as error:
            # A defect; but nobody may be left waiting for news that never come.
            self.end(error)

    async def _poll_for_ever(self) -> None:
        while True:
            await self._wait()
            asked, is_all = frozenset(self._new or self._topics), not self._new
            if not is_all and self._watches.monotonic() < self._refused_until:
                sights: Mapping[Hashable, Sight[T]] = dict.fromkeys(asked, self._refusal)
            else:
                sights = await self._poll(asked)
                self._look_again(sights, is_all)
            for name, sight in sights.items():
                self._publish(name, sight)

    async def _wait(self) -> None:
        """Wait until the next look is due, or somebody joins."""
        while not self._new and (left := self._due_at - self._watches.monotonic()) > 0:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left if left < math.inf else None):
                    await self._wake.wait()

    def _look_again(self, sights: Mapping[Hashable, Sight[T]], is_all: bool) -> None:
        """Set when the next look is due, before what this one brought is published."""
        pace = self._watches.pace
        is_moving = any(self._is_moving(name, sight) for name, sight in sights.items())
        self._pause = pace.first_seconds if is_moving else pace.after(self._pause)
        for sight in sights.values():
            until = self._watches.monotonic() + sight.retry_after_seconds
            if sight.retry_after_seconds and until > self._refused_until:
                self._refusal, self._refused_until = sight, until
        if is_all:
            self._due_at = math.inf
        self._look_within(pace.jittered(self._pause))

    def _look_within(self, seconds: float) -> None:
        """Make the next look due then at the latest, unless that is too early for who throttles."""
        self._due_at = max(self._refused_until, min(self._due_at, self._watches.monotonic() + seconds))

    def _is_moving(self, name: Hashable, sight: Sight[T]) -> bool:
        """Tell whether a sight gives reason to look again soon. What cannot be seen is asked ever less often."""
        topic = self._topics.get(name)
        return sight.error is None and (not sight.is_sure or topic is None or _is_news(topic.sight, sight))

    def _publish(self, name: Hashable, sight: Sight[T]) -> None:
        """Tell the listeners what is new to them."""
        topic = self._topics.get(name)
        if topic is None:
            return
        self._new.discard(name)
        if sight.error is not None and not sight.is_last and topic.sight is not None:
            sight = replace(sight, value=topic.sight.value)
        if _is_news(topic.sight, sight):
            topic.publish(sight)
        if sight.is_last:
            # Listeners keep it; a new one starts anew.
            self._drop(name)


def _is_news(before: Sight[T] | None, sight: Sight[T]) -> bool:
    return before is None or _told(before) != _told(sight)


def _told(sight: Sight[T]) -> tuple[object, ...]:
    # That something cannot be seen is told once, whatever keeps it from being seen.
    return sight.look if sight.error is None else None, sight.error is None, sight.is_last, sight.is_sure


class Listener(Generic[T]):
    """Looks on at one topic. Its bell is set when there may be news; several listeners may share one."""

    def __init__(self, topic: _Topic[T], bell: asyncio.Event, leave: Callable[[Listener[T]], None]) -> None:
        self.bell = bell
        self._topic = topic
        self._leave = leave
        self._version = 0

    def take(self) -> Sight[T] | None:
        """Return the newest sight, None when it was taken before. Nothing follows the last one."""
        if self._topic.version == self._version:
            return None
        self._version = self._topic.version
        return self._topic.sight

    async def next(self) -> Sight[T]:
        """Return the newest sight not taken yet, waiting for it; for a listener that has a bell of its own."""
        while (sight := self.take()) is None:
            self.bell.clear()
            await self.bell.wait()
        return sight

    def leave(self) -> None:
        """Stop listening; more than once does nothing."""
        self._leave(self)
