"""Tests of what every request passes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from gateway.middleware import BodyLimit, CrossOrigin, HeaderBounds, LastResort, Signature, protection
from gateway.settings import Settings

pytestmark = pytest.mark.anyio
ORIGIN = "https://app.example.com"


async def echo(request: Request) -> Response:
    """Answer the request id and the length of the body."""
    body = await request.body()
    return PlainTextResponse(f"{request.state.request_id} {len(body)}", headers={"Vary": "Accept"})


async def fail(_: Request) -> Response:
    """Fail in a way nobody foresaw."""
    raise RuntimeError("secret-token")


async def break_off(_: Request) -> Response:
    """Fail after the answer has begun."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("secret-token")

    return StreamingResponse(chunks())


async def own_policy(_: Request) -> Response:
    """Answer with a policy of its own."""
    return PlainTextResponse("page", headers={"Content-Security-Policy": "default-src 'self'"})


async def ask(method: str = "GET", path: str = "/", settings: Settings | None = None, **options: Any) -> httpx.Response:
    """Send one request through all of it."""
    handlers = {"/": echo, "/fail": fail, "/break": break_off, "/page": own_policy}
    routes = [Route(route, handler, methods=["GET", "POST"]) for route, handler in handlers.items()]
    app = Starlette(routes=routes, middleware=protection(settings or Settings(max_request_bytes=10)))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.request(method, path, **options)


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    """Return status, code and request id of an error."""
    (entry,) = answer.json()["errors"]
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, entry["extensions"]["code"], entry["extensions"]["requestId"]


async def test_a_plain_request_id_is_kept() -> None:
    """The client finds it again in the answer, the operator in the log."""
    answer = await ask(headers={"X-Request-Id": "a.b:c_d-1"})
    assert (answer.text, answer.headers["x-request-id"]) == ("a.b:c_d-1 0", "a.b:c_d-1")


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, '{"a":1}', "\u00e9", "-x"])
async def test_any_other_request_id_is_replaced(given: str) -> None:
    """It goes into logs and headers."""
    answer = await ask(headers={"X-Request-Id": given.encode()})
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.text == answer.headers["x-request-id"] + " 0"


async def test_every_answer_keeps_browsers_careful() -> None:
    """Unless it says better itself."""
    headers = (await ask()).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert (await ask(path="/page")).headers["content-security-policy"] == "default-src 'self'"


async def test_an_unforeseen_exception_is_masked_and_logged_once() -> None:
    """The client gets the request id and nothing else."""
    with capture_logs() as logs:
        answer = await ask(path="/fail", headers={"X-Request-Id": "r1"})
    assert error_of(answer) == (500, "INTERNAL_SERVER_ERROR", "r1")
    assert "secret" not in answer.text
    (line,) = logs
    assert (line["event"], line["request_id"], line["exception"]) == ("unexpected", "r1", "RuntimeError")
    assert "secret" not in str(line)


async def test_an_answer_that_has_begun_is_broken_off() -> None:
    """There is no second head to send."""
    with capture_logs() as logs, pytest.raises(RuntimeError):
        await ask(path="/break")
    assert [line["event"] for line in logs] == ["unexpected"]


async def test_a_body_within_the_limit_is_read() -> None:
    """Up to the last byte."""
    assert (await ask("POST", content=b"x" * 10)).text.endswith(" 10")


async def pieces() -> AsyncIterator[bytes]:
    """Give a body whose length nobody tells."""
    for _ in range(1_000):
        yield b"123456"


@pytest.mark.parametrize("content", [b"x" * 11, pieces], ids=["told", "untold"])
async def test_a_body_beyond_the_limit_is_413(content: bytes | Callable[[], AsyncIterator[bytes]]) -> None:
    """Before it is read, or as soon as it is too long; closing the connection spares the rest."""
    with capture_logs() as logs:
        answer = await ask(
            "POST", content=content if isinstance(content, bytes) else content(), headers={"X-Request-Id": "r1"}
        )
    assert error_of(answer) == (413, "PAYLOAD_TOO_LARGE", "r1")
    assert answer.headers["connection"] == "close"
    assert [(line["event"], line["status"]) for line in logs] == [("refused", 413)]


async def test_a_told_length_beyond_all_measure_is_413() -> None:
    """It is not even a number to us."""
    assert (await ask("POST", content=b"", headers={"Content-Length": "9" * 5_000})).status_code == 413


