"""Plans: the same answer as from execution, errors and the order of members included, whatever is asked of whatever."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any
from zlib import crc32

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, OperationType, get_introspection_query, get_operation_ast
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.documents import Document, Documents
from gateway.http.operation import Executor, Operation
from schema.algorithm_result import ResultValue, RowPage
from schema.build import build_schema
from schema.context import Context, JobParts
from schema.errors import ForbiddenError, PlaneUnavailableError
from schema.execution import RowExecutor, Streaming, Written
from schema.graph import Graph, GraphConnection, GraphEdge
from schema.health import CircuitState, PlaneHealth
from schema.ids import JobRef, job_id_of
from schema.job import Job, JobFailure, JobKind, JobRequest, JobStatus
from schema.job_list import JobConnection, JobFilter
from schema.limits import Limits
from schema.page import PageRequest, Window
from schema.plan import Plan
from schema.plane import Plane
from schema.plans import Plans
from schema.projection import Projection
from schema.rows import PathRow, ResultKind, ResultRow, RowList, RowStream, VertexRow
from schema.scalars import JSON, DateTime, Long
from schema.steps import Run
from tests.contract.plan_documents import (
    JOB_ID,
    committed_documents,
    documents,
    documents_of_arguments,
    requests_for,
    variables_of,
)
from tests.fakes import (
    INSTANCE,
    MANAGEMENT_JOB,
    MOVIES,
    NOW,
    SERVICE_JOB,
    FakeGraphs,
    FakeJobs,
    a_context,
    a_graph,
    a_job,
    a_page,
    a_report,
    a_result,
    asked_for,
    reported,
)


class CountingExecutor(RowExecutor):
    """The executor of graphql-core, counting the operations that it executes, or refuses for their variables."""

    executed = 0

    @classmethod
    def build(cls, *args: Any, **kwargs: Any) -> Any:
        cls.executed += 1
        return super().build(*args, **kwargs)


SCHEMA = build_schema()
SCHEMA.execution_context_class = CountingExecutor
EXECUTOR = Executor(SCHEMA, hide_suggestions=False)
DOCUMENTS = Documents(SCHEMA._schema, Limits(max_tokens=20_000, max_characters=200_000))

# --- What the ports say --------------------------------------------------------------------------------------------

AWAY = PlaneUnavailableError("The plane is away.", plane=Plane.SERVICE)


def asked_of_rows(projection: Projection) -> bytes:
    """Write what rows are asked for in their place."""
    return json.dumps(
        [projection.cursor_prefix, *(repr(projection.template(of)) for of in (VertexRow, PathRow))]
    ).encode()


class Listed(RowList):
    """Three rows that write themselves."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, position: Any) -> Any:
        raise AssertionError("rows are never built")

    def runs(self, projection: Projection) -> Iterator[bytes]:
        yield asked_of_rows(projection)


LISTED = Listed()


class Streamed(RowStream):
    """Three rows that arrive, or fail to."""

    def __init__(self, *, is_lost: bool = False) -> None:
        self.is_lost = is_lost

    def __len__(self) -> int:
        return 3

    async def open(self, projection: Projection) -> AsyncIterator[bytes]:
        await asyncio.sleep(0)
        if self.is_lost:
            raise AWAY
        return self._runs(projection)

    async def _runs(self, projection: Projection) -> AsyncIterator[bytes]:
        yield asked_of_rows(projection)


class Rows(FakeJobs):
    """Jobs whose rows are as they are given. What is asked for is told in the answers."""

    its_rows: Sequence[ResultRow] | RowStream = ()

    async def get(self, ref: JobRef, parts: JobParts, wait_seconds: float = 0) -> Job:
        return told(await super().get(ref, parts, wait_seconds), parts, ref)

    async def find(self, graph: Any, job_id: str, plane: Plane | None, parts: JobParts, wait_seconds: float = 0) -> Job:
        return told(await super().find(graph, job_id, plane, parts, wait_seconds), parts, graph, job_id, plane)

    async def list_project(self, project: str, filter: JobFilter, page: PageRequest, parts: JobParts) -> JobConnection:
        return all_told(await super().list_project(project, filter, page, parts), parts, filter, page)

    async def list_graph(
        self, graph: Graph, planes: Sequence[Plane] | None, filter: JobFilter, page: PageRequest, parts: JobParts
    ) -> JobConnection:
        return all_told(await super().list_graph(graph, planes, filter, page, parts), parts, planes, filter, page)

    async def rows(self, ref: JobRef, window: Window) -> RowPage:
        await asyncio.sleep(0)
        return RowPage(window, window.offset, self.its_rows, None if window.limit == 2 else 9)


