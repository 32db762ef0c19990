"""
Redis, or what speaks as it does, as the backend of the store: shared by replicas, and bounded by itself.

Raises whatever goes wrong, for the store to take as a miss; then it leaves the server alone for a moment, so that one
that hangs does not hold up every read. Knows neither entries nor how keys are made.
"""

from __future__ import annotations

from collections.abc import Callable

from redis.asyncio import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# Others may keep their things in the same database.
_PREFIX = "ges-gateway:"
_CONNECTIONS = 64
_REST_SECONDS = 1.0


class RedisCache:
    """Bytes under keys, each for its time."""

    def __init__(self, url: str, timeout_seconds: float, clock: Callable[[], float]) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            # Whoever waits for the store would wait for the second attempt too.
            retry=Retry(NoBackoff(), 0),
        )
        self._client = Redis.from_pool(pool)
        self._clock = clock
        self._rests_until = clock()

    async def get(self, key: str) -> object:
        """Return the bytes under a key, or None; None also while the server is left alone."""
        if self._clock() < self._rests_until:
            return None
        try:
            return await self._client.get(_PREFIX + key)
        except BaseException:
            self._rest()
            raise

    async def set(self, key: str, value: bytes, ttl: float) -> object:
        """Keep bytes for `ttl` seconds; return whether they are kept."""
        if self._clock() < self._rests_until:
            return False
        try:
            return await self._client.set(_PREFIX + key, value, px=max(1, int(ttl * 1000)))
        except BaseException:
            self._rest()
            raise

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _rest(self) -> None:
        self._rests_until = self._clock() + _REST_SECONDS
