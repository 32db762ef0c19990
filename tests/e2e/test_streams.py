"""Subscriptions over real sockets: WebSocket, server-sent events and multipart, as clients meet them."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from gateway.app import PATH, create_app
from gateway.runtime import Clock
from gateway.settings import Settings
from gateway.sockets import Sockets
from schema.ids import GraphKey, JobRef, job_id_of
from schema.plane import Plane
from tests.e2e import browser

ID = job_id_of(JobRef(Plane.SERVICE, GraphKey("p1", name="movies"), "j1"))
WATCH = "subscription ($id: ID!) { jobUpdated(id: $id) { type job { jobId status } problem { code } } }"
ASKED = {"query": WATCH, "variables": {"id": ID}}
GOOD = {"X-Auth-Token": "token-of-one"}
STORY = ["running", "running", "away", "success", "success"]
EVENTS = [("SNAPSHOT", "RUNNING"), ("POLL_FAILED", "RUNNING"), ("CHANGED", "SUCCEEDED"), ("FINISHED", "SUCCEEDED")]
PATIENCE_SECONDS = 10.0
# However slow the machine is, no time passes by which more would be allowed.
STOPPED = Clock(monotonic=lambda: 0.0)


@dataclass
class Slow(httpx.AsyncBaseTransport):
    """A GES whose one job goes through its states, a step for each look; only one token may look."""

    story: list[str] = field(default_factory=lambda: list(STORY))
    looks: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.headers["x-auth-token"] != GOOD["X-Auth-Token"]:
            return httpx.Response(403, json={"error_msg": "no"})
        status = self.story[min(self.looks, len(self.story) - 1)]
        self.looks += 1
        if status == "away":
            return httpx.Response(500, json={"error_code": "GES.9999", "error_msg": "away"})
        return httpx.Response(200, json={"status": status})


@dataclass
class Served:
    """The gateway on a port, and what is behind it."""

    app: Starlette
    origin: str
    ges: Slow

    @property
    def socket(self) -> str:
        return self.origin.replace("http", "ws") + PATH

    @property
    def pollers(self) -> int:
        return int(self.app.state.runtime.watches.pollers)

    def connect(self, headers: dict[str, str] | None = None, **options: Any) -> ClientConnection:
        options = {"subprotocols": ["graphql-transport-ws"], "compression": None, **options}
        socket: ClientConnection = connect(self.socket, additional_headers=headers or {}, **options)
        return socket


@contextmanager
def serving(*story: str, clock: Clock | None = None, **settings: Any) -> Iterator[Served]:
    ges = Slow(list(story) or list(STORY))
    quick = {"watch_first_seconds": 0.02, "watch_longest_seconds": 0.02, "watch_jitter": 0}
    chosen = {"service_urls": {"movies": "http://10.0.0.5"}, "project_id": "p1", **quick, **settings}
    app = create_app(Settings(**chosen), transport=ges, clock=clock)
    with browser.serving(app) as origin:
        yield Served(app, origin, ges)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A gateway whose job never ends."""
    with serving("running") as found:
        yield found


def hear(socket: ClientConnection) -> dict[str, Any]:
    """Return the next message that is no heartbeat."""
    while (message := json.loads(socket.recv(PATIENCE_SECONDS)))["type"] == "ping":
        pass
    return dict(message)


