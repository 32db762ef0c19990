"""The Jobs port: one plane by a ref, both without, and waiting that asks for the status alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import httpx
import pytest

from gateway.jobs.locate import Places
from gateway.jobs.port import JobsPort
from gateway.runtime import Runtime
from schema.context import JobParts
from schema.errors import NotFoundError
from schema.ids import GraphKey, JobRef
from schema.job import JobStatus
from schema.page import Window
from schema.plane import Plane
from tests.support_clock import FAKE_TIME, fake_time_loop
from tests.support_ges import Ges, Said, a_caller, a_described_graph, a_directory, a_list_of, open_reader, open_runtime

pytestmark = pytest.mark.anyio

MOVIES = GraphKey("p1", name="movies")
NOTHING = JobParts(listing=False, identity=False, result=False, failure=False, window=lambda ref: None)
MANAGEMENT = "/v2/p1/graphs/id-of-movies/jobs/j1/status"
SERVICE = "/ges/v1.0/p1/graphs/movies/jobs/j1/status"
TASKS = "/v2/p1/graphs/jobs"
SUCCESS: Said = (200, {"status": "success"})
NO_SUCH_JOB: Said = (400, {"error_code": "GES.8301", "error_msg": "can not find job, jobId is j1"})


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


def a_ges(management: Any = NO_SUCH_JOB, service: Any = NO_SUCH_JOB) -> Ges:
    """Make a GES with one graph, and these answers about one job."""
    says = {"/v2/p1/graphs": a_list_of(a_described_graph("movies")), MANAGEMENT: management, SERVICE: service}
    return Ges(says)


@dataclass
class Gate:
    """Opens ports for operations of one gateway."""

    runtime: Runtime
    places: Places

    @asynccontextmanager
    async def port(self, token: str = "one") -> AsyncIterator[JobsPort]:
        """Open the port of one operation."""
        async with open_reader(self.runtime, a_caller(token), fresh=True) as reader:
            yield JobsPort(reader, a_directory(reader), self.places)


@asynccontextmanager
async def a_gate(ges: Ges, **settings: Any) -> AsyncIterator[Gate]:
    """Open a gateway without its doors."""
    async with open_runtime(ges, **settings) as runtime:
        yield Gate(runtime, Places())


def about_the_job(ges: Ges) -> list[str]:
    """Return the calls about the job itself, and forget them."""
    asked = [target for target in ges.asked if "/jobs/j1/" in target]
    ges.asked.clear()
    return asked


async def test_where_a_job_was_found_is_remembered_for_its_caller() -> None:
    """The second search asks one plane; another caller searches for himself."""
    ges = a_ges(service=SUCCESS)
    one_row = f"{SERVICE}?offset=0&limit=1"
    async with a_gate(ges) as gate:
        for token, asked in (("one", [MANAGEMENT, one_row]), ("one", [one_row]), ("two", [MANAGEMENT, one_row])):
            async with gate.port(token) as port:
                assert (await port.find(MOVIES, "j1", None, NOTHING)).plane is Plane.SERVICE
            assert sorted(about_the_job(ges)) == sorted(asked)


async def test_a_job_that_is_no_longer_where_it_was_is_searched_again() -> None:
    """A name can be given to another graph."""
    ges = a_ges(service=SUCCESS)
    async with a_gate(ges) as gate:
        async with gate.port() as port:
            await port.find(MOVIES, "j1", None, NOTHING)
        ges.says.update({SERVICE: NO_SUCH_JOB, MANAGEMENT: SUCCESS})
        async with gate.port() as port:
            assert (await port.find(MOVIES, "j1", None, NOTHING)).plane is Plane.MANAGEMENT
        ges.asked.clear()
        async with gate.port() as port:
            await port.find(MOVIES, "j1", None, NOTHING)
        assert about_the_job(ges) == [MANAGEMENT]


async def test_a_search_that_finds_nothing_is_not_remembered() -> None:
    """The job may be submitted in the next second."""
    ges = a_ges()
    async with a_gate(ges) as gate:
        for _ in range(2):
            async with gate.port() as port:
                with pytest.raises(NotFoundError):
                    await port.find(MOVIES, "j1", None, NOTHING)
            assert len(about_the_job(ges)) == 2


@pytest.mark.parametrize(("plane", "path"), [(Plane.MANAGEMENT, MANAGEMENT), (Plane.SERVICE, SERVICE)])
async def test_a_ref_asks_the_plane_it_names(plane: Plane, path: str) -> None:
    """Nothing is searched."""
    graph = GraphKey("p1", graph_id="id-of-movies") if plane is Plane.MANAGEMENT else MOVIES
    ges = a_ges(SUCCESS, SUCCESS)
    async with a_gate(ges) as gate, gate.port() as port:
        assert (await port.get(JobRef(plane, graph, "j1"), NOTHING)).plane is plane
    assert [target.partition("?")[0] for target in about_the_job(ges)] == [path]


async def test_a_ref_of_a_job_whose_graph_is_gone_asks_the_task_center() -> None:
    """Its graph has a name only, which may belong to another graph by now: that one is not asked."""
    ges = a_ges(SUCCESS)
    ges.says[TASKS] = (200, {"job_list": [{"job_id": "j1", "status": "failed", "related_graph": "movies"}]})
    async with a_gate(ges) as gate, gate.port() as port:
        job = await port.get(JobRef(Plane.MANAGEMENT, MOVIES, "j1"), NOTHING)
    assert job.status is JobStatus.FAILED
    assert about_the_job(ges) == []


async def test_a_plane_that_is_not_configured_is_not_asked() -> None:
    """And is no reason not to say that there is no such job."""
    ges = a_ges()
    settings = {"management_url": None, "service_urls": {"movies": "http://10.0.0.5"}}
    async with a_gate(ges, **settings) as gate, gate.port() as port:
        with pytest.raises(NotFoundError):
            await port.find(MOVIES, "j1", None, NOTHING)
    assert about_the_job(ges) == [f"{SERVICE}?offset=0&limit=1"]


def ending_at(seconds: float) -> Any:
    """Say that the job runs, and from a moment on that it has ended."""
    return lambda _: (200, {"status": "success" if fake_time_loop().seconds >= seconds else "running", "data": {}})


WITH_ROWS = replace(NOTHING, result=True, window=lambda ref: Window(0, 7))


async def test_waiting_asks_for_the_status_alone_and_for_the_rest_at_the_end() -> None:
    """After 1, 2.5, 4.75 and 8.125 seconds; rows once."""
    ges = a_ges(service=ending_at(6))
    async with a_gate(ges) as gate, gate.port() as port:
        job = await port.find(MOVIES, "j1", Plane.SERVICE, WITH_ROWS, 30)
    assert (job.status, fake_time_loop().seconds) == (JobStatus.SUCCEEDED, 8.125)
    assert about_the_job(ges) == [f"{SERVICE}?offset=0&limit=1"] * 5 + [f"{SERVICE}?offset=0&limit=7"]


async def test_waiting_ends_when_the_time_is_up() -> None:
    """To the moment, whatever the pause would have been; what there is then is the answer."""
    ges = a_ges(service=ending_at(100))
    async with a_gate(ges) as gate, gate.port() as port:
        job = await port.get(JobRef(Plane.SERVICE, MOVIES, "j1"), NOTHING, 3)
    assert (job.status, fake_time_loop().seconds) == (JobStatus.RUNNING, 3)
    assert len(about_the_job(ges)) == 4


async def test_an_ended_job_is_not_waited_for() -> None:
    """One look is enough."""
    ges = a_ges(service=ending_at(0))
    async with a_gate(ges) as gate, gate.port() as port:
        await port.get(JobRef(Plane.SERVICE, MOVIES, "j1"), NOTHING, 50)
    assert fake_time_loop().seconds == 0
    assert len(about_the_job(ges)) == 1


async def test_pauses_grow_no_longer_than_ten_seconds() -> None:
    """A job of minutes costs a look every ten seconds."""
    looks: list[float] = []

    def note(_: httpx.Request) -> Said:
        looks.append(fake_time_loop().seconds)
        return 200, {"status": "running"}

    ges = a_ges(service=note)
    async with a_gate(ges) as gate, gate.port() as port:
        await port.get(JobRef(Plane.SERVICE, MOVIES, "j1"), NOTHING, 50)
    pauses = [later - sooner for sooner, later in pairwise(looks)]
    assert pauses == [1, 1.5, 2.25, 3.375, 5.0625, 7.59375, 10, 10, 50 - 40.78125]


async def test_waiting_without_a_plane_asks_one_plane_once_it_is_found() -> None:
    """The search is made once, not at every look; who wants it fresh gets the answer itself read once more."""
    ges = a_ges(service=ending_at(2))
    async with a_gate(ges) as gate, gate.port() as port:
        await port.find(MOVIES, "j1", None, NOTHING, 30)
    asked = about_the_job(ges)
    assert asked.count(MANAGEMENT) == 1
    assert len(asked) == 5


async def test_a_job_that_disappears_while_somebody_waits_is_said_to_be_gone() -> None:
    """An error ends the waiting."""
    ges = a_ges(service=lambda _: (200, {"status": "running"}) if fake_time_loop().seconds < 2 else NO_SUCH_JOB)
    async with a_gate(ges) as gate, gate.port() as port:
        with pytest.raises(NotFoundError):
            await port.get(JobRef(Plane.SERVICE, MOVIES, "j1"), NOTHING, 30)
    assert fake_time_loop().seconds == 2.5


async def test_rows_are_those_of_the_job_that_the_ref_names() -> None:
    """Handed on to the part that knows how."""
    ges = a_ges(service=(200, {"status": "success", "data": {"outputs": {"pagerank": [{"a": 1}]}}}))
    async with a_gate(ges) as gate, gate.port() as port:
        page = await port.rows(JobRef(Plane.SERVICE, MOVIES, "j1"), Window(0, 5))
    assert page.total == 1