class Directory(FakeGraphs):
    """Graphs that tell in lists how they were asked for."""

    async def list(self, project: str, page: PageRequest) -> GraphConnection:
        connection = await super().list(project, page)
        return replace(connection, edges=[replace(edge, cursor=repr(page)) for edge in connection.edges])


def told(job: Job, parts: JobParts, *how: object) -> Job:
    """Return the job, telling how it was asked for."""
    words = repr((sorted(asked_for(parts)), parts.window(job.ref), *how))
    return replace(job, raw_kind=words, raw_status=words, graph_name=words)


def all_told(connection: JobConnection, parts: JobParts, *how: object) -> JobConnection:
    """Return the connection, telling how it was asked for."""
    edges = [replace(edge, cursor=repr(how), node=told(edge.node, parts, *how)) for edge in connection.edges]
    return replace(connection, edges=edges, total_count=Long(crc32(repr(how).encode())))


ONE_BY_ONE = (
    VertexRow(index=Long(0), raw=JSON({"id": "a"}), vertex_id="a", label=None, properties=JSON({})),
    PathRow(index=Long(1), raw=None, vertex_ids=["a", "b"], length=1),
)
FULL = a_job(
    kind=JobKind.ALGORITHM,
    raw_kind="Algorithm",
    name="pagerank",
    status=JobStatus.PARTIALLY_FAILED,
    progress_percent=50,
    started_at=DateTime(NOW - timedelta(seconds=90)),
    graph_name="movies",
    request=JobRequest(command="c", path="/p", algorithm="pagerank", body=JSON({"a": [1, None]}), body_text="{}"),
    failure=JobFailure(message="It failed.", code="GES.1", advice=None, retryable=False),
    result=a_result(
        kind=ResultKind.VERTICES,
        total_count=Long(9),
        values=[ResultValue(name="pagerank", value=JSON(0.5)), ResultValue(name="none", value=None)],
    ),
    can_cancel=True,
)
GRAPHS = {MOVIES: a_graph(), INSTANCE: a_graph(INSTANCE, created_at=DateTime(NOW))}


def world(
    *jobs: Job, rows: Any = LISTED, graphs: Any = None, context: dict[str, Any] | None = None, **page: Any
) -> Context:
    """Make a context whose ports know these jobs, by ref and in lists."""
    held: dict[JobRef, Any] = {job.ref: job for job in jobs}
    port = Rows(held, listed=a_page(*jobs, **page))
    port.its_rows = rows
    known = Directory(
        dict(GRAPHS) if graphs is None else graphs,
        listed=GraphConnection(
            has_next=True,
            has_previous=False,
            edges=[GraphEdge(cursor=str(place), node=graph) for place, graph in enumerate(GRAPHS.values())],
            total_count=Long(2),
        ),
    )
    return a_context(port, known, **(context or {}))


def health() -> list[PlaneHealth]:
    return [PlaneHealth(plane=of, configured=True, circuit=CircuitState.CLOSED, last_ok_at=None) for of in Plane]


def lost() -> list[PlaneHealth]:
    raise RuntimeError("no health")


