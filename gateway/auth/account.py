"""The gateway's own account at GES: what a read to each plane is sent with, and what to do when GES refuses that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from gateway.auth.keeper import Keeper
from gateway.auth.signing import Signer
from schema.errors import PlaneUnavailableError
from schema.plane import Plane

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_TOKEN = "X-Auth-Token"  # noqa: S105 -- the name of a header


class Account:
    """
    Signs reads of the management plane with an access key, and gives tokens to all others.

    With either of the two missing, the other serves what it can: tokens serve both planes, a signature only one.
    """

    def __init__(
        self, now: Callable[[], datetime], *, keeper: Keeper | None = None, signer: Signer | None = None
    ) -> None:
        self._now = now
        self._keeper = keeper
        self._signer = signer

    async def headers(self, plane: Plane, url: str) -> Mapping[str, str]:
        """Return the headers that open this URL of a plane for a GET. Raises UpstreamError when there are none."""
        if plane is Plane.MANAGEMENT and self._signer is not None:
            return self._signed(self._signer, url)
        if self._keeper is not None:
            return {_TOKEN: await self._keeper.token()}
        raise PlaneUnavailableError(
            "The service plane takes tokens only, and this gateway has an access key alone: "
            "its operator must give it a user of IAM as well.",
            plane=plane,
            retryable=False,
        )

    def refused(self, headers: Mapping[str, str]) -> bool:
        """Take note that GES did not accept these headers; return whether others are worth another try."""
        # A signature that is refused once is refused again.
        return self._keeper is not None and _TOKEN in headers and self._keeper.refused(headers[_TOKEN])

    async def close(self) -> None:
        """End what is under way."""
        if self._keeper is not None:
            await self._keeper.close()

    def _signed(self, signer: Signer, url: str) -> Mapping[str, str]:
        parts = urlsplit(url)
        host = parts.netloc.lower().removesuffix(_DEFAULT_PORTS.get(parts.scheme, ""))
        query = parse_qsl(parts.query, keep_blank_values=True)
        return signer.sign("GET", host, parts.path, query, now=self._now())
