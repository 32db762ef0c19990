"""Files of an import and the sums over them: what counts is known for, and no more."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.ids import job_id_of
from schema.import_detail import ImportDetail, ImportFile, ImportFileKind, ImportFileStatus, ImportTotals
from schema.scalars import Long
from tests.fakes import MANAGEMENT_JOB, FakeJobs, a_context, a_job, answer

SUCCEEDED, PARTIALLY_FAILED = ImportFileStatus.SUCCEEDED, ImportFileStatus.PARTIALLY_FAILED
FAILED, UNKNOWN = ImportFileStatus.FAILED, ImportFileStatus.UNKNOWN
SCHEMA, VERTEX, EDGE = ImportFileKind.SCHEMA, ImportFileKind.VERTEX, ImportFileKind.EDGE


def a_file(
    kind: ImportFileKind,
    path: str,
    status: ImportFileStatus,
    counts: tuple[int | None, int | None, int | None] = (None, None, None),
) -> ImportFile:
    """Make a file; counts are lines in all, failed, successful."""
    total, failed, successful = (None if count is None else Long(count) for count in counts)
    return ImportFile(
        kind=kind,
        path=path,
        log_path=None,
        status=status,
        raw_status=None,
        cause=None,
        total_lines=total,
        failed_lines=failed,
        successful_lines=successful,
    )


DETAIL = ImportDetail(
    all_files=(
        a_file(SCHEMA, "schema.xml", SUCCEEDED),
        a_file(VERTEX, "v1.csv", SUCCEEDED, (100, 0, 100)),
        a_file(VERTEX, "v2.csv", PARTIALLY_FAILED, (60_000_000_000, 3, 59_999_999_997)),
        a_file(EDGE, "e1.csv", FAILED, (50, 50, 0)),
        a_file(EDGE, "e2.csv", UNKNOWN, (7, None, None)),
    )
)


async def read(selection: str) -> Any:
    """Read from the import detail of a job."""
    jobs = FakeJobs({MANAGEMENT_JOB: a_job(MANAGEMENT_JOB, import_detail=DETAIL)})
    text = f"query ($id: ID!) {{ job(id: $id) {{ importDetail {{ {selection} }} }} }}"
    data = await answer(text, a_context(jobs), id=job_id_of(MANAGEMENT_JOB))
    return data["job"]["importDetail"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "paths"),
    [
        ("", ["schema.xml", "v1.csv", "v2.csv", "e1.csv", "e2.csv"]),
        ("(kind: VERTEX)", ["v1.csv", "v2.csv"]),
        ("(kind: null, statuses: null)", ["schema.xml", "v1.csv", "v2.csv", "e1.csv", "e2.csv"]),
        ("(statuses: [SUCCEEDED])", ["schema.xml", "v1.csv"]),
        ("(statuses: [FAILED, PARTIALLY_FAILED])", ["v2.csv", "e1.csv"]),
        ("(kind: EDGE, statuses: [UNKNOWN, SUCCEEDED])", ["e2.csv"]),
        ("(statuses: [])", []),
        ("(kind: SCHEMA, statuses: FAILED)", []),
    ],
)
async def test_files_are_chosen_by_kind_and_status(arguments: str, paths: list[str]) -> None:
    """In upstream's order; no argument leaves all, an empty list none."""
    assert await read(f"files{arguments} {{ path }}") == {"files": [{"path": path} for path in paths]}


@pytest.mark.anyio
async def test_a_file_tells_all_that_is_known_of_it() -> None:
    """Counts beyond 32 bits as numbers, counts that are not known as null."""
    selection = "{ kind path logPath status rawStatus cause totalLines failedLines successfulLines }"
    data = await read(f"files(kind: VERTEX, statuses: PARTIALLY_FAILED) {selection}")
    unknown = {"logPath": None, "rawStatus": None, "cause": None}
    assert data["files"] == [
        {
            "kind": "VERTEX",
            "path": "v2.csv",
            "status": "PARTIALLY_FAILED",
            "totalLines": 60_000_000_000,
            "failedLines": 3,
            "successfulLines": 59_999_999_997,
            **unknown,
        }
    ]


