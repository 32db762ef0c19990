"""The read path: what one operation reads once, what callers share and never share, and where reading ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.cache.lifetime import JOB_SETTLED, JOB_SETTLING, Lifetime
from gateway.cache.store import Entry
from gateway.planes import service
from gateway.planes.read import Body, Read
from gateway.reader import Reader
from gateway.reading import Answer, Reading
from gateway.tracing import Traces
from schema.errors import (
    ForbiddenError,
    GatewayError,
    LimitExceededError,
    NotFoundError,
    OverloadedError,
    PlaneUnavailableError,
    UnauthenticatedError,
    UpstreamMalformedError,
    UpstreamTimeoutError,
)
from schema.ids import GraphKey, JobRef
from schema.page import Window
from schema.plane import Plane
from tests.support_clock import BEGAN, FAKE_TIME, fake_time_loop, pass_time
from tests.support_ges import ORIGIN, Ges, Said, a_caller, open_reader, open_runtime

pytestmark = pytest.mark.anyio

JOB = JobRef(Plane.SERVICE, GraphKey("p1", name="movies"), "j1")
PATH = "/ges/v1.0/p1/graphs/movies/jobs/j1/status"
WHOLE, ONE_ROW = f"{PATH}?offset=0&limit=9", f"{PATH}?offset=0&limit=1"
SUCCESS: Said = (200, {"status": "success", "data": {}})
NO_SUCH_JOB: Said = (400, {"errorCode": "GES.8301", "errorMessage": "can not find job, jobId is j1"})
BAD_TOKEN: Said = (400, {"errorCode": "GES.8007", "errorMessage": "Invalid token."})
NO_RIGHT: Said = (400, {"errorCode": "GES.8020", "errorMessage": "No permission."})
ONE, OTHER = a_caller("token-of-one"), a_caller("token-of-another")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


def a_reading(
    *, shared: bool = True, keep: Lifetime = JOB_SETTLED, limit: int = 9, proven: bool = True
) -> Reading[str | None]:
    """Make the reading of a job's status word, with one row as the proof of the right to it."""

    def interpret(body: Body) -> str | None:
        return service.read_job(body, JOB, Window(0, limit)).job.raw_status

    return Reading(
        service.ask_job(JOB, Window(0, limit)),
        ORIGIN,
        interpret,
        lambda _: keep,
        resource=("SERVICE", "p1", "movies", "j1") if proven else None,
        shared=shared,
        probe=None if limit == 1 else lambda: service.ask_job(JOB, Window(0, 1)),
    )


async def test_equal_reads_of_one_operation_are_made_once() -> None:
    """Resolvers that need the same body, at the same time or later, cost one call, kept or not."""
    ges = Ges({PATH: SUCCESS})
    async with open_runtime(ges) as runtime, open_reader(runtime, ONE) as reader:
        reading = a_reading(keep=Lifetime(0))
        answers = await asyncio.gather(*(reader.ask(reading) for _ in range(3)))
        answers.append(await reader.ask(reading))
        assert {answer.value for answer in answers} == {"success"}
        assert ges.asked == [WHOLE]
        assert reader.statistics.upstream_calls == 1
        reader.forget()
        await reader.ask(reading)
        assert ges.asked == [WHOLE, WHOLE]


async def test_the_same_path_at_another_address_is_another_read() -> None:
    """Two graphs of one name at two addresses are two graphs, for the memo as for the store."""
    ges = Ges({PATH: SUCCESS})
    elsewhere = Reading(a_reading().read, "http://10.0.0.9", a_reading().interpret, lambda _: JOB_SETTLED)
    async with open_runtime(ges) as runtime:
        for _ in range(2):
            async with open_reader(runtime, ONE) as reader:
                await reader.ask(a_reading())
                await reader.ask(elsewhere)
    assert ges.hosts == ["ges.example", "10.0.0.9"]


async def test_a_caller_opens_what_he_has_proven() -> None:
    """One good answer is a proof for sixty seconds; what was kept is then opened without a call."""
    ges = Ges({PATH: SUCCESS})
    async with open_runtime(ges) as runtime:
        async with open_reader(runtime, ONE) as reader:
            first = await reader.ask(a_reading())
        assert (first.cached, first.immutable) == (False, True)
        pass_time(59)
        async with open_reader(runtime, ONE) as reader:
            second = await reader.ask(a_reading())
            assert (reader.statistics.upstream_calls, reader.statistics.cache_hits) == (0, 1)
        assert (second.cached, second.immutable, second.fetched_at) == (True, True, first.fetched_at)
        pass_time(1)
        async with open_reader(runtime, ONE) as reader:
            assert (await reader.ask(a_reading())).cached
    assert ges.asked == [WHOLE, ONE_ROW]


