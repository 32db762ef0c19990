"""What an import read and loaded: its files, and sums over them that can be trusted. Knows no upstream spelling."""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Annotated

import strawberry

from schema.scalars import Long


@strawberry.enum(description="What a file of an import holds.")
class ImportFileKind(Enum):
    SCHEMA = strawberry.enum_value("SCHEMA", description="Labels and properties (metadata).")
    VERTEX = strawberry.enum_value("VERTEX", description="Vertices.")
    EDGE = strawberry.enum_value("EDGE", description="Edges.")


@strawberry.enum(description="How the import of one file ended.")
class ImportFileStatus(Enum):
    SUCCEEDED = strawberry.enum_value("SUCCEEDED", description="Every line was loaded.")
    PARTIALLY_FAILED = strawberry.enum_value(
        "PARTIALLY_FAILED", description="Upstream `partFailed`, `partiallyFailed`."
    )
    FAILED = strawberry.enum_value("FAILED", description="Nothing of the file was loaded.")
    UNKNOWN = strawberry.enum_value(
        "UNKNOWN", description="A word this gateway does not know, or none; read `rawStatus`."
    )


@strawberry.type(description="One data set that an import read.")
class ImportFile:
    kind: ImportFileKind = strawberry.field(description="What the file holds.")
    path: str = strawberry.field(description="OBS path as given, or the engine's file name.")
    log_path: str | None = strawberry.field(
        description="OBS path of the log that holds the lines that failed and why. Null when the import wrote none."
    )
    status: ImportFileStatus = strawberry.field(description="How the import of this file ended.")
    raw_status: str | None = strawberry.field(description="Upstream's own status word.")
    cause: str | None = strawberry.field(description="Why it failed.")
    total_lines: Long | None = strawberry.field(
        description="Null when this version of GES does not report it (upstream -1)."
    )
    failed_lines: Long | None = strawberry.field(
        description="Null when this version of GES does not report it (upstream -1)."
    )
    successful_lines: Long | None = strawberry.field(
        description="Null when this version of GES does not report it (upstream -1)."
    )

    def has_counts(self) -> bool:
        """Return whether GES reported every count of this file."""
        return None not in (self.total_lines, self.failed_lines, self.successful_lines)


@strawberry.type(description="Sums over the files that report counts.")
class ImportTotals:
    files: int = strawberry.field(description="Files in all.")
    files_succeeded: int = strawberry.field(description="Files of which every line was loaded.")
    files_partially_failed: int = strawberry.field(description="Files of which some lines were loaded.")
    files_failed: int = strawberry.field(description="Files of which nothing was loaded.")
    total_lines: Long | None = strawberry.field(description="Null when no file reports it.")
    failed_lines: Long | None = strawberry.field(description="Null when no file reports it.")
    successful_lines: Long | None = strawberry.field(description="Null when no file reports it.")
    files_without_counts: int = strawberry.field(
        description="Files left out of the sums for want of counts; 0 means the sums are exact."
    )


OnlyKind = Annotated[ImportFileKind | None, strawberry.argument(description="Only files of this kind.")]
OnlyStatuses = Annotated[list[ImportFileStatus] | None, strawberry.argument(description="Only files that ended so.")]


@strawberry.type(description="What an import read and loaded.")
class ImportDetail:
    all_files: strawberry.Private[tuple[ImportFile, ...]]

    @strawberry.field(
        description="The data sets imported: `schema_path`, `vertexset_path` and `edgeset_path` of the management "
        "plane, `files` of the service plane."
    )
    def files(self, kind: OnlyKind = None, statuses: OnlyStatuses = None) -> list[ImportFile]:
        return [file for file in self._of_kind(kind) if statuses is None or file.status in statuses]

    @strawberry.field(description="Sums over the files, of one kind or of all.")
    def totals(self, kind: OnlyKind = None) -> ImportTotals:
        files = self._of_kind(kind)

        def count(status: ImportFileStatus) -> int:
            return sum(file.status is status for file in files)

        return ImportTotals(
            files=len(files),
            files_succeeded=count(ImportFileStatus.SUCCEEDED),
            files_partially_failed=count(ImportFileStatus.PARTIALLY_FAILED),
            files_failed=count(ImportFileStatus.FAILED),
            total_lines=_sum(files, lambda file: file.total_lines),
            failed_lines=_sum(files, lambda file: file.failed_lines),
            successful_lines=_sum(files, lambda file: file.successful_lines),
            files_without_counts=sum(not file.has_counts() for file in files),
        )

    def _of_kind(self, kind: ImportFileKind | None) -> list[ImportFile]:
        return [file for file in self.all_files if kind is None or file.kind is kind]


def _sum(files: Iterable[ImportFile], count: Callable[[ImportFile], Long | None]) -> Long | None:
    counts = [value for value in map(count, files) if value is not None]
    return Long(sum(counts)) if counts else None
