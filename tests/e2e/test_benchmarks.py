"""The benchmarks compare like with like: what is timed answers the same, and what does not is found out."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tests.benchmarks.equality import UnequalError, check
from tests.benchmarks.figures import Figure, at_least, at_most, ratio, table
from tests.benchmarks.fleet import CONSTANT, GATEWAY, PASSTHROUGH, PLAIN, Fleet
from tests.benchmarks.shapes import SHAPES, VERTICES

_NAMES = (GATEWAY, PLAIN, PASSTHROUGH, CONSTANT)
pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Let the processes live as long as the module."""
    return "asyncio"


@pytest.fixture(scope="module")
async def fleet(anyio_backend: str) -> AsyncIterator[Fleet]:
    """Start the processes once."""
    async with Fleet() as opened:
        await asyncio.gather(*map(opened.get, _NAMES))
        yield opened


async def test_the_gateway_and_the_baselines_answer_equal_rows(fleet: Fleet) -> None:
    """Whatever is timed against another is asked for the same."""
    await check(fleet, _NAMES, SHAPES.values(), 50)


async def test_one_different_row_stops_the_comparison(fleet: Fleet) -> None:
    """A target that leaves something out would look fast."""

    def without_label(row: Any) -> dict[str, Any]:
        return {**VERTICES.node(row), **({"label": None} if row["id"] == "site-0000030" else {})}

    with pytest.raises(UnequalError, match=r"^gateway: row 30 of vertices is "):
        await check(fleet, (GATEWAY,), (replace(VERTICES, node=without_label),), 50)


async def test_the_table_tells_what_is_missed_and_what_was_not_measured() -> None:
    """A figure that is not good enough is published all the same, and says so."""
    figures = [
        ratio("page: plain ÷ gateway", at_least(25), 6.0, 0.125, "ms", 1000),
        Figure("memory at rest", at_most(90, " MB"), 91.4),
        Figure("page: peer ÷ gateway", at_least(6), None, "node not present"),
    ]
    assert table(figures) == (
        "| what | must | measured |\n"
        "|---|--:|--:|\n"
        "| page: plain ÷ gateway | ≥ 25 | **48.0** (6,000 ÷ 125 ms) |\n"
        "| memory at rest | ≤ 90 MB | **91.4 MB**, missed |\n"
        "| page: peer ÷ gateway | ≥ 6 | node not present |"
    )