def say(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def started(socket: ClientConnection, payload: dict[str, Any] | None = None) -> ClientConnection:
    say(socket, type="connection_init", payload=payload)
    assert hear(socket) == {"type": "connection_ack"}
    return socket


def told(results: list[dict[str, Any]]) -> list[tuple[str, str]]:
    events = [result["data"]["jobUpdated"] for result in results]
    return [(event["type"], event["job"]["status"]) for event in events]


def until(is_so: Any) -> None:
    """Wait for something that happens elsewhere; it fails by never happening, not by being slow."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < ends_at
        threading.Event().wait(0.01)


def test_a_socket_is_told_every_change_and_the_end() -> None:
    """An outage in the middle included; then the stream completes and the poller is gone."""
    with serving() as gateway, gateway.connect(GOOD) as socket:
        say(started(socket), id="1", type="subscribe", payload=ASKED)
        messages = []
        while (message := hear(socket))["type"] == "next":
            messages.append(message["payload"])
        assert message == {"id": "1", "type": "complete"}
        assert told(messages) == [EVENTS[0], EVENTS[1], ("FINISHED", "SUCCEEDED")] or told(messages) == EVENTS
        until(lambda: gateway.pollers == 0)


def test_server_sent_events_tell_the_same() -> None:
    """Lines end with LF alone; the last event says that it is complete."""
    with (
        serving() as gateway,
        httpx.stream(
            "POST", gateway.origin + PATH, json=ASKED, headers={**GOOD, "Accept": "text/event-stream"}
        ) as answer,
    ):
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-cache", "no")
        text = answer.read().decode()
        assert "\r" not in text
        events = [event.split("\n") for event in text.split("\n\n") if event.strip(":")]
        until(lambda: gateway.pollers == 0)
    assert events[-1] == ["event: complete", "data:"]
    assert {event[0] for event in events[:-1]} == {"event: next"}
    results = [json.loads(event[1].removeprefix("data: ")) for event in events[:-1]]
    assert told(results)[0] == EVENTS[0]
    assert told(results)[-1] == EVENTS[-1]


def test_multipart_tells_the_same() -> None:
    """Exactly as Apollo's clients read it."""
    accept = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json'
    with (
        serving() as gateway,
        httpx.stream("POST", gateway.origin + PATH, json=ASKED, headers={**GOOD, "Accept": accept}) as answer,
    ):
        assert answer.headers["content-type"] == 'multipart/mixed; boundary="graphql"; subscriptionSpec="1.0"'
        text = answer.read().decode()
    first, *parts, last = text.split("\r\n--graphql")
    assert (first, last) == ("", "--\r\n")
    bodies = [json.loads(part.partition("\r\n\r\n")[2]) for part in parts]
    results = [body["payload"] for body in bodies if body]
    assert told(results)[0] == EVENTS[0]
    assert told(results)[-1] == EVENTS[-1]


def test_events_are_had_by_get_as_browsers_ask_for_them() -> None:
    """An EventSource can send neither a body nor a header, so this is for gateways that need no token here."""
    parameters = {"query": WATCH, "variables": json.dumps({"id": ID})}
    with serving() as gateway:
        url = httpx.URL(gateway.origin + PATH, params=parameters)
        text = httpx.get(url, headers={**GOOD, "Accept": "text/event-stream"}).text
    assert text.count("event: next\n") >= 3


@pytest.mark.parametrize("accept", ["text/event-stream", "multipart/mixed; subscriptionSpec=1.0"])
def test_a_client_that_leaves_a_stream_ends_the_polling(accept: str) -> None:
    """Within moments: nothing is polled for nobody."""
    with serving("running") as gateway:
        headers = {**GOOD, "Accept": accept}
        with httpx.stream("POST", gateway.origin + PATH, json=ASKED, headers=headers) as answer:
            pieces = answer.iter_bytes()
            assert next(pieces)
            until(lambda: gateway.pollers == 1)
        until(lambda: gateway.pollers == 0)
        looks = gateway.ges.looks
        threading.Event().wait(0.1)
        assert gateway.ges.looks <= looks + 1


def test_a_client_that_drops_its_socket_ends_the_polling() -> None:
    """The same for sockets, and for one operation of several on it."""
    with serving("running") as gateway:
        with gateway.connect(GOOD) as socket:
            started(socket)
            for id in ("1", "2"):
                say(socket, id=id, type="subscribe", payload=ASKED)
                assert hear(socket)["type"] == "next"
            say(socket, id="1", type="complete")
            assert gateway.pollers == 1
        until(lambda: gateway.pollers == 0)


@pytest.mark.parametrize("names", [{"X-Auth-Token": "token-of-one"}, {"x-auth-TOKEN": "token-of-one", "other": 5}])
def test_a_credential_may_come_with_the_first_message(served: Served, names: dict[str, Any]) -> None:
    """Browsers cannot set headers of a socket. Names are in any case."""
    with served.connect() as socket:
        say(started(socket, names), id="1", type="subscribe", payload=ASKED)
        assert told([hear(socket)["payload"]]) == [EVENTS[0]]


@pytest.mark.parametrize(("token", "code"), [(None, "UNAUTHENTICATED"), ("token-of-another", "FORBIDDEN")])
def test_a_refused_caller_sees_nothing_of_what_another_watches(served: Served, token: str | None, code: str) -> None:
    """In any transport; the other one's stream goes on."""
    headers = {"X-Auth-Token": token} if token else {}
    with served.connect(GOOD) as good, served.connect(headers) as bad:
        say(started(good), id="1", type="subscribe", payload=ASKED)
        assert hear(good)["type"] == "next"
        say(started(bad), id="1", type="subscribe", payload=ASKED)
        refused = hear(bad)
        assert refused["type"] == "error"
        assert [entry["extensions"]["code"] for entry in refused["payload"]] == [code]
        for accept in ("text/event-stream", "multipart/mixed;subscriptionSpec=1.0"):
            answer = httpx.post(served.origin + PATH, json=ASKED, headers={**headers, "Accept": accept})
            assert code in answer.text
            assert "SNAPSHOT" not in answer.text
        say(good, type="ping")
        assert hear(good) == {"type": "pong"}


def test_queries_are_answered_and_mistakes_told_without_closing_the_socket(served: Served) -> None:
    """A request error is an `error` message for its operation alone."""
    with served.connect(GOOD) as socket:
        started(socket)
        say(socket, id="q", type="subscribe", payload={"query": "{ gateway { readOnly } }"})
        assert hear(socket) == {"id": "q", "type": "next", "payload": {"data": {"gateway": {"readOnly": True}}}}
        assert hear(socket) == {"id": "q", "type": "complete"}
        for text, code in (("{", "GRAPHQL_PARSE_FAILED"), ("{ nothing }", "GRAPHQL_VALIDATION_FAILED")):
            say(socket, id="q", type="subscribe", payload={"query": text})
            message = hear(socket)
            assert (message["id"], message["type"]) == ("q", "error")
            assert message["payload"][0]["extensions"]["code"] == code
        say(socket, type="ping", payload={})
        assert hear(socket) == {"type": "pong"}


def test_new_documents_by_the_hundred_are_refused_over_every_transport() -> None:
    """A stream says so in its way, a socket stays open."""
    bounds: dict[str, Any] = {"max_unknown_documents": 1, "max_unknown_documents_per_caller": 1}
    with serving(clock=STOPPED, **bounds) as gateway, gateway.connect(GOOD) as socket:
        started(socket)
        for number in range(10):
            say(socket, id="q", type="subscribe", payload={"query": f"{{ nothing{number} }}"})
            assert hear(socket)["payload"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        say(socket, id="q", type="subscribe", payload=ASKED)
        (entry,) = hear(socket)["payload"]
        assert (entry["extensions"]["code"], entry["extensions"]["limit"]) == ("LIMIT_EXCEEDED", "unknownDocuments")
        for accept in ("text/event-stream", "multipart/mixed;subscriptionSpec=1.0", "application/json"):
            answer = httpx.post(gateway.origin + PATH, json=ASKED, headers={**GOOD, "Accept": accept})
            assert '"limit":"unknownDocuments"' in answer.text
        say(socket, type="ping")
        assert hear(socket) == {"type": "pong"}


def test_new_documents_count_for_the_caller_who_brings_them() -> None:
    """Whoever is nobody has used up what nobody may; a caller with a credential has not."""
    with (
        serving(clock=STOPPED, max_unknown_documents_per_caller=1) as gateway,
        gateway.connect() as one,
        gateway.connect(GOOD) as two,
    ):
        codes: list[str] = []
        for socket, count in ((one, 11), (two, 1)):
            started(socket)
            for number in range(count):
                say(socket, id="q", type="subscribe", payload={"query": f"{{ nothing{len(codes)}{number} }}"})
                codes.append(hear(socket)["payload"][0]["extensions"]["code"])
        for headers in ({}, GOOD):
            answer = httpx.post(gateway.origin + PATH, json={"query": "{ nothing }"}, headers=headers)
            codes.append(answer.json()["errors"][0]["extensions"]["code"])
        assert codes == ["GRAPHQL_VALIDATION_FAILED"] * 10 + ["LIMIT_EXCEEDED", "GRAPHQL_VALIDATION_FAILED"] * 2


def test_documents_are_named_over_every_transport() -> None:
    """Stored by one, asked for by the others; a socket goes on after a hash that nobody knows."""
    named = {"version": 1, "sha256Hash": hashlib.sha256(WATCH.encode()).hexdigest()}
    asked = {"variables": {"id": ID}, "extensions": {"persistedQuery": named}}
    with serving("running") as gateway, gateway.connect(GOOD) as socket:
        say(started(socket), id="1", type="subscribe", payload=asked)
        assert hear(socket)["payload"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
        wrong = {**named, "version": 2}
        say(socket, id="1", type="subscribe", payload={"extensions": {"persistedQuery": wrong}})
        assert hear(socket)["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        say(socket, id="1", type="subscribe", payload={"query": WATCH, **asked})
        assert told([hear(socket)["payload"]]) == [EVENTS[0]]
        say(socket, id="2", type="subscribe", payload=asked)
        assert told([hear(socket)["payload"]]) == [EVENTS[0]]
        for accept in ("text/event-stream", "multipart/mixed;subscriptionSpec=1.0"):
            headers = {**GOOD, "Accept": accept}
            with httpx.stream("POST", gateway.origin + PATH, json=asked, headers=headers) as answer:
                assert any("SNAPSHOT" in text for text in answer.iter_text())


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "null", "42", '"x"', "{", '{"type": 5}', '{"type": "unheard"}', "[" * 10_000),
        *('{"type": "subscribe", "id": "", "payload": {"query": "{ a }"}}', '{"type": "subscribe", "payload": {}}'),
        *('{"type": "subscribe", "id": "1", "payload": "x"}', '{"type": "subscribe", "id": "1", "payload": {}}'),
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "operationName": 1}}',
        *('{"type": "ping", "payload": 5}', '{"type": "complete"}'),
    ],
)
def test_a_message_of_another_shape_closes_the_socket(served: Served, text: str) -> None:
    """With 4400 and a short reason, and no defect in the log."""
    with served.connect(GOOD) as socket:
        started(socket).send(text)
        with pytest.raises(ConnectionClosed) as closed:
            hear(socket)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, len(closed.value.rcvd.reason) < 123) == (4400, True)


