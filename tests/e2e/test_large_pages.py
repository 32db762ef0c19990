"""Large pages end to end: passed on while they arrive, checked at their end, and cut off rather than ended wrongly."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.runtime import Clock
from gateway.settings import Settings
from tests.support_asgi import Call, Pieces

pytestmark = pytest.mark.anyio

ROWS = 30_000
QUERY = """{ findJob(graph: {name: "movies"}, jobId: "job-1", plane: SERVICE) {
  result { rows(first: 30000) {
    totalCount pageInfo { endCursor hasNextPage } nodes { ... on VertexRow { vertexId } }
  } }
} }"""


def row(number: int) -> dict[str, Any]:
    """One vertex of about 200 bytes, with what looks like the end of a row inside."""
    return {"id": f"v{number}", "label": "movie", "properties": {"title": ['},{"id":"x'], "text": ["x" * 150]}}


def body(rows: list[dict[str, Any]], total: int = ROWS, status: str = "success") -> bytes:
    """What GES answers: status and sizes behind the rows."""
    sizes = {"data_return_size": len(rows), "data_offset": 0, "data_total_size": total}
    return json.dumps({"data": {"outputs": {"vertices": rows, **sizes}}, "status": status}).encode()


FIRST = body([row(0)])
WHOLE = body([row(number) for number in range(ROWS)])


class Upstream(httpx.AsyncBaseTransport):
    """A service plane with one job; `large` is what it answers when many rows are asked."""

    def __init__(self, large: bytes = WHOLE, status: int = 200, first: bytes = FIRST) -> None:
        self.large, self.status, self.first = large, status, first
        self.limits: list[str] = []
        self.streams: list[Pieces] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        limit = request.url.params["limit"]
        self.limits.append(limit)
        if request.headers["X-Auth-Token"] != "good":
            return httpx.Response(400, json={"errorCode": "GES.8020", "errorMessage": "no permission"})
        is_small = limit == "1"
        stream = Pieces(self.first if is_small else self.large)
        self.streams.append(stream)
        return httpx.Response(200 if is_small else self.status, stream=stream)


def a_call(token: str = "good", **more: str) -> Call:
    """Ask for the large page."""
    headers = {"content-type": "application/json", "x-auth-token": token, "x-project-id": "p1", **more}
    return Call("POST", "/graphql", headers, content=json.dumps({"query": QUERY}).encode())


class Timepiece:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def clock(self) -> Clock:
        return Clock(lambda: datetime(2026, 3, 5, tzinfo=UTC), lambda: self.seconds)


def gateway(upstream: Upstream, timepiece: Timepiece | None = None, **settings: Any) -> Any:
    """The application in front of one service plane, addressed by hand, which all callers may share."""
    chosen = Settings(service_urls={"movies": "http://ges.test"}, cache_sharing="proven", **settings)
    return create_app(chosen, transport=upstream, clock=(timepiece or Timepiece()).clock())


async def test_a_large_page_costs_one_row_and_one_call_and_arrives_whole() -> None:
    """One row tells what to expect; every row comes once and in order; the head is sent without a length."""
    upstream = Upstream()
    call = await a_call().answered(gateway(upstream))
    assert upstream.limits == ["1", "30000"]
    rows = json.loads(call.content)["data"]["findJob"]["result"]["rows"]
    assert [node["vertexId"] for node in rows["nodes"]] == [f"v{number}" for number in range(ROWS)]
    assert rows["totalCount"] == ROWS
    assert rows["pageInfo"]["hasNextPage"] is False
    assert rows["pageInfo"]["endCursor"].endswith(".30000")
    assert call.is_finished
    assert b"content-length" not in dict(call.sent[0]["headers"])
    assert all(stream.is_closed for stream in upstream.streams)


@pytest.mark.parametrize("left", [300, 400, 500, 600])
@pytest.mark.parametrize("beside", [[], [{"source": "a", "target": "b"}] * 2])
async def test_what_is_left_at_the_end_arrives_however_much_it_is(left: int, beside: list[dict[str, str]]) -> None:
    """Also where another list keeps it from being cut."""
    count = 20_000 + left
    whole = body([row(number) for number in range(count)], total=count)
    listed = b'], "edges": %b, "data_return_size"' % json.dumps(beside).encode()
    upstream = Upstream(whole.replace(b'], "data_return_size"', listed), first=body([row(0)], total=count))
    call = await a_call().answered(gateway(upstream, spool_max_bytes=1))
    rows = json.loads(call.content)["data"]["findJob"]["result"]["rows"]
    assert [node["vertexId"] for node in rows["nodes"]] == [f"v{number}" for number in range(count)]


async def test_what_fits_is_spooled_with_its_length() -> None:
    """Below the bound the page is one call more at most, and an answer of known length."""
    upstream = Upstream()
    call = await a_call().answered(gateway(upstream, spool_max_bytes=64 * 1024 * 1024))
    assert upstream.limits == ["1", "30000"]
    assert int(dict(call.sent[0]["headers"])[b"content-length"]) == len(call.content)
    assert len(json.loads(call.content)["data"]["findJob"]["result"]["rows"]["nodes"]) == ROWS


async def test_equal_pages_that_fit_are_read_once_and_then_from_the_store() -> None:
    """Also when all ask at the same time: nobody's reading can hold up the others, since pages are collected."""
    timepiece = Timepiece()
    upstream = Upstream()
    app = gateway(upstream, timepiece, spool_max_bytes=64 * 1024 * 1024)
    await a_call().answered(app)
    timepiece.seconds += 40  # Settled now, so the page is kept.
    upstream.limits.clear()
    calls = await asyncio.gather(*(a_call().answered(app) for _ in range(5)))
    assert upstream.limits.count("30000") == 1
    assert {call.content for call in calls} == {calls[0].content}
    assert len(json.loads(calls[0].content)["data"]["findJob"]["result"]["rows"]["nodes"]) == ROWS
    assert not any(turn.locked() for turn in app.state.runtime.turns.values())


