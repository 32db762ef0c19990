"""Live jobs over real connections, by WebSocket, server-sent events and multipart: the same holds for all three."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.app import PATH
from tests.e2e.live import (
    ACCEPTS,
    ASKED,
    GOOD,
    ID,
    LOOK_SECONDS,
    PATIENCE_SECONDS,
    TRANSPORTS,
    WATCH,
    drop,
    hear,
    leave,
    open_raw,
    read_until,
    say,
    serving,
    started,
    told,
    until,
    watch,
)

STORY = (*("pending",) * 5, *("running",) * 5, *("away",) * 10, *("running",) * 5, "success")
EVENTS = [
    ("SNAPSHOT", "PENDING"),
    ("CHANGED", "RUNNING"),
    ("POLL_FAILED", "RUNNING"),
    ("CHANGED", "RUNNING"),
    ("FINISHED", "SUCCEEDED"),
]
BAD = {"X-Auth-Token": "token-of-another"}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_watched_job_is_told_to_its_end(transport: str) -> None:
    """Its state, every change, an outage and its end, the end itself; then the stream completes and nobody polls."""
    with serving(*STORY) as gateway:
        assert told(list(watch(gateway, transport, GOOD))) == EVENTS
        until(lambda: gateway.pollers == 0)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("end", [leave, drop])
def test_nothing_is_polled_once_the_last_client_has_left(
    transport: str, end: Callable[[socket.socket, str], None]
) -> None:
    """Whether it says goodbye or its connection breaks; within two looks, and for good."""
    with serving("running") as gateway:
        first, last = (open_raw(gateway, transport) for _ in range(2))
        assert gateway.pollers == 1
        end(first, transport)
        looks = gateway.ges.looks
        until(lambda: gateway.ges.looks > looks + 3)
        end(last, transport)
        until(lambda: gateway.pollers == 0)
        assert gateway.app.state.runtime.watches.listeners == 0
        looks = gateway.ges.looks
        threading.Event().wait(5 * LOOK_SECONDS)
        assert gateway.ges.looks == looks


def test_one_operation_of_a_socket_ends_alone() -> None:
    """The other goes on, over the same poller, and so does the socket."""
    with serving("running") as gateway, gateway.connect(GOOD) as opened:
        started(opened)
        for id in ("1", "2"):
            say(opened, id=id, type="subscribe", payload=ASKED)
            assert hear(opened)["type"] == "next"
        say(opened, id="1", type="complete")
        say(opened, type="ping")
        assert hear(opened) == {"type": "pong"}
        assert gateway.pollers == 1
        say(opened, id="2", type="complete")
        until(lambda: gateway.pollers == 0)
        say(opened, type="ping")
        assert hear(opened) == {"type": "pong"}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(("headers", "code"), [({}, "UNAUTHENTICATED"), (BAD, "FORBIDDEN")])
def test_a_refused_caller_sees_nothing_of_what_another_watches(
    transport: str, headers: dict[str, str], code: str
) -> None:
    """Before the other one begins, while he watches, and when his job has ended; his own stream is not concerned."""
    with serving(*("running",) * 50, "success") as gateway:

        def refused() -> bool:
            (only,) = watch(gateway, transport, headers)
            return "data" not in only and [entry["extensions"]["code"] for entry in only["errors"]] == [code]

        assert refused()
        results = watch(gateway, transport, GOOD)
        assert told([next(results)]) == [("SNAPSHOT", "RUNNING")]
        assert refused()
        assert told(list(results)) == [("FINISHED", "SUCCEEDED")]
        assert refused()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_token_that_is_taken_back_ends_its_streams(transport: str) -> None:
    """With an error and no further data, and what was proven with it is forgotten."""
    with serving("running") as gateway:
        results = watch(gateway, transport, GOOD)
        assert told([next(results)]) == [("SNAPSHOT", "RUNNING")]
        assert gateway.grants == 1
        gateway.ges.good.clear()
        (last,) = results
        assert "data" not in last
        assert [entry["extensions"]["code"] for entry in last["errors"]] == ["FORBIDDEN"]
        assert (gateway.grants, gateway.pollers) == (0, 0)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_that_reads_slowly_gets_the_newest_state_and_no_queue(transport: str) -> None:
    """However much has happened meanwhile: beyond what its connection holds, nothing is kept for it."""
    # A word that nobody knows, and of which there is much.
    story = [f"word-{number:05}-{'x' * 50_000}" for number in range(300)]
    with serving(*story, watch_first_seconds=0.001, watch_longest_seconds=0.001) as gateway:
        connection = open_raw(gateway, transport, buffer_bytes=4096)
        until(lambda: gateway.ges.looks > len(story))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        heard = read_until(connection, b"word-00299")
        assert heard.count(b"rawStatus") < len(story) / 2
        leave(connection, transport)
        until(lambda: gateway.pollers == 0)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_that_never_reads_is_cut_off(transport: str) -> None:
    """Its connection is full, so it would not even notice the end; nobody polls for it any longer."""
    story = [f"word-{number:05}-{'x' * 50_000}" for number in range(10_000)]
    quick: dict[str, Any] = {"watch_first_seconds": 0.001, "watch_longest_seconds": 0.001}
    with serving(*story, stalled_seconds=0.5, **quick) as gateway:
        connection = open_raw(gateway, transport, buffer_bytes=4096)
        until(lambda: gateway.pollers == 0)
        connection.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_quiet_streams_show_that_they_are_alive(transport: str) -> None:
    """So that no proxy in between takes them for dead."""
    beats = {"socket": b'{"type":"ping"}', "events": b"\r\n:\n\n\r\n", "parts": b"\r\n\r\n{}\r\n--graphql"}
    with serving("running", heartbeat_seconds=0.05) as gateway:
        connection = open_raw(gateway, transport)
        heard = read_until(connection, beats[transport], times=2)
        assert b"CHANGED" not in heard
        leave(connection, transport)


@pytest.mark.parametrize("transport", ACCEPTS)
def test_streams_are_neither_compressed_nor_held_back(transport: str) -> None:
    """Whatever the client could read: the first event is here while the stream is open."""
    headers = {**GOOD, "Accept": ACCEPTS[transport], "Accept-Encoding": "gzip, br, zstd"}
    with (
        serving("running") as gateway,
        httpx.stream("POST", gateway.origin + PATH, json=ASKED, headers=headers, timeout=PATIENCE_SECONDS) as answer,
    ):
        assert "content-encoding" not in answer.headers
        assert "content-length" not in answer.headers
        assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-cache", "no")
        assert "Accept" in answer.headers["vary"]
        heard = b""
        for piece in answer.iter_raw():
            heard += piece
            if b"SNAPSHOT" in heard:
                break


def test_the_types_of_streams_are_exactly_those_that_clients_look_for() -> None:
    """Events in UTF-8 with lines that end with LF alone; parts as Apollo's clients tell them from `@defer`."""
    with serving("success") as gateway:
        answers = {
            transport: httpx.post(gateway.origin + PATH, json=ASKED, headers={**GOOD, "Accept": accept})
            for transport, accept in ACCEPTS.items()
        }
    events, parts = answers["events"], answers["parts"]
    assert events.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "\r" not in events.text
    assert events.text.startswith(":\n\nevent: next\ndata: {")
    assert events.text.endswith("}\n\nevent: complete\ndata:\n\n")
    assert parts.headers["content-type"] == 'multipart/mixed; boundary="graphql"; subscriptionSpec="1.0"'
    head = '\r\n--graphql\r\nContent-Type: application/json\r\n\r\n{"payload":'
    assert parts.text.startswith(head)
    assert parts.text.endswith("}\r\n--graphql--\r\n")
    assert parts.text.count("--graphql--") == 1


