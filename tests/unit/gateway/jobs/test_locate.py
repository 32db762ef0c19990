"""Finding a job on an unknown plane: who has it wins, and who could not be asked is never taken for a no."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.jobs.locate import Places, first_found
from schema.errors import (
    ForbiddenError,
    GraphNotRunningError,
    NotFoundError,
    PlaneUnavailableError,
    RateLimitedError,
    UnauthenticatedError,
    UpstreamError,
    UpstreamFailedError,
    UpstreamMalformedError,
    UpstreamTimeoutError,
)
from schema.job import Job
from schema.plane import Plane
from tests.fakes import a_job

pytestmark = pytest.mark.anyio


async def says_no(plane: Plane = Plane.MANAGEMENT) -> Job:
    """Answer that there is no such job."""
    raise NotFoundError("no", plane=plane)


async def fails(error: UpstreamError) -> Job:
    """Fail with an error."""
    raise error


async def has_it(job: Job) -> Job:
    """Answer with the job."""
    return job


async def hangs(left: asyncio.Event) -> Job:
    """Never answer; note when nobody waits any more."""
    try:
        await asyncio.Event().wait()
    finally:
        left.set()
    raise AssertionError("nothing ever happens")


@pytest.mark.parametrize(
    "other", [NotFoundError("no"), PlaneUnavailableError("down"), UnauthenticatedError("who"), ForbiddenError("you")]
)
@pytest.mark.parametrize("found_first", [True, False])
async def test_whoever_has_the_job_answers(other: UpstreamError, found_first: bool) -> None:
    """Whatever the other plane says, before or after."""
    job = a_job()
    asks = [has_it(job), fails(other)]
    assert await first_found(asks if found_first else asks[::-1]) is job


async def test_nobody_waits_for_the_slower_plane() -> None:
    """It is left as soon as the job is found, and when the search itself is left."""
    left = asyncio.Event()
    job = a_job()
    assert await first_found([hangs(left), has_it(job)]) is job
    assert left.is_set()
    left.clear()
    search = asyncio.create_task(first_found([hangs(left)]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search
    assert left.is_set()


async def test_not_found_means_that_all_said_no() -> None:
    """The error names no plane, for it is about all of them."""
    with pytest.raises(NotFoundError) as caught:
        await first_found([says_no(Plane.MANAGEMENT), says_no(Plane.SERVICE)])
    assert caught.value.plane is None


@pytest.mark.parametrize(
    "error",
    [
        PlaneUnavailableError("down", plane=Plane.SERVICE, upstream_status=503, retry_after_seconds=7),
        UpstreamTimeoutError("slow", plane=Plane.SERVICE),
        RateLimitedError("busy", plane=Plane.SERVICE, upstream_status=429, retry_after_seconds=3),
        UpstreamFailedError("broken", plane=Plane.SERVICE, upstream_status=500, upstream_code="GES.8302"),
        UpstreamMalformedError("what", plane=Plane.SERVICE, upstream_status=200),
    ],
)
@pytest.mark.parametrize("no_first", [True, False])
async def test_a_plane_that_could_not_be_asked_is_named(error: UpstreamError, no_first: bool) -> None:
    """With all that is known of why, and whether it is worth trying again."""
    asks = [says_no(), fails(error)]
    with pytest.raises(PlaneUnavailableError, match="SERVICE") as caught:
        await first_found(asks if no_first else asks[::-1])
    raised = caught.value
    assert (raised.plane, raised.upstream_status, raised.upstream_code) == (
        Plane.SERVICE,
        error.upstream_status,
        error.upstream_code,
    )
    assert (raised.retryable, raised.retry_after_seconds) == (error.retryable, error.retry_after_seconds)


async def test_a_failure_of_no_plane_is_still_no_answer() -> None:
    """As when the gateway itself could not ask."""
    with pytest.raises(PlaneUnavailableError, match="upstream plane could not be asked: odd"):
        await first_found([says_no(), fails(UpstreamFailedError("odd"))])


@pytest.mark.parametrize("error", [UnauthenticatedError("who"), ForbiddenError("you"), GraphNotRunningError("stopped")])
@pytest.mark.parametrize("other", [NotFoundError("no"), UpstreamTimeoutError("slow")])
async def test_what_concerns_the_caller_or_the_graph_is_said_itself(error: UpstreamError, other: UpstreamError) -> None:
    """`PLANE_UNAVAILABLE` would send an operator looking for an outage."""
    with pytest.raises(type(error)) as caught:
        await first_found([fails(other), fails(error)])
    assert caught.value is error


async def test_a_defect_is_not_hidden() -> None:
    """Only what GES said is collected."""

    async def breaks() -> Job:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await first_found([breaks(), says_no()])


def test_places_are_remembered_and_replaced() -> None:
    """By caller, graph and id; a later place counts."""
    places = Places()
    assert places.get(("one",)) is None
    places.put(("one",), Plane.SERVICE)
    assert places.get(("one",)) is Plane.SERVICE
    assert places.get(("two",)) is None
    places.put(("one",), Plane.MANAGEMENT)
    assert places.get(("one",)) is Plane.MANAGEMENT


def test_the_place_longest_unused_is_forgotten_first() -> None:
    """Asking for one uses it."""
    places = Places(maximum=2)
    places.put(("one",), Plane.SERVICE)
    places.put(("two",), Plane.SERVICE)
    places.get(("one",))
    places.put(("three",), Plane.SERVICE)
    assert [places.get((name,)) for name in ("one", "two", "three")] == [Plane.SERVICE, None, Plane.SERVICE]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=40))
def test_places_never_hold_more_than_they_may(steps: list[tuple[bool, int]]) -> None:
    """Whatever is put and asked, in whatever order; the latest three put or asked are there."""
    places = Places(maximum=3)
    recent: list[int] = []
    for is_put, number in steps:
        if is_put or number in recent[-3:]:
            recent = [*(other for other in recent if other != number), number]
        if is_put:
            places.put((number,), Plane.SERVICE)
        else:
            assert (places.get((number,)) is not None) is (number in recent[-3:])
