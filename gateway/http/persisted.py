"""
Documents that clients name instead of sending them: by the hash of their text, or by an id that was agreed on before.

What clients store here is in the cache's own interface, so that several gateways can share it. Runs nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.cache.store import Store
from gateway.http.request import GraphQLRequest
from gateway.trusted import Trusted
from schema.errors import (
    BadUserInputError,
    DocumentNotFoundError,
    DocumentNotTrustedError,
    DocumentsNotStoredError,
)

_HASH = re.compile(r"[0-9a-f]{64}")
_KEPT_SECONDS = 24 * 3600.0
_VERSION = 1
_MALFORMED = "`extensions.persistedQuery` must have `version` 1 and `sha256Hash`, 64 hexadecimal digits."
_ANOTHER = "`extensions.persistedQuery.sha256Hash` is not the SHA-256 of `query`."


class Found(NamedTuple):
    """The text of a document, and the hash under which it is to be kept once it is known to be valid."""

    text: str
    keep_as: str | None = None


class PersistedDocuments:
    """
    Finds the text of what was asked.

    Without a `store` clients can store nothing. With `only_trusted`, other documents than those are refused, however
    they are asked for.
    """

    def __init__(
        self, store: Store | None = None, trusted: Trusted | None = None, *, only_trusted: bool = False
    ) -> None:
        self._store = None if only_trusted else store
        self._trusted = trusted or Trusted()
        self._only_trusted = only_trusted

    async def find(self, asked: GraphQLRequest) -> Found:
        """Return the document. Raises GatewayError when it is not known, not trusted, or not named properly."""
        if asked.query is None:
            return Found(await self._named(asked))
        if self._only_trusted and asked.query not in self._trusted:
            raise DocumentNotTrustedError
        if self._store is None or asked.persisted is None:
            return Found(asked.query)
        named = _hash(asked.persisted)
        if named != _digest(asked.query):
            raise BadUserInputError(_ANOTHER)
        return Found(asked.query, named)

    async def keep(self, found: Found) -> None:
        """Keep a document that is valid, if that was wished; for a day, or until room is needed."""
        if found.keep_as is not None and self._store is not None:
            await self._store.put_piece(_key(found.keep_as), found.text.encode(), _KEPT_SECONDS)

    async def _named(self, asked: GraphQLRequest) -> str:
        name = asked.document_id or _name(asked.persisted or {})
        id = name.removeprefix("sha256:")
        # The file may hold such a name itself, as graphql-codegen writes them, whatever it is the hash of.
        text = self._trusted.get(name) or self._trusted.get(id)
        if text is not None:
            return text
        if self._only_trusted:
            raise DocumentNotTrustedError
        # The id of a trusted document may look like anything; that of a stored one is its hash.
        hash = id if asked.document_id else _hash(asked.persisted or {})
        if self._store is None:
            raise DocumentsNotStoredError
        stored = await self._store.get_piece(_key(hash))
        # Whoever else can write to a shared cache must not be able to choose what is run here.
        if stored is None or hashlib.sha256(stored).hexdigest() != hash:
            raise DocumentNotFoundError
        return stored.decode()


def _name(persisted: Mapping[str, Any]) -> str:
    name = persisted.get("sha256Hash")
    if persisted.get("version") != _VERSION or not isinstance(name, str):
        raise BadUserInputError(_MALFORMED)
    return name


def _hash(persisted: Mapping[str, Any]) -> str:
    hash = _name(persisted).lower()
    if not _HASH.fullmatch(hash):
        raise BadUserInputError(_MALFORMED)
    return hash


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _key(hash: str) -> tuple[str, ...]:
    return "document", hash
