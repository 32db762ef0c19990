"""The log of calls that GES received, so that tests can count them. Knows of a path only whose it is."""

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

from starlette.types import Scope

Called = Literal["management", "service", "iam"]

_PREFIXES: tuple[tuple[str, Called], ...] = (("/v2/", "management"), ("/ges/", "service"), ("/v3/", "iam"))
_MOST_CALLS = 10_000


@dataclass(frozen=True, slots=True)
class Call:
    """One call received, refused ones included. Tokens and bodies are not kept."""

    plane: Called | None
    method: str
    path: str
    query: dict[str, str]


@dataclass(slots=True)
class CallLog:
    """The newest calls, oldest first."""

    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=_MOST_CALLS))

    def write(self, scope: Scope) -> Call:
        """Note the call that this scope describes."""
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        call = Call(plane_of(scope["path"]), scope["method"], scope["path"], query)
        self.calls.append(call)
        return call

    def told(self) -> list[dict[str, Any]]:
        """Give the calls as plain values."""
        return [asdict(call) for call in self.calls]

    def clear(self) -> None:
        """Forget all calls."""
        self.calls.clear()


def plane_of(path: str) -> Called | None:
    """Tell which plane a path belongs to."""
    return next((plane for prefix, plane in _PREFIXES if path.startswith(prefix)), None)
