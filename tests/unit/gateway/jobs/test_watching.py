"""Watching jobs, from the port down to GES: which events are told, what they cost, and who sees nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.jobs.locate import Places
from gateway.jobs.polls import STATUS_PARTS
from gateway.jobs.port import JobsPort
from gateway.runtime import Runtime
from schema.errors import (
    ForbiddenError,
    LimitExceededError,
    PlaneUnavailableError,
    UnauthenticatedError,
    UpstreamFailedError,
)
from schema.ids import GraphKey, JobRef
from schema.job import JobKind, JobStatus
from schema.job_event import JobEvent, JobEventType
from schema.plane import Plane
from tests.support_clock import FAKE_TIME, fake_clock, fake_time_loop
from tests.support_ges import Ges, Said, a_caller, a_described_graph, a_directory, a_list_of, open_reader, open_runtime

pytestmark = pytest.mark.anyio

MOVIES = GraphKey("p1", name="movies")
RUNNING: Said = (200, {"status": "running"})
AWAY: Said = (500, {"error_code": "GES.9999", "error_msg": "away"})
LIST = "/ges/v1.0/p1/graphs/movies/jobs/status"
TASKS = "/v2/p1/graphs/jobs"


@pytest.fixture
def anyio_backend() -> Any:
    """Run on a loop of fake time."""
    return FAKE_TIME


def ref(number: int = 1, plane: Plane = Plane.SERVICE) -> JobRef:
    graph = MOVIES if plane is Plane.SERVICE else GraphKey("p1", graph_id="id-of-movies")
    return JobRef(plane, graph, f"j{number}")


def target(number: int = 1) -> str:
    return f"/ges/v1.0/p1/graphs/movies/jobs/j{number}/status"


def by_time(*said: tuple[float, Said]) -> Callable[[httpx.Request], Said]:
    """Say the last of these whose moment has come."""
    return lambda _: [answer for since, answer in said if since <= fake_time_loop().time()][-1]


def a_ges(**says: Any) -> Ges:
    graphs = a_list_of(a_described_graph("movies"))
    one = (200, {"graph": a_described_graph("movies")})
    return Ges({"/v2/p1/graphs": graphs, "/v2/p1/graphs/id-of-movies": one, **says})


@asynccontextmanager
async def a_port(runtime: Runtime, token: str = "token-of-one") -> AsyncIterator[JobsPort]:
    async with open_reader(runtime, a_caller(token)) as reader:
        yield JobsPort(reader, a_directory(reader), Places())


async def events_of(runtime: Runtime, *refs: JobRef, token: str = "token-of-one") -> list[JobEvent]:
    """Watch jobs until all have ended."""
    async with a_port(runtime, token) as port:
        return [event async for event in port.watch(refs or (ref(),))]


def told(events: list[JobEvent]) -> list[tuple[str, str, str | None]]:
    return [
        (event.type.name, event.seen.status.name, event.previous_status and event.previous_status.name)
        for event in events
    ]


def asked(ges: Ges, path: str) -> int:
    return sum(found.partition("?")[0] == path for found in ges.asked)


async def test_a_job_is_told_from_now_to_its_end() -> None:
    """Its state now, every change, and its end once GES has said it twice."""
    says = by_time((0, (200, {"status": "pending"})), (3, RUNNING), (6, (200, {"status": "success"})))
    ges = a_ges(**{target(): says})
    async with open_runtime(ges) as runtime:
        events = await events_of(runtime)
        assert runtime.watches.pollers == 0
    assert told(events) == [
        ("SNAPSHOT", "PENDING", None),
        ("CHANGED", "RUNNING", "PENDING"),
        ("FINISHED", "SUCCEEDED", "RUNNING"),
    ]
    # At 0, 1, 2.5, 4.75 (it runs), 5.75, 7.25 (it has ended), 8.25 (it is sure).
    assert asked(ges, target()) == 7
    assert fake_time_loop().time() == 8.25
    assert all("limit=1" in found for found in ges.asked if found.startswith(target()))


async def test_a_job_that_has_ended_before_is_told_and_finished() -> None:
    """The first event shows it, the last says that it is over."""
    ges = a_ges(**{target(): (200, {"status": "success"})})
    async with open_runtime(ges) as runtime:
        assert told(await events_of(runtime)) == [
            ("SNAPSHOT", "SUCCEEDED", None),
            ("FINISHED", "SUCCEEDED", "SUCCEEDED"),
        ]


async def test_an_end_that_ges_takes_back_is_none() -> None:
    """It settles late; what it says twice counts."""
    says = by_time((0, RUNNING), (1, (200, {"status": "failed"})), (2, (200, {"status": "partFailed"})))
    ges = a_ges(**{target(): says})
    async with open_runtime(ges) as runtime:
        events = told(await events_of(runtime))
    assert events == [("SNAPSHOT", "RUNNING", None), ("FINISHED", "PARTIALLY_FAILED", "RUNNING")]


async def test_an_outage_is_told_once_and_then_that_it_is_over() -> None:
    """The stream goes on; the job is the last known one."""
    says = by_time((0, RUNNING), (2, AWAY), (8, RUNNING), (12, (200, {"status": "success"})))
    ges = a_ges(**{target(): says})
    async with open_runtime(ges) as runtime:
        events = await events_of(runtime)
    assert told(events) == [
        ("SNAPSHOT", "RUNNING", None),
        ("POLL_FAILED", "RUNNING", "RUNNING"),
        ("CHANGED", "RUNNING", "RUNNING"),
        ("FINISHED", "SUCCEEDED", "RUNNING"),
    ]
    assert [event.problem is not None for event in events] == [False, True, False, False]


async def test_what_was_never_seen_cannot_be_told() -> None:
    """There is no event without a job, so the stream ends with what kept it from being seen."""
    ges = a_ges(**{target(): AWAY})
    async with open_runtime(ges) as runtime:
        with pytest.raises(UpstreamFailedError):
            await events_of(runtime)
        assert runtime.watches.pollers == 0


@pytest.mark.parametrize(("status", "error"), [(401, UnauthenticatedError), (403, ForbiddenError)])
async def test_a_refusal_ends_the_stream_and_the_grant(status: int, error: type[Exception]) -> None:
    """With an error and no further data."""
    ges = a_ges(**{target(): by_time((0, RUNNING), (2, (status, {"error_msg": "no"})))})
    async with open_runtime(ges) as runtime:
        async with a_port(runtime) as port, aclosing(port.watch([ref()])) as events:
            assert told([await anext(events)]) == [("SNAPSHOT", "RUNNING", None)]
            assert len(runtime.grants) == 1
            with pytest.raises(error):
                await anext(events)
        assert len(runtime.grants) == 0


async def test_nobody_hears_of_what_another_watches() -> None:
    """Each caller's token is tried by itself: before, while and after another one watches."""

    def says(request: httpx.Request) -> Said:
        return RUNNING if request.headers["x-auth-token"] == "token-of-one" else (403, {"error_msg": "no"})

    ges = a_ges(**{target(): says})
    async with open_runtime(ges) as runtime, a_port(runtime) as port, aclosing(port.watch([ref()])) as events:
        assert (await anext(events)).type is JobEventType.SNAPSHOT
        with pytest.raises(ForbiddenError):
            await events_of(runtime, token="token-of-two")
        assert runtime.watches.pollers == 1


