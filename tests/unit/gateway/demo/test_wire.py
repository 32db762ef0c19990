"""What goes wrong on the wire, seen by a client that reads raw bytes from the server of the sandbox."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from gateway.demo.simulator import create_sandbox
from gateway.demo.wire import WIRE_EFFECTS, NoWireError
from tests.support_served import served

pytestmark = pytest.mark.anyio
_TARGET = "/v2/0f3c9a1e5b7d4c2688a0e1f2d3c4b5a6/graphs"
_END_OF_HEAD = b"\r\n\r\n"


@dataclass
class Heard:
    """What came before the connection ended, and how it ended."""

    head: bytes
    body: bytes
    was_reset: bool


@pytest.fixture
async def ges() -> AsyncIterator[tuple[Starlette, int]]:
    """Serve a sandbox as its command does."""
    sandbox = create_sandbox()
    async with served(sandbox, wired=True) as origin:
        yield sandbox, urlsplit(origin).port or 0


async def hear(ges: tuple[Starlette, int], kind: str | None, *, most: int = 10_000_000) -> Heard:
    """Ask while there is this trouble, and read until the connection ends or this much has come."""
    sandbox, port = ges
    sandbox.state.trouble.set({"management": kind and {"kind": kind}})
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    closing = "" if kind else "Connection: close\r\n"
    writer.write(f"GET {_TARGET} HTTP/1.1\r\nHost: ges\r\nX-Auth-Token: sandbox-token-all\r\n{closing}\r\n".encode())
    content, was_reset = b"", False
    try:
        async with asyncio.timeout(5):
            while len(content) < most and (chunk := await reader.read(65_536)):
                content += chunk
    except ConnectionResetError:
        was_reset = True
    writer.close()
    head, _, body = content.partition(_END_OF_HEAD)
    return Heard(head, body, was_reset)


def announced(heard: Heard) -> int:
    """Return the length that the head tells."""
    return int(heard.head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])


async def test_a_reset_comes_instead_of_an_answer(ges: tuple[Starlette, int]) -> None:
    """Not a byte, and no orderly end."""
    assert await hear(ges, "reset") == Heard(b"", b"", was_reset=True)


async def test_a_reset_comes_in_the_middle(ges: tuple[Starlette, int]) -> None:
    """Half the body is there already."""
    heard = await hear(ges, "reset_body")
    assert (heard.was_reset, len(heard.body)) == (True, announced(heard) // 2)


async def test_a_body_ends_before_its_length(ges: tuple[Starlette, int]) -> None:
    """In good order, as far as the connection tells."""
    heard = await hear(ges, "truncated")
    assert (heard.was_reset, len(heard.body)) == (False, announced(heard) // 2)


async def test_a_body_goes_on_behind_its_length(ges: tuple[Starlette, int]) -> None:
    """The rest would be taken for the next answer."""
    whole = (await hear(ges, None)).body
    heard = await hear(ges, "wrong_length", most=len(whole))
    assert (heard.body, announced(heard)) == (whole, len(whole) // 2)


async def test_headers_without_end_are_more_than_anybody_should_take(ges: tuple[Starlette, int]) -> None:
    """Two megabytes, and the body has not begun."""
    heard = await hear(ges, "header_bomb", most=2_000_000)
    assert (len(heard.head) >= 2_000_000, heard.body) == (True, b"")


@pytest.mark.parametrize("kind", WIRE_EFFECTS)
async def test_without_the_server_of_the_sandbox_it_says_so(kind: str) -> None:
    """Rather than answer well."""
    sandbox = create_sandbox()
    sandbox.state.trouble.set({"management": {"kind": kind}})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    sent: list[int | None] = []

    async def send(message: Message) -> None:
        sent.append(message.get("status"))

    scope = {"type": "http", "method": "GET", "path": _TARGET, "query_string": b"", "headers": []}
    with pytest.raises(NoWireError):
        await sandbox(scope, receive, send)
    assert sent[0] == 500
