"""What each token opens. The fixed ones are obviously fake; IAM issues more, and takes them back. Knows no HTTP."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

# Tokens of real IAM run to several kilobytes, so that headers must have room for them.
_PADDING = "M" * 2000
_ISSUED = "sandbox-token-issued-"


@dataclass(frozen=True, slots=True)
class Rights:
    """What a caller may read: these graphs (all when None), and with or without what roles restrict."""

    graphs: frozenset[str] | None = None
    is_restricted: bool = False

    def opens(self, graph_name: str) -> bool:
        """Tell whether this graph may be read."""
        return self.graphs is None or graph_name in self.graphs


Refusal = Literal["unknown", "expired"]

TOKENS: dict[str, Rights | Refusal] = {
    "sandbox-token-all": Rights(),
    "sandbox-token-supply": Rights(frozenset({"supply_chain"})),
    "sandbox-token-restricted": Rights(frozenset({"supply_chain", "hr_people"}), is_restricted=True),
    "sandbox-token-expired": "expired",
}

# IAM users, their passwords, and the fixed token whose rights their tokens have.
USERS: dict[str, tuple[str, str]] = {
    "gateway": ("sandbox-password", "sandbox-token-all"),
    "supply": ("sandbox-password", "sandbox-token-supply"),
}


# Access keys: the secret of each, and the fixed token whose rights their signatures have.
ACCESS_KEYS: dict[str, tuple[str, str]] = {
    "sandbox-access-key": ("sandbox-secret-key", "sandbox-token-all"),
}
DAY_SECONDS = 24 * 3600.0


class Issued(NamedTuple):
    """A token just issued."""

    text: str
    expires_at: datetime


@dataclass(slots=True)
class Tokens:
    """The tokens of one sandbox. Those issued carry their number and their end, so they need not be remembered."""

    lifetime_seconds: float = DAY_SECONDS
    issued: int = 0
    _taken_back: int = field(default=0)

    def issue(self, user: str, now: datetime) -> Issued:
        """Make a token for a user."""
        self.issued += 1
        expires_at = now + timedelta(seconds=self.lifetime_seconds)
        return Issued(f"{_ISSUED}{user}-{_microseconds(expires_at)}-{self.issued}-{_PADDING}", expires_at)

    def take_back(self) -> None:
        """Make every token issued so far worthless, as a new password of its user does."""
        self._taken_back = self.issued

    def rights_of(self, token: str | None, now: datetime) -> Rights | Refusal:
        """Tell what a token opens, or why nothing."""
        if token is None:
            return "unknown"
        if not token.startswith(_ISSUED):
            return TOKENS.get(token, "unknown")
        user, expires, number, *_ = [*token.removeprefix(_ISSUED).split("-"), "", ""]
        if user not in USERS or not (_is_number(expires) and _is_number(number)) or int(number) <= self._taken_back:
            return "unknown"
        return "expired" if int(expires) <= _microseconds(now) else TOKENS[USERS[user][1]]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def _microseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
