"""Answers given by the connection itself, over real sockets on the loop of production: order, framing, time, memory."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from gateway.connections import ConnectionBounds, HTTPConnection
from gateway.ready import Found, Ready, lines_of
from tests.e2e.threats import ALL, Bench, job_id, open_bench
from tests.support_served import served

pytestmark = pytest.mark.anyio
PATIENCE_SECONDS = 20.0
KNOWN, OTHER = b"known", b"other"
# What the transport takes before it asks for a pause.
HIGH_WATER_BYTES = 64 * 1024
# What the loop reads at once.
READ_BYTES = 256 * 1024
OWN = {b"date", b"x-request-id", b"age"}
_NOW = struct.pack("ii", 1, 0)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on the loop of production: it decides when what is read and written."""
    return "asyncio", {"use_uvloop": True}


def asked(body: bytes, more: bytes = b"") -> bytes:
    """Return a request as it is sent."""
    return b"POST /graphql HTTP/1.1\r\nHost: gateway\r\n%bContent-Length: %d\r\n\r\n%b" % (more, len(body), body)


class Answering:
    """An application that says what it was asked, whose server says so first when that is KNOWN."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = content
        self.ran: list[bytes] = []
        # Set, it is waited for before anything is answered by the application, and who waits watches the client.
        self.held: asyncio.Event | None = None
        self.on_found: Callable[[], object] = lambda: None
        self.app = Starlette(routes=[Route("/graphql", self._run, methods=["POST"])])
        self.app.state.ready = Ready(b"/graphql", self._find)

    @property
    def connection(self) -> HTTPConnection:
        """The connection of the only client there is."""
        (connection,) = self.app.state.connections
        assert isinstance(connection, HTTPConnection)
        return connection

    def _find(self, _scope: Scope, body: bytes) -> Found | None:
        if body != KNOWN:
            return None
        self.on_found()
        content = b"given " + body + self.content
        return lines_of([(b"content-length", b"%d" % len(content))]), content

    async def _run(self, request: Request) -> Response:
        body = await request.body()
        self.ran.append(body)
        if self.held is not None:
            watching = asyncio.ensure_future(request.receive())
            await self.held.wait()
            watching.cancel()
        return Response(b"ran " + body + self.content)


class Client:
    """One connection of a client, which reads when it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, *segments: bytes) -> None:
        """Send these."""
        for segment in segments:
            self.writer.write(segment)
            await self.writer.drain()

    async def answer(self) -> tuple[bytes, bytes]:
        """Return the head and the content of the next answer."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            return head, await self.reader.readexactly(int(length))

    async def content(self) -> bytes:
        """Return the content of the next answer."""
        return (await self.answer())[1]

    async def rest(self) -> bytes:
        """Return all that comes until the connection is closed."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.read()


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[Client]:
    """Connect a client."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**20)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def asking(answering: Answering, bounds: ConnectionBounds | None = None) -> AsyncIterator[Client]:
    """Serve an application, and connect a client."""
    async with served(answering.app, bounds=bounds or ConnectionBounds()) as url, client_of(url) as client:
        yield client


async def until(is_so: Callable[[], object]) -> None:
    """Wait for something that happens on this loop; it fails by never happening."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 -- a connection has no event for it
            await asyncio.sleep(0)


async def test_what_comes_whole_never_becomes_a_request() -> None:
    answering = Answering()
    async with asking(answering) as client:
        for _ in range(2):
            await client.ask(asked(KNOWN))
            assert await client.content() == b"given known"
        await client.ask(asked(OTHER))
        assert await client.content() == b"ran other"
        assert answering.ran == [OTHER]


async def test_a_body_in_a_second_segment_is_the_applications() -> None:
    """So is the connection for that time; afterwards it is as ever."""
    answering = Answering()
    async with asking(answering) as client:
        await client.ask(asked(KNOWN)[:-3])
        await until(lambda: answering.app.state.connections and answering.connection.cycle)
        await client.ask(KNOWN[-3:])
        assert await client.content() == b"ran known"
        await client.ask(asked(KNOWN))
        assert await client.content() == b"given known"


