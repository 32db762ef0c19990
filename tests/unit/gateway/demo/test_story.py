"""Stories are told by the second: what a job is before, while and after it runs, and how it comes again."""

import pytest

from gateway.demo.story import ImportedFile, Moments, Scene, Story, ran, scenes

_ONCE = Moments(10.0, 20.0, 120.0)


def _story(when: Moments, job_id: str = "j1", files: tuple[ImportedFile, ...] = ()) -> Story:
    return Story(graph="g", job_id=job_id, kind="Algorithm", when=when, files=files)


def _only(when: Moments, now: float) -> Scene:
    (scene,) = scenes(_story(when), now)
    return scene


@pytest.mark.parametrize(
    ("now", "word", "progress"),
    [
        (10.0, "pending", 0),
        (19.9, "pending", 0),
        (20.0, "running", 0),
        (70.0, "running", 50),
        (119.9, "running", 99),
        (120.0, "success", 100),
        (9999.0, "success", 100),
    ],
)
def test_a_job_is_queued_then_runs_then_ends(now: float, word: str, progress: int) -> None:
    """Each state begins at its moment, and progress grows in between."""
    scene = _only(_ONCE, now)
    assert (scene.word, scene.progress) == (word, progress)


def test_a_job_is_unknown_before_it_is_submitted() -> None:
    """Nothing is listed that has not happened yet."""
    assert scenes(_story(_ONCE), 9.9) == []


def test_only_moments_that_have_come_are_told() -> None:
    """A job that has not started has no start, one that runs has no end."""
    pending, running, ended = (_only(_ONCE, now) for now in (15.0, 30.0, 120.0))
    assert (pending.started, pending.ended) == (None, None)
    assert (running.started, running.ended) == (20.0, None)
    assert (ended.started, ended.ended) == (20.0, 120.0)


def test_a_job_without_a_start_stays_queued() -> None:
    """Some jobs never get their turn."""
    assert _only(Moments(0.0), 1e6).word == "pending"


def test_a_job_without_an_end_approaches_it_for_an_hour() -> None:
    """Nobody knows how long it takes, so it never says that it is through."""
    assert _only(Moments(0.0, 0.0), 1800.0).progress == 50
    assert _only(Moments(0.0, 0.0), 9e9).progress == 99


def test_a_job_that_repeats_under_its_id_starts_over_and_never_ends() -> None:
    """There is always something live."""
    when = Moments(0.0, 10.0, None, every=100.0)
    told = [(_only(when, now).word, _only(when, now).progress) for now in (5.0, 60.0, 99.0, 105.0, 160.0)]
    assert told == [("pending", 0), ("running", 50), ("running", 89), ("pending", 0), ("running", 50)]
    assert _only(when, 160.0).started == 110.0


def test_a_job_that_repeats_as_a_new_one_keeps_its_latest_three() -> None:
    """Newest first, each with its own id and times."""
    told = scenes(_story(ran(0.0, 50.0, every=100.0), "job-{round}"), 420.0)
    assert [(scene.job_id, scene.word, scene.queued) for scene in told] == [
        ("job-00004", "running", 400.0),
        ("job-00003", "success", 300.0),
        ("job-00002", "success", 200.0),
    ]


def test_the_first_round_has_none_before_it() -> None:
    """Rounds begin with the story."""
    told = scenes(_story(ran(0.0, 50.0, every=100.0), "job-{round}"), 10.0)
    assert [scene.job_id for scene in told] == ["job-00000"]


def test_an_import_tells_its_files_one_after_the_other() -> None:
    """Halfway through, half of the files are behind it; at the end all of them."""
    files = tuple(ImportedFile("edge", f"edges-{number}.csv", 10) for number in range(4))
    story = _story(ran(0.0, 100.0), files=files)
    counts = [len(scene.files) for now in (0.0, 24.0, 50.0, 99.0, 100.0) for scene in scenes(story, now)]
    assert counts == [0, 0, 2, 3, 4]
