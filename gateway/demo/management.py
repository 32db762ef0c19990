"""The management plane: graphs by id, the task center, one job; snake_case, times in UTC without a zone mark."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from gateway.demo.graphs import PROJECT_ID, Graph, describe_graph
from gateway.demo.replies import (
    RefusalError,
    gateway_refusal,
    json_reply,
    management_refusal,
    number,
    strict_query,
)
from gateway.demo.signatures import rights_of_signature
from gateway.demo.stage import Stage
from gateway.demo.story import ImportedFile, Scene
from gateway.demo.tokens import Refusal, Rights

_Item = TypeVar("_Item")

_AUTH_REFUSALS: dict[Refusal, tuple[int, str, str]] = {
    "unknown": (401, "APIG.0301", "Incorrect IAM authentication information: decrypt token fail"),
    "expired": (401, "APIG.0307", "The token must be updated."),
}
# The filter says `waiting` for what the jobs themselves call `pending`.
_FILTER_WORDS = {
    "waiting": "pending",
    "running": "running",
    "success": "success",
    "partiallyFailed": "partiallyFailed",
    "failed": "failed",
}
# No maximum is documented for these lists; a gateway must not rely on more than a published example asks for.
_MOST_PER_PAGE = 100
_ANY_OFFSET = 10**18
_FILE_LISTS = {"schema_path": "schema", "edgeset_path": "edge", "vertexset_path": "vertex"}


@dataclass(frozen=True, slots=True)
class _Filter:
    word: str | None
    graph_name: str | None
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class ManagementPlane:
    """Answers under `/v2/{project_id}/graphs`."""

    stage: Stage

    async def list_graphs(self, request: Request) -> Response:
        """Answer the graph list, one page of it."""
        rights = self._rights(request)
        query = strict_query(request, ("offset", "limit"), _bad_parameter)
        self._require_project(request)
        # Whether GES leaves out graphs that the caller may not read is unconfirmed.
        graphs = [graph for graph in self.stage.graphs if rights.opens(graph.name)]
        page = _page(graphs, query)
        return json_reply(
            {"graph_count": len(graphs), "graphs": [describe_graph(graph, _host(request)) for graph in page]}
        )

    async def show_graph(self, request: Request) -> Response:
        """Answer one graph."""
        rights = self._rights(request)
        strict_query(request, (), _bad_parameter)
        self._require_project(request)
        return json_reply({"graph": describe_graph(self._graph(request, rights), _host(request))})

    async def show_job(self, request: Request) -> Response:
        """Answer the status of one job. Only the graph it belongs to opens it, which is unconfirmed."""
        rights = self._rights(request)
        strict_query(request, (), _bad_parameter)
        self._require_project(request)
        graph = self._graph(request, rights)
        job_id = request.path_params["job_id"]
        scene = self.stage.job("management", graph.name, job_id)
        if scene is None:
            raise management_refusal("GES.8301", f"can not find job, jobId is {job_id}")
        return json_reply(self._describe(scene))

    async def list_jobs(self, request: Request) -> Response:
        """Answer the task center: jobs of all graphs, deleted ones included, newest first."""
        rights = self._rights(request)
        names = ("offset", "limit", "status", "graph_name", "start_time", "end_time")
        query = strict_query(request, names, _bad_parameter)
        self._require_project(request)
        wanted = _read_filter(query)
        scenes = [
            scene
            for scene in self.stage.jobs("management")
            if rights.opens(scene.story.graph) and self._passes(scene, wanted)
        ]
        page = _page(scenes, query)
        return json_reply({"job_count": len(scenes), "job_list": [self._describe(scene) for scene in page]})

    def _rights(self, request: Request) -> Rights:
        # A signature does instead of a token, on this plane only.
        rights = rights_of_signature(request, self.stage.clock())
        if rights is None:
            rights = self.stage.tokens.rights_of(request.headers.get("x-auth-token"), self.stage.clock())
        if isinstance(rights, Rights):
            return rights
        raise gateway_refusal(*_AUTH_REFUSALS[rights])

    def _require_project(self, request: Request) -> None:
        if request.path_params["project_id"] != PROJECT_ID:
            raise management_refusal("GES.0016", "The resource is not found in this project.")

    def _graph(self, request: Request, rights: Rights) -> Graph:
        graph = self.stage.graph_with_id(request.path_params["graph_id"])
        if graph is None:
            raise management_refusal("GES.7000", "The graph does not exist or has been deleted.")
        if not rights.opens(graph.name):
            # The code table has HTTP 400 here as for everything else.
            raise management_refusal("GES.7041", "Insufficient permission to operate the graph.")
        return graph

    def _passes(self, scene: Scene, wanted: _Filter) -> bool:
        # Exact or partial match of the name is unconfirmed; so is the time that decides for a job not yet begun.
        day = self.stage.at(scene.queued if scene.started is None else scene.started).astimezone(UTC).date()
        return (
            wanted.word in (None, scene.word)
            and wanted.graph_name in (None, scene.story.graph)
            and wanted.first_day <= day <= wanted.last_day
        )

    def _describe(self, scene: Scene) -> dict[str, Any]:
        story = scene.story
        job: dict[str, Any] = {
            "job_id": scene.job_id,
            "status": scene.word,
            "job_type": "GraphManagement",
            "job_name": story.kind,
            "related_graph": story.graph,
        }
        # An absent begin_time and a null end_time are unconfirmed; both occur here.
        if scene.started is not None:
            job["begin_time"] = _utc(self.stage.at(scene.started))
            job["end_time"] = None if scene.ended is None else _utc(self.stage.at(scene.ended))
        if scene.ended is not None and story.failure is not None:
            job["fail_reason"] = story.failure.message
        if story.kind == "ImportGraph" and scene.started is not None:
            job["job_detail"] = {name: _file_rows(scene.files, kind) for name, kind in _FILE_LISTS.items()}
        return {**job, "job_progress": 0}


def _file_rows(files: tuple[ImportedFile, ...], kind: str) -> list[dict[str, Any]] | None:
    return [_file_row(file) for file in files if file.kind == kind] or None


def _file_row(file: ImportedFile) -> dict[str, Any]:
    row: dict[str, Any] = {"path": file.path, "log": file.log, "cause": file.cause, "status": file.status}
    if file.kind == "schema":
        return row
    if file.lines is None:
        return {**row, "total_lines": -1, "failed_lines": -1, "successful_lines": -1}
    loaded = file.lines - file.failed
    return {**row, "total_lines": file.lines, "failed_lines": file.failed, "successful_lines": loaded}


def _page(items: list[_Item], query: Mapping[str, str]) -> list[_Item]:
    offset = number(query, "offset", 0, _bad_parameter, least=0, most=_ANY_OFFSET)
    limit = number(query, "limit", 10, _bad_parameter, least=1, most=_MOST_PER_PAGE)
    return items[offset : offset + limit]


def _read_filter(query: Mapping[str, str]) -> _Filter:
    status = query.get("status")
    if status is not None and status not in _FILTER_WORDS:
        raise _bad_parameter(f"status {status} is not one of {', '.join(_FILTER_WORDS)}")
    return _Filter(
        word=None if status is None else _FILTER_WORDS[status],
        graph_name=query.get("graph_name"),
        first_day=_day(query, "start_time", date.min),
        last_day=_day(query, "end_time", date.max),
    )


def _day(query: Mapping[str, str], name: str, default: date) -> date:
    text = query.get(name)
    if text is None:
        return default
    try:
        day = date.fromisoformat(text)
    except ValueError as fault:
        raise _bad_parameter(f"{name} is not a date") from fault
    # fromisoformat reads other spellings as well; GES knows one.
    if day.isoformat() != text:
        raise _bad_parameter(f"{name} is not a date")
    return day


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"


def _host(request: Request) -> str:
    return request.headers.get("host", "127.0.0.1")


def _bad_parameter(message: str) -> RefusalError:
    return management_refusal("GES.0001", f"Parameter error: {message}.")