def code_of(socket: ClientConnection) -> int:
    """Return the code the gateway closes a socket with."""
    with pytest.raises(ConnectionClosed) as closed:
        hear(socket)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def test_the_order_of_the_first_messages_is_kept(served: Served) -> None:
    """Nothing before the initialisation, which comes once; an id names one operation."""
    with served.connect(GOOD) as socket:
        say(socket, id="1", type="subscribe", payload=ASKED)
        assert code_of(socket) == 4401
    with served.connect(GOOD) as socket:
        say(started(socket), type="connection_init")
        assert code_of(socket) == 4429
    with served.connect(GOOD) as socket:
        started(socket)
        say(socket, id="1", type="subscribe", payload=ASKED)
        assert hear(socket)["type"] == "next"
        say(socket, id="1", type="subscribe", payload=ASKED)
        assert code_of(socket) == 4409
    with served.connect(GOOD) as socket:
        say(socket, type="connection_init", payload={"X-Auth-Token": "line\nend"})
        assert code_of(socket) == 4400


def test_a_client_that_never_begins_is_sent_away(served: Served) -> None:
    """4408, after as long as it was given."""
    sockets = next(route.app for route in served.app.routes if isinstance(route, WebSocketRoute))
    assert isinstance(sockets, Sockets)
    sockets.init_seconds = 0.05
    try:
        with served.connect(GOOD) as socket:
            assert code_of(socket) == 4408
    finally:
        sockets.init_seconds = 10.0


