"""Clients that ask or read slowly, or are too many, against the gateway in a process of its own."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from gateway.demo.graphs import PROJECT_ID
from tests.support_process import Program, running

PATIENCE_SECONDS = 20.0
TOKEN = "sandbox-token-all"
HEAD = (
    f"POST /graphql HTTP/1.1\r\nHost: gateway\r\nX-Auth-Token: {TOKEN}\r\n"
    "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
)
# Some 10 MB: more than lies in the buffers of a system between two programs.
JOB = 'graph: {name: "supply_chain"}, jobId: "5e9c0707-41d8-4b6a-93f0-27ac1d0e0007007740217", plane: SERVICE'
LARGE = (
    f"{{ findJob({JOB}) {{ result {{ rows(first: %d) {{ nodes {{"
    " __typename index ... on VertexValueRow { vertexId value again: vertexId } } } } } }"
)
QUICK = {
    "GES_GATEWAY_REQUEST_HEAD_SECONDS": "0.3",
    "GES_GATEWAY_IDLE_CONNECTION_SECONDS": "1",
    "GES_GATEWAY_CLIENT_STALL_SECONDS": "0.5",
    "GES_GATEWAY_REQUEST_TIMEOUT_SECONDS": "0.5",
    "GES_GATEWAY_LOG_FORMAT": "json",
}


@pytest.fixture(scope="module")
def ges() -> Iterator[str]:
    """Run the sandbox; its own connections are slow in no test."""
    with running(["-m", "gateway", "sandbox", "--port", "0"], {}) as sandbox:
        yield f"http://127.0.0.1:{sandbox.port}"


@contextmanager
def gateway(ges: str, **settings: str) -> Iterator[Program]:
    """Run the gateway with short deadlines."""
    chosen = {**QUICK, **{f"GES_GATEWAY_{name.upper()}": value for name, value in settings.items()}}
    places = {"GES_GATEWAY_MANAGEMENT_URL": ges, "GES_GATEWAY_PROJECT_ID": PROJECT_ID}
    with running(["-m", "gateway", "serve", "--port", "0"], {**chosen, **places}) as program:
        yield program


@contextmanager
def connected(program: Program, receive_bytes: int | None = None) -> Iterator[socket.socket]:
    """Connect; with few bytes to receive into, what the client does not read waits in the gateway soon."""
    with socket.socket() as client:
        if receive_bytes is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        client.settimeout(PATIENCE_SECONDS)
        client.connect(("127.0.0.1", program.port))
        yield client


def asked(body: bytes, **changes: str) -> bytes:
    """Return a request of the endpoint."""
    return HEAD.format(length=changes.get("length", len(body))).encode() + body


def query(text: str) -> bytes:
    """Return the body that asks this."""
    return json.dumps({"query": text}).encode()


def read_to_end(client: socket.socket) -> bytes:
    """Read until the gateway closes or cuts the connection; a gateway that does neither fails the test."""
    read = b""
    try:
        while piece := client.recv(65536):
            read += piece
    except ConnectionError:
        pass
    return read


def drip(client: socket.socket, piece: bytes, pause_seconds: float = 0.05) -> bytes:
    """Send a piece again and again, until the gateway closes the connection; return what it said."""
    client.settimeout(pause_seconds)
    ends_at = time.monotonic() + PATIENCE_SECONDS
    said = b""
    while time.monotonic() < ends_at:
        try:
            client.sendall(piece)
            if not (read := client.recv(65536)):
                return said
            said += read
        except TimeoutError:
            continue
        except ConnectionError:
            return said
    raise AssertionError("The connection stays open.")


def metric(program: Program, name: str, **labels: str) -> float:
    """Return what a metric says, zero when it says nothing."""
    told = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    wanted = re.escape(f"ges_gateway_{name}" + (f"{{{told}}}" if told else ""))
    found = re.search(rf"^{wanted} (\S+)$", program.get("/metrics")[1], re.MULTILINE)
    return float(found[1]) if found else 0.0


def until(is_so: Callable[[], object]) -> None:
    """Wait for something that happens in the gateway; it fails by never happening, not by being slow."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < ends_at
        threading.Event().wait(0.02)


@pytest.fixture(scope="module")
def program(ges: str) -> Iterator[Program]:
    with gateway(ges) as program:
        yield program


@pytest.mark.parametrize("piece", [b"X-Slow: 1\r\n", b"x"], ids=["headers", "bytes"])
def test_r15_slow_clients_a_head_that_drips_is_given_up(program: Program, piece: bytes) -> None:
    """However busy the client looks."""
    with connected(program) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: gateway\r\nX-First: ")
        said = drip(client, piece)
    # The connection may be reset before the client has read why.
    assert said == b"" or said.startswith(b"HTTP/1.1 408 ")
    assert metric(program, "refusals_total", reason="slow_head") >= 1


