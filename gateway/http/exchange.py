"""One request of the endpoint while it is being answered: what it runs with, and what is told of it afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from graphql import OperationDefinitionNode
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import Proofs
from gateway.http.answer import STATUS_BY_CODE, answer_errors
from gateway.http.events import Framing, as_stream
from gateway.http.negotiation import GRAPHQL_JSON, JSON
from gateway.http.refusals import reasons_in
from gateway.http.stream import Opened as OpenedStream
from gateway.http.stream import Stream
from gateway.seats import Seat

_LONGEST_NAME = 64


class Opened(OpenedStream, Protocol):
    """What one operation runs with, opened for it and closed after it."""

    @property
    def proofs(self) -> Proofs:
        """What its answer rests on so far."""


@dataclass(slots=True)
class Exchange:
    """One request while it is being answered, and what its line in the log will say."""

    request: Request
    request_id: str
    media_type: str = JSON
    # How the client takes streams, and whether it takes nothing else.
    framing: Framing | None = None
    takes_streams_only: bool = False
    operation: OperationDefinitionNode | None = None
    opened: Opened | None = None
    stream: Stream | None = None
    # What is counted for its caller until it is answered.
    rows: Seat | None = None
    codes: set[str] = field(default_factory=set)
    reasons: set[str] = field(default_factory=set)

    @property
    def name(self) -> str | None:
        """What the client calls its operation, as far as a line of the log goes."""
        return self.operation.name.value[:_LONGEST_NAME] if self.operation and self.operation.name else None

    def refuse(self, status: int, *entries: Mapping[str, Any], **headers: str) -> Response:
        """Answer that execution did not begin."""
        self.codes |= {entry["extensions"]["code"] for entry in entries}
        self.reasons |= reasons_in(entries)
        named = [{**entry, "extensions": {**entry["extensions"], "requestId": self.request_id}} for entry in entries]
        if self.framing is not None and self.takes_streams_only:
            return as_stream(self.framing, named)
        return answer_errors(status, named, media_type=self.media_type, headers=headers)

    def refuse_document(self, *entries: Mapping[str, Any]) -> Response:
        """Answer that this document is not executed. With plain JSON, clients understand that from a 200 only."""
        extensions = entries[0]["extensions"]
        status, headers = STATUS_BY_CODE.get(extensions["code"], 400), {}
        if seconds := extensions.get("retryAfterSeconds"):
            status, headers = 429, {"Retry-After": str(seconds)}
        return self.refuse(status if self.media_type == GRAPHQL_JSON else 200, *entries, **headers)

    async def close(self) -> None:
        """End what is still under way for it."""
        if self.rows is not None:
            self.rows.leave()
        if self.opened is not None:
            kind = self.operation.operation.value if self.operation else None
            self.opened.trace.tell(kind, self.name, self.codes)
        if self.stream is not None:
            self.codes |= self.stream.codes
            self.reasons |= self.stream.reasons
            await self.stream.close()
        elif self.opened is not None:
            await self.opened.close()