@pytest.mark.parametrize("transport", ACCEPTS)
def test_a_client_that_takes_streams_alone_is_told_mistakes_in_one(transport: str) -> None:
    """Complete, and with nothing else in it."""
    with serving("running") as gateway:
        (only,) = watch(gateway, transport, GOOD, asked={"query": "subscription {"})
    assert [entry["extensions"]["code"] for entry in only["errors"]] == ["GRAPHQL_PARSE_FAILED"]
    assert set(only["errors"][0]["extensions"]) == {"code", "requestId"}


def test_events_are_had_by_get_as_browsers_ask_for_them() -> None:
    """An EventSource can send neither a body nor a header of its own; others may use GET as well."""
    parameters = {"query": WATCH, "variables": json.dumps({"id": ID})}
    with serving("running", "running", "success") as gateway:
        url = httpx.URL(gateway.origin + PATH, params=parameters)
        text = httpx.get(url, headers={**GOOD, "Accept": "text/event-stream"}).text
    assert text.count("event: next\n") == 2
    assert text.endswith("event: complete\ndata:\n\n")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_streams_end_well_when_the_process_ends(transport: str) -> None:
    """Events and parts are complete; a socket is closed with the code of a restart."""
    with serving("running") as gateway:
        if transport == "socket":
            connection = open_raw(gateway, transport)
            gateway.end()
            assert read_until(connection, b"\x88").endswith(b"\x03\xf4The gateway is closing")
            leave(connection, transport)
        else:
            results = watch(gateway, transport, GOOD)
            assert told([next(results)]) == [("SNAPSHOT", "RUNNING")]
            gateway.end()
            assert list(results) == []


def test_a_waiting_query_is_answered_when_the_process_ends() -> None:
    """With the state as it is then, and not cut off: asking again is the client's affair."""
    query = f'{{ job(id: "{ID}", waitSeconds: 50) {{ status isTerminal }} }}'
    answers = []
    with serving("running") as gateway:

        def ask() -> None:
            answers.append(httpx.post(gateway.origin + PATH, json={"query": query}, headers=GOOD, timeout=60).json())

        waiting = threading.Thread(target=ask)
        waiting.start()
        until(lambda: gateway.pollers == 1)
        gateway.end()
        waiting.join(PATIENCE_SECONDS)
    assert answers == [{"data": {"job": {"status": "RUNNING", "isTerminal": False}}}]
