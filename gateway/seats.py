"""Seats: places for what goes on at the same time, so many for each caller and so many in all."""

from __future__ import annotations

from collections import Counter

from schema.errors import CallerBusyError, OverloadedError


class Seats:
    """
    The places for one kind of thing; `limit` is what its bound for one caller is called in errors.

    Nobody can know when there is a place again; whoever is refused is told to come back after `retry_after_seconds`.
    """

    def __init__(self, limit: str, *, maximum: int, per_caller: int, retry_after_seconds: int = 1) -> None:
        self._limit = limit
        self._maximum = maximum
        self._per_caller = per_caller
        self._pause = retry_after_seconds
        self._by_caller: Counter[str | None] = Counter()
        self.taken = 0

    def take(self, count: int = 1) -> Seat:
        """Take a seat of one place or more; it must be left. Raises OverloadedError when there are not as many."""
        if self.taken + count > self._maximum:
            message = "The gateway has more work than it can finish; try again in a moment."
            raise OverloadedError(message, retry_after_seconds=self._pause)
        self.taken += count
        return Seat(self, count)

    def reserve(self, caller: str | None, count: int = 1) -> Seat:
        """Take a seat for a caller. Raises GatewayError when there is none, or none for him."""
        seat = self.take(count)
        try:
            seat.claim(caller)
        except CallerBusyError:
            seat.leave()
            raise
        return seat

    def _count(self, caller: str | None, count: int) -> None:
        asked = self._by_caller[caller] + count
        if asked > self._per_caller:
            raise CallerBusyError(self._limit, self._per_caller, asked, retry_after_seconds=self._pause)
        self._by_caller[caller] = asked

    def _release(self, caller: str | None, count: int, is_claimed: bool) -> None:
        self.taken -= count
        if not is_claimed:
            return
        self._by_caller[caller] -= count
        if not self._by_caller[caller]:
            # Callers come and go; who holds nothing is not remembered.
            del self._by_caller[caller]


class Seat:
    """One place or more, taken together. Counts for a caller once it is claimed for him; left at the end of `with`."""

    def __init__(self, seats: Seats, count: int) -> None:
        self._seats = seats
        self._places = count
        self._caller: str | None = None
        self._is_claimed = False
        self._is_left = False

    def __enter__(self) -> Seat:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def claim(self, caller: str | None) -> None:
        """Count it for this caller, None for all who are nobody. Raises CallerBusyError when he has enough."""
        self._seats._count(caller, self._places)
        self._caller, self._is_claimed = caller, True

    def leave(self) -> None:
        """Give it back; more than once does nothing."""
        if not self._is_left:
            self._is_left = True
            self._seats._release(self._caller, self._places, self._is_claimed)