@pytest.mark.parametrize(
    ("refusal", "error"), [(NO_RIGHT, ForbiddenError), (BAD_TOKEN, UnauthenticatedError), (NO_SUCH_JOB, NotFoundError)]
)
async def test_a_shared_copy_is_opened_by_nobody_whom_ges_refuses(refusal: Said, error: type[GatewayError]) -> None:
    """Whatever is kept, a caller without a proof gets what GES says to him."""
    ges = Ges({PATH: lambda request: SUCCESS if request.headers["x-auth-token"] == "token-of-one" else refusal})
    async with open_runtime(ges) as runtime:
        async with open_reader(runtime, ONE) as reader:
            await reader.ask(a_reading())
        for _ in range(2):
            async with open_reader(runtime, OTHER) as reader:
                with pytest.raises(error):
                    await reader.ask(a_reading())
                assert reader.statistics.cache_hits == 0
    assert ges.asked[:2] == [WHOLE, ONE_ROW]


async def test_a_private_copy_is_for_its_caller_alone() -> None:
    """Where GES may answer differently by caller, the second one reads the whole by himself."""
    ges = Ges({PATH: SUCCESS})
    async with open_runtime(ges) as runtime:
        for caller in (ONE, OTHER, ONE, OTHER):
            async with open_reader(runtime, caller) as reader:
                await reader.ask(a_reading(shared=False))
    assert ges.asked == [WHOLE, WHOLE]
    assert ges.tokens == ["token-of-one", "token-of-another"]


async def test_a_copy_made_while_sharing_was_possible_is_not_given_to_a_private_reading() -> None:
    """Roles may be switched on: then what was shared before must not be found."""
    ges = Ges({PATH: SUCCESS})
    async with open_runtime(ges) as runtime:
        async with open_reader(runtime, ONE) as reader:
            await reader.ask(a_reading(shared=True))
        async with open_reader(runtime, ONE) as reader:
            assert not (await reader.ask(a_reading(shared=False))).cached
    assert ges.asked == [WHOLE, WHOLE]


async def test_a_read_as_cheap_as_its_probe_is_made_itself() -> None:
    """Proving by one row and then opening a copy of one row would cost the same and tell less."""
    ges = Ges({PATH: SUCCESS})
    async with open_runtime(ges) as runtime:
        async with open_reader(runtime, ONE) as reader:
            await reader.ask(a_reading(limit=1))
        async with open_reader(runtime, OTHER) as reader:
            assert not (await reader.ask(a_reading(limit=1))).cached
    assert ges.asked == [ONE_ROW, ONE_ROW]


async def test_a_refusal_takes_the_proof_back() -> None:
    """A right that GES has taken away no longer opens what is kept, although its minute is not over."""
    ges = Ges({PATH: SUCCESS})
    async with open_runtime(ges) as runtime:
        async with open_reader(runtime, ONE) as reader:
            await reader.ask(a_reading())
        ges.says[PATH] = NO_RIGHT
        async with open_reader(runtime, ONE, fresh=True) as reader:
            with pytest.raises(ForbiddenError):
                await reader.ask(a_reading())
        async with open_reader(runtime, ONE) as reader:
            with pytest.raises(ForbiddenError):
                await reader.ask(a_reading())
    assert ges.asked == [WHOLE, WHOLE, ONE_ROW]


async def test_a_token_that_ges_no_longer_accepts_loses_everything_kept_for_it() -> None:
    """Also bodies of other resources, also private ones that need no proof, also once it is accepted again."""
    ges = Ges({PATH: SUCCESS})
    private = a_reading(shared=False, proven=False)
    async with open_runtime(ges) as runtime:
        for caller in (ONE, OTHER):
            async with open_reader(runtime, caller) as reader:
                await reader.ask(private)
        ges.says[PATH] = BAD_TOKEN
        async with open_reader(runtime, ONE, fresh=True) as reader:
            with pytest.raises(UnauthenticatedError):
                await reader.ask(private)
        ges.says[PATH] = SUCCESS
        async with open_reader(runtime, ONE) as reader:
            assert not (await reader.ask(private)).cached
        async with open_reader(runtime, OTHER) as reader:
            assert (await reader.ask(private)).cached


