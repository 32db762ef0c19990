"""What is asked and what must come back: the shapes of rows, the queries, the jobs. Knows no process and no clock."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.demo import rows
from schema.ids import GraphKey, JobRef, job_id_of
from schema.plane import Plane

PROJECT = "0123456789abcdef0123456789abcdef"
GRAPH = "bench"
TOKEN = "bench"
# As many rows as one call to GES gives at most.
TOTAL_ROWS = 100_000
# Results of several calls, `large-` before the name of a shape: the rows of one call again and again.
LARGE = "large"
LARGE_ROWS = 1_000_000
# The same, given as fast as a network of 1 Gbit/s gives them.
LINKED = "linked"
LINK_BYTES_A_SECOND = 125_000_000
# Answered later than everything else, so that questions meet while it is being asked.
RUNNING = "running"
RUNNING_LATENCY_SECONDS = 0.02
# Runs until it is told to end.
WATCHED = "watched"

SMALL_QUERY = "query Job($id: ID!) { job(id: $id) { jobId plane status rawStatus isTerminal graphName } }"
WATCH_QUERY = "subscription Watch($id: ID!) { jobUpdated(id: $id) { type job { jobId status isTerminal } } }"
PAGE_QUERY = """query Page($id: ID!, $first: Int!) {
  job(id: $id) { status result { kind totalCount rows(first: $first) { nodes { %s } } } }
}"""


@dataclass(frozen=True, slots=True)
class Shape:
    """
    One kind of rows: how upstream writes the row at an index, what a client selects, what it must get.

    The name is upstream's key for these rows and the beginning of the ids of jobs that have them.
    """

    name: str
    kind: str
    row: Callable[[int], str]
    selection: str
    node: Callable[[Any], dict[str, Any]]

    @property
    def query(self) -> str:
        """The document that asks for a page of these rows."""
        return PAGE_QUERY % self.selection

    def nodes(self, count: int) -> list[dict[str, Any]]:
        """Return the rows of a page as every target must answer them, each written and read by itself."""
        return [self.node(json.loads(self.row(index))) for index in range(count)]


def _path(index: int) -> str:
    stops = (index, index * 7 % 99_991, index * 31 % 99_989, index * 101 % 99_971)[: 2 + index % 3]
    return json.dumps([rows.vertex_id(stop) for stop in stops], separators=(",", ":"))


def _vertex(row: Any) -> dict[str, Any]:
    return {"vertexId": row["id"], "label": row["label"], "properties": row["properties"]}


def _value(row: Any) -> dict[str, Any]:
    ((vertex_id, value),) = row.items()
    return {"vertexId": vertex_id, "value": value}


def _vertices_of_path(row: Any) -> dict[str, Any]:
    return {"vertexIds": row, "length": len(row) - 1}


def _edge(row: Any) -> dict[str, Any]:
    ends = {"sourceId": row["source"], "targetId": row["target"], "edgeIndex": row["index"]}
    return {**ends, "label": row["label"], "properties": row["properties"]}


VERTICES = Shape("vertices", "VERTICES", rows.vertex, "... on VertexRow { vertexId label properties }", _vertex)
PAGERANK = Shape("pagerank", "VERTEX_VALUES", rows.rank, "... on VertexValueRow { vertexId value }", _value)
PATHS = Shape("paths", "PATHS", _path, "... on PathRow { vertexIds length }", _vertices_of_path)
EDGES = Shape("edges", "EDGES", rows.edge, "... on EdgeRow { sourceId targetId edgeIndex label properties }", _edge)
# The job that is asked about again and again.
KNOWN_JOB = f"{PAGERANK.name}-known"
SHAPES = {shape.name: shape for shape in (VERTICES, PAGERANK, PATHS, EDGES)}

_numbers = itertools.count(1)


def new_job(story: str) -> str:
    """Return the id of a job that nobody has asked about yet; all are of one length. `story` is a shape or RUNNING."""
    return f"{story}-{next(_numbers):010d}"


def global_id(job_id: str) -> str:
    """Return the id under which a client asks for the job."""
    return job_id_of(JobRef(Plane.SERVICE, GraphKey(PROJECT, name=GRAPH), job_id))


def status_path(job_id: str) -> str:
    """Return the path of the job upstream."""
    return f"/ges/v1.0/{PROJECT}/graphs/{GRAPH}/jobs/{job_id}/status"


def small_answer(job_id: str) -> dict[str, Any]:
    """Return what every target must answer to the small query about a job that succeeded."""
    job = {"jobId": job_id, "plane": "SERVICE", "status": "SUCCEEDED", "rawStatus": "success"}
    return {"data": {"job": {**job, "isTerminal": True, "graphName": GRAPH}}}
