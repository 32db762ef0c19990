"""
The in-process backend of the store: bytes by key, bounded in bytes and entries, the least recently used leaving first.

Speaks aiocache's interface and keeps that library's missing types to itself. Knows nothing of what the bytes mean.
"""

from __future__ import annotations

import heapq
import math
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from aiocache.base import SENTINEL, BaseCache
from aiocache.serializers import BaseSerializer

# Namespace and key stay apart, so that no spelling of one can be read as the other.
_Key = tuple[str, str]

# What CPython takes per entry beside key and value: tuples, floats, places in dict and heap, and one end out of date.
OVERHEAD_BYTES = 700
# A write removes at most so many expired entries, so that no single one pays for all.
_SWEEP = 64


class BytesSerializer(BaseSerializer):
    """Passes bytes as they are and refuses everything else: nobody can change, or unpickle, what is kept."""

    DEFAULT_ENCODING = None

    def dumps(self, value: object) -> bytes:
        """Return `value`; raise TypeError when it is not bytes."""
        return _checked(value)

    def loads(self, value: bytes | None) -> bytes | None:
        """Return what was kept."""
        return value


@dataclass(frozen=True, slots=True)
class _Kept:
    value: bytes
    size_bytes: int
    expires_at: float


class BoundedMemoryCache(BaseCache):
    """
    Keep bytes within `max_bytes`, counting keys, values and what Python adds to them.

    An entry ends when its `ttl` is over by `clock`; None keeps it until room is needed, zero or less keeps nothing.
    Expired entries make room before living ones. Not for several threads.
    """

    NAME = "bounded-memory"

    def __init__(
        self,
        *,
        max_bytes: int,
        max_entries: int = 250_000,
        clock: Callable[[], float] = time.monotonic,
        namespace: str | None = None,
        ttl: float | None = None,
        plugins: Sequence[object] = (),
    ) -> None:
        # No command here ever waits, and a time limit would cost more than the command.
        super().__init__(
            serializer=BytesSerializer(), timeout=None, namespace=namespace, ttl=ttl, plugins=list(plugins)
        )
        self.max_bytes = max_bytes
        self.max_entries = max_entries
        self.held_bytes = 0
        self.evictions = 0
        self.rejections = 0
        self._clock = clock
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        # When entries end, earliest first. May name entries replaced since; they are told apart by their time.
        self._ends: list[tuple[float, _Key]] = []

    async def get(self, key: object, default: Any = None, namespace: str | None = None, **options: Any) -> Any:
        """Do as aiocache's own, which takes ten times as long for what it leaves to plugins: there are none."""
        if self.plugins or options:
            return await super().get(key, default, namespace=namespace, **options)
        kept = await self._get(self._build_key(key, self.namespace if namespace is None else namespace))
        return default if kept is None else kept

    async def set(
        self, key: object, value: object, ttl: Any = SENTINEL, namespace: str | None = None, **options: Any
    ) -> Any:
        """Do as aiocache's own, in less time; see `get`."""
        if self.plugins or options:
            return await super().set(key, value, ttl, namespace=namespace, **options)
        return await self._set(
            self._build_key(key, self.namespace if namespace is None else namespace),
            _checked(value),
            self._get_ttl(ttl),
        )

    @property
    def held_entries(self) -> int:
        """How many entries are held, expired ones that nobody has met yet included."""
        return len(self._kept)

    def _build_key(self, key: object, namespace: str | None = None) -> _Key:
        return namespace or "", str(key.value if isinstance(key, Enum) else key)

    async def _get(self, key: _Key, encoding: str | None = None, _conn: Any = None) -> bytes | None:
        kept = self._find(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return kept.value

    async def _gets(self, key: _Key, encoding: str | None = None, _conn: Any = None) -> bytes | None:
        return await self._get(key)

    async def _multi_get(
        self, keys: Iterable[_Key], encoding: str | None = None, _conn: Any = None
    ) -> list[bytes | None]:
        return [await self._get(key) for key in keys]

    async def _set(
        self, key: _Key, value: bytes, ttl: float | None = None, _cas_token: bytes | None = None, _conn: Any = None
    ) -> bool:
        if _cas_token is not None:
            kept = self._find(key)
            if kept is None or kept.value != _cas_token:
                return False
        return self._put(key, value, self._end(ttl))

    async def _multi_set(
        self, pairs: Iterable[tuple[_Key, bytes]], ttl: float | None = None, _conn: Any = None
    ) -> bool:
        kept = [self._put(key, value, self._end(ttl)) for key, value in pairs]
        return all(kept)

    async def _add(self, key: _Key, value: bytes, ttl: float | None = None, _conn: Any = None) -> bool:
        if self._find(key) is not None:
            # The key is not named: errors end in logs.
            raise ValueError("The key already exists; use set to replace its value.")
        return self._put(key, value, self._end(ttl))

    async def _exists(self, key: _Key, _conn: Any = None) -> bool:
        return self._find(key) is not None

    async def _increment(self, key: _Key, delta: int, _conn: Any = None) -> int:
        kept = self._find(key)
        try:
            total = int(kept.value if kept else b"0") + delta
        except ValueError:
            raise TypeError("The value is not an integer.") from None
        self._put(key, b"%d" % total, kept.expires_at if kept else math.inf)
        return total

    async def _expire(self, key: _Key, ttl: float, _conn: Any = None) -> bool:
        kept = self._find(key)
        if kept is None:
            return False
        # aiocache's meaning of zero here, and only here: the entry no longer ends.
        return self._put(key, kept.value, self._end(ttl or None)) or ttl < 0

    async def _delete(self, key: _Key, _conn: Any = None) -> int:
        found = self._find(key) is not None
        self._drop(key)
        return int(found)

    async def _clear(self, namespace: str | None = None, _conn: Any = None) -> bool:
        chosen = self.namespace if namespace is None else namespace
        for key in [key for key in self._kept if not chosen or key[0] == chosen]:
            self._drop(key)
        self._tidy()
        return True

    async def _raw(
        self, command: str, *args: Any, encoding: str | None = None, _conn: Any = None, **kwargs: Any
    ) -> Any:
        # Only what reads: a raw write would pass by the bounds.
        commands: dict[str, Callable[..., Any]] = {"get": self._get, "exists": self._exists, "keys": self._keys}
        if command not in commands:
            raise ValueError(f"The memory cache answers no raw command but {', '.join(commands)}.")
        return await commands[command](*args, **kwargs)

    async def _close(self, *args: Any, _conn: Any = None, **kwargs: Any) -> None:
        self._kept.clear()
        self._ends.clear()
        self.held_bytes = 0

    async def _keys(self) -> list[_Key]:
        now = self._clock()
        return [key for key, kept in self._kept.items() if kept.expires_at > now]

    def _end(self, ttl: float | None) -> float:
        return math.inf if ttl is None else self._clock() + ttl

    def _find(self, key: _Key) -> _Kept | None:
        kept = self._kept.get(key)
        if kept is not None and kept.expires_at <= self._clock():
            self._drop(key)
            return None
        return kept

    def _put(self, key: _Key, value: bytes, expires_at: float) -> bool:
        size_bytes = _size_bytes(key, _checked(value))
        # Whatever happens to the new value, the old one is out of date.
        self._drop(key)
        if expires_at <= self._clock():
            return False
        if size_bytes > self.max_bytes:
            self.rejections += 1
            return False
        self._kept[key] = _Kept(value, size_bytes, expires_at)
        self.held_bytes += size_bytes
        if expires_at < math.inf:
            heapq.heappush(self._ends, (expires_at, key))
        self._make_room()
        return True

    def _make_room(self) -> None:
        self._sweep()
        while self.held_bytes > self.max_bytes or len(self._kept) > self.max_entries:
            _, kept = self._kept.popitem(last=False)
            self.held_bytes -= kept.size_bytes
            self.evictions += 1
        self._tidy()

    def _sweep(self) -> None:
        now = self._clock()
        for _ in range(_SWEEP):
            if not self._ends or self._ends[0][0] > now:
                return
            expires_at, key = heapq.heappop(self._ends)
            kept = self._kept.get(key)
            if kept is not None and kept.expires_at == expires_at:
                self._drop(key)

    def _tidy(self) -> None:
        # A key written again and again leaves its old ends behind.
        if len(self._ends) > 2 * len(self._kept) + _SWEEP:
            self._ends = [(kept.expires_at, key) for key, kept in self._kept.items() if kept.expires_at < math.inf]
            heapq.heapify(self._ends)

    def _drop(self, key: _Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.held_bytes -= kept.size_bytes


def _size_bytes(key: _Key, value: bytes) -> int:
    # The key counts twice, for an end out of date holds a copy of its own.
    return 2 * sys.getsizeof(key[1]) + sys.getsizeof(value) + OVERHEAD_BYTES


def _checked(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"Only bytes can be kept, not {type(value).__name__}.")
    return value
