"""Tests of rates."""

import pytest

from gateway.rates import SAVED_SECONDS, Rates


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def passed(rates: Rates, caller: str | None, tries: int) -> int:
    """Return how many of so many tries are let through."""
    return sum(rates.take(caller) == 0 for _ in range(tries))


def test_what_was_not_used_is_saved_up_for_a_while_only() -> None:
    """A burst, then one at a time."""
    clock = Hand()
    rates = Rates(per_caller=2, in_all=1_000, clock=clock)
    assert passed(rates, "one", 100) == 2 * SAVED_SECONDS
    clock.seconds += 1
    assert passed(rates, "one", 100) == 2
    clock.seconds += 1_000
    assert passed(rates, "one", 100) == 2 * SAVED_SECONDS


def test_who_is_refused_is_told_when_to_come_again() -> None:
    """Not a moment earlier is of use."""
    clock = Hand()
    rates = Rates(per_caller=2, in_all=1_000, clock=clock)
    passed(rates, "one", 2 * SAVED_SECONDS)
    seconds = rates.take("one")
    assert seconds == pytest.approx(0.5, abs=0.01)
    clock.seconds += seconds - 0.1
    assert rates.take("one") > 0
    clock.seconds += 0.1
    assert rates.take("one") == 0


def test_each_caller_has_his_own() -> None:
    """And nobody is a caller, too."""
    rates = Rates(per_caller=1, in_all=1_000, clock=Hand())
    assert [passed(rates, caller, 100) for caller in ("one", "two", None)] == [SAVED_SECONDS] * 3


def test_all_together_have_a_bound() -> None:
    """Names cost nothing to invent."""
    rates = Rates(per_caller=1, in_all=4, clock=Hand())
    assert sum(passed(rates, f"caller-{number}", 1) for number in range(1_000)) == 4 * SAVED_SECONDS


def test_a_caller_that_is_refused_takes_nothing_from_the_others() -> None:
    """However often he tries."""
    rates = Rates(per_caller=1, in_all=2, clock=Hand())
    passed(rates, "one", 1_000)
    assert passed(rates, "two", 1_000) == SAVED_SECONDS


def test_only_so_many_callers_are_remembered() -> None:
    """The one not seen for longest is forgotten."""
    rates = Rates(per_caller=1, in_all=1_000, clock=Hand(), most_callers=3)
    for caller in ("one", "two", "three", "four"):
        passed(rates, caller, SAVED_SECONDS)
    assert len(rates) == 3
    assert rates.take("four") > 0
    assert rates.take("one") == 0
