"""The in-process backend: within its bounds, in order of use, and never surprising about keys, times and types."""

import enum
import sys
import tracemalloc
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.cache.memory import OVERHEAD_BYTES, BoundedMemoryCache

pytestmark = pytest.mark.anyio

PLENTY = 1 << 20


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> BoundedMemoryCache:
    return BoundedMemoryCache(max_bytes=PLENTY, clock=clock)


def size_of(key: str, value: bytes) -> int:
    return 2 * sys.getsizeof(key) + sys.getsizeof(value) + OVERHEAD_BYTES


async def test_what_was_set_is_got(cache: BoundedMemoryCache) -> None:
    assert await cache.set("a", b"1") is True
    assert await cache.get("a") == b"1"
    assert await cache.get("b") is None
    assert await cache.get("b", default=b"0") == b"0"


async def test_several_are_set_and_got_at_once(cache: BoundedMemoryCache) -> None:
    assert await cache.multi_set([("a", b"1"), ("b", b"2")]) is True
    assert await cache.multi_get(["b", "x", "a"]) == [b"2", None, b"1"]


@pytest.mark.parametrize("value", [None, "text", 1, bytearray(b"x"), memoryview(b"x"), {"a": 1}])
async def test_only_bytes_are_kept(cache: BoundedMemoryCache, value: object) -> None:
    with pytest.raises(TypeError, match="Only bytes can be kept"):
        await cache.set("a", value)
    assert await cache.exists("a") is False


async def test_another_serializer_cannot_smuggle_in_other_types(cache: BoundedMemoryCache) -> None:
    with pytest.raises(TypeError, match="Only bytes can be kept, not str"):
        await cache.set("a", "text", dumps_fn=str)
    assert cache.held_bytes == 0


async def test_empty_bytes_are_a_value(cache: BoundedMemoryCache) -> None:
    await cache.set("a", b"")
    assert await cache.get("a", default=b"none") == b""
    assert await cache.exists("a") is True


async def test_bytes_count_key_value_and_overhead(cache: BoundedMemoryCache) -> None:
    await cache.set("key", b"12345")
    assert cache.held_bytes == size_of("key", b"12345")
    await cache.set("key", b"1")
    assert cache.held_bytes == size_of("key", b"1")
    assert cache.held_entries == 1
    await cache.delete("key")
    assert cache.held_bytes == 0


async def test_the_least_recently_used_leaves_when_bytes_run_out(clock: Clock) -> None:
    cache = BoundedMemoryCache(max_bytes=3 * size_of("a", b"1"), clock=clock)
    await cache.multi_set([("a", b"1"), ("b", b"2"), ("c", b"3")])
    await cache.get("a")
    await cache.set("d", b"4")
    assert await cache.multi_get(["a", "b", "c", "d"]) == [b"1", None, b"3", b"4"]
    assert cache.evictions == 1


async def test_the_least_recently_used_leaves_when_entries_run_out(clock: Clock) -> None:
    cache = BoundedMemoryCache(max_bytes=PLENTY, max_entries=2, clock=clock)
    await cache.multi_set([("a", b"1"), ("b", b"2"), ("c", b"3")])
    assert await cache.multi_get(["a", "b", "c"]) == [None, b"2", b"3"]


async def test_asking_whether_a_key_exists_is_not_a_use(clock: Clock) -> None:
    cache = BoundedMemoryCache(max_bytes=PLENTY, max_entries=2, clock=clock)
    await cache.multi_set([("a", b"1"), ("b", b"2")])
    await cache.exists("a")
    await cache.set("c", b"3")
    assert await cache.exists("a") is False


async def test_a_value_larger_than_the_bound_is_refused_and_the_old_one_is_gone(clock: Clock) -> None:
    cache = BoundedMemoryCache(max_bytes=size_of("a", b"12"), clock=clock)
    assert await cache.set("a", b"12") is True
    assert await cache.set("a", b"123") is False
    assert await cache.get("a") is None
    assert (cache.rejections, cache.held_bytes, cache.evictions) == (1, 0, 0)
    assert await cache.multi_set([("a", b"123"), ("b", b"1")]) is True
    assert await cache.get("b") == b"1"