@pytest.mark.parametrize("is_together", [True, False], ids=["in one segment", "one by one"])
@pytest.mark.parametrize("bodies", ["kk", "ko", "ok", "kok", "oko", "kkkooo", "ooookkkk"])
async def test_answers_come_in_the_order_of_requests(bodies: str, is_together: bool) -> None:
    """Whoever gives them."""
    named = {"k": KNOWN, "o": OTHER}
    requests = [asked(named[body]) for body in bodies]
    async with asking(Answering()) as client:
        await client.ask(*([b"".join(requests)] if is_together else requests))
        answers = [(await client.content()).split()[1] for _ in bodies]
    assert answers == [named[body] for body in bodies]


async def test_a_known_answer_waits_for_one_that_takes_long() -> None:
    """Also when the two come apart."""
    answering = Answering()
    answering.held = asyncio.Event()
    async with asking(answering) as client:
        await client.ask(asked(OTHER))
        await until(lambda: answering.ran)
        await client.ask(asked(KNOWN))
        await until(lambda: answering.connection.pipeline)
        answering.held.set()
        assert [await client.content(), await client.content()] == [b"ran other", b"ran known"]


@pytest.mark.parametrize(("body", "content"), [(KNOWN, b"given known"), (OTHER, b"ran other")])
async def test_a_client_that_says_no_more_gets_its_answer(body: bytes, content: bytes) -> None:
    """It closes its side right behind the request; what was answered by then is not held back any longer."""
    async with asking(Answering()) as client:
        client.writer.write(asked(body))
        client.writer.write_eof()
        assert (await client.rest()).endswith(b"\r\n\r\n" + content)


async def test_a_client_that_leaves_before_its_answer_does_no_harm() -> None:
    """Nobody hears of it, and the next one is answered."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    answering = Answering()
    async with served(answering.app) as url:
        parts = urlsplit(url)
        for _ in range(3):
            with socket.create_connection((parts.hostname or "", parts.port or 0)) as leaving:
                leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW)
                leaving.sendall(asked(KNOWN))
            await until(lambda: not answering.app.state.connections)
        async with client_of(url) as client:
            await client.ask(asked(KNOWN))
            assert await client.content() == b"given known"
    assert told == []


async def test_an_answer_before_a_request_that_cannot_be_read_arrives() -> None:
    async with asking(Answering()) as client:
        await client.ask(asked(KNOWN) + b"no request\r\n\r\n")
        assert await client.content() == b"given known"
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("length", [0, 1_000_000], ids=["held back", "partly written"])
async def test_the_end_of_the_server_delivers_what_is_not_written_yet(length: int) -> None:
    """Then the connection is closed, as one at rest is."""
    answering = Answering(b"x" * length)
    loop = asyncio.get_running_loop()
    # It comes before what the answer is written by.
    answering.on_found = lambda: loop.call_soon(answering.connection.shutdown)
    async with asking(answering) as client:
        await client.ask(asked(KNOWN))
        assert (await client.rest()).endswith(b"\r\n\r\ngiven known" + answering.content)


async def test_a_pause_after_such_an_answer_may_be_long_and_a_head_may_not() -> None:
    """The one is closed without a word, the other is told why."""
    bounds = ConnectionBounds(head_seconds=0.2, idle_seconds=1)
    async with asking(Answering(), bounds) as client:
        await client.ask(asked(KNOWN))
        assert await client.content() == b"given known"
        began = time.monotonic()
        assert await client.rest() == b""
        assert time.monotonic() - began > 0.9
    async with asking(Answering(), bounds) as client:
        await client.ask(asked(KNOWN))
        assert await client.content() == b"given known"
        await client.ask(asked(KNOWN)[:20])
        assert (await client.rest()).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("is_together", [True, False], ids=["in one segment", "one by one"])
async def test_r15_slow_clients_who_asks_for_much_and_reads_nothing_holds_little(is_together: bool) -> None:
    """Of a thousand answers one waits, and what the system takes; who reads at last gets them all."""
    answering = Answering(b"x" * 30_000)
    loop = asyncio.get_running_loop()
    most = 0

    async def turns(number: int) -> None:
        nonlocal most
        for _ in range(number):
            await asyncio.sleep(0)
            if answering.app.state.connections:
                most = max(most, answering.connection.transport.get_write_buffer_size())

    async with served(answering.app) as url:
        parts = urlsplit(url)
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            await loop.sock_connect(client, (parts.hostname, parts.port))
            for _ in range(1 if is_together else 1000):
                await loop.sock_sendall(client, asked(KNOWN) * (1000 if is_together else 1))
                await turns(3)
            await turns(500)
            assert answering.connection.flow.write_paused
            assert HIGH_WATER_BYTES < most < HIGH_WATER_BYTES + 2 * len(answering.content)
            left = 1000 * len(b" known" + answering.content)
            while left > 0:
                left -= len(await loop.sock_recv(client, 2**20))
            await until(lambda: not answering.connection.pipeline)


async def test_r14_floods_requests_in_line_are_read_no_faster_than_they_are_answered() -> None:
    """Each request that is answered would let in a read of them otherwise, however many wait."""
    answering = Answering()
    request = asked(OTHER)
    most = 0

    async def flood(client: Client) -> None:
        while True:
            await client.ask(request * 1000)

    async with asking(answering) as client:
        flooding = asyncio.create_task(flood(client))
        for _ in range(100):
            assert await client.content() == b"ran other"
            most = max(most, len(answering.connection.pipeline))
        flooding.cancel()
    assert 500 < most < 100 + READ_BYTES // len(request)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """Serve the whole gateway in front of the sandbox."""
    async with open_bench() as opened:
        yield opened


def about_a_job(*fields: str) -> bytes:
    """Return the body of a question about a job that has ended."""
    return json.dumps({"query": f'{{ job(id: "{job_id("supply_chain", 5)}") {{ {" ".join(fields)} }} }}'}).encode()


def told(answer: tuple[bytes, bytes]) -> tuple[list[bytes], bytes]:
    """Return what an answer says in its order, but for what is each one's own."""
    head, content = answer
    return [line for line in head.split(b"\r\n") if line.partition(b":")[0] not in OWN], content


