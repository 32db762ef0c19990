"""The caller: whose entries are whose, what he may see, what goes upstream for him. Shows a credential to nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Protocol

from gateway.auth.rights import Rights

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Caller:
    """
    Somebody with a credential.

    `scope` stands in keys and grants for whoever sees the same: a keyed hash, so it reveals nothing and means nothing
    to another process. `headers` go upstream with every read made for this caller. `rights` are our own rule; without
    any GES decides, by those headers. `own_name` tells callers of one scope apart where each has bounds of his own.
    """

    scope: str
    headers: Mapping[str, str] = field(repr=False)
    rights: Rights | None = None
    own_name: str = ""

    @property
    def name(self) -> str:
        """Whose bounds his operations count against."""
        return self.own_name or self.scope


class Callers(Protocol):
    """How a mode tells who is calling by the headers of a request. Both ways give None without a credential."""

    def known(self, headers: Headers) -> Caller | None:
        """Return who is calling if that can be told at once, None otherwise. Raises what `read` raises."""

    async def read(self, headers: Headers) -> Caller | None:
        """
        Return who is calling, asking for keys where that is needed.

        Raises BadUserInputError for what cannot be a credential, UnauthenticatedError for one that is not accepted,
        another UpstreamError when that cannot be told now.
        """


def scope_of(credential: str, secret: bytes) -> str:
    """Return the keyed hash that stands for a credential."""
    return blake2b(credential.encode(), key=secret, digest_size=32).hexdigest()
