"""Identity: what names a graph or a job, and the opaque global ids that carry it. Every part read is checked."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from schema.errors import BadUserInputError
from schema.plane import Plane

VERSION = "1"
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_PROJECT = re.compile(r"[A-Za-z0-9]{1,64}")
_PLANES = {Plane.MANAGEMENT: "m", Plane.SERVICE: "s"}
_PLANE_OF = {letter: plane for plane, letter in _PLANES.items()}
# No part may hold a dot, so joining by dots is unambiguous.
_SEPARATOR = "."
_LONGEST_ID = 1000


@dataclass(frozen=True, slots=True)
class GraphKey:
    """
    Names one graph of a project.

    `graph_id` alone: a graph of the management plane. `name` alone: a graph as service plane URLs carry it.
    Both: the graph `name` inside the database instance `graph_id`.
    """

    project: str
    graph_id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class JobRef:
    """Identifies one job: the plane that runs it, the graph it is asked under, and the id GES gave."""

    plane: Plane
    graph: GraphKey
    job_id: str


def checked_part(value: str, what: str) -> str:
    """Return `value` when it can be one path segment; raise BadUserInputError naming `what` otherwise."""
    if not _PART.fullmatch(value):
        raise BadUserInputError(f"The {what} must be 1 to 128 letters, digits, `-` or `_`, starting with no sign.")
    return value


def checked_project(value: str) -> str:
    """Return `value` when it can be a project id (letters and digits, 1 to 64)."""
    if not _PROJECT.fullmatch(value):
        raise BadUserInputError("The project id must be 1 to 64 letters and digits.")
    return value


def graph_id_of(key: GraphKey) -> str:
    """Return the global id of a graph."""
    return _encode("Graph", *_graph_parts(key))


def job_id_of(ref: JobRef) -> str:
    """Return the global id of a job."""
    return _encode("Job", _PLANES[ref.plane], *_graph_parts(ref.graph), ref.job_id)


def read_id(text: str) -> GraphKey | JobRef:
    """Return what a global id names; raise BadUserInputError for anything this API did not hand out."""
    parts = _decode(text)
    match parts:
        case ["Graph", project, graph_id, name]:
            return _graph_key(project, graph_id, name)
        case ["Job", plane, project, graph_id, name, job_id] if plane in _PLANE_OF:
            return JobRef(_PLANE_OF[plane], _graph_key(project, graph_id, name), checked_part(job_id, "job id"))
    raise _foreign()


def read_graph_id(text: str) -> GraphKey:
    """Return the graph a global id names; raise BadUserInputError when it names something else."""
    key = read_id(text)
    if not isinstance(key, GraphKey):
        raise BadUserInputError("This id names no graph.")
    return key


def read_job_id(text: str) -> JobRef:
    """Return the job a global id names; raise BadUserInputError when it names something else."""
    ref = read_id(text)
    if not isinstance(ref, JobRef):
        raise BadUserInputError("This id names no job.")
    return ref


def _graph_parts(key: GraphKey) -> tuple[str, str, str]:
    return key.project, key.graph_id or "", key.name or ""


def _graph_key(project: str, graph_id: str, name: str) -> GraphKey:
    if not (graph_id or name):
        raise _foreign()
    return GraphKey(
        checked_project(project),
        checked_part(graph_id, "graph id") if graph_id else None,
        checked_part(name, "graph name") if name else None,
    )


def _encode(*parts: str) -> str:
    text = _SEPARATOR.join((VERSION, *parts))
    return base64.urlsafe_b64encode(text.encode("ascii")).decode("ascii").rstrip("=")


def _decode(text: str) -> list[str]:
    if not 0 < len(text) <= _LONGEST_ID:
        raise _foreign()
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise _foreign() from error
    version, *parts = raw.split(_SEPARATOR)
    # One spelling per object: clients use ids as cache keys, so a second spelling of the same id is refused.
    if version != VERSION or _encode(*parts) != text:
        raise _foreign()
    return parts


def _foreign() -> BadUserInputError:
    return BadUserInputError("This is no id of this API.")
