"""Refusals: the words for them, and that each is counted, logged and answered once."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from gateway.http.refusals import TurnAway, reasons_in
from schema.errors import GatewayError, LimitExceededError, OverloadedError, PayloadTooLargeError

pytestmark = pytest.mark.anyio


def entry(error: GatewayError) -> dict[str, Any]:
    return {"message": error.message, "extensions": error.extensions}


def test_a_limit_is_its_own_reason_and_what_is_no_refusal_has_none() -> None:
    """Words of metrics have no capitals."""
    errors = [LimitExceededError("rootFields", 1, 2), OverloadedError("Too much."), GatewayError("A defect.")]
    assert reasons_in(map(entry, errors)) == {"root_fields", "overloaded"}
    assert reasons_in([]) == set()


@pytest.mark.parametrize(
    ("error", "retry_after"), [(OverloadedError("Too much."), "1"), (PayloadTooLargeError("Too long."), None)]
)
async def test_what_is_turned_away_is_counted_logged_and_answered(error: Any, retry_after: str | None) -> None:
    """By its name, and nothing else of it."""
    heard: list[str] = []
    away = TurnAway(heard.append)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"request_id": "abc"}
        await away.answer(503, "overloaded", error, scope, receive, send)

    with capture_logs() as lines:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            answer = await client.get("/secret")
    assert heard == ["overloaded"]
    line = {"event": "refused", "request_id": "abc", "status": 503, "reason": "overloaded", "log_level": "info"}
    assert lines == [line]
    assert (answer.status_code, answer.headers["connection"]) == (503, "close")
    assert answer.headers.get("retry-after") == retry_after
    assert answer.json()["errors"][0]["extensions"] == {**error.extensions, "requestId": "abc"}
