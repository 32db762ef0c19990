"""What each token opens. The fixed ones are obviously fake; IAM issues more. Knows no plane and no HTTP."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

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


def rights_of(token: str | None, now: datetime) -> Rights | Refusal:
    """Tell what a token opens, or why nothing."""
    if token is None:
        return "unknown"
    if not token.startswith(_ISSUED):
        return TOKENS.get(token, "unknown")
    user, expires, *_ = [*token.removeprefix(_ISSUED).split("-"), ""]
    if user not in USERS or not (expires.isascii() and expires.isdigit() and len(expires) < 20):
        return "unknown"
    return "expired" if int(expires) <= _microseconds(now) else TOKENS[USERS[user][1]]


def issue(user: str, expires_at: datetime) -> str:
    """Make a token for a user. It carries its own end, so the sandbox need not remember it."""
    return f"{_ISSUED}{user}-{_microseconds(expires_at)}-{_PADDING}"


def _microseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
