"""
Who has proven, a short while ago, the right to read what. A proof is an answer GES gave to that very caller.

Knows callers and resources as opaque names, and neither credentials nor bodies.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

# Giving removes at most so many expired grants, so that no single call pays for all.
_SWEEP = 64

_Held = OrderedDict[tuple[str, ...], float]


class Grants:
    """
    Hold at most `max_entries` grants, each for `seconds` from its proof; use does not extend it.

    When there are too many, the least recently used grant of the caller longest unseen goes first. Losing one costs
    that caller another proof and nothing else.
    """

    def __init__(
        self, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic, max_entries: int = 100_000
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._max_entries = max_entries
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._count = 0
        self._epochs: dict[str, int] = {}
        self._epoch_of_others = 0
        self._latest_epoch = 0

    def __len__(self) -> int:
        return self._count

    def allow(self, caller: str, resource: tuple[str, ...]) -> bool:
        """Return whether the caller has proven the right to this resource lately enough."""
        held = self._held.get(caller)
        ends_at = None if held is None else held.get(resource)
        if held is None or ends_at is None:
            return False
        if ends_at <= self._clock():
            self._remove(caller, held, resource)
            return False
        held.move_to_end(resource)
        self._held.move_to_end(caller)
        return True

    def give(self, caller: str, resource: tuple[str, ...]) -> None:
        """Note that GES has just let the caller read this resource."""
        held = self._held.setdefault(caller, OrderedDict())
        if resource not in held:
            self._count += 1
        held[resource] = self._clock() + self._seconds
        held.move_to_end(resource)
        self._held.move_to_end(caller)
        self._make_room()

    def withdraw(self, caller: str, resource: tuple[str, ...]) -> None:
        """Take one grant back: GES has refused."""
        held = self._held.get(caller)
        if held is not None and resource in held:
            self._remove(caller, held, resource)

    def withdraw_all(self, caller: str) -> None:
        """Take every grant of a caller back and start a new epoch for him, in time that his grants do not lengthen."""
        self._count -= len(self._held.pop(caller, ()))
        if len(self._epochs) >= self._max_entries:
            # A forgotten epoch must not come back as an old one, so all who are not listed move on together.
            self._epochs.clear()
            self._epoch_of_others = self._next_epoch()
        self._epochs[caller] = self._next_epoch()

    def epoch(self, caller: str) -> int:
        """
        Return a number that changes whenever everything of the caller was withdrawn, and never returns.

        As part of a key it cuts the caller off from what was kept for him before.
        """
        return self._epochs.get(caller, self._epoch_of_others)

    def _next_epoch(self) -> int:
        self._latest_epoch += 1
        return self._latest_epoch

    def _make_room(self) -> None:
        now = self._clock()
        for _ in range(_SWEEP):
            caller, held = next(iter(self._held.items()))
            resource, ends_at = next(iter(held.items()))
            if ends_at > now and self._count <= self._max_entries:
                return
            self._remove(caller, held, resource)
            if not self._held:
                return

    def _remove(self, caller: str, held: _Held, resource: tuple[str, ...]) -> None:
        del held[resource]
        self._count -= 1
        if not held:
            del self._held[caller]
