"""The breakers: when calls pass, when one probes, and what a late answer may still change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.planes.breaker import Breaker, Breakers, BreakerState, BreakerSummary

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 1, 12, 1, tzinfo=UTC)


class Monotonic:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def monotonic() -> Monotonic:
    return Monotonic()


@pytest.fixture
def breaker(monotonic: Monotonic) -> Breaker:
    return Breaker(monotonic, failures_to_open=3, open_seconds=3.0)


def admitted(breaker: Breaker) -> int:
    """Get a ticket that must be there."""
    ticket = breaker.admit()
    assert ticket is not None
    return ticket


def fail(breaker: Breaker, times: int) -> None:
    """Fail so many calls in a row."""
    for _ in range(times):
        breaker.failed(admitted(breaker))


def test_a_new_breaker_is_closed(breaker: Breaker) -> None:
    """Nothing is known, so calls pass."""
    assert (breaker.state, breaker.retry_after_seconds, breaker.last_ok_at) == (BreakerState.CLOSED, None, None)


def test_five_failures_open_it_for_three_seconds_by_default(monotonic: Monotonic) -> None:
    """The numbers operators are told."""
    breaker = Breaker(monotonic)
    fail(breaker, 4)
    assert breaker.state is BreakerState.CLOSED
    fail(breaker, 1)
    assert (breaker.state, breaker.retry_after_seconds) == (BreakerState.OPEN, 3.0)


def test_an_answer_forgives_the_failures_before_it(breaker: Breaker) -> None:
    """Only consecutive failures count."""
    fail(breaker, 2)
    breaker.succeeded(admitted(breaker), AT)
    fail(breaker, 2)
    assert (breaker.state, breaker.last_ok_at) == (BreakerState.CLOSED, AT)


def test_an_abandoned_call_forgives_nothing(breaker: Breaker) -> None:
    """It proved nothing."""
    fail(breaker, 2)
    breaker.abandoned(admitted(breaker))
    fail(breaker, 1)
    assert breaker.state is BreakerState.OPEN


def test_while_open_no_call_passes_and_the_wait_shrinks(breaker: Breaker, monotonic: Monotonic) -> None:
    """The wait is what clients are told."""
    fail(breaker, 3)
    monotonic.seconds += 2.0
    assert breaker.admit() is None
    assert breaker.retry_after_seconds == 1.0


def test_after_the_wait_a_single_probe_passes(breaker: Breaker, monotonic: Monotonic) -> None:
    """Everyone else goes on waiting."""
    fail(breaker, 3)
    monotonic.seconds += 3.0
    admitted(breaker)
    assert (breaker.state, breaker.admit(), breaker.retry_after_seconds) == (BreakerState.HALF_OPEN, None, 3.0)


def test_an_answered_probe_closes_it(breaker: Breaker, monotonic: Monotonic) -> None:
    """And the count begins anew."""
    fail(breaker, 3)
    monotonic.seconds += 3.0
    breaker.succeeded(admitted(breaker), AT)
    fail(breaker, 2)
    assert (breaker.state, breaker.retry_after_seconds) == (BreakerState.CLOSED, None)


def test_a_failed_probe_opens_it_again_in_full(breaker: Breaker, monotonic: Monotonic) -> None:
    """One failure is enough here."""
    fail(breaker, 3)
    monotonic.seconds += 4.0
    fail(breaker, 1)
    assert (breaker.state, breaker.retry_after_seconds, breaker.admit()) == (BreakerState.OPEN, 3.0, None)


def test_an_abandoned_probe_lets_the_next_call_probe_at_once(breaker: Breaker, monotonic: Monotonic) -> None:
    """A caller that left must not keep the door shut."""
    fail(breaker, 3)
    monotonic.seconds += 3.0
    breaker.abandoned(admitted(breaker))
    assert (breaker.state, breaker.retry_after_seconds) == (BreakerState.OPEN, 0.0)
    breaker.succeeded(admitted(breaker), AT)
    assert breaker.state is BreakerState.CLOSED


def test_a_probe_that_hangs_is_followed_by_another(breaker: Breaker, monotonic: Monotonic) -> None:
    """Recovery does not wait for a call that was lost, and whichever probe is answered closes it."""
    fail(breaker, 3)
    monotonic.seconds += 3.0
    slow = admitted(breaker)
    monotonic.seconds += 2.9
    assert breaker.admit() is None
    monotonic.seconds += 0.1
    admitted(breaker)
    breaker.succeeded(slow, AT)
    assert breaker.state is BreakerState.CLOSED


def test_a_failure_from_before_it_opened_does_not_prolong_the_wait(breaker: Breaker, monotonic: Monotonic) -> None:
    """It is the same outage."""
    late = admitted(breaker)
    fail(breaker, 3)
    monotonic.seconds += 2.0
    breaker.failed(late)
    assert breaker.retry_after_seconds == 1.0


def test_an_answer_from_before_it_opened_does_not_close_it(breaker: Breaker) -> None:
    """But it was an answer, and is told as such."""
    late = admitted(breaker)
    fail(breaker, 3)
    breaker.succeeded(late, AT)
    assert (breaker.state, breaker.last_ok_at) == (BreakerState.OPEN, AT)


def test_a_call_abandoned_from_before_it_opened_frees_no_probe(breaker: Breaker) -> None:
    """It was none."""
    late = admitted(breaker)
    fail(breaker, 3)
    breaker.abandoned(late)
    assert breaker.retry_after_seconds == 3.0


def test_a_failure_from_the_last_outage_does_not_count_in_the_next(breaker: Breaker, monotonic: Monotonic) -> None:
    """A probe that was overtaken ends long after the plane is back."""
    fail(breaker, 3)
    monotonic.seconds += 3.0
    overtaken = admitted(breaker)
    monotonic.seconds += 3.0
    breaker.succeeded(admitted(breaker), AT)
    fail(breaker, 2)
    breaker.failed(overtaken)
    assert breaker.state is BreakerState.CLOSED


def test_each_origin_has_its_own_breaker(monotonic: Monotonic) -> None:
    """One graph that is down takes no other with it."""
    breakers = Breakers(monotonic, failures_to_open=1)
    fail(breakers.of("http://a"), 1)
    assert breakers.of("http://a").state is BreakerState.OPEN
    assert breakers.of("http://b").state is BreakerState.CLOSED


def test_the_least_recently_used_breaker_is_forgotten(monotonic: Monotonic) -> None:
    """Addresses come and go; memory does not grow with them."""
    breakers = Breakers(monotonic, failures_to_open=1, max_origins=2)
    fail(breakers.of("http://a"), 1)
    fail(breakers.of("http://b"), 1)
    breakers.of("http://a")
    breakers.of("http://c")
    assert breakers.of("http://a").state is BreakerState.OPEN
    assert breakers.of("http://b").state is BreakerState.CLOSED


def test_the_summary_of_nothing_is_closed(monotonic: Monotonic) -> None:
    """A plane that was never asked is not known to be down."""
    assert Breakers(monotonic).summary() == BreakerSummary(BreakerState.CLOSED, None, None)


def test_the_summary_is_the_worst_state_the_soonest_try_and_the_latest_answer(monotonic: Monotonic) -> None:
    """Over all origins."""
    breakers = Breakers(monotonic, failures_to_open=1, open_seconds=3.0)
    fail(breakers.of("http://a"), 1)
    monotonic.seconds += 1.0
    fail(breakers.of("http://b"), 1)
    breakers.of("http://c").succeeded(admitted(breakers.of("http://c")), LATER)
    breakers.of("http://d").succeeded(admitted(breakers.of("http://d")), AT)
    assert breakers.summary() == BreakerSummary(BreakerState.OPEN, LATER, 2.0)


def test_half_open_is_worse_than_closed_in_the_summary(monotonic: Monotonic) -> None:
    """The plane is not well before the probe says so."""
    breakers = Breakers(monotonic, failures_to_open=1, open_seconds=3.0)
    breakers.of("http://a")
    fail(breakers.of("http://b"), 1)
    monotonic.seconds += 3.0
    admitted(breakers.of("http://b"))
    assert breakers.summary().state is BreakerState.HALF_OPEN


def test_breakers_are_counted_by_their_state(monotonic: Monotonic) -> None:
    """For the metrics: one that has opened, one that never failed."""
    breakers = Breakers(monotonic, failures_to_open=1)
    breakers.of("http://a").failed(0)
    breakers.of("http://b")
    assert breakers.counts() == {BreakerState.CLOSED: 1, BreakerState.HALF_OPEN: 0, BreakerState.OPEN: 1}