@pytest.mark.parametrize("encodings", [b"", b"gzip", b"br;q=0.5, gzip;q=0.8", b"identity;q=0, gzip"])
async def test_both_doors_say_the_same(bench: Bench, encodings: bytes) -> None:
    """Byte by byte, also to those who want it compressed, and it is what was said when the operation was run."""
    body = about_a_job(*(f"a_name_that_is_longer_than_what_it_names_{number}: status" for number in range(25)))
    more = b"X-Auth-Token: %b\r\nContent-Type: application/json\r\n" % ALL.encode()
    request = asked(body, more + (b"Accept-Encoding: %b\r\n" % encodings if encodings else b""))
    async with client_of(bench.url) as client:
        await client.ask(request)
        run = await client.answer()
        (connection,) = bench.app.state.connections
        cycle = connection.cycle
        await client.ask(request)
        by_connection = await client.answer()
        assert connection.cycle is cycle
        await client.ask(request[: -len(body)])
        await until(lambda: connection.cycle is not cycle)
        await client.ask(body)
        by_application = await client.answer()
    assert told(by_connection) == told(by_application)
    assert sorted(told(run)[0]) == sorted(told(by_connection)[0])
    assert run[1] == by_connection[1]
    assert (b"\r\ncontent-encoding: gzip\r\n" in by_connection[0]) is (b"gzip" in encodings)


@pytest.mark.parametrize("name", [b"mine", b"not a word"])
async def test_a_request_keeps_its_name_and_an_answer_tells_its_age(bench: Bench, name: bytes) -> None:
    """By either door."""
    body = about_a_job("status")
    more = b"X-Auth-Token: %b\r\nContent-Type: application/json\r\nX-Request-Id: %b\r\n" % (ALL.encode(), name)
    async with client_of(bench.url) as client:
        await client.ask(asked(body, more))
        await client.answer()
        bench.time.seconds += 7
        for expects in (b"", b"Expect: 100-continue\r\n"):
            await client.ask(asked(body, more + expects))
            if expects:
                assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            head, _ = await client.answer()
            assert b"\r\nage: 7\r\n" in head
            given = head.partition(b"x-request-id: ")[2].partition(b"\r\n")[0]
            assert (given == name) is (name == b"mine")
            assert len(given) == (4 if name == b"mine" else 32)
