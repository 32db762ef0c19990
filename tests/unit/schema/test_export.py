"""Where a whole result is: one path for each format, which a client can put behind the address it asked."""

from typing import Any
from urllib.parse import urljoin

import pytest

from schema.export import MEDIA, ExportFormat, result_export
from schema.ids import job_id_of
from schema.scalars import Long
from tests.fakes import SERVICE_JOB, FakeJobs, a_context, a_job, a_result, answer

ID = job_id_of(SERVICE_JOB)


async def exports(arguments: str, **result: Any) -> Any:
    """Ask where a result is."""
    jobs = FakeJobs({SERVICE_JOB: a_job(result=a_result(**result))})
    asked = f"export{arguments} {{ format path mediaType totalCount }}"
    text = f"query ($id: ID!) {{ job(id: $id) {{ result {{ {asked} }} }} }}"
    data = await answer(text, a_context(jobs), id=ID)
    assert jobs.windows == []
    return data["job"]["result"]["export"]


@pytest.mark.anyio
@pytest.mark.parametrize("arguments", ["", "(format: null)", "(format: NDJSON)"])
async def test_lines_of_json_are_what_is_given_unless_another_format_is_named(arguments: str) -> None:
    """No row is read for it."""
    assert await exports(arguments, total_count=Long(10**11)) == {
        "format": "NDJSON",
        "path": f"export/{ID}.ndjson",
        "mediaType": "application/x-ndjson",
        "totalCount": 10**11,
    }


@pytest.mark.anyio
async def test_a_total_that_ges_does_not_give_is_null() -> None:
    """The download is possible all the same."""
    told = await exports("(format: CSV)", total_count=None)
    assert (told["path"], told["totalCount"]) == (f"export/{ID}.csv", None)


def test_every_format_has_its_own_suffix_and_media_type() -> None:
    """A path says all that the download has to know."""
    assert set(MEDIA) == set(ExportFormat)
    assert len({media.suffix for media in MEDIA.values()}) == len({m.media_type for m in MEDIA.values()}) == 3


@pytest.mark.parametrize("folder", ["https://gateway.example/", "https://proxy.example/team/ges/"])
def test_the_path_holds_behind_a_prefix(folder: str) -> None:
    """Against the address of the endpoint, wherever a proxy puts it."""
    path = result_export(SERVICE_JOB, ExportFormat.ARROW, None).path
    assert urljoin(f"{folder}graphql", path) == f"{folder}export/{ID}.arrows"
