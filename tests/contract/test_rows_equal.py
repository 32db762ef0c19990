"""Rows written at once: the same JSON, to the byte, as from GraphQL's own execution, whatever is asked of whatever."""

import asyncio
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from graphql import get_operation_ast, parse
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.http.answer import answer_result
from gateway.http.operation import Executor, Operation
from gateway.http.problems import present
from gateway.planes.results import read_result
from schema.algorithm_result import RowPage
from schema.build import build_schema
from schema.errors import PlaneUnavailableError
from schema.ids import JobRef, job_id_of
from schema.page import Window
from schema.plans import Plans
from schema.rows import ROW_TYPES
from tests.fakes import SERVICE_JOB, FakeJobs, a_context, a_job, a_result

GONE = 77  # The offset at which the plane is not to be asked.
AT_ONCE, ONE_BY_ONE = build_schema(), build_schema()
ONE_BY_ONE.execution_context_class = StrawberryGraphQLCoreExecutionContext


class Literal(str):
    """JSON to be written as it is."""


class Pairs(list[tuple[Any, Any]]):
    """An object, some of its names perhaps twice."""


class Bodies(FakeJobs):
    """One job whose rows are read from the `data` of a body."""

    def __init__(self, data: bytes) -> None:
        super().__init__({SERVICE_JOB: a_job(result=a_result())})
        self.data = data

    async def rows(self, ref: JobRef, window: Window) -> RowPage:
        if window.offset == GONE:
            raise PlaneUnavailableError("The plane is away.")
        result = read_result(msgspec.Raw(self.data), window)
        assert result is not None
        assert result.page is not None
        return result.page


async def never() -> MutableMapping[str, Any]:
    """Hear nothing from the client."""
    return await asyncio.Event().wait()  # type: ignore[return-value]


async def answered(schema: Any, text: str, data: bytes, *, planned: bool = False) -> tuple[bytes, list[dict[str, Any]]]:
    """Return the data of an operation as it is written, and the entries of its errors."""
    variables = {"id": job_id_of(SERVICE_JOB), "yes": True, "no": False}
    tree = parse(text)
    operation = Operation(tree, None, variables, None)
    if planned and (node := get_operation_ast(tree)):
        plans = Plans(tree)
        operation = replace(operation, node=node, plans=plans)
        # What is asked for the second time is planned.
        plans.find(schema._schema, node, variables)
    executor = Executor(schema, hide_suggestions=False)
    result = await executor.run(operation, a_context(Bodies(data)), never, 60)
    response = await answer_result({"data": result.data})
    return bytes(response.body), present(result.errors or [], "r")[0]


def check(text: str, data: bytes) -> bytes:
    """Expect the same from both executions, and by a plan; return it."""
    at_once, errors = asyncio.run(answered(AT_ONCE, text, data))
    one_by_one, their_errors = asyncio.run(answered(ONE_BY_ONE, text, data))
    assert at_once == one_by_one
    assert errors == their_errors
    assert asyncio.run(answered(AT_ONCE, text, data, planned=True)) == (at_once, errors)
    return at_once


# --- What is asked -------------------------------------------------------------------------------------------------

OWN_FIELDS = {
    "VertexRow": ("vertexId", "label", "properties"),
    "EdgeRow": ("sourceId", "targetId", "edgeIndex", "label", "properties", "value"),
    "VertexValueRow": ("vertexId", "value"),
    "VertexGroupRow": ("vertexId", "groupIds"),
    "VertexVectorRow": ("vertexId", "vector"),
    "PathRow": ("vertexIds", "length"),
    "RawRow": (),
}
SHARED_FIELDS = ("index", "raw", "__typename")
CONDITIONS = ("", "", "", " @skip(if: $yes)", " @skip(if: $no)", " @include(if: $no)", " @include(if: $yes)")
conditions = st.sampled_from(CONDITIONS)
aliases = st.sampled_from(("", "", "", "a: ", "b: ", "index: ", "id: ", "_x: "))
# What a document may spread wherever rows are selected.
FRAGMENTS = """
fragment Place on ResultRow { index at: index kind: __typename }
fragment Vertex on VertexRow { vertexId ...Place p: properties label }
fragment Scored on EdgeRow { from: sourceId to: targetId score: value ... on ResultRow { raw } }
fragment Edge on ResultRowEdge { cursor node { ...Vertex ...Scored index } }
"""
SPREADS = ("...Place", "...Vertex", "...Scored")


