"""Documents for plans: written by chance over all query fields that can be planned, with values for their variables."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphql import ListTypeNode, NonNullTypeNode, OperationDefinitionNode, TypeNode
from hypothesis import strategies as st

from schema.algorithm_result import row_cursors
from schema.ids import graph_id_of, job_id_of
from tests.e2e.scenario import read_scenario
from tests.fakes import MANAGEMENT_JOB, MOVIES, SERVICE_JOB

ROOT = Path(__file__).parent.parent.parent
JOB_ID, GRAPH_ID = job_id_of(SERVICE_JOB), graph_id_of(MOVIES)
CURSOR = row_cursors(SERVICE_JOB).write(1)
ABSENT = object()
WRONG: tuple[Any, ...] = (17, "?", [], {"odd": 1}, [None], True, 1.5, 10**30)
# How each variable is declared, and what it may be given that fits.
VARIABLES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "job": ("ID!", (JOB_ID, job_id_of(MANAGEMENT_JOB), "damaged", 17)),
    "either": (f"ID = {json.dumps(JOB_ID)}", (JOB_ID, GRAPH_ID)),
    "graph": ("GraphRef!", ({"name": "movies"}, {"graphId": "g-1"}, {"id": GRAPH_ID}, {"name": "a", "graphId": "b"})),
    "name": ("String!", ("movies", "pagerank", "42", "", "a/b")),
    "search": ("String", ("rank", "")),
    "after": ("String", (CURSOR, "damaged")),
    "first": ("Int", (0, 1, 2, 100, 1_000_000, -1, 2.0)),
    "ten": ("Int = 10", (0, 3)),
    "offset": ("Int", (0, 1)),
    "skipped": ("Long", (0, 1, 2**40)),
    "plane": ("Plane", ("SERVICE", "MANAGEMENT", "NEITHER")),
    "only": ("Plane!", ("MANAGEMENT", "SERVICE", "NEITHER")),
    "planes": ("[Plane!]", (["SERVICE"], "MANAGEMENT", [])),
    "status": ("JobStatus!", ("RUNNING", "FAILED", "LOST")),
    "since": ("DateTime", ("2026-03-04T10:20:30Z", "2026-03-04T11:20:30+01:00", "yesterday")),
    "filter": ("JobFilter", ({}, {"statuses": ["RUNNING"], "search": "x"}, {"kinds": "IMPORT"}, {"graphName": None})),
    "yes": ("Boolean! = true", (True, False)),
    "no": ("Boolean = false", (True, False)),
}
USED = re.compile(r"\$(\w+)")
CONDITIONS = (
    *("", "", "", "", "@skip(if: $yes)", "@include(if: $yes)", "@skip(if: $no)", "@include(if: $no)"),
    "@include(if: true) @skip(if: $no)",
)
LEAVES = {
    "Job": "id jobId plane kind rawKind name status rawStatus progressPercent startedAt endedAt isTerminal canCancel "
    "elapsedSeconds graphName",
    "JobRequest": "command path algorithm body bodyText",
    "JobFailure": "message code advice retryable",
    "JobSource": "plane fetchedAt cached immutable",
    "Graph": "id graphId name edition statusCode isQueryable createdAt",
    "AlgorithmResult": "algorithm kind rowsKey totalCount",
    "ResultValue": "name value",
    "JobConnection": "totalCount",
    "GraphConnection": "totalCount",
    "ResultRowConnection": "totalCount",
    "JobEdge": "cursor",
    "GraphEdge": "cursor",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
    "PlaneReport": "plane ok totalCount filteredHere fetchedAt cached",
    "UpstreamProblem": "code message plane retryable",
    "Gateway": "version readOnly",
    "PlaneHealth": "plane configured circuit lastOkAt",
    "ResultRow": "index raw",
    "ResultRowEdge": "cursor",
    "Node": "id",
    "Query": "",
}
PAGES = (
    *("", "(first: 2)", "(first: $first)", "(first: $ten, offset: $offset)", "(after: $after)", "(first: null)"),
    *("(first: 1, after: $after, offset: $offset)", "(first: 1000000)", "(offset: 1)"),
)
FILTERS = (
    *("", "(filter: {})", "(filter: $filter, first: $ten)", "(filter: {statuses: [$status, FAILED], search: $search})"),
    *("(filter: {statuses: [$status], startedFrom: $since})", '(filter: {kinds: IMPORT, search: "x"}, first: $first)'),
    *('(filter: {startedBefore: "2026-03-04T10:20:30Z"}, after: $after)', "(filter: null, offset: $offset)"),
)
GRAPHS = (
    *('{name: "movies"}', "{name: $name}", "{graphId: $name}", "$graph", '{inInstance: {graphId: "g-1", name: $name}}'),
    *('{graphId: "g-1"}', f"{{id: {json.dumps(GRAPH_ID)}}}", '{name: ""}'),
)
# The fields with something below them, by parent: name, type, and what their arguments may be.
BRANCHES: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "Query": (
        ("job", "Job", ("(id: $job)", f"(id: {json.dumps(JOB_ID)})", "(id: $either)", '(id: "damaged")')),
        ("node", "Node", ("(id: $job)", "(id: $either)", f"(id: {json.dumps(GRAPH_ID)})")),
        ("jobs", "JobConnection", (*FILTERS, *PAGES)),
        ("graphs", "GraphConnection", PAGES),
        ("graph", "Graph", tuple(f"(by: {graph})" for graph in GRAPHS)),
        (
            "findJob",
            "Job",
            (
                *(f'(graph: {graph}, jobId: "42", plane: SERVICE)' for graph in GRAPHS),
                *("(graph: $graph, jobId: $name, plane: $plane)", '(graph: {name: "movies"}, jobId: $name)'),
            ),
        ),
        ("gateway", "Gateway", ("",)),
    ),
    "Job": (
        ("result", "AlgorithmResult", ("",)),
        ("failure", "JobFailure", ("",)),
        ("request", "JobRequest", ("",)),
        ("source", "JobSource", ("",)),
        ("graph", "Graph", ("",)),
    ),
    "Graph": (
        (
            "jobs",
            "JobConnection",
            (
                *(*PAGES, *FILTERS, "(planes: $planes)", "(planes: [SERVICE, $only])", "(planes: MANAGEMENT)"),
                *("(planes: [])", "(planes: null, first: $ten)"),
            ),
        ),
    ),
    "AlgorithmResult": (
        ("rows", "ResultRowConnection", tuple(page.replace("$offset", "$skipped") for page in PAGES)),
        ("values", "ResultValue", ("",)),
    ),
    "JobConnection": (
        ("nodes", "Job", ("",)),
        ("edges", "JobEdge", ("",)),
        ("pageInfo", "PageInfo", ("",)),
        ("planes", "PlaneReport", ("",)),
    ),
    "GraphConnection": (("nodes", "Graph", ("",)), ("edges", "GraphEdge", ("",)), ("pageInfo", "PageInfo", ("",))),
    "ResultRowConnection": (
        ("nodes", "ResultRow", ("",)),
        ("edges", "ResultRowEdge", ("",)),
        ("pageInfo", "PageInfo", ("",)),
    ),
    "JobEdge": (("node", "Job", ("",)),),
    "GraphEdge": (("node", "Graph", ("",)),),
    "ResultRowEdge": (("node", "ResultRow", ("",)),),
    "PlaneReport": (("problem", "UpstreamProblem", ("",)),),
    "Gateway": (("planes", "PlaneHealth", ("",)),),
}
NARROWER = {"Node": ("Job", "Graph"), "ResultRow": ("VertexRow", "PathRow")}
WIDER = {"Job": "Node", "Graph": "Node"}
WAYS = ("leaf", "leaf", "narrow", "inline", "fragment", "branch", "branch", "branch")
ROWS = {"VertexRow": "index vertexId label", "PathRow": "raw vertexIds length"}


def _declared(text: str) -> str:
    used = sorted(set(USED.findall(text)))
    head = ", ".join(f"${name}: {VARIABLES[name][0]}" for name in used)
    return f"query{f'({head})' if used else ''} {text}"


class Writer:
    """Writes one document."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw
        self._fragments: list[str] = []
        self._names = 0

    def write(self) -> str:
        body = self._selections("Query", 0)
        return _declared(" ".join((f"{{ {body} }}", *self._fragments)))

    def _chosen(self, among: Any) -> Any:
        return self._draw(st.sampled_from(among))

    def _selections(self, parent: str, depth: int) -> str:
        most = 3 if depth < 4 else 1
        return " ".join(self._selection(parent, depth) for _ in range(self._draw(st.integers(1, most))))

    def _selection(self, parent: str, depth: int) -> str:
        way = self._chosen(WAYS if depth else WAYS[3:])
        if way == "branch" and parent in BRANCHES and depth < 8:
            return self._branch(parent, depth)
        if way in ("inline", "fragment") and depth < 6:
            return self._fragment(parent, parent, way, depth)
        if way == "narrow" and parent in NARROWER:
            return self._fragment(parent, self._chosen(NARROWER[parent]), "inline", depth)
        if way == "narrow" and parent in WIDER:
            return self._fragment(parent, WIDER[parent], "fragment", depth)
        leaf = self._chosen(((ROWS.get(parent) or LEAVES[parent]) + " __typename").split())
        return f"{self._chosen(('', '', f'{leaf}_: '))}{leaf} {self._chosen(CONDITIONS)}"

    def _branch(self, parent: str, depth: int) -> str:
        # What leads to rows comes first.
        name, below, arguments = self._chosen((*BRANCHES[parent][:2] * 2, *BRANCHES[parent]))
        given, alias = self._chosen(arguments), ""
        if len(arguments) > 1:
            # Fields that differ in their arguments need names of their own.
            self._names += 1
            alias = f"a{self._names}: "
        return f"{alias}{name}{given} {self._chosen(CONDITIONS)} {{ {self._selections(below, depth + 1)} }}"

    def _fragment(self, parent: str, on: str, way: str, depth: int) -> str:
        inner = self._selections(on, depth + 1)
        condition = self._chosen(CONDITIONS)
        if way == "inline":
            return f"... {self._chosen(('', f'on {on}')) if on == parent else f'on {on}'} {condition} {{ {inner} }}"
        self._names += 1
        self._fragments.append(f"fragment F{self._names} on {on} {{ {inner} }}")
        return f"...F{self._names} {condition} {self._chosen(('', f'...F{self._names}'))}"


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Ask for anything that a plan may be made of."""
    return Writer(draw).write()


def values_of(name: str) -> st.SearchStrategy[Any]:
    """Give something for a variable: mostly what fits, else nothing, null or what it cannot be."""
    fitting = VARIABLES[name][1]
    known = st.sampled_from((*fitting[:2] * 4, *fitting, ABSENT, None, WRONG))
    return known.flatmap(lambda value: st.sampled_from(WRONG) if value is WRONG else st.just(value))


def variables_of(text: str) -> st.SearchStrategy[dict[str, Any]]:
    """Give values for the variables of a document written here."""
    used = sorted(set(USED.findall(text)))
    given = st.fixed_dictionaries({name: values_of(name) for name in used})
    return given.map(lambda values: {name: value for name, value in values.items() if value is not ABSENT})


# Where fields with arguments stand, and what tells how they were asked for.
_PLACES = {
    "Query": "{%s}",
    "Graph": '{ graph(by: {name: "movies"}) {%s} }',
    "AlgorithmResult": f"{{ job(id: {json.dumps(JOB_ID)}) {{ result {{%s}} }} }}",
}
_TELLING = {
    "Job": "jobId rawKind result { rows { totalCount } }",
    "Node": "__typename id ... on Job { rawKind } ... on Graph { name }",
    "Graph": "id name",
    "JobConnection": "totalCount edges { cursor node { rawKind } }",
    "GraphConnection": "edges { cursor node { name } }",
    "ResultRowConnection": "pageInfo { endCursor } edges { cursor } nodes { index }",
}


def documents_of_arguments() -> list[str]:
    """Ask for each field with each of its arguments alone."""
    return [
        _declared(_PLACES[parent] % f"{name}{given} {{ {_TELLING[below]} }}")
        for parent in _PLACES
        for name, below, arguments in BRANCHES[parent]
        for given in arguments
        if "$" in given
    ]


# --- Documents of others -------------------------------------------------------------------------------------------

FITTING = {
    "Boolean": True,
    "DateTime": "2026-03-04T10:20:30Z",
    "GraphRef": {"name": "movies"},
    "ID": JOB_ID,
    "Int": 2,
    "JobFilter": {"statuses": ["RUNNING"]},
    "JobKind": "IMPORT",
    "JobStatus": "RUNNING",
    "Long": 2,
    "Plane": "SERVICE",
    "String": "movies",
}


def fitting(type_: TypeNode) -> Any:
    """Return a value of a type."""
    if isinstance(type_, NonNullTypeNode):
        return fitting(type_.type)
    return [fitting(type_.type)] if isinstance(type_, ListTypeNode) else FITTING[type_.name.value]  # type: ignore[attr-defined]


def requests_for(operation: OperationDefinitionNode) -> list[dict[str, Any]]:
    """Give values for the variables of any operation: fitting ones, others, none, nulls, and what they cannot be."""
    declared = {it.variable.name.value: it.type for it in operation.variable_definitions or ()}
    good = {name: fitting(type_) for name, type_ in declared.items()}
    other = {name: not value if isinstance(value, bool) else value for name, value in good.items()}
    return [good, other, {}, dict.fromkeys(good), {name: {"odd": 1} for name in good}, good]


def committed_documents() -> list[tuple[str, str, dict[str, Any]]]:
    """Give name, text and variables of what users are shown and of what the scenarios ask."""
    found: list[tuple[str, str, dict[str, Any]]] = [
        (path.stem, path.read_text(), {})
        for path in sorted((ROOT / "gateway/static/graphiql/examples").glob("*.graphql"))
    ]
    blocks = re.findall(r"```graphql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    found += [(f"README-{place}", text, {}) for place, text in enumerate(blocks)]
    for path in sorted((ROOT / "tests/e2e/scenarios").glob("*.md")):
        steps = read_scenario(path.read_text()).steps
        asked = {step.query: step.variables for step in steps}
        found += [(f"{path.stem}-{place}", *step) for place, step in enumerate(asked.items())]
    return found
