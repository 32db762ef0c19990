"""How long each kind of body may be kept, and when a job that has ended counts as settled."""

import pytest

from gateway.cache.lifetime import Lifetime, Lifetimes, Settling

JOB = ("SERVICE", "project", "graph", "job")


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 50.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lifetimes(clock: Clock) -> Lifetimes:
    return Lifetimes(30.0, clock)


def test_a_job_that_moves_is_kept_for_a_second(lifetimes: Lifetimes) -> None:
    assert lifetimes.job(JOB, "RUNNING", is_terminal=False) == Lifetime(1.0)


@pytest.mark.parametrize(
    ("waited", "expected"),
    [
        (0.0, Lifetime(5.0)),
        (29.9, Lifetime(5.0)),
        (30.0, Lifetime(86_400.0, immutable=True)),
        (4_000.0, Lifetime(86_400.0, immutable=True)),
    ],
)
def test_a_job_that_ended_is_kept_long_once_it_has_settled(
    lifetimes: Lifetimes, clock: Clock, waited: float, expected: Lifetime
) -> None:
    lifetimes.job(JOB, "SUCCEEDED", is_terminal=True)
    clock.seconds += waited
    assert lifetimes.job(JOB, "SUCCEEDED", is_terminal=True) == expected


def test_seeing_a_job_again_does_not_put_its_settling_off(lifetimes: Lifetimes, clock: Clock) -> None:
    for _ in range(3):
        assert not lifetimes.job(JOB, "SUCCEEDED", is_terminal=True).immutable
        clock.seconds += 10
    assert lifetimes.job(JOB, "SUCCEEDED", is_terminal=True).immutable


def test_another_terminal_status_starts_settling_anew(lifetimes: Lifetimes, clock: Clock) -> None:
    lifetimes.job(JOB, "SUCCEEDED", is_terminal=True)
    clock.seconds += 30
    assert lifetimes.job(JOB, "FAILED", is_terminal=True) == Lifetime(5.0)
    clock.seconds += 29
    assert lifetimes.job(JOB, "FAILED", is_terminal=True) == Lifetime(5.0)
    clock.seconds += 1
    assert lifetimes.job(JOB, "FAILED", is_terminal=True).immutable


def test_a_job_that_moves_again_starts_settling_anew(lifetimes: Lifetimes, clock: Clock) -> None:
    lifetimes.job(JOB, "SUCCEEDED", is_terminal=True)
    clock.seconds += 30
    assert lifetimes.job(JOB, "RUNNING", is_terminal=False) == Lifetime(1.0)
    assert lifetimes.job(JOB, "SUCCEEDED", is_terminal=True) == Lifetime(5.0)


def test_jobs_settle_apart_from_each_other(lifetimes: Lifetimes, clock: Clock) -> None:
    lifetimes.job(JOB, "SUCCEEDED", is_terminal=True)
    clock.seconds += 30
    other = ("MANAGEMENT", *JOB[1:])
    assert not lifetimes.job(other, "SUCCEEDED", is_terminal=True).immutable
    assert lifetimes.job(JOB, "SUCCEEDED", is_terminal=True).immutable


def test_without_a_time_to_settle_the_first_terminal_answer_counts(clock: Clock) -> None:
    assert Lifetimes(0.0, clock).job(JOB, "SUCCEEDED", is_terminal=True).immutable


def test_lists_graphs_and_not_found_have_their_own_times(lifetimes: Lifetimes) -> None:
    assert lifetimes.job_list(any_running=True) == Lifetime(1.0)
    assert lifetimes.job_list(any_running=False) == Lifetime(5.0)
    assert lifetimes.graph() == Lifetime(30.0)
    assert lifetimes.graph(is_known=False) == Lifetime(1.0)
    assert lifetimes.not_found() == Lifetime(2.0)


def test_what_is_remembered_is_bounded_and_the_longest_unseen_is_forgotten(clock: Clock) -> None:
    settling = Settling(30.0, clock, max_entries=2)
    settling.is_settled(("a",), "SUCCEEDED")
    settling.is_settled(("b",), "SUCCEEDED")
    settling.is_settled(("a",), "SUCCEEDED")
    settling.is_settled(("c",), "SUCCEEDED")
    clock.seconds += 30
    assert len(settling) == 2
    assert settling.is_settled(("a",), "SUCCEEDED")
    assert not settling.is_settled(("b",), "SUCCEEDED")
