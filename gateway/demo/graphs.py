"""The graphs of the sandbox's project, and how the management plane describes them. Knows no jobs and no HTTP."""

from dataclasses import dataclass
from typing import Any

PROJECT_ID = "0f3c9a1e5b7d4c2688a0e1f2d3c4b5a6"


@dataclass(frozen=True, slots=True)
class InnerGraph:
    """A graph inside a database instance."""

    name: str
    id_type: str
    id_length: int
    sort_key_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """One graph of the project: a memory graph, or a database instance with several graphs inside."""

    id: str
    name: str
    status: str = "200"
    has_address: bool = True
    enable_https: bool = False
    enable_rbac: bool = False
    engine_version: str = "2.4.7"
    edges: str = "1"
    inner: tuple[InnerGraph, ...] = ()
    action_progress: str | None = None
    paths: tuple[tuple[str, str, str, str], ...] = ()

    @property
    def is_database(self) -> bool:
        return bool(self.inner)

    @property
    def service_names(self) -> tuple[str, ...]:
        """Name what service plane URLs may call this: itself, or the graphs inside."""
        return tuple(inner.name for inner in self.inner) or (self.name,)


_IMPORT, _PARTIAL_IMPORT = "8a1f0000000000000000000000000001", "8a1f0000000000000000000000000003"

GRAPHS: tuple[Graph, ...] = (
    Graph(
        id="3b0f6a52-9c1d-4e77-8a35-5d2c90e1f6ab",
        name="supply_chain",
        paths=(
            ("schema_path", "sc-data/schema.xml", _IMPORT, "success"),
            ("edgeset_path", "sc-data/edges/ships.csv", _IMPORT, "success"),
            ("edgeset_path", "sc-data/edges/ships-0304.csv", _PARTIAL_IMPORT, "partiallyFailed"),
            ("vertexset_path", "sc-data/vertices/sites.csv", _IMPORT, "success"),
        ),
    ),
    Graph(
        id="c7d81e94-02ab-4f6c-b1d9-8e40a75f3c12",
        name="fraud_watch",
        status="903",
        enable_https=True,
        engine_version="2.3.17",
    ),
    Graph(
        id="91aa4c0d-77fe-4b28-9f03-e6b2d41807c5",
        name="citation_store",
        edges="5",
        inner=(
            InnerGraph("citation_store", "fixedLengthString", 20, "varString"),
            InnerGraph("authors", "hash", 0, "int"),
        ),
    ),
    Graph(id="d24c7b10-5e3f-4a91-b6c8-0f1e2d3c4b5a", name="hr_people", enable_rbac=True),
    Graph(id="e8f05a36-1b7c-4d29-a0e4-9c8b7a6d5e4f", name="archived_store", status="900"),
    Graph(
        id="5f2c1d3e-aaaa-4b4b-9c9c-0d0d0d0d0d0d",
        name="new_graph",
        status="100",
        has_address=False,
        action_progress="35",
    ),
)


def describe_graph(graph: Graph, host: str) -> dict[str, Any]:
    """Describe one graph as GES does. `host` is where the request came in, which is where its service plane is too."""
    described = {"id": graph.id, "name": graph.name, "status": graph.status, **_constant_members()}
    for list_name in ("schema_path", "edgeset_path", "vertexset_path"):
        described[list_name] = [
            {"path": path, "job_id": job_id, "status": status}
            for name, path, job_id, status in graph.paths
            if name == list_name
        ]
    described |= {
        "data_store_version": graph.engine_version,
        "graph_size_type_index": graph.edges,
        "enable_https": graph.enable_https,
        "enable_rbac": graph.enable_rbac,
        "enable_hyg": graph.is_database,
        "product_type": "Persistence" if graph.is_database else "InMemory",
    }
    if graph.has_address:
        # Real GES gives bare addresses, and the service plane is on port 80 or 443. The sandbox cannot have those
        # ports, so it adds its own: a gateway that discovers addresses then finds the sandbox itself.
        described |= {"private_ip": host, "traffic_ip_list": [] if graph.is_database else [host]}
    if graph.name == "supply_chain":
        described["public_ip"] = host
    if graph.is_database:
        described |= {"vertex_id_type": {"id_type": "fixedLengthString", "id_length": 20}}
        described |= {"sort_key_type": "varString", "capacity_ratio": 1}
    if graph.action_progress is not None:
        described["action_progress"] = graph.action_progress
    return described


def describe_inner_graph(inner: InnerGraph) -> dict[str, Any]:
    """Describe a graph inside a database instance as its own service plane does."""
    return {
        "graphName": inner.name,
        "idType": inner.id_type,
        "idLength": inner.id_length,
        "sortKeyType": inner.sort_key_type,
        "averageImportRate": 0.0,
    }


def _constant_members() -> dict[str, Any]:
    return {
        "created_by": "graph_admin",
        "is_multi_az": "false",
        "region_code": "cn-north-4",
        "az_code": "cn-north-4a",
        "edgeset_format": "csv",
        "edgeset_default_label": None,
        "vertexset_format": "csv",
        "vertexset_default_label": None,
        "sys_tags": [],
        "vpc_id": "6d1a9e42-1111-4c0b-8f5e-0a1b2c3d4e5f",
        "subnet_id": "a3f0c8d7-2222-4e1d-9b6a-1f2e3d4c5b6a",
        "security_group_id": "e9b7d654-3333-4a2f-8c7d-9e8f7a6b5c4d",
        "replication": 1,
        "created": "2026-01-10T06:30:00",
        "updated": "2026-03-05T02:00:11",
        "arch": "x86_64",
        "encrypted": False,
        "enable_full_text_index": False,
        "tags": [],
        "enable_multi_label": False,
        "enable_lts": False,
    }