async def test_a_thousand_subscribers_and_two_hundred_waiters_cost_one_poller() -> None:
    """What GES is asked over the job's life is what one watcher would ask."""
    ges = a_ges(**{target(): by_time((0, RUNNING), (6, (200, {"status": "success"})))})
    async with open_runtime(ges) as runtime:

        async def wait() -> JobStatus:
            async with a_port(runtime) as port:
                return (await port.get(ref(), STATUS_PARTS, 50)).status

        subscribers = [asyncio.ensure_future(events_of(runtime)) for _ in range(1000)]
        waiters = [asyncio.ensure_future(wait()) for _ in range(200)]
        await fake_clock().sleep(0.5)
        assert runtime.watches.pollers == 1
        assert set(await asyncio.gather(*waiters)) == {JobStatus.SUCCEEDED}
        heard = [told(events) for events in await asyncio.gather(*subscribers)]
    assert heard == [[("SNAPSHOT", "RUNNING", None), ("FINISHED", "SUCCEEDED", "RUNNING")]] * 1000
    # At 0 (one call for the waiters as well), 1, 2.5, 4.75, 8.125 (it has ended), 9.125 (it is sure).
    assert asked(ges, target()) == 6


async def test_ten_jobs_of_a_graph_cost_one_list_for_each_look() -> None:
    """Not one status call; and the stream ends when all have ended."""
    jobs = [{"jobId": f"j{number}", "status": "running", "taskType": "Algorithm"} for number in range(10)]
    ended = [{**job, "status": "success"} for job in jobs]
    listing = by_time((0, (200, {"jobCount": 10, "jobs": jobs})), (3, (200, {"jobCount": 10, "jobs": ended})))
    ges = a_ges(**{LIST: listing})
    async with open_runtime(ges) as runtime:
        events = await events_of(runtime, *map(ref, range(10)))
    assert [event.type.name for event in events] == ["SNAPSHOT"] * 10 + ["FINISHED"] * 10
    # At 0, 1, 2.5, 4.75 and 5.75.
    assert asked(ges, LIST) == 5
    assert not any("/j1/" in found for found in ges.asked)


