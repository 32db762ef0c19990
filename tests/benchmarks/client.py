"""A client that costs next to nothing: one connection, one request at a time, bodies counted or kept."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import httptools

from tests.benchmarks.shapes import SMALL_QUERY, TOKEN, Shape, global_id

_HEADERS = f"Host: 127.0.0.1\r\nX-Auth-Token: {TOKEN}\r\nAccept: application/json\r\n"
_LONGEST_SECONDS = 120
# Enough to see an error in.
_KEPT_BYTES = 4096


class AnswerError(Exception):
    """A target did not answer, or not as agreed: what it was timed at would mean nothing."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; a long `body` is cut off unless it was to be kept."""

    status: int
    size: int
    body: bytes
    first_byte_seconds: float
    seconds: float

    def json(self) -> Any:
        """Return the kept body, parsed."""
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._waiting: asyncio.Future[Reply] | None = None

    async def ask(self, request: bytes, *, keep: bool = False, least_size: int = 0) -> Reply:
        """Send a request, return its answer. Raises AnswerError unless that came in time, whole and without errors."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._keep, self._size = keep, 0
        self._chunks: list[bytes] = []
        self._first_byte = 0.0
        self._started = time.perf_counter()
        self._transport.write(request)
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                reply = await self._waiting
        except TimeoutError:
            raise AnswerError(f"no answer in {_LONGEST_SECONDS} s") from None
        if reply.status != 200 or reply.size < least_size or b'"errors"' in reply.body:
            raise AnswerError(f"status {reply.status}, {reply.size} bytes: {reply.body[:1000]!r}")
        return reply

    def send_only(self, request: bytes) -> None:
        """Send a request and read nothing of its answer."""
        self._transport.pause_reading()
        self._transport.write(request)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what requests are written to."""
        # uvloop's transports are Transports in all but their base.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the request under way."""
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(AnswerError(f"connection closed: {error}"))

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if not self._first_byte:
            self._first_byte = time.perf_counter()
        self._parser.feed_data(data)

    def on_body(self, chunk: bytes) -> None:
        """Count a piece of the body."""
        if self._keep or self._size < _KEPT_BYTES:
            self._chunks.append(chunk)
        self._size += len(chunk)

    def on_message_complete(self) -> None:
        """Hand the answer to whoever asked."""
        now = time.perf_counter()
        reply = Reply(
            self._parser.get_status_code(),
            self._size,
            b"".join(self._chunks),
            self._first_byte - self._started,
            now - self._started,
        )
        assert self._waiting is not None
        self._waiting.set_result(reply)


async def connect(port: int) -> Connection:
    """Open a connection to a port of this machine."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


def get(path: str) -> bytes:
    """Write a GET."""
    return f"GET {path} HTTP/1.1\r\n{_HEADERS}\r\n".encode()


def ask_small(job_id: str) -> bytes:
    """Write the small query."""
    return _post(SMALL_QUERY, {"id": global_id(job_id)})


def ask_page(shape: Shape, job_id: str, first: int) -> bytes:
    """Write the query of a page."""
    return _post(shape.query, {"id": global_id(job_id), "first": first})


def _post(query: str, variables: dict[str, Any]) -> bytes:
    body = json.dumps({"query": query, "variables": variables}).encode()
    head = f"POST /graphql HTTP/1.1\r\n{_HEADERS}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def load(port: int, write: Callable[[], bytes], *, connections: int, seconds: float) -> int:
    """Ask without a pause over some connections, each at least once; return how many answers came."""
    opened = [await connect(port) for _ in range(connections)]
    ends = time.perf_counter() + seconds

    async def ask_on(connection: Connection) -> int:
        answers = 0
        while not answers or time.perf_counter() < ends:
            await connection.ask(write())
            answers += 1
        return answers

    try:
        return sum(await asyncio.gather(*map(ask_on, opened)))
    finally:
        for connection in opened:
            connection.close()