async def test_not_found_is_kept_for_two_seconds_for_its_caller() -> None:
    """A loop of one client is no loop towards GES; another caller may be told something else."""
    ges = Ges({PATH: NO_SUCH_JOB})

    async def ask(caller: Any) -> None:
        async with open_reader(runtime, caller) as reader:
            with pytest.raises(NotFoundError):
                await reader.ask(a_reading())

    async with open_runtime(ges) as runtime:
        await ask(ONE)
        await ask(ONE)
        assert len(ges.asked) == 1
        await ask(OTHER)
        assert len(ges.asked) == 2
        pass_time(2)
        await ask(ONE)
        assert len(ges.asked) == 3


async def test_errors_are_never_kept() -> None:
    """The next reader asks again."""
    ges = Ges({PATH: (500, {"errorCode": "GES.8302"})})
    async with open_runtime(ges) as runtime:
        for _ in range(2):
            async with open_reader(runtime, ONE) as reader:
                with pytest.raises(GatewayError):
                    await reader.ask(a_reading())
    assert len(ges.asked) == 2


async def test_a_fresh_reader_reads_past_the_store_and_renews_it() -> None:
    """`no-cache` means that GES is asked; what it says is kept for the next one."""
    ges = Ges({PATH: SUCCESS})
    async with open_runtime(ges) as runtime:
        for fresh, cached in ((False, False), (True, False), (False, True)):
            async with open_reader(runtime, ONE, fresh=fresh) as reader:
                assert (await reader.ask(a_reading(keep=JOB_SETTLING))).cached is cached
    assert len(ges.asked) == 2


