"""One exchange with whoever issues or proves credentials: bounded in time and size. Follows nothing, shows nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered. Never shown: its headers or its body may be a credential."""

    status: int
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(repr=False)


class ExchangeError(Exception):
    """There was no answer that can be used; the text says why in a word or two and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Exchanges:
    """How such exchanges are made."""

    transport: httpx.AsyncBaseTransport
    user_agent: str
    seconds: float = 5.0
    max_bytes: int = 1024 * 1024

    async def get(self, url: str) -> Reply:
        """Ask for what is there. Raises ExchangeError."""
        return await self._exchange("GET", url, {"Accept": "application/json"})

    async def post(self, url: str, content: bytes) -> Reply:
        """Send JSON. Raises ExchangeError."""
        return await self._exchange(
            "POST", url, {"Accept": "application/json", "Content-Type": "application/json"}, content
        )

    async def _exchange(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None) -> Reply:
        said = {**headers, "Accept-Encoding": "identity", "User-Agent": self.user_agent}
        cause = "nothing"
        try:
            async with asyncio.timeout(self.seconds):
                return await self._receive(httpx.Request(method, url, headers=said, content=content))
        except TimeoutError:
            cause = "Timeout"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            cause = type(error).__name__
        # Raised here: the error that was met may hold the request, and with it a password.
        raise ExchangeError(cause)

    async def _receive(self, request: httpx.Request) -> Reply:
        response = await self.transport.handle_async_request(request)
        stream = response.stream
        if not isinstance(stream, httpx.AsyncByteStream):
            raise TypeError("the transport gave a body that cannot be awaited")
        content = b""
        try:
            async for chunk in stream:
                content += chunk
                if len(content) > self.max_bytes:
                    raise httpx.DecodingError("too large")
        finally:
            await response.aclose()
        return Reply(response.status_code, response.headers, content)
