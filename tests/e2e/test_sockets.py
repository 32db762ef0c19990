"""GraphQL over WebSockets, as clients of graphql-transport-ws meet it: messages, mistakes, origins, bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.routing import WebSocketRoute
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from gateway.runtime import Clock
from gateway.sockets import Sockets
from tests.e2e.live import ASKED, GOOD, Served, hear, say, serving, started, told


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A gateway whose job never ends."""
    with serving("running") as found:
        yield found


@pytest.mark.parametrize("names", [{"X-Auth-Token": "token-of-one"}, {"x-auth-TOKEN": "token-of-one", "other": 5}])
def test_a_credential_may_come_with_the_first_message(served: Served, names: dict[str, Any]) -> None:
    """Browsers cannot set headers of a socket. Names are in any case."""
    with served.connect() as socket:
        say(started(socket, names), id="1", type="subscribe", payload=ASKED)
        assert told([hear(socket)["payload"]]) == [("SNAPSHOT", "RUNNING")]


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
        code, reason = closed_with(socket)
    assert code == 4400
    assert reason


def closed_with(socket: ClientConnection) -> tuple[int, str]:
    """Return the code and the reason the gateway closes a socket with."""
    with pytest.raises(ConnectionClosed) as closed:
        hear(socket)
    assert closed.value.rcvd is not None
    # Longer ones cannot be sent.
    assert len(closed.value.rcvd.reason.encode()) <= 123
    return closed.value.rcvd.code, closed.value.rcvd.reason


def code_of(socket: ClientConnection) -> int:
    """Return the code alone."""
    return closed_with(socket)[0]


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
    for offered in (["graphql-ws"], None):
        with served.connect(GOOD, subprotocols=offered) as socket:
            assert closed_with(socket) == (4406, "Only graphql-transport-ws is spoken")
    with served.connect(GOOD, subprotocols=["graphql-ws", "graphql-transport-ws"]) as socket:
        assert socket.subprotocol == "graphql-transport-ws"


def test_operations_subscriptions_and_sockets_are_bounded() -> None:
    """Each with a code of its own."""
    bounds = {"max_operations_per_socket": 3, "max_subscriptions_per_caller": 2, "max_sockets": 1}
    with serving("running", **bounds) as gateway:
        with gateway.connect(GOOD) as socket:
            started(socket)
            for id in ("1", "2"):
                say(socket, id=id, type="subscribe", payload=ASKED)
                assert hear(socket)["type"] == "next"
            say(socket, id="3", type="subscribe", payload=ASKED)
            message = hear(socket)
            assert (message["id"], message["payload"][0]["extensions"]["limit"]) == ("3", "subscriptions")
            with gateway.connect(GOOD) as another:
                assert closed_with(another) == (1013, "Too many sockets are open")
        with gateway.connect(GOOD) as socket:
            started(socket)


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
        assert told([hear(socket)["payload"]]) == [("SNAPSHOT", "RUNNING")]
        say(socket, id="2", type="subscribe", payload=asked)
        assert told([hear(socket)["payload"]]) == [("SNAPSHOT", "RUNNING")]
        for accept in ("text/event-stream", "multipart/mixed;subscriptionSpec=1.0"):
            headers = {**GOOD, "Accept": accept}
            with httpx.stream("POST", gateway.origin + PATH, json=asked, headers=headers) as answer:
                assert any("SNAPSHOT" in text for text in answer.iter_text())
