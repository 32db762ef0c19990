"""
What each body of tests/bodies is read as, written by hand from what its file says.

Every file stands in exactly one table, named after who reads it.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from schema.graph import GraphEdition
from schema.import_detail import ImportFileStatus
from schema.job import JobKind, JobStatus
from schema.plane import Plane
from schema.problem import ProblemCode
from schema.rows import ResultKind


def at(text: str) -> datetime:
    """Write an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Listed(NamedTuple):
    """A job of any list, or of the management plane."""

    job_id: str
    status: JobStatus
    kind: JobKind
    name: str
    graph_name: str | None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    failure: str | None = None
    progress_percent: float | None = None
    # Path, status and the lines in all, failed and successful.
    files: tuple[tuple[str, ImportFileStatus, int | None, int | None, int | None], ...] | None = None


class Status(NamedTuple):
    """What a status call of the service plane says: how the job stands, and its rows and values."""

    status: JobStatus
    raw_status: str | None
    kind: ResultKind | None = None
    rows_key: str | None = None
    offset: int | None = None
    total: int | None = None
    # The rows without index and raw, each as its fields in order.
    rows: tuple[tuple[Any, ...], ...] = ()
    values: tuple[tuple[str, Any], ...] = ()
    failure: tuple[str, str | None] | None = None
    http: int = 200


class Refused(NamedTuple):
    """The error that a fault becomes."""

    plane: Plane
    http: int
    code: ProblemCode
    upstream_code: str | None
    retryable: bool = False


OK, PART, FAIL = ImportFileStatus.SUCCEEDED, ImportFileStatus.PARTIALLY_FAILED, ImportFileStatus.FAILED
SUCCEEDED, RUNNING, FAILED = JobStatus.SUCCEEDED, JobStatus.RUNNING, JobStatus.FAILED
PARTIALLY_FAILED, PENDING = JobStatus.PARTIALLY_FAILED, JobStatus.PENDING
RUNTIME = ("runtime", 0.214557)

IMPORTED = Listed(
    "8a1f0000000000000000000000000001",
    SUCCEEDED,
    JobKind.IMPORT,
    "ImportGraph",
    "supply_chain",
    at("2026-03-02 01:15:07"),
    at("2026-03-02 01:16:41"),
    files=(
        ("sc-data/schema.xml", OK, None, None, None),
        ("sc-data/vertices/sites.csv", OK, 20417, 0, 20417),
        ("sc-data/edges/ships.csv", OK, 482113, 0, 482113),
    ),
)
IMPORTED_IN_PART = Listed(
    "8a1f0000000000000000000000000003",
    PARTIALLY_FAILED,
    JobKind.IMPORT,
    "ImportGraph",
    "supply_chain",
    at("2026-03-04 10:20:30"),
    at("2026-03-04 10:25:02"),
    "Some records could not be imported.",
    files=(
        ("sc-data/schema.xml", OK, None, None, None),
        ("sc-data/vertices/sites-0304.csv", OK, 64, 0, 64),
        ("sc-data/edges/ships-0304.csv", PART, 1000, 3, 997),
        ("sc-data/edges/broken.csv", FAIL, 120, 120, 0),
    ),
)
BACKING_UP = Listed(
    "8a1f0000000000000000000000000005",
    RUNNING,
    JobKind.BACKUP,
    "CreateBackup",
    "fraud_watch",
    at("2026-03-05 02:00:11"),
)
NOT_STARTED = Listed(
    "8a1f0000000000000000000000000006",
    FAILED,
    JobKind.START_GRAPH,
    "StartGraph",
    "citation_store",
    at("2026-03-05 03:41:00"),
    at("2026-03-05 03:44:19"),
    "Failed to create the ECS because the resources are insufficient.",
)
DELETED = Listed(
    "8a1f0000000000000000000000000007",
    SUCCEEDED,
    JobKind.DELETE_GRAPH,
    "DeleteGraph",
    "old_demo",
    at("2026-03-01 05:00:00"),
    at("2026-03-01 05:03:34"),
)

