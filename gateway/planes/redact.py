"""
Redaction: takes secrets out of bytes before anything keeps, logs or reads them. Knows no plane and no body.

JSON is changed only where a secret stands, also inside JSON text that a string holds; all else stays byte for byte.
"""

from __future__ import annotations

import re

import msgspec

from gateway.planes.values import mended

MASK = "***"
# Names of members without case, `_` and `-`: exactly these, or any that holds one of the parts.
_NAMES = frozenset({"ak", "sk", "pwd", "signature"})
_PARTS = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "authorization",
    "accesskey",
    "privatekey",
)
# The same names as they stand in text.
_NAME = (
    rb"(?:password|passwd|passphrase|secret|token|credential|authorization|access[_-]?key|private[_-]?key|signature"
    rb"|(?<![a-z0-9])(?:ak|sk|pwd)(?![a-z0-9]))"
)
# Between a name and its value: the quote that ends the name, a sign, spaces; plain, escaped, percent-encoded or a tag.
_BETWEEN = rb"(?:\\*[\"']|%22)?\s{0,8}(?:[:=>]|%3[ad]|\\u003[ad])\s{0,8}"
# Nothing is read when no name is in sight. An escaped letter could hide one.
_SUSPICIOUS = re.compile(_NAME + rb"|\\u00[4-7]", re.IGNORECASE)
# What follows `Authorization:` may be several words.
_HEADER_IN_TEXT = re.compile(rb"(authorization" + _BETWEEN + rb")[^\r\n\"'\\<]+", re.IGNORECASE)
# A quoted value ends at its own kind of quote, or where the text was cut.
_IN_TEXT = re.compile(
    rb"(" + _NAME + rb"[\w-]{0,40}" + _BETWEEN + rb")"
    rb"(?:(\\*[\"']).*?(?:(?<!\\)\2|\Z)|[^\s,;&\"'\\)\]}<]+)",
    re.IGNORECASE | re.DOTALL,
)
# What is no secret under any name.
_HARMLESS = frozenset({b"null", b"true", b"false", b'""', b"[]", b"{}"})
# Each level is read once more for the level above, so there is an end to it.
_DEEPEST = 24
_MASKED = msgspec.Raw(msgspec.json.encode(MASK))


def redact_body(content: bytes) -> bytes:
    """Return the content with every secret replaced by `***`; the same object when nothing looks like one."""
    if not _SUSPICIOUS.search(content):
        return content
    try:
        return _redact_json(content, _DEEPEST)
    except (ValueError, RecursionError):
        pass
    try:
        return _redact_json(mended(content), _DEEPEST)
    except (ValueError, RecursionError):
        return _redact_text(content)


def _redact_json(content: bytes, levels: int) -> bytes:
    value = msgspec.json.decode(content, type=msgspec.Raw)
    redacted = _redact_value(value, levels)
    return content if redacted is value else bytes(redacted)


def _redact_value(raw: msgspec.Raw, levels: int) -> msgspec.Raw:
    content = bytes(raw)
    if not _SUSPICIOUS.search(content):
        return raw
    if not levels:
        return _MASKED
    match content[:1]:
        case b"{":
            members = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
            kept = {name: _redact_member(name, value, levels - 1) for name, value in members.items()}
            return _unless_same(raw, kept, any(kept[name] is not members[name] for name in members))
        case b"[":
            items = msgspec.json.decode(content, type=list[msgspec.Raw])
            left = [_redact_value(item, levels - 1) for item in items]
            return _unless_same(raw, left, any(map(lambda new, old: new is not old, left, items)))
        case _:  # Only a string is left that could look suspicious.
            text = msgspec.json.decode(content, type=str)
            redacted = _redact_string(text, levels - 1)
            return _unless_same(raw, redacted, redacted != text)


def _redact_member(name: str, raw: msgspec.Raw, levels: int) -> msgspec.Raw:
    plain_name = name.replace("_", "").replace("-", "").casefold()
    is_secret = plain_name in _NAMES or any(part in plain_name for part in _PARTS)
    return _MASKED if is_secret and bytes(raw) not in _HARMLESS else _redact_value(raw, levels)


def _redact_string(text: str, levels: int) -> str:
    content = text.encode()
    if text.lstrip()[:1] in ("{", "[", '"'):
        try:
            return _redact_json(content, levels).decode()
        except (ValueError, RecursionError):
            pass
    return _redact_text(content).decode()


def _redact_text(content: bytes) -> bytes:
    content = _HEADER_IN_TEXT.sub(rb"\1***", content)
    return _IN_TEXT.sub(rb"\1\2***\2", content)


def _unless_same(raw: msgspec.Raw, changed: object, is_changed: bool) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(changed)) if is_changed else raw
