"""Whole results end to end: over several large windows, to slow clients and to those that leave, and when GES fails."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.settings import Settings
from schema.ids import GraphKey, JobRef, job_id_of
from schema.plane import Plane
from tests.support_asgi import Call, Pieces

pytestmark = pytest.mark.anyio

TOTAL = 230_000
WINDOW = 100_000
ID = job_id_of(JobRef(Plane.SERVICE, GraphKey("p1", name="movies"), "job-1"))


def row(number: int) -> str:
    """One row, as GES writes it."""
    return f'{{"v{number}":{number}.5}}'


def body(offset: int, limit: int, total: int = TOTAL, status: str = "success") -> bytes:
    """What GES answers to one window: status and sizes behind the rows."""
    rows = ",".join(map(row, range(offset, min(offset + limit, total))))
    sizes = f'"data_offset":{offset},"data_total_size":{total}'
    return f'{{"data":{{"outputs":{{"pagerank":[{rows}],{sizes}}}}},"status":"{status}"}}'.encode()


class Upstream(httpx.AsyncBaseTransport):
    """A service plane with one job; `bodies` are answered instead to windows that begin there."""

    def __init__(self, status: str = "success") -> None:
        self.status = status
        self.bodies: dict[int, Pieces | bytes | Exception] = {}
        self.windows: list[tuple[int, int]] = []
        self.streams: list[Pieces] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("job-1/status"):
            return httpx.Response(503)
        if request.headers["X-Auth-Token"] != "good":
            return httpx.Response(400, json={"errorCode": "GES.8020", "errorMessage": "no permission"})
        offset, limit = int(request.url.params["offset"]), int(request.url.params["limit"])
        if limit == 1:
            return httpx.Response(200, content=body(0, 1, status=self.status))
        self.windows.append((offset, limit))
        said = self.bodies.get(offset) or body(offset, limit)
        if isinstance(said, Exception):
            raise said
        stream = said if isinstance(said, Pieces) else Pieces(said)
        self.streams.append(stream)
        return httpx.Response(200, stream=stream)


def a_call(suffix: str = "csv", query: str = "", token: str = "good", method: str = "GET") -> Call:
    """Ask for the download of the job."""
    return Call(method, f"/export/{ID}.{suffix}", {"x-auth-token": token}, query=query)


def gateway(upstream: Upstream, **settings: Any) -> Any:
    """The application in front of one service plane, addressed by hand; whatever is large is passed on."""
    chosen = Settings(service_urls={"movies": "http://ges.test"}, spool_max_bytes=64 * 1024, **settings)
    return create_app(chosen, transport=upstream)


def expected_lines(start: int, end: int) -> list[str]:
    """The lines of CSV of some rows."""
    return [f"v{number},{number}.5," for number in range(start, end)]


async def test_a_result_of_several_windows_is_one_file() -> None:
    """Every row once and in order; GES is asked for as much at a time as it gives; nothing of it is kept."""
    upstream = Upstream()
    app = gateway(upstream, cache_settle_seconds=0)
    call = await a_call().answered(app)
    assert call.is_finished
    assert call.content.decode().split("\r\n") == ["vertexId,value,raw", *expected_lines(0, TOTAL), ""]
    assert upstream.windows == [(0, WINDOW), (WINDOW, WINDOW), (2 * WINDOW, WINDOW)]
    assert all(stream.is_closed for stream in upstream.streams)
    await a_call().answered(app)
    assert len(upstream.windows) == 6


async def test_a_file_is_named_after_its_job_and_says_how_long_it_is() -> None:
    """Also to who asks for the head alone, which reads no rows."""
    upstream = Upstream()
    call = await a_call(method="HEAD").answered(gateway(upstream))
    assert (call.status, call.content, upstream.windows) == (200, b"", [])
    assert call.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert call.headers["content-disposition"] == 'attachment; filename="pagerank-job-1.csv"'
    assert call.headers["x-total-count"] == str(TOTAL)
    assert call.headers["cache-control"] == "no-store"


async def test_what_was_cut_off_is_continued_by_its_offset() -> None:
    """Two parts are the whole."""
    app = gateway(Upstream())
    whole = (await a_call("ndjson").answered(app)).content
    for offset in (1, WINDOW, 150_001, TOTAL - 1, TOTAL):
        rest = await a_call("ndjson", f"offset={offset}").answered(app)
        assert rest.is_finished
        assert b"".join(whole.splitlines(keepends=True)[offset:]) == rest.content
    lines = (await a_call("csv", f"offset={TOTAL - 2}").answered(app)).content.decode().split("\r\n")
    assert lines == [*expected_lines(TOTAL - 2, TOTAL), ""]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(body(WINDOW, WINDOW, total=TOTAL + 1), id="another total"),
        pytest.param(body(WINDOW, WINDOW, status="running"), id="another status"),
        pytest.param(body(WINDOW, WINDOW - 7), id="rows missing"),
        pytest.param(body(WINDOW, WINDOW)[:1_000_000], id="cut off"),
        pytest.param(Pieces(body(WINDOW, WINDOW), breaks_at=500_000), id="broken off"),
        pytest.param(body(WINDOW, WINDOW).replace(row(150_000).encode(), b"[[[["), id="no JSON"),
        pytest.param(httpx.ConnectError("refused"), id="refused"),
    ],
)
async def test_a_result_that_turns_out_otherwise_is_cut_off(second: Any) -> None:
    """The client has the rows before it, all of them right, and never a good end; it may continue where it ended."""
    upstream = Upstream()
    upstream.bodies[WINDOW] = second
    call = await a_call().answered(gateway(upstream, upstream_attempts=1))
    assert not call.is_finished
    lines = call.content.decode().split("\r\n")
    assert WINDOW < len(lines) < TOTAL
    assert lines[1:-1] == expected_lines(0, len(lines) - 2)


async def test_other_rows_than_were_asked_for_are_never_ended_well() -> None:
    """GES says behind the rows where they began."""
    upstream = Upstream()
    upstream.bodies[WINDOW] = body(WINDOW + 1, WINDOW)
    assert not (await a_call().answered(gateway(upstream))).is_finished


async def test_until_the_first_rows_are_here_errors_are_told() -> None:
    """As JSON, with a code and a status."""
    upstream = Upstream()
    upstream.bodies[0] = httpx.ConnectError("refused")
    call = await a_call().answered(gateway(upstream, upstream_attempts=1))
    assert (call.status, call.error["code"], call.is_finished) == (503, "PLANE_UNAVAILABLE", True)
    call = await a_call().answered(gateway(Upstream("running")))
    assert (call.status, call.error["code"]) == (409, "JOB_NOT_ENDED")
    call = await a_call(token="other").answered(gateway(Upstream()))
    assert (call.status, call.error["code"]) == (403, "FORBIDDEN")
    assert b"v1" not in call.content


async def test_a_client_that_does_not_read_stops_the_plane() -> None:
    """However large the result, only a few pieces are ever taken; when the client leaves, the call to GES ends."""
    upstream = Upstream()
    stuck, is_stuck = a_call(), asyncio.Event()
    sent = 0

    async def read_a_little(message: Any) -> None:
        nonlocal sent
        sent += 1
        if sent > 3:
            is_stuck.set()
            await asyncio.Event().wait()

    stuck.send = read_a_little  # type: ignore[method-assign]
    app = gateway(upstream)
    serving = asyncio.create_task(stuck.answered(app))
    await is_stuck.wait()
    for _ in range(200):
        await asyncio.sleep(0)
    (large,) = upstream.streams
    assert large.taken_bytes < 512 * 1024
    assert not large.is_closed
    assert b"ges_gateway_exports 1.0" in app.state.runtime.metrics.exposition()
    stuck.gone.set()
    await serving
    assert large.is_closed
    assert b"ges_gateway_exports 0.0" in app.state.runtime.metrics.exposition()
