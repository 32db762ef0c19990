"""Bounded work: how many pass, what the next is told, and when a turn ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from gateway.overload import Overload
from gateway.seats import Seats

pytestmark = pytest.mark.anyio


class Held:
    """An application that answers when it is told to, in the type it was given."""

    def __init__(self, media_type: str = "application/json") -> None:
        self.let_go = asyncio.Event()
        self.entered = asyncio.Semaphore(0)
        self.media_type = media_type
        self.begin_early = media_type != "application/json"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"vary", b"Accept"), (b"content-type", self.media_type.encode())],
        }
        if self.begin_early:
            await send(start)
        self.entered.release()
        await self.let_go.wait()
        if not self.begin_early:
            await send(start)
        await send({"type": "http.response.body", "body": b"{}"})


def a_bound(count: int) -> Seats:
    return Seats("operations", maximum=count, per_caller=count)


def asking(overload: Overload) -> Callable[[], Awaitable[httpx.Response]]:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(overload), base_url="http://gateway") as client:
            return await client.post("/graphql", json={"query": "{ __typename }"})

    return ask


async def test_the_next_is_told_to_come_back() -> None:
    """Two pass, the third is refused without waiting for them, and takes nobody's turn."""
    app = Held()
    overload = Overload(app, seats := a_bound(2))
    ask = asking(overload)
    first, second = asyncio.ensure_future(ask()), asyncio.ensure_future(ask())
    await app.entered.acquire()
    await app.entered.acquire()
    refused = await ask()
    (entry,) = refused.json()["errors"]
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert entry["extensions"] == {"code": "OVERLOADED", "retryable": True, "retryAfterSeconds": 1, "requestId": ""}
    assert "data" not in refused.json()
    assert seats.taken == 2
    app.let_go.set()
    assert [(await first).status_code, (await second).status_code] == [200, 200]
    assert seats.taken == 0
    assert (await ask()).status_code == 200


async def test_a_request_that_fails_or_is_given_up_ends_its_turn() -> None:
    """Otherwise every defect would shrink the gateway for ever."""

    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    overload = Overload(fail, seats := a_bound(1))
    with pytest.raises(RuntimeError):
        await asking(overload)()
    assert seats.taken == 0
    held = Held()
    overload = Overload(held, seats := a_bound(1))
    leaving = asyncio.ensure_future(asking(overload)())
    await held.entered.acquire()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert seats.taken == 0


@pytest.mark.parametrize("media_type", ["text/event-stream", 'multipart/mixed; boundary="graphql"'])
async def test_a_stream_that_has_begun_takes_no_turn(media_type: str) -> None:
    """It may last for hours, and whoever counts streams counts it."""
    app = Held(media_type)
    overload = Overload(app, seats := a_bound(1))
    stream = asyncio.ensure_future(asking(overload)())
    await app.entered.acquire()
    assert seats.taken == 0
    app.let_go.set()
    assert (await stream).status_code == 200
    assert seats.taken == 0


async def test_only_requests_are_counted() -> None:
    """Sockets pass, whatever is under way."""
    seen: list[Any] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nothing(message: Message | None = None) -> Message:
        return {}

    await Overload(note, 0)({"type": "websocket"}, nothing, nothing)  # type: ignore[arg-type]
    assert seen == ["websocket"]
