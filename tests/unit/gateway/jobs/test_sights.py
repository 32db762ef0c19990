"""What a look brings: when an end counts, and what makes a job look changed."""

from __future__ import annotations

from dataclasses import replace

from gateway.jobs.sights import Ends, Seen, failed
from gateway.watch import Sight
from schema.errors import ForbiddenError, LimitExceededError, RateLimitedError
from schema.ids import JobRef
from schema.job import JobStatus
from schema.plane import Plane
from tests.fakes import MOVIES, a_job


def test_an_end_counts_when_it_was_seen_twice() -> None:
    """In a row, and the same one; what has settled counts at once, what has not ended always."""
    ends, ended, failed_one = Ends(), a_job(status=JobStatus.SUCCEEDED), a_job(status=JobStatus.FAILED)
    assert [ends.count(job) for job in (ended, failed_one, failed_one)] == [False, False, True]
    assert [ends.count(job) for job in (a_job(), ended)] == [True, False]
    settled = replace(ended, source=replace(ended.source, immutable=True))
    assert Ends().count(settled)


def test_what_is_remembered_is_bounded() -> None:
    """Forgetting means to look once more."""
    ends = Ends()
    for number in range(1001):
        job = a_job(ref=JobRef(Plane.SERVICE, MOVIES, str(number)), status=JobStatus.SUCCEEDED)
        assert not ends.count(job)
    assert len(ends._seen) <= 1000


def test_a_list_and_a_status_are_compared_by_what_both_tell() -> None:
    """Progress stands in lists alone."""
    plain, listed = Seen(a_job(), is_listed=False), Seen(a_job(progress_percent=40.0), is_listed=True)
    assert not listed.differs(plain)
    assert Seen(a_job(progress_percent=50.0), is_listed=True).differs(listed)
    assert Seen(a_job(status=JobStatus.FAILED), is_listed=False).differs(listed)


def test_what_asking_again_cannot_change_is_the_last() -> None:
    """Anything else goes on, not before the time that GES names."""
    assert failed(ForbiddenError("no")).is_last
    throttled: Sight[Seen] = failed(RateLimitedError("slow down", retry_after_seconds=7))
    assert (throttled.is_last, throttled.retry_after_seconds) == (False, 7)
    assert failed(LimitExceededError("upstreamReads", 1, 2)).retry_after_seconds == 0