MANAGED = a_job(
    MANAGEMENT_JOB, raw_status="running", failure=JobFailure(message="m", code=None, advice=None, retryable=None)
)
# What the contract does not allow, in one field or another.
ODD: dict[str, Any] = {"name": None, "progress_percent": float("nan"), "job_id": 42, "status": "nobody", "result": 5}
REPORTS: dict[str, Any] = {"planes": [a_report(Plane.SERVICE), a_report(Plane.MANAGEMENT, ok=False, error=AWAY)]}
WORLDS: dict[str, Callable[[], Context]] = {
    "full": lambda: world(FULL, MANAGED, planes=[a_report(Plane.SERVICE)], context={"planes": health}),
    "rows one by one": lambda: world(FULL, rows=ONE_BY_ONE),
    "rows that arrive": lambda: world(FULL, rows=Streamed()),
    "rows that do not arrive": lambda: world(FULL, MANAGED, rows=Streamed(is_lost=True)),
    "no rows": lambda: world(FULL, rows=()),
    "nothing but nulls": lambda: world(a_job(), a_job(MANAGEMENT_JOB), has_next=True),
    "nothing": lambda: a_context(project_id=None),
    "away": lambda: a_context(Rows({SERVICE_JOB: AWAY, MANAGEMENT_JOB: AWAY}, listed=AWAY), planes=lost),
    "no graphs": lambda: world(FULL, MANAGED, graphs={INSTANCE: AWAY}),
    "problems of a job": lambda: world(replace(FULL, problems=(AWAY, ForbiddenError("Not yours."))), MANAGED),
    "problems of a list": lambda: world(FULL, MANAGED, problems=(ForbiddenError("Not yours."),), **REPORTS),
    "lists that are none": lambda: world(FULL, planes=iter(())),
    **{
        f"odd {name}": lambda name=name, value=value: world(FULL, replace(MANAGED, **{name: value}))  # type: ignore[misc]
        for name, value in ODD.items()
    },
    "all odd": lambda: world(replace(FULL, **ODD), replace(MANAGED, plane=Plane.SERVICE, **ODD)),
}

# --- What came of it -----------------------------------------------------------------------------------------------


async def never() -> MutableMapping[str, Any]:
    """Hear nothing from the client."""
    return await asyncio.Event().wait()  # type: ignore[return-value]


async def plain(value: Any) -> Any:
    """Return data so that all of it is compared: rows as they would be written, members in their order."""
    match value:
        case dict():
            return [(name, await plain(member)) for name, member in value.items()]
        case list():
            return [await plain(item) for item in value]
        case Written():
            return b"".join(value.pieces())
        case Streaming():
            return b"".join([piece async for piece in value.pieces()])
    return repr(value)


@dataclass
class Asked:
    """A valid document and its operation."""

    tree: Any
    node: OperationDefinitionNode
    plans: Plans
    name: str | None

    async def answer(self, context: Context, variables: dict[str, Any] | None, *, by_plan: bool) -> Any:
        """Return all that is told: data, errors, and what is reported beside them."""
        operation = Operation(self.tree, self.name, variables, None)
        if by_plan:
            operation = replace(operation, node=self.node, plans=self.plans)
        result = await EXECUTOR.run(operation, context, never, 60)
        errors = [(error.formatted, repr(error.original_error)) for error in result.errors or ()]
        return await plain(result.data), errors, reported(context)

    def check(self, make: Callable[[], Context], variables: dict[str, Any] | None) -> Any:
        """Expect the same from execution and, asked for twice more, by a plan."""
        expected = asyncio.run(self.answer(make(), variables, by_plan=False))
        for _ in range(2):
            assert asyncio.run(self.answer(make(), variables, by_plan=True)) == expected
        return expected

    def is_followed(self, make: Callable[[], Context], variables: dict[str, Any] | None) -> bool:
        """Tell whether graphql-core executes nothing."""
        before = CountingExecutor.executed
        asyncio.run(self.answer(make(), variables, by_plan=True))
        return CountingExecutor.executed == before


def asked(text: str, name: str | None = None) -> Asked:
    """Read a document as the gateway does, with plans of its own."""
    document: Document = DOCUMENTS.get(text)
    assert not document.errors
    assert document.tree is not None
    node = get_operation_ast(document.tree, name)
    assert node is not None
    return Asked(document.tree, node, Plans(document.tree), name)


# --- The same ------------------------------------------------------------------------------------------------------


@settings(max_examples=400)
@given(documents(), st.data())
def test_what_plans_give_equals_what_execution_gives(text: str, data: st.DataObject) -> None:
    """Any document, its plans made and followed for other values and in other worlds."""
    assume(not DOCUMENTS.get(text).errors)
    it = asked(text)
    for _ in range(4):
        it.check(WORLDS[data.draw(st.sampled_from(sorted(WORLDS)))], data.draw(variables_of(text)))


@pytest.mark.parametrize("text", documents_of_arguments())
def test_arguments_equal_whatever_their_variables_are(text: str) -> None:
    """Given, left out, null, or of another type; what the plan was made for does not matter."""

    @settings(max_examples=12)
    @given(st.lists(variables_of(text), min_size=3, max_size=5))
    def equal(all_sent: list[dict[str, Any]]) -> None:
        it = asked(text)
        for sent in all_sent:
            it.check(WORLDS["full"], sent)

    equal()


