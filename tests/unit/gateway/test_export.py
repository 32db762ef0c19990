"""The download as HTTP: what may be asked, what is refused and how, what the log and the metrics are told."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import nanoarrow
import pytest
from nanoarrow.ipc import InputStream
from starlette.applications import Starlette
from starlette.routing import Mount
from structlog.testing import capture_logs

from gateway.app import create_app
from gateway.export import STATUSES
from gateway.settings import Settings
from schema.ids import GraphKey, JobRef, graph_id_of, job_id_of
from schema.plane import Plane
from tests.support_clock import FAKE_TIME, fake_clock
from tests.support_ges import Ges

pytestmark = pytest.mark.anyio

MOVIES = GraphKey("p1", name="movies")
ID = job_id_of(JobRef(Plane.SERVICE, MOVIES, "j1"))
JOBS = "/ges/v1.0/p1/graphs/movies/jobs"
STATUS = f"{JOBS}/j1/status"
RANKS = {"pagerank": [{"a": 0.5}, {"b": 0.25}], "data_total_size": 2, "data_offset": 0, "data_return_size": 2}
SAID = (200, {"status": "success", "data": {"outputs": RANKS}})
CREDENTIALS = {"X-Auth-Token": "token", "X-Request-Id": "r1"}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


def application(said: Any = SAID, ges: Ges | None = None, **settings: Any) -> Starlette:
    """Return a gateway in front of one graph with one job."""
    chosen = Settings(service_urls={"movies": "http://10.0.0.1"}, **settings)
    return create_app(chosen, transport=ges or Ges({STATUS: said}), clock=fake_clock())


@asynccontextmanager
async def client_of(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client with credentials."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=CREDENTIALS) as client:
        yield client


async def get(path: str, app: Starlette | None = None, method: str = "GET", **headers: str) -> httpx.Response:
    """Ask once."""
    async with client_of(app or application()) as client:
        return await client.request(method, path, headers=headers)


async def test_rows_are_downloaded_in_each_format() -> None:
    """The end of the path says which."""
    assert (await get(f"/export/{ID}.csv")).text == "vertexId,value,raw\r\na,0.5,\r\nb,0.25,\r\n"
    assert (await get(f"/export/{ID}.ndjson")).text.splitlines()[1] == '{"index":1,"vertexId":"b","value":0.25}'
    arrow = await get(f"/export/{ID}.arrows")
    rows = nanoarrow.Array(InputStream.from_readable(io.BytesIO(arrow.content))).to_pylist()
    assert [(row["index"], row["value"]) for row in rows] == [(0, 0.5), (1, 0.25)]
    assert arrow.headers["Content-Type"] == "application/vnd.apache.arrow.stream"


async def test_a_result_without_rows_is_an_empty_file() -> None:
    """It has its head all the same."""
    app = application((200, {"status": "success", "data": {"outputs": {"modularity": 0.5}}}))
    answer = await get(f"/export/{ID}.csv", app)
    assert (answer.status_code, answer.text) == (200, "raw\r\n")
    assert "x-total-count" not in answer.headers


async def test_the_name_of_the_file_is_that_of_the_algorithm_made_safe() -> None:
    """Whatever somebody has called it; where the file begins is part of its name."""
    request = json.dumps({"algorithmName": '../"rank"\r\nSet-Cookie: x'})
    listed = {"jobs": [{"jobId": "j1", "status": "success", "rawRequest": request}]}
    ges = Ges({STATUS: SAID, f"{JOBS}/status": (200, listed)})
    answer = await get(f"/export/{ID}.ndjson?offset=1", application(ges=ges), method="HEAD")
    name = answer.headers["Content-Disposition"].removeprefix("attachment; filename=")
    assert name.endswith('-j1-from-1.ndjson"')
    assert set(name[1:-1]) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
    assert name.startswith('"rank')
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("verbatim", ["", "verbatim=false", "verbatim=0", "verbatim=true", "verbatim=1"])
async def test_texts_are_kept_from_spreadsheets_unless_asked_otherwise(verbatim: str) -> None:
    """They would take them for formulas."""
    said = (200, {"status": "success", "data": {"outputs": {"pagerank": [{"=1+1": 0.5}]}}})
    answer = await get(f"/export/{ID}.csv?{verbatim}", application(said))
    assert answer.text.splitlines()[1] == ("=1+1,0.5," if verbatim in ("verbatim=true", "verbatim=1") else "'=1+1,0.5,")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{ID}", 400, "BAD_USER_INPUT"),
        (f"{ID}.xlsx", 400, "BAD_USER_INPUT"),
        ("x.csv", 400, "BAD_USER_INPUT"),
        (f"{graph_id_of(MOVIES)}.csv", 400, "BAD_USER_INPUT"),
        (f"{job_id_of(JobRef(Plane.MANAGEMENT, MOVIES, 'j1'))}.csv", 400, "BAD_USER_INPUT"),
        *((f"{ID}.csv?offset={text}", 400, "BAD_USER_INPUT") for text in ("-1", "x", "1e3", "²", "99999999999", "3")),
        (f"{ID}.csv?verbatim=maybe", 400, "BAD_USER_INPUT"),
    ],
)
async def test_what_cannot_be_meant_is_refused(path: str, status: int, code: str) -> None:
    """With the errors of the endpoint, and a name to ask about them."""
    answer = await get(f"/export/{path}")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"], error["extensions"]["requestId"]) == (status, code, "r1")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ((200, {"status": "running"}), 409, "JOB_NOT_ENDED"),
        ((200, {"status": "success"}), 410, "RESULT_GONE"),
        ((400, {"errorCode": "GES.8301", "errorMessage": "can not find job"}), 404, "NOT_FOUND"),
        ((400, {"errorCode": "GES.7001", "errorMessage": "not running"}), 409, "GRAPH_NOT_RUNNING"),
        ((401, {"errorCode": "APIG.0301", "errorMessage": "wrong token"}), 401, "UNAUTHENTICATED"),
        ((500, {"errorCode": "GES.9999", "errorMessage": "?"}), 502, "UPSTREAM_ERROR"),
        ((200, []), 502, "UPSTREAM_MALFORMED"),
        ((429, {}), 429, "RATE_LIMITED"),
    ],
)
async def test_what_ges_says_has_a_status_of_http(said: Any, status: int, code: str) -> None:
    """Scripts look at nothing else."""
    answer = await get(f"/export/{ID}.csv", application(said, upstream_attempts=1))
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)
    assert STATUSES[code] == status


async def test_who_does_not_say_who_he_is_is_asked_to() -> None:
    """GES is not asked for nobody."""
    ges = Ges({STATUS: SAID})
    async with client_of(application(ges=ges)) as client:
        del client.headers["X-Auth-Token"]
        answer = await client.get(f"/export/{ID}.csv")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="ges"')
    assert ges.asked == []


async def test_other_methods_are_refused() -> None:
    """Naming those there are."""
    answer = await get(f"/export/{ID}.csv", method="POST")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


async def test_a_plane_that_is_left_alone_says_for_how_long() -> None:
    """In whole seconds."""
    said: Any = (503, {})
    app = application(said, upstream_attempts=1)
    for _ in range(20):
        answer = await get(f"/export/{ID}.csv", app)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("settings", "status", "code"),
    [({"max_exports_per_caller": 1}, 429, "LIMIT_EXCEEDED"), ({"max_exports": 1}, 503, "OVERLOADED")],
)
async def test_as_many_as_may_be_are_sent_at_once(settings: dict[str, int], status: int, code: str) -> None:
    """One more is told to come again; when one has ended there is room."""
    ges = Ges({STATUS: SAID}, held=asyncio.Event())
    app = application(ges=ges, **settings)
    first = asyncio.create_task(get(f"/export/{ID}.csv", app))
    for _ in range(100):
        await asyncio.sleep(0)
    assert ges.asked
    refused = await get(f"/export/{ID}.csv", app)
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (status, code)
    assert refused.headers["Retry-After"] == "5"
    assert ges.held is not None
    ges.held.set()
    assert (await first).status_code == 200
    assert (await get(f"/export/{ID}.csv", app)).status_code == 200


async def test_the_log_and_the_metrics_tell_of_it_as_of_an_operation() -> None:
    """What it was, how it ended, what it cost."""
    app = application()
    with capture_logs() as lines:
        await get(f"/export/{ID}.csv", app)
        await get(f"/export/{ID}.csv?offset=x", app)
    told = [(line["type"], line["operation"], line["status"], line["codes"]) for line in lines]
    assert told == [("export", "CSV", 200, []), ("export", None, 400, ["BAD_USER_INPUT"])]
    assert (lines[0]["upstream_calls"], lines[0]["request_id"]) == (3, "r1")
    counted = app.state.runtime.metrics.exposition()
    assert b'operation_seconds_count{outcome="ok",type="export"} 1.0' in counted
    assert b'operation_seconds_count{outcome="errors",type="export"} 1.0' in counted
    assert b'errors_total{code="BAD_USER_INPUT"} 1.0' in counted


async def test_it_is_found_behind_a_prefix() -> None:
    """Where a server is told that it stands below a path."""
    answer = await get(f"/team/export/{ID}.csv", Starlette(routes=[Mount("/team", application())]))
    assert answer.status_code == 200


async def test_pages_of_allowed_origins_may_read_its_name_and_length() -> None:
    """As they may read what the endpoint answers."""
    app = application(allowed_origins=("https://app.example",))
    answer = await get(f"/export/{ID}.csv", app, Origin="https://app.example")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert {"Content-Disposition", "X-Total-Count"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))
