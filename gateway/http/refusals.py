"""What is turned away: why, in one word for the metrics, and the answer to what came no further than the door."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from starlette.types import Receive, Scope, Send

from gateway.http.answer import answer_errors, problem
from gateway.telemetry import Event, log
from schema.errors import RequestRefusedError

# Hears of each refusal, by its reason.
Refused = Callable[[str], None]
_REASONS = {
    "DOCUMENT_NOT_TRUSTED": "not_trusted",
    "GRAPHQL_PARSE_FAILED": "document",
    "GRAPHQL_VALIDATION_FAILED": "document",
    "OVERLOADED": "overloaded",
    "PAYLOAD_TOO_LARGE": "size",
}
_LATER_WORD = re.compile(r"(?=[A-Z])")


def reasons_in(entries: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return why these entries of `errors` refuse something, if they do; a limit is its own reason."""
    reasons = set()
    for entry in entries:
        extensions = entry["extensions"]
        limit = extensions.get("limit")
        reasons.add(_LATER_WORD.sub("_", limit).lower() if limit else _REASONS.get(extensions["code"], ""))
    return reasons - {""}


def nobody_hears(_reason: str) -> None:
    """Stand in where refusals are not counted."""


class TurnAway:
    """Turns requests away ahead of everything that reads them: one count, one line of the log, one answer."""

    def __init__(self, refused: Refused = nobody_hears) -> None:
        self._refused = refused

    def note(self, status: int, reason: str, scope: Scope) -> str:
        """Count it and write its line; return the name of the request."""
        request_id = str(scope.get("state", {}).get("request_id", ""))
        self._refused(reason)
        log.info(Event.REFUSED, request_id=request_id, status=status, reason=reason)
        return request_id

    async def answer(
        self, status: int, reason: str, error: RequestRefusedError, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer it, by closing the connection: that spares reading the rest."""
        request_id = self.note(status, reason, scope)
        headers = {"Connection": "close"}
        if seconds := error.extensions.get("retryAfterSeconds"):
            headers["Retry-After"] = str(seconds)
        entry = problem(error.message, request_id, **error.extensions)
        await answer_errors(status, [entry], headers=headers)(scope, receive, send)
