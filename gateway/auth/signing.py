"""
Signatures with an access key, as GES's management plane takes them in place of a token: SDK-HMAC-SHA256. Pure.

https://support.huaweicloud.com/devg-apisign/api-sign-algorithm.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, unquote

_ALGORITHM = "SDK-HMAC-SHA256"
_DATE = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Signer:
    """An access key and its secret."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)

    def sign(
        self,
        method: str,
        host: str,
        path: str,
        query: Sequence[tuple[str, str]] = (),
        *,
        now: datetime,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> dict[str, str]:
        """
        Return the headers that sign a request; `headers` are further ones to be covered.

        `path` is as it goes on the wire, `query` is plain text. `host` must be what the header `Host` will say.
        """
        date = now.astimezone(UTC).strftime(_DATE)
        covered = {name.lower(): value.strip() for name, value in (headers or {}).items()}
        covered |= {"host": host, "x-sdk-date": date}
        names = sorted(covered)
        lines = (
            method,
            _path(path),
            "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(query)),
            *(f"{name}:{covered[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        )
        request = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        text = "\n".join((_ALGORITHM, date, request))
        signature = hmac.digest(self.secret_key.encode(), text.encode(), "sha256").hex()
        said = f"{_ALGORITHM} Access={self.access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"
        return {"X-Sdk-Date": date, "Authorization": said}


def _path(path: str) -> str:
    # Encoded anew, for one and the same path may be encoded in several ways; and it always ends in a slash.
    encoded = "/".join(_quoted(segment) for segment in unquote(path).split("/"))
    return encoded if encoded.endswith("/") else f"{encoded}/"


def _quoted(text: str) -> str:
    return quote(text, safe="~")