def test_r15_slow_clients_half_a_head_is_answered_408(program: Program) -> None:
    """When the client waits for what comes."""
    with connected(program) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: ga")
        said = read_to_end(client)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in said
    assert json.loads(said.partition(b"\r\n\r\n")[2])["errors"][0]["extensions"] == {"code": "TIMEOUT"}


def test_r15_slow_clients_who_never_asks_is_let_go(program: Program) -> None:
    """Without a word; nobody waits for one."""
    with connected(program) as client:
        assert read_to_end(client) == b""


@pytest.mark.parametrize("between", [b"", b"\r\n", b"GET /live"], ids=["nothing", "line ends", "half a head"])
def test_r15_slow_clients_an_idle_connection_is_closed(program: Program, between: bytes) -> None:
    """After a request that went well, and whatever little comes after it."""
    with connected(program) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        client.sendall(between)
        said = read_to_end(client)
    assert (b"HTTP/1.1 408 " in said) is (between == b"GET /live")


def test_r15_slow_clients_a_body_that_drips_is_answered_408(program: Program) -> None:
    """And then nothing more of it is read."""
    with connected(program) as client:
        client.sendall(asked(b"{", length="100000"))
        assert drip(client, b" ").startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("path", ["/livez", "/metrics", "/nowhere", "/graphql?query={__typename}"])
def test_r15_slow_clients_a_body_nobody_wants_keeps_no_connection(program: Program, path: str) -> None:
    """Whatever path it is sent to."""
    with connected(program) as client:
        client.sendall(f"POST {path} HTTP/1.1\r\nHost: gateway\r\nContent-Length: 100000\r\n\r\n".encode())
        drip(client, b" ")


@pytest.mark.parametrize("spool_max_bytes", ["65536", "67108864"], ids=["passed on", "held"])
@pytest.mark.parametrize("reads", [0, 1], ids=["nothing", "a byte at a time"])
def test_r15_slow_clients_who_takes_no_answer_is_cut(ges: str, reads: int, spool_max_bytes: str) -> None:
    """What he was to get is let go, and the call to GES that still brings it ends."""
    with (
        gateway(ges, spool_max_bytes=spool_max_bytes, request_timeout_seconds="20") as program,
        connected(program, 4096) as client,
    ):
        client.sendall(asked(query(LARGE % 100_000)))
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while not metric(program, "refusals_total", reason="stalled"):
            assert time.monotonic() < ends_at
            client.recv(reads) if reads else threading.Event().wait(0.05)
        until(lambda: metric(program, "operations_under_way") == 0)
        until(lambda: metric(program, "rows_under_way") == 0)
        said = read_to_end(client)
        assert not said.endswith((b"}}}", b"\r\n0\r\n\r\n"))
        if spool_max_bytes == "65536":
            assert metric(program, "upstream_seconds_count", plane="SERVICE", outcome="abandoned") == 1


def test_r15_slow_clients_a_socket_that_takes_nothing_is_cut(ges: str) -> None:
    """As other connections are."""
    upgrade = (
        b"GET /graphql HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\nX-Auth-Token: " + TOKEN.encode() + b"\r\n\r\n"
    )
    payload = {"query": LARGE % 60_000}
    with gateway(ges, request_timeout_seconds="20") as program, connected(program, 4096) as client:
        client.sendall(upgrade)
        assert client.recv(4096).startswith(b"HTTP/1.1 101 ")
        client.sendall(frame({"type": "connection_init"}))
        client.sendall(frame({"type": "subscribe", "id": "1", "payload": payload}))
        until(lambda: metric(program, "refusals_total", reason="stalled") == 1)
        until(lambda: metric(program, "operations_under_way") == 0)


def frame(message: object) -> bytes:
    """Return a message as a client sends it, masked by nothing."""
    text = json.dumps(message).encode()
    return struct.pack(">BBH4x", 0x81, 0x80 | 126, len(text)) + text


def test_r15_slow_clients_connections_have_a_bound(ges: str) -> None:
    """One more is told so and closed; when one has gone, there is a place."""
    with gateway(ges, max_connections="3", request_head_seconds="60", idle_connection_seconds="60") as program:
        with ExitStack() as opened:
            first, *_ = [opened.enter_context(connected(program)) for _ in range(3)]
            # They are taken in their order, so when this one is answered the others are there.
            with connected(program) as client:
                said = read_to_end(client)
            assert said.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 1\r\n" in said
            assert b"connection: close\r\n" in said
            assert json.loads(said.partition(b"\r\n\r\n")[2])["errors"][0]["extensions"]["code"] == "OVERLOADED"
            first.sendall(b"GET /livez HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n")
            assert read_to_end(first).startswith(b"HTTP/1.1 200 ")
            assert program.get("/livez")[0] == 200
        assert metric(program, "refusals_total", reason="connections") >= 1
