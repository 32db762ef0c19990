"""Entries of the service plane's two job lists, which have little in common. Knows no HTTP and no result."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from gateway.demo.story import FileKind, ImportedFile, Scene

At = Callable[[float], datetime]

# The published example is in local time of its deployment, UTC+8, without saying so.
_LOCAL = timezone(timedelta(hours=8))
_FILE_LISTS: tuple[tuple[str, FileKind], ...] = (
    ("edgeFiles", "edge"),
    ("vertexFiles", "vertex"),
    ("schemaFiles", "schema"),
)


def memory_entry(scene: Scene, at: At) -> dict[str, Any]:
    """Write a job as a memory graph lists it."""
    story = scene.story
    entry: dict[str, Any] = {
        "jobId": scene.job_id,
        "rawRequest": story.request,
        "taskType": story.kind,
        "canStop": story.can_stop and scene.ended is None,
        # A number as text; older editions send the number.
        "progress": str(scene.progress),
        "startTime": _local_text(scene.started, at),
        "endTime": _local_text(scene.ended, at),
        "status": scene.word,
    }
    if scene.ended is not None and story.failure is not None:
        entry["failReason"] = story.failure.message
    if story.kind == "ImportGraph":
        entry["files"] = _file_lists(scene, at)
    return entry


def database_entry(scene: Scene, at: At) -> dict[str, Any]:
    """Write a job as a database instance lists it: no times, no reason."""
    story = scene.story
    failed = scene.ended is not None and story.failure is not None
    return {
        "jobId": scene.job_id,
        # `complete` would not tell that it failed, since the list has no `result` for each job.
        "status": "failed" if failed else scene.word,
        "request": {"command": story.kind, "url": story.path, "rawRequest": story.request},
    }


def _file_lists(scene: Scene, at: At) -> list[dict[str, Any]]:
    lists = []
    for name, kind in _FILE_LISTS:
        files = [_file(file, scene, at) for file in scene.files if file.kind == kind]
        if files:
            lists.append({name: files})
    return lists


def _file(file: ImportedFile, scene: Scene, at: At) -> dict[str, Any]:
    what = "Labels" if file.kind == "schema" else "Lines"
    lines = -1 if file.lines is None else file.lines
    started = scene.queued if scene.started is None else scene.started
    return {
        "fileName": file.path,
        "status": file.status,
        "startTime": _microseconds(at(started)),
        "endTime": _microseconds(at(started + 1)),
        f"total{what}": lines,
        f"successful{what}": lines if file.lines is None else lines - file.failed,
        f"failed{what}": lines if file.lines is None else file.failed,
    }


def _local_text(moment: float | None, at: At) -> str:
    return "" if moment is None else f"{at(moment).astimezone(_LOCAL):%Y-%m-%d %H:%M:%S}"


def _microseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
