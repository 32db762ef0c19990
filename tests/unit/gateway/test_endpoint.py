"""Tests of the endpoint: what becomes of a request besides what the protocol says (that is in tests/contract)."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from gateway.settings import Settings
from schema.errors import (
    BadUserInputError,
    ForbiddenError,
    GatewayError,
    OverloadedError,
    RateLimitedError,
    UnauthenticatedError,
)
from schema.limits import Limits
from tests.support_graphql import REQUEST_ID, Door, application, client_of

pytestmark = pytest.mark.anyio
Sent = list[MutableMapping[str, Any]]


async def post(query: str, door: Door | None = None, variables: Any = None, **options: Any) -> httpx.Response:
    """Send an operation as a client of the newer media type."""
    body = {"query": query, "variables": variables}
    async with client_of(application(door, **options)) as client:
        return await client.post("/graphql", json=body, headers={"Accept": "application/graphql-response+json"})


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """Return the only error of an answer."""
    (error,) = answer.json()["errors"]
    assert error["extensions"].pop("requestId") == REQUEST_ID
    return dict(error)


async def test_one_context_is_opened_and_closed_for_each_operation() -> None:
    """What it still asks for ends with it."""
    door = Door()
    await post("{ hello }", door)
    await post("{ nothing }", door)
    assert [opened.closed for opened in door.opened] == [1, 1]


async def test_rows_are_written_through() -> None:
    """A number that is none becomes null."""
    answer = await post("{ rows }")
    assert answer.content == '{"data":{"rows":[{"id":1e2},null,"Zürich"]}}'.encode()


async def test_an_error_of_ours_is_shown_beside_the_data() -> None:
    """With its place, its code, and what GES said."""
    answer = await post("{ hello missing }")
    assert answer.json()["data"] == {"hello": "Hello, you!", "missing": None}
    assert error_of(answer) == {
        "message": "There is no such job.",
        "locations": [{"line": 1, "column": 9}],
        "path": ["missing"],
        "extensions": {"code": "NOT_FOUND", "plane": "SERVICE", "upstreamCode": "GES.7007", "retryable": False},
    }


async def test_what_resolvers_report_stands_among_the_errors() -> None:
    """The data is kept."""
    answer = await post("{ reported }")
    assert answer.json()["data"] == {"reported": "half"}
    error = error_of(answer)
    assert (error["message"], error["path"]) == ("Half of it is missing.", ["reported"])
    assert error["extensions"]["code"] == "NOT_FOUND"


async def test_an_error_that_leaves_no_data_is_still_an_execution() -> None:
    """A field that may not be null takes everything with it; `data` is there and null."""
    answer = await post("{ needed }")
    assert (answer.status_code, answer.json()["data"]) == (200, None)


async def test_a_defect_is_masked_and_logged_once() -> None:
    """However many fields it hits."""
    with capture_logs() as logs:
        answer = await post("{ a: defect b: defect }")
    assert answer.json()["data"] == {"a": None, "b": None}
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"INTERNAL_SERVER_ERROR"}
    assert "secret" not in answer.text
    unexpected = [line for line in logs if line["event"] == "unexpected"]
    assert [(line["count"], line["exception"], line["request_id"]) for line in unexpected] == [
        (2, "RuntimeError", REQUEST_ID)
    ]
    assert "secret" not in str(logs)


async def test_a_result_that_cannot_be_written_is_a_masked_defect() -> None:
    """The last resort answers for the encoder."""
    with capture_logs() as logs:
        answer = await post("{ badlyWritten }")
    assert (answer.status_code, error_of(answer)["extensions"]["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert [line["event"] for line in logs] == ["unexpected"]


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (BadUserInputError("Two credentials."), 400, "BAD_USER_INPUT"),
        (UnauthenticatedError("No credential."), 401, "UNAUTHENTICATED"),
        (ForbiddenError("Not you."), 403, "FORBIDDEN"),
        (RateLimitedError("Slower."), 429, "RATE_LIMITED"),
        (OverloadedError("Too much."), 503, "OVERLOADED"),
        (GatewayError("Odd."), 500, "INTERNAL_SERVER_ERROR"),
    ],
    ids=lambda value: value.code if isinstance(value, GatewayError) else "",
)
async def test_a_context_that_is_refused_decides_the_status(refusal: GatewayError, status: int, code: str) -> None:
    """In any media type: this is about the request, not about its document."""
    answer = await post("{ hello }", Door(refusal))
    assert (answer.status_code, error_of(answer)["extensions"]["code"]) == (status, code)
    assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_a_refusal_that_will_pass_says_when() -> None:
    """In the header that clients and proxies know."""
    answer = await post("{ hello }", Door(RateLimitedError("Slower.", retry_after_seconds=1.5)))
    assert answer.headers["retry-after"] == "2"
    assert "retry-after" not in (await post("{ hello }", Door(RateLimitedError("Slower.")))).headers


async def test_limits_name_themselves() -> None:
    """Before anything is executed."""
    answer = await post("{ a: hello b: hello }", limits=Limits(max_aliases=1))
    assert answer.status_code == 400
    assert error_of(answer)["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": "aliases", "maximum": 1, "asked": 2}


async def test_without_introspection_the_schema_is_kept_back() -> None:
    """Neither asked for nor guessed."""
    schema = await post("{ __schema { types { name } } }", introspection=False)
    field = await post("{ helo }", introspection=False)
    assert schema.status_code == field.status_code == 400
    assert "hello" not in schema.text + field.text


@pytest.mark.parametrize(
    ("query", "offered"),
    [
        ("query Hello { hello }", "Hello"),
        ("mutation Change { change }", None),
        ("query Missing { hello missing }", None),
        ("query Half { reported }", None),
        ("query Wrong { nothing }", None),
    ],
)
async def test_only_a_good_answer_to_a_query_is_offered_to_whoever_keeps_answers(
    query: str, offered: str | None
) -> None:
    """With what it rests on."""
    door = Door()
    app = application(door)
    states: list[dict[str, Any]] = []

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        states.append(scope.setdefault("state", {}))
        await app(scope, receive, send)

    async with client_of(front) as client:
        await client.post("/graphql", json={"query": query})
    offer = states[0].get("offer")
    assert (offer and offer.name) == offered
    assert offer is None or offer.proofs is door.opened[0].proofs


async def test_one_line_tells_of_each_operation() -> None:
    """Enough to find it and what it cost; never its text or its variables."""
    with capture_logs() as logs:
        await post("query Greet($n: String!) { hello(name: $n) missing }", variables={"n": "secret"})
    (line,) = logs
    assert line.pop("duration_ms") >= 0
    assert line == {
        "event": "operation",
        "log_level": "info",
        "request_id": REQUEST_ID,
        "operation": "Greet",
        "type": "query",
        "upstream_calls": 3,
        "cache_hits": 2,
        "status": 200,
        "codes": ["NOT_FOUND"],
    }


async def test_the_line_of_a_refused_request_is_bounded() -> None:
    """A name may be as long as the document."""
    with capture_logs() as logs:
        await post("query " + "n" * 10_000 + " { nothing }")
        await post("{")
        async with client_of(application()) as client:
            await client.put("/graphql")
    assert [(line["operation"], line["type"], line["status"], line["codes"]) for line in logs] == [
        ("n" * 64, "query", 400, ["GRAPHQL_VALIDATION_FAILED"]),
        (None, None, 400, ["GRAPHQL_PARSE_FAILED"]),
        (None, None, 405, ["BAD_USER_INPUT"]),
    ]


class Connection:
    """A client's connection, played by hand."""

    def __init__(self, *body: bytes, more: bool = False) -> None:
        self._body = [*body]
        self._more = more
        self.hung_up = asyncio.Event()
        self.sent: Sent = []
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json"), (b"x-request-id", REQUEST_ID.encode())],
        }

    async def receive(self) -> MutableMapping[str, Any]:
        if self._body:
            body = self._body.pop(0)
            return {"type": "http.request", "body": body, "more_body": self._more or bool(self._body)}
        await self.hung_up.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)


