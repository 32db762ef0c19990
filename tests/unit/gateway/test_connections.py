"""Connections: what their deadlines do, with a transport and a loop that only note what is asked of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway.connections import ConnectionBounds, HTTPConnection, SocketConnection, bounded

BOUNDS = ConnectionBounds(most=2, head_seconds=1, idle_seconds=2, stall_seconds=3)
ASKED = b"GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n"


class Timer:
    """A call that is due in so many seconds."""

    def __init__(self, seconds: float, run: Callable[[], object]) -> None:
        self.seconds, self.run, self.is_cancelled = seconds, run, False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """A loop on which no time passes but what the test says."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []
        self.tasks: list[Any] = []
        self.soon: list[Callable[[], object]] = []

    def call_soon(self, call: Callable[[], object]) -> None:
        self.soon.append(call)

    def call_later(self, seconds: float, call: Callable[..., object], *arguments: object) -> Timer:
        self.timers.append(Timer(seconds, lambda: call(*arguments)))
        return self.timers[-1]

    def create_task(self, coroutine: Any) -> Any:
        coroutine.close()
        self.tasks.append(coroutine)
        return self

    def add_done_callback(self, call: object) -> None:
        """A task is never done here."""

    def due(self) -> list[float]:
        return [timer.seconds for timer in self.timers if not timer.is_cancelled]

    def pass_time(self) -> None:
        """Let everything come due that waits now."""
        waiting = [timer for timer in self.timers if not timer.is_cancelled]
        self.timers.clear()
        for timer in waiting:
            timer.run()
        self.turn()

    def turn(self) -> None:
        """Let the loop go round once."""
        soon, self.soon = self.soon, []
        for call in soon:
            call()


class Transport:
    """A connection that takes everything."""

    def __init__(self) -> None:
        self.written = b""
        self.is_closed = self.is_aborted = False

    def get_extra_info(self, name: str) -> None:
        return None

    def is_closing(self) -> bool:
        return self.is_closed

    def write(self, content: bytes) -> None:
        self.written += content

    def pause_reading(self) -> None:
        """Nothing is read here."""

    resume_reading = pause_reading

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = self.is_aborted = True


class Bench:
    """One connection, and what became of it."""

    def __init__(self, connections: int = 0) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise AssertionError("No task runs here.")

        self.loop, self.transport, self.refused = Loop(), Transport(), list[str]()
        http, sockets = bounded(BOUNDS, self.refused.append)
        config = uvicorn.Config(app, http=http, ws=sockets, log_config=None, access_log=False)
        state = ServerState()
        state.connections = {object() for _ in range(connections)}  # type: ignore[misc]
        self.http: HTTPConnection = http(config=config, server_state=state, app_state={}, _loop=self.loop)
        self.socket: SocketConnection = sockets(config=config, server_state=state, app_state={}, _loop=self.loop)
        self.http.connection_made(self.transport)  # type: ignore[arg-type]

    def answered(self) -> None:
        """Let the request under way be answered."""
        self.http.cycle.response_complete = True
        self.http.on_response_complete()


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
    assert bench.loop.due() == [5]  # uvicorn's own default for a pause


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
