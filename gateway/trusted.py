"""Trusted documents: those that were agreed on before, by id and by text, from the file that a client's tools write."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from gateway.settings import SettingsError

_FORMS = (
    "It must be a JSON object of documents by id, as graphql-codegen and Relay write it, "
    "or Apollo's persisted query manifest of version 1"
)


class Trusted:
    """The documents that may be asked for by id; each also by the SHA-256 of its text, and by its very text."""

    def __init__(self, documents: Mapping[str, str] | None = None, others: Iterable[str] = ()) -> None:
        self._texts = frozenset((*(documents or {}).values(), *others))
        self._by_id = {hashlib.sha256(text.encode()).hexdigest(): text for text in self._texts}
        self._by_id.update(documents or {})

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, text: str) -> bool:
        return text in self._texts

    def get(self, id: str) -> str | None:
        """Return the text of a document."""
        return self._by_id.get(id)


def read_trusted(path: Path, others: Iterable[str] = ()) -> Trusted:
    """Return the documents in a file, and others. Raises SettingsError, which says what the file should be."""
    try:
        content = msgspec.json.decode(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: cannot be read as JSON ({type(error).__name__}).") from error
    documents = dict(_documents(content))
    if not documents or not all(isinstance(part, str) and part for pair in documents.items() for part in pair):
        raise SettingsError(f"{path}: holds no trusted documents. {_FORMS}.")
    return Trusted(documents, others)


def _documents(content: Any) -> Iterable[tuple[Any, Any]]:
    match content:
        case {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [*operations]}:
            entries = [entry if isinstance(entry, dict) else {} for entry in operations]
            return [(entry.get("id"), entry.get("body")) for entry in entries]
        case dict():
            return content.items()
        case _:
            return ()
