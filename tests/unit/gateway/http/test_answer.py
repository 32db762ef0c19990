"""Tests of answers as bytes."""

import msgspec

from gateway.http.answer import answer, answer_errors, problem


def test_rows_are_written_through_as_they_are() -> None:
    """A row is never parsed on its way; a number that is none becomes null."""
    content = {"data": {"rows": [msgspec.Raw(b'{"a":1.0e3}'), float("inf")], "name": "Zürich"}}
    assert answer(200, content).body == '{"data":{"rows":[{"a":1.0e3},null],"name":"Zürich"}}'.encode()


def test_an_answer_is_stored_nowhere_unless_said_otherwise() -> None:
    """And names what it depends on."""
    headers = answer(200, {}).headers
    assert (headers["cache-control"], headers["vary"]) == ("no-store", "Accept")
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert answer(200, {}, cache_control="private, no-cache").headers["cache-control"] == "private, no-cache"


def test_errors_come_without_data() -> None:
    """`data` would say that execution began."""
    response = answer_errors(400, [problem("No.", "r", code="X")], headers={"Allow": "POST"})
    assert response.body == b'{"errors":[{"message":"No.","extensions":{"code":"X","requestId":"r"}}]}'
    assert (response.status_code, response.headers["allow"]) == (400, "POST")
