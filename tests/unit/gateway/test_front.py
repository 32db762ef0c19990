"""
The door: what it gives again, what it lets pass, and that every rule behind it holds there too.

All of it both ways: asked as an application, and asked by the connection before it makes a request of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn

import pytest
import structlog
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from gateway.answers import Answers, Offer, Proofs
from gateway.front import Front
from gateway.runtime import Runtime
from gateway.settings import Settings
from tests.support_clock import FAKE_TIME, fake_clock, fake_time_loop, pass_time

pytestmark = pytest.mark.anyio
PATH = "/graphql"
BODY = b'{"query":"{ job }"}'
JOB = ("SERVICE", "p1", "", "movies", "job-1")
POST: Scope = {"type": "http", "path": PATH, "method": "POST", "query_string": b""}
Header = tuple[bytes, bytes]
HEADERS: tuple[Header, ...] = (
    (b"host", b"gateway"),
    (b"x-auth-token", b"token-of-one"),
    (b"content-type", b"application/json"),
    (b"accept", b"*/*"),
    (b"content-length", b"%d" % len(BODY)),
)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time: answers age at once."""
    return FAKE_TIME


@dataclass
class Behind:
    """What stands behind the door: answers with a number, offers its answer to be kept, and remembers who came."""

    runtime: Runtime
    bodies: list[bytes] = field(default_factory=list)
    resources: set[tuple[str, ...]] = field(default_factory=lambda: {JOB})
    status: int = 200
    headers: list[Header] = field(default_factory=lambda: [(b"vary", b"Accept, Origin")])
    pieces: int = 1
    tells_length: bool = True
    offers: bool = True
    is_final: bool = True
    seconds: float = 1_000
    fetched_at: datetime | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", scope["type"] == "http"
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.bodies.append(body)
        if self.offers:
            proofs = Proofs(set(self.resources), is_final=self.is_final)
            proofs.rest_on(self.runtime.clock.now(), self.seconds)
            proofs.oldest = self.fetched_at
            scope.setdefault("state", {})["offer"] = Offer(proofs, "Watch")
        content = b"%d" % len(self.bodies)
        length = [(b"content-length", b"%d" % (len(content) * self.pieces))] if self.tells_length else []
        headers = [*self.headers, *length, (b"x-request-id", b"of-%d" % len(self.bodies))]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        for piece in range(self.pieces):
            more_body = piece + 1 < self.pieces
            await send({"type": "http.response.body", "body": content, "more_body": more_body})


@dataclass
class Door:
    """A door under test, a caller's proven right, and what stands behind. A connection asks first if `asks_first`."""

    front: Front
    behind: Behind
    runtime: Runtime
    answers: Answers
    asks_first: bool = False

    @property
    def caller(self) -> str:
        """The scope of the caller whose token the headers carry."""
        scope = self.front._read_caller({"headers": HEADERS})
        assert scope is not None
        return scope

    async def ask(
        self,
        headers: Iterable[Header] = HEADERS,
        messages: Iterable[Message] | None = None,
        **scope: Any,
    ) -> tuple[bytes, dict[bytes, bytes]]:
        """Send one request; return the body and the headers of the answer."""
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        whole: list[Message] = [{"type": "http.request", "body": BODY}] if messages is None else list(messages)
        asked = {**POST, "headers": list(headers), "state": {}, **scope}
        if self.asks_first and not scope and len(whole) == 1 and whole[0]["type"] == "http.request":
            found = self.front.find(asked, whole[0]["body"])
            if found is not None:
                lines = found[0].removesuffix(b"\r\n").split(b"\r\n")
                return found[1], {name: value for name, _, value in (line.partition(b": ") for line in lines)}
        await self.front(asked, receiving(whole), send)
        return b"".join(message["body"] for message in sent[1:]), dict(sent[0]["headers"])

    async def ask_twice(self, *second: Any, **changes: Any) -> bytes:
        """Ask as usual, then otherwise; return the second answer: `1` was given again, `2` came from behind."""
        await self.ask()
        return (await self.ask(*second, **changes))[0]


def receiving(messages: Iterable[Message]) -> Receive:
    """Return a `receive` that gives these messages, then nothing."""
    left = list(messages)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return receive


def replaced(name: bytes, value: bytes) -> tuple[Header, ...]:
    """Return the headers with another value for one of them, added when it is not among them."""
    return (*(header for header in HEADERS if header[0] != name), (name, value))