@pytest.mark.parametrize(("origin", "is_allowed"), [("https://evil.example", False), (None, True), ("same", True)])
def test_pages_of_other_origins_are_kept_out(served: Served, origin: str | None, is_allowed: bool) -> None:
    """Browsers always say the origin; what says none is no browser."""
    headers = {} if origin is None else {"Origin": served.origin if origin == "same" else origin}
    if is_allowed:
        with served.connect({**GOOD, **headers}) as socket:
            started(socket)
        return
    with pytest.raises(InvalidStatus) as refused:
        served.connect({**GOOD, **headers})
    assert refused.value.response.status_code == 403


def test_the_old_protocol_is_not_spoken(served: Served) -> None:
    """A client that offers both gets the one that can query."""
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        served.connect(GOOD, subprotocols=["graphql-ws"])
    with served.connect(GOOD, subprotocols=["graphql-ws", "graphql-transport-ws"]) as socket:
        assert socket.subprotocol == "graphql-transport-ws"


def test_operations_subscriptions_and_sockets_are_bounded() -> None:
    """Each with a code of its own."""
    bounds: dict[str, Any] = {"max_operations_per_socket": 3, "max_subscriptions_per_caller": 2, "max_sockets": 1}
    with serving("running", **bounds) as gateway:
        with gateway.connect(GOOD) as socket:
            started(socket)
            for id in ("1", "2"):
                say(socket, id=id, type="subscribe", payload=ASKED)
                assert hear(socket)["type"] == "next"
            say(socket, id="3", type="subscribe", payload=ASKED)
            message = hear(socket)
            assert (message["id"], message["payload"][0]["extensions"]["limit"]) == ("3", "subscriptions")
            with pytest.raises((InvalidStatus, ConnectionClosed)):
                gateway.connect(GOOD)
        with gateway.connect(GOOD) as socket:
            started(socket)


