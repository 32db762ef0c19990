"""Feeds: one plane's list read until enough pass, and several merged without loss, repetition or disorder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.jobs.feed import AskWindow, Feed, Merged, merge
from gateway.jobs.filters import divide
from gateway.planes.records import JobsRead
from gateway.reading import Answer
from schema.errors import PlaneUnavailableError
from schema.ids import GraphKey, JobRef
from schema.job import Job
from schema.job_list import JobFilter
from schema.plane import Plane
from schema.scalars import DateTime
from tests.fakes import NOW, a_job

pytestmark = pytest.mark.anyio

Windows = list[tuple[int, int]]


def a_listed_job(number: int, *, plane: Plane = Plane.MANAGEMENT, minute: int | None = None, **changes: object) -> Job:
    """Make a job of a list; `minute` is when it started, none when it has not or nobody says."""
    started = None if minute is None else DateTime(NOW + timedelta(minutes=minute))
    return a_job(JobRef(plane, GraphKey("p1", name="movies"), f"{plane.name}-{number}"), started_at=started, **changes)


def a_list(jobs: list[Job], *, total: bool = True, ignores_window: bool = False) -> tuple[AskWindow, Windows]:
    """Make what answers windows of a list, and the windows it was asked for."""
    asked: Windows = []

    async def ask(offset: int, limit: int) -> Answer[JobsRead]:
        asked.append((offset, limit))
        window = jobs if ignores_window else jobs[offset : offset + limit]
        return Answer(JobsRead(window, len(jobs) if total else None), NOW, cached=False, immutable=False)

    return ask, asked


def a_feed(plane: Plane = Plane.MANAGEMENT, filter: JobFilter | None = None, start: int = 0) -> Feed:
    """Make a feed that has read nothing yet."""
    return Feed(divide(filter or JobFilter(), plane), start)


def ids(feed: Feed) -> list[str]:
    """Return what passed, by the ids GES gave."""
    return [job.job_id for _, job in feed.jobs]


async def test_without_a_filter_the_window_is_what_is_needed() -> None:
    """One call, of exactly that size, and every job says how fresh it is."""
    ask, asked = a_list([a_listed_job(number) for number in range(9)])
    feed = await a_feed(start=2).read(ask, 3)
    assert asked == [(2, 3)]
    assert ids(feed) == ["MANAGEMENT-2", "MANAGEMENT-3", "MANAGEMENT-4"]
    assert (feed.end, feed.exhausted, feed.total) == (5, False, 9)
    assert [job.source.fetched_at for _, job in feed.jobs] == [NOW] * 3


async def test_a_large_need_is_read_in_the_windows_that_the_task_center_answers() -> None:
    """A hundred at a time; what is left over is asked as what is left."""
    ask, asked = a_list([a_listed_job(number) for number in range(300)])
    feed = await a_feed().read(ask, 250)
    assert asked == [(0, 100), (100, 100), (200, 50)]
    assert len(feed.jobs) == 250


async def test_with_a_filter_whole_windows_are_read_until_enough_pass() -> None:
    """How many pass is known only afterwards."""
    jobs = [a_listed_job(number, name="x" if number % 90 == 89 else "y") for number in range(1000)]
    ask, asked = a_list(jobs)
    feed = await a_feed(filter=JobFilter(search="x")).read(ask, 2)
    assert asked == [(0, 100), (100, 100)]
    assert ids(feed) == ["MANAGEMENT-89", "MANAGEMENT-179"]
    assert feed.position_after(0) == 89
    assert feed.position_after(1) == 179
    assert feed.position_after(2) == 200


async def test_reading_for_a_filter_ends_somewhere() -> None:
    """After twelve windows the page is short, and the feed says that there is more."""
    ask, asked = a_list([a_listed_job(number) for number in range(5000)])
    feed = await a_feed(filter=JobFilter(search="nobody")).read(ask, 1)
    assert len(asked) == 12
    assert (feed.jobs, feed.exhausted, feed.end) == ([], False, 1200)
    assert feed.has_more_at(feed.end)


@pytest.mark.parametrize("total", [True, False])
async def test_a_list_ends_with_its_total_or_with_a_short_window(total: bool) -> None:
    """Without a total a full window may have a successor, so one more is asked."""
    ask, asked = a_list([a_listed_job(number) for number in range(3)], total=total)
    feed = await a_feed().read(ask, 3)
    assert feed.exhausted is total
    assert feed.has_more_at(3) is not total
    await feed.read(ask, 4)
    assert feed.exhausted
    assert asked == [(0, 3), (3, 1)]


async def test_a_list_that_ignores_its_window_is_cut_here() -> None:
    """An early database edition sends all of it, whatever was asked."""
    ask, _ = a_list([a_listed_job(number) for number in range(7)], total=False, ignores_window=True)
    feed = await a_feed(Plane.SERVICE, start=2).read(ask, 3)
    assert ids(feed) == ["MANAGEMENT-2", "MANAGEMENT-3", "MANAGEMENT-4"]
    assert (feed.total, feed.exhausted, feed.end) == (7, False, 5)


async def test_a_plane_that_matches_names_loosely_is_told_of() -> None:
    """Whether the task center matches names exactly is documented nowhere: then its total counts too much."""
    jobs = [a_listed_job(number, graph_name="movies" if number == 250 else "movies_2") for number in range(300)]
    ask, asked = a_list(jobs)
    feed = await a_feed(filter=JobFilter(graph_name="movies")).read(ask, 2)
    assert asked == [(0, 2), (2, 100), (102, 100), (202, 100)]
    assert ids(feed) == ["MANAGEMENT-250"]
    report = feed.report()
    assert (report.filtered_here, report.total_count) == (["graphName"], None)


async def test_a_plane_that_fails_is_reported_and_keeps_what_it_gave() -> None:
    """Nothing is raised: the other planes of the list go on."""
    jobs = [a_listed_job(number) for number in range(300)]
    good, _ = a_list(jobs)

    async def ask(offset: int, limit: int) -> Answer[JobsRead]:
        if offset:
            raise PlaneUnavailableError("gone", plane=Plane.MANAGEMENT)
        return await good(offset, limit)

    feed = await a_feed().read(ask, 150)
    report = feed.report()
    assert len(feed.jobs) == 100
    assert (report.ok, report.fetched_at, report.cached) == (False, NOW, False)
    assert isinstance(report.error, PlaneUnavailableError)
    assert feed.has_more_at(99)
    assert not feed.has_more_at(100)


def test_a_feed_that_was_never_read_has_nothing_to_tell() -> None:
    """As when its plane failed at once."""
    report = a_feed(Plane.SERVICE).report()
    assert (report.plane, report.fetched_at, report.cached, report.total_count) == (Plane.SERVICE, None, False, None)


def a_read_feed(plane: Plane, minutes: list[int | None], *, exhausted: bool = True) -> Feed:
    """Make a feed that has read jobs with these start times."""
    jobs = [a_listed_job(number, plane=plane, minute=minute) for number, minute in enumerate(minutes)]
    return Feed(divide(JobFilter(), plane), len(jobs), list(enumerate(jobs)), exhausted=exhausted)


def merged_ids(merged: list[Merged]) -> list[str]:
    """Return a merged list by the ids GES gave."""
    return [entry.job.job_id for entry in merged]


def test_the_newest_comes_first() -> None:
    """Whichever plane it is of."""
    feeds = [a_read_feed(Plane.MANAGEMENT, [9, 5, 1]), a_read_feed(Plane.SERVICE, [7, 6])]
    merged = merge(feeds, 10)
    assert merged_ids(merged) == ["MANAGEMENT-0", "SERVICE-0", "SERVICE-1", "MANAGEMENT-1", "MANAGEMENT-2"]
    assert [entry.positions for entry in merged] == [(1, 0), (1, 1), (1, 2), (2, 2), (3, 2)]


def test_a_job_without_a_time_stays_with_the_one_before_it() -> None:
    """At the head of its feed it has not started, so it is new; behind another it is as old as that one."""
    feeds = [a_read_feed(Plane.MANAGEMENT, [None, 5, None, 1]), a_read_feed(Plane.SERVICE, [7, 3])]
    assert merged_ids(merge(feeds, 10)) == [
        *("MANAGEMENT-0", "SERVICE-0", "MANAGEMENT-1", "MANAGEMENT-2", "SERVICE-1", "MANAGEMENT-3"),
    ]


def test_of_equal_times_the_first_plane_is_first() -> None:
    """So that the order does not depend on who answered sooner."""
    feeds = [a_read_feed(Plane.MANAGEMENT, [5, 5]), a_read_feed(Plane.SERVICE, [5])]
    assert merged_ids(merge(feeds, 10)) == ["MANAGEMENT-0", "MANAGEMENT-1", "SERVICE-0"]


MINUTES = st.lists(st.none() | st.integers(0, 30), max_size=12)


@given(MINUTES, MINUTES, st.integers(0, 30))
def test_merging_keeps_every_feed_in_its_order_and_loses_nothing(
    one: list[int | None], other: list[int | None], count: int
) -> None:
    """The first jobs of both, each feed in its own order; positions count what was used of each."""
    feeds = [a_read_feed(Plane.MANAGEMENT, one), a_read_feed(Plane.SERVICE, other)]
    merged = merge(feeds, count)
    assert len(merged) == min(count, len(one) + len(other))
    used = [0, 0]
    for entry in merged:
        number = [Plane.MANAGEMENT, Plane.SERVICE].index(entry.job.plane)
        assert entry.job.job_id == f"{entry.job.plane.name}-{used[number]}"
        used[number] += 1
        assert entry.positions == tuple(used)


@given(
    st.lists(st.integers(0, 30), max_size=12).map(lambda minutes: sorted(minutes, reverse=True)),
    st.lists(st.integers(0, 30), max_size=12).map(lambda minutes: sorted(minutes, reverse=True)),
)
def test_sorted_feeds_merge_into_a_sorted_list(one: list[int], other: list[int]) -> None:
    """Where both planes give times, newest first, so does the list."""
    feeds = [a_read_feed(Plane.MANAGEMENT, list(one)), a_read_feed(Plane.SERVICE, list(other))]
    times = [entry.job.started_at or datetime.min.replace(tzinfo=UTC) for entry in merge(feeds, 100)]
    assert times == sorted(times, reverse=True)
    assert len(times) == len(one) + len(other)
