"""Whether the process lives and whether it takes work. Asks nobody: an outage of GES must not end the gateway."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

LIVE = "/livez"
READY = "/readyz"
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