async def test_expired_entries_make_room_before_living_ones(clock: Clock) -> None:
    """A short-lived entry is younger than a long-lived one, yet it is the one that is worth nothing."""
    cache = BoundedMemoryCache(max_bytes=PLENTY, max_entries=2, clock=clock)
    await cache.set("settled", b"1", ttl=86400)
    await cache.set("moving", b"2", ttl=1)
    clock.seconds += 1
    await cache.set("new", b"3", ttl=1)
    assert await cache.get("settled") == b"1"
    assert cache.evictions == 0


async def test_no_single_write_pays_for_all_that_has_expired(cache: BoundedMemoryCache, clock: Clock) -> None:
    await cache.multi_set([(str(number), b"1") for number in range(200)], ttl=1)
    clock.seconds += 1
    await cache.set("a", b"1")
    assert cache.held_entries == 200 - 64 + 1
    for _ in range(3):
        await cache.set("a", b"1")
    assert cache.held_entries == 1


async def test_an_entry_ends_when_its_time_is_over(cache: BoundedMemoryCache, clock: Clock) -> None:
    await cache.set("a", b"1", ttl=2.5)
    clock.seconds += 2.4
    assert await cache.get("a") == b"1"
    clock.seconds += 0.1
    assert await cache.get("a") is None
    assert cache.held_bytes == 0


async def test_the_default_lifetime_is_the_caches_own(clock: Clock) -> None:
    cache = BoundedMemoryCache(max_bytes=PLENTY, clock=clock, ttl=5)
    await cache.set("a", b"1")
    await cache.set("b", b"2", ttl=None)
    clock.seconds += 5
    assert await cache.multi_get(["a", "b"]) == [None, b"2"]


@pytest.mark.parametrize("ttl", [0, -1])
async def test_no_time_left_keeps_nothing_and_drops_the_old_value(cache: BoundedMemoryCache, ttl: int) -> None:
    await cache.set("a", b"1")
    assert await cache.set("a", b"2", ttl=ttl) is False
    assert await cache.get("a") is None


async def test_a_later_value_outlives_the_time_of_an_earlier_one(cache: BoundedMemoryCache, clock: Clock) -> None:
    await cache.set("a", b"1", ttl=1)
    await cache.clear()
    await cache.set("a", b"2", ttl=10)
    clock.seconds += 1
    await cache.set("b", b"3")
    assert await cache.get("a") == b"2"


async def test_add_refuses_a_living_key_without_naming_it(cache: BoundedMemoryCache, clock: Clock) -> None:
    assert await cache.add("secret-key", b"1", ttl=1) is True
    with pytest.raises(ValueError, match="already exists") as caught:
        await cache.add("secret-key", b"2")
    assert "secret-key" not in str(caught.value)
    clock.seconds += 1
    assert await cache.add("secret-key", b"3") is True
    assert await cache.get("secret-key") == b"3"


async def test_delete_counts_what_it_removed(cache: BoundedMemoryCache, clock: Clock) -> None:
    await cache.set("a", b"1", ttl=1)
    assert await cache.delete("a") == 1
    assert await cache.delete("a") == 0
    await cache.set("a", b"1", ttl=1)
    clock.seconds += 1
    assert await cache.delete("a") == 0


async def test_increment_counts_in_decimal_and_keeps_the_end(cache: BoundedMemoryCache, clock: Clock) -> None:
    assert await cache.increment("n") == 1
    assert await cache.get("n") == b"1"
    await cache.set("m", b"41", ttl=1)
    assert await cache.increment("m", -2) == 39
    clock.seconds += 1
    assert await cache.get("m") is None
    await cache.set("word", b"ten")
    with pytest.raises(TypeError, match="not an integer"):
        await cache.increment("word")