MANAGEMENT_JOBS = {
    "mgmt-job-import-success.json": IMPORTED,
    "mgmt-job-v1-camelcase.json": IMPORTED,
    "mgmt-job-import-counts-not-reported.json": Listed(
        "8a1f0000000000000000000000000002",
        SUCCEEDED,
        JobKind.IMPORT,
        "ImportGraph",
        "supply_chain",
        at("2026-03-03 08:00:00"),
        at("2026-03-03 08:00:56"),
        files=(
            ("sc-data/schema.xml", OK, None, None, None),
            ("sc-data/edges/delta.csv", OK, None, None, None),
        ),
    ),
    "mgmt-job-import-partially-failed.json": IMPORTED_IN_PART,
    "mgmt-job-pending.json": Listed(
        "8a1f0000000000000000000000000004", PENDING, JobKind.EXPORT, "ExportGraph", "supply_chain"
    ),
    "mgmt-job-running.json": BACKING_UP,
    "mgmt-job-failed.json": NOT_STARTED,
    "mgmt-job-delete-success.json": DELETED,
    # Nothing but a status: the rest is what was asked for.
    "mgmt-job-oldest-status-only.json": Listed("asked", PENDING, JobKind.OTHER, "asked", None),
}

TASK_CENTERS = {
    "mgmt-task-center.json": (23, (BACKING_UP, IMPORTED_IN_PART, NOT_STARTED, IMPORTED, DELETED)),
    "mgmt-task-center-v1-camelcase.json": (2, (IMPORTED_IN_PART, DELETED)),
    "mgmt-task-center-empty.json": (0, ()),
}

# Id, name, edition, status code, whether it runs, addresses, HTTPS only, role-based restriction.
SUPPLY_CHAIN = (
    "3b0f6a52-9c1d-4e77-8a35-5d2c90e1f6ab",
    "supply_chain",
    GraphEdition.MEMORY,
    "200",
    True,
    ("192.168.10.21", "192.168.10.31", "192.168.10.32", "203.0.113.40"),
    False,
    False,
)
FRAUD_WATCH = (
    "c7d81e94-02ab-4f6c-b1d9-8e40a75f3c12",
    "fraud_watch",
    GraphEdition.MEMORY,
    "903",
    False,
    ("192.168.10.45", "192.168.10.46"),
    True,
    False,
)
CITATION_STORE = (
    "91aa4c0d-77fe-4b28-9f03-e6b2d41807c5",
    "citation_store",
    GraphEdition.DATABASE,
    "900",
    False,
    ("192.168.20.8",),
    False,
    False,
)
NEW_GRAPH = ("5f2c1d3e-aaaa-4b4b-9c9c-0d0d0d0d0d0d", "new_graph", GraphEdition.MEMORY, "100", False, (), False, False)

GRAPHS = {
    "mgmt-graph-detail-inmemory.json": SUPPLY_CHAIN,
    "mgmt-graph-detail-persistence.json": CITATION_STORE,
    "mgmt-graph-detail-preparing.json": NEW_GRAPH,
}
GRAPH_LISTS = {"mgmt-graph-list.json": (3, (SUPPLY_CHAIN, FRAUD_WATCH, CITATION_STORE))}
INSTANCES = {"svc-graph-list-db.json": ["citation_store", "authors"]}

BAD_SOURCE = "Running algorithm [shortest_path] error: parameter [source] is invalid!"
INDEX_BUILT = Listed(
    "b3000000000000000000000000001eef0000512300401", SUCCEEDED, JobKind.INDEX, "batch_build_index", "citation_store"
)
# Times are the local time of the deployment, which is eight hours ahead.
SERVICE_LISTS = {
    "svc-job-list-db.json": (
        3,
        (
            INDEX_BUILT,
            Listed(
                "b3000000000000000000000000003dde0000512300402",
                RUNNING,
                JobKind.IMPORT,
                "import_graph",
                "citation_store",
            ),
            Listed(
                "b3000000000000000000000000005ccd0000512300403",
                FAILED,
                JobKind.ALGORITHM,
                "execute_algorithm",
                "citation_store",
                failure="GES gives no reason.",
            ),
        ),
    ),
    "svc-job-list-db-snake-id.json": (1, (INDEX_BUILT,)),
    "svc-job-list-db-old-body.json": (
        None,
        (
            Listed(
                "71234567890123456780a1b2c3d4-0000-4000-8000-00000000c0de",
                SUCCEEDED,
                JobKind.IMPORT,
                "import_graph",
                "old_store",
            ),
        ),
    ),
    "svc-job-list-memory.json": (
        4,
        (
            Listed(
                "5e9c0701-41d8-4b6a-93f0-27ac1d0e0001007740211",
                FAILED,
                JobKind.ALGORITHM,
                "shortest_path",
                "asked",
                at("2026-03-02 01:54:00"),
                at("2026-03-02 01:54:00"),
                BAD_SOURCE,
                100,
            ),
            Listed(
                "5e9c0702-41d8-4b6a-93f0-27ac1d0e0002007740212",
                RUNNING,
                JobKind.ALGORITHM,
                "pagerank",
                "asked",
                at("2026-03-02 01:53:10"),
                progress_percent=40,
            ),
            Listed(
                "5e9c0703-41d8-4b6a-93f0-27ac1d0e0003007740213",
                SUCCEEDED,
                JobKind.VERTEX_QUERY,
                "VertexQuery",
                "asked",
                at("2026-03-02 01:41:40"),
                at("2026-03-02 01:41:40"),
                progress_percent=100,
            ),
            Listed(
                "5e9c0704-41d8-4b6a-93f0-27ac1d0e0004007740214",
                PARTIALLY_FAILED,
                JobKind.IMPORT,
                "ImportGraph",
                "asked",
                at("2026-03-02 01:35:01"),
                at("2026-03-02 01:35:01"),
                progress_percent=100,
                files=(
                    ("sc-data/schema.xml", OK, 4, 0, 4),
                    ("sc-data/vertices/sites.csv", OK, 64, 0, 64),
                    ("sc-data/edges/ships.csv", PART, 1000, 3, 997),
                ),
            ),
        ),
    ),
}

