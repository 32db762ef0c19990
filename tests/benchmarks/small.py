"""Small queries: CPU of a request with new ids and with a known one, and how many upstream calls a crowd causes."""

import asyncio
from collections.abc import Callable
from statistics import median

from tests.benchmarks.accounting import cpu_seconds
from tests.benchmarks.client import AnswerError, ask_small, connect, get, load
from tests.benchmarks.effort import Effort
from tests.benchmarks.figures import Figure, at_least, at_most, ratio
from tests.benchmarks.fleet import CONSTANT, GATEWAY, PLAIN, UPSTREAM, Fleet
from tests.benchmarks.shapes import KNOWN_JOB, PAGERANK, RUNNING, new_job, status_path

_CONNECTIONS = 32
_CROWD = 64
_CROWDS_A_ROUND = 5
# CPU of small requests moves more than that of pages, and a round is short.
_ROUNDS = 3


async def measure_new(fleet: Fleet, effort: Effort) -> list[Figure]:
    """Compare the CPU of the small query when every request is about a job that was never asked about."""
    cpu = await _race(fleet, (PLAIN, GATEWAY), lambda: ask_small(new_job(PAGERANK.name)), effort)
    what = f"small job query, new ids, CPU a request: {PLAIN} ÷ {GATEWAY}"
    return [ratio(what, at_least(12), cpu[PLAIN], cpu[GATEWAY], "µs", 1e6)]


async def measure_known(fleet: Fleet, effort: Effort) -> list[Figure]:
    """Compare the CPU of the small query about one finished job with that of an answer that is fixed."""
    request = ask_small(KNOWN_JOB)
    cpu = await _race(fleet, (CONSTANT, GATEWAY), lambda: request, effort)
    what = f"small query on a finished job, repeated, CPU a request: {CONSTANT} ÷ {GATEWAY}"
    return [
        ratio(what, at_least(0.6), cpu[CONSTANT], cpu[GATEWAY], "µs", 1e6),
        Figure(
            "what a finished answer costs beside a fixed one: caller, grants, log, metrics, headers",
            at_most(30, " µs"),
            (cpu[GATEWAY] - cpu[CONSTANT]) * 1e6,
        ),
    ]


async def measure_crowd(fleet: Fleet, effort: Effort) -> list[Figure]:
    """Count the upstream calls when many clients ask about the same running job at the same time."""
    gateway, upstream = await fleet.get(GATEWAY), await fleet.get(UPSTREAM)
    counter = await connect(upstream.port)
    calls = []
    for _ in range(_CROWDS_A_ROUND * effort.rounds):
        job_id = new_job(RUNNING)
        request = ask_small(job_id)
        await counter.ask(get("/_counts"))
        await _ask_together(gateway.port, request)
        counts = (await counter.ask(get("/_counts"), keep=True)).json()
        if status_path(job_id) not in counts:
            raise AnswerError(f"{GATEWAY}: upstream was not asked about {job_id}, but {counts}")
        calls.append(counts[status_path(job_id)])
    counter.close()
    what = f"upstream calls when {_CROWD} clients ask about the same running job at once"
    return [Figure(what, at_most(1), max(calls), f"the most of {len(calls)} tries")]


async def _race(fleet: Fleet, names: tuple[str, ...], write: Callable[[], bytes], effort: Effort) -> dict[str, float]:
    """Return the median CPU seconds a request of each target."""
    seconds: dict[str, list[float]] = {name: [] for name in names}
    targets = [await fleet.get(name) for name in names]
    for target in targets:
        await load(target.port, write, connections=_CONNECTIONS, seconds=effort.load_seconds / 4)
    for _ in range(_ROUNDS * effort.rounds):
        for target in targets:
            before = cpu_seconds(target.pid)
            answers = await load(target.port, write, connections=_CONNECTIONS, seconds=effort.load_seconds)
            seconds[target.name].append((cpu_seconds(target.pid) - before) / answers)
    return {name: median(measured) for name, measured in seconds.items()}


async def _ask_together(port: int, request: bytes) -> None:
    connections = [await connect(port) for _ in range(_CROWD)]
    try:
        await asyncio.gather(*(connection.ask(request) for connection in connections))
    finally:
        for connection in connections:
            connection.close()