async def test_expire_moves_the_end(cache: BoundedMemoryCache, clock: Clock) -> None:
    await cache.set("a", b"1", ttl=1)
    assert await cache.expire("a", 10) is True
    clock.seconds += 9
    assert await cache.get("a") == b"1"
    assert await cache.expire("a", 0) is True
    clock.seconds += 1_000_000
    assert await cache.get("a") == b"1"
    assert await cache.expire("a", -1) is True
    assert await cache.get("a") is None
    assert await cache.expire("a", 1) is False


async def test_namespace_and_key_are_never_mixed_up(cache: BoundedMemoryCache) -> None:
    await cache.set("s1", b"1", namespace="job")
    await cache.set("1", b"2", namespace="jobs")
    await cache.set("b:c", b"3", namespace="a")
    await cache.set("c", b"4", namespace="a:b")
    assert await cache.get("s1", namespace="job") == b"1"
    assert await cache.get("1", namespace="jobs") == b"2"
    assert await cache.get("b:c", namespace="a") == b"3"
    assert await cache.get("jobs1") is None


async def test_clearing_a_namespace_leaves_the_others(cache: BoundedMemoryCache) -> None:
    await cache.set("a", b"1", namespace="job")
    await cache.set("a", b"2", namespace="jobs")
    await cache.set("a", b"3")
    assert await cache.clear(namespace="job") is True
    assert await cache.get("a", namespace="job") is None
    assert await cache.get("a", namespace="jobs") == b"2"
    await cache.clear()
    assert cache.held_entries == 0
    assert cache.held_bytes == 0


async def test_a_cache_with_a_namespace_clears_only_that(clock: Clock) -> None:
    cache = BoundedMemoryCache(max_bytes=PLENTY, clock=clock, namespace="mine")
    await cache.set("a", b"1")
    await cache.set("a", b"2", namespace="other")
    await cache.clear()
    assert await cache.get("a") is None
    assert await cache.get("a", namespace="other") == b"2"


async def test_members_of_an_enum_are_keys_by_their_value(cache: BoundedMemoryCache) -> None:
    class Name(enum.Enum):
        A = "a"

    await cache.set(Name.A, b"1")
    assert await cache.get("a") == b"1"


async def test_a_value_is_replaced_only_while_it_is_the_one_that_was_seen(cache: BoundedMemoryCache) -> None:
    await cache.set("a", b"1")
    token = await cache._gets(cache.build_key("a"))
    assert await cache.set("a", b"2", _cas_token=token) is True
    assert await cache.set("a", b"3", _cas_token=token) is False
    assert await cache.get("a") == b"2"
    assert await cache.set("absent", b"4", _cas_token=token) is False


async def test_raw_commands_read_and_never_write(cache: BoundedMemoryCache, clock: Clock) -> None:
    await cache.set("a", b"1")
    await cache.set("b", b"2", ttl=1)
    clock.seconds += 1
    key = cache.build_key("a")
    assert await cache.raw("get", key) == b"1"
    assert await cache.raw("exists", key) is True
    assert await cache.raw("keys") == [key]
    with pytest.raises(ValueError, match="no raw command"):
        await cache.raw("pop", key)


async def test_closing_gives_the_memory_back(cache: BoundedMemoryCache) -> None:
    async with cache:
        await cache.set("a", b"1", ttl=1)
    assert (cache.held_bytes, cache.held_entries) == (0, 0)


@pytest.mark.parametrize("length", [1, 190])
async def test_the_bound_holds_for_what_python_really_takes(length: int) -> None:
    """Several times more small entries than fit, each rewritten, still take no more than the bound."""
    cache = BoundedMemoryCache(max_bytes=500_000)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(5_000):
            await cache.set(f"{number:0{length}}", b"%d" % number, ttl=60)
            await cache.set(f"{number:0{length}}", b"%d" % number, ttl=61)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert cache.held_entries > 400
    assert after - before < 500_000