@pytest.fixture(params=["application", "connection"])
async def door(request: pytest.FixtureRequest) -> AsyncIterator[Door]:
    """Give a door that nobody has passed."""
    runtime = Runtime(Settings(max_request_bytes=1_000), clock=fake_clock())
    behind, answers = Behind(runtime), Answers(100_000, runtime.clock.monotonic)
    front = Front(behind, behind, path=PATH, runtime=runtime, answers=answers)
    made = Door(front, behind, runtime, answers, asks_first=request.param == "connection")
    runtime.grants.give(made.caller, JOB)
    yield made
    await runtime.close()


async def test_an_equal_request_gets_the_same_bytes_and_a_name_of_its_own(door: Door) -> None:
    """All headers are as they were, but for the one that names the request."""
    first = await door.ask()
    assert first == (b"1", {b"vary": b"Accept, Origin", b"content-length": b"1", b"x-request-id": b"of-1"})
    body, headers = await door.ask()
    assert (body, headers[b"vary"], headers[b"content-length"], len(headers)) == (b"1", b"Accept, Origin", b"1", 3)
    assert len(headers[b"x-request-id"]) == 32
    assert door.behind.bodies == [BODY]
    _, headers = await door.ask((*HEADERS, (b"x-request-id", b"mine-1")))
    assert headers[b"x-request-id"] == b"mine-1"


async def test_the_age_of_what_is_given_again_is_told(door: Door) -> None:
    """Since GES gave the oldest part of it."""
    door.behind.fetched_at = door.runtime.clock.now()
    await door.ask()
    for _ in range(2):
        pass_time(3)
        _, headers = await door.ask()
    assert headers[b"age"] == b"6"


async def test_encodings_make_a_difference_only_where_another_one_is_chosen(door: Door) -> None:
    """Every client lists its own, and gets one of three."""
    one, other = replaced(b"accept-encoding", b"gzip, br"), replaced(b"accept-encoding", b"deflate, br;q=0.9")
    assert await door.ask_twice(one) == b"2"
    assert (await door.ask(other))[0] == b"2"
    assert (await door.ask(replaced(b"accept-encoding", b"gzip")))[0] == b"3"


@pytest.mark.parametrize("name", [b"user-agent", b"traceparent", b"x-forwarded-for", b"content-length"])
async def test_headers_that_decide_nothing_make_no_difference(door: Door, name: bytes) -> None:
    assert await door.ask_twice(replaced(name, b"7")) == b"1"


@pytest.mark.parametrize(
    "headers",
    [
        replaced(b"x-auth-token", b"token-of-two"),
        replaced(b"x-project-id", b"p2"),
        replaced(b"accept", b"application/graphql-response+json"),
        (*HEADERS, (b"accept", b"text/html")),
        replaced(b"content-type", b"text/plain"),
        replaced(b"content-encoding", b"gzip"),
        replaced(b"origin", b"https://app.example.com"),
        replaced(b"cache-control", b"max-age=0"),
    ],
)
async def test_headers_that_decide_make_another_request(door: Door, headers: tuple[Header, ...]) -> None:
    assert await door.ask_twice(headers) == b"2"


async def test_another_body_is_another_request(door: Door) -> None:
    assert await door.ask_twice(HEADERS, [{"type": "http.request", "body": b"{}"}]) == b"2"


@pytest.mark.parametrize(
    "changes", [{"path": "/"}, {"path": "/graphql/"}, {"method": "GET"}, {"method": "PUT"}, {"query_string": b"a=b"}]
)
async def test_only_a_plain_post_to_the_endpoint_is_answered_here(door: Door, changes: dict[str, Any]) -> None:
    assert await door.ask_twice(**changes) == b"2"


async def test_what_is_no_http_passes(door: Door) -> None:
    """Sockets and the life of the application."""
    assert (await door.ask(type="websocket"))[0] == b"1"


@pytest.mark.parametrize(
    "headers",
    [
        [header for header in HEADERS if header[0] != b"x-auth-token"],
        [*HEADERS, (b"authorization", b"Bearer token-of-one")],
        replaced(b"x-auth-token", b"not a token"),
        [*HEADERS, *((b"x-%d" % number, b"") for number in range(96))],
        replaced(b"x-long", b"x" * 65_536),
    ],
    ids=["nobody", "two credentials", "no token", "too many headers", "too long headers"],
)
async def test_what_is_refused_behind_is_not_answered_here(door: Door, headers: list[Header]) -> None:
    """The rules on heads hold for answers that are kept as well."""
    assert await door.ask_twice(headers) == b"2"


