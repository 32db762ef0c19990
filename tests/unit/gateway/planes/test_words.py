"""Upstream's words: what each status, kind, edition and URL means, in every spelling seen."""

import pytest

from gateway.planes.words import (
    STATUS_FILTERS,
    Submission,
    read_edition,
    read_file_status,
    read_kind,
    read_status,
    read_submission,
    says_failed,
)
from schema.graph import GraphEdition
from schema.import_detail import ImportFileStatus
from schema.job import JobKind, JobStatus
from schema.plane import Plane


@pytest.mark.parametrize("plane", list(Plane))
@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending", JobStatus.PENDING),
        ("waiting", JobStatus.PENDING),
        ("running", JobStatus.RUNNING),
        (" Running\n", JobStatus.RUNNING),
        ("success", JobStatus.SUCCEEDED),
        ("SUCCESS", JobStatus.SUCCEEDED),
        ("partiallyFailed", JobStatus.PARTIALLY_FAILED),
        ("partFailed", JobStatus.PARTIALLY_FAILED),
        ("failed", JobStatus.FAILED),
        ("succeeded", JobStatus.UNKNOWN),
        ("", JobStatus.UNKNOWN),
        (None, JobStatus.UNKNOWN),
        (200, JobStatus.UNKNOWN),
        (["success"], JobStatus.UNKNOWN),
    ],
)
def test_both_planes_share_these_status_words(plane: Plane, word: object, status: JobStatus) -> None:
    assert read_status(word, plane) is status


@pytest.mark.parametrize("word", ["cancel", "canceled", "Cancelled"])
def test_only_the_service_plane_cancels(word: str) -> None:
    assert read_status(word, Plane.SERVICE) is JobStatus.CANCELLED
    assert read_status(word, Plane.MANAGEMENT) is JobStatus.UNKNOWN


def test_complete_means_ended_and_a_sign_of_failure_says_how() -> None:
    assert read_status("complete", Plane.SERVICE) is JobStatus.SUCCEEDED
    assert read_status(" COMPLETE ", Plane.SERVICE, failed=True) is JobStatus.FAILED
    assert read_status("complete", Plane.MANAGEMENT) is JobStatus.UNKNOWN


def test_a_sign_of_failure_changes_no_other_word() -> None:
    assert read_status("running", Plane.SERVICE, failed=True) is JobStatus.RUNNING
    assert read_status("success", Plane.SERVICE, failed=True) is JobStatus.SUCCEEDED


def test_the_task_center_filters_by_its_own_words() -> None:
    assert STATUS_FILTERS == {
        JobStatus.PENDING: "waiting",
        JobStatus.RUNNING: "running",
        JobStatus.SUCCEEDED: "success",
        JobStatus.PARTIALLY_FAILED: "partiallyFailed",
        JobStatus.FAILED: "failed",
    }


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("success", ImportFileStatus.SUCCEEDED),
        ("partFailed", ImportFileStatus.PARTIALLY_FAILED),
        ("partiallyFailed", ImportFileStatus.PARTIALLY_FAILED),
        (" FAILED", ImportFileStatus.FAILED),
        ("skipped", ImportFileStatus.UNKNOWN),
        (None, ImportFileStatus.UNKNOWN),
    ],
)
def test_files_have_words_of_their_own(word: object, status: ImportFileStatus) -> None:
    assert read_file_status(word) is status


