"""A gateway on a real port whose one job goes through a story, and clients of its streams down to the bytes."""

from __future__ import annotations

import json
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from websockets.sync.client import ClientConnection, connect

from gateway import server
from gateway.app import PATH, create_app
from gateway.runtime import Clock
from gateway.settings import Settings
from schema.ids import GraphKey, JobRef, job_id_of
from schema.plane import Plane

ID = job_id_of(JobRef(Plane.SERVICE, GraphKey("p1", name="movies"), "j1"))
WATCH = "subscription ($id: ID!) { jobUpdated(id: $id) { type job { jobId status rawStatus } problem { code } } }"
ASKED = {"query": WATCH, "variables": {"id": ID}}
GOOD = {"X-Auth-Token": "token-of-one"}
ACCEPTS = {"events": "text/event-stream", "parts": 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'}
TRANSPORTS = ("socket", *ACCEPTS)
PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.02
QUICK: dict[str, Any] = {"watch_first_seconds": LOOK_SECONDS, "watch_longest_seconds": LOOK_SECONDS, "watch_jitter": 0}
_NOW = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class Slow(httpx.AsyncBaseTransport):
    """A GES whose one job goes through its states, a step for each look; the tokens in `good` may look."""

    story: list[str]
    looks: int = 0
    good: set[str] = field(default_factory=lambda: set(GOOD.values()))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.headers["x-auth-token"] not in self.good:
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
    _server: server._Server

    @property
    def socket(self) -> str:
        return self.origin.replace("http", "ws") + PATH

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", int(self.origin.rpartition(":")[2]))

    @property
    def pollers(self) -> int:
        return int(self.app.state.runtime.watches.pollers)

    @property
    def grants(self) -> int:
        return len(self.app.state.runtime.grants)

    def connect(self, headers: dict[str, str] | None = None, **options: Any) -> ClientConnection:
        options = {"subprotocols": ["graphql-transport-ws"], "compression": None, **options}
        opened: ClientConnection = connect(self.socket, additional_headers=headers or {}, **options)
        return opened

    def end(self) -> None:
        """Ask the server to end, as a signal would."""
        self._server.handle_exit(signal.SIGINT, None)


@contextmanager
def serving(
    *story: str, stalled_seconds: float = 60.0, clock: Clock | None = None, **settings: Any
) -> Iterator[Served]:
    """Serve a gateway in front of a GES that plays this story."""
    ges = Slow(list(story))
    chosen = {"service_urls": {"movies": "http://10.0.0.5"}, "project_id": "p1", **QUICK, **settings}
    app = create_app(Settings(**chosen), transport=ges, clock=clock)
    with on_a_port(app, stalled_seconds) as (origin, running):
        yield Served(app, origin, ges, running)


@contextmanager
def on_a_port(app: Starlette, stalled_seconds: float = 60.0) -> Iterator[tuple[str, server._Server]]:
    """Serve on a free port as `python -m gateway serve` does, in a thread of its own."""
    with server.open_port("127.0.0.1", 0, stalled_seconds=stalled_seconds) as listener:
        running = server._Server(server._config(app, grace_seconds=1), app, 0)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield server.url_of(listener), running
        finally:
            if running._closes_at is None:
                running.handle_exit(signal.SIGINT, None)
            thread.join(timeout=PATIENCE_SECONDS)
    assert not thread.is_alive(), "the server did not stop"
    assert running.lifespan.should_exit is False, "the application did not end well"


def until(is_so: Callable[[], object]) -> None:
    """Wait for something that happens elsewhere; it fails by never happening, not by being slow."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < ends_at
        threading.Event().wait(0.005)


def hear(opened: ClientConnection) -> dict[str, Any]:
    """Return the next message that is no heartbeat."""
    while (message := json.loads(opened.recv(PATIENCE_SECONDS)))["type"] == "ping":
        pass
    return dict(message)


def say(opened: ClientConnection, **message: Any) -> None:
    """Send one message."""
    opened.send(json.dumps(message))


def started(opened: ClientConnection, payload: dict[str, Any] | None = None) -> ClientConnection:
    """Begin to speak."""
    say(opened, type="connection_init", payload=payload)
    assert hear(opened) == {"type": "connection_ack"}
    return opened


def watch(
    gateway: Served, transport: str, headers: dict[str, str], *, asked: dict[str, Any] = ASKED
) -> Iterator[dict[str, Any]]:
    """Give each result of a watched job, or of another operation; errors that belong to none as one without data."""
    if transport == "socket":
        with gateway.connect(headers) as opened:
            say(started(opened), id="1", type="subscribe", payload=asked)
            while (message := hear(opened))["type"] != "complete":
                is_error = message["type"] == "error"
                yield {"errors": message["payload"]} if is_error else message["payload"]
                if is_error:
                    return
        return
    url, accept = gateway.origin + PATH, ACCEPTS[transport]
    with httpx.stream("POST", url, json=asked, headers={**headers, "Accept": accept}, timeout=PATIENCE_SECONDS) as told:
        assert "content-encoding" not in told.headers
        yield from (events_in if transport == "events" else parts_in)(told.iter_bytes())


def events_in(pieces: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """Give the data of each server-sent event; the stream must say that it is complete."""
    rest = b""
    for piece in pieces:
        *events, rest = (rest + piece).split(b"\n\n")
        for event in events:
            name, _, content = event.partition(b"\n")
            if name == b"event: complete":
                assert content == b"data:"
                return
            if name != b":":
                assert name == b"event: next"
                yield json.loads(content.removeprefix(b"data: "))
    raise AssertionError("the stream is not complete")


def parts_in(pieces: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """Give the payload of each part; the stream must say that it is complete."""
    rest = b"\r\n"
    for piece in pieces:
        *parts, rest = (rest + piece).split(b"\r\n--graphql")
        for part in parts:
            if part.strip():
                head, _, content = part.partition(b"\r\n\r\n")
                assert head == b"\r\nContent-Type: application/json"
                if content != b"{}":
                    yield json.loads(content)["payload"]
    assert rest == b"--\r\n", "the stream is not complete"


def told(results: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return what was told, and of which state."""
    events = [result["data"]["jobUpdated"] for result in results]
    return [(event["type"], event["job"]["status"]) for event in events]


def open_raw(gateway: Served, transport: str, *, buffer_bytes: int | None = None) -> socket.socket:
    """Watch a job over a bare connection, on which the first event has arrived."""
    connection = socket.socket()
    if buffer_bytes is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    connection.settimeout(PATIENCE_SECONDS)
    connection.connect(gateway.address)
    head = [f"Host: {gateway.origin[7:]}", *(f"{name}: {value}" for name, value in GOOD.items())]
    body = json.dumps(ASKED).encode()
    if transport == "socket":
        head = ["GET /graphql HTTP/1.1", *head, "Upgrade: websocket", "Connection: Upgrade"]
        head += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        head += ["Sec-WebSocket-Protocol: graphql-transport-ws"]
        subscribe = {"id": "1", "type": "subscribe", "payload": ASKED}
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        read_until(connection, b"\r\n\r\n")
        connection.sendall(frame(b'{"type":"connection_init"}') + frame(json.dumps(subscribe).encode()))
    else:
        head = ["POST /graphql HTTP/1.1", *head, f"Accept: {ACCEPTS[transport]}"]
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
    read_until(connection, b"SNAPSHOT")
    return connection


def read_until(connection: socket.socket, wanted: bytes, times: int = 1) -> bytes:
    """Return what comes, up to something that must come so often."""
    heard, ends_at = b"", time.monotonic() + PATIENCE_SECONDS
    while heard.count(wanted) < times:
        piece = connection.recv(1 << 16)
        assert piece, heard[-1000:]
        assert time.monotonic() < ends_at, heard[-1000:]
        heard += piece
    return heard


def frame(content: bytes, code: int = 1) -> bytes:
    """Return a WebSocket frame of a client; its mask is that of zeros, which changes nothing."""
    length = bytes([0x80 | len(content)]) if len(content) < 126 else b"\xfe" + len(content).to_bytes(2, "big")
    return bytes([0x80 | code]) + length + bytes(4) + content


def leave(connection: socket.socket, transport: str) -> None:
    """End a bare connection as a client does that says goodbye."""
    if transport == "socket":
        connection.sendall(frame((1000).to_bytes(2, "big"), code=8))
    connection.close()


def drop(connection: socket.socket, _: str) -> None:
    """End a bare connection as a client does that was killed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW)
    connection.close()