async def test_a_key_written_for_ever_does_not_grow(cache: BoundedMemoryCache) -> None:
    for number in range(1000):
        await cache.set("a", b"%d" % number, ttl=3600)
    assert len(cache._ends) < 100


def at_once(command: Coroutine[Any, Any, Any]) -> Any:
    """Run a command that must not wait for anything."""
    try:
        command.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("The command waited.")


KEYS = st.sampled_from(["a", "b", "c", "d", "longer-key", "ключ"])
VALUES = st.binary(max_size=120)
TTLS = st.one_of(st.none(), st.sampled_from([1.0, 2.0, 5.0]))


class AgainstModel(RuleBasedStateMachine):
    """The cache and a slow, obvious model of it are told the same, and must agree."""

    @initialize(room=st.integers(min_value=800, max_value=5000), entries=st.integers(min_value=1, max_value=5))
    def open(self, room: int, entries: int) -> None:
        self.clock = Clock()
        self.room, self.entries = room, entries
        self.cache = BoundedMemoryCache(max_bytes=room, max_entries=entries, clock=self.clock)
        self.model: OrderedDict[str, tuple[bytes, float]] = OrderedDict()

    def _prune(self) -> None:
        for key in [key for key, (_, end) in self.model.items() if end <= self.clock.seconds]:
            del self.model[key]

    def _write(self, key: str, value: bytes, end: float) -> bool:
        self._prune()
        self.model.pop(key, None)
        if size_of(key, value) > self.room:
            return False
        self.model[key] = (value, end)
        while self._bytes() > self.room or len(self.model) > self.entries:
            self.model.popitem(last=False)
        assert self.cache.held_bytes == self._bytes()
        return True

    def _bytes(self) -> int:
        return sum(size_of(key, value) for key, (value, _) in self.model.items())

    def _end(self, ttl: float | None) -> float:
        return float("inf") if ttl is None else self.clock.seconds + ttl

    @rule(key=KEYS, value=VALUES, ttl=TTLS)
    def set(self, key: str, value: bytes, ttl: float | None) -> None:
        kept = at_once(self.cache.set(key, value, ttl=ttl))
        assert kept == self._write(key, value, self._end(ttl))

    @rule(key=KEYS, value=VALUES, ttl=TTLS)
    def add(self, key: str, value: bytes, ttl: float | None) -> None:
        self._prune()
        if key in self.model:
            with pytest.raises(ValueError, match="already exists"):
                at_once(self.cache.add(key, value, ttl=ttl))
        else:
            at_once(self.cache.add(key, value, ttl=ttl))
            self._write(key, value, self._end(ttl))

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        self._prune()
        expected = self.model.get(key)
        assert at_once(self.cache.get(key)) == (expected[0] if expected else None)
        if expected:
            self.model.move_to_end(key)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self._prune()
        assert at_once(self.cache.delete(key)) == (self.model.pop(key, None) is not None)

    @rule(key=KEYS, ttl=st.sampled_from([1.0, 5.0, 0]))
    def expire(self, key: str, ttl: float) -> None:
        self._prune()
        found = key in self.model
        assert at_once(self.cache.expire(key, ttl)) is found
        if found:
            self._write(key, self.model[key][0], self._end(ttl or None))

    @rule(seconds=st.sampled_from([0.5, 1.0, 4.0]))
    def wait(self, seconds: float) -> None:
        self.clock.seconds += seconds

    @rule()
    def clear(self) -> None:
        at_once(self.cache.clear())
        self.model.clear()

    @invariant()
    def the_same_keys_live_within_the_bounds(self) -> None:
        self._prune()
        assert [key for _, key in at_once(self.cache.raw("keys"))] == list(self.model)
        assert self.cache.held_bytes <= self.room
        assert self.cache.held_entries <= self.entries


TestAgainstModel = AgainstModel.TestCase