LYON = ("site-001", "warehouse", {"city": ["Lyon"], "capacity": [100]})
PORTO = ("site-002", "factory", {"city": ["Porto"], "capacity": [200]})
GHENT = ("site-005", "warehouse", {"city": ["Ghent"], "capacity": [500]})
BETWEEN_EDGES = (
    ("site-001", "site-002", "0", None, None, 3.0),
    ("site-002", "site-004", "2", None, None, 2.0),
)


def bare(*vertex_ids: str) -> tuple[tuple[str, None, None], ...]:
    """Write rows that are ids only."""
    return tuple((vertex_id, None, None) for vertex_id in vertex_ids)


def path(*vertex_ids: str) -> tuple[list[str], int]:
    """Write the row of a path."""
    return [f"site-00{number}" for number in vertex_ids], len(vertex_ids) - 1


def vertices(offset: int, *rows: tuple[Any, ...], raw_status: str = "success") -> Status:
    """Write one page of the vertex query with five vertices."""
    return Status(SUCCEEDED, raw_status, ResultKind.VERTICES, "vertices", offset, 5, rows)


def mapped(key: str, kind: ResultKind, total: int, *rows: tuple[str, Any], values: tuple[Any, ...] = ()) -> Status:
    """Write a first page of rows that map a vertex to something, with the running time as the last value."""
    named = tuple((f"site-00{number}", value) for number, value in rows)
    return Status(SUCCEEDED, "success", kind, key, 0, total, named, (*values, RUNTIME))


VALUES, GROUPS, PATHS = ResultKind.VERTEX_VALUES, ResultKind.VERTEX_GROUPS, ResultKind.PATHS
FROM_1, TO_3, TO_4 = ("source", "site-001"), ("target", "site-003"), ("target", "site-004")

