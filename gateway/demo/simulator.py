"""The sandbox as one ASGI application: which path is answered by what, and what happens before an answer.

Everything is at the root, as at GES itself, so that the vendor's own SDK would work against it. Under `/_sandbox`
is what GES does not have: the log of calls, trouble on request, and tokens taken back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.demo.calls import CallLog, plane_of
from gateway.demo.effects import Sleep, Troubled
from gateway.demo.graphs import GRAPHS, Graph
from gateway.demo.iam import Iam
from gateway.demo.management import ManagementPlane
from gateway.demo.replies import API_NOT_FOUND, RefusalError, gateway_refusal, json_reply, service_refusal
from gateway.demo.service import ServicePlane
from gateway.demo.stage import STORIES, Stage
from gateway.demo.story import Story
from gateway.demo.tokens import DAY_SECONDS, Tokens
from gateway.demo.trouble import KINDS, Troubles

_MANAGEMENT = "/v2/{project_id}/graphs"
_SERVICE = "/ges/v1.0/{project_id}/graphs"


def utc_now() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)


def create_sandbox(
    *,
    stories: Sequence[Story] = STORIES,
    graphs: Sequence[Graph] = GRAPHS,
    clock: Callable[[], datetime] = utc_now,
    sleep: Sleep = asyncio.sleep,
    token_lifetime_seconds: float = DAY_SECONDS,
) -> Starlette:
    """Build a sandbox whose stories begin now. `app.state` has `stage`, `calls` and `trouble`."""
    stage = Stage(clock, stories, graphs, Tokens(token_lifetime_seconds))
    iam = Iam(clock, stage.tokens)
    calls, troubles = CallLog(), Troubles(sleep)
    routes = [
        *_management_routes(ManagementPlane(stage)),
        *_service_routes(ServicePlane(stage)),
        Route("/v3/auth/tokens", iam.create_token, methods=["POST"]),
        Route("/_sandbox/tokens", iam.show_or_change, methods=["GET", "PUT", "DELETE"]),
        *_sandbox_routes(calls, troubles),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(_Door, calls=calls, troubles=troubles, stage=stage)],
        exception_handlers=_REFUSALS,
    )
    # GES does not redirect, and a gateway must not send tokens after a redirect: `/x/` is simply not `/x`.
    app.router.redirect_slashes = False
    app.state.stage, app.state.calls, app.state.trouble = stage, calls, troubles
    return app


class _Door:
    """What every call goes through: the log, then whatever trouble the plane is in."""

    def __init__(self, app: ASGIApp, *, calls: CallLog, troubles: Troubles, stage: Stage) -> None:
        self._app = app
        self._calls = calls
        self._troubles = troubles
        self._stage = stage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox/"):
            await self._app(scope, receive, send)
            return
        call = self._calls.write(scope)
        trouble = self._troubles.strike(call.plane, self._names_in(call.path))
        if trouble is None:
            await self._app(scope, receive, send)
            return
        number, sleep = self._troubles.struck(call.plane), self._troubles.sleep
        await KINDS[trouble.kind](Troubled(self._app, scope, receive, send, trouble.seconds, sleep, number))

    def _names_in(self, path: str) -> frozenset[str]:
        names = set(path.split("/"))
        for graph in self._stage.graphs:
            if names & {graph.id, *graph.service_names}:
                names |= {graph.id, graph.name}
        return frozenset(names)


def _management_routes(plane: ManagementPlane) -> list[Route]:
    return [
        _get(_MANAGEMENT, plane.list_graphs),
        # Before the graph of any id: `jobs` is the task center.
        _get(_MANAGEMENT + "/jobs", plane.list_jobs),
        _get(_MANAGEMENT + "/{graph_id}", plane.show_graph),
        _get(_MANAGEMENT + "/{graph_id}/jobs/{job_id}/status", plane.show_job),
    ]


def _service_routes(plane: ServicePlane) -> list[Route]:
    return [
        _get(_SERVICE, plane.list_graphs),
        _get(_SERVICE + "/{graph_name}/jobs/status", plane.list_jobs),
        _get(_SERVICE + "/{graph_name}/jobs/{job_id}/status", plane.show_job),
    ]


def _sandbox_routes(calls: CallLog, troubles: Troubles) -> list[Route]:
    async def show_or_clear_calls(request: Request) -> Response:
        if request.method == "DELETE":
            calls.clear()
        return json_reply({"calls": calls.told()})

    async def show_or_set_trouble(request: Request) -> Response:
        if request.method == "PUT":
            try:
                troubles.set(await request.body())
            except ValueError as fault:
                raise RefusalError(400, {"error": str(fault)}) from fault
        return json_reply(troubles.told())

    return [
        Route("/_sandbox/calls", show_or_clear_calls, methods=["GET", "DELETE"]),
        Route("/_sandbox/trouble", show_or_set_trouble, methods=["GET", "PUT"]),
    ]


def _get(path: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
    route = Route(path, answer, methods=["GET"])
    # Starlette answers HEAD wherever it answers GET; GES documents no HEAD.
    route.methods = {"GET"}
    return route


async def _refused(_: Request, refusal: RefusalError) -> Response:
    return json_reply(refusal.body, refusal.status)


async def _no_such_call(request: Request, fault: HTTPException) -> Response:
    if plane_of(request.url.path) == "service":
        # What the engine says to an unknown path is unconfirmed.
        refusal = service_refusal("GES.8005", "Parameter error!")
    else:
        refusal = gateway_refusal(404, "APIG.0101", API_NOT_FOUND)
    return json_reply(refusal.body, fault.status_code, fault.headers)


# Starlette declares handlers for any exception at all; each of these gets only its own kind.
_REFUSALS: dict[Any, Any] = {RefusalError: _refused, HTTPException: _no_such_call}
