"""The mode `passthrough`: the caller's own IAM token goes upstream unchanged, and GES decides what it may see."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.auth.caller import Caller, scope_of
from schema.errors import BadUserInputError

# Tokens run to several KiB; the gateway in front of the management plane takes 32 KiB a header.
_LONGEST_TOKEN = 16 * 1024
_VISIBLE = bytes(range(0x21, 0x7F))
_CARRIERS = frozenset({b"x-auth-token", b"authorization"})


def read_caller(headers: Iterable[tuple[bytes, bytes]], secret: bytes) -> Caller | None:
    """
    Return who is calling, None without a credential.

    The token comes in `X-Auth-Token`, or as `Authorization: Bearer`. Raises BadUserInputError when there is more
    than one, or one that cannot be a token: what is ambiguous here could be read differently behind us.
    """
    carriers = [(name, value) for header, value in headers if (name := header.lower()) in _CARRIERS]
    tokens = [token for name, value in carriers if (token := _token(name, value)) is not None]
    if not tokens:
        return None
    if len(tokens) > 1:
        raise BadUserInputError("The request carries more than one credential.")
    return Caller(scope_of(tokens[0], secret), {"X-Auth-Token": tokens[0]})


def _token(name: bytes, value: bytes) -> str | None:
    value = value.strip()
    if name == b"authorization":
        kind, _, value = value.partition(b" ")
        if kind.lower() != b"bearer":
            return None
        value = value.strip()
    if not value:
        return None
    if len(value) > _LONGEST_TOKEN or value.translate(None, _VISIBLE):
        raise BadUserInputError("The credential must be visible ASCII of at most 16 KiB.")
    return value.decode("ascii")
