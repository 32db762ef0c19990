"""Tests of gateway/jobs/streaming.py: what happens when the copy that is passed on is lost. The rest is in e2e."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from gateway.cache.lifetime import Lifetime
from gateway.cache.pages import LostPieceError
from gateway.jobs.streaming import Expected, StreamedRows
from gateway.reader import Reader
from gateway.reading import Reading
from schema.errors import UpstreamMalformedError
from schema.job import JobStatus
from schema.page import Window
from schema.projection import Projection
from schema.rows import ResultKind

pytestmark = pytest.mark.anyio

EXPECTED = Expected(ResultKind.VERTEX_IDS, "vertices", JobStatus.SUCCEEDED, 9, Window(2, 5), 4)
IDS = Projection(lambda _: (("id", "vertex_id"),))


class Losing:
    """A reader whose kept copy has so many pieces left."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.owned: list[Callable[[], Awaitable[None]]] = []

    async def pour(self, _reading: object, sink: Callable[[bytes], Awaitable[None]], _keep: object) -> None:
        for piece in self.pieces:
            await sink(piece)
        raise LostPieceError

    def own(self, close: Callable[[], Awaitable[None]]) -> None:
        self.owned.append(close)


def streamed(reader: Losing) -> StreamedRows:
    """Rows that come from this reader."""
    return StreamedRows(cast(Reader, reader), cast(Reading[Any], None), EXPECTED, Lifetime(0))


async def test_a_copy_lost_before_its_first_piece_is_an_ordinary_error() -> None:
    """Nothing was sent yet, so it can be said."""
    with pytest.raises(UpstreamMalformedError, match="given up"):
        await streamed(Losing()).open(IDS)


async def test_a_copy_lost_midway_ends_the_rows_with_an_error() -> None:
    """It must never look like the end of the result."""
    reader = Losing(b'{"data":{"outputs":{"vertices":["a","b",')
    rows = await streamed(reader).open(IDS)
    with pytest.raises(UpstreamMalformedError, match="given up"):
        [run async for run in rows]
    assert len(reader.owned) == 1


@pytest.mark.parametrize(
    ("total", "window", "count"), [(9, Window(2, 5), 5), (4, Window(2, 5), 2), (1, Window(2, 5), 0)]
)
def test_a_window_has_as_many_rows_as_the_result_has_left(total: int, window: Window, count: int) -> None:
    """Up to the limit, from the offset on."""
    assert Expected(ResultKind.RAW, "x", JobStatus.SUCCEEDED, total, window, 1).count == count