@pytest.mark.parametrize(
    "headers",
    [{"X-Large": "x" * 70_000}, {f"X-{number}": "" for number in range(101)}],
    ids=["large", "many"],
)
async def test_too_many_headers_are_431(headers: dict[str, str]) -> None:
    """In number or in bytes."""
    status, code, _ = error_of(await ask(headers=headers))
    assert (status, code) == (431, "PAYLOAD_TOO_LARGE")


async def test_a_large_token_passes() -> None:
    """IAM tokens run to several KiB."""
    assert (await ask(headers={"X-Auth-Token": "M" * 16_384})).status_code == 200


async def test_a_long_address_is_414() -> None:
    """A document belongs into a body."""
    assert (await ask(path="/?query=" + "x" * 40_000)).status_code == 200
    assert error_of(await ask(path="/?query=" + "x" * 64_000))[0] == 414


async def test_r24_without_allowed_origins_nothing_is_said_to_browsers() -> None:
    """So they keep pages of others out."""
    answer = await ask(headers={"Origin": ORIGIN})
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert answer.headers["vary"] == "Accept"


ALLOWING = Settings(allowed_origins=(ORIGIN,), max_request_bytes=10)


async def test_an_allowed_origin_may_read_answers() -> None:
    """Also those that are errors."""
    for path, status in (("/", 200), ("/fail", 500), ("/nowhere", 404)):
        answer = await ask(path=path, settings=ALLOWING, headers={"Origin": ORIGIN})
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
        assert set(exposed) == {"x-request-id", "retry-after", "etag", "age", "content-disposition", "x-total-count"}
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers


async def test_another_origin_may_not() -> None:
    """But caches learn that the origin matters."""
    for headers in ({"Origin": "https://evil.example.com"}, {"Origin": "null"}, {}):
        answer = await ask(settings=ALLOWING, headers=headers)
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["vary"] == "Accept, Origin"


async def preflight(*names: str) -> httpx.Response:
    """Ask, as a browser does, whether a page may send these headers."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": ",".join(names)}
    return await ask("OPTIONS", settings=ALLOWING, headers={"Origin": ORIGIN, **asked})


@pytest.mark.parametrize(
    "name",
    [
        *("content-type", "authorization", "x-auth-token", "x-project-id", "cache-control"),
        *("traceparent", "tracestate", "x-request-id"),
        *("apollo-require-preflight", "apollo-federation-include-trace", "x-apollo-operation-name"),
        *("apollographql-client-name", "apollographql-client-version"),
    ],
)
async def test_a_page_of_an_allowed_origin_may_send_what_clients_of_graphql_and_ges_send(name: str) -> None:
    """A browser asks for each before it sends it, and remembers the answer for a while."""
    answer = await preflight(name, "x-unheard-of", "apollo x", "apollo" + "x" * 99)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert int(answer.headers["access-control-max-age"]) > 0
    assert answer.headers["vary"] == "Origin, Access-Control-Request-Headers"
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert name in allowed
    assert not [other for other in allowed if other.startswith("x-unheard") or " " in other or len(other) > 64]


async def test_a_preflight_of_another_origin_is_told_nothing() -> None:
    """The browser stops there."""
    headers = {"Origin": "https://evil.example.com", "Access-Control-Request-Method": "POST"}
    answer = await ask("OPTIONS", settings=ALLOWING, headers=headers)
    assert answer.status_code == 204
    assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_a_star_allows_every_origin() -> None:
    """Nothing ambient rides along: credentials are headers."""
    answer = await ask(settings=Settings(allowed_origins=("*",)), headers={"Origin": "https://any.example.com"})
    assert answer.headers["access-control-allow-origin"] == "*"


MIDDLEWARE = [
    Signature,
    LastResort,
    HeaderBounds,
    lambda app: BodyLimit(app, maximum=1),
    lambda app: CrossOrigin(app, [ORIGIN]),
]


@pytest.mark.parametrize("wrap", MIDDLEWARE)
@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
async def test_what_is_no_http_request_passes_untouched(
    wrap: Callable[[Any], Callable[[Scope, Receive, Send], Awaitable[None]]], kind: str
) -> None:
    """Start and end of the process, and sockets."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])
        assert (await receive())["type"] == "x"
        await send({"type": "y"})

    async def receive() -> Message:
        return {"type": "x"}

    async def send(message: Message) -> None:
        seen.append(message["type"])

    await wrap(app)({"type": kind, "headers": []}, receive, send)
    assert seen == [kind, "y"]
