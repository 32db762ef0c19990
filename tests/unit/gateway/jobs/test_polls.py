"""What a look at jobs asks of GES, how often and within which bounds; through the port, over time that only counts."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from gateway.jobs.polls import STATUS_PARTS
from gateway.runtime import Runtime
from schema.errors import ForbiddenError, PlaneUnavailableError, RateLimitedError, UpstreamError
from schema.ids import GraphKey, JobRef
from schema.job_event import JobEvent
from schema.plane import Plane
from tests.support_clock import FAKE_TIME, fake_clock, fake_time_loop
from tests.support_ges import Ges, Said, open_runtime
from tests.unit.gateway.jobs.test_watching import (
    AWAY,
    LIST,
    MOVIES,
    NO_TASKS,
    RUNNING,
    TASKS,
    a_ges,
    a_listing,
    a_port,
    asked,
    by_time,
    events_of,
    ref,
    target,
    told,
    watch_graph,
)

pytestmark = pytest.mark.anyio
THROTTLED: Said = (429, {"error_code": "APIG.0308", "error_msg": "slow down"})
SUCCESS: Said = (200, {"status": "success"})


@pytest.fixture
def anyio_backend() -> Any:
    """Run on a loop of fake time."""
    return FAKE_TIME


def kinds(events: list[JobEvent]) -> list[tuple[str, str]]:
    return [(event.type.name, event.seen.job_id) for event in events]


class Throttling(Ges):
    """A GES that wants to be left alone for 30 seconds, and notes when it was asked for what."""

    def times(self, path: str) -> list[float]:
        return [at for at, asked in self.noted if asked == path]

    def __init__(self, says: Any) -> None:
        super().__init__({**a_ges().says, **says})
        self.noted: list[tuple[float, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        self.noted.append((fake_time_loop().time(), request.url.path))
        if answer.status_code == 429:
            answer.headers["Retry-After"] = "30"
        return answer


async def test_retry_after_is_obeyed() -> None:
    """Not a call before its time, whoever joins meanwhile; he is told at once why."""
    ges = Throttling({target(): by_time((0, RUNNING), (1, THROTTLED), (2, SUCCESS))})
    async with open_runtime(ges) as runtime:
        watching = asyncio.ensure_future(events_of(runtime))
        await fake_clock().sleep(5)
        with pytest.raises(RateLimitedError):
            await events_of(runtime, ref(2))
        assert [name for name, *_ in told(await watching)] == ["SNAPSHOT", "POLL_FAILED", "FINISHED"]
    assert ges.times(target()) == [0, 1, 31, 32]
    assert ges.times(target(2)) == []


async def test_a_plane_that_throttles_does_not_hold_up_the_other() -> None:
    """A graph is looked at on the one while the other is left alone, and told of again when it answers."""
    jobs = a_listing(("a", "running"))
    ges = Throttling({LIST: by_time((0, jobs), (1, THROTTLED), (2, jobs)), TASKS: NO_TASKS})
    async with open_runtime(ges, watch_longest_seconds=5) as runtime:
        events = await watch_graph(runtime, 3)
        assert [event.type.name for event in events] == ["SNAPSHOT", "POLL_FAILED", "CHANGED"]
    assert (ges.times(LIST)[1], ges.times(LIST)[2] >= 31) == (1, True)
    assert len([at for at in ges.times(TASKS) if 1 < at < 31]) > 5


async def test_a_graph_is_left_alone_when_all_its_planes_want_that() -> None:
    """And told of as soon as they answer again."""
    jobs = a_listing(("a", "running"))
    ges = Throttling({LIST: by_time((0, jobs), (1, THROTTLED), (2, jobs))})
    async with open_runtime(ges) as runtime:
        events = await watch_graph(runtime, 3, planes=[Plane.SERVICE])
        assert [event.type.name for event in events] == ["SNAPSHOT", "POLL_FAILED", "CHANGED"]
    assert ges.times(LIST) == [0, 1, 31]


async def test_polls_are_bound_by_the_breaker_as_every_call_is() -> None:
    """A plane that keeps failing is left alone: most looks ask nobody, and repeats come out of the common budget."""
    ges = a_ges(**{target(): by_time((0, RUNNING), (1, (503, {})), (100, SUCCESS))})
    async with open_runtime(ges, watch_longest_seconds=1) as runtime:
        events = await events_of(runtime)
    assert [name for name, *_ in told(events)] == ["SNAPSHOT", "POLL_FAILED", "FINISHED"]
    # A look each second for a hundred seconds; without the breaker each would be a call, and with repeats three.
    assert asked(ges, target()) < 50


async def test_what_a_list_lacks_is_asked_a_few_at_a_time() -> None:
    """A poll leaves room for clients; and no bound on one operation keeps it from looking at all its jobs."""
    under_way, most = 0, 0

    class Counting(Ges):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            answer = await super().handle_async_request(request)
            under_way -= 1
            return answer

    jobs = range(60)
    says = {target(number): SUCCESS for number in jobs}
    ges = Counting({**a_ges().says, LIST: a_listing(), **says})
    async with open_runtime(ges, max_upstream_reads=20) as runtime:
        events = await events_of(runtime, *map(ref, jobs))
    assert len([event for event in events if event.type.name == "FINISHED"]) == len(jobs)
    assert most == 8


async def test_a_graph_costs_one_list_of_each_plane_for_each_look() -> None:
    """However many watch it."""
    ges = a_ges(**{LIST: a_listing(("a", "running")), TASKS: NO_TASKS})
    async with open_runtime(ges) as runtime:
        watching = [asyncio.ensure_future(watch_graph(runtime, 2)) for _ in range(50)]
        await fake_clock().sleep(10)
        assert (runtime.watches.pollers, runtime.watches.listeners) == (1, 50)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        assert runtime.watches.pollers == 0
    # At 0, 1, 2.5, 4.75 and 8.125.
    assert (asked(ges, LIST), asked(ges, TASKS)) == (5, 5)


async def test_an_end_in_a_graph_counts_when_it_was_seen_twice() -> None:
    """The rule is the one of single jobs: what GES takes back was never told."""
    says = by_time(
        (0, a_listing(("a", "running"))),
        (1, a_listing(("b", "success"), ("a", "failed"))),
        (2, a_listing(("b", "success"), ("a", "partFailed"))),
    )
    ges = a_ges(**{LIST: says})
    async with open_runtime(ges) as runtime:
        events = await watch_graph(runtime, 4, planes=[Plane.SERVICE])
    assert kinds(events) == [("SNAPSHOT", "a"), ("APPEARED", "b"), ("FINISHED", "b"), ("FINISHED", "a")]
    assert events[-1].seen.raw_status == "partFailed"
    assert fake_time_loop().time() == 3


async def test_a_job_that_newer_ones_push_out_of_the_list_is_followed() -> None:
    """To its end, by its own status; a deleted one is told no more, one that cannot be asked is kept as it was."""
    newer = a_listing(("c", "running"))
    says = by_time((0, a_listing(("j1", "running"), ("j2", "running"), ("j3", "running"))), (1, newer))
    gone: Said = (400, {"errorCode": "GES.8301", "errorMessage": "can not find job"})
    own = {target(1): by_time((0, RUNNING), (4, SUCCESS)), target(2): gone, target(3): AWAY}
    async with open_runtime(a_ges(**{LIST: says, **own})) as runtime:
        events = await watch_graph(runtime, 5, planes=[Plane.SERVICE])
    assert kinds(events)[3:] == [("APPEARED", "c"), ("FINISHED", "j1")]


async def test_a_plane_that_refuses_ends_the_stream() -> None:
    """The other one's jobs with it: nothing of what was allowed before is told any longer."""
    says = by_time((0, a_listing(("a", "running"))), (1, (403, {"error_msg": "no"})))
    async with open_runtime(a_ges(**{LIST: says, TASKS: NO_TASKS})) as runtime:
        async with a_port(runtime) as port, aclosing(port.watch_graph(MOVIES, None, None)) as events:
            assert kinds([await anext(events)]) == [("SNAPSHOT", "a")]
            with pytest.raises(ForbiddenError):
                await anext(events)
        assert runtime.watches.pollers == 0