async def test_a_withdrawn_grant_closes_the_answer(door: Door) -> None:
    door.behind.resources.add(("SERVICE", "p1", "", "movies", "job-2"))
    door.runtime.grants.give(door.caller, ("SERVICE", "p1", "", "movies", "job-2"))
    await door.ask()
    door.runtime.grants.withdraw(door.caller, ("SERVICE", "p1", "", "movies", "job-2"))
    assert (await door.ask())[0] == b"2"


async def test_a_grant_proven_again_opens_it_again_but_a_new_epoch_never_does(door: Door) -> None:
    """Withdrawing everything of a caller is for good."""
    await door.ask()
    door.runtime.grants.withdraw_all(door.caller)
    door.runtime.grants.give(door.caller, JOB)
    assert (await door.ask())[0] == b"2"
    assert (await door.ask())[0] == b"2"


async def test_an_answer_is_given_no_longer_than_the_right_holds_that_was_proven_for_it(door: Door) -> None:
    """Not even when the right was proven anew in between."""
    await door.ask()
    pass_time(59)
    assert (await door.ask())[0] == b"1"
    door.runtime.grants.give(door.caller, JOB)
    pass_time(1)
    assert (await door.ask())[0] == b"2"


async def test_an_answer_is_given_no_longer_than_what_it_rests_on(door: Door) -> None:
    door.behind.seconds = 20
    await door.ask()
    pass_time(20)
    assert (await door.ask())[0] == b"2"


async def test_a_client_that_wants_fresh_data_gets_it_and_renews_what_others_get(door: Door) -> None:
    fresh = replaced(b"cache-control", b"No-Cache")
    assert await door.ask_twice(fresh) == b"2"
    assert (await door.ask())[0] == b"2"
    assert (await door.ask(fresh))[0] == b"3"


@pytest.mark.parametrize(
    "changes",
    [
        {"offers": False},
        {"status": 206},
        {"pieces": 2},
        {"pieces": 3},
        {"tells_length": False},
        {"is_final": False},
        {"resources": set()},
        {"seconds": 0},
        {"headers": [(b"vary", b"Accept, Cookie")]},
        {"headers": [(b"vary", b"*")]},
    ],
    ids=lambda changes: str(*changes.items()),
)
async def test_an_answer_that_may_not_be_given_again_is_not(door: Door, changes: dict[str, Any]) -> None:
    """Not offered, not good, not whole, not final, about nobody's right, or different for reasons unknown here."""
    for name, value in changes.items():
        setattr(door.behind, name, value)
    await door.ask_twice()
    assert (len(door.behind.bodies), len(door.answers)) == (2, 0)


async def test_a_body_that_comes_later_is_waited_for(door: Door) -> None:
    """Some clients send head and body apart."""
    await door.ask()

    async def receive() -> Message:
        await fake_clock().sleep(5)
        return {"type": "http.request", "body": BODY}

    assert (await answered(door, receive))[0]["status"] == 200
    assert (door.behind.bodies, fake_time_loop().seconds) == ([BODY], 5)


async def test_a_body_that_never_comes_is_told_behind_in_time(door: Door) -> None:
    """Whoever reads behind the door learns it as if he had waited himself."""
    with pytest.raises(TimeoutError):
        await door.ask(messages=[])
    assert fake_time_loop().seconds == 10


@pytest.mark.parametrize("length", [b"1001", b"9" * 400])
async def test_a_body_that_is_refused_anyway_is_not_waited_for(door: Door, length: bytes) -> None:
    """Behind the door its length alone is enough."""
    asked: list[Scope] = []

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope)

    front = Front(refuse, refuse, path=PATH, runtime=door.runtime, answers=door.answers)
    await front({**POST, "headers": replaced(b"content-length", length)}, receiving([]), no_send)
    assert (len(asked), fake_time_loop().seconds) == (1, 0)


def in_pieces(body: bytes) -> list[Message]:
    """Cut a body as servers may: nothing says which piece is the last but an empty one."""
    pieces = [body[:5], body[5:], b""]
    return [{"type": "http.request", "body": piece, "more_body": bool(piece)} for piece in pieces]


async def test_a_body_in_pieces_is_the_same_body(door: Door) -> None:
    """And another passes whole: nothing is lost of what was read to look at it."""
    assert await door.ask_twice(HEADERS, in_pieces(BODY)) == b"1"
    assert await door.ask_twice(HEADERS, in_pieces(b'{"query":"{ other }"}')) == b"2"
    assert door.behind.bodies == [BODY, b'{"query":"{ other }"}']