async def test_nobody_reads_nothing() -> None:
    """Without a caller GES is not asked, and the store is not opened."""
    ges = Ges({PATH: SUCCESS})
    async with open_runtime(ges) as runtime:
        reader = Reader(runtime, None)
        with pytest.raises(UnauthenticatedError):
            await reader.ask(a_reading())
        await reader.close()
    assert ges.asked == []


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop go round until something has happened."""
    for _ in range(100):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never happened")


async def test_operations_of_one_caller_share_a_call_under_way_and_of_two_never() -> None:
    """Each waiter builds its own value from the same bytes; another credential makes a call of its own."""
    ges = Ges({PATH: SUCCESS}, held=asyncio.Event())
    async with (
        open_runtime(ges) as runtime,
        open_reader(runtime, ONE) as first,
        open_reader(runtime, ONE) as second,
        open_reader(runtime, OTHER) as third,
    ):
        asks = [asyncio.create_task(reader.ask(a_reading())) for reader in (first, second, third)]
        await until(lambda: len(ges.asked) == 2)
        assert ges.held is not None
        ges.held.set()
        assert [answer.value for answer in await asyncio.gather(*asks)] == ["success"] * 3
        assert [reader.statistics.upstream_calls for reader in (first, second, third)] == [1, 0, 1]
    assert sorted(filter(None, ges.tokens)) == ["token-of-another", "token-of-one"]


async def test_closing_an_operation_ends_its_calls_and_nobody_elses() -> None:
    """A client that goes away stops its work; another that waits for the same call still gets its answer."""
    ges = Ges({PATH: SUCCESS}, held=asyncio.Event())
    async with open_runtime(ges) as runtime, open_reader(runtime, ONE) as staying:
        leaving = Reader(runtime, ONE)
        asks = [asyncio.create_task(reader.ask(a_reading())) for reader in (leaving, staying)]
        await until(lambda: len(ges.asked) == 1)
        await leaving.close()
        with pytest.raises(asyncio.CancelledError):
            await asks[0]
        assert len(runtime.flights) == 1
        assert ges.held is not None
        ges.held.set()
        assert (await asks[1]).value == "success"


async def test_a_call_that_nobody_waits_for_is_ended() -> None:
    """The last operation that leaves takes the call with it."""
    ges = Ges({PATH: SUCCESS}, held=asyncio.Event())
    async with open_runtime(ges) as runtime:
        reader = Reader(runtime, ONE)
        ask = asyncio.create_task(reader.ask(a_reading()))
        await until(lambda: len(ges.asked) == 1)
        await reader.close()
        await asyncio.gather(ask, return_exceptions=True)
        assert len(runtime.flights) == 0


async def test_a_resolver_that_leaves_does_not_end_the_read_of_another() -> None:
    """Within one operation, only closing it ends what it reads."""
    ges = Ges({PATH: SUCCESS}, held=asyncio.Event())
    async with open_runtime(ges) as runtime, open_reader(runtime, ONE) as reader:
        one, other = (asyncio.create_task(reader.ask(a_reading())) for _ in range(2))
        await until(lambda: len(ges.asked) == 1)
        one.cancel()
        assert ges.held is not None
        ges.held.set()
        assert (await other).value == "success"


async def test_a_read_ends_at_the_deadline_of_its_operation() -> None:
    """What is left of the operation is what the read gets, and nothing is nothing."""
    ges = Ges({PATH: SUCCESS}, held=asyncio.Event())
    async with open_runtime(ges, request_timeout_seconds=5) as runtime, open_reader(runtime, ONE) as reader:
        pass_time(2)
        began = fake_time_loop().seconds
        with pytest.raises(UpstreamTimeoutError) as caught:
            await reader.ask(a_reading())
        assert caught.value.plane is Plane.SERVICE
        assert fake_time_loop().seconds - began == pytest.approx(3)
        reader.forget()
        began = fake_time_loop().seconds
        with pytest.raises(UpstreamTimeoutError):
            await reader.ask(a_reading())
        assert fake_time_loop().seconds == began


async def test_a_client_that_waits_has_more_time() -> None:
    """`waitSeconds` moves the deadline; one call still ends after its own limit."""
    ges = Ges({PATH: SUCCESS}, held=asyncio.Event())
    async with open_runtime(ges, request_timeout_seconds=5) as runtime, open_reader(runtime, ONE) as reader:
        reader.extend(50)
        began = fake_time_loop().seconds
        with pytest.raises(UpstreamTimeoutError):
            await reader.ask(a_reading())
        assert fake_time_loop().seconds - began == pytest.approx(8)


async def test_an_operation_causes_so_many_calls_and_no_more() -> None:
    """The bound counts reads that go beyond the store, shared ones included."""
    ges = Ges({PATH: SUCCESS})
    async with open_runtime(ges, max_upstream_reads=3) as runtime, open_reader(runtime, ONE) as reader:
        for limit in (2, 3, 4):
            await reader.ask(a_reading(limit=limit))
        with pytest.raises(LimitExceededError) as caught:
            await reader.ask(a_reading(limit=5))
        assert (caught.value.limit, caught.value.maximum, caught.value.asked) == ("upstreamReads", 3, 4)
    assert len(ges.asked) == 3


async def test_a_gateway_that_closes_says_so() -> None:
    """Who still waits is told that the plane is not available, not left hanging."""
    ges = Ges({PATH: SUCCESS}, held=asyncio.Event())
    async with open_runtime(ges) as runtime, open_reader(runtime, ONE) as reader:
        ask = asyncio.create_task(reader.ask(a_reading()))
        await until(lambda: len(ges.asked) == 1)
        await runtime.flights.close()
        with pytest.raises(PlaneUnavailableError, match="closing"):
            await ask


async def test_what_is_traced_upstream_is_the_operations_own() -> None:
    """The headers of a trace go along with each call, beside the credential."""
    seen: list[str | None] = []

    def note(request: httpx.Request) -> Said:
        seen.append(request.headers.get("traceparent"))
        return SUCCESS

    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with (
        open_runtime(Ges({PATH: note})) as runtime,
        open_reader(runtime, ONE, trace=Traces().begin({"traceparent": parent})) as reader,
    ):
        await reader.ask(a_reading())
    assert seen == [parent]


async def poured(reader: Reader, keep: Lifetime = JOB_SETTLED, *, shared: bool = True) -> tuple[bytes, bool]:
    """Pour a body out, keep its copy if there is one, and tell what came and whether it was copied."""
    pieces: list[bytes] = []

    async def sink(piece: bytes) -> None:
        pieces.append(piece)

    copy = await reader.pour(a_reading(shared=shared), sink, keep)
    if copy is not None:
        await copy.finish(Entry(200, b"", BEGAN, immutable=True))
    return b"".join(pieces), copy is not None


BODY = b'{"status":"success","data":{}}'


async def test_a_large_body_is_copied_as_it_passes_and_opened_by_who_has_proven_his_right() -> None:
    """Whoever has not is sent to GES, although the copy is there; `fresh` goes there too."""
    ges = Ges({PATH: SUCCESS})
    async with open_runtime(ges) as runtime:
        async with open_reader(runtime, ONE) as reader:
            assert await poured(reader) == (BODY, True)
            await reader.ask(a_reading(limit=1))
            assert await poured(reader) == (BODY, False)
            assert (reader.statistics.upstream_calls, reader.statistics.cache_hits) == (2, 1)
        async with open_reader(runtime, OTHER) as reader:
            assert await poured(reader) == (BODY, True)
        async with open_reader(runtime, ONE, fresh=True) as reader:
            assert await poured(reader) == (BODY, True)
    assert ges.asked == [WHOLE, ONE_ROW, WHOLE, WHOLE]


async def test_a_large_body_that_can_change_or_is_private_is_not_copied_for_others() -> None:
    """What is not final is not kept; what is one caller's own is kept for him."""
    ges = Ges({PATH: SUCCESS})
    async with open_runtime(ges) as runtime:
        for caller in (ONE, OTHER):
            async with open_reader(runtime, caller) as reader:
                await reader.ask(a_reading(limit=1, shared=False))
                assert await poured(reader, JOB_SETTLING) == (BODY, False)
                assert await poured(reader, shared=False) == (BODY, True)
                assert await poured(reader, shared=False) == (BODY, False)
    assert ges.asked == [ONE_ROW, WHOLE, WHOLE] * 2