async def test_a_client_that_leaves_ends_its_operation() -> None:
    """Its context is closed, nothing is sent, and the line says 499."""
    door, connection = Door(), Connection(b'{"query":"{ patient }"}')
    with capture_logs() as logs:
        answering = asyncio.create_task(application(door)(connection.scope, connection.receive, connection.send))
        await door.watch.started.wait()
        connection.hung_up.set()
        await answering
    assert door.watch.cancelled
    assert door.opened[0].closed == 1
    assert connection.sent == []
    assert [(line["event"], line["status"]) for line in logs] == [("operation", 499)]


async def test_a_client_that_leaves_while_sending_is_forgotten() -> None:
    """There was no operation yet."""
    door, connection = Door(), Connection(b'{"query":', more=True)
    connection.hung_up.set()
    await application(door)(connection.scope, connection.receive, connection.send)
    assert (connection.sent, door.opened) == ([], [])


async def test_a_body_that_does_not_arrive_is_408() -> None:
    """A slow client costs a bounded time."""
    connection = Connection(b'{"query":', more=True)
    app = application(request_timeout_seconds=0.01)
    await app(connection.scope, connection.receive, connection.send)
    assert connection.sent[0]["status"] == 408
    assert b'"code":"TIMEOUT"' in connection.sent[1]["body"]


