"""The stage gathers the cast: what of it is there, in which order, and that no two jobs share an id."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.demo.stage import STORIES, Stage
from gateway.demo.story import PlaneName

_BEGAN = datetime(2026, 3, 5, 2, 0, 0, tzinfo=UTC)


def _stage() -> Stage:
    return Stage(lambda: _BEGAN)


@pytest.mark.parametrize("plane", ["management", "service"])
def test_jobs_come_newest_first(plane: PlaneName) -> None:
    """By the time they were submitted."""
    queued = [scene.queued for scene in _stage().jobs(plane)]
    assert queued == sorted(queued, reverse=True)


def test_no_two_jobs_share_an_id() -> None:
    """Ids are unique over both planes, so that a test never finds the wrong job."""
    ids = [story.job_id for story in STORIES]
    assert len(ids) == len(set(ids))


def test_every_status_word_occurs() -> None:
    """Over both planes at the start, the undocumented one included."""
    words = {scene.word for plane in ("management", "service") for scene in _stage().jobs(plane)}
    assert words == {
        *("pending", "running", "success", "complete", "partiallyFailed", "failed", "cancelled", "hibernated")
    }


def test_every_kind_of_algorithm_names_itself_in_its_request() -> None:
    """Requests are JSON with the algorithm's name."""
    requests = [json.loads(story.request) for story in STORIES if story.kind == "Algorithm"]
    assert len(requests) >= 30
    assert all(request["algorithmName"] for request in requests)


def test_a_job_is_found_in_its_own_graph_only() -> None:
    """The same id in another graph's path is no job."""
    stage = _stage()
    job_id = "5e9c0705-41d8-4b6a-93f0-27ac1d0e0005007740215"
    assert stage.job("service", "supply_chain", job_id) is not None
    assert stage.job("service", "hr_people", job_id) is None
    assert stage.job("management", "supply_chain", job_id) is None


def test_a_graph_is_found_by_id_on_one_plane_and_by_name_on_the_other() -> None:
    """A graph inside a database instance is served by the instance."""
    stage = _stage()
    instance = stage.graph_with_id("91aa4c0d-77fe-4b28-9f03-e6b2d41807c5")
    assert instance is not None
    assert stage.graph_serving("authors") is instance
    assert stage.graph_with_id("citation_store") is None
    assert stage.graph_serving("91aa4c0d-77fe-4b28-9f03-e6b2d41807c5") is None


def test_moments_count_from_the_beginning() -> None:
    """A story's seconds become times of day."""
    assert _stage().at(-60.0) == _BEGAN - timedelta(minutes=1)
