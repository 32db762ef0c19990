"""What a large page does to the process it goes through: memory, turns of the loop, the small queries beside it."""

import asyncio
from statistics import median

from tests.benchmarks.accounting import MB, forget_peak, peak_bytes, resident_bytes
from tests.benchmarks.client import Connection, ask_small, connect, get, load
from tests.benchmarks.effort import Effort
from tests.benchmarks.equality import ask_rows, write_page
from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.fleet import GATEWAY, PASSTHROUGH, PROBED, UPSTREAM, Fleet, Target
from tests.benchmarks.probe import START, STOP
from tests.benchmarks.shapes import PAGERANK, VERTICES, new_job

# Small enough to be held until its end has been seen; the large one is passed on as it comes.
_SPOOLED_ROWS = 20_000
_STREAMED_ROWS = 100_000
_WARM_ROWS = 1_000
_TRIES_A_ROUND = 3
_UNREAD, _UNREAD_SECONDS = 20, 3.0


async def measure_memory(fleet: Fleet, effort: Effort) -> list[Figure]:
    """Measure the memory of processes that are new but warm: at rest, and by how much a page makes it grow."""
    rest: list[int] = []
    spooled: list[int] = []
    streamed: list[int] = []
    for _ in range(effort.rounds):
        for rows, growths in ((_SPOOLED_ROWS, spooled), (_STREAMED_ROWS, streamed)):
            # What is kept on purpose, in the store, is not what a page makes grow: nothing here counts as final.
            async with fleet.fresh(GATEWAY, CACHE_SETTLE_SECONDS="3600") as gateway:
                await _warm(gateway)
                rest.append(resident_bytes(gateway.pid))
                growths.append(await _growth(gateway, rows))
    body = await _body_size(fleet)
    grown, large = median(spooled), median(streamed)
    return [
        Figure("memory at rest", at_most(90, " MB"), median(rest) / MB),
        Figure(
            f"{_SPOOLED_ROWS:,} {VERTICES.name} spooled, peak memory: growth ÷ body",
            at_most(2.0),
            grown / body,
            f"{grown / MB:.1f} ÷ {body / MB:.1f} MB",
        ),
        Figure(f"{_STREAMED_ROWS:,} {VERTICES.name} streamed, peak memory: growth", at_most(12, " MB"), large / MB),
    ]


async def measure_unread(fleet: Fleet, effort: Effort) -> list[Figure]:
    """Measure what clients cost that ask for a large page and do not read it."""
    growths: list[int] = []
    for _ in range(effort.rounds):
        async with fleet.fresh(GATEWAY, CACHE_SETTLE_SECONDS="3600") as gateway:
            await _warm(gateway)
            forget_peak(gateway.pid)
            before = resident_bytes(gateway.pid)
            connections = [await connect(gateway.port) for _ in range(_UNREAD)]
            for connection in connections:
                connection.send_only(write_page(GATEWAY, VERTICES, _STREAMED_ROWS))
            await asyncio.sleep(_UNREAD_SECONDS)
            growths.append(peak_bytes(gateway.pid) - before)
            for connection in connections:
                connection.close()
    what = f"{_UNREAD} clients that ask for {_STREAMED_ROWS:,} {VERTICES.name} and do not read: growth of memory"
    return [Figure(what, at_most(100, " MB"), median(growths) / MB)]


async def measure_turns(fleet: Fleet, effort: Effort) -> list[Figure]:
    """Measure the longest turn of the event loop while a large page goes through."""
    probed = await fleet.get(PROBED)
    await _warm(probed)
    connection, control = await connect(probed.port), await connect(probed.port)
    await ask_rows(connection, PROBED, VERTICES, _STREAMED_ROWS)
    milliseconds = []
    for _ in range(_TRIES_A_ROUND * effort.rounds):
        await control.ask(get(START))
        await ask_rows(connection, PROBED, VERTICES, _STREAMED_ROWS)
        milliseconds.append((await control.ask(get(STOP), keep=True)).json() * 1000)
    connection.close()
    control.close()
    what = f"longest turn of the loop while {_STREAMED_ROWS:,} {VERTICES.name} pass, CPU of its thread"
    return [Figure(what, at_most(5, " ms"), median(milliseconds), f"at worst {max(milliseconds):.1f}")]


async def measure_beside(fleet: Fleet, effort: Effort) -> list[Figure]:
    """Measure the slowest small query that is asked while a large page goes through."""
    gateway = await fleet.get(GATEWAY)
    await _warm(gateway)
    page, small = await connect(gateway.port), await connect(gateway.port)
    await ask_rows(page, GATEWAY, VERTICES, _STREAMED_ROWS)
    milliseconds = [await _worst_beside(page, small) * 1000 for _ in range(_TRIES_A_ROUND * effort.rounds)]
    page.close()
    small.close()
    what = f"worst small query beside {_STREAMED_ROWS:,} {VERTICES.name}"
    return [Figure(what, at_most(30, " ms"), median(milliseconds), f"at worst {max(milliseconds):.1f}")]


async def _worst_beside(page: Connection, small: Connection) -> float:
    passing = asyncio.create_task(ask_rows(page, GATEWAY, VERTICES, _STREAMED_ROWS))
    worst = 0.0
    while not passing.done():
        worst = max(worst, (await small.ask(ask_small(new_job(PAGERANK.name)))).seconds)
    await passing
    return worst


async def _warm(target: Target) -> None:
    await load(target.port, lambda: ask_small(new_job(PAGERANK.name)), connections=8, seconds=0.5)
    # One page: many would fill the store, which is no rest.
    connection = await connect(target.port)
    await ask_rows(connection, target.name, VERTICES, _WARM_ROWS)
    connection.close()


async def _growth(target: Target, rows: int) -> int:
    connection = await connect(target.port)
    forget_peak(target.pid)
    before = resident_bytes(target.pid)
    await ask_rows(connection, target.name, VERTICES, rows)
    connection.close()
    return peak_bytes(target.pid) - before


async def _body_size(fleet: Fleet) -> int:
    connection = await connect((await fleet.get(UPSTREAM)).port)
    # In the words of the proxy, which are those of upstream.
    reply = await ask_rows(connection, PASSTHROUGH, VERTICES, _SPOOLED_ROWS)
    connection.close()
    return reply.size