async def test_an_operation_beyond_all_waiting_is_504() -> None:
    """A net below the deadlines of the reads themselves."""
    door = Door()
    answer = await post("{ patient }", door, request_timeout_seconds=0.01, waiting_seconds=0)
    assert (answer.status_code, error_of(answer)["extensions"]) == (504, {"code": "TIMEOUT"})
    assert door.watch.cancelled
    assert door.opened[0].closed == 1


def page() -> Response:
    """Stand in for GraphiQL."""
    return HTMLResponse("<title>page</title>")


async def test_a_browser_gets_the_page_where_there_is_one() -> None:
    """Whether or not the address carries an operation; the log is silent about it."""
    async with client_of(application(page=page)) as client:
        with capture_logs() as logs:
            for url in ("/graphql", "/graphql?query={hello}"):
                answer = await client.get(url, headers={"Accept": "text/html,*/*;q=0.8"})
                assert (answer.status_code, answer.text) == (200, "<title>page</title>")
        assert logs == []
        assert (await client.get("/graphql?query={hello}")).json() == {"data": {"hello": "Hello, you!"}}


async def test_a_browser_gets_json_where_there_is_no_page() -> None:
    """It takes anything; who takes HTML alone gets nothing."""
    async with client_of(application()) as client:
        answer = await client.get("/graphql?query={hello}", headers={"Accept": "text/html,*/*;q=0.8"})
        assert answer.json() == {"data": {"hello": "Hello, you!"}}
        assert (await client.get("/graphql?query={hello}", headers={"Accept": "text/html"})).status_code == 406


async def test_a_page_is_for_get_only() -> None:
    """A POST asks for an answer."""
    async with client_of(application(page=page)) as client:
        answer = await client.post("/graphql", json={"query": "{hello}"}, headers={"Accept": "text/html"})
        assert answer.status_code == 406


async def test_answers_may_be_read_by_allowed_origins_also_when_refused() -> None:
    """Else a page could not show why."""
    app = application(settings=Settings(allowed_origins=("https://app.example.com",)))
    async with client_of(app) as client:
        for body in ({"query": "{hello}"}, {"query": "{"}, None):
            answer = await client.post("/graphql", json=body, headers={"Origin": "https://app.example.com"})
            assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
            assert answer.headers["vary"] == "Accept, Origin"
