"""Imported files, as each plane lists them."""

import msgspec

from gateway.planes.files import read_files
from gateway.planes.values import Members, folded_members
from schema.import_detail import ImportFile, ImportFileKind, ImportFileStatus
from schema.scalars import Long


def holder(content: bytes) -> Members:
    """Give the members of an object as the readers do."""
    return folded_members(msgspec.Raw(content))


def test_the_management_plane_lists_files_by_kind_with_logs() -> None:
    detail = read_files(
        [
            holder(
                b'{"edgeset_path": [{"path": "b/e.csv", "log": "b/l", "status": "partFailed", "cause": "3 bad",'
                b'"total_lines": 10, "failed_lines": 3, "successful_lines": 7}],'
                b'"schema_path": [{"path": "b/s.xml", "log": null, "status": "success", "cause": null}]}'
            )
        ]
    )
    assert detail is not None
    assert detail.all_files == (
        ImportFile(
            kind=ImportFileKind.SCHEMA,
            path="b/s.xml",
            log_path=None,
            status=ImportFileStatus.SUCCEEDED,
            raw_status="success",
            cause=None,
            total_lines=None,
            failed_lines=None,
            successful_lines=None,
        ),
        ImportFile(
            kind=ImportFileKind.EDGE,
            path="b/e.csv",
            log_path="b/l",
            status=ImportFileStatus.PARTIALLY_FAILED,
            raw_status="partFailed",
            cause="3 bad",
            total_lines=Long(10),
            failed_lines=Long(3),
            successful_lines=Long(7),
        ),
    )


def test_the_service_plane_lists_files_in_objects_of_one_key_and_counts_labels() -> None:
    detail = read_files(
        [
            holder(b'{"vertexFiles": [{"fileName": "v.csv", "status": "skipped", "totalLines": "64"}]}'),
            holder(b'{"schemaFiles": {"fileName": "s.xml", "totalLabels": 4, "failedLabels": 0}}'),
        ]
    )
    assert detail is not None
    schema, vertices = detail.all_files
    assert (schema.path, schema.total_lines, schema.failed_lines, schema.raw_status) == ("s.xml", 4, 0, None)
    assert (vertices.path, vertices.total_lines, vertices.status) == ("v.csv", 64, ImportFileStatus.UNKNOWN)


def test_minus_one_means_not_reported() -> None:
    detail = read_files([holder(b'{"edgeset_path": [{"path": "e", "total_lines": -1, "failed_lines": -1}, null]}')])
    assert detail is not None
    assert [(file.path, file.total_lines, file.failed_lines) for file in detail.all_files] == [
        ("e", None, None),
        ("", None, None),
    ]


def test_without_any_list_there_is_no_detail() -> None:
    assert read_files([]) is None
    assert read_files([holder(b'{"schema_path": null, "edgeset_path": null, "other": []}')]) is None


def test_an_empty_list_is_a_report_of_no_files() -> None:
    detail = read_files([holder(b'{"edgeset_path": []}')])
    assert detail is not None
    assert detail.all_files == ()
