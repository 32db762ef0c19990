"""The mode `passthrough`: the caller's own IAM token goes upstream unchanged, and GES decides what it may see."""

from __future__ import annotations

from gateway.auth.caller import Caller, Headers, scope_of
from gateway.auth.credential import read_credential


class TokenBearers:
    """Callers of this mode: whoever bears a token. Whether it is one, only GES can tell."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def known(self, headers: Headers) -> Caller | None:
        """Return who is calling, None without a token."""
        token = read_credential(headers)
        return None if token is None else Caller(scope_of(token, self._secret), {"X-Auth-Token": token})

    async def read(self, headers: Headers) -> Caller | None:
        """Return who is calling, None without a token."""
        return self.known(headers)