async def test_ten_jobs_of_the_management_plane_cost_one_list_for_each_look() -> None:
    """The task center's, of that graph."""
    jobs = [
        {"job_id": f"j{n}", "job_type": "ImportGraph", "related_graph": "movies", "status": "success"} for n in range(3)
    ]
    ges = a_ges(**{TASKS: (200, {"job_count": 3, "job_list": jobs})})
    async with open_runtime(ges) as runtime:
        events = await events_of(runtime, *(ref(number, Plane.MANAGEMENT) for number in range(3)))
    assert [event.type.name for event in events] == ["SNAPSHOT"] * 3 + ["FINISHED"] * 3
    assert asked(ges, TASKS) == 2


async def test_a_list_that_fails_is_not_made_up_for_by_a_call_for_each_job() -> None:
    """That would be more of what GES has just refused."""
    jobs = [{"jobId": f"j{number}", "status": "running"} for number in range(3)]
    ges = a_ges(**{LIST: by_time((0, (200, {"jobCount": 3, "jobs": jobs})), (1, AWAY))})
    refs = [ref(number) for number in range(3)]
    async with open_runtime(ges) as runtime, a_port(runtime) as port, aclosing(port.watch(refs)) as events:
        heard = [await anext(events) for _ in range(6)]
    assert [event.type.name for event in heard] == ["SNAPSHOT"] * 3 + ["POLL_FAILED"] * 3
    assert not any("/j1/" in found for found in ges.asked)


async def test_a_job_that_its_list_lacks_is_asked_for_by_itself() -> None:
    """Lists end somewhere."""
    jobs = [{"jobId": f"j{number}", "status": "success"} for number in range(2)]
    ges = a_ges(**{LIST: (200, {"jobCount": 2, "jobs": jobs}), target(2): (200, {"status": "success"})})
    async with open_runtime(ges) as runtime:
        events = await events_of(runtime, *map(ref, range(3)))
    assert {(event.seen.job_id, event.type.name) for event in events} == {
        (f"j{number}", kind) for number in range(3) for kind in ("SNAPSHOT", "FINISHED")
    }


async def test_who_stops_listening_stops_the_polling() -> None:
    """At once, however the stream is left."""
    ges = a_ges(**{target(): RUNNING})
    async with open_runtime(ges) as runtime, a_port(runtime) as port:
        async with aclosing(port.watch([ref()])) as events:
            await anext(events)
        assert runtime.watches.pollers == 0
        before = len(ges.asked)
        await fake_clock().sleep(60)
    assert len(ges.asked) == before


async def test_a_status_nobody_knows_is_said_after_a_while() -> None:
    """It never ends by itself, and nobody can tell whether the job has."""
    ges = a_ges(**{target(): (200, {"status": "pondering"})})
    async with open_runtime(ges, watch_unknown_seconds=30) as runtime:
        with pytest.raises(UpstreamFailedError, match="30 seconds"):
            await events_of(runtime)
    assert 30 <= fake_time_loop().time() < 45


async def test_waits_of_one_caller_are_bounded() -> None:
    """With a coded refusal; other callers are not concerned."""
    ges = a_ges(**{target(): RUNNING})
    async with open_runtime(ges, max_waits_per_caller=1) as runtime, a_port(runtime) as port:
        waiting = asyncio.ensure_future(port.get(ref(), STATUS_PARTS, 20))
        await fake_clock().sleep(1)
        async with a_port(runtime) as second:
            with pytest.raises(LimitExceededError) as caught:
                await second.get(ref(), STATUS_PARTS, 20)
        assert (caught.value.limit, caught.value.maximum) == ("waits", 1)
        assert (await waiting).status is JobStatus.RUNNING
        assert runtime.waits.taken == 0


