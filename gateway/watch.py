"""
The watcher: one poller for each thing looked at, however many look on. Knows no job, no plane and no GraphQL.

What is seen replaces what was seen before: nothing is queued, so a slow listener costs no memory and gets the newest.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from schema.errors import PlaneUnavailableError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sight(Generic[T]):
    """
    What a poll saw of one thing, or `error` with what was known before.

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
    """One thing that is watched: how many listen, what was seen of it last, and how often that was new."""

    listeners: int = 0
    sight: Sight[T] | None = None
    version: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self, sight: Sight[T]) -> None:
        self.sight = sight
        self.version += 1
        self.news.set()
        self.news = asyncio.Event()


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

    def join(self, key: Hashable, topic: Hashable, poll: Poll[T], known: Sight[T] | None = None) -> Listener[T]:
        """
        Listen to one topic of a poller; `poll` is used when there is none under the key yet.

        It is given the topics listened to and returns a sight of each, errors included; it must not raise. With a
        sight `known`, the first look is taken a pause later. The listener must leave.
        """
        if self._is_closed:
            raise PlaneUnavailableError("The gateway is closing.")
        watch = self._watches.get(key)
        if watch is None:
            watch = self._watches[key] = _Watch(self, key, poll)  # type: ignore[arg-type]  # one type for one key
        return watch.join(topic, known)  # type: ignore[return-value, arg-type]  # as above

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
        self._pause = watches.pace.first_seconds
        self._due_at = watches.monotonic()
        self._wake = asyncio.Event()
        # In an empty context: nothing that belongs to the first listener is seen by it.
        self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    @property
    def listeners(self) -> int:
        return sum(topic.listeners for topic in self._topics.values())

    def join(self, name: Hashable, known: Sight[T] | None) -> Listener[T]:
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = _Topic()
            self._pause = self._watches.pace.first_seconds
            if known is not None:
                topic.publish(known)
            soon = self._watches.monotonic() + (0 if known is None else self._watches.pace.jittered(self._pause))
            self._due_at = min(self._due_at, soon) if len(self._topics) > 1 else soon
            self._wake.set()
        topic.listeners += 1
        return Listener(topic, lambda: self._leave(name, topic))

    def end(self, error: Exception) -> None:
        for topic in self._topics.values():
            topic.publish(Sight(None, error=error, is_last=True))
        self._topics.clear()
        self._watches.forget(self._key, self._task)

    def _leave(self, name: Hashable, topic: _Topic[T]) -> None:
        topic.listeners -= 1
        if topic.listeners or self._topics.get(name) is not topic:
            return
        del self._topics[name]
        if not self._topics:
            # Nobody looks on: a poll under way is of no use to anyone.
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
            unseen = frozenset(name for name, topic in self._topics.items() if topic.sight is None)
            sights = await self._poll(unseen or frozenset(self._topics))
            news = [self._publish(name, sight) for name, sight in sights.items()]
            self._look_again(any(news), sights)

    def _look_again(self, is_news: bool, sights: Mapping[Hashable, Sight[T]]) -> None:
        """Set when the next poll is due."""
        pace = self._watches.pace
        is_news = is_news or not all(sight.is_sure for sight in sights.values())
        self._pause = pace.first_seconds if is_news else pace.after(self._pause)
        asked = max((sight.retry_after_seconds for sight in sights.values()), default=0.0)
        self._due_at = self._watches.monotonic() + max(asked, pace.jittered(self._pause))

    async def _wait(self) -> None:
        """Wait until the next poll is due, or due earlier than it was."""
        while (left := self._due_at - self._watches.monotonic()) > 0:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._wake.wait()

    def _publish(self, name: Hashable, sight: Sight[T]) -> bool:
        """Tell the listeners what is new to them; return whether anything is."""
        topic = self._topics.get(name)
        if topic is None:
            return False
        before = topic.sight
        is_news = before is None or _told(before) != _told(sight)
        if is_news:
            topic.publish(sight)
        if sight.is_last:
            # Listeners keep it; a new one starts anew.
            del self._topics[name]
            if not self._topics:
                self._watches.forget(self._key, self._task)
        return is_news


def _told(sight: Sight[T]) -> tuple[object, ...]:
    return sight.look, type(sight.error), sight.is_last, sight.is_sure


class Listener(Generic[T]):
    """Looks on at one topic."""

    def __init__(self, topic: _Topic[T], leave: Callable[[], None]) -> None:
        self._topic = topic
        self._leave = leave
        self._version = 0
        self._has_left = False

    async def next(self) -> Sight[T]:
        """Return the newest sight not given yet, waiting for it. Nothing follows the last one."""
        while self._topic.version == self._version or self._topic.sight is None:
            await self._topic.news.wait()
        self._version = self._topic.version
        return self._topic.sight

    def leave(self) -> None:
        """Stop listening; more than once does nothing."""
        if not self._has_left:
            self._has_left = True
            self._leave()
