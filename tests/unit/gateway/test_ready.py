"""Answers given by the connection itself: which requests are looked up, what is written when, and what time runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import Scope
from structlog.testing import capture_logs

from gateway.ready import NOTHING, Found, Ready, lines_of
from tests.support_connections import Bench

KNOWN, OTHER = b'{"query":"{ known }"}', b'{"query":"{ other }"}'
CONTENT = b'{"data":{}}'
ANSWER = b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 11\r\nage: 7\r\n\r\n" + CONTENT
HALF_A_HEAD = b"POST /graphql HTTP/1.1\r\nHo"


def asked(body: bytes = KNOWN, line: bytes = b"POST /graphql HTTP/1.1", more: bytes = b"") -> bytes:
    """Return a request as it is sent; `more` are further lines of its head."""
    return line + b"\r\nHost: gateway\r\n" + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


@dataclass
class Lookups:
    """What is there already, and what was looked up."""

    bodies: list[bytes] = field(default_factory=list)
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    def find(self, scope: Scope, body: bytes) -> Found | None:
        """Know one body; note that another was not known."""
        self.bodies.append(body)
        self.headers = list(scope["headers"])
        if body == KNOWN:
            return b"content-length: 11\r\nage: 7\r\n", CONTENT
        scope["state"]["noted"] = "miss"
        return None


class Door(Bench):
    """One connection that has an answer ready."""

    def __init__(self, find: Any = None) -> None:
        self.lookups = Lookups()
        super().__init__(ready=Ready(b"/graphql", find or self.lookups.find))
        self.state.default_headers = [(b"date", b"today")]

    def sends(self, *segments: bytes) -> bytes:
        """Let the client send these, and a turn of the loop pass; return what it was answered."""
        for segment in segments:
            self.http.data_received(segment)
        self.loop.turn()
        return self.transport.written

    def begun(self) -> int:
        """Return how many requests went to the application."""
        return len(self.loop.tasks) + len(self.http.pipeline)


@pytest.fixture
def door() -> Door:
    return Door()


def test_headers_are_written_line_by_line() -> None:
    assert lines_of([(b"a", b"1"), (b"b-c", b"2, 3")]) == b"a: 1\r\nb-c: 2, 3\r\n"
    assert lines_of([]) == b""


def test_nothing_is_ready_unless_something_is_said_to_be() -> None:
    bench = Bench()
    bench.http.data_received(asked())
    assert len(bench.loop.tasks) == 1
    assert NOTHING.find({}, KNOWN) is None


def test_what_is_there_is_answered_at_once(door: Door) -> None:
    """It becomes no request of the application, and counts as one of the server."""
    assert door.sends(asked()) == ANSWER
    assert (door.begun(), door.state.total_requests) == (0, 1)
    assert (b"host", b"gateway") in door.lookups.headers
    assert door.sends(asked()) == ANSWER * 2


def test_the_answers_of_a_turn_are_written_when_all_of_it_was_read(door: Door) -> None:
    door.http.data_received(asked())
    assert door.transport.written == b""
    door.loop.turn()
    assert door.transport.written == ANSWER


def test_what_is_not_there_goes_its_way(door: Door) -> None:
    """Whole, and with what was noted of it."""
    assert door.sends(asked(OTHER)) == b""
    assert (door.lookups.bodies, door.begun()) == ([OTHER], 1)
    assert (bytes(door.http.cycle.body), door.http.cycle.more_body) == (OTHER, False)
    assert door.http.cycle.scope["path"] == "/graphql"
    assert door.http.cycle.scope["state"] == {"noted": "miss"}


@pytest.mark.parametrize("at", [10, -len(KNOWN), -1], ids=["in the head", "behind the head", "in the body"])
def test_a_request_in_two_pieces_is_answered_only_when_its_body_came_with_its_head(door: Door, at: int) -> None:
    """Else the application waits for it."""
    request = asked()
    is_whole = at > 0
    assert door.sends(request[:at], request[at:]) == (ANSWER if is_whole else b"")
    assert door.begun() == (not is_whole)
    if not is_whole:
        assert (bytes(door.http.cycle.body), door.http.cycle.more_body) == (KNOWN, False)
        assert "noted" not in door.http.cycle.scope["state"]


def in_chunks(body: bytes, trailers: bytes = b"") -> bytes:
    """Return a request whose body comes in two chunks."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (body[:5], body[5:]))
    head = b"POST /graphql HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + chunks + b"0\r\n" + trailers + b"\r\n"


