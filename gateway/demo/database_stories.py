"""The cast, database edition: jobs of the graphs `citation_store` and `authors` inside one instance. Only data."""

from gateway.demo import results
from gateway.demo.algorithm_stories import algorithm_request
from gateway.demo.graphs import PROJECT_ID
from gateway.demo.story import Failure, Moments, Story, ran

_HOUR, _DAY = 3600.0, 86400.0
_STORE, _AUTHORS = "citation_store", "authors"


def database_job_id(number: int) -> str:
    """Spell a job id as database instances do: 32 hexadecimal digits and a run of decimal ones."""
    return f"b3{0x1EEF * number:030x}{512300400 + number:013d}"


def _path(graph: str, action: str) -> str:
    return f"/ges/v1.0/{PROJECT_ID}/graphs/{graph}/{action}"


def _algorithm_path(graph: str) -> str:
    return _path(graph, "action?action_id=execute-algorithm")


DATABASE_STORIES: tuple[Story, ...] = (
    Story(
        graph=_STORE,
        job_id=database_job_id(1),
        kind="batch_build_index",
        when=ran(-_DAY, 60),
        path=_path(_STORE, "indices/action?action_id=batch-build&targetGraphName=citation_store"),
        request='{"indices":[{"indexName":"cypher_vertex_index","indexType":"GlobalCompositeVertexIndex",'
        '"hasLabel":true,"indexProperty":[]}]}',
    ),
    Story(
        graph=_STORE,
        job_id=database_job_id(2),
        kind="import_graph",
        when=Moments(-60.0, -50.0, None, every=600.0),
        path=_path(_STORE, "action?action_id=import-graph"),
        request='{"graphName":"citation_store","edgesetPath":"cites/edges.csv","vertexsetPath":"",'
        '"offline":false,"delimiter":","}',
    ),
    Story(
        # The word says only that it ended; the error in the same body says how. The list has the plain word.
        graph=_STORE,
        job_id=database_job_id(3),
        kind="execute_algorithm",
        when=ran(-_HOUR, 1),
        ending="complete",
        failure=Failure("Unknown algorithm name: pagerank2", "GES.8301", http_status=400),
        path=_algorithm_path(_STORE),
    ),
    Story(
        graph=_STORE,
        job_id=database_job_id(4),
        kind="execute_algorithm",
        when=ran(-2 * _HOUR, 70),
        ending="complete",
        path=_algorithm_path(_STORE),
        request=algorithm_request("bigclam", {"communityNum": 7}),
        result=results.BIGCLAM,
    ),
    Story(
        graph=_STORE,
        job_id=database_job_id(5),
        kind="execute_algorithm",
        when=ran(-3 * _HOUR, 20),
        ending="complete",
        path=_algorithm_path(_STORE),
        request=algorithm_request("closeness", {"sources": ["site-0000000", "site-0000001"]}),
        result=results.CLOSENESS_LIST,
    ),
    Story(
        graph=_STORE,
        job_id=database_job_id(6),
        kind="execute_algorithm",
        when=ran(-4 * _HOUR, 2),
        ending="complete",
        path=_algorithm_path(_STORE),
        request=algorithm_request("shortest_path", {"source": "site-0000000", "target": "site-0000003"}),
        result=results.SHORTEST_PATH_DATABASE,
    ),
    Story(
        graph=_STORE,
        job_id=database_job_id(7),
        kind="hyg_sync",
        when=ran(-5 * _HOUR, 90),
        ending="complete",
        path=f"/ges/v1.0/{PROJECT_ID}/hyg/citation_store/sync",
    ),
    Story(
        graph=_STORE,
        job_id=database_job_id(8),
        kind="execute_algorithm",
        when=Moments(-30.0),
        path=_algorithm_path(_STORE),
        request=algorithm_request("louvain"),
    ),
    Story(
        graph=_STORE,
        job_id=database_job_id(9),
        kind="execute_algorithm",
        when=Moments(0.0, 5.0, 35.0),
        ending="complete",
        path=_algorithm_path(_STORE),
        request=algorithm_request("pagerank", {"alpha": 0.85}),
        result=results.pagerank(19),
    ),
    Story(
        graph=_AUTHORS,
        job_id=database_job_id(10),
        kind="execute_algorithm",
        when=ran(-6 * _HOUR, 300),
        path=_algorithm_path(_AUTHORS),
        request=algorithm_request("pagerank", {"alpha": 0.85}),
        result=results.pagerank(100_000),
    ),
    Story(
        graph=_AUTHORS,
        job_id=database_job_id(11),
        kind="execute_algorithm",
        when=ran(-7 * _HOUR, 60),
        ending="complete",
        path=_algorithm_path(_AUTHORS),
        request=algorithm_request("edge_betweenness"),
        result=results.edge_scores("edge_betweenness", with_index=False),
    ),
    Story(
        graph=_AUTHORS,
        job_id=database_job_id(12),
        kind="import_graph",
        when=ran(-8 * _HOUR, 60),
        ending="failed",
        failure=Failure("Path cites/authors.csv does not exist.", "GES.8013"),
        path=_path(_AUTHORS, "action?action_id=import-graph"),
        # A body that is not JSON: the list then carries the text as it is.
        request="edgesetPath=cites/authors.csv",
    ),
)
