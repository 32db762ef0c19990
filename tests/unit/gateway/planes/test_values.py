"""Tolerant scalars: every spelling of a value, and everything that is no value."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from gateway.planes import values

RAW = msgspec.Raw
EAST = timezone(timedelta(hours=8))


@pytest.mark.parametrize("name", ["job_id", "jobId", "JobID", "job-id"])
def test_a_name_is_folded_to_one_spelling(name: str) -> None:
    assert values.folded(name) == "jobid"


def test_of_two_spellings_the_first_that_is_not_null_is_kept() -> None:
    members = {"job_id": RAW(b"null"), "jobId": RAW(b'"a"'), "JobId": RAW(b'"b"')}
    assert values.fold(members) == {"jobid": RAW(b'"a"')}


def test_a_member_that_is_only_null_stays_null() -> None:
    assert values.fold({"a": RAW(b"null"), "A": RAW(b"null")}) == {"a": RAW(b"null")}


@pytest.mark.parametrize(
    ("raw", "items"),
    [(b"[1,[2]]", [b"1", b"[2]"]), (b"[]", []), (b'{"a":1}', [b'{"a":1}']), (b'"text"', []), (b"null", [])],
)
def test_a_list_is_read_as_items_and_a_bare_object_as_one(raw: bytes, items: list[bytes]) -> None:
    assert [bytes(item) for item in values.items_of(RAW(raw))] == items


def test_the_first_byte_tells_objects_and_lists_apart() -> None:
    raws = [RAW(b"{}"), RAW(b"[]"), RAW(b'"[]"'), RAW(b"null")]
    assert [values.is_object(raw) for raw in raws] == [True, False, False, False]
    assert [values.is_list(raw) for raw in raws] == [False, True, False, False]


def test_a_text_or_nothing_is_told_without_reading() -> None:
    raws = [msgspec.Raw(text) for text in (b'"a"', b"null", b"5", b"{}", b"true")]
    assert [values.is_text_or_null(raw) for raw in raws] == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (b'{"a": NaN, "b": -Infinity}', {"a": None, "b": None}),
        (b'{"a": 1e999, "b": 1.5}', {"a": None, "b": 1.5}),
        (b'{"a": ' + b"9" * 5000 + b"}", {"a": None}),
        (b'{"a": "x\\ud800y"}', {"a": "x?y"}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"a": "图"}'.encode(), {"a": "图"}),
    ],
)
def test_lenient_json_is_mended(content: bytes, read: object) -> None:
    assert msgspec.json.decode(values.mended(content)) == read


@pytest.mark.parametrize("content", [b"", b"{", b"<html>", b'{"a":}', b"\xff{}"])
def test_what_is_no_json_is_not_mended(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        values.mended(content)


def test_a_value_beyond_range_is_read_as_null() -> None:
    assert values.plain(RAW(b"[1e999,1]")) == [None, 1]


def test_a_value_nested_too_deep_is_read_as_null() -> None:
    assert values.plain(RAW(b"[" * 5000 + b"]" * 5000)) is None


def test_the_first_member_that_says_something_is_taken() -> None:
    members = {"a": RAW(b"null"), "b": RAW(b"0"), "c": RAW(b'" "'), "d": RAW(b'"word"')}
    assert values.get(members, "none", "a", "b", "d") == 0
    assert values.get(members, "none", "a") is None
    assert values.get_text(members, "none", "a", "b", "c", "d") == "word"
    assert values.get_text(members, "none", "c") is None


@pytest.mark.parametrize("raw", [None, RAW(b"null"), RAW(b"[]"), RAW(b'"{}"')])
def test_what_is_no_object_has_no_members(raw: msgspec.Raw | None) -> None:
    assert values.folded_members(raw) == {}


def test_an_object_has_folded_members() -> None:
    assert values.folded_members(RAW(b'{"Job_Id":1}')) == {"jobid": RAW(b"1")}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (' {"a": 1}\n', {"a": 1}),
        ('{"a": NaN}', {"a": None}),
        ("12", 12),
        ("", None),
        ("match (n) return n", None),
        ("[" * 5000 + "]" * 5000, None),
        ("[NaN," + "[" * 5000 + "]" * 5001, None),
    ],
)
def test_json_inside_a_text_is_found(text: str, read: object) -> None:
    raw = values.embedded(text)
    assert read == (None if raw is None else msgspec.json.decode(raw))


def test_small_values_are_read_and_large_ones_pass_as_bytes() -> None:
    assert values.passed_through(RAW(b'{"a":[1]}')) == {"a": [1]}
    for content in (b"[" * 201 + b"]" * 201, b'"' + b"x" * 70_000 + b'"'):
        assert values.passed_through(RAW(content)) == RAW(content)


@pytest.mark.parametrize(
    ("value", "text"),
    [("word", "word"), (["word"], None), ("", None), (" \n", None), (5, None), (None, None)],
)
def test_a_text_says_something(value: object, text: str | None) -> None:
    assert values.text(value) == text


@pytest.mark.parametrize(
    ("value", "ident"),
    [
        ("8a1f-0_x", "8a1f-0_x"),
        (" 8a1f ", "8a1f"),
        (17, "17"),
        (-17, None),
        (True, None),
        ("a/b", None),
        ("..", None),
        ("图", None),
        ("", None),
        (1.5, None),
        ({}, None),
        ("x" * 129, None),
    ],
)
def test_an_id_can_be_one_path_segment(value: object, ident: str | None) -> None:
    assert values.ident(value) == ident


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1.0),
        (0.5, 0.5),
        ("100", 100.0),
        (" 2.5 ", 2.5),
        ("NaN", None),
        ("Infinity", None),
        (float("inf"), None),
        (10**400, None),
        ("x", None),
        (True, None),
        (None, None),
        ([1], None),
    ],
)
def test_a_number_is_finite(value: object, number: float | None) -> None:
    assert values.number(value) == number


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (0, 0),
        (482113, 482113),
        ("12", 12),
        (" 12 ", 12),
        (3.0, 3),
        (3.5, None),
        (-1, None),
        ("-1", None),
        ("1e3", None),
        ("٣", None),
        (2**53, 2**53),
        (2**53 + 1, None),
        (float("nan"), None),
        (True, None),
        (None, None),
        ({}, None),
    ],
)
def test_a_count_is_whole_and_not_negative(value: object, count: int | None) -> None:
    read = values.count(value)
    assert read == count
    assert not isinstance(read, bool)


@pytest.mark.parametrize(
    ("value", "truth"),
    [(True, True), (False, False), ("true", True), ("False", False), ("yes", None), (1, None), (None, None)],
)
def test_a_truth_may_be_written_as_text(value: object, truth: bool | None) -> None:
    assert values.truth(value) is truth


NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "zone", "instant"),
    [
        ("2026-03-02T12:00:00", UTC, NOON),
        (" 2026-03-02 12:00:00 ", UTC, NOON),
        ("2026-03-02 20:00:00", EAST, NOON),
        ("2026-03-02T12:00:00.000", UTC, NOON),
        ("2026-03-02T12:00:00Z", EAST, NOON),
        ("2026-03-02T20:00:00+08:00", UTC, NOON),
        (1772452800, EAST, NOON),
        (1772452800000, EAST, NOON),
        (1772452800000000, EAST, NOON),
        ("1772452800000", EAST, NOON),
        ("2026-03-02", UTC, None),
        ("2026-13-02T12:00:00", UTC, None),
        ("20260302", UTC, None),
        ("0001-01-01T00:00:00", EAST, None),
        ("9999-12-31T23:59:59", timezone(timedelta(hours=-8)), None),
        ("1970-01-01T00:00:00", UTC, None),
        (0, UTC, None),
        (2**53, UTC, datetime(2255, 6, 5, 23, 47, 34, 740992, tzinfo=UTC)),
        (99999999999, UTC, datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        (-5, UTC, None),
        ("", UTC, None),
        (None, UTC, None),
        ([], UTC, None),
    ],
)
def test_an_instant_is_read_in_the_zone_it_is_meant_in(value: Any, zone: timezone, instant: datetime | None) -> None:
    assert values.moment(value, zone) == instant
