"""API keys: made here, kept by their users, known to the gateway by their hashes alone. Knows no request."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.auth.rights import EVERY_GRAPH
from gateway.settings import PREFIX, SettingsError
from gateway.telemetry import Event, log

# So that people and scanners of leaked secrets know what they have before them.
_START = "gesk_"
_KEY_BYTES = 32
_HASH = "sha256:"
# A key that is taken out of the file opens things for so long at most.
_LOOK_SECONDS = 5.0
_SETTING = f"{PREFIX}API_KEYS_FILE"


class Entry(msgspec.Struct, frozen=True):
    """One key as the file holds it: whose it is, the hash of it, and the graphs it opens."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    # A key is as random as its hash, so nothing is won by a slow one, and every request pays for it.
    hash: Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
    graphs: Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1)]


class _File(msgspec.Struct):
    keys: Annotated[list[Entry], Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. Its text is nowhere else."""

    text: str
    entry: Entry


class ApiKeys:
    """The keys that are accepted."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        # Under a hash of the hash that nobody outside can know, so the time of a look-up tells nothing of any key.
        self._secret = secrets.token_bytes(32)
        self._entries = {self._place(entry.hash): entry for entry in entries}

    def find(self, text: str) -> Entry | None:
        """Return the entry of a key, None when there is none."""
        hash = hash_of(text)
        entry = self._entries.get(self._place(hash))
        return entry if entry is not None and hmac.compare_digest(entry.hash, hash) else None

    def _place(self, hash: str) -> bytes:
        return hmac.digest(self._secret, hash.encode(), "sha256")


class KeyFile:
    """The keys of a file, read again when it changes; a change that cannot be read is told, and changes nothing."""

    def __init__(self, path: Path, monotonic: Callable[[], float]) -> None:
        self._path = path
        self._monotonic = monotonic
        self._look_at = monotonic() + _LOOK_SECONDS
        # Before it is read: what changes in between is seen at the next look.
        self._stamp = _stamp(path)
        self._keys = ApiKeys(read_entries(path))

    def find(self, text: str) -> Entry | None:
        """Return the entry of a key, None when there is none."""
        now = self._monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            self._look()
        return self._keys.find(text)

    def _look(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = ApiKeys(read_entries(self._path))
        except SettingsError as error:
            log.warning(Event.ACCOUNT_FAILED, what="api_keys", cause=str(error))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def hash_of(text: str) -> str:
    """Return what the file holds of a key."""
    return _HASH + hashlib.sha256(text.encode()).hexdigest()


def make_key(name: str, graphs: Sequence[str] = (EVERY_GRAPH,)) -> NewKey:
    """Make a key that nobody can guess."""
    text = _START + secrets.token_urlsafe(_KEY_BYTES)
    return NewKey(text, Entry(name, hash_of(text), list(graphs)))


def read_entries(path: Path) -> list[Entry]:
    """Return the keys of a file. Raises SettingsError that says where it is wrong and quotes none of it."""
    try:
        entries = msgspec.json.decode(path.read_bytes(), type=_File).keys
    except OSError as error:
        raise SettingsError(f"{_SETTING}: the file cannot be read ({error.strerror}).") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # What msgspec says of shapes names members and types, never what stood there.
        where = str(error) if isinstance(error, msgspec.ValidationError) else "it is not JSON"
        raise SettingsError(f"{_SETTING}: {where}.") from None
    for what, values in (("name", [entry.name for entry in entries]), ("hash", [entry.hash for entry in entries])):
        if len(set(values)) != len(values):
            raise SettingsError(f"{_SETTING}: two keys have the same {what}.")
    return entries