async def test_a_plane_that_is_met_late_has_nothing_new() -> None:
    """What it has then was there before: what is under way is a snapshot, what has ended is not told."""
    says = by_time((0, AWAY), (2, a_listing(("b", "running"), ("a", "success"))))
    tasks: Said = (200, {"job_list": [], "job_count": 0})
    async with open_runtime(a_ges(**{LIST: says, TASKS: tasks})) as runtime:
        (event,) = await watch_graph(runtime, 1)
    assert kinds([event]) == [("SNAPSHOT", "b")]


async def test_who_joins_a_graph_during_an_outage_gets_what_was_known() -> None:
    """And is told that it is not known any longer."""
    says = by_time((0, a_listing(("a", "running"))), (1, AWAY))
    async with (
        open_runtime(a_ges(**{LIST: says})) as runtime,
        a_port(runtime) as port,
        aclosing(port.watch_graph(MOVIES, [Plane.SERVICE], None)) as events,
    ):
        assert [(await anext(events)).type.name for _ in range(2)] == ["SNAPSHOT", "POLL_FAILED"]
        late = await watch_graph(runtime, 2, planes=[Plane.SERVICE])
    assert [event.type.name for event in late] == ["SNAPSHOT", "POLL_FAILED"]


async def test_who_joins_a_job_during_an_outage_gets_what_was_known() -> None:
    """The same for one job."""
    ges = a_ges(**{target(): by_time((0, RUNNING), (1, AWAY))})
    async with open_runtime(ges) as runtime, a_port(runtime) as port, aclosing(port.watch([ref()])) as events:
        assert [(await anext(events)).type.name for _ in range(2)] == ["SNAPSHOT", "POLL_FAILED"]
        async with a_port(runtime) as other, aclosing(other.watch([ref()])) as late:
            assert [(await anext(late)).type.name for _ in range(2)] == ["SNAPSHOT", "POLL_FAILED"]