STATUSES = {
    "svc-job-pending.json": Status(PENDING, "pending"),
    "svc-job-running.json": Status(RUNNING, "running"),
    "svc-job-import-partially-failed.json": Status(PARTIALLY_FAILED, "partiallyFailed"),
    "svc-job-db-sync-complete.json": Status(SUCCEEDED, "complete"),
    "svc-job-failed.json": Status(FAILED, "failed", failure=(BAD_SOURCE, "GES.8301")),
    "svc-job-failed-http400.json": Status(FAILED, None, failure=(BAD_SOURCE, "GES.8301"), http=400),
    "svc-job-db-complete-failed.json": Status(
        FAILED, "complete", failure=("Unknown algorithm name: pagerank2", "GES.8301"), http=400
    ),
    "svc-job-vertices-page1.json": vertices(0, LYON, PORTO),
    "svc-job-vertices-page3.json": vertices(4, GHENT),
    "svc-job-vertices-top-level-sizes.json": vertices(0, LYON, PORTO),
    "svc-job-old-complete.json": vertices(0, LYON, PORTO, raw_status="complete"),
    "svc-job-edges.json": Status(
        SUCCEEDED,
        "success",
        ResultKind.EDGES,
        "edges",
        0,
        2,
        (
            ("site-001", "site-002", "0", "ships_to", {"days": [3], "since": ["2024-11-22 19:16:16"]}, None),
            ("site-001", "site-005", "4", "ships_to", {}, None),
        ),
    ),
    "svc-job-pagerank.json": mapped("pagerank", VALUES, 5, ("1", 0.2871), ("3", 0.2404), ("2", 0.1933)),
    "svc-job-personalrank.json": mapped("personalrank", VALUES, 5, ("1", 0.41), ("2", 0.2), values=(FROM_1,)),
    "svc-job-kcore.json": mapped("coreness", VALUES, 2, ("1", 2.0), ("2", 2.0)),
    "svc-job-sssp.json": mapped("distance", VALUES, 5, ("1", 0.0), ("2", 1.0), ("4", 2.0), values=(FROM_1,)),
    "svc-job-betweenness.json": mapped("betweenness", VALUES, 5, ("1", 2.5), ("2", 4.0)),
    "svc-job-triangle-count.json": mapped(
        "vertex_triangles", VALUES, 5, ("1", 1.0), ("2", 1.0), values=(("triangle_count", 1),)
    ),
    "svc-job-realtime-recommendation.json": mapped(
        "score", VALUES, 2, ("4", 812.0), ("2", 377.0), values=(("sources", ["site-001"]),)
    ),
    "svc-job-louvain.json": mapped(
        "community",
        GROUPS,
        5,
        ("1", ["0"]),
        ("2", ["0"]),
        ("3", ["1"]),
        values=(("modularity", 0.426969), ("community_num", 2)),
    ),
    "svc-job-connected-component.json": mapped(
        "community", GROUPS, 5, ("1", ["0"]), ("2", ["0"]), values=(("Max_WCC_size", 5), ("Max_WCC_id", "0"))
    ),
    "svc-job-bigclam.json": mapped(
        "communities",
        GROUPS,
        5,
        ("1", ["0", "2"]),
        ("2", ["2"]),
        values=(("community_num", 3), ("log_likelihood", -12.75)),
    )._replace(raw_status="complete"),
    "svc-job-closeness-list.json": mapped("closeness", VALUES, 2, ("1", 0.8), ("2", 0.66))._replace(
        raw_status="complete"
    ),
    "svc-job-node2vec.json": mapped(
        "embedding", ResultKind.VERTEX_VECTORS, 5, ("1", [-0.485, -0.679, 0.356]), ("2", [0.112, -0.04, 0.981])
    ),
    "svc-job-closeness-scalar.json": Status(
        SUCCEEDED,
        "success",
        ResultKind.VALUES_ONLY,
        values=(("closeness", 0.8), FROM_1, ("runtime", 0.000132)),
    ),
    "svc-job-link-prediction.json": Status(
        SUCCEEDED,
        "success",
        ResultKind.VALUES_ONLY,
        values=(("link_prediction", 0.25), ("runtime", 8.9e-05), FROM_1, TO_3),
    ),
    "svc-job-k-hop.json": Status(
        SUCCEEDED,
        "success",
        ResultKind.VERTEX_IDS,
        "vertices",
        0,
        3,
        bare("site-002", "site-005", "site-003"),
        (FROM_1, ("k", 2), ("k_hop_neighbors", 3), RUNTIME),
    ),
    "svc-job-common-neighbors.json": Status(
        SUCCEEDED,
        "success",
        ResultKind.VERTEX_IDS,
        "vertices",
        0,
        1,
        bare("site-002"),
        (FROM_1, TO_3, ("common_neighbors", 1), RUNTIME),
    ),
    # One path without sizes is one row of one.
    "svc-job-shortest-path.json": Status(
        SUCCEEDED, "success", PATHS, "path", 0, 1, (path("1", "2", "4"),), (("runtime", 0.000411), FROM_1, TO_4)
    ),
    "svc-job-db-complete-success.json": Status(
        SUCCEEDED, "complete", PATHS, "path", 0, 1, (path("1", "2", "4"),), (FROM_1, TO_4)
    ),
    "svc-job-all-shortest-paths.json": Status(
        SUCCEEDED,
        "success",
        PATHS,
        "paths",
        0,
        2,
        (path("1", "2", "4"), path("1", "5", "4")),
        (FROM_1, TO_4, ("paths_number", 2), RUNTIME),
    ),
    "svc-job-batch-paths.json": Status(
        SUCCEEDED,
        "success",
        PATHS,
        "batch_paths",
        0,
        2,
        (path("1", "2", "4"), path("3", "4")),
        (("paths_number", 2), RUNTIME),
    ),
    "svc-job-subgraph-matching.json": Status(
        SUCCEEDED,
        "success",
        PATHS,
        "subgraphs",
        0,
        2,
        (path("1", "2", "3"), path("2", "4", "5")),
        (("pattern_graph", ["1", "2", "3"]), ("subgraph_number", 2), RUNTIME),
    ),
    "svc-job-circles.json": Status(
        SUCCEEDED,
        "success",
        PATHS,
        "circles",
        0,
        1,
        (path("1", "2", "3", "1"),),
        (("n", 10), ("circle_number", 1), RUNTIME),
    ),
    "svc-job-edge-betweenness.json": Status(
        SUCCEEDED, "success", ResultKind.EDGES, "edge_betweenness", 0, 6, BETWEEN_EDGES, (RUNTIME,)
    ),
    "svc-job-od-betweenness.json": Status(
        SUCCEEDED, "success", ResultKind.EDGES, "betweenness", 0, 6, BETWEEN_EDGES, (RUNTIME,)
    ),
}

