"""Whether the process lives, whether it takes work, what it has counted. Asks nobody: an outage must not end it."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.metrics import CONTENT_TYPE, Metrics

LIVE = "/livez"
READY = "/readyz"
METRICS = "/metrics"
_HEADERS = {"Cache-Control": "no-store"}


def probes(is_ready: Callable[[], bool]) -> list[Route]:
    """Return the routes of the probes. `is_ready` says no from the moment the process is asked to end."""

    async def live(_request: Request) -> Response:
        return PlainTextResponse("alive\n", headers=_HEADERS)

    async def ready(_request: Request) -> Response:
        if is_ready():
            return PlainTextResponse("ready\n", headers=_HEADERS)
        return PlainTextResponse("draining\n", 503, headers=_HEADERS)

    return [Route(LIVE, live, methods=["GET"]), Route(READY, ready, methods=["GET"])]


def metrics_route(metrics: Metrics, port: int | None) -> Route:
    """Return the route of the metrics, in the text format of Prometheus; with a `port` they are shown there only."""

    async def show(request: Request) -> Response:
        if port is not None and request.scope["server"][1] != port:
            return PlainTextResponse("Not Found", 404)
        return Response(metrics.exposition(), headers={**_HEADERS, "Content-Type": CONTENT_TYPE})

    return Route(METRICS, show, methods=["GET"])