@pytest.mark.parametrize(("word", "failed"), [("failed", True), (" Failed ", True), ("success", False), (1, False)])
def test_a_result_says_failed_in_any_case(word: object, failed: bool) -> None:
    assert says_failed(word) is failed


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("ImportGraph", JobKind.IMPORT),
        ("import_graph", JobKind.IMPORT),
        ("import-graph", JobKind.IMPORT),
        ("ExportGraph", JobKind.EXPORT),
        ("export-result", JobKind.EXPORT_RESULT),
        ("Algorithm", JobKind.ALGORITHM),
        ("execute_algorithm", JobKind.ALGORITHM),
        ("VertexQuery", JobKind.VERTEX_QUERY),
        ("EdgeQuery", JobKind.EDGE_QUERY),
        ("execute-cypher-query", JobKind.QUERY),
        ("execute-gremlin-query", JobKind.QUERY),
        ("filtered-query", JobKind.QUERY),
        ("batch_build_index", JobKind.INDEX),
        ("CreateIndex", JobKind.INDEX),
        ("CreateGraph", JobKind.CREATE_GRAPH),
        ("StartGraph", JobKind.START_GRAPH),
        ("StopGraph", JobKind.STOP_GRAPH),
        ("CloseGraph", JobKind.STOP_GRAPH),
        ("RestartGraph", JobKind.RESTART_GRAPH),
        ("ClearGraph", JobKind.CLEAR_GRAPH),
        ("DeleteGraph", JobKind.DELETE_GRAPH),
        ("UpgradeGraph", JobKind.UPGRADE_GRAPH),
        ("ResizeGraph", JobKind.RESIZE_GRAPH),
        ("ExpandGraph", JobKind.EXPAND_GRAPH),
        ("CreateBackup", JobKind.BACKUP),
        ("AddBackup", JobKind.BACKUP),
        ("RestoreBackup", JobKind.RESTORE),
        ("ChangeSecurityMode", JobKind.OTHER),
        ("", JobKind.OTHER),
        (None, JobKind.OTHER),
    ],
)
def test_a_kind_is_the_same_in_every_spelling(word: str | None, kind: JobKind) -> None:
    assert read_kind(word) is kind


@pytest.mark.parametrize(
    ("product", "size", "edition"),
    [
        ("InMemory", "6", GraphEdition.MEMORY),
        ("Persistence", "1", GraphEdition.DATABASE),
        ("persistence", None, GraphEdition.DATABASE),
        ("Quantum", "6", GraphEdition.UNKNOWN),
        (None, "6", GraphEdition.DATABASE),
        (None, "2", GraphEdition.MEMORY),
        (None, None, GraphEdition.UNKNOWN),
    ],
)
def test_the_edition_is_named_or_follows_from_the_size(
    product: str | None, size: str | None, edition: GraphEdition
) -> None:
    assert read_edition(product, size) is edition


@pytest.mark.parametrize(
    ("url", "graph_name", "kind"),
    [
        ("/ges/v1.0/p/graphs/store/action?action_id=import-graph", "store", JobKind.IMPORT),
        ("/ges/v1.0/p/graphs/store/action?x=1&action_id=execute-algorithm", "store", JobKind.ALGORITHM),
        ("/ges/v1.0/p/graphs/store/vertices/action?action_id=query", "store", JobKind.VERTEX_QUERY),
        ("/ges/v1.0/p/graphs/store/edges/action?action_id=query", "store", JobKind.EDGE_QUERY),
        ("/ges/v1.0/p/graphs/store/indices/action?action_id=batch-build", "store", JobKind.INDEX),
        ("/ges/v1.0/p/graphs/store/indices", "store", JobKind.INDEX),
        ("/ges/v1.0/p/graphs/store/indices/by_city", "store", JobKind.INDEX),
        ("/ges/v1.0/p/graphs/store/jobs/7/action?action_id=export-result", "store", JobKind.EXPORT_RESULT),
        ("/ges/v1.0/p/hyg/store/jobs/7/export-result", "store", JobKind.EXPORT_RESULT),
        ("/ges/v1.0/p/hyg/store/algorithm", "store", JobKind.ALGORITHM),
        ("/ges/v1.0/p/graphs/my%20store/action?action_id=jump", "my store", JobKind.OTHER),
        # A graph may bear the name of a collection.
        ("/ges/v1.0/p/graphs/indices/action?action_id=import-graph", "indices", JobKind.IMPORT),
        ("/ges/v1.0/p/graphs/indices/action", "indices", JobKind.OTHER),
        ("/ges/v1.0/p/graphs", None, JobKind.OTHER),
        ("nonsense", None, JobKind.OTHER),
    ],
)
def test_a_url_tells_the_graph_and_the_operation(url: str, graph_name: str | None, kind: JobKind) -> None:
    assert read_submission(url) == Submission(url, graph_name, kind)


def test_a_submitted_path_names_no_host() -> None:
    url = "http://192.168.0.7:80/ges/v1.0/p/graphs/store/action?action_id=import-graph"
    assert read_submission(url).path == "/ges/v1.0/p/graphs/store/action?action_id=import-graph"