MANAGEMENT, SERVICE = Plane.MANAGEMENT, Plane.SERVICE
REFUSED = {
    "error-apig-api-not-found.json": Refused(MANAGEMENT, 404, ProblemCode.UPSTREAM_ERROR, "APIG.0101"),
    "error-apig-throttled.json": Refused(MANAGEMENT, 429, ProblemCode.RATE_LIMITED, "APIG.0308", retryable=True),
    "error-apig-token-expired.json": Refused(MANAGEMENT, 401, ProblemCode.UNAUTHENTICATED, "APIG.0307"),
    "error-apig-token-invalid.json": Refused(MANAGEMENT, 401, ProblemCode.UNAUTHENTICATED, "APIG.0301"),
    "error-iam-bad-password.json": Refused(MANAGEMENT, 401, ProblemCode.UNAUTHENTICATED, None),
    "mgmt-error-errcode-externalmessage.json": Refused(MANAGEMENT, 400, ProblemCode.BAD_USER_INPUT, "GES.0001"),
    "mgmt-error-graph-not-found.json": Refused(MANAGEMENT, 400, ProblemCode.NOT_FOUND, "GES.7000"),
    "mgmt-error-job-not-found.json": Refused(MANAGEMENT, 400, ProblemCode.NOT_FOUND, "GES.8301"),
    "mgmt-error-v1.json": Refused(MANAGEMENT, 400, ProblemCode.NOT_FOUND, "GES.7000"),
    "svc-error-cancel-not-found.json": Refused(SERVICE, 400, ProblemCode.NOT_CANCELLABLE, "GES.8303"),
    "svc-error-cypher.json": Refused(SERVICE, 400, ProblemCode.UPSTREAM_ERROR, "GES.8904"),
    "svc-error-graph-not-found-db.json": Refused(SERVICE, 400, ProblemCode.NOT_FOUND, "GES.8000"),
    "svc-error-graph-not-found.json": Refused(SERVICE, 400, ProblemCode.NOT_FOUND, "GES.8402"),
    "svc-error-job-not-found-db.json": Refused(SERVICE, 400, ProblemCode.NOT_FOUND, "GES.8301"),
    "svc-error-job-not-found.json": Refused(SERVICE, 400, ProblemCode.NOT_FOUND, "GES.8301"),
    "svc-error-parameter.json": Refused(SERVICE, 400, ProblemCode.BAD_USER_INPUT, "GES.8005"),
    "svc-error-result-only.json": Refused(SERVICE, 400, ProblemCode.UPSTREAM_ERROR, None),
    "svc-error-token.json": Refused(SERVICE, 400, ProblemCode.UNAUTHENTICATED, "GES.8007"),
}

# Good answers to what is no read of this gateway: to calls that change something, to logging in, to synchronous
# queries. None of them is a fault.
NOT_READ = {
    "iam-token-created.json": "logging in",
    "mgmt-create-graph-accepted.json": "creating a graph, which tells no job",
    "mgmt-import-accepted.json": "starting a job",
    "mgmt-import-accepted-v1.json": "starting a job",
    "svc-cancel-ok.json": "cancelling",
    "svc-cancel-hyg-ok.json": "cancelling",
    "svc-cypher-async-accepted.json": "starting a job",
    "svc-cypher-sync.json": "a query without a job",
    "svc-execute-algorithm-accepted.json": "starting a job",
    "svc-execute-algorithm-sync.json": "a query without a job",
    "svc-export-result-accepted.json": "starting a job",
    "svc-gremlin.json": "a query without a job",
    "svc-real-time-queries.json": "what runs now, of which ids are not known to be jobs",
    "svc-vertex-query-accepted.json": "starting a job",
}
