"""Problems as clients read them: the code by name, beside what GES said."""

import pytest

from schema.errors import ForbiddenError, UpstreamError
from schema.plane import Plane
from tests.fakes import FakeJobs, a_context, a_page, a_report, answer

PROBLEM = """
  { jobs { planes { problem { code message plane upstreamStatus upstreamCode retryable retryAfterSeconds } } } }
"""


@pytest.mark.anyio
async def test_a_problem_is_read_beside_the_data() -> None:
    """With everything that its error knew."""
    error = ForbiddenError("No.", plane=Plane.MANAGEMENT, upstream_status=403, upstream_code="APIG.0305")
    page = a_page(planes=[a_report(Plane.MANAGEMENT, ok=False, error=error)])
    data = await answer(PROBLEM, a_context(FakeJobs(listed=page)))
    assert data["jobs"]["planes"][0]["problem"] == {
        "code": "FORBIDDEN",
        "message": "No.",
        "plane": "MANAGEMENT",
        "upstreamStatus": 403,
        "upstreamCode": "APIG.0305",
        "retryable": False,
        "retryAfterSeconds": None,
    }


@pytest.mark.anyio
@pytest.mark.parametrize("kind", UpstreamError.__subclasses__(), ids=lambda kind: kind.__name__)
async def test_a_problem_has_the_code_of_its_error(kind: type[UpstreamError]) -> None:
    """The same in `errors[]` and beside the data."""
    error = kind("Why.")
    page = a_page(planes=[a_report(Plane.SERVICE, ok=False, error=error)])
    data = await answer(PROBLEM, a_context(FakeJobs(listed=page)))
    assert data["jobs"]["planes"][0]["problem"]["code"] == error.extensions["code"]
