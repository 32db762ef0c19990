"""Connections without a network: a transport and a loop that only note what is asked of them. Knows no routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from gateway.connections import ConnectionBounds, HTTPConnection, SocketConnection, bounded
from gateway.ready import NOTHING, Ready

BOUNDS = ConnectionBounds(most=2, head_seconds=1, idle_seconds=2, stall_seconds=3)


class Timer:
    """A call that is due in so many seconds."""

    def __init__(self, seconds: float, run: Callable[[], object]) -> None:
        self.seconds, self.run, self.is_cancelled = seconds, run, False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """A loop on which no time passes and no turn ends but when the test says so."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []
        self.tasks: list[Any] = []
        self.soon: list[Callable[[], object]] = []

    def call_later(self, seconds: float, call: Callable[..., object], *arguments: object) -> Timer:
        self.timers.append(Timer(seconds, lambda: call(*arguments)))
        return self.timers[-1]

    def call_soon(self, call: Callable[[], object]) -> None:
        self.soon.append(call)

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

    def turn(self) -> None:
        """Let the next turn begin."""
        waiting, self.soon = self.soon, []
        for call in waiting:
            call()


class Transport:
    """A connection that takes everything."""

    def __init__(self) -> None:
        self.written = b""
        self.is_closed = self.is_aborted = self.is_reading_paused = False
        self.protocol: Any = None

    def get_extra_info(self, name: str) -> None:
        return None

    def is_closing(self) -> bool:
        return self.is_closed

    def write(self, content: bytes) -> None:
        if not self.is_closed:
            self.written += content

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        self.write(b"".join(pieces))

    def set_protocol(self, protocol: object) -> None:
        self.protocol = protocol

    def pause_reading(self) -> None:
        self.is_reading_paused = True

    def resume_reading(self) -> None:
        self.is_reading_paused = False

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = self.is_aborted = True


class Bench:
    """One connection, and what became of it."""

    def __init__(self, connections: int = 0, ready: Ready = NOTHING) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise AssertionError("No task runs here.")

        self.loop, self.transport, self.refused = Loop(), Transport(), list[str]()
        http, sockets = bounded(BOUNDS, self.refused.append, ready)
        idle = BOUNDS.idle_seconds
        config = uvicorn.Config(app, http=http, ws=sockets, log_config=None, access_log=False, timeout_keep_alive=idle)
        self.state = ServerState()
        self.state.connections = {object() for _ in range(connections)}  # type: ignore[misc]
        self.http: HTTPConnection = http(config=config, server_state=self.state, app_state={}, _loop=self.loop)
        self.socket: SocketConnection = sockets(config=config, server_state=self.state, app_state={}, _loop=self.loop)
        self.http.connection_made(self.transport)  # type: ignore[arg-type]

    def answered(self) -> None:
        """Let the request under way be answered."""
        self.http.cycle.response_complete = True
        self.http.on_response_complete()
