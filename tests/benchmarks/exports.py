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
from tests.benchmarks.fleet import GATEWAY, PASSTHROUGH, UPSTREAM, Fleet, Target
from tests.benchmarks.shapes import (
    LARGE,
    LARGE_ROWS,
    LINKED,
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
    upstream, proxy = await fleet.get(UPSTREAM), await fleet.get(PASSTHROUGH)
    linked: list[tuple[float, float]] = []
    local: list[tuple[float, float, float]] = []
    grown: list[int] = []
    async with fleet.fresh(GATEWAY) as gateway:
        await load(gateway.port, lambda: ask_small(new_job(PAGERANK.name)), connections=8, seconds=_WARM_SECONDS)
        await _check(gateway, shape)
        # The pages are made when they are first asked for.
        await _pages(upstream, shape, LARGE)
        await _export(gateway, shape, LARGE)
        for _ in range(effort.rounds):
            direct, proxied = await _pages(upstream, shape, LARGE), await _pages(proxy, shape, LARGE)
            forget_peak(gateway.pid)
            before = resident_bytes(gateway.pid)
            local.append((direct, proxied, await _export(gateway, shape, LARGE)))
            grown.append(peak_bytes(gateway.pid) - before)
            linked.append((await _pages(upstream, shape, LINKED), await _export(gateway, shape, LINKED)))
    what, must = f"{LARGE_ROWS:,} {shape.name}", at_least(0.5)
    direct, proxied, exported = map(median, zip(*local, strict=True))
    over_link, exported_over_link = map(median, zip(*linked, strict=True))
    near = "by httpx, upstream on this machine"
    return [
        ratio(f"{what} as CSV, speed ÷ pages by httpx, 1 Gbit/s", must, over_link, exported_over_link, "ms", 1000),
        ratio(f"{what} as CSV, speed ÷ pages {near}", must, direct, exported, "ms", 1000),
        ratio(f"{what} copied by {PASSTHROUGH}, speed ÷ pages {near}", must, direct, proxied, "ms", 1000),
        Figure(f"{what} as CSV, peak memory: growth", at_most(16, " MB"), max(grown) / MB, "the most of all rounds"),
    ]


def _job(shape: Shape, story: str) -> str:
    return new_job(f"{story}-{shape.name}")


def _targets(shape: Shape, story: str) -> Sequence[str]:
    path = status_path(_job(shape, story))
    return [f"{path}?offset={offset}&limit={TOTAL_ROWS}" for offset in range(0, LARGE_ROWS, TOTAL_ROWS)]


async def _pages(target: Target, shape: Shape, story: str) -> float:
    """Return the seconds that the pages take by a client as people have it."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{target.port}", timeout=60) as client:
        started = time.perf_counter()
        for page in _targets(shape, story):
            async with client.stream("GET", page) as response:
                async for _ in response.aiter_raw():
                    pass
        return time.perf_counter() - started


async def _export(gateway: Target, shape: Shape, story: str) -> float:
    connection = await connect(gateway.port)
    least = len(shape.row(0)) // 2 * LARGE_ROWS
    reply = await connection.ask(get(f"/export/{global_id(_job(shape, story))}.csv"), least_size=least)
    connection.close()
    return reply.seconds


async def _check(gateway: Target, shape: Shape) -> None:
    """Compare the last rows with those that were written; what is exported quickly must be right."""
    connection = await connect(gateway.port)
    target = f"/export/{global_id(_job(shape, LARGE))}.csv?offset={LARGE_ROWS - _CHECKED_ROWS}"
    reply = await connection.ask(get(target), keep=True)
    connection.close()
    told = [row[0] for row in csv.reader(io.StringIO(reply.body.decode(), newline=""))]
    expected = [next(iter(node.values())) for node in shape.nodes(TOTAL_ROWS)[-_CHECKED_ROWS:]]
    if told != expected:
        raise AnswerError(f"{GATEWAY}: the last rows of {shape.name} are {told[:3]}, not {expected[:3]}")
