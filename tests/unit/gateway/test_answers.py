"""Finished answers: what they rest on, how long they are kept, and how much memory they take."""

import os
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from gateway.answers import Answers, Finished, Key, Proofs
from gateway.ready import lines_of

NOW = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
JOB = ("SERVICE", "p1", "", "movies", "job-1")
ENTRY_BYTES = 1_000 + 2 * 200 + len("accept" + "*/*" + "a" + "b" + "a: b\r\n") + len("body")


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 7.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_key(caller: str = "alice", epoch: int = 0, body: bytes = b"body", accept: bytes = b"*/*") -> Key:
    """Name a request."""
    return Key(caller, epoch, ((b"accept", accept),), body)


def an_answer(content: bytes = b"") -> Finished:
    """Make an answer with one header that rests on nothing."""
    return Finished(((b"a", b"b"),), b"a: b\r\n", content, (), None)


def proofs_of(*resources: tuple[str, ...]) -> Proofs:
    """Make proofs of a caller's right to these."""
    return Proofs(resources=set(resources))


def test_an_answer_lasts_as_long_as_the_shortest_of_what_it_rests_on() -> None:
    proofs = proofs_of(JOB)
    proofs.rest_on(NOW - timedelta(seconds=10), 100)
    proofs.rest_on(NOW - timedelta(seconds=25), 30)
    proofs.rest_on(NOW, 50)
    assert proofs.seconds_left(NOW) == 5
    assert proofs.seconds_left(NOW + timedelta(seconds=6)) == -1


def test_an_answer_that_shows_what_may_change_lasts_no_time() -> None:
    proofs = proofs_of(JOB)
    proofs.rest_on(NOW, 100)
    proofs.show_changing()
    assert proofs.seconds_left(NOW) == 0


def test_an_answer_that_rests_on_nobodys_right_is_not_given_again() -> None:
    assert Proofs().seconds_left(NOW) == 0


def test_an_answer_is_given_until_its_time_is_over(clock: Clock) -> None:
    answers = Answers(10_000, clock)
    answers.put(a_key(), an_answer(b"one"), 30)
    clock.seconds += 29.9
    assert answers.get(a_key()) == an_answer(b"one")
    clock.seconds += 0.1
    assert answers.get(a_key()) is None
    assert (len(answers), answers.held_bytes) == (0, 0)


@pytest.mark.parametrize(
    "other", [a_key(caller="bob"), a_key(epoch=1), a_key(body=b"other"), a_key(accept=b"application/json")]
)
def test_an_answer_is_for_an_equal_request_only(clock: Clock, other: Key) -> None:
    answers = Answers(10_000, clock)
    answers.put(a_key(), an_answer(), 30)
    assert answers.get(other) is None


def test_a_later_answer_replaces_an_earlier_one(clock: Clock) -> None:
    answers = Answers(10_000, clock)
    answers.put(a_key(), an_answer(b"early"), 30)
    answers.put(a_key(), an_answer(b"late"), 60)
    clock.seconds += 59
    assert answers.get(a_key()) == an_answer(b"late")
    assert answers.held_bytes == ENTRY_BYTES + len("late")


@pytest.mark.parametrize("seconds", [0, -1])
def test_an_answer_without_time_left_is_not_kept_and_takes_the_place_of_none(clock: Clock, seconds: float) -> None:
    """The one before it is out of date all the same."""
    answers = Answers(10_000, clock)
    answers.put(a_key(), an_answer(b"early"), 30)
    answers.put(a_key(), an_answer(b"late"), seconds)
    assert (answers.get(a_key()), answers.held_bytes) == (None, 0)


def test_the_least_recently_used_answer_leaves_first(clock: Clock) -> None:
    answers = Answers(4 * ENTRY_BYTES + 3, clock)
    for name in (b"one!", b"two!", b"tri!", b"for!"):
        answers.put(a_key(body=name), an_answer(), 30)
    answers.get(a_key(body=b"one!"))
    answers.put(a_key(body=b"five"), an_answer(), 30)
    kept = [name for name in (b"one!", b"two!", b"tri!", b"for!", b"five") if answers.get(a_key(body=name))]
    assert kept == [b"one!", b"tri!", b"for!", b"five"]
    assert answers.held_bytes == 4 * ENTRY_BYTES


def test_no_single_answer_takes_more_than_a_quarter(clock: Clock) -> None:
    answers = Answers(4 * ENTRY_BYTES, clock)
    answers.put(a_key(body=b"fits"), an_answer(), 30)
    answers.put(a_key(body=b"does not"), an_answer(), 30)
    assert answers.get(a_key(body=b"fits")) is not None
    assert answers.get(a_key(body=b"does not")) is None


def test_without_room_nothing_is_kept(clock: Clock) -> None:
    answers = Answers(0, clock)
    answers.put(a_key(), an_answer(), 30)
    assert len(answers) == 0


def test_the_memory_told_is_the_memory_taken(clock: Clock) -> None:
    """The bound holds for what Python takes, not only for the bytes themselves."""
    answers = Answers(100_000_000, clock)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(500):
            headers = tuple((b"name-%d-%d" % (number, place), os.urandom(20)) for place in range(10))
            key = Key(f"caller-{number}", 0, headers[:3], os.urandom(300))
            resource = ("SERVICE", f"project-{number}", "", f"graph-{number}", f"job-{number}")
            answers.put(key, Finished(headers, lines_of(headers), os.urandom(1_000), (resource,), f"name-{number}"), 30)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.4 * answers.held_bytes < taken <= answers.held_bytes
