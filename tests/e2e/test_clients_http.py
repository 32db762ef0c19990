"""The rules of GraphQL over HTTP, by graphql-http's audits, and graphql-ws and graphql-sse beyond subscriptions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e import clients

JOB = {"jobId": "5e9c0705-41d8-4b6a-93f0-27ac1d0e0005007740215", "status": "SUCCEEDED"}
TRANSPORTS = ("graphql-ws", "graphql-sse")


@pytest.fixture(scope="module")
def told(gateway_url: str) -> clients.Told:
    """What the two clients of streams were answered."""
    return clients.hear(gateway_url, "sockets.mjs")


def codes(results: list[dict[str, Any]]) -> list[str]:
    (result,) = results
    errors = result.get("failed") or result["errors"]
    return [error["extensions"]["code"] for error in errors]


def test_every_audit_of_graphql_http_passes(gateway_url: str) -> None:
    """All that the specification says a server must, should and may do; none is refused here."""
    verdicts = clients.hear(gateway_url, "audits.mjs")["audits"]
    assert len(verdicts) == 61
    assert [verdict for verdict in verdicts if verdict["status"] != "ok"] == []


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_query_passes_by_a_transport_of_streams(told: clients.Told, transport: str) -> None:
    """One result, then the end."""
    (result,) = told[transport]["query"]
    assert {**JOB, "id": result["data"]["findJob"]["id"]} == result["data"]["findJob"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_errors_come_with_their_codes_by_a_transport_of_streams(told: clients.Told, transport: str) -> None:
    """Beside the data when the operation ran, in its place when it did not."""
    (partial,) = told[transport]["partial"]
    assert partial["data"] == {"findJob": None}
    assert codes(told[transport]["partial"]) == ["NOT_FOUND"]
    assert codes(told[transport]["syntax"]) == ["GRAPHQL_PARSE_FAILED"]
    assert codes(told[transport]["invalid"]) == ["GRAPHQL_VALIDATION_FAILED"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_error_costs_no_connection(told: clients.Told, transport: str) -> None:
    """What is asked after three errors is answered, by the same socket where there is one."""
    assert told[transport]["after"] == told[transport]["query"]
    assert told["graphql-ws"]["opened"] == ["graphql-transport-ws"]
