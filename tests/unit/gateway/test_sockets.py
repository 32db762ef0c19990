"""Sockets whose clients have gone, at the seam of ASGI; what clients meet is tested over real connections."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Scope

from gateway.metrics import Metrics
from gateway.seats import Seats
from gateway.sockets import Sockets

pytestmark = pytest.mark.anyio
NOTHING: Any = None


def sockets(seats: Seats) -> Sockets:
    return Sockets(
        NOTHING, NOTHING, open_context=NOTHING, ending=asyncio.Event(), seats=seats, metrics=Metrics(), init_seconds=60
    )


def a_scope(*protocols: str) -> Scope:
    return {"type": "websocket", "headers": [], "subprotocols": protocols, "state": {}, "path": "/graphql"}


@pytest.mark.parametrize("protocols", [("graphql-transport-ws",), ("graphql-ws",)])
@pytest.mark.parametrize("breaks_at", ["websocket.accept", "websocket.close", "websocket.send"])
async def test_a_client_that_has_gone_is_no_defect(protocols: tuple[str, ...], breaks_at: str) -> None:
    """Wherever that is noticed; its place is free again."""
    seats = Seats("sockets", maximum=1, per_caller=1)
    said = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": '{"type":"connection_init"}'}]
    said.append({"type": "websocket.receive", "text": "no JSON"})

    async def receive() -> Message:
        return said.pop(0)

    async def send(message: Message) -> None:
        if message["type"] == breaks_at:
            raise OSError

    await sockets(seats)(a_scope(*protocols), receive, send)
    assert seats.taken == 0
