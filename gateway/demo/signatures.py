"""Signatures with an access key in place of a token, as the API gateway before the management plane checks them."""

import hmac
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from starlette.requests import Request

from gateway.auth.signing import Signer
from gateway.demo.tokens import ACCESS_KEYS, TOKENS, Refusal, Rights

_AUTHORIZATION = re.compile(
    r"SDK-HMAC-SHA256 Access=(?P<key>[^,]+), SignedHeaders=(?P<names>[^,]+), Signature=[0-9a-f]{64}"
)
# Older ones could be somebody else's, heard on the way.
_LONGEST_AGE = timedelta(minutes=15)


def rights_of_signature(request: Request, now: datetime) -> Rights | Refusal | None:
    """Tell what the signature of a request opens, or why nothing; None when it has none."""
    said = request.headers.get("authorization", "")
    if not said.startswith("SDK-HMAC-SHA256"):
        return None
    read = _AUTHORIZATION.fullmatch(said)
    date = _date(request.headers.get("x-sdk-date", ""))
    if read is None or date is None or read["key"] not in ACCESS_KEYS:
        return "unknown"
    if abs(now - date) > _LONGEST_AGE:
        return "expired"
    secret, token = ACCESS_KEYS[read["key"]]
    names = [name for name in read["names"].split(";") if name not in ("host", "x-sdk-date")]
    signed = Signer(read["key"], secret).sign(
        request.method,
        request.headers.get("host", ""),
        request.scope["raw_path"].decode("latin-1"),
        parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True),
        now=date,
        headers={name: request.headers.get(name, "") for name in names},
    )
    return TOKENS[token] if hmac.compare_digest(signed["Authorization"], said) else "unknown"


def _date(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
