"""What finished jobs answer with: named values, rows, and where GES puts the sizes. Knows no jobs, graphs or HTTP."""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from gateway.demo import rows
from gateway.demo.rows import Rows

# Published examples have the sizes inside `data.outputs` (queries: around the rows, algorithms: behind them), the
# parameter tables directly under `data`; a single path has none at all. All four occur here.
Sizes = Literal["behind", "around", "data", "none"]


@dataclass(frozen=True, slots=True)
class Result:
    """The output of one job."""

    values: dict[str, Any]
    rows: Rows | None = None
    runtime: float | None = 0.214557
    sizes: Sizes = "behind"

    def data(self, offset: int, limit: int) -> bytes:
        """Write the member `data` of a status answer, with the page of rows asked for."""
        members = [_member(name, value) for name, value in self.values.items()]
        if self.rows is not None:
            members += self._paged(self.rows, offset, limit)
        if self.runtime is not None:
            members.append(_member("runtime", self.runtime))
        text = "{" + ",".join(members) + "}"
        return (text if self.sizes == "data" else f'{{"outputs":{text}}}').encode()

    def _paged(self, all_rows: Rows, offset: int, limit: int) -> list[str]:
        if self.sizes == "none":
            offset, limit = 0, all_rows.total
        count, page = all_rows.page(offset, limit)
        written = f'"{all_rows.key}":[{page}]'
        if self.sizes == "none":
            return [written]
        return_size, rest = f'"data_return_size":{count}', f'"data_offset":{offset},"data_total_size":{all_rows.total}'
        return [return_size, written, rest] if self.sizes == "around" else [written, return_size, rest]


def pagerank(total: int) -> Result:
    """Score that many vertices."""
    return Result({}, Rows("pagerank", total, rows.rank))


def vertex_query(total: int, sizes: Sizes = "around") -> Result:
    """Return that many vertices with label and properties."""
    return Result({}, Rows("vertices", total, rows.vertex), runtime=None, sizes=sizes)


def edge_query(total: int) -> Result:
    """Return that many edges with label and properties."""
    return Result({}, Rows("edges", total, rows.edge), runtime=None, sizes="around")


def louvain(total: int) -> Result:
    """Put that many vertices into 400 communities."""
    return Result({"modularity": 0.426969, "community_num": 400}, Rows("community", total, rows.community))


def edge_scores(key: str, *, with_index: bool = True) -> Result:
    """Score six edges under this key; HyG leaves the index out."""
    scored = [
        {"source": source, "target": target, "index": index, "betweenness": score}
        for source, target, index, score in _SCORED_EDGES
    ]
    if not with_index:
        scored = [{name: value for name, value in row.items() if name != "index"} for row in scored]
    return Result({}, rows.listed(key, scored))


def staff(*, with_salary: bool) -> Result:
    """Return people as a caller sees them: a property that role-based access hides is simply not there."""

    def person(index: int) -> str:
        salary = f',"salary":[{30000 + index * 1000}]' if with_salary else ""
        return f'{{"id":"emp-{index:04d}","label":"employee","properties":{{"team":["team-{index % 4}"]{salary}}}}}'

    return Result({}, Rows("vertices", 19, person), runtime=None, sizes="around")


def _member(name: str, value: Any) -> str:
    return f'"{name}":{msgspec.json.encode(value).decode()}'


_A, _B, _C, _D, _E = (rows.vertex_id(index) for index in range(5))
_ENDS = {"source": _A, "target": _D}
_SCORED_EDGES = (
    (_A, _B, "0", 3.0),
    (_B, _D, "2", 2.0),
    (_A, _C, "0", 1.5),
    (_C, _D, "1", 1.0),
    (_A, _E, "4", 0.5),
    (_E, _D, "0", 0.0),
)
_PATHS = [[_A, _B, _D], [_A, _E, _D]]
_CIRCLE = [(_A, _B, "0"), (_B, _C, "1"), (_C, _A, "7")]

PERSONALRANK = Result({"source": _A}, Rows("personalrank", 19, rows.rank))
KCORE = Result({}, Rows("coreness", 19, rows.coreness))
K_HOP = Result({"source": _A, "k": 2, "k_hop_neighbors": 3}, rows.listed("vertices", [_B, _E, _C]))
COMMON_NEIGHBORS = Result({"source": _A, "target": _C, "common_neighbors": 1}, rows.listed("vertices", [_B]))
LINK_PREDICTION = Result({"link_prediction": 0.25, "source": _A, "target": _C}, runtime=0.000089)
SHORTEST_PATH = Result(dict(_ENDS), rows.listed("path", [_A, _B, _D]), runtime=0.000411, sizes="none")
SHORTEST_PATH_DATABASE = Result(dict(_ENDS), rows.listed("path", [_A, _B, _D]), runtime=None, sizes="none")
ALL_SHORTEST_PATHS = Result({**_ENDS, "paths_number": 2}, rows.listed("paths", _PATHS))
BATCH_PATHS = Result(
    {"paths_number": 2},
    rows.listed(
        "batch_paths",
        [{**_ENDS, "paths": [_PATHS[0]]}, {"source": _C, "target": _D, "paths": [[_C, _D]]}],
    ),
)
SSSP = Result({"source": _A}, Rows("distance", 19, rows.distance))
CONNECTED_COMPONENT = Result({"Max_WCC_size": 12, "Max_WCC_id": "0"}, Rows("community", 19, rows.community))
BIGCLAM = Result({"community_num": 7, "log_likelihood": -12.75}, Rows("communities", 19, rows.communities))
NODE2VEC = Result({}, Rows("embedding", 10_000, rows.embedding))
TRIANGLE_COUNT = Result({"triangle_count": 11}, Rows("vertex_triangles", 19, rows.coreness))
CLOSENESS = Result({"closeness": 0.8, "source": _A}, runtime=0.000132)
CLOSENESS_LIST = Result({}, rows.listed("closeness", [{_A: 0.8}, {_B: 0.66}]))
BETWEENNESS = Result({}, Rows("betweenness", 19, rows.distance))
CIRCLES = Result(
    {"n": 10, "circle_number": 1},
    rows.listed(
        "circles", [[{"source": source, "target": target, "index": index} for source, target, index in _CIRCLE]]
    ),
)
SUBGRAPHS = Result(
    {"pattern_graph": ["1", "2", "3"], "subgraph_number": 2},
    rows.listed("subgraphs", [[_A, _B, _C], [_B, _D, _E]]),
)
RECOMMENDATION = Result({"sources": [_A]}, rows.listed("score", [{_D: 812.0}, {_B: 377.0}]))
# An algorithm that no page describes, in a shape that no other has: readers must hand it on as it is.
NEVER_SEEN = Result(
    {"wave_front": 3},
    rows.listed(
        "influence_waves", [{"wave": 1, "reached": [_A, _B], "decay": {"mean": 0.5}}, {"wave": 2, "reached": []}]
    ),
)
