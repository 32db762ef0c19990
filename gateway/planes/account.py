"""
Reads sent for the gateway's own account: its credential is added to each, and one that GES refuses is renewed once.

Knows not what the credential is. What the caller sent with his request to the gateway is not here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.planes.faults import refuses_credential
from gateway.planes.guard import Guard
from gateway.planes.intake import Sink
from gateway.planes.read import Body, Read
from schema.errors import UpstreamTimeoutError
from schema.plane import Plane


class Account(Protocol):
    """What gives the credentials."""

    async def headers(self, plane: Plane, url: str) -> Mapping[str, str]:
        """Return the headers that open this URL of a plane for a GET. Raises UpstreamError when there are none."""

    def refused(self, headers: Mapping[str, str]) -> bool:
        """Take note that GES did not accept these headers; return whether others are worth another try."""


class OnAccount:
    """Sends the reads of one plane through its guard, each with the account's credential."""

    def __init__(self, guard: Guard, account: Account, monotonic: Callable[[], float]) -> None:
        self.breakers = guard.breakers
        self._guard = guard
        self._account = account
        self._monotonic = monotonic

    async def fetch(
        self,
        read: Read,
        *,
        origin: str,
        headers: Mapping[str, str],
        timeout_seconds: float,
        sink: Sink | None = None,
    ) -> Body:
        """Ask GES as `Guard.fetch` does, and raise what that raises; `timeout_seconds` include getting a credential."""
        ends_at = self._monotonic() + timeout_seconds
        own = await self._own(read, origin, timeout_seconds)
        body = await self._send(read, origin, {**headers, **own}, ends_at, sink)
        # A body that was passed on to the sink was a good one.
        if not refuses_credential(body) or not self._account.refused(own):
            return body
        own = await self._own(read, origin, ends_at - self._monotonic())
        return await self._send(read, origin, {**headers, **own}, ends_at, sink)

    async def _own(self, read: Read, origin: str, seconds: float) -> Mapping[str, str]:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                return await self._account.headers(read.plane, origin.rstrip("/") + read.target)
        except TimeoutError as error:
            raise UpstreamTimeoutError("The gateway got no credential in time.", plane=read.plane) from error

    async def _send(
        self, read: Read, origin: str, headers: Mapping[str, str], ends_at: float, sink: Sink | None
    ) -> Body:
        left = ends_at - self._monotonic()
        return await self._guard.fetch(read, origin=origin, headers=headers, timeout_seconds=left, sink=sink)
