"""Readings: a read together with all that decides how its body is used, and what came of one. Asks nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from gateway.cache.lifetime import Lifetime
from gateway.planes.read import Body, Read

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """
    A read together with all that decides how its body is used.

    `interpret` turns the body into the model and raises what GES said instead. `keep` says how long. A body that
    names a `resource` is opened from the store only by a grant for it; without one the read that `probe` makes asks
    GES first whether this caller may, and None means that the read itself is as cheap. A `shared` body is the same for
    every caller. `addresses` is set for a body that only tells where to ask, as long as nobody shows it: how long that
    holds. A `fresh` one is not looked for in the store.
    """

    read: Read
    origin: str
    interpret: Callable[[Body], T]
    keep: Callable[[T], Lifetime]
    resource: tuple[str, ...] | None = None
    shared: bool = False
    probe: Callable[[], Read] | None = None
    addresses: Lifetime | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a read gave, and how fresh it is."""

    value: T
    fetched_at: datetime
    cached: bool
    immutable: bool