def fields(names: Sequence[str]) -> st.SearchStrategy[str]:
    """Select some fields, perhaps under other names."""
    return st.builds("{}{}{}".format, aliases, st.sampled_from(names), conditions)


def on_type(name: str, inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Select something of rows of one type only."""
    own = fields((*OWN_FIELDS[name], *SHARED_FIELDS)) | inner
    return st.builds(f"... on {name}{{}} {{{{ {{}} }}}}".format, conditions, st.lists(own, min_size=1).map(" ".join))


def of_rows(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Select something of rows that are not known to be of one type."""
    spreads = st.builds("{}{}".format, st.sampled_from(SPREADS), conditions)
    typed = st.sampled_from(sorted(OWN_FIELDS)).flatmap(lambda name: on_type(name, inner))
    bare = st.builds("...{} {{ {} }}".format, st.sampled_from(("", " on ResultRow")), inner)
    return st.lists(fields(SHARED_FIELDS) | spreads | typed | bare, min_size=1, max_size=5).map(" ".join)


row_selections = of_rows(of_rows(fields(SHARED_FIELDS)))
# Asks for everything there is, so that no attribute goes untested by chance.
EVERYTHING = "index raw __typename " + " ".join(
    f"... on {name} {{ {' '.join(f'{name}_{own}: {own}' for own in owns)} __typename }}"
    for name, owns in OWN_FIELDS.items()
)
nodes = st.builds("{}nodes{} {{ {} }}".format, aliases, conditions, row_selections | st.just(EVERYTHING))
edge_parts = st.lists(
    fields(("cursor", "__typename"))
    | st.builds("{}node {{ {} }}".format, aliases, row_selections)
    | st.just("...Edge"),
    min_size=1,
    max_size=3,
).map(" ".join)
# Names of their own: validation refuses one name for nodes and edges both, and nothing here is validated.
edge_aliases = st.sampled_from(("", "", "e: "))
edges = st.builds("{}edges{} {{ {} }}".format, edge_aliases, conditions, edge_parts)
windows = st.sampled_from(
    ("", "(first: 1)", "(first: 3, offset: 2)", "(offset: 400)", "(first: 0)", "(first: -1)", f"(offset: {GONE})")
)
connections = st.lists(nodes | edges | st.just("pageInfo { endCursor } totalCount"), min_size=1, max_size=3)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Ask for rows of the one job, in one window or in several."""
    pages = draw(st.lists(st.tuples(windows, connections), min_size=1, max_size=3))
    asked = " ".join(f"r{place}: rows{window} {{ {' '.join(parts)} }}" for place, (window, parts) in enumerate(pages))
    head = "query ($id: ID!, $yes: Boolean! = true, $no: Boolean! = false)"
    return f"{head} {{ job(id: $id) {{ jobId result {{ kind {asked} }} }} }} {FRAGMENTS}"


EVERY_NODE = (
    "query ($id: ID!) { job(id: $id) { result { rows(first: 100000) { edges { cursor node { %s } } nodes { %s } } } } }"
)

# --- What GES sends ------------------------------------------------------------------------------------------------

HOSTILE = (
    *('},{"id":"', "]", "[", '"', "\\", '\\"},', "\u2028", "\x00", "é", "图", "😀", "", "0", "1.5", "NaN", "Infinity"),
    *("id", "source", "paths"),
)
texts = st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8"), max_size=6)
escaped = st.sampled_from(("\\u0069d", "\\ud83d\\ude00", "\\u0000", "\\/", "\\u00e9")).map(
    lambda it: Literal(f'"{it}"')
)
numbers = (
    st.integers(-3, 10)
    | st.sampled_from((0.5, -0.25, 1e300, 5e-324, 2**63, 2**64, -(2**63) - 1, 10**40))
    | st.sampled_from(("-0", "-0.0", "1.0", "1e2", "1E-2", "1e999", "9" * 400, "9" * 5000, "0.1e1")).map(Literal)
)
scalars = st.none() | st.booleans() | numbers | texts | escaped
names = texts | st.sampled_from(("id", "label", "properties", "source", "target", "index", "score", "paths"))
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(names, inner), max_size=3).map(Pairs),
    max_leaves=6,
)
ids = texts | st.integers(0, 9)


def of_members(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Pairs]:
    """Make objects whose members come in any order."""
    return (
        st.fixed_dictionaries(required, optional=optional)
        .map(lambda members: list(members.items()))
        .flatmap(st.permutations)
        .map(Pairs)
    )


def to(values: st.SearchStrategy[Any], most: int = 1) -> st.SearchStrategy[Pairs]:
    """Make maps from one vertex to something, or from several or none."""
    pairs = st.tuples(texts | escaped, values)
    return st.lists(pairs, min_size=min(most, 2 - most), max_size=most).map(Pairs)


properties = st.lists(st.tuples(names, anything), max_size=3).map(Pairs) | st.none()
labels = texts | st.none() | st.lists(ids, max_size=2)
vertices = of_members({"id": ids}, {"label": labels, "properties": properties})
steps = of_members({"source": ids, "target": ids}, {"index": ids, "w": scalars})
edge_members = {"label": labels, "properties": properties, "index": ids | st.none()}
# Under each key, rows as they are documented; what rows may be besides is the same everywhere.
REGULAR: Mapping[str, list[st.SearchStrategy[Any]]] = {
    "vertices": [vertices, of_members({"id": texts, "label": texts, "properties": properties}, {}), ids],
    "edges": [
        of_members({"source": texts, "target": texts}, edge_members),
        of_members({"source": ids, "target": ids}, {**edge_members, "score": numbers | st.none()}),
        of_members({"source": texts, "target": texts, "betweenness": st.floats(-9, 9)}, {"index": texts}),
        of_members({"source": texts, "target": texts, "betweenness": numbers}, {"other": scalars}),
    ],
    "pagerank": [to(st.floats(0, 1)), to(numbers | st.none()), to(scalars), to(numbers, 2)],
    "community": [to(texts), to(ids, 2), to(st.lists(ids, max_size=3)), to(st.lists(numbers)), to(numbers | st.none())],
    "embedding": [to(st.lists(st.floats(-1, 1), max_size=3), 2), to(st.lists(numbers | texts, max_size=3))],
    "paths": [
        st.lists(texts, max_size=3),
        st.lists(ids, max_size=3),
        st.lists(steps, max_size=3),
        of_members({"source": ids, "target": ids, "paths": st.lists(st.lists(ids, max_size=3), max_size=2)}, {}),
    ],
    "nobody_knows": [anything],
}


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """Write a value as JSON, with blanks where they may be."""
    blank = draw(st.sampled_from(("", "", "", " ", "\n  ")))
    match value:
        case Literal():
            return value
        case Pairs():
            members = [f"{draw(written(name))}{blank}:{blank}{draw(written(of))}" for name, of in value]
            return f"{{{blank}{f',{blank}'.join(members)}{blank}}}"
        case list():
            return f"[{blank}{f'{blank},{blank}'.join(draw(written(item)) for item in value)}{blank}]"
    return msgspec.json.encode(value).decode()


SHAPES = [(key, place) for key, shapes in REGULAR.items() for place in range(len(shapes))]


@st.composite
def bodies(draw: st.DrawFn, shapes: Sequence[tuple[str, int]] = SHAPES, most_odd: int = 2) -> bytes:
    """Make the `data` of a job: rows of one shape, perhaps with others among them."""
    key, place = draw(st.sampled_from(shapes))
    rows = draw(st.lists(REGULAR[key][place], max_size=4))
    for before in draw(st.lists(st.integers(0, len(rows)), max_size=most_odd)):
        rows.insert(before, draw(anything))
    return f'{{"{key}":{draw(written(rows))},"data_offset":0}}'.encode()


# Where reading many rows at once could go another way than reading each.
ODD_ROWS = {
    "vertices": [
        *('{"id":"a","id":5}', '{"id":5},{"id":"b"}', '{"id":"a","label":["x","y"]},{"id":"b","label":[]}'),
        *('{"id":"a"},{"id":null}', '{"id":"a"},{"id":true}', '{"id":"a"},{"id":1.0}', '{"id":"a","label":7}'),
        *('{"id":"a","label":{"x":1}}', '{"id":"a","properties":[ 1 ]}', '{"id":"a"},"b"', '"a","b"', "1,2", '"a",1.5'),
        *(
            '{"id":"a","more":1e999}',
            '{"\\u0069d":"a"}',
            '{"id":"a","properties":null}',
            '"a",[]',
            '{"id":"a","id":null}',
        ),
    ],
    "edges": [
        *('{"source":"a","target":"b"},{"source":"a","target":"b","s":1}', '{"source":"a","target":"b","s":2}'),
        *('{"source":"a","target":"b","s":2,"t":3}', '{"source":"a","target":"b","s":2,"t":"x"}'),
        *('{"source":"a","target":"b","s":2},{"source":"a","target":"b","s":2,"t":3}', '{"source":1,"target":2,"s":1}'),
        *(
            '{"source":"a","target":"b","s":true}',
            '{"source":"a","target":"b","s":null}',
            '{"source":"a","target":null}',
        ),
        *('{"source":"a","target":"b","index":0}', '{"source":"a","target":"b","index":0.5,"s":1}'),
        *('{"source":"a","target":"b","label":["x","y"],"index":true}', '{"source":"a","target":"b","s":"1"}'),
        *('{"source":"a","target":"b","s":1e999}', '{"source":"a","target":"b","s":1,"s":2}'),
        '{"source":"a","target":"b","value":1},{"source":"a","target":"b","source_id":1}',
    ],
    "pagerank": [
        *(
            '{"a":1},{}',
            '{"a":1},{"b":1,"c":2}',
            '{"a":1},{"b":true}',
            '{"a":1},{"b":"2.5"}',
            '{"a":1},{"b":"Infinity"}',
        ),
        *('{"a":1},{"b":null}', '{"a":1},{"b":[]}', '{"a":1},{"b":{}}', '{"a":-0}', '{"a":-0.0}', '{"a":1,"a":2}'),
        *('{"a":1},{"b":1e999}', '{"a":123456789012345678901234567890}', f'{{"a":{"9" * 400}}}', '{"a":1},5'),
    ],
    "community": [
        *('{"a":"0"},{"b":"1"}', '{"a":0},{"b":1}', '{"a":"0"},{"b":1.0}', '{"a":["0",1]},{"b":[]}', '{"a":[1.0]}'),
        *('{"a":[true]}', '{"a":"0"},{"b":null}', '{"a":"0"},{}', '{"a":["0"],"b":["1"]}', '{"a":"0"},{"b":0.5}'),
    ],
    "embedding": ['{"a":[0.5,1]},{"b":[]}', '{"a":[0.5,"1"]}', '{"a":[0.5,null]}', '{"a":[0.5],"b":[1]}', '{"a":0.5}'],
    "paths": [
        *('["a","b"],[]', '["a",1]', '["a",1.5]', "[[]]", '[{"source":"a","target":"b"}],[]', '["a"],[null]'),
        *('[{"source":"a","target":"b"},{"source":"b"}]', '[{"source":"a"},{"source":"b","target":3}]'),
        *(
            '[{"source":"a","target":"b","w":1e999}]',
            '[{"source":"a","target":"b"},"c"]',
            '{"source":1,"target":2,"paths":[]}',
        ),
        *('{"source":1,"target":2,"paths":[["a","b"],7]}', '{"source":1,"target":2,"paths":[[],["a"]]}'),
        *('{"source":1,"target":2,"paths":[["a",2],["b"]]}', '["a","b"],{"source":1,"target":2,"paths":["a"]}'),
    ],
}

# --- The same ------------------------------------------------------------------------------------------------------


@given(documents(), bodies())
def test_rows_written_at_once_equal_rows_executed_one_by_one(text: str, data: bytes) -> None:
    """Aliases, fragments, conditions, windows and errors on one side, hostile rows on the other."""
    check(text, data)


@pytest.mark.parametrize(("key", "place"), SHAPES)
def test_every_attribute_of_every_shape_is_equal(key: str, place: int) -> None:
    """Many rows of one shape, and few among them that are not."""

    @settings(max_examples=20)
    @given(bodies([(key, place)], most_odd=1))
    def equal(data: bytes) -> None:
        check(EVERY_NODE % (EVERYTHING, EVERYTHING), data)

    equal()


@pytest.mark.parametrize(("key", "rows"), [(key, rows) for key, listed in ODD_ROWS.items() for rows in listed])
def test_odd_rows_are_equal_to_each_read_alone(key: str, rows: str) -> None:
    """Each of these was thought of; what was not thought of, is searched for above."""
    check(EVERY_NODE % (EVERYTHING, EVERYTHING), f'{{"{key}":[{rows}],"data_offset":0}}'.encode())


@given(bodies(), st.sampled_from([(name, own) for name, owns in OWN_FIELDS.items() for own in owns]))
def test_each_attribute_alone_is_equal(data: bytes, asked: tuple[str, str]) -> None:
    """Members that are not asked for are not read, and still decide what kind of row it is."""
    selection = "... on {} {{ {} }}".format(*asked)
    check(EVERY_NODE % (selection, selection), data)


def test_every_type_of_row_and_every_field_is_asked_for() -> None:
    """A new one has to be added here."""
    fields_of = {
        kind.__name__: {field.name for field in vars(kind)["__strawberry_definition__"].fields} for kind in ROW_TYPES
    }
    assert {name: {"index", "raw", *map(_python_name, owns)} for name, owns in OWN_FIELDS.items()} == fields_of


def _python_name(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def test_an_error_beside_rows_leaves_null_in_their_place() -> None:
    """The rows are thrown away with everything up to the next field that may be null."""
    pages = f"a: rows {{ nodes {{ index }} }} b: rows(offset: {GONE}) {{ totalCount }}"
    text = f"query ($id: ID!) {{ job(id: $id) {{ jobId result {{ {pages} }} }} }}"
    assert check(text, b'{"vertices":[{"id":"a"}],"data_offset":0}') == b'{"data":{"job":{"jobId":"42","result":null}}}'


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 1_001, 2_500])
def test_long_lists_are_whole(count: int) -> None:
    """Runs are joined in order, nothing twice and nothing lost."""
    data = msgspec.json.encode({"pagerank": [{f"v{place}": place} for place in range(count)], "data_offset": 0})
    text = "query ($id: ID!) { job(id: $id) { result { rows(first: 100000) { edges { cursor node { index } } } } } }"
    answer = msgspec.json.decode(check(text, data))
    assert [edge["node"]["index"] for edge in answer["data"]["job"]["result"]["rows"]["edges"]] == list(range(count))