async def test_asking_in_another_way_is_no_change() -> None:
    """A third watched job of a graph makes one list of three calls, which tells more of each; nothing has happened."""
    jobs = [{"jobId": f"j{number}", "status": "running", "progress": "40"} for number in range(3)]
    ges = a_ges(**{LIST: (200, {"jobCount": 3, "jobs": jobs}), **{target(number): RUNNING for number in range(3)}})
    async with open_runtime(ges) as runtime:
        heard: list[str] = []
        first = asyncio.ensure_future(_note(runtime, heard, 0))
        await fake_clock().sleep(2)
        others = [asyncio.ensure_future(_note(runtime, [], number)) for number in (1, 2)]
        await fake_clock().sleep(20)
        for task in (first, *others):
            task.cancel()
        await asyncio.gather(first, *others, return_exceptions=True)
    assert asked(ges, LIST) > 1
    assert heard == ["SNAPSHOT"]


async def _note(runtime: Runtime, heard: list[str], number: int) -> None:
    async with a_port(runtime) as port, aclosing(port.watch([ref(number)])) as events:
        async for event in events:
            heard.append(event.type.name)


async def test_of_two_jobs_only_the_one_that_has_changed_is_told() -> None:
    """Those of the management plane are asked one by one as well, also when their graph is gone."""
    status = "/v2/p1/graphs/id-of-movies/jobs/j1/status"
    says = by_time((0, (200, {"status": "running"})), (4, (200, {"status": "success"})))
    tasks = [{"job_id": "old", "job_type": "ImportGraph", "related_graph": "gone", "status": "success"}]
    gone = JobRef(Plane.MANAGEMENT, GraphKey("p1", name="gone"), "old")
    ges = a_ges(**{status: says, TASKS: (200, {"job_count": 1, "job_list": tasks})})
    async with open_runtime(ges) as runtime:
        events = await events_of(runtime, ref(1, Plane.MANAGEMENT), gone)
    assert sorted(kinds(events)) == [("FINISHED", "j1"), ("FINISHED", "old"), ("SNAPSHOT", "j1"), ("SNAPSHOT", "old")]


async def test_two_jobs_of_a_graph_are_told_each_by_itself() -> None:
    """News of one is none of the other."""
    ges = a_ges(**{target(1): by_time((0, RUNNING), (4, SUCCESS)), target(2): by_time((0, RUNNING), (20, SUCCESS))})
    async with open_runtime(ges) as runtime:
        events = await events_of(runtime, ref(1), ref(2))
        assert runtime.watches.pollers == 0
    assert kinds(events)[2:] == [("FINISHED", "j1"), ("FINISHED", "j2")]


async def test_a_wait_ends_with_the_process() -> None:
    """Not with an error: the job is as it is."""
    ges = a_ges(**{target(): RUNNING})
    async with open_runtime(ges) as runtime, a_port(runtime) as port:
        waiting = asyncio.ensure_future(port.get(ref(), STATUS_PARTS, 50))
        await fake_clock().sleep(3)
        runtime.ending.set()
        assert (await waiting).status.name == "RUNNING"
        assert (fake_time_loop().time(), runtime.watches.pollers) == (3, 0)


async def test_a_wait_for_a_job_that_cannot_be_seen_any_longer_says_why() -> None:
    """At once; a client that leaves instead stops the polling."""
    ges = a_ges(**{target(): by_time((0, RUNNING), (2, (403, {"error_msg": "no"})))})
    async with open_runtime(ges) as runtime, a_port(runtime) as port:
        with pytest.raises(ForbiddenError):
            await port.get(ref(), STATUS_PARTS, 50)
        assert fake_time_loop().time() == 2.5
    async with open_runtime(a_ges(**{target(): RUNNING})) as runtime, a_port(runtime) as port:
        waiting = asyncio.ensure_future(port.get(ref(), STATUS_PARTS, 50))
        await fake_clock().sleep(1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert (runtime.watches.pollers, runtime.waits.taken) == (0, 0)


async def test_a_wait_makes_no_call_last_longer() -> None:
    """It is the request that may take longer; one call that hangs still ends by its own time, and is told as such."""
    ges = a_ges(**{target(): by_time((0, RUNNING))})
    async with open_runtime(ges, upstream_timeout_seconds=3) as runtime, a_port(runtime) as port:
        await port.get(ref(), STATUS_PARTS)
        ges.held = asyncio.Event()
        with pytest.raises(UpstreamError) as caught:
            async with a_port(runtime) as another:
                await another.get(ref(2), STATUS_PARTS, 50)
        assert not isinstance(caught.value, PlaneUnavailableError)
        assert fake_time_loop().time() == 3
