"""The store: keys that cannot be confused, envelopes that cannot be misread, backends that cannot fail a request."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway.cache.store import BACKENDS, Entry, Store, key_text, open_store, seal, unseal

KEY = ("scope", "SERVICE", "/ges/v1.0/p/graphs/g/jobs/j/status")
ENTRY = Entry(200, b'{"status":"success"}', datetime(2026, 3, 6, 1, 2, 3, 456789, UTC), immutable=True)


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Shelf:
    """A backend that does what a test says."""

    def __init__(self) -> None:
        self.kept: dict[str, object] = {}
        self.ttls: list[float] = []
        self.accepts: object = True
        self.trouble: Callable[[], object] | None = None

    async def get(self, key: str) -> object:
        await self._trouble()
        return self.kept.get(key)

    async def set(self, key: str, value: bytes, ttl: float) -> object:
        await self._trouble()
        self.kept[key] = value
        self.ttls.append(ttl)
        return self.accepts

    async def close(self) -> None:
        await self._trouble()
        self.kept.clear()

    async def _trouble(self) -> None:
        if self.trouble is not None:
            result = self.trouble()
            if asyncio.isfuture(result):
                await result


def broken() -> object:
    raise ConnectionRefusedError("redis://:secret@10.0.0.1 refused " + key_text(KEY))


def hanging() -> object:
    return asyncio.get_running_loop().create_future()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(shelf: Shelf, clock: Clock) -> Store:
    return Store(shelf, max_entry_bytes=1000, timeout_seconds=0.01, clock=clock)


@pytest.mark.anyio
async def test_what_was_put_is_got_back_whole(store: Store) -> None:
    await store.put(KEY, ENTRY, 60)
    assert await store.get(KEY) == ENTRY
    assert (store.stats.hits, store.stats.misses, store.stats.errors) == (1, 0, 0)


@pytest.mark.anyio
async def test_an_unknown_key_is_a_miss(store: Store) -> None:
    assert await store.get(KEY) is None
    assert (store.stats.hits, store.stats.misses, store.stats.errors) == (0, 1, 0)


@pytest.mark.anyio
async def test_seconds_reach_the_backend_as_a_fraction(store: Store, shelf: Shelf) -> None:
    """A whole number would lose the milliseconds in some backends."""
    await store.put(KEY, ENTRY, 60)
    assert shelf.ttls == [60.0]
    assert isinstance(shelf.ttls[0], float)


@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [0, -1.0, float("nan")])
async def test_without_seconds_nothing_is_stored(store: Store, shelf: Shelf, seconds: float) -> None:
    await store.put(KEY, ENTRY, seconds)
    assert shelf.kept == {}


@pytest.mark.anyio
async def test_an_entry_past_its_share_is_not_stored(store: Store, shelf: Shelf) -> None:
    await store.put(("fits",), Entry(200, b"x" * 1000, ENTRY.fetched_at, False), 60)
    await store.put(("does not",), Entry(200, b"x" * 1001, ENTRY.fetched_at, False), 60)
    assert list(shelf.kept) == [key_text(("fits",))]
    assert store.stats.refusals == 1


@pytest.mark.anyio
async def test_a_refusal_of_the_backend_is_counted_and_no_error(store: Store, shelf: Shelf) -> None:
    shelf.accepts = False
    await store.put(KEY, ENTRY, 60)
    assert (store.stats.refusals, store.stats.errors) == (1, 0)


@pytest.mark.anyio
@pytest.mark.parametrize("trouble", [broken, hanging])
async def test_a_backend_in_trouble_is_a_miss_a_counter_and_a_line(
    store: Store, shelf: Shelf, trouble: Callable[[], object]
) -> None:
    shelf.trouble = trouble
    with capture_logs() as lines:
        assert await store.get(KEY) is None
        await store.put(KEY, ENTRY, 60)
        await store.close()
    assert (store.stats.hits, store.stats.misses, store.stats.errors) == (0, 1, 3)
    assert [line["command"] for line in lines] == ["get", "put", "close"]
    for line in lines:
        assert line["event"] == "store_failed"
        assert line["error"] in ("ConnectionRefusedError", "TimeoutError")
        assert KEY[2] not in repr(line)
        assert "secret" not in repr(line)
        assert "success" not in repr(line)


@pytest.mark.anyio
async def test_a_backend_that_recovers_is_used_again(store: Store, shelf: Shelf) -> None:
    await store.put(KEY, ENTRY, 60)
    shelf.trouble = broken
    with capture_logs():
        assert await store.get(KEY) is None
    shelf.trouble = None
    assert await store.get(KEY) == ENTRY


@pytest.mark.anyio
async def test_a_lasting_failure_is_logged_now_and_then_and_counted_always(
    store: Store, shelf: Shelf, clock: Clock
) -> None:
    shelf.trouble = broken
    with capture_logs() as lines:
        for _ in range(5):
            await store.get(KEY)
        clock.seconds += 10
        await store.get(KEY)
    assert [line["errors"] for line in lines] == [1, 6]


@pytest.mark.anyio
async def test_cancelling_a_read_or_a_write_passes_through(shelf: Shelf, clock: Clock) -> None:
    store = Store(shelf, max_entry_bytes=1000, timeout_seconds=None, clock=clock)
    shelf.trouble = hanging
    for command in (store.get(KEY), store.put(KEY, ENTRY, 60), store.close()):
        task = asyncio.ensure_future(command)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (store.stats.misses, store.stats.errors) == (0, 0)


@pytest.mark.anyio
@pytest.mark.parametrize("damaged", [b"\x01", b"\x01" + b"\0" * 30, "text", 7])
async def test_what_is_no_envelope_is_a_miss_and_an_error(store: Store, shelf: Shelf, damaged: object) -> None:
    shelf.kept[key_text(KEY)] = damaged
    with capture_logs() as lines:
        assert await store.get(KEY) is None
    assert (store.stats.misses, store.stats.errors, len(lines)) == (1, 1, 1)


@pytest.mark.anyio
@pytest.mark.parametrize("foreign", [b"", b"\x02" + seal(ENTRY)[1:], b'{"status": "success"}'])
async def test_another_versions_envelope_is_a_miss_and_no_error(store: Store, shelf: Shelf, foreign: bytes) -> None:
    """While versions change over, both run on one store; neither is at fault."""
    shelf.kept[key_text(KEY)] = foreign
    assert await store.get(KEY) is None
    assert (store.stats.misses, store.stats.errors) == (1, 0)


@pytest.mark.anyio
async def test_an_entry_that_cannot_be_written_is_an_error_and_not_raised(store: Store, shelf: Shelf) -> None:
    with capture_logs() as lines:
        await store.put(KEY, Entry(70_000, b"", ENTRY.fetched_at, False), 60)
        await store.put(KEY, Entry(200, b"", datetime(2026, 3, 6, tzinfo=None), False), 60)
    assert shelf.kept == {}
    assert store.stats.errors == 2
    assert len(lines) == 1


@pytest.mark.anyio
async def test_large_bodies_are_kept_as_faithfully() -> None:
    """Above a mebibyte a thread seals and unseals."""
    store = Store(Shelf(), max_entry_bytes=1 << 22)
    large = Entry(200, b"row," * (1 << 19), ENTRY.fetched_at, immutable=False)
    await store.put(KEY, large, 60)
    assert await store.get(KEY) == large


@pytest.mark.anyio
async def test_in_this_process_a_large_body_is_kept_as_the_very_bytes_it_is(shelf: Shelf) -> None:
    """Its envelope alone is nothing, and what is kept elsewhere or is small has it in one."""
    store, elsewhere = (Store(shelf, max_entry_bytes=1 << 20, in_process=here) for here in (True, False))
    large = Entry(200, b"row," * (1 << 15), ENTRY.fetched_at, immutable=True)
    for entry, key, keeper, kept in ((large, KEY, store, 2), (ENTRY, ("s",), store, 3), (large, ("e",), elsewhere, 4)):
        await keeper.put(key, entry, 60)
        assert len(shelf.kept) == kept
        assert await store.get(key) == entry
    found = await store.get(KEY)
    assert found is not None
    assert found.content is large.content
    del shelf.kept[key_text((*KEY, "content"))]
    assert await store.get(KEY) is None
    assert (store.stats.hits, store.stats.misses, store.stats.errors) == (4, 1, 0)


@pytest.mark.anyio
async def test_a_large_body_that_is_refused_leaves_no_envelope(shelf: Shelf) -> None:
    """There would be nothing in it."""
    store = Store(shelf, max_entry_bytes=1 << 20, in_process=True)
    shelf.accepts = False
    await store.put(KEY, Entry(200, b"row," * (1 << 15), ENTRY.fetched_at, immutable=True), 60)
    assert key_text(KEY) not in shelf.kept
    assert store.stats.refusals == 1


def test_an_entry_does_not_show_its_content() -> None:
    assert "success" not in repr(ENTRY)


@pytest.mark.anyio
async def test_the_memory_store_bounds_its_bytes_and_each_entry() -> None:
    clock = Clock()
    store = open_store("memory", max_bytes=40_000, clock=clock)
    await store.put(("large",), Entry(200, b"x" * 10_001, ENTRY.fetched_at, False), 60)
    assert await store.get(("large",)) is None
    for number in range(6):
        await store.put((str(number),), Entry(200, b"x" * 9_000, ENTRY.fetched_at, False), 60)
    assert await store.get(("0",)) is None
    assert await store.get(("5",)) is not None
    clock.seconds += 60
    assert await store.get(("5",)) is None
    await store.close()


def test_an_unknown_backend_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"no cache backend `paper`; there is .*memory"):
        open_store("paper", max_bytes=1)


def test_only_the_memory_backend_has_no_time_limit_and_gives_back_what_it_was_given() -> None:
    assert [name for name, backend in BACKENDS.items() if backend.timeout_seconds is None] == ["memory"]
    assert [name for name, backend in BACKENDS.items() if backend.in_process] == ["memory"]


def test_a_key_begins_with_its_version_and_counts_its_parts() -> None:
    assert key_text(("scope", "SERVICE")) == "1|5:scope|7:SERVICE"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b"), ("ab",)),
        (("a", "b"), ("a|1:b",)),
        (("", "a"), ("a", "")),
        ((), ("",)),
        (("x" * 500,), ("x" * 501,)),
        (("é",), ("e\u0301",)),
        (("\ud800",), ("\ud801",)),
    ],
)
def test_different_keys_have_different_texts(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert key_text(one) != key_text(other)


@given(keys=st.lists(st.lists(st.text(st.characters(exclude_categories=())), max_size=4).map(tuple), max_size=8))
def test_keys_are_short_printable_and_as_many_as_were_given(keys: list[tuple[str, ...]]) -> None:
    texts = {key_text(key) for key in keys}
    assert len(texts) == len(set(keys))
    assert all(len(text) <= 200 and text.isascii() and text.isprintable() and text[0] == "1" for text in texts)


@pytest.mark.parametrize("part", ["x" * 300, "имя", "line\nbreak"])
def test_long_or_strange_keys_are_hashed(part: str) -> None:
    text = key_text((part,))
    assert text.startswith("1#")
    assert len(text) == 66


@given(
    status=st.integers(min_value=100, max_value=599),
    content=st.binary(max_size=300),
    fetched_at=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))])),
    immutable=st.booleans(),
)
def test_every_entry_survives_its_envelope(status: int, content: bytes, fetched_at: datetime, immutable: bool) -> None:
    entry = Entry(status, content, fetched_at, immutable)
    assert unseal(seal(entry)) == entry


def test_every_cut_of_an_envelope_is_noticed() -> None:
    envelope = seal(ENTRY)
    assert unseal(b"") is None
    for length in range(1, len(envelope)):
        with pytest.raises(ValueError, match=r"cut off|damaged"):
            unseal(envelope[:length])
    with pytest.raises(ValueError, match="damaged"):
        unseal(envelope + b"\0")


def test_every_flipped_bit_of_an_envelope_is_noticed() -> None:
    envelope = seal(ENTRY)
    for position in range(8 * len(envelope)):
        flipped = bytearray(envelope)
        flipped[position // 8] ^= 1 << position % 8
        if position < 8:
            assert unseal(bytes(flipped)) is None, "the version"
        else:
            with pytest.raises(ValueError, match="damaged"):
                unseal(bytes(flipped))
