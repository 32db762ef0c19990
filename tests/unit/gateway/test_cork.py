"""Corks: what is written in one turn goes out together, nothing large is held back, nothing is lost or told late."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from gateway.cork import Corked
from tests.support_connections import Loop

HELD = 16 * 1024


class Transport:
    """Notes each call that would be one to the system."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, ...]] = []
        self.is_closed = False

    def write(self, piece: bytes) -> None:
        self.calls.append((piece,))

    def writelines(self, pieces: Iterable[bytes]) -> None:
        self.calls.append(tuple(pieces))

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None:
        """Nothing is read here."""

    resume_reading = pause_reading

    def get_write_buffer_size(self) -> int:
        return 7


class Bench:
    """A corked transport, what is below it and the loop."""

    def __init__(self) -> None:
        self.below, self.loop = Transport(), Loop()
        self.corked: Any = Corked(cast(asyncio.Transport, self.below), cast(Any, self.loop))


def test_small_pieces_of_one_turn_are_one_call() -> None:
    bench = Bench()
    bench.corked.write(b"head ")
    bench.corked.writelines([b"body ", b"end"])
    assert bench.below.calls == []
    bench.loop.turn()
    assert bench.below.calls == [(b"head body end",)]
    bench.corked.write(b"next")
    bench.loop.turn()
    assert bench.below.calls == [(b"head body end",), (b"next",)]
    assert bench.loop.soon == []


def test_large_pieces_go_out_at_once_and_as_they_are() -> None:
    """With what waited before them; so the transport below says in time that its client takes nothing."""
    bench = Bench()
    head, body = b"head", bytes(HELD)
    bench.corked.write(head)
    bench.corked.write(body)
    assert bench.below.calls == [(head, body)]
    assert bench.below.calls[0][1] is body
    bench.loop.turn()
    assert len(bench.below.calls) == 1
    bench.corked.writelines([bytes(HELD), b"one more"])
    assert len(bench.below.calls) == 2


def test_as_much_as_is_held_back_is_held_back() -> None:
    bench = Bench()
    bench.corked.write(bytes(HELD))
    assert bench.below.calls == []
    bench.corked.write(b"1")
    assert bench.below.calls == [(bytes(HELD), b"1")]


def test_nothing_is_lost_when_the_connection_is_closed() -> None:
    bench = Bench()
    bench.corked.write(b"last")
    bench.corked.close()
    assert (bench.below.calls, bench.below.is_closed) == ([(b"last",)], True)
    bench.loop.turn()
    assert len(bench.below.calls) == 1


def test_what_is_held_back_is_dropped_with_a_connection_that_is_cut() -> None:
    bench = Bench()
    bench.corked.write(b"last")
    bench.corked.abort()
    bench.loop.turn()
    assert (bench.below.calls, bench.corked.is_closing()) == ([], True)


def test_all_else_is_the_transport_below() -> None:
    assert Bench().corked.get_write_buffer_size() == 7
