"""A whole result as one file, beside downloading the same pages from upstream: how fast, and in how much memory."""

import csv
import io
import time
from collections.abc import Sequence
from statistics import median

import httpx

from tests.benchmarks.accounting import MB, forget_peak, peak_bytes, resident_bytes
from tests.benchmarks.client import AnswerError, ask_small, connect, get, load
from tests.benchmarks.effort import Effort
from tests.benchmarks.figures import Figure, at_least, at_most, ratio
from tests.benchmarks.fleet import GATEWAY, UPSTREAM, Fleet, Target
from tests.benchmarks.shapes import (
    LARGE,
    LARGE_ROWS,
    PAGERANK,
    TOTAL_ROWS,
    VERTICES,
    Shape,
    global_id,
    new_job,
    status_path,
)

_WARM_SECONDS = 0.5
# Rows at the end whose ids are compared before anything is timed.
_CHECKED_ROWS = 50


async def measure(fleet: Fleet, effort: Effort) -> list[Figure]:
    """Export a large result of long rows and one of short rows."""
    return [figure for shape in (VERTICES, PAGERANK) for figure in await _measure(fleet, effort, shape)]


async def _measure(fleet: Fleet, effort: Effort, shape: Shape) -> list[Figure]:
    upstream = await fleet.get(UPSTREAM)
    direct: list[float] = []
    plain: list[float] = []
    exported: list[float] = []
    grown: list[int] = []
    async with fleet.fresh(GATEWAY) as gateway:
        await load(gateway.port, lambda: ask_small(new_job(PAGERANK.name)), connections=8, seconds=_WARM_SECONDS)
        await _check(gateway, shape)
        # The pages are made when they are first asked for.
        await _pages(upstream, shape)
        await _export(gateway, shape)
        for _ in range(effort.rounds):
            direct.append(await _pages(upstream, shape))
            plain.append(await _pages_by_httpx(upstream, shape))
            forget_peak(gateway.pid)
            before = resident_bytes(gateway.pid)
            exported.append(await _export(gateway, shape))
            grown.append(peak_bytes(gateway.pid) - before)
    what = f"{LARGE_ROWS:,} {shape.name} as CSV"
    return [
        ratio(f"{what}, speed ÷ its pages from upstream", at_least(0.5), median(direct), median(exported), "ms", 1000),
        ratio(f"{what}, speed ÷ its pages by httpx", at_least(0.5), median(plain), median(exported), "ms", 1000),
        Figure(f"{what}, peak memory: growth", at_most(16, " MB"), max(grown) / MB, "the most of all rounds"),
    ]


def _large(shape: Shape) -> str:
    return new_job(f"{LARGE}-{shape.name}")


def _targets(shape: Shape) -> Sequence[str]:
    path = status_path(_large(shape))
    return [f"{path}?offset={offset}&limit={TOTAL_ROWS}" for offset in range(0, LARGE_ROWS, TOTAL_ROWS)]


async def _pages(upstream: Target, shape: Shape) -> float:
    """Return the seconds that the pages take by the client that takes exports as well."""
    connection = await connect(upstream.port)
    started = time.perf_counter()
    for target in _targets(shape):
        await connection.ask(get(target))
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


async def _pages_by_httpx(upstream: Target, shape: Shape) -> float:
    """Return the seconds that the pages take by a client as people have it."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{upstream.port}") as client:
        started = time.perf_counter()
        for target in _targets(shape):
            async with client.stream("GET", target) as response:
                async for _ in response.aiter_raw():
                    pass
        return time.perf_counter() - started


async def _export(gateway: Target, shape: Shape) -> float:
    connection = await connect(gateway.port)
    least = len(shape.row(0)) // 2 * LARGE_ROWS
    reply = await connection.ask(get(f"/export/{global_id(_large(shape))}.csv"), least_size=least)
    connection.close()
    return reply.seconds


async def _check(gateway: Target, shape: Shape) -> None:
    """Compare the last rows with those that were written; what is exported quickly must be right."""
    connection = await connect(gateway.port)
    target = f"/export/{global_id(_large(shape))}.csv?offset={LARGE_ROWS - _CHECKED_ROWS}"
    reply = await connection.ask(get(target), keep=True)
    connection.close()
    told = [row[0] for row in csv.reader(io.StringIO(reply.body.decode(), newline=""))]
    expected = [next(iter(node.values())) for node in shape.nodes(TOTAL_ROWS)[-_CHECKED_ROWS:]]
    if told != expected:
        raise AnswerError(f"{GATEWAY}: the last rows of {shape.name} are {told[:3]}, not {expected[:3]}")
