"""Plans: what they are made of, what they give, what they do not know, and what they hold."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Annotated, Any

import pytest
import strawberry
from graphql import parse
from strawberry.extensions.field_extension import FieldExtension
from strawberry.permission import BasePermission

from schema.algorithm_result import RowPage
from schema.context import Context
from schema.errors import NotFoundError, PlaneUnavailableError
from schema.execution import RowExecutor, Streaming, Written
from schema.ids import JobRef, graph_id_of, job_id_of
from schema.page import Window
from schema.plan import Plan, make_plan
from schema.projection import Projection
from schema.rows import RawRow, ResultRow, RowList, RowStream
from schema.scalars import JSON, Long
from schema.steps import UnplannedError
from tests.fakes import MOVIES, SCHEMA, SERVICE_JOB, FakeGraphs, FakeJobs, a_context, a_graph, a_job, a_page, a_result

pytestmark = pytest.mark.anyio
ID = job_id_of(SERVICE_JOB)


class Unread(RowList):
    """Rows that nobody reads."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, position: Any) -> Any:
        raise AssertionError("rows are never built")

    def runs(self, projection: Projection) -> Iterator[bytes]:
        yield f'"{projection.cursor_prefix and "edges"} {projection.template(RawRow)}"'.encode()


class Arriving(RowStream):
    """Rows that arrive, and how often they were asked for."""

    opened = 0

    def __len__(self) -> int:
        return 1

    async def open(self, projection: Projection) -> AsyncIterator[bytes]:
        self.opened += 1
        return self._runs()

    async def _runs(self) -> AsyncIterator[bytes]:
        yield b"1"


class Rows(FakeJobs):
    """One job with these rows."""

    def __init__(self, rows: Sequence[ResultRow] | RowStream, **changes: Any) -> None:
        super().__init__({SERVICE_JOB: a_job(result=a_result(), **changes)}, listed=a_page(a_job()))
        self.its_rows = rows

    async def rows(self, ref: JobRef, window: Window) -> RowPage:
        return RowPage(window, window.offset, self.its_rows, None)


async def gather(awaitables: Sequence[Awaitable[Any]]) -> list[Any]:
    """Await all of them."""
    return list(await asyncio.gather(*awaitables))


def plan(text: str, schema: strawberry.Schema = SCHEMA, conditions: tuple[str, ...] = (), **variables: Any) -> Plan:
    """Make the plan of a document."""
    executor = RowExecutor.build(schema._schema, parse(text), raw_variable_values=variables)
    assert isinstance(executor, RowExecutor)
    return make_plan(executor, conditions)


async def followed(text: str, context: Context | None = None, **variables: Any) -> dict[str, Any]:
    """Make a plan and follow it."""
    return await plan(text, **variables).execute(context or a_context(), variables, gather)


async def test_members_come_as_they_are_selected() -> None:
    """Aliases, types and what resolvers give at once among them."""
    assert list(
        (await followed("{ b: __typename gateway { version it: __typename readOnly } a: __typename }")).items()
    ) == [
        ("b", "Query"),
        ("gateway", {"version": "1.2.3", "it": "Gateway", "readOnly": True}),
        ("a", "Query"),
    ]


async def test_an_operation_that_needs_no_waiting_is_followed_as_well() -> None:
    """Lists of objects are part of it."""
    assert await followed("{ gateway { planes { plane } } }") == {"gateway": {"planes": []}}


async def test_interfaces_are_resolved_by_type() -> None:
    """With what is selected on each of them."""
    text = "query ($id: ID!) { node(id: $id) { kind: __typename ... on Job { jobId } ... on Graph { name } } }"
    made = plan(text, id=ID)
    context = a_context(FakeJobs({SERVICE_JOB: a_job()}), FakeGraphs({MOVIES: a_graph()}))
    for id_, node in ((ID, {"kind": "Job", "jobId": "42"}), (graph_id_of(MOVIES), {"kind": "Graph", "name": "movies"})):
        assert await made.execute(context, {"id": id_}, gather) == {"node": node}


ROWS = "query ($id: ID!) { job(id: $id) { result { rows { nodes { index } edges { cursor } } } } }"


async def rows_of(rows: Sequence[ResultRow] | RowStream) -> Any:
    """Return the members of a page of rows."""
    data = await followed(ROWS, a_context(Rows(rows)), id=ID)
    return data["job"]["result"]["rows"]


async def test_rows_are_handed_on_whole() -> None:
    """As from execution: each list with what is asked of it, cursors included."""
    data = await rows_of(Unread())
    assert all(isinstance(rows, Written) for rows in data.values())
    nodes, edges = (b"".join(rows.pieces()).decode() for rows in data.values())
    assert (nodes, edges) == ("[\" (('index', 'index'),)\"]", "[\"edges (('cursor', 'cursor'),)\"]")


async def test_rows_that_arrive_are_opened() -> None:
    """Each list by itself."""
    rows = Arriving()
    data = await rows_of(rows)
    assert all(isinstance(given, Streaming) for given in data.values())
    assert [[piece async for piece in given.pieces()] for given in data.values()] == [[b"[1", b"]"]] * 2
    assert rows.opened == 2


async def test_rows_are_not_opened_for_a_plan_that_is_given_up() -> None:
    """Execution opens them again, and that is another call."""
    rows = Arriving()
    context = a_context(Rows(rows, problems=(PlaneUnavailableError("Away."),)))
    with pytest.raises(UnplannedError, match="beside"):
        await followed(ROWS, context, id=ID)
    assert rows.opened == 0


