"""
Tolerant scalars: what GES means by a member that may be missing, null, a string for a number or spelled another way.

Nothing raises here but `members_of` and `mended`, on what is no JSON object or no JSON. Knows nothing of jobs.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, TypeAlias, TypeVar

import msgspec

from schema.errors import BadUserInputError
from schema.ids import checked_part
from schema.scalars import DateTime

# The members of an object, unread. Folded, `job_id`, `jobId` and `JobId` are all `jobid`.
Members: TypeAlias = dict[str, msgspec.Raw]

NULL = msgspec.Raw(b"null")
# The largest number that every JSON reader holds exactly; a sum of some of these still fits 64 bits.
LARGEST_COUNT = 2**53
# More brackets than this may nest deeper than the writer of the answer can follow; more bytes take long to read.
_MOST_BRACKETS = 200
_MOST_BYTES = 65_536
_SIGN = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"\s*[0-9]{1,18}\s*", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", re.ASCII)
_TRUTHS = {"true": True, "false": False}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# GES began in 2018: an earlier year is how some language spells "no time".
_FIRST_YEAR = 2000
_RAW_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RAW_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])

_Value = TypeVar("_Value")


def folded(word: str) -> str:
    """Return a word without case, underscores and other signs."""
    if word.isascii() and word.isalpha() and word.islower():
        return word
    return _SIGN.sub("", word).casefold()


def fold(members: Mapping[str, _Value]) -> dict[str, _Value]:
    """Return the members under their folded names; of several spellings the first that is not null."""
    found: dict[str, _Value] = {}
    for name, value in members.items():
        if found.setdefault(folded(name), value) in (None, NULL):
            found[folded(name)] = value
    return found


def members_of(content: bytes | msgspec.Raw) -> Members:
    """Return the members of a JSON object, their values unread. Raises ValueError or RecursionError."""
    return _RAW_MEMBERS.decode(content)


def items_of(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """Return the items of a list, unread; an object where a list is due is a list of one, all else is empty."""
    try:
        return _RAW_ITEMS.decode(raw)
    except (msgspec.ValidationError, RecursionError):
        return [raw] if is_object(raw) else []


def mended(content: bytes) -> bytes:
    """
    Return the same JSON without what only lenient readers accept: NaN, numbers beyond range, half surrogates, a mark.

    Raises ValueError or RecursionError when it is no JSON at all.
    """
    text = content.decode("utf-8-sig")
    value = json.loads(text, parse_constant=lambda _: None, parse_float=_finite, parse_int=_whole)
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def plain(raw: msgspec.Raw) -> Any:
    """Return the value read; None when it nests too deep."""
    try:
        return msgspec.json.decode(raw)
    except RecursionError:
        return None
    except msgspec.ValidationError:  # A number beyond range; it came through one decoder already, so it nests little.
        return msgspec.json.decode(mended(bytes(raw)))


def get(members: Mapping[str, msgspec.Raw], *names: str) -> Any:
    """Return the first of these members that is there and not null, read."""
    for name in names:
        raw = members.get(name, NULL)
        if raw != NULL:
            return plain(raw)
    return None


def get_text(members: Mapping[str, msgspec.Raw], *names: str) -> str | None:
    """Return the first of these members that is a text and says something."""
    for name in names:
        if name in members and (said := text(plain(members[name]))):
            return said
    return None


def folded_members(raw: msgspec.Raw | None) -> Members:
    """Return an object's members under their folded names, unread; none for anything else."""
    return fold(members_of(raw)) if raw is not None and is_object(raw) else {}


def embedded(json_text: str) -> msgspec.Raw | None:
    """Return the JSON that a text holds, unread; None when it holds none."""
    content = json_text.encode()
    try:
        return msgspec.json.decode(content, type=msgspec.Raw)
    except RecursionError:
        return None
    except ValueError:
        pass
    try:
        return msgspec.Raw(mended(content))
    except (ValueError, RecursionError):
        return None


def passed_through(raw: msgspec.Raw) -> Any:
    """Return the value read when it is small, else its bytes, which the writer of the answer copies as they are."""
    content = bytes(raw)
    is_small = len(content) <= _MOST_BYTES and content.count(b"[") + content.count(b"{") <= _MOST_BRACKETS
    return plain(raw) if is_small else raw


def is_object(raw: msgspec.Raw) -> bool:
    """Return whether the bytes hold an object, without reading them."""
    return bytes(memoryview(raw)[:1]) == b"{"


def is_list(raw: msgspec.Raw) -> bool:
    """Return whether the bytes hold a list, without reading them."""
    return bytes(memoryview(raw)[:1]) == b"["


def is_text_or_null(raw: msgspec.Raw) -> bool:
    """Return whether the bytes hold a text or nothing, without reading them."""
    return raw == NULL or bytes(memoryview(raw)[:1]) == b'"'


def text(value: object) -> str | None:
    """Return a text that says something."""
    return value if isinstance(value, str) and value.strip() else None


def ident(value: object) -> str | None:
    """Return an id or a name when it can be one path segment and part of a global id."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    try:
        return checked_part(str(value).strip(), "id")
    except BadUserInputError:
        return None


def number(value: object) -> float | None:
    """Return a finite number, also from its text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def count(value: object) -> int | None:
    """Return a whole number from 0 on, also from its text. GES writes -1 for "not reported"."""
    read = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
    if isinstance(read, float) and read.is_integer():
        read = int(read)
    if isinstance(read, bool) or not isinstance(read, int):
        return None
    return read if 0 <= read <= LARGEST_COUNT else None


def truth(value: object) -> bool | None:
    """Return a boolean, also from its text."""
    return _TRUTHS.get(folded(value)) if isinstance(value, str) else value if isinstance(value, bool) else None


def moment(value: object, zone: tzinfo) -> DateTime | None:
    """Return the instant that a text without zone means in `zone`, or that a timestamp of any unit means."""
    stamp = count(value)
    try:
        read = _stamped(stamp) if stamp is not None else _written(value, zone)
    except (ValueError, OverflowError):
        return None
    return DateTime(read) if read is not None and read.year >= _FIRST_YEAR else None


def _stamped(stamp: int) -> datetime:
    # Seconds have 10 digits until the year 2286, milliseconds 13, microseconds 16.
    digits = len(str(stamp))
    unit = 1_000_000 if digits <= 11 else 1_000 if digits <= 14 else 1
    return _EPOCH + timedelta(microseconds=stamp * unit)


def _written(value: object, zone: tzinfo) -> datetime | None:
    if not isinstance(value, str) or not _TIME.match(value.strip()):
        return None
    read = datetime.fromisoformat(value.strip())
    return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)


def _finite(digits: str) -> float | None:
    return number(digits)


def _whole(digits: str) -> int | None:
    # Python refuses to read a number of thousands of digits.
    return int(digits) if len(digits) < 1000 else None
