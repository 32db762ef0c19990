"""Redis as a backend: what a server that is gone, full or hangs costs. The contract has what every backend must do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from gateway.cache.redis import RedisCache
from gateway.cache.store import Entry, Store, open_store
from tests.support_redis import redis_server

pytestmark = pytest.mark.anyio
KEY = ("scope", "key")
ENTRY = Entry(200, b"{}", datetime(2026, 3, 6, tzinfo=UTC), immutable=True)


class Time:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def full() -> Iterator[str]:
    """Serve one whose memory is full from the start."""
    with redis_server("--maxmemory", "1", "--maxmemory-policy", "noeviction") as url:
        yield url


@pytest.fixture
def silent() -> Iterator[str]:
    """Listen, and never say anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}"


def a_store(url: str, clock: Time) -> Store:
    return open_store("redis", max_bytes=1 << 20, clock=clock, url=url)


async def test_a_server_that_is_gone_is_a_miss_and_is_left_alone_for_a_moment() -> None:
    """Then it is tried again, by one command."""
    clock = Time()
    store = a_store("redis://127.0.0.1:1", clock)
    assert await store.get(KEY) is None
    assert store.stats.errors == 1
    await store.put(KEY, ENTRY, 60)
    assert await store.get(KEY) is None
    assert (store.stats.errors, store.stats.misses, store.stats.refusals) == (1, 2, 1)
    clock.seconds = 1.5
    await store.put(KEY, ENTRY, 60)
    assert store.stats.errors == 2
    await store.close()


async def test_a_server_that_hangs_holds_up_one_read(silent: str) -> None:
    """For a quarter of a second; those after it do not wait."""
    store = a_store(silent, Time())
    for _ in range(100):
        assert await store.get(KEY) is None
    assert (store.stats.errors, store.stats.misses) == (1, 100)
    await store.close()


async def test_a_full_server_keeps_nothing(full: str) -> None:
    """And nothing fails for that."""
    store = a_store(full, Time())
    await store.put(KEY, ENTRY, 60)
    assert store.stats.errors == 1
    await store.close()


async def test_its_keys_are_told_from_those_of_others() -> None:
    """In the database that they share."""
    with redis_server() as url:
        cache = RedisCache(url, 0.25, Time())
        await cache.set("a", b"1", 60)
        assert await cache._client.keys() == [b"ges-gateway:a"]
        await cache.close()