@pytest.mark.parametrize(
    ("refusal", "error"), [(NO_RIGHT, ForbiddenError), (BAD_TOKEN, UnauthenticatedError), (NO_SUCH_JOB, NotFoundError)]
)
async def test_a_refusal_of_a_large_body_takes_the_proof_back(refusal: Said, error: type[GatewayError]) -> None:
    """As every refusal does: the copy that others made is not opened on the strength of an older answer."""
    ges = Ges({PATH: SUCCESS})
    async with open_runtime(ges) as runtime:
        async with open_reader(runtime, ONE) as reader:
            await reader.ask(a_reading(limit=1))
            ges.says[WHOLE] = refusal
            with pytest.raises(error):
                await poured(reader)
        assert not runtime.grants.allow(ONE.scope, ("SERVICE", "p1", "movies", "j1"))


async def test_an_answer_that_is_neither_rows_nor_a_refusal_is_malformed() -> None:
    """A status of 204 or 302 is none that GES documents."""
    ges = Ges({PATH: (202, {"status": "success"})})
    async with open_runtime(ges) as runtime, open_reader(runtime, ONE) as reader:
        with pytest.raises(UpstreamMalformedError):
            await poured(reader)


async def test_large_bodies_count_as_reads_and_need_a_caller() -> None:
    """The bound of an operation holds for them, too; nobody pours nothing."""
    ges = Ges({PATH: SUCCESS})
    async with open_runtime(ges, max_upstream_reads=1) as runtime:
        async with open_reader(runtime, ONE) as reader:
            await poured(reader)
            with pytest.raises(LimitExceededError):
                await poured(reader)
        with pytest.raises(UnauthenticatedError):
            await poured(Reader(runtime, None))
    assert len(ges.asked) == 1


async def test_what_an_operation_owns_ends_with_it() -> None:
    """Flows to a client that has gone."""
    closed: list[str] = []

    async def close() -> None:
        closed.append("flow")

    async with open_runtime(Ges()) as runtime:
        async with open_reader(runtime, ONE) as reader:
            reader.own(close)
            assert closed == []
        assert closed == ["flow"]


def test_a_reading_without_a_probe_is_proven_by_itself() -> None:
    """The default: nothing named, nothing shared, nothing to prove."""
    reading = Reading(Read(Plane.SERVICE, "p1", ("graphs",)), ORIGIN, lambda body: body, lambda _: JOB_SETTLED)
    assert (reading.resource, reading.shared, reading.probe) == (None, False, None)


async def test_a_large_body_counts_while_its_operations_last_and_finds_no_room_where_none_is() -> None:
    """Two that wait for the same call hold it twice; whoever is too late for that is told to come again."""
    ges = Ges({PATH: (200, {"status": "success", "data": {}, "x": "x" * 1_100_000})})
    async with open_runtime(ges, max_collected_bytes=2_000_000) as runtime:
        async with open_reader(runtime, ONE) as first, open_reader(runtime, ONE) as second:
            answers = await asyncio.gather(first.ask(a_reading()), second.ask(a_reading()), return_exceptions=True)
            assert [type(answer) for answer in answers] == [Answer, OverloadedError]
            assert len(ges.asked) == 1
            assert runtime.room.is_short
        assert not runtime.room.is_short