async def watch_graph(
    runtime: Runtime, count: int, planes: list[Plane] | None = None, kinds: list[JobKind] | None = None
) -> list[JobEvent]:
    """Return the first events of a graph."""
    async with a_port(runtime) as port:
        events: AsyncGenerator[JobEvent] = port.watch_graph(MOVIES, planes, kinds)
        async with aclosing(events):
            return [await anext(events) for _ in range(count)]


def a_listing(*jobs: tuple[str, str]) -> Said:
    return 200, {
        "jobCount": len(jobs),
        "jobs": [{"jobId": job, "status": status, "taskType": "Algorithm"} for job, status in jobs],
    }


NO_TASKS: Said = (200, {"job_count": 0, "job_list": []})


async def test_a_graph_is_told_by_the_jobs_under_way_and_then_by_what_happens() -> None:
    """Those that ended before are no news."""
    says = by_time(
        (0, a_listing(("b", "running"), ("a", "success"))),
        (1, a_listing(("c", "running"), ("b", "running"), ("a", "success"))),
        (2, a_listing(("d", "success"), ("c", "running"), ("b", "failed"), ("a", "success"))),
    )
    ges = a_ges(**{LIST: says, TASKS: NO_TASKS})
    async with open_runtime(ges) as runtime:
        events = await watch_graph(runtime, 5)
        assert runtime.watches.pollers == 0
    assert [(event.type.name, event.seen.job_id) for event in events] == [
        ("SNAPSHOT", "b"),
        ("APPEARED", "c"),
        ("FINISHED", "b"),
        ("APPEARED", "d"),
        ("FINISHED", "d"),
    ]


async def test_a_plane_that_cannot_be_asked_loses_none_of_its_jobs() -> None:
    """They are told as not known, and again when it is back."""
    jobs = a_listing(("a", "running"))
    ges = a_ges(**{LIST: by_time((0, jobs), (1, AWAY), (5, jobs)), TASKS: NO_TASKS})
    async with open_runtime(ges) as runtime:
        events = await watch_graph(runtime, 3)
    assert told(events) == [
        ("SNAPSHOT", "RUNNING", None),
        ("POLL_FAILED", "RUNNING", "RUNNING"),
        ("CHANGED", "RUNNING", "RUNNING"),
    ]


async def test_all_planes_away_are_told_by_the_jobs_known() -> None:
    """And from the start, when none is known, by an error."""
    jobs = a_listing(("a", "running"))
    ges = a_ges(**{LIST: by_time((0, jobs), (1, AWAY))})
    async with open_runtime(ges) as runtime:
        events = await watch_graph(runtime, 2, planes=[Plane.SERVICE])
        assert [event.type.name for event in events] == ["SNAPSHOT", "POLL_FAILED"]
    async with open_runtime(a_ges(**{LIST: AWAY})) as runtime:
        with pytest.raises(UpstreamFailedError):
            await watch_graph(runtime, 1, planes=[Plane.SERVICE])


async def test_only_the_kinds_asked_for_are_told() -> None:
    """The poller is shared by those who ask for others."""
    ges = a_ges(**{LIST: by_time((0, a_listing(("a", "running"))), (1, a_listing(("b", "running"), ("a", "running"))))})
    async with open_runtime(ges) as runtime:
        (event,) = await watch_graph(runtime, 1, planes=[Plane.SERVICE], kinds=[JobKind.ALGORITHM])
        assert event.seen.job_id == "a"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await watch_graph(runtime, 1, planes=[Plane.SERVICE], kinds=[JobKind.IMPORT])


async def test_a_closing_gateway_ends_what_is_watched() -> None:
    """With an error that says why."""
    ges = a_ges(**{target(): RUNNING})
    async with open_runtime(ges) as runtime, a_port(runtime) as port, aclosing(port.watch([ref()])) as events:
        await anext(events)
        await runtime.watches.close()
        with pytest.raises(PlaneUnavailableError):
            await anext(events)
