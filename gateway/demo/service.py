"""The service plane: graphs by name, a job's status with one page of its result, the job list; camelCase."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.demo.graphs import PROJECT_ID, Graph, describe_inner_graph
from gateway.demo.job_lists import At, database_entry, memory_entry
from gateway.demo.pages import Pages
from gateway.demo.replies import RefusalError, bytes_reply, json_reply, number, service_refusal, strict_query
from gateway.demo.results import Result
from gateway.demo.stage import Stage
from gateway.demo.story import Scene
from gateway.demo.tokens import Rights

_MOST_ROWS = 100_000
_ANY_OFFSET = 10**18
_KEPT_BYTES = 64 * 1024 * 1024

# The code table names these for the management plane. What a graph's own address says in these states is
# unconfirmed; a connection error is just as likely.
_NOT_RUNNING = {
    "100": ("GES.7042", "The graph is being created."),
    "900": ("GES.7003", "The graph is stopping or stopped."),
    "903": ("GES.7002", "The graph is being backed up."),
}
_ENTRIES: dict[bool, Callable[[Scene, At], dict[str, Any]]] = {False: memory_entry, True: database_entry}
_COUNTS = {False: "jobCount", True: "totalCount"}


@dataclass(frozen=True, slots=True)
class ServicePlane:
    """Answers under `/ges/v1.0/{project_id}/graphs`, for all graphs at one address."""

    stage: Stage
    pages: Pages = field(default_factory=lambda: Pages(_KEPT_BYTES))

    async def list_graphs(self, request: Request) -> Response:
        """Answer the graphs inside the database instance."""
        rights = self._rights(request)
        strict_query(request, (), _bad_parameter)
        _require_project(request)
        instance = next(graph for graph in self.stage.graphs if graph.is_database)
        _require_rights(rights, instance)
        return json_reply({"graphs": [describe_inner_graph(inner) for inner in instance.inner], "result": "success"})

    async def list_jobs(self, request: Request) -> Response:
        """Answer the jobs of one graph, newest first, in the dialect of its edition."""
        rights = self._rights(request)
        offset, limit = _window(request)
        _require_project(request)
        graph = self._running_graph(request, rights)
        scenes = self.stage.jobs("service", [request.path_params["graph_name"]])
        entry = _ENTRIES[graph.is_database]
        jobs = [entry(scene, self.stage.at) for scene in scenes[offset : offset + limit]]
        result = {"result": "success"} if graph.is_database else {}
        return json_reply({"jobs": jobs, _COUNTS[graph.is_database]: len(scenes), **result})

    async def show_job(self, request: Request) -> Response:
        """Answer the status of one job and the page of its rows that was asked for."""
        rights = self._rights(request)
        offset, limit = _window(request)
        _require_project(request)
        graph = self._running_graph(request, rights)
        job_id = request.path_params["job_id"]
        scene = self.stage.job("service", request.path_params["graph_name"], job_id)
        if scene is None:
            # The two editions differ by a blank, too.
            blanks = " " if graph.is_database else "  "
            message = f"can not find job, jobId is{blanks}{job_id}"
            raise service_refusal("GES.8301", message, is_database=graph.is_database)
        result = _visible_result(scene, rights)
        if result is None:
            return _without_result(scene, is_database=graph.is_database)
        key = (id(result), scene.word, offset, limit, graph.is_database)
        return bytes_reply(self.pages.page(key, lambda: _with_result(scene, result, offset, limit, graph.is_database)))

    def _rights(self, request: Request) -> Rights:
        rights = self.stage.tokens.rights_of(request.headers.get("x-auth-token"), self.stage.clock())
        if not isinstance(rights, Rights):
            raise service_refusal("GES.8007", "Invalid token.")
        return rights

    def _running_graph(self, request: Request, rights: Rights) -> Graph:
        name = request.path_params["graph_name"]
        graph = self.stage.graph_serving(name)
        if graph is None:
            raise self._graph_not_found(name)
        _require_rights(rights, graph)
        if graph.status in _NOT_RUNNING:
            raise service_refusal(*_NOT_RUNNING[graph.status], is_database=graph.is_database)
        return graph

    def _graph_not_found(self, name: str) -> RefusalError:
        # One address serves both editions here, so the id of an instance is what tells which of them was meant.
        meant = self.stage.graph_with_id(name)
        if meant is not None and meant.is_database:
            message = f"Graph [{PROJECT_ID}-{name}] does not exist, please check projectId and graphName."
            return service_refusal("GES.8000", message, is_database=True)
        return service_refusal("GES.8402", f"graph [{name}] is not found")


def _visible_result(scene: Scene, rights: Rights) -> Result | None:
    story = scene.story
    if scene.ended is None:
        return None
    return story.restricted_result if rights.is_restricted and story.restricted_result else story.result


def _without_result(scene: Scene, *, is_database: bool) -> Response:
    body: dict[str, Any] = {"status": scene.word}
    failure = scene.story.failure if scene.ended is not None else None
    if failure is None:
        # `data` absent or empty is unconfirmed; both occur here.
        if scene.word != "pending" and not (is_database and scene.ended is not None):
            body["data"] = {}
        if is_database and scene.ended is not None:
            body["result"] = "success"
        return json_reply(body)
    body |= {"errorMessage": failure.message, "errorCode": failure.code}
    if is_database:
        body["result"] = "failed"
    elif failure.http_status != 200:
        # The same reply, code and status as for a job that does not exist; only the message tells.
        del body["status"]
    return json_reply(body, failure.http_status)


def _with_result(scene: Scene, result: Result, offset: int, limit: int, is_database: bool) -> bytes:
    status = msgspec.json.encode(scene.word)
    tail = b',"result":"success"}' if is_database else b"}"
    return b'{"data":' + result.data(offset, limit) + b',"status":' + status + tail


def _window(request: Request) -> tuple[int, int]:
    query: Mapping[str, str] = strict_query(request, ("offset", "limit"), _bad_parameter)
    offset = number(query, "offset", 0, _bad_parameter, least=0, most=_ANY_OFFSET)
    # A limit of 0 is unconfirmed, so that nobody may rely on it.
    return offset, number(query, "limit", _MOST_ROWS, _bad_parameter, least=1, most=_MOST_ROWS)


def _require_project(request: Request) -> None:
    if request.path_params["project_id"] != PROJECT_ID:
        raise _bad_parameter("project")


def _require_rights(rights: Rights, graph: Graph) -> None:
    if not rights.opens(graph.name):
        message = f"No permission to read graph [{graph.name}]."
        raise service_refusal("GES.8020", message, is_database=graph.is_database)


def _bad_parameter(_: str) -> RefusalError:
    # GES does not say which parameter it was.
    return service_refusal("GES.8005", "Parameter error!")
