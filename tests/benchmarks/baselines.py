"""
The lower bounds: `passthrough`, a proxy of the same body without GraphQL, and `constant`, an answer that is fixed.

Also the httpx client that the baselines use.
"""

import json
import os
import sys

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.benchmarks.shapes import KNOWN_JOB, small_answer

_CONSTANT = json.dumps(small_answer(KNOWN_JOB)).encode()


def open_client() -> httpx.AsyncClient:
    """Return a client of the upstream, as one would write it."""
    # httpcore tries to import sniffio at every lock. Where it is not installed each try searches the whole path,
    # a quarter of a call; the baselines shall not look slower for that.
    if "sniffio" not in sys.modules:
        sys.modules["sniffio"] = None  # type: ignore[assignment]
    return httpx.AsyncClient(base_url=os.environ["BENCHMARK_UPSTREAM"], timeout=60)


def create_passthrough() -> Starlette:
    """Build the proxy: the path goes upstream, the body comes back."""
    client = open_client()

    async def pass_through(request: Request) -> Response:
        response = await client.get(request.url.path, params=request.url.query)
        return Response(response.content, response.status_code, media_type="application/json")

    return Starlette(routes=[Route("/{path:path}", pass_through)])


async def constant(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer everything with the small query's answer about the known job."""
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_CONSTANT))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _CONSTANT})
