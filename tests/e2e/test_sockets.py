"""GraphQL over WebSockets, as clients of graphql-transport-ws meet it: messages, mistakes, origins, bounds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.routing import WebSocketRoute
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from gateway.app import PATH
from gateway.runtime import Clock
from gateway.sockets import Sockets
from tests.e2e.live import (
    ACCEPTS,
    ASKED,
    GOOD,
    ID,
    TRANSPORTS,
    WATCH,
    Served,
    hear,
    say,
    serving,
    started,
    told,
    until,
    watch,
)

# However slow the machine is, no time passes by which more would be allowed.
STOPPED = Clock(monotonic=lambda: 0.0)


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
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "extensions": "x"}}',
        '{"type": "subscribe", "id": "\\ud800", "payload": {"query": "{ a }"}}',
        *('{"type": "ping", "payload": 5}', '{"type": "complete"}', '{"type": []}', '{"type": {}}', "9" * 10_000),
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
    for payload in ({"X-Auth-Token": "line\nend"}, {"X-Auth-Token": 5}, {"X-Auth-Token": "a", "x-auth-token": "b"}):
        with served.connect(GOOD) as socket:
            say(socket, type="connection_init", payload=payload)
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


@pytest.mark.parametrize(
    ("origin", "is_allowed"), [("https://evil.example", False), ("null", False), (None, True), ("same", True)]
)
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


def test_pages_of_allowed_origins_may_connect() -> None:
    """The setting is that of CORS."""
    with serving("running", allowed_origins="https://app.example") as gateway:
        with gateway.connect({**GOOD, "Origin": "https://APP.example"}) as socket:
            started(socket)
        with pytest.raises(InvalidStatus):
            gateway.connect({**GOOD, "Origin": "https://app.example.evil.example"})


def test_operations_of_one_socket_are_bounded() -> None:
    """The next is refused with a code, and the socket stays open."""
    with serving("running", max_operations_per_socket=1) as gateway, gateway.connect(GOOD) as socket:
        say(started(socket), id="1", type="subscribe", payload=ASKED)
        assert hear(socket)["type"] == "next"
        say(socket, id="2", type="subscribe", payload={"query": "{ gateway { version } }"})
        (entry,) = hear(socket)["payload"]
        assert (entry["extensions"]["limit"], entry["extensions"]["maximum"]) == ("operations", 1)
        say(socket, id="1", type="complete")
        say(socket, id="1", type="subscribe", payload={"query": "{ gateway { readOnly } }"})
        assert hear(socket)["type"] == "next"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_subscriptions_of_the_process_are_bounded(transport: str) -> None:
    """Whatever carries them; one that ends makes room."""
    with serving("running", max_subscriptions=1) as gateway:
        results = watch(gateway, "events", GOOD)
        assert told([next(results)]) == [("SNAPSHOT", "RUNNING")]
        if transport == "socket":
            (refused,) = watch(gateway, transport, GOOD)
        else:
            refused = httpx.post(
                gateway.origin + PATH, json=ASKED, headers={**GOOD, "Accept": f"{ACCEPTS[transport]}, application/json"}
            ).json()
        assert [entry["extensions"]["code"] for entry in refused["errors"]] == ["OVERLOADED"]
        results.close()  # type: ignore[attr-defined]  # it is a generator
        until(lambda: gateway.pollers == 0)
        assert told([next(watch(gateway, transport, GOOD))]) == [("SNAPSHOT", "RUNNING")]


def test_queries_take_a_turn_among_those_of_http() -> None:
    """A socket is no way around the bound on operations, nor does a query take the place of a subscription."""
    waiting = {"query": f'{{ job(id: "{ID}", waitSeconds: 50) {{ status }} }}'}
    with serving("running", max_operations=1, max_subscriptions=1) as gateway, gateway.connect(GOOD) as socket:
        say(started(socket), id="1", type="subscribe", payload=waiting)
        until(lambda: gateway.pollers == 1)
        assert httpx.post(gateway.origin + PATH, json=waiting, headers=GOOD).status_code == 503
        say(socket, id="2", type="subscribe", payload=waiting)
        (entry,) = hear(socket)["payload"]
        assert entry["extensions"]["code"] == "OVERLOADED"
        say(socket, id="3", type="subscribe", payload=ASKED)
        assert hear(socket)["type"] == "next"
        say(socket, id="1", type="complete")
        until(lambda: gateway.app.state.runtime.waits.taken == 0)
        answer = httpx.post(gateway.origin + PATH, json={"query": "{ gateway { readOnly } }"}, headers=GOOD)
        assert answer.status_code == 200


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_query_may_wait_beyond_the_time_of_one_without(transport: str) -> None:
    """`waitSeconds` adds to the time of its operation, however that is asked."""
    query = {"query": f'{{ job(id: "{ID}", waitSeconds: 1) {{ status }} }}'}
    with serving("running", request_timeout_seconds=0.3) as gateway:
        assert list(watch(gateway, transport, GOOD, asked=query)) == [{"data": {"job": {"status": "RUNNING"}}}]


def test_a_document_has_the_limits_it_has_by_http(served: Served) -> None:
    """Depth for one."""
    with served.connect(GOOD) as socket:
        deep = "query {" + "node(id: 1) { ... on Job { graph {" + "jobs { nodes { graph {" * 9
        say(started(socket), id="1", type="subscribe", payload={"query": deep + " name " + "}" * 31})
        (entry,) = hear(socket)["payload"]
        assert entry["extensions"]["code"] in ("LIMIT_EXCEEDED", "GRAPHQL_VALIDATION_FAILED")
        assert "limit" in entry["extensions"]


def test_a_message_beyond_64_kib_closes_the_socket(served: Served) -> None:
    """1009 is the code of WebSockets for it; no client of ours has reason to send so much."""
    with served.connect(GOOD) as socket:
        say(started(socket), type="ping", payload={"text": "x" * 65_000})
        assert hear(socket) == {"type": "pong"}
        say(socket, type="ping", payload={"text": "x" * 66_000})
        assert code_of(socket) == 1009


def test_messages_are_not_compressed(served: Served) -> None:
    """What is small compressed may be beyond all measure."""
    with served.connect(GOOD, compression="deflate") as socket:
        assert "Sec-WebSocket-Extensions" not in socket.response.headers  # type: ignore[union-attr]


def test_what_the_first_message_names_replaces_the_header(served: Served) -> None:
    """The other headers of the upgrade stay: a project, for one."""
    with served.connect({"X-Auth-Token": "token-of-another"}) as socket:
        say(started(socket, dict(GOOD)), id="1", type="subscribe", payload=ASKED)
        assert told([hear(socket)["payload"]]) == [("SNAPSHOT", "RUNNING")]


def test_a_credential_as_long_as_iam_makes_them_fits() -> None:
    """By either way."""
    token = {"X-Auth-Token": "t" * 16_000}
    with serving("running") as gateway:
        gateway.ges.good.add(token["X-Auth-Token"])
        for headers, payload in ((token, None), ({}, token)):
            with gateway.connect(headers) as socket:
                say(started(socket, payload), id="1", type="subscribe", payload=ASKED)
                assert told([hear(socket)["payload"]]) == [("SNAPSHOT", "RUNNING")]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({f"X-Header-{number}": "x" for number in range(101)}, 403),
        ({f"X-Header-{number}": "x" for number in range(200)}, 431),
        ({f"X-Header-{number}": "x" * 16_000 for number in range(5)}, 403),
        ({"X-Auth-Token": "t" * 30_000}, 431),
    ],
)
def test_a_request_for_a_socket_has_the_bounds_of_any(served: Served, headers: dict[str, str], status: int) -> None:
    """Whoever sends more is refused, and not left waiting."""
    with pytest.raises(InvalidStatus) as refused:
        served.connect(headers, open_timeout=3)
    assert refused.value.response.status_code == status
