"""urql: queries by GET as its defaults are, streams over plain HTTP, documents by hash."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e import clients

JOB = {"jobId": "5e9c0705-41d8-4b6a-93f0-27ac1d0e0005007740215", "status": "SUCCEEDED"}
MODERN = "application/graphql-response+json; charset=utf-8"


@pytest.fixture(scope="module")
def told(gateway_url: str) -> clients.Told:
    """What urql saw."""
    return clients.hear(gateway_url, "urql.mjs")


def found(data: dict[str, Any]) -> dict[str, Any]:
    return {name: data["findJob"][name] for name in JOB}


def ways(sent: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    assert {(request["status"], request["type"]) for request in sent} == {(200, MODERN)}
    return [(request["method"], request["withText"]) for request in sent]


def test_its_query_is_answered_as_json_though_it_would_take_a_stream(told: clients.Told) -> None:
    """Every request of urql names event streams; only a subscription gets one."""
    for concern, method in (("query", "GET"), ("post", "POST")):
        assert found(told[concern]["data"]) == JOB
        assert ways(told[concern]["sent"]) == [(method, True)]


def test_its_persisted_queries_are_named_by_hash_once_they_were_sent(told: clients.Told) -> None:
    """A hash nobody knows, the text, and from then on the hash alone."""
    assert [found(answer) for answer in told["persisted"]["answers"]] == [JOB, JOB]
    first, text, again = ways(told["persisted"]["sent"])
    assert (first, text[1], again) == (("GET", False), True, ("GET", False))


def test_its_errors_are_graphql_errors_with_codes(told: clients.Told) -> None:
    """Never an error of the network, which would hide the code."""
    errors = told["errors"]
    assert {name: (error["codes"], error["network"]) for name, error in errors.items()} == {
        "partial": (["NOT_FOUND"], None),
        "invalid": (["GRAPHQL_VALIDATION_FAILED"], None),
        "token": (["UNAUTHENTICATED"], None),
    }
    assert errors["partial"]["data"] == {"findJob": None}


def test_it_pages_through_rows_to_the_end(told: clients.Told) -> None:
    """Every row once, in order."""
    assert [node["vertexId"] for node in told["rows"]] == [f"site-{n:07d}" for n in range(19)]


@pytest.mark.parametrize("way", ["fetched", "streamed"])
def test_its_subscription_hears_a_job_to_its_end(told: clients.Told, way: str) -> None:
    """By its own fetch exchange, and by graphql-sse behind its subscription exchange."""
    events = told[way]["events"]
    assert [(event["type"], event["job"]["status"]) for event in events] == [
        ("SNAPSHOT", "SUCCEEDED"),
        ("FINISHED", "SUCCEEDED"),
    ]


def test_its_fetch_exchange_is_given_an_event_stream(told: clients.Told) -> None:
    """Since that is what it names first for a subscription."""
    assert told["fetched"]["sent"][-1]["type"] == "text/event-stream; charset=utf-8"
