"""
Who may ask in the mode `service-account`: whoever shows an API key or a JWT that opens graphs, or anyone from this
machine alone. GES sees one account for all of them, so callers with equal rights are one scope.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from gateway.auth.api_keys import ApiKeys, KeyFile
from gateway.auth.caller import Caller, Headers, scope_of
from gateway.auth.credential import read_credential
from gateway.auth.rights import EVERY_GRAPH, Rights
from schema.errors import ForbiddenError, UnauthenticatedError

if TYPE_CHECKING:
    from gateway.auth.jwt import Bearer, Jwts

_MOST_CALLERS = 10_000
_LOCALHOST = "localhost"


class Gatekeeper:
    """Callers who show that they may ask. `project` is the one the account reads."""

    def __init__(
        self, project: str, secret: bytes, *, keys: ApiKeys | KeyFile | None = None, jwts: Jwts | None = None
    ) -> None:
        self._keys = keys
        self._jwts = jwts
        # Asked for every request, and the same for the same credential.
        self._caller = lru_cache(maxsize=_MOST_CALLERS)(partial(caller_with, project=project, secret=secret))

    def known(self, headers: Headers) -> Caller | None:
        """Return who is calling when no key of an issuer has to be asked for."""
        credential = read_credential(headers)
        if credential is None:
            return None
        if self._jwts is not None and self._jwts.takes(credential):
            bearer = self._jwts.known(credential)
            return None if bearer is None else self._bearer(bearer)
        return self._holder(credential)

    async def read(self, headers: Headers) -> Caller | None:
        """Return who is calling. Raises UnauthenticatedError for a credential that is not accepted."""
        credential = read_credential(headers)
        if credential is None:
            return None
        if self._jwts is not None and self._jwts.takes(credential):
            return self._bearer(await self._jwts.verify(credential))
        return self._holder(credential)

    def _holder(self, credential: str) -> Caller:
        entry = self._keys.find(credential) if self._keys is not None else None
        if entry is None:
            raise UnauthenticatedError("The credential is not one that this gateway accepts.")
        return self._caller(tuple(entry.graphs), name=f"key {entry.name}")

    def _bearer(self, bearer: Bearer) -> Caller:
        return self._caller(bearer.graphs, name=f"jwt {bearer.name}")


class Anyone:
    """Everybody on this machine, whatever they show; only where the gateway listens on loopback."""

    def __init__(self, project: str, secret: bytes) -> None:
        self._caller = caller_with([EVERY_GRAPH], project, "anyone", secret)

    def known(self, headers: Headers) -> Caller | None:
        """
        Return who is calling. Raises ForbiddenError when it was called by another name than that of this machine.

        A page whose own name was made to lead here could read everything otherwise.
        """
        hosts = [value.decode("latin-1") for name, value in headers if name.lower() == b"host"]
        if len(hosts) != 1 or not _is_loopback(hosts[0]):
            raise ForbiddenError("Without credentials this gateway answers to localhost only.")
        return self._caller

    async def read(self, headers: Headers) -> Caller | None:
        """Return who is calling."""
        return self.known(headers)


def caller_with(graphs: Iterable[str], project: str, name: str, secret: bytes) -> Caller:
    """Return a caller who sends nothing upstream: whoever has equal rights shares everything with him but bounds."""
    rights = Rights.to(graphs, project)
    return Caller(scope_of(f"rights {rights.text()}", secret), {}, rights, scope_of(name, secret))


def _is_loopback(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    try:
        return name.lower() == _LOCALHOST or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
