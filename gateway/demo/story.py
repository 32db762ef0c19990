"""A story is a scripted job; the seconds since the sandbox began decide which scene is on. Knows no clock."""

from dataclasses import dataclass
from math import floor
from typing import Literal

from gateway.demo.results import Result

PlaneName = Literal["management", "service"]
FileKind = Literal["schema", "vertex", "edge"]

_ROUND = "{round}"
_ROUNDS_KEPT = 3
_UNKNOWN_LENGTH_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job fails, and whether its status is then told as an HTTP error, as GES does for some."""

    message: str
    code: str | None = None
    http_status: int = 200


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """One file that an import reads. `lines` is None when the engine is too old to count them."""

    kind: FileKind
    path: str
    lines: int | None = None
    failed: int = 0
    status: str = "success"
    log: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Moments:
    """When things happen, in seconds after the sandbox began; what lies before that is history.

    With `every` the story is told again and again: under the same id, starting over, when `{round}` is not in the
    job's id; as a new job each time when it is.
    """

    queued: float
    started: float | None = None
    ended: float | None = None
    every: float | None = None


def ran(start: float, seconds: float, every: float | None = None) -> Moments:
    """Start as soon as submitted, and take that long."""
    return Moments(start, start, start + seconds, every)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A scripted job. `ending` is the status word it ends with; `path` the call that submitted it."""

    plane: PlaneName = "service"
    graph: str
    job_id: str
    kind: str
    when: Moments
    ending: str = "success"
    request: str = ""
    path: str = ""
    can_stop: bool = False
    failure: Failure | None = None
    files: tuple[ImportedFile, ...] = ()
    result: Result | None = None
    restricted_result: Result | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """A story at one moment."""

    story: Story
    job_id: str
    word: str
    progress: int
    queued: float
    started: float | None = None
    ended: float | None = None

    @property
    def files(self) -> tuple[ImportedFile, ...]:
        """Tell the files that are behind us: an import works through them one after the other."""
        files = self.story.files
        return files if self.ended is not None else files[: len(files) * self.progress // 100]


def scenes(story: Story, now: float) -> list[Scene]:
    """Tell the jobs that a story amounts to now, newest first: none before its time, several when it repeats."""
    when = story.when
    if now < when.queued:
        return []
    if when.every is None:
        return [_scene(story, story.job_id, now, 0.0)]
    latest = floor((now - when.queued) / when.every)
    if _ROUND not in story.job_id:
        return [_scene(story, story.job_id, now, latest * when.every)]
    rounds = range(latest, max(-1, latest - _ROUNDS_KEPT), -1)
    return [_scene(story, story.job_id.replace(_ROUND, f"{n:05d}"), now, n * when.every) for n in rounds]


def _scene(story: Story, job_id: str, now: float, shift: float) -> Scene:
    when = story.when
    queued = when.queued + shift
    if when.started is None or now < when.started + shift:
        return Scene(story, job_id, "pending", 0, queued)
    started = when.started + shift
    if when.ended is None or now < when.ended + shift:
        return Scene(story, job_id, "running", _progress(when, started, now), queued, started)
    return Scene(story, job_id, story.ending, 100, queued, started, when.ended + shift)


def _progress(when: Moments, started: float, now: float) -> int:
    length = _UNKNOWN_LENGTH_SECONDS
    if when.ended is not None and when.started is not None:
        length = when.ended - when.started
    elif when.every is not None:
        length = when.every
    return min(99, int(100 * (now - started) / length))