async def test_who_waits_for_a_page_holds_nothing_of_it() -> None:
    """Eight at once would leave so little room that the rest were passed on, each read for itself."""
    upstream, room_bytes = Upstream(), 4 * len(WHOLE)
    app = gateway(upstream, spool_max_bytes=64 * 1024 * 1024, cache_settle_seconds=0, max_collected_bytes=room_bytes)
    for call in await asyncio.gather(*(a_call().answered(app) for _ in range(8))):
        assert len(json.loads(call.content)["data"]["findJob"]["result"]["rows"]["nodes"]) == ROWS
    assert upstream.limits.count("30000") == 1


class StuckOnce(Upstream):
    """Never answers the first who asks for all rows."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.params["limit"] != "1" and not self.is_asked.is_set():
            self.is_asked.set()
            await asyncio.Event().wait()
        return await super().handle_async_request(request)


@pytest.mark.parametrize("fails", [True, False])
async def test_who_fails_or_leaves_leaves_the_turn_to_the_next(fails: bool) -> None:
    """The page was not brought into the store, so the next one brings it."""
    upstream = Upstream(WHOLE[: len(WHOLE) // 2]) if fails else StuckOnce()
    app = gateway(upstream, spool_max_bytes=64 * 1024 * 1024, cache_settle_seconds=0)
    if isinstance(upstream, StuckOnce):
        leaving = asyncio.create_task(a_call().answered(app))
        await upstream.is_asked.wait()
        following = asyncio.create_task(a_call().answered(app))
        leaving.cancel()
        good = await following
    else:
        for failed in await asyncio.gather(*(a_call().answered(app) for _ in range(3))):
            assert failed.error["code"] == "UPSTREAM_MALFORMED"
        upstream.large = WHOLE
        good = await a_call().answered(app)
    assert len(json.loads(good.content)["data"]["findJob"]["result"]["rows"]["nodes"]) == ROWS
    assert not any(turn.locked() for turn in app.state.runtime.turns.values())


OTHERWISE = pytest.mark.parametrize(
    "large",
    [
        pytest.param(body([row(number) for number in range(ROWS)], total=ROWS + 1), id="another total"),
        pytest.param(body([row(number) for number in range(ROWS)], status="running"), id="another status"),
        pytest.param(body([row(number) for number in range(ROWS - 7)]), id="rows missing"),
        pytest.param(WHOLE[: len(WHOLE) // 2], id="cut off"),
        pytest.param(WHOLE[:3_000_000] + b"\xff" + WHOLE[3_000_001:], id="no text"),
        pytest.param(WHOLE.replace(b'"v20000"', b"[[[[[["), id="no JSON"),
    ],
)


@OTHERWISE
async def test_a_page_that_fits_and_turns_out_otherwise_is_an_error_and_not_kept(large: bytes) -> None:
    """Nothing of it was sent, so a client is told, and nothing wrong is kept for the next one."""
    timepiece = Timepiece()
    upstream = Upstream(large)
    app = gateway(upstream, timepiece, spool_max_bytes=64 * 1024 * 1024)
    await a_call().answered(app)
    timepiece.seconds += 40  # Settled now, so a good page would be kept.
    call = await a_call().answered(app)
    assert call.is_finished
    assert call.error["code"] == "UPSTREAM_MALFORMED"
    upstream.large = WHOLE
    again = await a_call().answered(app)
    assert len(json.loads(again.content)["data"]["findJob"]["result"]["rows"]["nodes"]) == ROWS


@OTHERWISE
async def test_a_page_that_turns_out_otherwise_is_cut_off_and_not_kept(large: bytes) -> None:
    """A client sees an answer that never ends well, and nothing wrong is kept for the next one."""
    timepiece = Timepiece()
    upstream = Upstream(large)
    app = gateway(upstream, timepiece)
    await a_call().answered(app)
    timepiece.seconds += 40  # Settled now, so a good page would be kept.
    call = await a_call().answered(app)
    assert not call.is_finished
    upstream.large = WHOLE
    again = await a_call().answered(app)
    assert again.is_finished
    assert len(json.loads(again.content)["data"]["findJob"]["result"]["rows"]["nodes"]) == ROWS


async def test_a_page_is_compressed_on_its_way() -> None:
    """Piece by piece, and each piece while it is there: nothing waits for the end."""
    call = await a_call(**{"accept-encoding": "gzip"}).answered(gateway(Upstream()))
    assert dict(call.sent[0]["headers"])[b"content-encoding"] == b"gzip"
    assert call.is_finished
    assert len(call.sent) > 3
    page = json.loads(gzip.decompress(call.content))
    assert len(page["data"]["findJob"]["result"]["rows"]["nodes"]) == ROWS


async def test_a_compressed_page_that_breaks_off_is_cut_off_as_well() -> None:
    """Neither HTTP nor the compression says that it ended well."""
    call = await a_call(**{"accept-encoding": "gzip"}).answered(gateway(Upstream(WHOLE[: len(WHOLE) // 2])))
    assert not call.is_finished
    with pytest.raises(EOFError):
        gzip.decompress(call.content)


async def test_a_refusal_of_the_large_call_is_an_ordinary_error() -> None:
    """Until the first row is here, what fails can still be said."""
    refusal = b'{"errorCode": "GES.8020", "errorMessage": "no permission"}'
    call = await a_call().answered(gateway(Upstream(refusal, status=400)))
    assert call.is_finished
    assert call.error["code"] == "FORBIDDEN"


async def test_a_client_that_does_not_read_stops_the_plane() -> None:
    """However large the page, only a few pieces are ever taken; when the client leaves, the call to GES ends."""
    upstream = Upstream()
    stuck, is_stuck = a_call(), asyncio.Event()
    sent = 0

    async def read_a_little(message: Any) -> None:
        nonlocal sent
        sent += 1
        if sent > 2:
            is_stuck.set()
            await asyncio.Event().wait()

    stuck.send = read_a_little  # type: ignore[method-assign]
    serving = asyncio.create_task(stuck.answered(gateway(upstream)))
    await is_stuck.wait()
    for _ in range(200):
        await asyncio.sleep(0)
    large = upstream.streams[-1]
    assert large.taken_bytes < 1024 * 1024
    assert not large.is_closed
    stuck.gone.set()
    await serving
    assert large.is_closed


async def test_a_settled_page_is_kept_and_opened_for_those_who_prove_their_right() -> None:
    """Later readers cost no large call; one whom GES refuses gets its refusal and no row."""
    timepiece = Timepiece()
    upstream = Upstream()
    app = gateway(upstream, timepiece)
    await a_call().answered(app)
    timepiece.seconds += 40
    await a_call().answered(app)
    upstream.limits.clear()
    again = await a_call().answered(app)
    assert upstream.limits == []
    assert len(json.loads(again.content)["data"]["findJob"]["result"]["rows"]["nodes"]) == ROWS
    refused = await a_call("other").answered(app)
    assert upstream.limits == ["1"]
    assert refused.error["code"] == "FORBIDDEN"
    assert b"v1" not in refused.content


async def test_a_running_jobs_page_is_read_whole() -> None:
    """What can still change is not streamed against a promise."""
    first = body([row(0)], status="running")
    upstream = Upstream(body([row(number) for number in range(ROWS)], status="running"), first=first)
    call = await a_call().answered(gateway(upstream))
    assert upstream.limits == ["1", "30000"]
    assert b"content-length" in dict(call.sent[0]["headers"])
    assert len(json.loads(call.content)["data"]["findJob"]["result"]["rows"]["nodes"]) == ROWS


async def test_when_room_gets_short_what_would_fit_is_passed_on_instead() -> None:
    """Collected bytes have a bound over all requests; whoever can do without them does."""
    upstream = Upstream()
    app = gateway(upstream, spool_max_bytes=64 * 1024 * 1024, max_collected_bytes=10_000_000)
    app.state.runtime.room.take(6_000_000)
    call = await a_call().answered(app)
    assert b"content-length" not in dict(call.sent[0]["headers"])
    assert len(json.loads(call.content)["data"]["findJob"]["result"]["rows"]["nodes"]) == ROWS


async def test_a_page_is_counted_until_it_is_answered_and_no_longer() -> None:
    """While its client does not read it, its bytes are held; afterwards the room is there again."""
    upstream = Upstream()
    app = gateway(upstream, spool_max_bytes=64 * 1024 * 1024, max_collected_bytes=10_000_000)
    room, call = app.state.runtime.room, a_call()
    is_short: list[bool] = []

    async def send(message: Any) -> None:
        is_short.append(room.is_short)
        call.sent.append(message)

    await app(call.scope, call.receive, send)
    assert call.is_finished
    assert all(is_short)
    assert not room.is_short


async def test_a_page_that_finds_no_room_to_be_held_is_turned_away() -> None:
    """A running job's page can only be collected; with no room for it, its client is told to come again."""
    first = body([row(0)], status="running")
    upstream = Upstream(body([row(number) for number in range(ROWS)], status="running"), first=first)
    app = gateway(upstream, max_collected_bytes=2 * len(WHOLE))
    leaving = asyncio.Event()

    async def full(message: Any) -> None:
        leaving.set()
        await asyncio.Event().wait()

    reading = asyncio.create_task(app((slow := a_call()).scope, slow.receive, full))
    await leaving.wait()
    app.state.runtime.room.take(len(WHOLE) - 1_000_000)
    refused = await a_call().answered(app)
    assert refused.error["code"] in {"OVERLOADED", "PLANE_UNAVAILABLE"}
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
