"""IAM: the gateway's own user and password for a token of the project. Asks once; knows nothing of keeping tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from gateway.auth.exchange import ExchangeError, Exchanges, Reply
from schema.errors import (
    PlaneUnavailableError,
    RateLimitedError,
    UnauthenticatedError,
    UpstreamError,
    UpstreamFailedError,
    UpstreamMalformedError,
)

# Without its list of all services the answer is a hundredth in size.
_PATH = "/v3/auth/tokens?nocatalog=true"
_CREATED = 201
_RETRY_AFTER_DIGITS = 5
_REFUSED = frozenset({401, 403})
# Tokens stand in headers; longer ones no plane would take.
_LONGEST_TOKEN = 32 * 1024


class _Token(msgspec.Struct):
    expires_at: datetime
    issued_at: datetime | None = None


class _Issued(msgspec.Struct):
    token: _Token


@dataclass(frozen=True, slots=True)
class Token:
    """A token and how long it lives from its issue."""

    value: str = field(repr=False)
    seconds: float


@dataclass(frozen=True, slots=True)
class IamUser:
    """A user of an account, who may read one project."""

    domain: str
    name: str
    password: str = field(repr=False)
    project: str


class Iam:
    """Asks IAM for tokens of one user."""

    def __init__(self, url: str, user: IamUser, exchanges: Exchanges) -> None:
        self._url = url + _PATH
        self._exchanges = exchanges
        identity = {
            "methods": ["password"],
            "password": {"user": {"name": user.name, "password": user.password, "domain": {"name": user.domain}}},
        }
        # GES takes tokens of a project only.
        self._content = msgspec.json.encode(
            {"auth": {"identity": identity, "scope": {"project": {"id": user.project}}}}
        )

    async def issue(self) -> Token:
        """Return a new token. Raises UnauthenticatedError when IAM refuses the user, or another UpstreamError."""
        try:
            reply = await self._exchanges.post(self._url, self._content)
        except ExchangeError as failure:
            raise PlaneUnavailableError(f"IAM could not be asked for a token ({failure}).") from None
        if reply.status != _CREATED:
            raise _refusal(reply)
        value = reply.headers.get("x-subject-token", "")
        try:
            issued = msgspec.json.decode(reply.content, type=_Issued).token
        except (msgspec.DecodeError, UnicodeDecodeError):
            issued = None
        if issued is None or not 0 < len(value) <= _LONGEST_TOKEN or not (value.isascii() and value.isprintable()):
            raise UpstreamMalformedError("IAM answered with no token.", upstream_status=reply.status)
        # By IAM's own clock where it says both, so that ours may be wrong.
        began = issued.issued_at or datetime.now(UTC)
        return Token(value, max(0.0, (_utc(issued.expires_at) - _utc(began)).total_seconds()))


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refusal(reply: Reply) -> UpstreamError:
    status = reply.status
    if status in _REFUSED:
        text = "IAM does not accept the gateway's own user: its operator must correct the name, password or project."
        return UnauthenticatedError(text, upstream_status=status)
    if status == 429:
        said = reply.headers.get("retry-after", "")
        wait = float(said) if said.isascii() and said.isdecimal() and len(said) < _RETRY_AFTER_DIGITS else None
        return RateLimitedError("IAM throttles.", upstream_status=status, retry_after_seconds=wait)
    if status >= 500:
        return PlaneUnavailableError("IAM is out of service.", upstream_status=status)
    return UpstreamFailedError("IAM does not take the gateway's request for a token.", upstream_status=status)
