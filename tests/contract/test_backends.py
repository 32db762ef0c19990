"""What every backend of the store must do. A new backend joins by a row in `OPENERS`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio
import pytest
from redis.asyncio import Redis

from gateway.cache.store import BACKENDS, Entry, Store, open_store
from tests.support_redis import redis_server

pytestmark = pytest.mark.anyio

KEY = ("scope", "MANAGEMENT", "/v2/p/graphs/g/jobs/j/status")
FETCHED_AT = datetime(2026, 3, 6, 1, 2, 3, 456789, UTC)
ENTRY = Entry(200, b'{"status":"success"}', FETCHED_AT, immutable=True)


@dataclass(frozen=True)
class Opened:
    """A store on a backend, and how the backend's time passes: by a clock of its own, or by being told."""

    store: Store
    pass_time: Callable[[float], Awaitable[None]]


@asynccontextmanager
async def _memory() -> AsyncIterator[Opened]:
    seconds = [0.0]

    async def pass_time(more: float) -> None:
        seconds[0] += more

    yield Opened(open_store("memory", max_bytes=1 << 20, clock=lambda: seconds[0]), pass_time)


@asynccontextmanager
async def _redis() -> AsyncIterator[Opened]:
    with redis_server() as url:
        store = open_store("redis", max_bytes=1 << 20, url=url)

        async def pass_time(more: float) -> None:
            # Its time is its own, so one waits for it there: for an element that never comes.
            async with Redis.from_url(url) as client:
                await client.blpop(["nothing"], timeout=more)

        yield Opened(store, pass_time)


OPENERS: dict[str, Callable[[], AbstractAsyncContextManager[Opened]]] = {
    "memory": _memory,
    "redis": _redis,
}


@pytest.fixture(params=OPENERS)
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    async with OPENERS[request.param]() as opened:
        yield opened
        await opened.store.close()
    assert opened.store.stats.errors == 0


@pytest.fixture
async def store(opened: Opened) -> Store:
    return opened.store


async def test_every_backend_is_under_this_contract() -> None:
    assert set(OPENERS) == set(BACKENDS)


async def test_what_was_put_is_got_back(store: Store) -> None:
    await store.put(KEY, ENTRY, 60)
    assert await store.get(KEY) == ENTRY


async def test_what_was_never_put_is_a_miss(store: Store) -> None:
    assert await store.get(KEY) is None
    assert (store.stats.hits, store.stats.misses) == (0, 1)


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe\r\n", "граф".encode(), b"x" * 100_000])
async def test_content_comes_back_byte_for_byte(store: Store, content: bytes) -> None:
    entry = Entry(400, content, FETCHED_AT, immutable=False)
    await store.put(KEY, entry, 60)
    assert await store.get(KEY) == entry


async def test_a_second_put_replaces_the_first(store: Store) -> None:
    await store.put(KEY, ENTRY, 60)
    newer = Entry(200, b"{}", FETCHED_AT, immutable=False)
    await store.put(KEY, newer, 60)
    assert await store.get(KEY) == newer


async def test_keys_are_kept_apart(store: Store) -> None:
    for key in (("a", "bc"), ("ab", "c"), ("abc",), ("", "abc"), ("a" * 1000,), ("граф",)):
        assert await store.get(key) is None
        await store.put(key, ENTRY, 60)
        assert await store.get(key) == ENTRY


async def test_an_entry_ends_by_itself(opened: Opened) -> None:
    await opened.store.put(KEY, ENTRY, 0.02)
    await opened.store.put(("stays",), ENTRY, 60)
    await opened.pass_time(0.05)
    assert await opened.store.get(KEY) is None
    assert await opened.store.get(("stays",)) == ENTRY


async def test_a_fraction_of_a_second_is_a_lifetime(store: Store) -> None:
    await store.put(KEY, ENTRY, 0.9)
    assert await store.get(KEY) == ENTRY


@pytest.mark.parametrize("seconds", [0, -5])
async def test_without_seconds_nothing_is_kept(store: Store, seconds: float) -> None:
    await store.put(KEY, ENTRY, seconds)
    assert await store.get(KEY) is None


async def test_what_is_past_a_quarter_of_the_bound_is_not_kept(store: Store) -> None:
    await store.put(KEY, Entry(200, b"x" * (1 << 18), FETCHED_AT, immutable=True), 60)
    assert await store.get(KEY) is not None
    await store.put(("larger",), Entry(200, b"x" * ((1 << 18) + 1), FETCHED_AT, immutable=True), 60)
    assert await store.get(("larger",)) is None
    assert store.stats.refusals == 1


async def test_many_may_read_and_write_at_once(store: Store) -> None:
    async def one(number: int) -> None:
        key = ("many", str(number))
        entry = Entry(200, str(number).encode(), FETCHED_AT, immutable=False)
        await store.put(key, entry, 60)
        assert await store.get(key) == entry

    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(one, number)
