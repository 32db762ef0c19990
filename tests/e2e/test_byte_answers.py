"""
Byte answers end to end: what was asked about an ended job is answered again without being run, and never wrongly.

Neither by the application nor by the connection before it makes a request of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from gateway.app import PATH, create_app
from gateway.settings import Settings
from tests.support_clock import FAKE_TIME, fake_clock, pass_time
from tests.support_ges import ORIGIN, Ges, a_described_graph, a_list_of
from tests.support_wire import Wire

pytestmark = pytest.mark.anyio
STATUS = "/ges/v1.0/p1/graphs/movies/jobs/job-1/status"
ONE_ROW = f"{STATUS}?offset=0&limit=1"
GRAPHS = "/v2/p1/graphs"
IMPORT = "/v2/p1/graphs/id-of-movies/jobs/import-1/status"
QUERY = '{ findJob(graph: {name: "movies"}, jobId: "job-1", plane: SERVICE) { status %s } }'
ROWS = QUERY % "result { rows(first: 2) { nodes { ... on VertexRow { vertexId } } } }"
IMPORT_STATUS = '{ findJob(graph: {graphId: "id-of-movies"}, jobId: "import-1", plane: MANAGEMENT) { status } }'
SETTLED_SECONDS = 31


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time: jobs settle and grants end at once."""
    return FAKE_TIME


def a_job(status: str = "success", *ids: str) -> dict[str, Any]:
    """Say how the job stands, and its vertices."""
    rows = [{"id": name, "label": "movie", "properties": {}} for name in ids]
    sizes = {"data_return_size": len(rows), "data_offset": 0, "data_total_size": len(rows)}
    return {"status": status, "data": {"outputs": {"vertices": rows, **sizes}}}