async def test_no_rows_are_an_empty_list_and_others_are_given_up() -> None:
    """What does not write itself is for execution."""
    assert await rows_of(()) == {"nodes": [], "edges": []}
    with pytest.raises(UnplannedError, match="rows"):
        await rows_of([RawRow(index=Long(0), raw=JSON(None))])


async def test_what_is_told_beside_the_data_is_given_up() -> None:
    """A plan knows no path to put to it."""
    context = a_context(Rows((), problems=(PlaneUnavailableError("Away."),)))
    with pytest.raises(UnplannedError, match="beside"):
        await followed("query ($id: ID!) { job(id: $id) { jobId } }", context, id=ID)
    [problem] = context.problems
    assert problem.path is None


async def test_what_a_resolver_raises_comes_out() -> None:
    """For whoever follows the plan to give up."""
    with pytest.raises(NotFoundError):
        await followed("query ($id: ID!) { job(id: $id) { jobId } }", id=ID)


async def test_resolvers_are_told_the_variables_of_now() -> None:
    """And what is selected below them, which is found out once."""
    text = "query ($id: ID!, $n: Int!) { job(id: $id) { name result { rows(first: $n) { totalCount } } } }"
    made = plan(text, id=ID, n=1)
    for first in (2, 3):
        jobs = Rows(())
        await made.execute(a_context(jobs), {"id": ID, "n": first}, gather)
        [(ref, parts, _)] = jobs.got
        assert (parts.window(ref), parts.listing) == (Window(0, first), True)


async def test_conditions_are_those_of_the_plan() -> None:
    """What they leave out is not resolved, in rows either, which are looked at last."""
    text = "query ($id: ID!, $no: Boolean!) { job(id: $id) { kind @include(if: $no) result { rows { nodes {"
    text += " index @include(if: $no) raw } } } } }"
    variables = {"id": ID, "no": False}
    made = plan(text, SCHEMA, ("no",), **variables)
    data = await made.execute(a_context(Rows(Unread())), variables, gather)
    assert list(data["job"]) == ["result"]
    rows = data["job"]["result"]["rows"]["nodes"]
    assert b"".join(rows.pieces()) == b"[\" (('raw', 'raw'),)\"]"


# --- What no plan is made for --------------------------------------------------------------------------------------


class Nobody(BasePermission):
    """Lets nobody in."""

    message = "Go away."

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        return False


class Loud(FieldExtension):
    """Makes a text loud."""

    def resolve(self, next_: Callable[..., Any], source: Any, info: Any, **kwargs: Any) -> Any:
        return str(next_(source, info, **kwargs)).upper()


@strawberry.type
class One:
    name: str = "one"


@strawberry.type
class Other:
    name: str = "other"


def function() -> str:
    """Give a text, without a source."""
    return "text"


async def later() -> str:
    """Give a text, but not at once."""
    return "text"


@strawberry.type
class Odd:
    plain: str = strawberry.field(default="secret", permission_classes=[Nobody])

    @strawberry.field(permission_classes=[Nobody])
    def guarded(self) -> str:
        return "secret"

    @strawberry.field(extensions=[Loud()])
    def loud(self) -> str:
        return "text"

    free: str = strawberry.field(resolver=function)

    @strawberry.field
    def either(self) -> Annotated[One | Other, strawberry.union("Either")]:
        return One()

    @strawberry.field(graphql_type=str)
    def slow(self) -> Awaitable[str]:
        return later()

    @strawberry.field(graphql_type=list[str])
    def all_slow(self) -> list[Awaitable[str]]:
        return [later()]

    @strawberry.field
    def waiting(self, wait_seconds: int = 0) -> str:
        return "text"


ODD = strawberry.Schema(Odd)


@pytest.mark.parametrize(
    "text",
    [
        *("{ plain }", "{ guarded }", "{ loud }", "{ free }", "{ either { ... on One { name } } }", "{ slow }"),
        *("{ allSlow }", "{ waiting(waitSeconds: 1) }", "{ __schema { description } }", "{ nobody }"),
    ],
)
def test_what_is_more_than_a_method_is_not_planned(text: str) -> None:
    """Least of all a field that not everybody may see."""
    with pytest.raises(UnplannedError):
        plan(text, ODD)


def test_a_field_that_may_wait_is_planned_when_it_does_not() -> None:
    """It is the argument that works once only."""
    assert plan("{ waiting }", ODD)


def test_a_schema_without_such_a_root_has_nothing_to_plan() -> None:
    """Validation refuses it before."""
    with pytest.raises(UnplannedError, match="nothing"):
        plan("mutation { change }", ODD)


@pytest.mark.parametrize("more", [0, 1])
def test_a_plan_has_no_more_than_five_hundred_fields(more: int) -> None:
    """However few of them the document spells out."""
    text = "{ ...A } fragment A on Query { " + " ".join(f"g{place}: gateway {{ ...G }}" for place in range(100))
    text += " } fragment G on Gateway { version readOnly a: version b: readOnly }"
    text += f" fragment Z on Query {{ z: __typename }} query Q {{ ...A {'...Z' * more} }}"
    text = text.replace("{ ...A }", "", 1)
    if more:
        with pytest.raises(UnplannedError, match="fields"):
            plan(text)
    else:
        assert plan(text).fields == 500
