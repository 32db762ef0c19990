"""ResultExport: where the whole result of a job is streamed from, and in which formats. Writes none of them."""

from dataclasses import dataclass
from enum import Enum

import strawberry

from schema.ids import JobRef, job_id_of
from schema.scalars import Long

# Below the folder of the endpoint.
FOLDER = "export"


@strawberry.enum(description="How a whole result is written.")
class ExportFormat(Enum):
    NDJSON = strawberry.enum_value(
        "NDJSON", description="One JSON object a line: `index` and the fields of the row's type."
    )
    CSV = strawberry.enum_value(
        "CSV", description="One line a row, columns named like the fields of the row's type; for spreadsheets."
    )
    ARROW = strawberry.enum_value(
        "ARROW", description="Apache Arrow IPC stream; the gateway must have been installed with the extra `arrow`."
    )


@dataclass(frozen=True, slots=True)
class Media:
    """How a format is known to others: the end of its file names, and its media type."""

    suffix: str
    media_type: str


MEDIA: dict[ExportFormat, Media] = {
    ExportFormat.NDJSON: Media("ndjson", "application/x-ndjson"),
    ExportFormat.CSV: Media("csv", "text/csv"),
    ExportFormat.ARROW: Media("arrows", "application/vnd.apache.arrow.stream"),
}


@strawberry.type(description="The whole result of a job as one download, which does not go through GraphQL.")
class ResultExport:
    format: ExportFormat = strawberry.field(description="How it is written.")
    path: str = strawberry.field(
        description="Where to GET it, relative to the address of this endpoint (`export/...`), so that it holds behind "
        "any proxy. The same credentials apply. Takes `offset`, to begin at that row; without it, at the first."
    )
    media_type: str = strawberry.field(description="`Content-Type` of the download.")
    total_count: Long | None = strawberry.field(description="Rows in all. Null when GES does not say.")


def result_export(ref: JobRef, format: ExportFormat, total_count: Long | None) -> ResultExport:
    """Return where the whole result of a job is, written in a format."""
    media = MEDIA[format]
    path = f"{FOLDER}/{job_id_of(ref)}.{media.suffix}"
    return ResultExport(format=format, path=path, media_type=media.media_type, total_count=total_count)
