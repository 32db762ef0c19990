"""Tests of gateway/flow.py: a body at the pace of its reader, and nothing left behind."""

from __future__ import annotations

import asyncio

import pytest

from gateway.flow import Flow, Sink

pytestmark = pytest.mark.anyio


async def _three(sink: Sink) -> str:
    for piece in (b"a", b"b", b"c"):
        await sink(piece)
    return "three"


async def test_pieces_come_in_order_and_the_end_tells_what_the_sender_knows() -> None:
    """The reader gets every piece once, then the sender's word."""
    flow = Flow(_three)
    await flow.open()
    assert [piece async for piece in flow.pieces()] == [b"a", b"b", b"c"]
    assert await flow.end() == "three"
    await flow.close()


async def test_a_reader_that_stops_stops_the_sender() -> None:
    """No more than one piece waits between the two, however long the body is."""
    sent: list[int] = []

    async def endless(sink: Sink) -> None:
        while True:
            sent.append(len(sent))
            await sink(b"x")

    flow = Flow(endless)
    await flow.open()
    for _ in range(50):
        await asyncio.sleep(0)
    # One was taken by `open`, one waits in between, one is held by the sender.
    assert len(sent) == 3
    await flow.close()


async def test_what_fails_before_the_first_piece_is_raised_when_it_is_opened() -> None:
    """Whoever opens a flow can still answer with an error."""

    async def broken(_: Sink) -> None:
        raise ValueError("refused")

    flow = Flow(broken)
    with pytest.raises(ValueError, match="refused"):
        await flow.open()
    await flow.close()


async def test_what_fails_midway_is_raised_at_the_end() -> None:
    """Pieces that came before are given; that there will be no more is told by `end`."""

    async def broken(sink: Sink) -> None:
        await sink(b"a")
        raise ValueError("broke off")

    flow = Flow(broken)
    await flow.open()
    assert [piece async for piece in flow.pieces()] == [b"a"]
    with pytest.raises(ValueError, match="broke off"):
        await flow.end()
    await flow.close()


async def test_closing_cancels_a_sender_that_waits_for_its_reader() -> None:
    """A client that leaves ends the call to GES."""
    ended = asyncio.Event()

    async def watched(sink: Sink) -> None:
        try:
            while True:
                await sink(b"x")
        finally:
            ended.set()

    flow = Flow(watched)
    await flow.open()
    await flow.close()
    assert ended.is_set()


async def test_a_flow_that_was_never_opened_has_no_end_and_closes_quietly() -> None:
    """Asking for the end too early is a mistake of ours, not of GES."""
    flow = Flow(_three)
    with pytest.raises(RuntimeError, match="never opened"):
        await flow.end()
    await flow.close()


async def test_an_empty_flow_opens_and_ends() -> None:
    """A sender without pieces is no failure."""

    async def silent(_: Sink) -> int:
        return 7

    flow = Flow(silent)
    await flow.open()
    assert [piece async for piece in flow.pieces()] == []
    assert await flow.end() == 7
