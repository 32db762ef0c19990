"""The scalars beyond GraphQL's own: what they accept and how they are written. Knows nothing of who uses them."""

import re
from datetime import UTC, datetime
from typing import Any, NewType

import msgspec
import strawberry
from graphql import FloatValueNode, GraphQLError, IntValueNode, ValueNode, print_ast, value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

# Python's int and datetime have GraphQL types of their own already, so these need names of their own.
Long = NewType("Long", int)
JSON = NewType("JSON", object)
DateTime = NewType("DateTime", datetime)

_LONG_MIN, _LONG_MAX = -(2**63), 2**63 - 1
# Python by itself reads more than RFC 3339 allows: weeks, times without seconds, offsets with them.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _write_long(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not _LONG_MIN <= value <= _LONG_MAX:
        raise GraphQLError(f"Long cannot represent {value!r}.")
    return value


def _read_long(value: object) -> int:
    # JSON knows one kind of number; clients may send 5.0 for 5.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not _LONG_MIN <= value <= _LONG_MAX:
        raise GraphQLError("Long must be a whole number of 64 bits.")
    return value


def _read_long_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> int:
    if not isinstance(node, IntValueNode):
        raise GraphQLError(f"Long must be a whole number, not {print_ast(node)}.")
    return _read_long(int(node.value))


def _read_json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> object:
    if isinstance(node, IntValueNode | FloatValueNode):
        return msgspec.json.decode(node.value)
    return value_from_ast_untyped(node, variables)


def _write_date_time(value: object) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise GraphQLError("DateTime cannot represent a time without a zone.")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read_date_time(value: object) -> datetime:
    text = value.upper() if isinstance(value, str) else ""
    try:
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # The thirtieth of February, or an instant before the year 1.
    raise GraphQLError("DateTime must be an RFC 3339 instant, e.g. `2026-03-04T10:20:30Z`.")


SCALARS: dict[object, ScalarDefinition] = {
    Long: strawberry.scalar(
        name="Long",
        description="64-bit integer, serialised as a JSON number. "
        "GES counts exceed GraphQL `Int` (graphs of 10^11 edges).",
        serialize=_write_long,
        parse_value=_read_long,
        parse_literal=_read_long_literal,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value, passed through as GES sent it.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
        parse_literal=_read_json_literal,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="RFC 3339 instant in UTC, always with a trailing `Z`.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
        serialize=_write_date_time,
        parse_value=_read_date_time,
    ),
}
