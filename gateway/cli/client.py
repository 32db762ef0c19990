"""A client of the gateway: operations, events, downloads. Knows HTTP and no command, prints nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import httpx

from gateway.planes.transport import AiohttpTransport, TLSOptions

ENDPOINT = "/graphql"
_CONNECT_SECONDS = 10.0
# Longer than the longest pause between two signs of life, and than what the gateway allows itself beside a wait.
_QUIET_SECONDS = 30.0


class AskError(Exception):
    """The gateway could not be asked, or refused; the text is for people."""

    def __init__(self, message: str, code: str = "", *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Download:
    """A file on its way: how many rows the whole has, when that is known, and its bytes."""

    total: int | None
    pieces: AsyncIterator[bytes]


class GatewayClient:
    """Asks one gateway on behalf of one caller. Use it as a context manager."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None,
        project: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        try:
            self._url = _endpoint(url)
        except httpx.InvalidURL as error:
            raise AskError(f"This is no address: {error}.") from None
        headers = {"X-Auth-Token": token, "X-Project-Id": project, "User-Agent": "ges-gateway"}
        self._client = httpx.AsyncClient(
            transport=transport or AiohttpTransport(tls=TLSOptions(), connections=2),
            headers={name: value for name, value in headers.items() if value},
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def ask(self, query: str, variables: Mapping[str, Any], wait_seconds: float = 0) -> Any:
        """Run a query of one root field and return that. Raises AskError when there is none."""
        async with self._sent("POST", self._url, _QUIET_SECONDS + wait_seconds, query, variables) as response:
            await response.aread()
            return _field(_read(response))

    async def events(self, query: str, variables: Mapping[str, Any]) -> AsyncIterator[Any]:
        """Give what a subscription of one root field tells, as server-sent events. Raises AskError."""
        async with self._sent(
            "POST", self._url, _QUIET_SECONDS, query, variables, accept="text/event-stream"
        ) as response:
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                await response.aread()
                _field(_read(response))
            kind = ""
            async for line in response.aiter_lines():
                name, _, text = line.partition(": ")
                if name == "event":
                    kind = text
                elif name == "data" and kind == "next":
                    yield _field(json.loads(text))
                if name == "event" and kind == "complete":
                    return

    @asynccontextmanager
    async def download(self, path: str, parameters: Mapping[str, str]) -> AsyncIterator[Download]:
        """Open a download, whose path is relative to the endpoint. Raises AskError, also when it is cut off."""
        url = self._url.join(path).copy_merge_params(dict(parameters))
        async with self._sent("GET", url, _QUIET_SECONDS) as response:
            if response.status_code != httpx.codes.OK:
                await response.aread()
                _field(_read(response))
            total = response.headers.get("x-total-count", "")
            yield Download(int(total) if total.isdecimal() else None, response.aiter_bytes())

    @asynccontextmanager
    async def _sent(
        self,
        method: str,
        url: httpx.URL,
        quiet_seconds: float,
        query: str | None = None,
        variables: Mapping[str, Any] | None = None,
        accept: str = "application/json",
    ) -> AsyncIterator[httpx.Response]:
        body = None if query is None else {"query": query, "variables": variables}
        timeout = httpx.Timeout(quiet_seconds, connect=_CONNECT_SECONDS)
        try:
            async with self._client.stream(
                method, url, json=body, headers={"Accept": accept}, timeout=timeout
            ) as response:
                yield response
        except httpx.RequestError as error:
            raise AskError(f"The gateway does not answer: {error or type(error).__name__}.", retryable=True) from None


def _endpoint(url: str) -> httpx.URL:
    """Return the address of the endpoint; a server or a folder stands for the one in it."""
    read = httpx.URL(url)
    if read.scheme not in ("http", "https") or not read.host:
        raise httpx.InvalidURL("it must begin with http:// or https://")
    path = read.path.rstrip("/")
    return read.copy_with(path=path if path.endswith(ENDPOINT) else path + ENDPOINT)


def _read(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        raise AskError(f"Status {response.status_code}, and no JSON: this is no gateway.") from None


def _field(answer: Any) -> Any:
    data = answer.get("data") if isinstance(answer, dict) else None
    value = next(iter(data.values()), None) if isinstance(data, dict) else None
    if value is None:
        errors = (answer.get("errors") if isinstance(answer, dict) else None) or [{}]
        extensions = errors[0].get("extensions", {})
        raise AskError(
            errors[0].get("message", "The gateway gave no answer."),
            extensions.get("code", ""),
            retryable=bool(extensions.get("retryable")) or extensions.get("code") == "OVERLOADED",
        )
    return value
