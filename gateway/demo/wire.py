"""The wire under an answer, and what goes wrong on it: bytes that no HTTP server would send, and ends without one.

Needs the server of the sandbox, which hands the connection to the application; knows nothing of planes.
"""

import asyncio
import socket
import struct
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.demo.effects import Effect, Troubled

_EXTENSION = "sandbox.wire"
# On, for no time at all: closing sends a reset and drops what was not sent yet.
_NO_LINGER = struct.pack("ii", 1, 0)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_BOMB_HEADERS = 20_000


class NoWireError(Exception):
    """The application is not served by the server of the sandbox, so nothing can go wrong below HTTP."""


class WiredProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which hands its connection to the application as well."""

    def on_message_begin(self) -> None:
        """Put the connection into the scope of the request that begins."""
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: cast(Any, self.transport)}


def _wire_of(call: Troubled) -> asyncio.Transport:
    wire = call.scope.get("extensions", {}).get(_EXTENSION)
    if wire is None:
        raise NoWireError("Serve the sandbox by `python -m gateway sandbox`.")
    return cast(asyncio.Transport, wire)


async def _reset(call: Troubled) -> None:
    await _break_off(call)


async def _reset_body(call: Troubled) -> None:
    wire, body = _wire_of(call), (await call.good_answer()).body
    wire.write(_head(len(body)) + body[: len(body) // 2])
    # What was written must have left: a reset overtakes it.
    await call.sleep(0.05)
    await _break_off(call)


async def _truncated(call: Troubled) -> None:
    wire, body = _wire_of(call), (await call.good_answer()).body
    wire.write(_head(len(body)) + body[: len(body) // 2])
    wire.close()
    await call.abandoned()


async def _wrong_length(call: Troubled) -> None:
    """Announce less than comes: the rest lies on the connection as if it were the next answer."""
    wire, body = _wire_of(call), (await call.good_answer()).body
    wire.write(_head(len(body) // 2) + body)
    await call.abandoned()


async def _header_bomb(call: Troubled) -> None:
    wire = _wire_of(call)
    wire.write(_HEAD + b"".join(b"X-Part-%d: %s\r\n" % (part, b"x" * 100) for part in range(_BOMB_HEADERS)))
    await call.abandoned()


async def _break_off(call: Troubled) -> None:
    wire = _wire_of(call)
    connection = cast(socket.socket, wire.get_extra_info("socket"))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    wire.abort()
    await call.abandoned()


def _head(length: int) -> bytes:
    return _HEAD + b"Content-Length: %d\r\n\r\n" % length


WIRE_EFFECTS: dict[str, Effect] = {
    "reset": _reset,
    "reset_body": _reset_body,
    "truncated": _truncated,
    "wrong_length": _wrong_length,
    "header_bomb": _header_bomb,
}
