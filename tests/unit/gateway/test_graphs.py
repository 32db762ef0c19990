"""The directory: every graph of a project by its name, where it answers, and what is known without asking."""

from __future__ import annotations

from typing import Any

import pytest

from schema.errors import ForbiddenError, GraphNotRunningError, NotFoundError, PlaneUnavailableError
from schema.graph import GraphEdition
from schema.ids import GraphKey
from schema.page import PageRequest
from schema.plane import Plane
from tests.support_clock import FAKE_TIME, pass_time
from tests.support_ges import (
    Ges,
    Said,
    a_caller_with,
    a_described_graph,
    a_directory,
    a_list_of,
    open_reader,
    open_runtime,
)

pytestmark = pytest.mark.anyio

LIST, FIRST, SECOND = "/v2/p1/graphs", "/v2/p1/graphs?offset=0&limit=100", "/v2/p1/graphs?offset=100&limit=100"
MOVIES = GraphKey("p1", name="movies")
HUNDRED = [a_described_graph(f"graph_{number}") for number in range(100)]
NO_SUCH_GRAPH: Said = (400, {"error_code": "GES.7000", "error_msg": "The graph does not exist."})


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


async def test_a_directory_of_more_than_a_page_is_read_on() -> None:
    """A graph on the second page is found by its name."""
    ges = Ges({FIRST: (200, {"graphs": HUNDRED}), SECOND: a_list_of(a_described_graph("movies"))})
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        assert (await a_directory(reader).record(MOVIES)).graph_id == "id-of-movies"
    assert ges.asked == [FIRST, SECOND]


async def test_a_directory_without_end_is_left_after_ten_pages() -> None:
    """A project larger than that is looked up by id; reading on for ever helps nobody."""
    ges = Ges({LIST: (200, {"graphs": HUNDRED})})
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        with pytest.raises(NotFoundError):
            await a_directory(reader).record(MOVIES)
    assert len(ges.asked) == 10


@pytest.mark.parametrize(("status", "calls"), [("200", 1), ("900", 1), ("hibernating", 2), (None, 2)])
async def test_a_status_that_says_nothing_is_not_believed_for_long(status: str | None, calls: int) -> None:
    """A graph of an unknown status cannot be asked; that must not outlast the word by half a minute."""
    ges = Ges({LIST: a_list_of(a_described_graph("movies", status=status))})
    async with open_runtime(ges) as runtime:
        async with open_reader(runtime) as reader:
            await a_directory(reader).record(MOVIES)
        pass_time(2)
        async with open_reader(runtime) as reader:
            await a_directory(reader).record(MOVIES)
    assert len(ges.asked) == calls


async def test_a_graph_met_in_a_list_is_not_asked_for_again() -> None:
    """Within one operation the list has told all that there is to know."""
    ges = Ges({LIST: a_list_of(a_described_graph("movies"))})
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        directory = a_directory(reader)
        connection = await directory.list("p1", PageRequest(5))
        [edge] = connection.edges
        assert (await directory.get(edge.node.key)).name == "movies"
    assert ges.asked == ["/v2/p1/graphs?offset=0&limit=5"]


@pytest.mark.parametrize(("first", "has_next"), [(2, True), (3, False), (0, False)])
async def test_a_list_without_a_total_may_go_on_after_a_full_page(first: int, has_next: bool) -> None:
    """Old services give no count."""
    graphs = [a_described_graph("movies"), a_described_graph("books")]
    async with open_runtime(Ges({LIST: (200, {"graphs": graphs})})) as runtime, open_reader(runtime) as reader:
        connection = await a_directory(reader).list("p1", PageRequest(first))
    assert connection.has_next is has_next
    assert connection.total_count is None
    assert len(connection.edges) == min(first, 2)


async def test_a_memory_graph_is_placed_by_its_name_however_it_was_named() -> None:
    """One spelling per graph, so that its jobs have one global id and one entry in the store."""
    says: dict[str, Any] = {
        LIST: a_list_of(a_described_graph("movies")),
        "/v2/p1/graphs/id-of-movies": (200, {"graph": a_described_graph("movies")}),
    }
    async with open_runtime(Ges(says)) as runtime, open_reader(runtime) as reader:
        by_name = await a_directory(reader).place(MOVIES)
        by_id = await a_directory(reader).place(GraphKey("p1", graph_id="id-of-movies"))
    assert by_name == by_id
    assert (by_name.key, by_name.name, by_name.origin) == (MOVIES, "movies", "http://ges.example")


