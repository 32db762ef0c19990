"""Operations: what a request's headers say about who asks, in which project, and how fresh the answer must be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from gateway.operations import CALLER, address_book, opener, plane_health
from gateway.planes.breaker import BreakerState
from gateway.settings import Settings
from schema.errors import BadUserInputError, UnauthenticatedError
from schema.health import CircuitState
from schema.ids import GraphKey
from schema.plane import Plane
from tests.support_clock import BEGAN, FAKE_TIME, pass_time
from tests.support_ges import ORIGIN, Ges, Said, a_described_graph, open_runtime

pytestmark = pytest.mark.anyio

GRAPH = GraphKey("p1", graph_id="id-of-movies")
PATH = "/v2/p1/graphs/id-of-movies"
DESCRIBED: Said = (200, {"graph": a_described_graph("movies")})


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


def a_request(*headers: tuple[str, str]) -> Request:
    """Make a request with these headers, spelled as a server hands them on."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    return Request({"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": raw})


async def test_an_operation_carries_what_its_resolvers_need() -> None:
    """The request's id, the time taken once, the project, and the ports."""
    async with open_runtime(Ges()) as runtime:
        pass_time(3.5)
        opened = await opener(runtime)(a_request(("X-Auth-Token", "abc")), "r-1")
        context = opened.context
        assert (context.request_id, context.project) == ("r-1", "p1")
        assert context.now == datetime(2026, 3, 5, 2, 0, 3, 500_000, tzinfo=UTC)
        assert [health.plane for health in context.planes()] == list(Plane)
        await opened.close()


async def test_its_costs_are_counted() -> None:
    """For its line in the log: calls to GES, and reads spared."""
    async with open_runtime(Ges({PATH: DESCRIBED})) as runtime:
        open_operation = opener(runtime)
        costs = []
        for _ in range(2):
            opened = await open_operation(a_request(("X-Auth-Token", "abc")), "r-1")
            await opened.context.graphs.get(GRAPH)
            costs.append((opened.upstream_calls, opened.cache_hits))
            await opened.close()
    assert costs == [(1, 0), (0, 1)]


@pytest.mark.parametrize(
    ("header", "calls"), [("no-cache", 2), ("max-age=0, No-Cache", 2), ("max-age=0", 1), ("only-if-cached", 1)]
)
async def test_a_client_may_ask_for_a_fresh_answer(header: str, calls: int) -> None:
    """`no-cache` alone does it; what else the header may say is about the client's own copies."""
    ges = Ges({PATH: DESCRIBED})
    async with open_runtime(ges) as runtime:
        open_operation = opener(runtime)
        for _ in range(2):
            opened = await open_operation(a_request(("X-Auth-Token", "abc"), ("Cache-Control", header)), "r-1")
            await opened.context.graphs.get(GRAPH)
            await opened.close()
    assert len(ges.asked) == calls


async def test_a_request_names_its_project_or_the_settings_do() -> None:
    """One project; the header comes first, and must be one."""
    async with open_runtime(Ges()) as runtime:
        named = await opener(runtime)(a_request(("X-Project-Id", "p2")), "r-1")
        assert named.context.project == "p2"
        for headers in ([("X-Project-Id", "../p2")], [("X-Project-Id", "p2"), ("X-Project-Id", "p3")]):
            with pytest.raises(BadUserInputError):
                await opener(runtime)(a_request(*headers), "r-1")
    async with open_runtime(Ges(), project_id=None) as runtime:
        unnamed = await opener(runtime)(a_request(), "r-1")
        with pytest.raises(BadUserInputError, match="X-Project-Id"):
            _ = unnamed.context.project


async def test_without_a_credential_an_operation_opens_and_reads_nothing() -> None:
    """Some fields need none; two of them are one too many."""
    ges = Ges({PATH: DESCRIBED})
    async with open_runtime(ges) as runtime:
        opened = await opener(runtime)(a_request(), "r-1")
        with pytest.raises(UnauthenticatedError):
            await opened.context.graphs.get(GRAPH)
        with pytest.raises(BadUserInputError):
            await opener(runtime)(a_request(("X-Auth-Token", "a"), ("Authorization", "Bearer b")), "r-1")
    assert ges.asked == []


