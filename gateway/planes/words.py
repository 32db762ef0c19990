"""Upstream's words for statuses, kinds, editions and files, as tables. Knows nothing of bodies."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qs, unquote

from gateway.planes.values import folded
from schema.graph import GraphEdition
from schema.import_detail import ImportFileKind, ImportFileStatus
from schema.job import JobKind, JobStatus
from schema.plane import Plane

COMPLETE = "complete"
FAILED = "failed"
# Words of both planes. `complete` is not here: it only says that the job ended.
_STATUSES = {
    "pending": JobStatus.PENDING,
    "waiting": JobStatus.PENDING,
    "running": JobStatus.RUNNING,
    "success": JobStatus.SUCCEEDED,
    "partiallyfailed": JobStatus.PARTIALLY_FAILED,
    "partfailed": JobStatus.PARTIALLY_FAILED,
    FAILED: JobStatus.FAILED,
}
# The management plane cannot cancel.
_SERVICE_STATUSES = {
    **_STATUSES,
    "cancel": JobStatus.CANCELLED,
    "canceled": JobStatus.CANCELLED,
    "cancelled": JobStatus.CANCELLED,
}
# The filter of the task center calls `waiting` what its answer calls `pending`. It knows no other status than these.
STATUS_FILTERS = {
    JobStatus.PENDING: "waiting",
    JobStatus.RUNNING: "running",
    JobStatus.SUCCEEDED: "success",
    JobStatus.PARTIALLY_FAILED: "partiallyFailed",
    JobStatus.FAILED: "failed",
}
_FILE_STATUSES = {
    "success": ImportFileStatus.SUCCEEDED,
    "partfailed": ImportFileStatus.PARTIALLY_FAILED,
    "partiallyfailed": ImportFileStatus.PARTIALLY_FAILED,
    FAILED: ImportFileStatus.FAILED,
}
# Members that list the files of an import, folded: first the management plane's, then the service plane's.
FILE_LISTS = {
    "schemapath": ImportFileKind.SCHEMA,
    "vertexsetpath": ImportFileKind.VERTEX,
    "edgesetpath": ImportFileKind.EDGE,
    "schemafiles": ImportFileKind.SCHEMA,
    "vertexfiles": ImportFileKind.VERTEX,
    "edgefiles": ImportFileKind.EDGE,
}
_EDITIONS = {"inmemory": GraphEdition.MEMORY, "persistence": GraphEdition.DATABASE}
# The graph size that old services, which name no edition, gave to the database edition only.
_DATABASE_SIZE = "6"
# Running, importing, exporting, clearing: the states in which GES's console shows the jobs of a graph.
RUNNING_GRAPH = frozenset({"200", "202", "204", "205"})

# job_name of the management plane, taskType and command of the service plane, action_id and path of its URLs.
_KINDS = {
    "importgraph": JobKind.IMPORT,
    "importproperties": JobKind.IMPORT,
    "import": JobKind.IMPORT,
    "exportgraph": JobKind.EXPORT,
    "export": JobKind.EXPORT,
    "exportresult": JobKind.EXPORT_RESULT,
    "exportjobresult": JobKind.EXPORT_RESULT,
    "algorithm": JobKind.ALGORITHM,
    "executealgorithm": JobKind.ALGORITHM,
    "vertexquery": JobKind.VERTEX_QUERY,
    "queryvertices": JobKind.VERTEX_QUERY,
    "verticesquery": JobKind.VERTEX_QUERY,
    "edgequery": JobKind.EDGE_QUERY,
    "queryedges": JobKind.EDGE_QUERY,
    "edgesquery": JobKind.EDGE_QUERY,
    "cypher": JobKind.QUERY,
    "cypherquery": JobKind.QUERY,
    "executecypherquery": JobKind.QUERY,
    "gremlin": JobKind.QUERY,
    "gremlinquery": JobKind.QUERY,
    "executegremlinquery": JobKind.QUERY,
    "filteredquery": JobKind.QUERY,
    "filteredqueryv2": JobKind.QUERY,
    "dsl": JobKind.QUERY,
    "batchbuild": JobKind.INDEX,
    "batchbuildindex": JobKind.INDEX,
    "buildindex": JobKind.INDEX,
    "createindex": JobKind.INDEX,
    "addindex": JobKind.INDEX,
    "deleteindex": JobKind.INDEX,
    "indices": JobKind.INDEX,
    "indicesbatchbuild": JobKind.INDEX,
    "creategraph": JobKind.CREATE_GRAPH,
    "startgraph": JobKind.START_GRAPH,
    "stopgraph": JobKind.STOP_GRAPH,
    "closegraph": JobKind.STOP_GRAPH,
    "restartgraph": JobKind.RESTART_GRAPH,
    "cleargraph": JobKind.CLEAR_GRAPH,
    "deletegraph": JobKind.DELETE_GRAPH,
    "upgradegraph": JobKind.UPGRADE_GRAPH,
    "resizegraph": JobKind.RESIZE_GRAPH,
    "expandgraph": JobKind.EXPAND_GRAPH,
    "createbackup": JobKind.BACKUP,
    "addbackup": JobKind.BACKUP,
    "backupgraph": JobKind.BACKUP,
    "importbackup": JobKind.BACKUP,
    "exportbackup": JobKind.BACKUP,
    "restorebackup": JobKind.RESTORE,
    "restoregraph": JobKind.RESTORE,
    "recovergraph": JobKind.RESTORE,
}
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")
# What stands before the name of the graph in a path of the service plane.
_ROOMS = ("graphs", "hyg")


class Submission(NamedTuple):
    """What the URL tells that a job was submitted to."""

    path: str
    graph_name: str | None
    kind: JobKind


def read_status(word: object, plane: Plane, *, failed: bool = False) -> JobStatus:
    """Return what a status word means; `failed` says that the same body holds a sign of failure."""
    read = word.strip().casefold() if isinstance(word, str) else ""
    if plane is Plane.MANAGEMENT:
        return _STATUSES.get(read, JobStatus.UNKNOWN)
    if read == COMPLETE:
        return JobStatus.FAILED if failed else JobStatus.SUCCEEDED
    return _SERVICE_STATUSES.get(read, JobStatus.UNKNOWN)


def says_failed(word: object) -> bool:
    """Return whether `result`, which a database edition writes beside the status, tells of failure."""
    return isinstance(word, str) and word.strip().casefold() == FAILED


def read_file_status(word: object) -> ImportFileStatus:
    """Return what the status word of an imported file means."""
    read = word.strip().casefold() if isinstance(word, str) else ""
    return _FILE_STATUSES.get(read, ImportFileStatus.UNKNOWN)


def read_kind(word: str | None) -> JobKind:
    """Return what a job does by upstream's word for it."""
    return _KINDS.get(folded(word or ""), JobKind.OTHER)