async def test_a_graph_in_a_database_is_placed_by_instance_and_name() -> None:
    """Without a name it is the one that bears the name of the instance."""
    described = a_described_graph("movies", product_type="Persistence")
    ges = Ges({"/v2/p1/graphs/id-of-movies": (200, {"graph": described})})
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        directory = a_directory(reader)
        named = await directory.place(GraphKey("p1", graph_id="id-of-movies", name="actors"))
        unnamed = await directory.place(GraphKey("p1", graph_id="id-of-movies"))
    assert (named.key, named.name) == (GraphKey("p1", graph_id="id-of-movies", name="actors"), "actors")
    assert (unnamed.key, unnamed.name) == (GraphKey("p1", graph_id="id-of-movies", name="movies"), "movies")


@pytest.mark.parametrize(
    ("sharing", "enable_rbac", "shared"),
    [
        ("auto", False, True),
        ("auto", True, False),
        ("auto", None, False),
        ("proven", False, True),
        ("proven", True, False),
        ("proven", None, True),
        ("caller", False, False),
    ],
)
async def test_what_is_shared_is_what_ges_says_is_the_same_for_everyone(
    sharing: str, enable_rbac: bool | None, shared: bool
) -> None:
    """Silence is no consent, unless the operator says so; a graph that says it has roles is never shared."""
    ges = Ges({LIST: a_list_of(a_described_graph("movies", enable_rbac=enable_rbac))})
    async with open_runtime(ges, cache_sharing=sharing) as runtime, open_reader(runtime) as reader:
        assert (await a_directory(reader).place(MOVIES)).shared is shared


@pytest.mark.parametrize(("sharing", "shared"), [("auto", False), ("proven", True), ("caller", False)])
async def test_a_graph_placed_by_the_operator_asks_nobody(sharing: str, shared: bool) -> None:
    """Of such a graph GES says nothing about roles, so `auto` does not share it."""
    ges = Ges()
    async with (
        open_runtime(ges, service_urls={"movies": "https://10.0.0.5:8443"}, cache_sharing=sharing) as runtime,
        open_reader(runtime) as reader,
    ):
        place = await a_directory(reader).place(MOVIES)
    assert (place.origin, place.shared) == ("https://10.0.0.5:8443", shared)
    assert ges.asked == []


@pytest.mark.parametrize("status", ["900", "903", "100", "300", "800"])
async def test_a_graph_that_does_not_run_has_no_place(status: str) -> None:
    """Nobody is asked where nobody answers; the text tells the status."""
    ges = Ges({LIST: a_list_of(a_described_graph("movies", status=status))})
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        with pytest.raises(GraphNotRunningError, match=status):
            await a_directory(reader).place(MOVIES)


@pytest.mark.parametrize("status", ["200", "202", "204", "205"])
async def test_a_graph_at_work_has_a_place(status: str) -> None:
    """Running, importing, exporting, clearing: the console shows jobs in these states."""
    ges = Ges({LIST: a_list_of(a_described_graph("movies", status=status))})
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        assert (await a_directory(reader).place(MOVIES)).name == "movies"


@pytest.mark.parametrize("address", ["169.254.169.254", "8.8.8.8", "10.0.0.1:8080", None])
async def test_an_address_that_is_not_allowed_is_not_used(address: str | None) -> None:
    """The graph is there, but this gateway may not ask it; it says so of the graph as well."""
    ges = Ges({LIST: a_list_of(a_described_graph("movies", private_ip=address))})
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        directory = a_directory(reader)
        with pytest.raises(PlaneUnavailableError, match="no address") as caught:
            await directory.place(MOVIES)
        assert not caught.value.retryable
        assert not (await directory.get(MOVIES)).is_queryable


async def test_a_graph_that_only_the_operator_knows_is_served() -> None:
    """Also while the management plane says that there is none."""
    ges = Ges({LIST: a_list_of()})
    async with (
        open_runtime(ges, service_urls={"movies": "http://10.0.0.5"}) as runtime,
        open_reader(runtime) as reader,
    ):
        graph = await a_directory(reader).get(MOVIES)
    assert (graph.graph_id, graph.edition, graph.status_code) == (None, GraphEdition.UNKNOWN, None)
    assert graph.is_queryable


async def test_a_stopped_instance_is_not_asked_what_is_inside() -> None:
    """Then nobody knows whether the graph is there; it is told as it was named, and as not to be asked."""
    described = a_described_graph("movies", status="900", product_type="Persistence")
    ges = Ges({"/v2/p1/graphs/id-of-movies": (200, {"graph": described})})
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        graph = await a_directory(reader).get(GraphKey("p1", graph_id="id-of-movies", name="actors"))
    assert (graph.name, graph.is_queryable) == ("actors", False)
    assert ges.asked == ["/v2/p1/graphs/id-of-movies"]


async def test_a_graph_without_a_creation_time_is_a_graph() -> None:
    """Old services leave members out."""
    ges = Ges({LIST: a_list_of(a_described_graph("movies", created=None))})
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        assert (await a_directory(reader).get(MOVIES)).created_at is None


