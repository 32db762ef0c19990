"""The credential of a request: the one header that carries it, checked. Knows not what it is worth."""

from __future__ import annotations

from gateway.auth.caller import Headers
from schema.errors import BadUserInputError

# Tokens run to several KiB; the gateway in front of the management plane takes 32 KiB a header.
_LONGEST = 16 * 1024
_VISIBLE = bytes(range(0x21, 0x7F))
_CARRIERS = frozenset({b"x-auth-token", b"authorization"})


def read_credential(headers: Headers) -> str | None:
    """
    Return the credential a request carries, None without one.

    It comes in `X-Auth-Token`, or as `Authorization: Bearer`. Raises BadUserInputError when there is more than one,
    or one that cannot be meant: what is ambiguous here could be read differently behind us.
    """
    carriers = [(name, value) for header, value in headers if (name := header.lower()) in _CARRIERS]
    credentials = [read for name, value in carriers if (read := _read(name, value)) is not None]
    if not credentials:
        return None
    if len(credentials) > 1:
        raise BadUserInputError("The request carries more than one credential.")
    return credentials[0]


def _read(name: bytes, value: bytes) -> str | None:
    value = value.strip()
    if name == b"authorization":
        kind, _, value = value.partition(b" ")
        if kind.lower() != b"bearer":
            return None
        value = value.strip()
    if not value:
        return None
    if len(value) > _LONGEST or value.translate(None, _VISIBLE):
        raise BadUserInputError("The credential must be visible ASCII of at most 16 KiB.")
    return value.decode("ascii")