def test_chunks_are_one_body(door: Door) -> None:
    assert door.sends(in_chunks(KNOWN)) == ANSWER
    door.sends(in_chunks(OTHER))
    assert door.lookups.bodies == [KNOWN, OTHER]
    assert bytes(door.http.cycle.body) == OTHER


@pytest.mark.parametrize("body", [KNOWN, OTHER])
def test_trailers_are_no_headers(door: Door, body: bytes) -> None:
    """What checked the head on the way here has not seen them."""
    door.sends(in_chunks(body, b"X-Auth-Token: stolen\r\nX-More: 1\r\n"))
    assert [name for name, _ in door.lookups.headers] == [b"host", b"transfer-encoding"]
    assert len([*door.http.scope["headers"]]) == 2


@pytest.mark.parametrize(
    "request_of",
    [
        asked(line=b"POST / HTTP/1.1"),
        asked(line=b"POST /graphql/ HTTP/1.1"),
        asked(line=b"POST /graph%71l HTTP/1.1"),
        asked(line=b"POST /graphql?query={a} HTTP/1.1"),
        asked(line=b"POST http://gateway/graphql HTTP/1.1"),
        asked(line=b"PUT /graphql HTTP/1.1"),
        asked(line=b"POST /graphql HTTP/1.0"),
        asked(line=b"POST /graphql HTTP/1.0", more=b"Connection: keep-alive\r\n"),
        asked(more=b"Connection: close\r\n"),
        asked(more=b"Expect: 100-continue\r\n"),
        asked(more=b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"),
        b"GET /graphql HTTP/1.1\r\nHost: gateway\r\n\r\n",
    ],
    ids=lambda request: request.partition(b"\r\nHost")[0].decode() + str(request.count(b":")),
)
def test_other_requests_are_not_looked_up(door: Door, request_of: bytes) -> None:
    """Whatever they are, they are the application's."""
    assert door.sends(request_of) == b""
    assert (door.lookups.bodies, door.begun()) == ([], 1)


@pytest.mark.anyio
async def test_a_request_that_becomes_a_socket_is_not_looked_up(door: Door) -> None:
    """The protocol that follows looks for a running loop."""
    door.sends(asked(more=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"))
    assert (door.lookups.bodies, door.begun()) == ([], 0)
    assert type(door.transport.protocol) is type(door.socket)


def test_behind_an_answer_still_due_nothing_is_answered(door: Door) -> None:
    """It would come first; afterwards it is as ever."""
    assert door.sends(asked(OTHER), asked()) == b""
    assert (door.lookups.bodies, door.begun()) == ([OTHER], 2)
    door.http.pipeline.clear()
    door.answered()
    assert door.sends(asked()) == ANSWER


@pytest.mark.parametrize("is_together", [True, False])
def test_requests_in_line_are_answered_one_after_the_other(door: Door, is_together: bool) -> None:
    """And the first that is not there sends all behind it to the application."""
    requests = [asked(), asked(), asked(OTHER), asked()]
    assert door.sends(*([b"".join(requests)] if is_together else requests)) == ANSWER * 2
    assert (door.lookups.bodies, door.begun()) == ([KNOWN, KNOWN, OTHER], 2)


def test_who_does_not_read_gets_no_more(door: Door) -> None:
    """The application waits until he does."""
    door.http.pause_writing()
    assert door.sends(asked()) == b""
    assert (door.lookups.bodies, door.begun()) == ([], 1)


def test_a_connection_that_closes_takes_no_request(door: Door) -> None:
    door.transport.close()
    assert door.sends(asked()) == b""
    assert door.lookups.bodies == []


def test_a_failed_lookup_is_our_mistake_and_not_the_clients() -> None:
    """His request goes its way, and the log tells."""

    def fail(scope: Scope, body: bytes) -> Found | None:
        raise RuntimeError("token-of-one")

    door = Door(fail)
    with capture_logs() as logs:
        assert door.sends(asked()) == b""
    assert (door.begun(), bytes(door.http.cycle.body)) == (1, KNOWN)
    assert [(line["event"], line["log_level"], line["exception"]) for line in logs] == [
        ("unexpected", "error", "RuntimeError")
    ]
    assert "token-of-one" not in str(logs)


BROKEN = {
    "chunk": b"POST /graphql HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nx\r\n",
    "lengths": asked(more=b"Transfer-Encoding: chunked\r\n"),
    "words": b"no request\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_request_that_cannot_be_read_is_neither_looked_up_nor_begun(door: Door, name: str) -> None:
    assert door.sends(BROKEN[name]).startswith(b"HTTP/1.1 400 ")
    assert (door.lookups.bodies, door.begun(), door.transport.is_closed) == ([], 0, True)


@pytest.mark.parametrize("name", BROKEN)
def test_what_comes_before_a_request_that_cannot_be_read_is_answered_before_it(door: Door, name: str) -> None:
    said = door.sends(asked() + BROKEN[name])
    assert said.startswith(ANSWER + b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 2


@pytest.mark.anyio
async def test_what_comes_before_a_socket_is_answered_before_it(door: Door) -> None:
    """A request for one that cannot be read is refused at once, by the protocol that follows."""
    upgrade = b"GET /graphql HTTP/1.1\r\nHost: gateway\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    said = door.sends(asked() + upgrade)
    assert said.startswith(ANSWER + b"HTTP/1.1 4")


def test_a_head_that_comes_too_late_is_refused_behind_the_answer(door: Door) -> None:
    """However long the turn takes."""
    door.http.data_received(asked() + HALF_A_HEAD)
    door.loop.pass_time()
    assert door.transport.written.startswith(ANSWER + b"HTTP/1.1 408 ")
    assert door.refused == ["slow_head"]


def test_the_end_of_the_server_waits_for_what_is_unwritten(door: Door) -> None:
    """And for nothing else, when there is nothing else."""
    door.http.data_received(asked())
    door.http.shutdown()
    assert (door.transport.written, door.transport.is_closed) == (ANSWER, True)
    door.loop.turn()
    assert door.transport.written == ANSWER


def test_the_end_of_the_server_waits_for_the_request_behind_it_as_well(door: Door) -> None:
    door.http.data_received(asked() + asked(OTHER))
    door.http.shutdown()
    door.loop.turn()
    assert (door.transport.written, door.transport.is_closed, door.http.cycle.keep_alive) == (ANSWER, False, False)


def test_what_is_unwritten_when_the_connection_is_lost_is_forgotten(door: Door) -> None:
    door.http.data_received(asked())
    door.transport.close()
    door.http.connection_lost(None)
    door.loop.turn()
    assert (door.transport.written, door.loop.due()) == (b"", [])


def test_a_connection_at_rest_has_the_time_of_one_at_rest(door: Door) -> None:
    """That of a head ends with the head, and begins no more before the next one does."""
    assert door.loop.due() == [1]
    door.sends(asked())
    assert door.loop.due() == [2]
    door.sends(asked())
    assert door.loop.due() == [2]
    door.sends(HALF_A_HEAD)
    assert door.loop.due() == [1]


def test_a_connection_at_rest_for_too_long_is_closed(door: Door) -> None:
    door.sends(asked())
    door.loop.pass_time()
    assert (door.transport.written, door.transport.is_closed) == (ANSWER, True)
    door.loop.pass_time()
    assert door.refused == ["stalled"]


@pytest.mark.parametrize(
    ("behind", "due"),
    [(b"\r\n", [2]), (HALF_A_HEAD, [1]), (asked(OTHER)[:-1], []), (asked(OTHER), []), (asked(), [2])],
    ids=["a line end", "half a head", "half a body", "another request", "the same request"],
)
def test_the_pause_is_over_when_the_next_request_came_with_the_last(door: Door, behind: bytes, due: list[int]) -> None:
    """Nobody waits for an answer under the time limit for a pause."""
    door.sends(asked() + behind)
    assert door.loop.due() == due
