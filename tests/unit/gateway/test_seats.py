"""Seats: how many there are in all and for each caller, and that none is lost."""

from __future__ import annotations

import pytest

from gateway.seats import Seats
from schema.errors import CallerBusyError, LimitExceededError, OverloadedError


def test_there_are_so_many_and_no_more() -> None:
    """One that is left is free again, and can be left once only."""
    seats = Seats("subscriptions", maximum=2, per_caller=2)
    first, _ = seats.take(), seats.take()
    with pytest.raises(OverloadedError):
        seats.take()
    first.leave()
    first.leave()
    assert seats.taken == 1
    seats.take()


def test_a_caller_has_so_many_of_them() -> None:
    """Callers without a credential are one caller; a seat that nobody claimed counts for none."""
    seats = Seats("subscriptions", maximum=10, per_caller=1)
    mine, theirs, nobodys, unclaimed = (seats.take() for _ in range(4))
    mine.claim("me")
    theirs.claim("them")
    nobodys.claim(None)
    with pytest.raises(LimitExceededError) as caught:
        unclaimed.claim("me")
    assert (caught.value.limit, caught.value.maximum, caught.value.asked) == ("subscriptions", 1, 2)
    unclaimed.leave()
    mine.leave()
    seats.take().claim("me")


def test_a_seat_may_have_many_places() -> None:
    """Rows, for instance; they are left together, and none is lost when a caller is refused."""
    seats = Seats("rowsUnderWay", maximum=10, per_caller=6)
    with seats.reserve("me", 5):
        with pytest.raises(CallerBusyError) as caught:
            seats.reserve("me", 2)
        assert (caught.value.maximum, caught.value.asked) == (6, 7)
        assert caught.value.extensions["retryAfterSeconds"] == 1
        assert seats.taken == 5
        with seats.reserve("me", 1), seats.reserve("them", 4), pytest.raises(OverloadedError):
            seats.reserve("others", 1)
    assert seats.taken == 0
    assert len(seats._by_caller) == 0


def test_whoever_is_refused_is_told_when_to_come_again() -> None:
    """What takes long is free again later."""
    seats = Seats("exports", maximum=2, per_caller=1, retry_after_seconds=5)
    seats.reserve("me")
    for caller in ("me", "them"):
        seats.take() if caller == "them" else None
        with pytest.raises((CallerBusyError, OverloadedError)) as caught:
            seats.reserve(caller)
        assert caught.value.extensions["retryAfterSeconds"] == 5


def test_who_holds_nothing_is_not_remembered() -> None:
    """Callers come and go."""
    seats = Seats("subscriptions", maximum=10, per_caller=2)
    for name in map(str, range(100)):
        seat = seats.take()
        seat.claim(name)
        seat.leave()
    assert len(seats._by_caller) == 0
