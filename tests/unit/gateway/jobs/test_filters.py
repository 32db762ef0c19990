"""Filters divided: what the task center is asked to do, what is done here, and what passes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway.jobs.filters import divide
from schema.job import JobKind, JobRequest, JobStatus
from schema.job_list import JobFilter
from schema.plane import Plane
from schema.scalars import DateTime
from tests.fakes import a_job

NOON = DateTime(datetime(2026, 3, 4, 12, tzinfo=UTC))
MIDNIGHT = DateTime(datetime(2026, 3, 5, tzinfo=UTC))
EVERYTHING = JobFilter(
    statuses=[JobStatus.FAILED],
    kinds=[JobKind.IMPORT],
    graph_name="movies",
    started_from=NOON,
    started_before=MIDNIGHT,
    search="x",
)
NAMES = ("statuses", "kinds", "graphName", "startedFrom", "startedBefore", "search")


def test_the_service_plane_filters_nothing() -> None:
    """Its job list takes no filter, so all of them are applied here."""
    filters = divide(EVERYTHING, Plane.SERVICE)
    assert filters.here == NAMES
    assert (filters.status, filters.graph_name, filters.first_day, filters.last_day) == (None, None, None, None)


def test_the_task_center_filters_what_it_can() -> None:
    """One status, the name, and days: one more on each side, for nobody says of which zone they are."""
    filters = divide(EVERYTHING, Plane.MANAGEMENT)
    assert filters.here == ("kinds", "startedFrom", "startedBefore", "search")
    assert (filters.status, filters.graph_name) == (JobStatus.FAILED, "movies")
    assert (filters.first_day, filters.last_day) == (date(2026, 3, 3), date(2026, 3, 6))


@pytest.mark.parametrize(
    ("statuses", "asked"),
    [
        ([JobStatus.PENDING], JobStatus.PENDING),
        ([JobStatus.PARTIALLY_FAILED, JobStatus.PARTIALLY_FAILED], JobStatus.PARTIALLY_FAILED),
        ([JobStatus.FAILED, JobStatus.RUNNING], None),
        ([JobStatus.CANCELLED], None),
        ([JobStatus.UNKNOWN], None),
        ([], None),
    ],
)
def test_the_task_center_takes_one_status_it_has_a_word_for(statuses: list[JobStatus], asked: JobStatus | None) -> None:
    """Any other choice is made here, and said to be."""
    filters = divide(JobFilter(statuses=statuses), Plane.MANAGEMENT)
    assert filters.status is asked
    assert filters.here == (() if asked else ("statuses",))


@pytest.mark.parametrize("plane", Plane)
@pytest.mark.parametrize("filter", [JobFilter(), JobFilter(search="")])
def test_no_filter_lets_everything_pass(filter: JobFilter, plane: Plane) -> None:
    """An empty search is no search."""
    filters = divide(filter, plane)
    assert filters.here == ()
    assert filters.passes(a_job())


PASSING: dict[str, Any] = {
    "status": JobStatus.FAILED,
    "kind": JobKind.IMPORT,
    "graph_name": "movies",
    "started_at": NOON,
    "name": "bOx",
}


@pytest.mark.parametrize(
    ("changes", "passes"),
    [
        ({}, True),
        ({"status": JobStatus.RUNNING}, False),
        ({"kind": JobKind.EXPORT}, False),
        ({"graph_name": "movies_2"}, False),
        ({"graph_name": None}, False),
        ({"started_at": DateTime(datetime(2026, 3, 4, 11, 59, 59, tzinfo=UTC))}, False),
        ({"started_at": DateTime(datetime(2026, 3, 4, 23, 59, 59, tzinfo=UTC))}, True),
        ({"started_at": MIDNIGHT}, False),
        ({"started_at": None}, False),
        ({"name": "import"}, False),
        ({"name": "import", "job_id": "17X"}, True),
        (
            {"name": "i", "request": JobRequest(command=None, path=None, algorithm="Xinf", body=None, body_text=None)},
            True,
        ),
        ({"name": "i", "request": JobRequest(command="x", path="x", algorithm=None, body=None, body_text="x")}, False),
    ],
)
@pytest.mark.parametrize("plane", Plane)
def test_every_filter_is_applied_here_as_well(plane: Plane, changes: dict[str, Any], passes: bool) -> None:
    """A plane may filter more loosely than it says, so what it was asked to do is done again."""
    assert divide(EVERYTHING, plane).passes(a_job(**(PASSING | changes))) is passes


def test_no_status_at_all_lets_nothing_pass() -> None:
    """An empty list is not an absent one."""
    assert not divide(JobFilter(statuses=[]), Plane.SERVICE).passes(a_job())
    assert not divide(JobFilter(kinds=[]), Plane.SERVICE).passes(a_job())


def test_filters_and_planes_tell_their_cursors_apart() -> None:
    """A position means something else in a list that was filtered otherwise."""
    identities = {
        divide(filter, plane).identity
        for plane in Plane
        for filter in (JobFilter(), JobFilter(search="a"), JobFilter(search="b"), JobFilter(graph_name="a"), EVERYTHING)
    }
    assert len(identities) == 10
    assert (
        divide(JobFilter(search="a"), Plane.SERVICE).identity == divide(JobFilter(search="a"), Plane.SERVICE).identity
    )
