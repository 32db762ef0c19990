"""Tests of the server: in processes of their own, since they end them."""

import json
import signal
import socket

import pytest
from starlette.applications import Starlette

from gateway.server import PortError, open_port, serve, url_of
from tests.support_process import Program, running

# A program whose answers take as long as the test likes: /hold waits, /free lets go, /ready tells the flag.
PROGRAM = """
import asyncio, sys
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from gateway import server, telemetry

telemetry.configure()
held, free = asyncio.Event(), asyncio.Event()

async def hold(request):
    held.set()
    await free.wait()
    return PlainTextResponse("held")

async def wait(request):
    await held.wait()
    return PlainTextResponse("held now")

async def let_go(request):
    free.set()
    return PlainTextResponse("free")

async def ready(request):
    return PlainTextResponse(str(not request.app.state.is_draining))

routes = [Route("/hold", hold), Route("/wait", wait), Route("/free", let_go), Route("/ready", ready)]
drain, grace = map(int, sys.argv[1:])
server.serve(Starlette(routes=routes), server.open_port("127.0.0.1", 0), drain_seconds=drain, grace_seconds=grace)
"""


def program(drain: int, grace: int) -> list[str]:
    """Return the arguments that start the program."""
    return ["-c", PROGRAM, str(drain), str(grace)]


def events(logged: str) -> list[str]:
    """Return the names of what was logged."""
    return [json.loads(line)["event"] for line in logged.splitlines()]


def wait_for_draining(running_program: Program) -> None:
    """Ask until the signal has arrived."""
    while running_program.get("/ready")[1] == "True":
        pass


def test_sigterm_drains_finishes_what_is_under_way_and_exits_with_0() -> None:
    """Readiness says no first, while requests are still taken."""
    with running(program(drain=60, grace=60)) as server:
        held = server.send("/hold")
        assert server.get("/wait") == (200, "held now")
        assert server.get("/ready") == (200, "True")
        server.signal(signal.SIGTERM)
        wait_for_draining(server)
        assert server.get("/free") == (200, "free")
        assert server.read(held) == (200, "held")
        # Else the drain would last its full minute.
        server.signal(signal.SIGTERM)
        code, _, logged = server.end()
    assert code == 0
    assert (events(logged)[0], events(logged)[-1]) == ("draining", "stopped")


def test_the_drain_ends_by_itself() -> None:
    """After the time that was set."""
    with running(program(drain=1, grace=60)) as server:
        server.signal(signal.SIGTERM)
        code, _, logged = server.end()
    assert (code, events(logged)) == (0, ["draining", "stopped"])


def test_sigint_closes_the_port_at_once_and_exits_with_0() -> None:
    """Whoever presses Ctrl-C has no load balancer."""
    with running(program(drain=60, grace=60)) as server:
        held = server.send("/hold")
        assert server.get("/wait") == (200, "held now")
        server.get("/free")
        server.signal(signal.SIGINT)
        code, _, logged = server.end()
        assert server.read(held) == (200, "held")
    assert (code, events(logged)) == (0, ["draining", "stopped"])


def test_after_the_grace_time_requests_are_ended() -> None:
    """No request keeps the process from ending."""
    with running(program(drain=0, grace=0)) as server:
        server.send("/hold")
        assert server.get("/wait") == (200, "held now")
        server.signal(signal.SIGTERM)
        code, _, logged = server.end()
    assert code == 0
    assert events(logged)[-1] == "stopped"
    assert "Traceback" not in logged


def test_a_second_signal_ends_at_once() -> None:
    """Whatever is still under way."""
    with running(program(drain=0, grace=60)) as server:
        server.send("/hold")
        assert server.get("/wait") == (200, "held now")
        server.signal(signal.SIGINT)
        for line in server.process.stderr or ():
            if "draining" in line:
                break
        server.signal(signal.SIGINT)
        code = server.end().code
    assert code == 0


def test_an_application_that_cannot_be_started_is_told() -> None:
    """The caller turns it into an exit code."""

    class FailingStart:
        state = Starlette().state

        async def __call__(self, scope: object, receive: object, send: object) -> None:
            raise RuntimeError("no")

    listener = open_port("127.0.0.1", 0)
    assert serve(FailingStart(), listener) is False  # type: ignore[arg-type]
    assert listener.fileno() == -1


def test_a_port_that_is_taken_is_told() -> None:
    """By name and number."""
    with open_port("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"Cannot listen on 127.0.0.1, port {port}: Address already in use."):
            open_port("127.0.0.1", port)


def test_an_address_that_is_none_is_told() -> None:
    """Before anything is opened."""
    with pytest.raises(PortError, match="Cannot listen on no such host: "):
        open_port("no such host", 0)


class Bound:
    """A socket that says where it is bound."""

    def __init__(self, *address: object) -> None:
        self._address = address

    def getsockname(self) -> tuple[object, ...]:
        return self._address


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (("127.0.0.1", 8000), "http://127.0.0.1:8000"),
        (("0.0.0.0", 8000), "http://127.0.0.1:8000"),
        (("::", 8000, 0, 0), "http://[::1]:8000"),
        (("::1", 8000, 0, 0), "http://[::1]:8000"),
    ],
)
def test_an_address_is_written_as_a_client_here_would(address: tuple[object, ...], url: str) -> None:
    """All interfaces are reached by this one."""
    listener: socket.socket = Bound(*address)  # type: ignore[assignment]
    assert url_of(listener) == url
