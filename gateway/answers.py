"""
Finished answers as bytes, kept while nothing in them can change, and what an answer rests on. Bounded in bytes.

Knows no GraphQL, no credential and no grant: keys are whatever must be equal, resources are opaque names.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

# What CPython takes beside the bytes themselves (measured): for each answer, for each header and resource of it.
_OVERHEAD_BYTES = 1_000
_PART_BYTES = 200
_NEVER = datetime.max.replace(tzinfo=UTC)

Headers = tuple[tuple[bytes, bytes], ...]
Resource = tuple[str, ...]


@dataclass(slots=True)
class Proofs:
    """
    What the answer to one operation rests on, told while it is made.

    `is_final` is lost with the first thing that can show in the answer and may still change. All else it rests on
    holds until `ends_at`. `resources` are what the caller had to prove his right to. `oldest` is when GES gave the
    oldest part of it, and `is_kept` says that some part came from what is kept here.
    """

    resources: set[Resource] = field(default_factory=set)
    ends_at: datetime = _NEVER
    is_final: bool = True
    oldest: datetime | None = None
    is_kept: bool = False

    def show(self, fetched_at: datetime, *, kept: bool) -> None:
        """Note when GES gave a part of the answer, and whether it was kept here since."""
        self.oldest = fetched_at if self.oldest is None else min(self.oldest, fetched_at)
        self.is_kept = self.is_kept or kept

    def rest_on(self, since: datetime, seconds: float) -> None:
        """Note something that holds for so long and, until then, does not change."""
        self.ends_at = min(self.ends_at, since + timedelta(seconds=seconds))

    def show_changing(self) -> None:
        """Note something that can show in the answer and may change at any time."""
        self.is_final = False

    def seconds_left(self, now: datetime) -> float:
        """Return how long the same answer may be given again; none for one that rests on nobody's right."""
        return (self.ends_at - now).total_seconds() if self.is_final and self.resources else 0.0


def age_text(fetched_at: datetime, now: datetime) -> str:
    """Return the value of the header `Age`: whole seconds since GES gave the oldest part of an answer."""
    return str(max(0, int((now - fetched_at).total_seconds())))


@dataclass(frozen=True, slots=True)
class Offer:
    """A good answer that may be kept: what it rests on, and the operation's name for the log."""

    proofs: Proofs
    name: str | None


class Key(NamedTuple):
    """What must be equal for an answer to serve another request; `epoch` is that of the caller's grants."""

    caller: str
    epoch: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Finished:
    """An answer that may be given again as it is, to whoever still may see the resources in it."""

    headers: Headers
    # The same, as a server may write them.
    lines: bytes
    content: bytes
    resources: tuple[Resource, ...]
    # The operation's name, for the log.
    name: str | None
    # When GES gave the oldest part of it.
    fetched_at: datetime | None = None


class _Kept(NamedTuple):
    answer: Finished
    ends_at: float
    size_bytes: int


class Answers:
    """Keep answers within `max_bytes`, the least recently used leaving first, each for the seconds it was given."""

    def __init__(self, max_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.held_bytes = 0
        self._max_bytes = max_bytes
        # No single answer may push out most of the others.
        self.longest_bytes = max_bytes // 4
        self._clock = clock
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> Finished | None:
        """Return the answer under a key, None when there is none or its time is over."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.ends_at <= self._clock():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept.answer

    def put(self, key: Key, answer: Finished, seconds: float) -> None:
        """Keep an answer for so long, in place of an older one."""
        self._drop(key)
        size_bytes = _size_bytes(key, answer)
        if seconds <= 0 or size_bytes > self.longest_bytes:
            return
        self._kept[key] = _Kept(answer, self._clock() + seconds, size_bytes)
        self.held_bytes += size_bytes
        while self.held_bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.held_bytes -= kept.size_bytes


def _size_bytes(key: Key, answer: Finished) -> int:
    parts = len(key.headers) + len(answer.headers) + len(answer.resources)
    headers = sum([len(name) + len(value) for name, value in (*key.headers, *answer.headers)]) + len(answer.lines)
    names = sum([len(part) for resource in answer.resources for part in resource])
    return _OVERHEAD_BYTES + parts * _PART_BYTES + headers + names + len(key.body) + len(answer.content)