@pytest.mark.parametrize(
    ("sent", "state", "forwarded"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=1", True),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", None, True),
        ("00-short-01", "vendor=1", False),
        (None, "vendor=1", False),
    ],
)
async def test_a_trace_goes_on_upstream(sent: str | None, state: str | None, forwarded: bool) -> None:
    """A trace that is well-formed; what is none is not passed on, and neither is its state alone."""
    seen: list[httpx.Headers] = []

    def note(request: httpx.Request) -> Said:
        seen.append(request.headers)
        return DESCRIBED

    headers = [("Traceparent", sent), ("Tracestate", state), ("X-Auth-Token", "abc")]
    async with open_runtime(Ges({PATH: note})) as runtime:
        opened = await opener(runtime)(a_request(*((name, value) for name, value in headers if value)), "r-1")
        await opened.context.graphs.get(GRAPH)
        await opened.close()
    assert seen[0].get("traceparent") == (sent if forwarded else None)
    assert seen[0].get("tracestate") == (state if forwarded else None)


def test_the_addresses_are_those_of_the_settings() -> None:
    """What the operator gave, and private networks unless he says otherwise."""
    book = address_book(Settings(management_url=ORIGIN, service_urls={"movies": "http://10.0.0.5"}))
    assert book.origin("movies", [], enable_https=None) == "http://10.0.0.5"
    assert book.origin("books", ["10.1.1.1"], enable_https=True) == "https://10.1.1.1"
    assert book.origin("books", ["ges.example"], enable_https=False) == ORIGIN
    assert book.origin("books", ["8.8.8.8"], enable_https=False) is None


@pytest.mark.parametrize(
    ("settings", "configured"),
    [
        ({"management_url": ORIGIN}, [True, True]),
        ({"management_url": None, "service_urls": {"movies": "http://10.0.0.5"}}, [False, True]),
        ({"management_url": None}, [False, False]),
    ],
)
async def test_health_tells_which_planes_are_configured(settings: dict[str, Any], configured: list[bool]) -> None:
    """The management plane is the directory of the other one, so it is enough for both."""
    async with open_runtime(Ges(), **settings) as runtime:
        assert [health.configured for health in plane_health(runtime)] == configured


async def test_health_tells_how_the_planes_did() -> None:
    """The worst breaker of a plane, and its latest good answer."""
    async with open_runtime(Ges()) as runtime:
        breaker = runtime.breakers[Plane.SERVICE].of(ORIGIN)
        ticket = breaker.admit()
        assert ticket is not None
        breaker.succeeded(ticket, BEGAN)
        for _ in range(5):
            breaker.failed(ticket)
        management, service = plane_health(runtime)
    assert (management.circuit, management.last_ok_at) == (CircuitState.CLOSED, None)
    assert (service.circuit, service.last_ok_at) == (CircuitState.OPEN, BEGAN)


def test_every_state_of_a_breaker_has_its_word() -> None:
    """The contract names the same three states."""
    assert {state.name for state in BreakerState} == {state.name for state in CircuitState}


async def test_an_operation_counts_against_its_caller_and_not_against_all_who_see_the_same() -> None:
    """Bounds are each caller's own, where scopes are shared."""
    async with open_runtime(Ges()) as runtime:
        opened = await opener(runtime)(a_request(("X-Auth-Token", "abc")), "r-1")
        caller = runtime.mode.callers.known([(b"x-auth-token", b"abc")])
        assert caller is not None
        assert opened.caller == caller.name
        assert (await opener(runtime)(a_request(), "r-1")).caller is None


async def test_who_was_found_out_before_is_believed_once() -> None:
    """A stream opens an operation for each event, and a credential that ended meanwhile must end it."""
    async with open_runtime(Ges()) as runtime:
        request = a_request()
        request.scope["state"] = {CALLER: runtime.mode.callers.known([(b"x-auth-token", b"abc")])}
        assert (await opener(runtime)(request, "r-1")).caller is not None
        assert (await opener(runtime)(request, "r-1")).caller is None
