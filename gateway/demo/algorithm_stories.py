"""The cast, memory edition: one finished job per algorithm and shape in graph `supply_chain`. Only data."""

import json
from typing import Any

from gateway.demo import results
from gateway.demo.results import Result
from gateway.demo.story import Moments, Story

_MINUTE = 60.0


def memory_job_id(number: int) -> str:
    """Spell a job id as memory graphs do: a UUID with digits stuck to it."""
    return f"5e9c07{number:02x}-41d8-4b6a-93f0-27ac1d0e{number:04x}{7740210 + number:09d}"


def algorithm_request(algorithm: str, parameters: dict[str, Any] | None = None) -> str:
    """Write the body that an algorithm was submitted with."""
    return json.dumps({"algorithmName": algorithm, "parameters": parameters or {}}, separators=(",", ":"))


_SITE, _OTHER = "site-0000000", "site-0000003"
_ENDS = {"source": _SITE, "target": _OTHER}

# Number in the id, algorithm, its parameters, what it answers with.
_ALGORITHMS: tuple[tuple[int, str, dict[str, Any], Result], ...] = (
    (5, "pagerank", {"alpha": 0.85}, results.pagerank(19)),
    (7, "pagerank", {"alpha": 0.85, "max_iterations": 1000}, results.pagerank(100_000)),
    (8, "pagerank", {"alpha": 0.5}, results.pagerank(1_000_000)),
    (10, "pagerank", {"alpha": 0.7, "directed": True}, results.pagerank(10_000)),
    (12, "pagerank", {"alpha": 0.1}, results.pagerank(1)),
    (13, "personalrank", {"source": _SITE}, results.PERSONALRANK),
    (14, "kcore", {"k": 2}, results.KCORE),
    (15, "k_hop", {"source": _SITE, "k": 2}, results.K_HOP),
    (16, "common_neighbors", {"source": _SITE, "target": "site-0000002"}, results.COMMON_NEIGHBORS),
    (17, "link_prediction", {"source": _SITE, "target": "site-0000002"}, results.LINK_PREDICTION),
    (18, "shortest_path", _ENDS, results.SHORTEST_PATH),
    (19, "all_shortest_paths", _ENDS, results.ALL_SHORTEST_PATHS),
    (20, "filtered_all_pairs_shortest_paths", {"sources": [_SITE]}, results.BATCH_PATHS),
    (21, "sssp", {"source": _SITE}, results.SSSP),
    (22, "louvain", {"max_iterations": 100}, results.louvain(19)),
    (23, "connected_component", {}, results.CONNECTED_COMPONENT),
    (24, "node2vec", {"dim": 8}, results.NODE2VEC),
    (25, "triangle_count", {"statistics": False}, results.TRIANGLE_COUNT),
    (26, "closeness", {"source": _SITE}, results.CLOSENESS),
    (27, "betweenness", {"directed": True}, results.BETWEENNESS),
    (28, "edge_betweenness", {"directed": True}, results.edge_scores("edge_betweenness")),
    (29, "od_betweenness", {"directed": True}, results.edge_scores("betweenness")),
    (30, "filtered_circle_detection", {"n": 10, "output_format": "edgeObject"}, results.CIRCLES),
    (31, "subgraph_matching", {"k": 10}, results.SUBGRAPHS),
    (32, "realtime_recommendation", {"sources": [_SITE]}, results.RECOMMENDATION),
    (34, "influence_wave", {"seeds": [_SITE]}, results.NEVER_SEEN),
    (44, "louvain", {"max_iterations": 10}, results.louvain(100_000)),
)

# Number, task type, the body submitted, the answer. The task types EdgeQuery and FilteredQuery are unconfirmed.
_QUERIES: tuple[tuple[int, str, dict[str, Any], Result], ...] = (
    (3, "VertexQuery", {"labels": ["factory"], "offset": 0, "limit": 19}, results.vertex_query(19)),
    (6, "VertexQuery", {"offset": 0, "limit": 100000}, results.vertex_query(100_000)),
    (11, "VertexQuery", {"labels": ["nowhere"], "offset": 0, "limit": 10}, results.vertex_query(0)),
    (33, "EdgeQuery", {"labels": ["ships_to"], "offset": 0, "limit": 100}, results.edge_query(100)),
    (40, "FilteredQuery", {"executionMode": "async", "visualized": False}, results.vertex_query(19, "data")),
)


def _finished(number: int, kind: str, request: str, result: Result) -> Story:
    queued = -90 * _MINUTE + number * _MINUTE
    return Story(
        graph="supply_chain",
        job_id=memory_job_id(number),
        kind=kind,
        when=Moments(queued, queued + 1, queued + 31),
        request=request,
        result=result,
    )


ALGORITHM_STORIES: tuple[Story, ...] = (
    *(
        _finished(number, "Algorithm", algorithm_request(algorithm, parameters), result)
        for number, algorithm, parameters, result in _ALGORITHMS
    ),
    *(
        _finished(number, kind, json.dumps(request, separators=(",", ":")), result)
        for number, kind, request, result in _QUERIES
    ),
)
