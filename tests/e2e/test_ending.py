"""The end of a process with streams open: told in time to the balancer and to each client, and exit code 0."""

from __future__ import annotations

import json
import signal
import threading

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.live import ACCEPTS, hear, say, started, until
from tests.support_process import Program, running

TOKEN = {"X-Auth-Token": "sandbox-token-all"}
WATCH = {"query": 'subscription { graphJobsUpdated(graph: { name: "supply_chain" }) { type job { jobId } } }'}
PENDING = "5e9c0729-41d8-4b6a-93f0-27ac1d0e0029007740251"
WAIT = {"query": f'{{ findJob(graph: {{ name: "supply_chain" }}, jobId: "{PENDING}", waitSeconds: 50) {{ status }} }}'}
QUICK = {
    "GES_GATEWAY_SHUTDOWN_DRAIN_SECONDS": "1",
    "GES_GATEWAY_SHUTDOWN_GRACE_SECONDS": "20",
    "GES_GATEWAY_LOG_FORMAT": "json",
}


class Reading:
    """One answer, read in a thread of its own."""

    def __init__(self, program: Program, asked: dict[str, str], accept: str = "application/json") -> None:
        self.heard = b""
        self._url = f"http://127.0.0.1:{program.port}/graphql"
        self._asked, self._accept = asked, accept
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        headers = {**TOKEN, "Accept": self._accept}
        with httpx.stream("POST", self._url, json=self._asked, headers=headers, timeout=60) as answer:
            for piece in answer.iter_bytes():
                self.heard += piece

    def whole(self) -> bytes:
        """Return all of it; fails when it was cut off, since its length or its last chunk is missing then."""
        self._thread.join(60)
        return self.heard


def hear_all(socket: ClientConnection) -> None:
    """Take messages for as long as there are any."""
    while True:
        hear(socket)


def test_sigterm_ends_streams_of_every_kind_and_exits_with_0() -> None:
    """Readiness says no at once; streams go on meanwhile, and are complete when the port is closed."""
    with running(["-m", "gateway", "demo", "--port", "0"], QUICK) as program:
        events, parts = (Reading(program, WATCH, accept) for accept in ACCEPTS.values())
        waiting = Reading(program, WAIT)
        url = f"ws://127.0.0.1:{program.port}/graphql"
        with connect(url, subprotocols=["graphql-transport-ws"], compression=None) as socket:  # type: ignore[list-item]
            say(started(socket, dict(TOKEN)), id="1", type="subscribe", payload=WATCH)
            assert hear(socket)["type"] == "next"
            until(lambda: b"SNAPSHOT" in events.heard and b"SNAPSHOT" in parts.heard)
            assert program.get("/readyz")[0] == 200
            program.signal(signal.SIGTERM)
            until(lambda: program.get("/readyz")[0] == 503)
            with pytest.raises(ConnectionClosed) as closed:
                hear_all(socket)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1012, "The gateway is closing")
        assert events.whole().endswith(b"event: complete\ndata:\n\n")
        assert parts.whole().endswith(b"\r\n--graphql--\r\n")
        assert json.loads(waiting.whole()) == {"data": {"findJob": {"status": "PENDING"}}}
        code, _, logged = program.end()
    assert code == 0
    assert {json.loads(line)["event"] for line in logged.splitlines()} == {"draining", "operation", "stopped"}