COMMITTED = committed_documents()


@pytest.mark.parametrize(("text", "variables"), [pytest.param(*of, id=name) for name, *of in COMMITTED])
def test_documents_that_are_shown_equal_in_every_world(text: str, variables: dict[str, Any]) -> None:
    """With the values they are shown with, and with others."""
    document = DOCUMENTS.get(text)
    assert document.tree is not None
    for definition in document.tree.definitions:
        if isinstance(definition, OperationDefinitionNode) and definition.operation is OperationType.QUERY:
            it = asked(text, definition.name.value if definition.name else None)
            for make in WORLDS.values():
                it.check(make, variables)
            for sent in requests_for(definition):
                it.check(WORLDS["full"], sent)
                it.check(WORLDS["problems of a list"], sent)


# --- When there is a plan, and what it is --------------------------------------------------------------------------

TYPICAL = """
  query ($id: ID!, $first: Int = 3, $yes: Boolean!) {
    job(id: $id) { ...J result { rows(first: $first) { nodes { index } pageInfo { endCursor } } } graph { name } }
    jobs(first: 2) { edges { cursor node { id status } } planes { plane problem { code } } }
    node(id: $id) { ... on Job { name @include(if: $yes) } }
  }
  fragment J on Job { jobId elapsedSeconds source { fetchedAt } }
"""


def test_a_typical_question_is_planned_the_second_time_and_followed_from_then_on() -> None:
    """Whatever its variables are, as long as the same are given; graphql-core executes nothing any more."""
    it = asked(TYPICAL)
    variables = {"id": JOB_ID, "yes": True}
    assert [it.is_followed(WORLDS["full"], variables) for _ in range(3)] == [False, True, True]
    assert it.is_followed(WORLDS["rows that arrive"], {**variables, "first": 1})
    assert it.check(WORLDS["full"], {**variables, "first": 7})[1] == []
    # What does not end well is executed, and the plan stays.
    assert not it.is_followed(WORLDS["away"], variables)
    assert it.is_followed(WORLDS["full"], variables)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (get_introspection_query(), {}),
        ("{ __typename __schema { queryType { name } } }", {}),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": [JOB_ID]}),
        ("query ($id: ID!) { job(id: $id, waitSeconds: 5) { jobId } }", {"id": JOB_ID}),
        ("query ($id: ID!, $s: Int) { job(id: $id, waitSeconds: $s) { jobId } }", {"id": JOB_ID}),
    ],
)
def test_what_has_no_plan_is_executed_each_time(text: str, variables: dict[str, Any]) -> None:
    """The schema itself, items that fail by themselves, and waiting."""
    it = asked(text)
    assert [it.is_followed(WORLDS["full"], variables) for _ in range(3)] == [False] * 3


def reachable(root: object) -> Iterator[object]:
    """Give all that an object holds, but for what the process holds anyway: types, modules, the schema."""
    seen: dict[int, object] = {}
    pending = [root]
    while pending:
        it = pending.pop()
        if id(it) in seen or isinstance(it, type | ModuleType | BuiltinFunctionType | GraphQLSchema):
            continue
        seen[id(it)] = it
        yield it
        # All that a function refers to includes the globals of its module.
        pending += (
            gc.get_referents(*(it.__closure__ or ()), it.__defaults__)
            if isinstance(it, FunctionType)
            else (gc.get_referents(it))
        )


def test_a_plan_holds_nothing_of_the_requests_it_served() -> None:
    """Neither who asked nor what: a plan is shared by all who send the same document."""
    it, context = asked(TYPICAL), WORLDS["full"]()
    secret = job_id_of(JobRef(Plane.SERVICE, MOVIES, "secret-4711"))
    for first in (4711, 4712, 4713):
        asyncio.run(it.answer(context, {"id": secret, "yes": True, "first": first}, by_plan=True))
        asyncio.run(it.answer(context, {"id": JOB_ID, "yes": True, "first": first}, by_plan=True))
    held = list(reachable(it.plans))
    assert any(isinstance(one, Plan) for one in held)
    assert [one for one in held if isinstance(one, Context | Run | FakeJobs | FakeGraphs | Job)] == []
    assert {secret, JOB_ID} & {one for one in held if isinstance(one, str)} == set()
    assert [one for one in held if isinstance(one, int) and 4711 <= one <= 4713] == []
