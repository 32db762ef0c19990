"""Bodies: what is an answer at all, and where its list is."""

from datetime import UTC, datetime

import msgspec
import pytest

from gateway.planes import bodies
from gateway.planes.read import Body
from schema.errors import UpstreamMalformedError
from schema.plane import Plane

AT = datetime(2026, 3, 5, tzinfo=UTC)
NO_JSON_OBJECT = [b"", b"<html></html>", b"[]", b'"text"', b"null", b"{", b"{}x", b"\xff", b"[" * 5000, b'{"a":"\xff"}']


def body(content: bytes, status: int = 200) -> Body:
    """Make a body."""
    return Body(status, content, AT)


@pytest.mark.parametrize("content", NO_JSON_OBJECT)
def test_a_good_answer_that_is_no_json_object_is_malformed(content: bytes) -> None:
    with pytest.raises(UpstreamMalformedError) as caught:
        bodies.members_of(body(content, 206), Plane.SERVICE)
    assert caught.value.message == "The service plane answered with something that is no JSON object."
    assert (caught.value.plane, caught.value.upstream_status) == (Plane.SERVICE, 206)


@pytest.mark.parametrize("content", NO_JSON_OBJECT)
@pytest.mark.parametrize("status", [302, 400, 502])
def test_an_error_that_is_no_json_object_has_no_members(content: bytes, status: int) -> None:
    assert bodies.members_of(body(content, status), Plane.MANAGEMENT) == {}


def test_members_are_folded_and_left_unread() -> None:
    members = bodies.members_of(body('{"job_list": [1,  2], "名": "图"}'.encode()), Plane.MANAGEMENT)
    assert members == {"joblist": msgspec.Raw(b"[1,  2]"), "名": msgspec.Raw('"图"'.encode())}


def test_json_of_lenient_writers_is_read_all_the_same() -> None:
    members = bodies.members_of(body(b'{"data": {"v": NaN, "w": [Infinity, 1.5]}}'), Plane.SERVICE)
    assert msgspec.json.decode(members["data"]) == {"v": None, "w": [None, 1.5]}


@pytest.mark.parametrize(
    ("content", "entries"),
    [
        (b'{"jobs": [{"jobId": "a"}, null, 5]}', [{"jobid": msgspec.Raw(b'"a"')}, {}, {}]),
        (b'{"jobs": {"jobId": "a"}}', [{"jobid": msgspec.Raw(b'"a"')}]),
        (b'{"jobs": null}', []),
        (b'{"jobs": null, "jobCount": 0}', []),
        (b'{"jobCount": 0}', []),
    ],
)
def test_a_list_may_be_bare_null_or_missing(content: bytes, entries: list[object]) -> None:
    answer = body(content)
    members = bodies.members_of(answer, Plane.SERVICE)
    assert bodies.listed(answer, Plane.SERVICE, members, "jobs", beside=("jobcount",)) == entries


@pytest.mark.parametrize("content", [b"{}", b'{"graphs": []}', b'{"jobs": "none"}', b'{"jobs": 5, "jobCount": 0}'])
def test_a_body_without_its_list_or_companions_is_malformed(content: bytes) -> None:
    answer = body(content)
    members = bodies.members_of(answer, Plane.SERVICE)
    with pytest.raises(UpstreamMalformedError) as caught:
        bodies.listed(answer, Plane.SERVICE, members, "jobs", beside=("jobcount",))
    assert caught.value.message == "The service plane answered with something that is no list."


def test_a_list_of_which_nothing_can_be_used_is_malformed() -> None:
    answer = body(b"{}")
    bodies.require_some(answer, Plane.SERVICE, [], [], "list of jobs")
    bodies.require_some(answer, Plane.SERVICE, [1, 2], [1], "list of jobs")
    with pytest.raises(UpstreamMalformedError, match="no list of jobs"):
        bodies.require_some(answer, Plane.SERVICE, [1, 2], [], "list of jobs")