def test_quiet_streams_show_that_they_are_alive() -> None:
    """So that no proxy in between takes them for dead."""
    with serving("running", heartbeat_seconds=0.05) as gateway:
        with gateway.connect(GOOD) as socket:
            started(socket)
            assert json.loads(socket.recv(PATIENCE_SECONDS)) == {"type": "ping"}
        for accept, beat in (
            ("text/event-stream", b":\n\n"),
            ("multipart/mixed;subscriptionSpec=1.0", b"{}\r\n--graphql"),
        ):
            headers = {**GOOD, "Accept": accept}
            with httpx.stream("POST", gateway.origin + PATH, json=ASKED, headers=headers) as answer:
                heard = b""
                for piece in answer.iter_raw():
                    heard += piece
                    if b"SNAPSHOT" in heard and heard.partition(b"SNAPSHOT")[2].count(beat):
                        break


def test_streams_complete_when_the_process_ends() -> None:
    """Events and parts with their last line, sockets with the code of a restart."""
    with serving("running") as gateway, gateway.connect(GOOD) as socket:
        say(started(socket), id="1", type="subscribe", payload=ASKED)
        assert hear(socket)["type"] == "next"
        with httpx.stream(
            "POST", gateway.origin + PATH, json=ASKED, headers={**GOOD, "Accept": "text/event-stream"}
        ) as answer:
            pieces = answer.iter_bytes()
            assert next(pieces)
            until(lambda: gateway.pollers == 1)
            end(gateway)
            assert b"".join(pieces).endswith(b"event: complete\ndata:\n\n")
        assert code_of(socket) == 1012


def end(gateway: Served) -> None:
    """Do what the server does when its port closes; the loop is another thread's."""
    runtime = gateway.app.state.runtime
    loop = next(iter(runtime.watches._watches.values()))._task.get_loop()
    loop.call_soon_threadsafe(gateway.app.state.ending.set)
