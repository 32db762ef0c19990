"""The caller: whose entries are whose, and what goes upstream in his name. Shows a credential to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Caller:
    """
    Somebody with a credential.

    `scope` stands for the credential in keys, grants and metrics: a keyed hash, so it reveals nothing and means
    nothing to another process. `headers` go upstream with every read made for this caller.
    """

    scope: str
    headers: Mapping[str, str] = field(repr=False)


def scope_of(credential: str, secret: bytes) -> str:
    """Return the keyed hash that stands for a credential."""
    return blake2b(credential.encode(), key=secret, digest_size=32).hexdigest()