async def test_an_unknown_id_is_not_found_and_no_management_plane_is_said() -> None:
    """Only GES's own word is NOT_FOUND."""
    gone = GraphKey("p1", graph_id="gone")
    ges = Ges({"/v2/p1/graphs/gone": NO_SUCH_GRAPH})
    async with open_runtime(ges) as runtime, open_reader(runtime) as reader:
        assert a_directory(reader).has_management
        with pytest.raises(NotFoundError):
            await a_directory(reader).get(gone)
    async with open_runtime(Ges(), management_url=None) as runtime, open_reader(runtime) as reader:
        assert not a_directory(reader).has_management
        with pytest.raises(PlaneUnavailableError, match="not configured") as caught:
            await a_directory(reader).get(gone)
        assert caught.value.plane is Plane.MANAGEMENT


BY_ID = GraphKey("p1", graph_id="id-of-movies")
TWO = a_list_of(a_described_graph("movies", enable_rbac=True), a_described_graph("books"))


@pytest.mark.parametrize("opened", ["movies", "id-of-movies", "*"])
@pytest.mark.parametrize("key", [MOVIES, BY_ID])
async def test_a_graph_is_opened_by_its_name_or_its_id(key: GraphKey, opened: str) -> None:
    """
    Whichever it is asked for by. GES sees one account, so what it says is the same for all.

    `admit` asks nobody which graph has a name now: what it is asked about may have been another's.
    """
    described: Said = (200, {"graph": a_described_graph("movies", enable_rbac=True)})
    ges = Ges({LIST: TWO, f"{LIST}/id-of-movies": described})
    async with open_runtime(ges) as runtime, open_reader(runtime, a_caller_with(opened)) as reader:
        directory = a_directory(reader)
        if key is BY_ID or opened != "id-of-movies":
            await directory.admit(key)
        assert (await directory.record(key)).name == (await directory.get(key)).name == "movies"
        assert (await directory.place(key)).shared
    async with open_runtime(ges, cache_sharing="caller") as runtime, open_reader(runtime, a_caller_with("*")) as reader:
        assert not (await a_directory(reader).place(MOVIES)).shared


@pytest.mark.parametrize(
    "key", [MOVIES, BY_ID, GraphKey("p1", name="gone"), GraphKey("p1", graph_id="gone"), GraphKey("p2", name="books")]
)
async def test_any_other_graph_is_refused_on_every_way(key: GraphKey) -> None:
    """In the same words whether it exists or not; another project is refused without asking."""
    described: Said = (200, {"graph": a_described_graph("movies")})
    ges = Ges({LIST: TWO, f"{LIST}/id-of-movies": described, f"{LIST}/gone": NO_SUCH_GRAPH})
    async with open_runtime(ges) as runtime, open_reader(runtime, a_caller_with("books")) as reader:
        directory = a_directory(reader)
        for way in (directory.record, directory.place, directory.get, directory.admit):
            with pytest.raises(ForbiddenError):
                await way(key)
    assert key.project == "p1" or ges.asked == []


async def test_a_graph_that_is_opened_and_not_there_is_not_there() -> None:
    """Whoever may see it may know."""
    ges = Ges({LIST: TWO})
    async with open_runtime(ges) as runtime, open_reader(runtime, a_caller_with("gone")) as reader:
        with pytest.raises(NotFoundError):
            await a_directory(reader).record(GraphKey("p1", name="gone"))


async def test_a_graph_that_the_operator_placed_is_opened_by_name_only() -> None:
    """The directory need not know it, so nothing ties an id to it; without management plane there are no ids."""
    settings = {"management_url": None, "service_urls": {"movies": "http://10.0.0.5", "books": "http://10.0.0.6"}}
    async with open_runtime(Ges(), **settings) as runtime, open_reader(runtime, a_caller_with("movies")) as reader:
        directory = a_directory(reader)
        assert (await directory.place(MOVIES)).shared
        assert (await directory.get(MOVIES)).name == "movies"
        for way in (directory.place, directory.get):
            with pytest.raises(ForbiddenError):
                await way(GraphKey("p1", name="books"))


async def test_a_list_is_cut_from_what_is_opened() -> None:
    """With its own numbers; the cursors are those of everybody."""
    ges = Ges({FIRST: a_list_of(*(a_described_graph(name) for name in ("a", "b", "c", "d")))})
    async with open_runtime(ges) as runtime, open_reader(runtime, a_caller_with("b", "id-of-d", "x")) as reader:
        page = await a_directory(reader).list("p1", PageRequest(1))
        assert ([edge.node.name for edge in page.edges], page.total_count, page.has_next) == (["b"], 2, True)
        page = await a_directory(reader).list("p1", PageRequest(5, after=page.edges[0].cursor))
        assert ([edge.node.name for edge in page.edges], page.total_count, page.has_next) == (["d"], 2, False)
        with pytest.raises(ForbiddenError):
            await a_directory(reader).list("p2", PageRequest(1))
    assert set(ges.asked) == {FIRST}
