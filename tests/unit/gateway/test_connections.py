"""Connections: what their deadlines do."""

from __future__ import annotations

import pytest

from tests.support_connections import Bench

ASKED = b"GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n"


def test_a_connection_has_time_for_its_head_only() -> None:
    """Until it is whole."""
    bench = Bench()
    assert bench.loop.due() == [1]
    bench.http.data_received(ASKED[:10])
    assert bench.loop.due() == [1]
    bench.http.data_received(ASKED[10:])
    assert bench.loop.due() == []


def test_a_whole_head_starts_no_time() -> None:
    """The usual request costs no timer while it is answered; then it has those of an idle connection."""
    bench = Bench()
    bench.http.data_received(ASKED)
    assert bench.loop.due() == []
    bench.answered()
    assert bench.loop.due() == [2]


def test_half_a_head_is_told_so_and_nothing_is_not() -> None:
    """A client that never began waits for no answer."""
    half, nothing = Bench(), Bench()
    half.http.data_received(ASKED[:10])
    half.loop.pass_time()
    nothing.loop.pass_time()
    assert half.transport.written.startswith(b"HTTP/1.1 408 ")
    assert nothing.transport.written == b""
    assert half.transport.is_closed
    assert nothing.transport.is_closed
    assert (half.refused, nothing.refused) == (["slow_head"], [])


def test_half_of_the_next_head_cuts_off_no_answer() -> None:
    """Its time begins anew."""
    bench = Bench()
    bench.http.data_received(ASKED + ASKED[:10])
    bench.loop.pass_time()
    assert not bench.transport.is_closed
    assert bench.loop.due() == [1]


def test_line_ends_between_requests_stop_no_time() -> None:
    """uvicorn's own time for the pause ends with the first byte."""
    bench = Bench()
    bench.http.data_received(ASKED)
    bench.answered()
    bench.http.data_received(b"\r\n")
    assert bench.loop.due() == [1]


def test_a_body_that_was_not_read_ends_the_connection() -> None:
    """For nobody knows how long it goes on; whoever has not taken the answer by then is cut."""
    bench = Bench()
    bench.http.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
    bench.answered()
    assert bench.transport.is_closed
    assert 3 in bench.loop.due()


def test_an_idle_connection_that_cannot_be_closed_is_cut() -> None:
    """Its client never took the last answer."""
    bench = Bench()
    bench.http.data_received(ASKED)
    bench.answered()
    bench.loop.pass_time()
    assert (bench.transport.is_closed, bench.transport.is_aborted) == (True, False)
    bench.loop.pass_time()
    assert bench.transport.is_aborted
    assert bench.refused == ["stalled"]


@pytest.mark.parametrize("name", ["http", "socket"])
def test_who_does_not_read_is_cut(name: str) -> None:
    """By way of HTTP or of a WebSocket; who reads on is not, and then his time begins anew."""
    bench = Bench()
    bench.loop.timers.clear()
    connection = getattr(bench, name)
    if name == "socket":
        connection.connection_made(bench.transport)
    bench.loop.timers.clear()
    connection.pause_writing()
    connection.pause_writing()
    assert bench.loop.due() == [3]
    connection.resume_writing()
    assert bench.loop.due() == []
    connection.pause_writing()
    bench.loop.pass_time()
    assert bench.transport.is_aborted
    assert bench.refused == ["stalled"]


@pytest.mark.parametrize("name", ["http", "socket"])
def test_a_lost_connection_has_no_time_left(name: str) -> None:
    """Nothing is kept of it."""
    bench = Bench()
    connection = getattr(bench, name)
    if name == "socket":
        bench.loop.timers.clear()
        connection.connection_made(bench.transport)
    connection.pause_writing()
    connection.connection_lost(None)
    assert 3 not in bench.loop.due()
    assert name == "socket" or bench.loop.due() == []


def test_one_connection_too_many_is_told_so() -> None:
    """And counts for none."""
    bench = Bench(connections=2)
    assert bench.transport.written.startswith(b"HTTP/1.1 503 ")
    assert bench.transport.is_closed
    assert bench.http not in bench.http.connections
    assert bench.refused == ["connections"]
    bench.http.connection_lost(None)
    assert bench.loop.due() == []


def test_no_more_is_read_while_many_requests_wait_in_line() -> None:
    """Whoever asks for a body has his own already; once few wait, reading goes on, for somebody may leave."""
    bench = Bench()
    bench.http.data_received(ASKED * 20)
    assert bench.transport.is_reading_paused
    bench.http.flow.resume_reading()
    assert (len(bench.http.pipeline), bench.transport.is_reading_paused) == (19, True)
    for _ in range(4):
        bench.answered()
        assert bench.transport.is_reading_paused
    bench.answered()
    assert (len(bench.http.pipeline), bench.transport.is_reading_paused) == (14, False)


@pytest.mark.parametrize("name", ["http", "socket"])
def test_nothing_is_held_back_from_a_client_that_says_no_more(name: str) -> None:
    """The loop would close the connection without asking what is still to be written in this turn."""
    bench = Bench()
    # A socket is handed the transport of the request that asked for it.
    bench.socket.connection_made(bench.http.transport)
    connection = bench.http if name == "http" else bench.socket
    connection.transport.write(b"answer")
    connection.eof_received()
    assert (bench.transport.written, bench.transport.is_closed) == (b"answer", True)


def test_a_pause_that_ends_when_the_connection_is_lost_already_cuts_nothing() -> None:
    """uvicorn leaves its timer running when the client has broken off."""
    bench = Bench()
    bench.http.data_received(ASKED)
    bench.answered()
    bench.http.connection_lost(ConnectionResetError())
    bench.loop.pass_time()
    assert bench.loop.due() == []