@pytest.mark.parametrize(("size", "held"), [(600, 2), (1, 16)])
async def test_a_body_too_long_or_in_too_many_pieces_is_not_held(door: Door, size: int, held: int) -> None:
    """As soon as that is clear it passes, what was read of it first."""
    pieces = [{"type": "http.request", "body": b"x" * size, "more_body": True} for _ in range(20)]
    left = list(pieces)

    async def receive() -> Message:
        return left.pop(0)

    async def read(scope: Scope, receive: Receive, send: Send) -> None:
        assert len(left) == 20 - held
        assert [await receive() for _ in range(20)] == pieces

    front = Front(read, read, path=PATH, runtime=door.runtime, answers=door.answers)
    await front({**POST, "headers": HEADERS}, receive, no_send)
    assert left == []


async def test_a_client_that_is_gone_is_passed_on_as_gone(door: Door) -> None:
    await door.ask_twice(HEADERS, [{"type": "http.disconnect"}])
    assert door.behind.bodies == [BODY, b""]


async def test_what_follows_the_body_can_still_be_received(door: Door) -> None:
    """Behind the door somebody waits for the client to leave."""
    seen: list[str] = []

    async def watch(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend([(await receive())["type"], (await receive())["type"]])

    front = Front(watch, watch, path=PATH, runtime=door.runtime, answers=door.answers)
    await front(
        {**POST, "headers": HEADERS},
        receiving([{"type": "http.request", "body": BODY}, {"type": "http.disconnect"}]),
        no_send,
    )
    assert seen == ["http.request", "http.disconnect"]


async def test_each_answer_that_is_given_again_has_its_line_in_the_log(door: Door) -> None:
    """Written when the answers of this turn of the loop are out."""
    await door.ask()
    with capture_logs() as logs:
        names = [(await door.ask())[1][b"x-request-id"].decode() for _ in range(2)]
        await asyncio.sleep(0)
    assert [line.pop("request_id") for line in logs] == names
    assert (
        logs
        == [
            {
                "event": "operation",
                "log_level": "info",
                "operation": "Watch",
                "type": "query",
                "duration_ms": pytest.approx(0, abs=1_000),
                "upstream_calls": 0,
                "cache_hits": 1,
                "status": 200,
                "codes": (),
            }
        ]
        * 2
    )


async def test_what_a_connection_looked_up_is_not_looked_up_again(door: Door) -> None:
    """Not even when the answer has been found meanwhile: it was asked for before."""
    scopes: list[Scope] = [{**POST, "headers": HEADERS, "state": {}} for _ in range(2)]
    assert [door.front.find(scope, BODY) for scope in scopes] == [None, None]
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    for scope in scopes:
        await door.front(scope, receiving([{"type": "http.request", "body": BODY}]), send)
    assert [message["body"] for message in sent[1::2]] == [b"1", b"2"]


async def test_what_is_looked_up_is_counted_once(door: Door) -> None:
    """Whoever looks first; and what nobody looks up is not."""
    lookups, operations = "ges_gateway_cache_lookups_total", "ges_gateway_operation_seconds_count"
    await door.ask()
    await door.ask(replaced(b"accept", b"text/html"))
    for _ in range(3):
        await door.ask()
    await door.ask(HEADERS[:1])
    await asyncio.sleep(0)
    told = door.runtime.metrics.exposition().decode()
    assert f'{lookups}{{state="miss",tier="answers"}} 2.0' in told
    assert f'{lookups}{{state="hit",tier="answers"}} 3.0' in told
    assert f'{operations}{{outcome="ok",type="query"}} 3.0' in told


async def test_a_line_that_cannot_be_written_keeps_back_none_after_it(door: Door) -> None:
    """It fails once, and all by itself."""
    failures: list[dict[str, Any]] = []
    fake_time_loop().set_exception_handler(lambda _loop, context: failures.append(context))

    def refuse(*_: object) -> NoReturn:
        raise ValueError("no line")

    await door.ask()
    processors = structlog.get_config()["processors"]
    processors.insert(0, refuse)
    try:
        await door.ask()
        await asyncio.sleep(0)
    finally:
        processors.remove(refuse)
    with capture_logs() as logs:
        await door.ask()
        await asyncio.sleep(0)
    assert (len(failures), len(logs)) == (1, 1)


async def no_send(message: Message) -> None:
    """Send nothing to nobody."""
    raise AssertionError(message)


async def answered(door: Door, receive: Callable[[], Awaitable[Message]]) -> list[Message]:
    """Ask as usual with this `receive`; return the messages of the answer."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await door.front({**POST, "headers": HEADERS}, receive, send)
    return sent
