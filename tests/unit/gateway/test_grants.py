"""Grants: proven by a caller, for that caller, for a minute, and taken back at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.grants import Grants

JOB = ("SERVICE", "graph", "job")
OTHER = ("SERVICE", "graph", "other job")


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 7.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def grants(clock: Clock) -> Grants:
    return Grants(60.0, clock, max_entries=3)


def test_nothing_is_allowed_without_a_proof(grants: Grants) -> None:
    assert not grants.allow("alice", JOB)


def test_a_proof_opens_this_resource_to_this_caller_only(grants: Grants) -> None:
    grants.give("alice", JOB)
    assert grants.allow("alice", JOB)
    assert not grants.allow("alice", OTHER)
    assert not grants.allow("bob", JOB)


def test_the_parts_of_a_resource_cannot_be_read_as_others(grants: Grants) -> None:
    grants.give("alice", ("a", "bc"))
    assert not grants.allow("alice", ("ab", "c"))
    assert not grants.allow("alice", ("a", "bc", ""))


def test_a_grant_ends_a_minute_after_its_proof_however_much_it_is_used(grants: Grants, clock: Clock) -> None:
    grants.give("alice", JOB)
    for _ in range(6):
        assert grants.allow("alice", JOB)
        clock.seconds += 9
    assert grants.allow("alice", JOB)
    clock.seconds += 6
    assert not grants.allow("alice", JOB)
    assert len(grants) == 0


def test_a_new_proof_starts_a_new_minute(grants: Grants, clock: Clock) -> None:
    grants.give("alice", JOB)
    clock.seconds += 40
    grants.give("alice", JOB)
    clock.seconds += 40
    assert grants.allow("alice", JOB)
    assert len(grants) == 1


def test_withdrawing_one_grant_leaves_the_others(grants: Grants) -> None:
    grants.give("alice", JOB)
    grants.give("alice", OTHER)
    grants.give("bob", JOB)
    grants.withdraw("alice", JOB)
    assert not grants.allow("alice", JOB)
    assert grants.allow("alice", OTHER)
    assert grants.allow("bob", JOB)
    assert len(grants) == 2


def test_withdrawing_what_was_never_given_changes_nothing(grants: Grants) -> None:
    grants.withdraw("alice", JOB)
    grants.give("alice", JOB)
    grants.withdraw("alice", OTHER)
    grants.withdraw_all("bob")
    assert grants.allow("alice", JOB)
    assert len(grants) == 1


def test_withdrawing_all_leaves_other_callers(grants: Grants) -> None:
    grants.give("alice", JOB)
    grants.give("alice", OTHER)
    grants.give("bob", JOB)
    grants.withdraw_all("alice")
    assert not grants.allow("alice", JOB)
    assert not grants.allow("alice", OTHER)
    assert grants.allow("bob", JOB)
    assert len(grants) == 1


def test_a_withdrawn_caller_can_prove_himself_again(grants: Grants) -> None:
    grants.give("alice", JOB)
    grants.withdraw_all("alice")
    grants.give("alice", JOB)
    assert grants.allow("alice", JOB)


def test_there_are_never_more_than_the_bound_and_the_longest_unused_goes(grants: Grants) -> None:
    for number in range(3):
        grants.give("alice", (str(number),))
    assert grants.allow("alice", ("0",))
    grants.give("alice", ("3",))
    assert [grants.allow("alice", (str(number),)) for number in range(4)] == [True, False, True, True]
    assert len(grants) == 3


def test_a_new_proof_is_a_use(grants: Grants) -> None:
    for resource in (JOB, OTHER, JOB, ("third",), ("fourth",)):
        grants.give("alice", resource)
    assert grants.allow("alice", JOB)
    assert not grants.allow("alice", OTHER)


def test_a_caller_who_proves_something_is_seen(grants: Grants) -> None:
    for caller, resource in (("alice", JOB), ("bob", JOB), ("alice", OTHER), ("carol", JOB)):
        grants.give(caller, resource)
    assert grants.allow("alice", JOB)
    assert not grants.allow("bob", JOB)


def test_the_caller_longest_unseen_makes_room_first(grants: Grants) -> None:
    grants.give("alice", JOB)
    grants.give("bob", JOB)
    assert grants.allow("alice", JOB)
    grants.give("carol", JOB)
    grants.give("dave", JOB)
    assert not grants.allow("bob", JOB)
    assert grants.allow("alice", JOB)


def test_what_has_ended_is_let_go_of_when_others_are_given(clock: Clock) -> None:
    grants = Grants(60.0, clock)
    for number in range(50):
        grants.give("alice", (str(number),))
    clock.seconds += 60
    grants.give("bob", JOB)
    assert len(grants) == 1


def test_no_single_grant_pays_for_all_that_has_ended(clock: Clock) -> None:
    grants = Grants(60.0, clock)
    for number in range(200):
        grants.give("alice", (str(number),))
    clock.seconds += 60
    grants.give("bob", JOB)
    assert len(grants) == 200 - 64 + 1
    assert grants.allow("bob", JOB)


def test_grants_of_no_length_allow_nothing_and_hold_nothing(clock: Clock) -> None:
    grants = Grants(0.0, clock)
    grants.give("alice", JOB)
    assert not grants.allow("alice", JOB)
    assert len(grants) == 0


def test_withdrawing_all_starts_an_epoch_for_that_caller_only(grants: Grants) -> None:
    before = (grants.epoch("alice"), grants.epoch("bob"))
    grants.withdraw("alice", JOB)
    assert grants.epoch("alice") == before[0]
    grants.withdraw_all("alice")
    assert grants.epoch("alice") != before[0]
    assert grants.epoch("bob") == before[1]


def test_no_epoch_ever_returns_though_few_are_remembered(clock: Clock) -> None:
    grants = Grants(60.0, clock, max_entries=2)
    past: dict[str, set[int]] = {"alice": set(), "bob": set(), "carol": set()}
    for _ in range(4):
        for withdrawn in past:
            past[withdrawn].add(grants.epoch(withdrawn))
            grants.withdraw_all(withdrawn)
            for name, epochs in past.items():
                assert grants.epoch(name) not in epochs


def test_nothing_shows_who_the_callers_are(grants: Grants) -> None:
    grants.give("alice", JOB)
    assert "alice" not in repr(grants)
    assert "alice" not in str(grants)


CALLERS = st.sampled_from(["alice", "bob", "carol"])
RESOURCES = st.sampled_from([("a",), ("b",), ("c",)])
STEPS = st.one_of(
    st.tuples(st.just("give"), CALLERS, RESOURCES),
    st.tuples(st.just("withdraw"), CALLERS, RESOURCES),
    st.tuples(st.just("withdraw_all"), CALLERS, RESOURCES),
    st.tuples(st.just("wait"), CALLERS, RESOURCES),
)


@given(steps=st.lists(STEPS, max_size=40), bound=st.integers(min_value=1, max_value=6))
def test_whatever_happens_only_the_proven_is_allowed(steps: list[tuple[str, str, tuple[str, ...]]], bound: int) -> None:
    """The bound may take a grant away, but nothing may add one."""
    clock = Clock()
    grants = Grants(60.0, clock, max_entries=bound)
    proven: dict[tuple[str, tuple[str, ...]], float] = {}
    for step, caller, resource in steps:
        if step == "give":
            grants.give(caller, resource)
            proven[caller, resource] = clock.seconds + 60
            assert grants.allow(caller, resource)
        elif step == "withdraw":
            grants.withdraw(caller, resource)
            proven.pop((caller, resource), None)
        elif step == "withdraw_all":
            grants.withdraw_all(caller)
            proven = {key: end for key, end in proven.items() if key[0] != caller}
        else:
            clock.seconds += 25
        for name in ("alice", "bob", "carol"):
            for thing in (("a",), ("b",), ("c",)):
                if grants.allow(name, thing):
                    assert proven[name, thing] > clock.seconds
        assert len(grants) <= bound
