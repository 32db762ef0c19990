"""
The upstream of the benchmarks: GES's status call from bodies made beforehand, as fast as bytes can be written.

Any job exists: its id says what it is. Pages are slices of one text, so only what is asked for costs anything.
"""

import asyncio
import json
import os
from array import array
from collections import Counter
from functools import lru_cache
from typing import cast
from urllib.parse import parse_qsl

import uvloop

from tests.benchmarks.shapes import (
    LARGE,
    LARGE_ROWS,
    LINK_BYTES_A_SECOND,
    LINKED,
    RUNNING,
    RUNNING_LATENCY_SECONDS,
    SHAPES,
    TOTAL_ROWS,
    WATCHED,
    Shape,
)

_END_OF_HEAD = b"\r\n\r\n"
_RUNNING_BODY = b'{"data":{},"status":"running"}'
_COUNTS = "/_counts"
FINISH = "/_finish"
_ENDED_BODY = b'{"data":{},"status":"success"}'
# Two milliseconds of the link: timers are not finer than one.
_STEP_BYTES = 256 * 1024


class Rows:
    """All rows of one shape as one text."""

    def __init__(self, shape: Shape) -> None:
        texts = [shape.row(index).encode() for index in range(TOTAL_ROWS)]
        self._key = shape.name
        self._text = b",".join(texts)
        self._starts = array("L", [0])
        for text in texts:
            self._starts.append(self._starts[-1] + len(text) + 1)

    def body(self, offset: int, limit: int, total: int) -> bytes:
        """Write the answer with one page; the sizes and the status come behind the rows, as GES has them."""
        start = offset % TOTAL_ROWS if offset < total else TOTAL_ROWS
        end = min(start + limit, TOTAL_ROWS)
        page = self._text[self._starts[start] : max(self._starts[start], self._starts[end] - 1)]
        head = b'{"data":{"outputs":{"data_return_size":%d,"%s":[' % (end - start, self._key.encode())
        sizes = b'"runtime":0.214557,"data_offset":%d,"data_total_size":%d' % (offset, total)
        return b"".join((head, page, b"],", sizes, b'}},"status":"success"}'))


class Upstream:
    """What is answered to a target, the path and the query of a request; counts the calls by path."""

    def __init__(self) -> None:
        self._rows = {name: Rows(shape) for name, shape in SHAPES.items()}
        self._calls: Counter[str] = Counter()
        self._finished: set[str] = set()
        self._page = lru_cache(maxsize=32)(self._write_page)

    def answer(self, target: str) -> tuple[bytes, float]:
        """Return the whole answer and after how many seconds it is given."""
        path, _, query = target.partition("?")
        if path == _COUNTS:
            return self._counts(), 0.0
        if path == FINISH:
            self._finished.add(query)
            return _response(b"{}"), 0.0
        self._calls[path] += 1
        job_id = path.removesuffix("/status").rpartition("/")[2]
        story = job_id.partition("-")[0]
        if story == RUNNING:
            return _response(_RUNNING_BODY), RUNNING_LATENCY_SECONDS
        if story == WATCHED:
            return _response(_ENDED_BODY if job_id in self._finished else _RUNNING_BODY), 0.0
        is_large = story in (LARGE, LINKED)
        name = job_id.split("-")[1] if is_large else story
        if name not in SHAPES:
            return _response(b'{"errorCode":"GES.8301","errorMessage":"can not find job"}', "400 Bad Request"), 0.0
        return self._page(name, query, LARGE_ROWS if is_large else TOTAL_ROWS), 0.0

    def _write_page(self, name: str, query: str, total: int) -> bytes:
        window = dict(parse_qsl(query))
        offset, limit = int(window.get("offset", 0)), int(window.get("limit", TOTAL_ROWS))
        return _response(self._rows[name].body(offset, limit, total))

    def _counts(self) -> bytes:
        """Tell the calls by path since this was asked last."""
        counts = json.dumps(self._calls).encode()
        self._calls.clear()
        return _response(counts)


def _response(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Connection(asyncio.Protocol):
    """One client: requests without a body, answered in their order."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._unread = b""
        self._is_taken = asyncio.Event()
        self._is_taken.set()
        self._paced: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        # uvloop's transports are WriteTransports in all but their base.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        *requests, self._unread = (self._unread + data).split(_END_OF_HEAD)
        for request in requests:
            target = request.split(b" ", 2)[1].decode()
            response, delay_seconds = self._upstream.answer(target)
            if f"/{LINKED}-" in target:
                self._paced = asyncio.get_running_loop().create_task(self._write_paced(response))
            elif delay_seconds:
                asyncio.get_running_loop().call_later(delay_seconds, self._transport.write, response)
            else:
                self._transport.write(response)

    def pause_writing(self) -> None:
        """Wait for the client to take what it has."""
        self._is_taken.clear()

    def resume_writing(self) -> None:
        """Write on."""
        self._is_taken.set()

    def connection_lost(self, _: Exception | None) -> None:
        """Write no more."""
        if self._paced is not None:
            self._paced.cancel()

    async def _write_paced(self, response: bytes) -> None:
        """Write as fast as the link allows; what a client was late to take is not made up for."""
        now = asyncio.get_running_loop().time
        step_seconds = _STEP_BYTES / LINK_BYTES_A_SECOND
        due = now()
        for start in range(0, len(response), _STEP_BYTES):
            await self._is_taken.wait()
            self._transport.write(response[start : start + _STEP_BYTES])
            # Late by less than a step is the timer's doing.
            due = max(due, now() - step_seconds) + step_seconds
            await asyncio.sleep(due - now())


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    upstream = Upstream()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(upstream), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(os.environ["BENCHMARK_PORT"])))