@pytest.mark.anyio
async def test_sums_say_how_many_files_they_leave_out() -> None:
    """A file that lacks one count is left out of that sum alone, and named as incomplete."""
    selection = """
      files filesSucceeded filesPartiallyFailed filesFailed totalLines failedLines successfulLines filesWithoutCounts
    """
    data = await read(
        f"all: totals {{ {selection} }} vertices: totals(kind: VERTEX) {{ {selection} }} "
        f"schema: totals(kind: SCHEMA) {{ {selection} }}"
    )
    assert data["all"] == {
        "files": 5,
        "filesSucceeded": 2,
        "filesPartiallyFailed": 1,
        "filesFailed": 1,
        "totalLines": 60_000_000_157,
        "failedLines": 53,
        "successfulLines": 60_000_000_097,
        "filesWithoutCounts": 2,
    }
    assert data["vertices"] == {
        "files": 2,
        "filesSucceeded": 1,
        "filesPartiallyFailed": 1,
        "filesFailed": 0,
        "totalLines": 60_000_000_100,
        "failedLines": 3,
        "successfulLines": 60_000_000_097,
        "filesWithoutCounts": 0,
    }
    assert data["schema"] == {
        "files": 1,
        "filesSucceeded": 1,
        "filesPartiallyFailed": 0,
        "filesFailed": 0,
        "totalLines": None,
        "failedLines": None,
        "successfulLines": None,
        "filesWithoutCounts": 1,
    }


def test_without_files_nothing_is_left_out_and_nothing_summed() -> None:
    """Null, not 0: no file reports a count."""
    assert ImportDetail(all_files=()).totals() == ImportTotals(
        files=0,
        files_succeeded=0,
        files_partially_failed=0,
        files_failed=0,
        total_lines=None,
        failed_lines=None,
        successful_lines=None,
        files_without_counts=0,
    )


counts = st.none() | st.integers(0, 10**12)
files = st.lists(
    st.builds(
        a_file,
        st.sampled_from(ImportFileKind),
        st.just("a.csv"),
        st.sampled_from(ImportFileStatus),
        st.tuples(counts, counts, counts),
    ),
    max_size=6,
)


@given(files, st.none() | st.sampled_from(ImportFileKind))
def test_totals_are_what_adding_by_hand_gives(all_files: list[ImportFile], kind: ImportFileKind | None) -> None:
    """File by file, for every mixture of kinds, ends and counts."""
    expected: dict[str, int | None] = dict.fromkeys(("files", "succeeded", "partially", "failed", "incomplete"), 0)
    sums: dict[str, int | None] = dict.fromkeys(("total_lines", "failed_lines", "successful_lines"))
    for file in all_files:
        if kind is None or file.kind is kind:
            ended = {SUCCEEDED: "succeeded", PARTIALLY_FAILED: "partially", FAILED: "failed"}.get(file.status)
            complete = True
            for name in ("files", ended):
                if name:
                    expected[name] = (expected[name] or 0) + 1
            for name in sums:
                lines = getattr(file, name)
                complete = complete and lines is not None
                if lines is not None:
                    sums[name] = (sums[name] or 0) + lines
            if not complete:
                expected["incomplete"] = (expected["incomplete"] or 0) + 1
    totals = ImportDetail(all_files=tuple(all_files)).totals(kind)
    assert (totals.files, totals.files_succeeded) == (expected["files"], expected["succeeded"])
    assert (totals.files_partially_failed, totals.files_failed) == (expected["partially"], expected["failed"])
    assert {name: getattr(totals, name) for name in sums} == sums
    assert totals.files_without_counts == expected["incomplete"]


@given(files, st.none() | st.sampled_from(ImportFileKind), st.none() | st.lists(st.sampled_from(ImportFileStatus)))
def test_files_that_are_listed_are_those_that_are_counted(
    all_files: list[ImportFile], kind: ImportFileKind | None, statuses: list[ImportFileStatus] | None
) -> None:
    """Choosing by status takes away from what choosing by kind leaves."""
    detail = ImportDetail(all_files=tuple(all_files))
    of_kind = detail.files(kind)
    assert len(of_kind) == detail.totals(kind).files
    assert detail.files(kind, statuses) == [file for file in of_kind if statuses is None or file.status in statuses]