def read_edition(product: str | None, size: str | None) -> GraphEdition:
    """Return the edition by the product's name, or by the size where old services name none."""
    if product is not None:
        return _EDITIONS.get(folded(product), GraphEdition.UNKNOWN)
    if size is None:
        return GraphEdition.UNKNOWN
    return GraphEdition.DATABASE if size.strip() == _DATABASE_SIZE else GraphEdition.MEMORY


def read_submission(url: str) -> Submission:
    """Return what a submitted job's URL tells: its path and query, the graph it names, what it does."""
    target = _ORIGIN.sub("", url, count=1)
    path, _, query = target.partition("?")
    segments = [unquote(segment) for segment in path.split("/") if segment]
    graph_name, rest = _after_room(segments)
    collection = rest[0] if rest else ""
    action = parse_qs(query).get("action_id", [""])[0]
    kinds = (read_kind(word) for word in (action, collection + action, *rest[-1:], collection))
    kind = next((kind for kind in kinds if kind is not JobKind.OTHER), JobKind.OTHER)
    return Submission(target, graph_name, kind)


def _after_room(segments: list[str]) -> tuple[str | None, list[str]]:
    for position, segment in enumerate(segments[:-1]):
        if segment in _ROOMS:
            return segments[position + 1], segments[position + 2 :]
    return None, []
