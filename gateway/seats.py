"""Seats: places for what goes on at the same time, so many for each caller and so many in all."""

from __future__ import annotations

from collections import Counter

from schema.errors import LimitExceededError, OverloadedError


class Seats:
    """The places for one kind of thing; `limit` is what its bound for one caller is called in errors."""

    def __init__(self, limit: str, *, maximum: int, per_caller: int) -> None:
        self._limit = limit
        self._maximum = maximum
        self._per_caller = per_caller
        self._by_caller: Counter[str | None] = Counter()
        self.taken = 0

    def take(self) -> Seat:
        """Take a seat; it must be left. Raises OverloadedError when all are taken."""
        if self.taken >= self._maximum:
            raise OverloadedError("The gateway has more work than it can finish; try again in a moment.")
        self.taken += 1
        return Seat(self)

    def _count(self, caller: str | None) -> None:
        asked = self._by_caller[caller] + 1
        if asked > self._per_caller:
            raise LimitExceededError(self._limit, self._per_caller, asked)
        self._by_caller[caller] = asked

    def _release(self, caller: str | None, is_claimed: bool) -> None:
        self.taken -= 1
        if not is_claimed:
            return
        self._by_caller[caller] -= 1
        if not self._by_caller[caller]:
            # Callers come and go; who holds nothing is not remembered.
            del self._by_caller[caller]


class Seat:
    """One place. Counts for a caller once it is claimed for him."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._caller: str | None = None
        self._is_claimed = False
        self._is_left = False

    def claim(self, caller: str | None) -> None:
        """Count it for this caller, None for all who are nobody. Raises LimitExceededError when he has enough."""
        self._seats._count(caller)
        self._caller, self._is_claimed = caller, True

    def leave(self) -> None:
        """Give it back; more than once does nothing."""
        if not self._is_left:
            self._is_left = True
            self._seats._release(self._caller, self._is_claimed)