@dataclass
class Gateway:
    """A gateway before a GES that says what it is told."""

    ges: Ges
    client: httpx.AsyncClient
    wire: Wire | None
    lines: list[Any] = field(default_factory=list)

    async def ask(self, query: str, token: str = "one", **headers: str) -> httpx.Response:
        """Send one operation; its line in the log is the last of `lines`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with capture_logs() as logs:
            response = await self.client.post(PATH, json={"query": query}, headers={"X-Auth-Token": token, **named})
            await asyncio.sleep(0)
        self.lines += logs
        return response

    async def settle(self, query: str, token: str = "one") -> dict[str, Any]:
        """Ask until the answer is kept; return it."""
        await self.ask(query, token)
        pass_time(SETTLED_SECONDS)
        answer = (await self.ask(query, token)).json()
        self.ges.asked.clear()
        return dict(answer["data"])

    def was_run(self) -> bool:
        """Tell whether the last operation was run. One that was looks up the graph as well as the job."""
        line = self.lines[-1]
        was_run = bool(line["upstream_calls"] + line["cache_hits"] > 1)
        # Asked first, the connection leaves nothing to the application that need not be run.
        assert self.wire is None or self.wire.was_given is not was_run
        return was_run


Open = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest.fixture(params=[False, True], ids=["application", "connection"])
def open_gateway(request: pytest.FixtureRequest) -> Open:
    """Give what serves a gateway, asked by one of its doors."""
    return partial(_open_gateway, by_wire=request.param)


@asynccontextmanager
async def _open_gateway(ges: Ges | None = None, *, by_wire: bool, **settings: Any) -> AsyncIterator[Gateway]:
    """Serve a gateway on the running loop."""
    ges = ges or Ges()
    ges.says.setdefault(GRAPHS, a_list_of(a_described_graph()))
    ges.says.setdefault(STATUS, (200, a_job("success", "a", "b")))
    chosen = Settings(**{"management_url": ORIGIN, "project_id": "p1", **settings})
    app = create_app(chosen, transport=ges, clock=fake_clock())
    wire = Wire(app) if by_wire else None
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=wire or httpx.ASGITransport(app), base_url="http://gateway") as client,
    ):
        yield Gateway(ges, client, wire)


@pytest.mark.parametrize("query", [QUERY % "isTerminal", ROWS])
async def test_a_question_about_a_settled_job_is_run_once(open_gateway: Open, query: str) -> None:
    """The second answer has the same bytes and headers, a name of its own, and a line in the log."""
    async with open_gateway() as gateway:
        await gateway.settle(query)
        run, given = await gateway.ask(query), await gateway.ask(query, X_Request_Id="mine")
        assert (gateway.was_run(), gateway.ges.asked) == (False, [])
        assert given.content == run.content
        assert given.headers.pop("x-request-id") == "mine"
        assert len(run.headers.pop("x-request-id")) == 32
        assert given.headers == run.headers
        line = gateway.lines[-1]
        assert (line["request_id"], line["upstream_calls"], line["cache_hits"]) == ("mine", 0, 1)


async def test_what_is_given_again_is_compressed_already(open_gateway: Open) -> None:
    """Whoever accepts another encoding gets another answer, run for him once."""
    ges = Ges({STATUS: (200, a_job("success", *(f"vertex-{number}" for number in range(99))))})
    query = ROWS.replace("first: 2", "first: 99")
    ges.says[f"{STATUS}?offset=0&limit=99"] = ges.says[STATUS]
    async with open_gateway(ges) as gateway:
        data = await gateway.settle(query)
        for accept, encoding in (("gzip", "gzip"), ("deflate, gzip;q=0.8", "gzip"), ("gzip, br", "br"), ("", None)):
            await gateway.ask(query, Accept_Encoding=accept)
            given = await gateway.ask(query, Accept_Encoding=accept)
            assert not gateway.was_run()
            assert given.headers.get("content-encoding") == encoding
            assert given.headers["vary"] == "Accept, Accept-Encoding"
            assert given.json()["data"] == data


async def test_a_job_of_the_management_plane_as_well(open_gateway: Open) -> None:
    """Of it the store alone would say as much with one hit; so it is GES that has changed its mind."""
    ges = Ges({IMPORT: (200, {"jobId": "import-1", "status": "success"})})
    async with open_gateway(ges, cache_max_bytes=0) as gateway:
        assert await gateway.settle(IMPORT_STATUS) == {"findJob": {"status": "SUCCEEDED"}}
        ges.says[IMPORT] = (200, {"jobId": "import-1", "status": "failed"})
        assert (await gateway.ask(IMPORT_STATUS)).json() == {"data": {"findJob": {"status": "SUCCEEDED"}}}
        assert ges.asked == []


async def test_a_job_that_may_still_change_is_looked_at_again(open_gateway: Open) -> None:
    """Running, and ended but not long enough to be believed."""
    query = QUERY % ""
    async with open_gateway(Ges({STATUS: (200, a_job("running"))})) as gateway:
        for _ in range(2):
            assert (await gateway.ask(query)).json()["data"]["findJob"]["status"] == "RUNNING"
            assert gateway.was_run()
        gateway.ges.says[STATUS] = (200, a_job("success"))
        pass_time(2)
        for _ in range(2):
            assert (await gateway.ask(query)).json()["data"]["findJob"]["status"] == "SUCCEEDED"
            assert gateway.was_run()


@pytest.mark.parametrize(
    "query",
    [
        QUERY % "source { cached }",
        QUERY % "... on Node { ... on Job { source { fetchedAt } } }",
        QUERY % "...F" + "fragment F on Job { from: source { cached } }",
        QUERY % "graph { statusCode }",
        QUERY % "kind",
        "{ gateway { version } " + (QUERY % "")[1:],
        '{ graph(by: {name: "movies"}) { statusCode } ' + (QUERY % "")[1:],
        "{ graphs(first: 1) { totalCount } " + (QUERY % "")[1:],
        '{ gone: findJob(graph: {name: "movies"}, jobId: "gone", plane: SERVICE) { status } ' + (QUERY % "")[1:],
    ],
    ids=["source", "in a fragment", "aliased", "graph", "list", "gateway", "directory", "graphs", "error"],
)
async def test_an_answer_with_anything_in_it_that_may_change_is_made_anew(open_gateway: Open, query: str) -> None:
    """How it was read, the clock, the graph, a list, an error."""
    jobs = {"jobList": [], "jobCount": 0}
    async with open_gateway(Ges({"/ges/v1.0/p1/graphs/movies/jobs": (200, jobs)})) as gateway:
        await gateway.settle(query)
        await gateway.ask(query)
        assert gateway.was_run()


async def test_a_mutation_of_the_text_is_another_question(open_gateway: Open) -> None:
    """Nothing of the text is understood, so nothing of it is overlooked."""
    async with open_gateway() as gateway:
        await gateway.settle(QUERY % "isTerminal")
        assert (await gateway.ask(QUERY % "jobId")).json()["data"]["findJob"]["jobId"] == "job-1"


async def test_a_caller_gets_nothing_that_another_has_proven(open_gateway: Open) -> None:
    """GES is asked whether he may, and he may not."""
    async with open_gateway() as gateway:
        await gateway.settle(QUERY % "")
        gateway.ges.says[ONE_ROW] = (403, {"errorCode": "GES.8020", "errorMessage": "no"})
        refused = await gateway.ask(QUERY % "", token="two")
        assert refused.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert not (await gateway.ask(QUERY % "")).json().get("errors")
        nobody = await gateway.client.post(PATH, json={"query": QUERY % ""})
        assert nobody.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ((403, {"errorCode": "GES.8020", "errorMessage": "no"}), "FORBIDDEN"),
        ((400, {"errorCode": "GES.8301", "errorMessage": "can not find job"}), "NOT_FOUND"),
    ],
)
async def test_a_refusal_met_elsewhere_closes_what_was_kept(
    open_gateway: Open, said: tuple[int, Any], code: str
) -> None:
    """Another question of the same caller about the same job was refused: his right is withdrawn."""
    async with open_gateway() as gateway:
        await gateway.settle(QUERY % "")
        gateway.ges.says[STATUS] = said
        assert (await gateway.ask(ROWS)).json()["errors"][0]["extensions"]["code"] == code
        assert (await gateway.ask(QUERY % "")).json()["errors"][0]["extensions"]["code"] == code


async def test_a_refused_token_loses_everything_at_once(open_gateway: Open) -> None:
    """A 401 about anything at all ends the epoch; even a token that works again begins with nothing."""
    async with open_gateway() as gateway:
        await gateway.settle(QUERY % "")
        gateway.ges.says["/v2/p1/graphs/other"] = (401, {"errorCode": "APIG.0307", "errorMessage": "expired"})
        refused = await gateway.ask('{ graph(by: {graphId: "other"}) { name } }')
        assert refused.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        gateway.ges.asked.clear()
        gateway.ges.says[STATUS] = (200, a_job("failed"))
        assert (await gateway.ask(QUERY % "")).json()["data"]["findJob"]["status"] == "FAILED"
        assert ONE_ROW in gateway.ges.asked


async def test_a_client_that_wants_fresh_data_gets_it_and_so_do_those_after_it(open_gateway: Open) -> None:
    async with open_gateway() as gateway:
        await gateway.settle(ROWS)
        gateway.ges.says[STATUS] = (200, a_job("success", "c", "d"))
        fresh = await gateway.ask(ROWS, Cache_Control="no-cache")
        assert "c" in fresh.text
        assert gateway.was_run()
        assert (await gateway.ask(ROWS)).content == fresh.content
        assert not gateway.was_run()


async def test_a_changed_setting_serves_nothing_of_before(open_gateway: Open) -> None:
    """What is kept lives as long as the process that read the settings."""
    ges = Ges()
    async with open_gateway(ges) as gateway:
        await gateway.settle(QUERY % "")
    async with open_gateway(ges, cache_sharing="caller") as gateway:
        await gateway.ask(QUERY % "")
        assert sorted(ges.asked) == [f"{GRAPHS}?offset=0&limit=100", ONE_ROW][::-1]


async def test_nothing_is_kept_when_the_operator_gives_no_room(open_gateway: Open) -> None:
    async with open_gateway(answers_max_bytes=0) as gateway:
        await gateway.settle(QUERY % "")
        await gateway.ask(QUERY % "")
        assert gateway.was_run()


async def test_the_right_is_proven_again_when_its_time_is_over(open_gateway: Open) -> None:
    """A minute by default; where the graph is, is looked up again after half of it."""
    async with open_gateway(service_urls={"movies": ORIGIN}, cache_sharing="proven") as gateway:
        await gateway.settle(QUERY % "")
        pass_time(59)
        await gateway.ask(QUERY % "")
        assert gateway.ges.asked == []
        pass_time(2)
        await gateway.ask(QUERY % "")
        assert gateway.ges.asked == [ONE_ROW]


async def test_the_place_of_a_graph_is_believed_no_longer_than_the_directory(open_gateway: Open) -> None:
    """A graph that was stopped says so after 30 seconds, as it would without answers kept."""
    async with open_gateway() as gateway:
        await gateway.settle(QUERY % "")
        gateway.ges.says[GRAPHS] = a_list_of(a_described_graph(status="900"))
        pass_time(29)
        assert "errors" not in (await gateway.ask(QUERY % "")).json()
        pass_time(2)
        error = (await gateway.ask(QUERY % "")).json()["errors"][0]
        assert error["extensions"]["code"] == "GRAPH_NOT_RUNNING"


async def test_rules_on_requests_hold_for_answers_that_are_kept(open_gateway: Open) -> None:
    """Bounds of the head, credentials that contradict each other, media types, and origins each for itself."""
    async with open_gateway(allowed_origins=("https://a.example",)) as gateway:
        await gateway.settle(QUERY % "")
        many = {f"X-{number}": "1" for number in range(100)}
        assert (await gateway.ask(QUERY % "", **many)).status_code == 431
        assert (await gateway.ask(QUERY % "", Authorization="Bearer other")).status_code == 400
        assert (await gateway.ask(QUERY % "", Accept="image/png")).status_code == 406
        for origin, allowed in [("https://a.example", "https://a.example"), ("https://b.example", None)] * 2:
            answer = await gateway.ask(QUERY % "", Origin=origin)
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert not gateway.was_run()


async def test_the_age_of_an_answer_is_told_wherever_it_comes_from(open_gateway: Open) -> None:
    """Nothing for what GES has just said; the seconds since then for what is kept, as data and as bytes alike."""
    async with open_gateway() as gateway:
        assert "age" not in (await gateway.ask(ROWS)).headers
        pass_time(SETTLED_SECONDS)
        assert "age" not in (await gateway.ask(ROWS, cache_control="no-cache")).headers
        pass_time(7)
        as_bytes = await gateway.ask(ROWS)
        assert (as_bytes.headers["age"], gateway.was_run()) == ("7", False)
        as_data = await gateway.ask(ROWS + " ")
        assert (as_data.headers["age"], gateway.was_run()) == ("7", True)
