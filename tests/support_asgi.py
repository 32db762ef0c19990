"""Requests straight into an application, without a server: for clients that read slowly, or leave. Knows no paths."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

import httpx

PIECE_BYTES = 64 * 1024


class Call:
    """One request and what came of it; `send` may be replaced to read slowly or not at all."""

    def __init__(
        self, method: str, path: str, headers: Mapping[str, str], *, query: str = "", content: bytes = b""
    ) -> None:
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        self.request = [{"type": "http.request", "body": content, "more_body": False}]
        self.gone = asyncio.Event()
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        """Give the request, then nothing until the client is gone."""
        if self.request:
            return self.request.pop()
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Take what is answered."""
        self.sent.append(message)

    async def answered(self, app: Any) -> Self:
        """Let the application answer."""
        await app(self.scope, self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def content(self) -> bytes:
        """The body, as far as it came."""
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def is_finished(self) -> bool:
        """Whether the answer came to its end."""
        return self.sent[-1]["type"] == "http.response.body" and not self.sent[-1].get("more_body", False)

    @property
    def error(self) -> dict[str, Any]:
        """The extensions of the one error in the answer."""
        (error,) = json.loads(self.content)["errors"]
        return dict(error["extensions"])


class Pieces(httpx.AsyncByteStream):
    """A body in pieces, counting how many were taken and whether it was closed; may break off behind some."""

    def __init__(self, content: bytes, breaks_at: int | None = None) -> None:
        self.content = content
        self.breaks_at = breaks_at
        self.taken_bytes = 0
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), PIECE_BYTES):
            if self.breaks_at is not None and start >= self.breaks_at:
                raise httpx.ReadError("broken off")
            piece = self.content[start : start + PIECE_BYTES]
            self.taken_bytes += len(piece)
            yield piece

    async def aclose(self) -> None:
        """Note it."""
        self.is_closed = True
