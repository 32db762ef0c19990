"""The times of large pages: this gateway beside the baselines, round by round."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.client import connect
from tests.benchmarks.effort import Effort
from tests.benchmarks.equality import ask_rows
from tests.benchmarks.figures import Figure, Must, at_least, at_most, ratio
from tests.benchmarks.fleet import GATEWAY, PASSTHROUGH, PEER, PLAIN, Fleet, Target
from tests.benchmarks.shapes import EDGES, PAGERANK, PATHS, VERTICES, Shape

# A fast target is asked several times in its turn, so that one hiccup does not decide its median.
_TURN_SECONDS = 0.5
_MOST_IN_A_TURN = 8


@dataclass(frozen=True, slots=True)
class Race:
    """One page asked of several targets; each ratio is a figure: slower, faster, what it must be."""

    shape: Shape
    rows: int
    ratios: tuple[tuple[str, str, Must], ...]

    @property
    def names(self) -> list[str]:
        """The targets of all ratios, each once."""
        return list(dict.fromkeys(name for slower, faster, _ in self.ratios for name in (slower, faster)))


RACES = (
    Race(
        VERTICES,
        100_000,
        (
            (PLAIN, GATEWAY, at_least(25)),
            (GATEWAY, PASSTHROUGH, at_most(2.0)),
            (PEER, GATEWAY, at_least(6)),
        ),
    ),
    *(Race(shape, 100_000, ((PLAIN, GATEWAY, at_least(15)),)) for shape in (PAGERANK, PATHS, EDGES)),
    Race(VERTICES, 1_000, ((PLAIN, GATEWAY, at_least(12)),)),
    Race(VERTICES, 10_000, ((PLAIN, GATEWAY, at_least(25)),)),
)


async def measure(fleet: Fleet, effort: Effort) -> list[Figure]:
    """Time every race; a target that is not there leaves its ratios without a value."""
    figures = []
    for race in RACES:
        present = [name for name in race.names if name not in effort.absent]
        seconds = await _run(fleet, race, present, effort.rounds)
        for slower, faster, must in race.ratios:
            what = f"{race.rows:,} {race.shape.name}, total time: {slower} ÷ {faster}"
            missing = [effort.absent[name] for name in (slower, faster) if name in effort.absent]
            if missing:
                figures.append(Figure(what, must, None, missing[0]))
            else:
                figures.append(ratio(what, must, seconds[slower], seconds[faster], "ms", 1000))
    return figures


async def _run(fleet: Fleet, race: Race, names: Iterable[str], rounds: int) -> dict[str, float]:
    """Return the median seconds of each target."""
    targets = [await fleet.get(name) for name in names]
    seconds: dict[str, list[float]] = {target.name: [] for target in targets}
    for target in targets:
        await _page(target, race)
    for _ in range(rounds):
        for target in targets:
            seconds[target.name] += await _turn(target, race)
    return {name: median(times) for name, times in seconds.items()}


async def _turn(target: Target, race: Race) -> list[float]:
    times: list[float] = []
    while not times or (sum(times) < _TURN_SECONDS and len(times) < _MOST_IN_A_TURN):
        times.append(await _page(target, race))
    return times


async def _page(target: Target, race: Race) -> float:
    connection = await connect(target.port)
    try:
        return (await ask_rows(connection, target.name, race.shape, race.rows)).seconds
    finally:
        connection.close()
