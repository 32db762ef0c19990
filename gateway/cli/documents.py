"""What the commands ask of the gateway, as documents of GraphQL, and how a job is named in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_JOB = """fragment J on Job {
  id jobId plane kind name status rawStatus isTerminal progressPercent startedAt endedAt elapsedSeconds graphName
  failure { message code advice }
  importDetail { totals { files filesFailed totalLines failedLines } }
  result { kind algorithm totalCount }
}"""
_BY_ID = "query Job($id: ID!, $wait: Int) { job(id: $id, waitSeconds: $wait) { %s } }"
_BY_NAME = """query Job($graph: GraphRef!, $job: String!, $plane: Plane, $wait: Int) {
  findJob(graph: $graph, jobId: $job, plane: $plane, waitSeconds: $wait) { %s }
}"""
_ROWS = """isTerminal result { kind rows(first: %d, offset: %d) { totalCount nodes {
  index
  ... on VertexRow { vertexId label properties }
  ... on EdgeRow { sourceId targetId edgeIndex label properties value }
  ... on VertexValueRow { vertexId value }
  ... on VertexGroupRow { vertexId groupIds }
  ... on VertexVectorRow { vertexId vector }
  ... on PathRow { vertexIds length }
  ... on RawRow { raw }
} } }"""
_EXPORT = "isTerminal result { export(format: %s) { path totalCount } }"
WATCH = "subscription Watch($id: ID!) { jobUpdated(id: $id) { type problem { message } job { ...J } } } " + _JOB


@dataclass(frozen=True, slots=True)
class Target:
    """The job that a command is about: by its global id, or by the id of GES and its graph."""

    job: str
    graph: str | None = None
    instance: str | None = None
    plane: str | None = None

    def query(self, selection: str) -> str:
        """Return the document that asks for parts of this job."""
        document = (_BY_NAME if self.graph else _BY_ID) % selection
        return f"{document} {_JOB}" if "...J" in selection else document

    def variables(self, wait_seconds: int = 0) -> Mapping[str, Any]:
        """Return what goes with it."""
        if self.graph is None:
            return {"id": self.job, "wait": wait_seconds}
        named = {"name": self.graph}
        graph = {"inInstance": {"graphId": self.instance, **named}} if self.instance else named
        plane = self.plane.upper() if self.plane else None
        return {"graph": graph, "job": self.job, "plane": plane, "wait": wait_seconds}

    def ask_job(self) -> str:
        """Ask what a job is and how it does."""
        return self.query("...J")

    def ask_rows(self, first: int, offset: int) -> str:
        """Ask for one page of rows."""
        return self.query(_ROWS % (first, offset))

    def ask_export(self, format: str) -> str:
        """Ask where the whole result is."""
        return self.query(_EXPORT % format.upper())
