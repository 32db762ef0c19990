"""The scalars: what they accept from variables and from documents, and how they are written."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from graphql import GraphQLError, GraphQLScalarType, parse_value
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import SCHEMA

longs = st.integers(-(2**63), 2**63 - 1)


def scalar(name: str) -> GraphQLScalarType:
    """Return a scalar as it stands in the schema."""
    found = SCHEMA._schema.type_map[name]
    assert isinstance(found, GraphQLScalarType)
    return found


def read(name: str, value: object) -> Any:
    """Read a value of a variable."""
    return scalar(name).parse_value(value)


def read_literal(name: str, text: str, **variables: object) -> Any:
    """Read a literal of a document."""
    return scalar(name).parse_literal(parse_value(text), variables)


def write(name: str, value: object) -> Any:
    """Write a value into an answer."""
    return scalar(name).serialize(value)


@given(longs)
def test_every_number_of_64_bits_is_a_long(value: int) -> None:
    """From variables, from documents and into answers, as a JSON number."""
    assert read("Long", value) == read_literal("Long", str(value)) == write("Long", value) == value


@given(st.integers(min_value=2**63) | st.integers(max_value=-(2**63) - 1))
def test_a_number_of_more_bits_is_no_long(value: int) -> None:
    """In neither direction."""
    with pytest.raises(GraphQLError):
        read("Long", value)
    with pytest.raises(GraphQLError):
        read_literal("Long", str(value))
    with pytest.raises(GraphQLError):
        write("Long", value)


@pytest.mark.parametrize("value", [-(2**63) - 1, 2**63, True, "5", None, 5.5, float("inf"), float("nan"), 1e300, [5]])
def test_what_is_no_whole_number_is_no_long(value: object) -> None:
    """A string of digits is a string."""
    with pytest.raises(GraphQLError, match="Long must be a whole number of 64 bits"):
        read("Long", value)


def test_a_whole_number_may_be_sent_with_a_fraction_of_zero() -> None:
    """JSON knows one kind of number; the resolver gets an integer all the same."""
    assert read("Long", 5.0) == 5
    assert type(read("Long", 5.0)) is int


@pytest.mark.parametrize("text", ["5.0", '"5"', "true", "null", "FIVE", "[5]", "{five: 5}"])
def test_a_literal_that_is_no_whole_number_is_no_long(text: str) -> None:
    """The message quotes it."""
    with pytest.raises(GraphQLError, match="Long must be a whole number, not"):
        read_literal("Long", text)


@pytest.mark.parametrize("value", [True, "5", 5.0, None, 2**63, -(2**63) - 1])
def test_only_a_whole_number_of_64_bits_is_written_as_a_long(value: object) -> None:
    """Anything else is a mistake of ours, not to be passed on."""
    with pytest.raises(GraphQLError, match="Long cannot represent"):
        write("Long", value)


@given(st.recursive(st.none() | st.booleans() | longs | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_json_is_passed_through(value: object) -> None:
    """The very object, in both directions."""
    assert read("JSON", value) is value
    assert write("JSON", value) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-123456789012345678901234567890", -123456789012345678901234567890),
        ("1.5e3", 1500.0),
        ('"a"', "a"),
        ("true", True),
        ("null", None),
        ("[1, {a: $a, b: [2.5]}]", [1, {"a": "given", "b": [2.5]}]),
    ],
)
def test_a_literal_of_any_kind_is_json(text: str, value: object) -> None:
    """Variables inside it are filled in."""
    assert read_literal("JSON", text, a="given") == value


DAY = datetime(2026, 3, 4, 10, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-04T10:20:30Z", DAY),
        ("2026-03-04t10:20:30z", DAY),
        ("2026-03-04T10:20:30+00:00", DAY),
        ("2026-03-04T10:20:30-00:00", DAY),
        ("2026-03-04T18:20:30+08:00", DAY),
        ("2026-03-03T22:50:30-11:30", DAY),
        ("2026-03-04T10:20:30.5Z", DAY + timedelta(milliseconds=500)),
        ("2026-03-04T10:20:30.123456789Z", DAY + timedelta(microseconds=123456)),
    ],
)
def test_an_instant_of_rfc_3339_is_read_as_utc(text: str, instant: datetime) -> None:
    """Whatever its zone; more than microseconds are cut off."""
    for given_instant in (read("DateTime", text), read_literal("DateTime", f'"{text}"')):
        assert given_instant == instant
        assert given_instant.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        *("", "now", "2026-03-04", "2026-03-04T10:20:30", "2026-03-04 10:20:30Z", "2026-03-04T10:20Z"),
        *("2026-03-04T10:20+00:00", "2026-W10-3T10:20:30Z", "20260304T102030+0000", "2026-03-04T102030+0000"),
        *("2026-03-04T10:20:30,5Z", "2026-03-04T10:20:30+00:00:30", "2026-03-04T10:20:30+0800"),
        *("2026-02-30T10:20:30Z", "2026-03-04T24:00:00Z", "2026-03-04T10:20:60Z", "2026-03-04T10:20:30+24:00"),
        *("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "٢٠٢٦-03-04T10:20:30Z", "2026-03-04T10:20:30Z\n"),
        *(1772619630, True, None, DAY),
    ],
)
def test_anything_else_is_no_instant(value: object) -> None:
    """Python by itself reads more than RFC 3339 allows."""
    with pytest.raises(GraphQLError, match="DateTime must be an RFC 3339 instant"):
        read("DateTime", value)


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (DAY, "2026-03-04T10:20:30Z"),
        (DAY.astimezone(timezone(timedelta(hours=8))), "2026-03-04T10:20:30Z"),
        (DAY.replace(microsecond=500_000), "2026-03-04T10:20:30.500000Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_a_trailing_z(instant: datetime, text: str) -> None:
    """Whatever zone it is held in."""
    assert write("DateTime", instant) == text


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_that_was_written_is_read_back(instant: datetime) -> None:
    """To the microsecond."""
    assert read("DateTime", write("DateTime", instant)) == instant


@pytest.mark.parametrize("value", [datetime(2026, 3, 4), "2026-03-04T10:20:30Z", None])
def test_a_time_without_a_zone_is_not_written(value: object) -> None:
    """It would be a guess."""
    with pytest.raises(GraphQLError, match="without a zone"):
        write("DateTime", value)


def test_the_date_time_scalar_says_its_specification() -> None:
    """Code generators look there."""
    assert scalar("DateTime").specified_by_url == "https://scalars.graphql.org/andimarek/date-time.html"
