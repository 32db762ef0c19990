"""The benchmarks: chooses what is measured, proves that all targets answer the same, prints one table."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import uvloop

from tests.benchmarks import equality, exports, footprint, live, pages, peer, small
from tests.benchmarks.client import AnswerError
from tests.benchmarks.effort import Effort, quick, thorough
from tests.benchmarks.equality import UnequalError
from tests.benchmarks.figures import Figure, table
from tests.benchmarks.fleet import CONSTANT, GATEWAY, PASSTHROUGH, PEER, PLAIN, PROBED, Fleet
from tests.benchmarks.shapes import SHAPES

Measure = Callable[[Fleet, Effort], Awaitable[list[Figure]]]
# What can be measured, in the order of the table, and whose answers it compares.
MEASURES: dict[str, tuple[Measure, tuple[str, ...]]] = {
    "pages": (pages.measure, (GATEWAY, PLAIN, PASSTHROUGH, PEER)),
    "memory": (footprint.measure_memory, (GATEWAY,)),
    "unread": (footprint.measure_unread, (GATEWAY,)),
    "exports": (exports.measure, (GATEWAY, PASSTHROUGH)),
    "turns": (footprint.measure_turns, (PROBED,)),
    "beside": (footprint.measure_beside, (GATEWAY,)),
    "new": (small.measure_new, (GATEWAY, PLAIN)),
    "known": (small.measure_known, (GATEWAY, CONSTANT)),
    "crowd": (small.measure_crowd, (GATEWAY,)),
    "live": (live.measure, (GATEWAY,)),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a target does not answer what it must. A missed figure is no failure."""
    options = _parser().parse_args(arguments)
    chosen = [name for name in MEASURES if not options.only or name in options.only]
    names = list(dict.fromkeys(name for measure in chosen for name in MEASURES[measure][1]))
    reason = peer.prepare() if PEER in names else None
    absent = {PEER: reason} if reason else {}
    effort = quick(absent) if options.quick else thorough(absent)
    started = time.perf_counter()
    load_before = os.getloadavg()[0]
    try:
        figures = uvloop.run(_measure(chosen, [name for name in names if name not in absent], effort))
    except (AnswerError, UnequalError) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    print(f"{_machine()}; load {load_before:.1f} before, {os.getloadavg()[0]:.1f} after;", end=" ")
    print(f"rounds: {effort.rounds}, medians, in {time.perf_counter() - started:.0f} s.\n")
    print(table(figures))
    return 0


async def _measure(chosen: Sequence[str], names: Sequence[str], effort: Effort) -> list[Figure]:
    figures: list[Figure] = []
    async with Fleet() as fleet:
        try:
            _say(f"comparing the answers of {', '.join(names)}")
            await equality.check(fleet, names, SHAPES.values(), effort.checked_rows)
            for name in chosen:
                _say(f"measuring {name}")
                figures += await MEASURES[name][0](fleet, effort)
        except (AnswerError, UnequalError):
            _say(f"what the processes wrote last:\n{fleet.last_lines()}")
            raise
    return figures


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round instead of three, fewer rows compared")
    parser.add_argument("--only", action="append", choices=MEASURES, help="measure this; may be given several times")
    return parser


def _machine() -> str:
    cpus = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    versions = f"Python {platform.python_version()}, {peer.version()}"
    return f"{os.cpu_count()} cores {cpus[0].partition(':')[2].strip()}, Linux {platform.release()}, {versions}"


def _say(text: str) -> None:
    print(f"benchmark: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
