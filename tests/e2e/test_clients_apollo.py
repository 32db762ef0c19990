"""Apollo Client: its links, its errors, and its cache, which relies on ids and connections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e import clients

JOB = {"jobId": "5e9c0705-41d8-4b6a-93f0-27ac1d0e0005007740215", "status": "SUCCEEDED"}
MODERN = "application/graphql-response+json; charset=utf-8"
JOBS = '{ graph(by: { name: "supply_chain" }) { jobs(first: 100) { nodes { id } pageInfo { hasNextPage } } } }'

# Runs from 10 to 40 seconds after the sandbox began.
RUNS = "5e9c072b-41d8-4b6a-93f0-27ac1d0e002b007740253"


@pytest.fixture(scope="module")
def told(gateway_url: str) -> clients.Told:
    """What Apollo Client saw."""
    return clients.hear(gateway_url, "apollo.mjs")


def sent(method: str, *, with_text: bool) -> dict[str, Any]:
    return {"method": method, "withText": with_text, "status": 200, "type": MODERN}


def found(data: dict[str, Any]) -> dict[str, Any]:
    return {name: data["findJob"][name] for name in JOB}


def test_its_query_is_answered_in_the_media_type_it_asks_for_first(told: clients.Told) -> None:
    """By POST as it comes, by GET when told to."""
    for concern, method in (("query", "POST"), ("get", "GET")):
        assert found(told[concern]["data"]) == JOB
        assert told[concern]["sent"] == [sent(method, with_text=True)]


def test_its_persisted_queries_are_named_by_hash_once_they_were_sent(told: clients.Told) -> None:
    """A hash nobody knows, the text, and from then on the hash alone."""
    assert [found(answer) for answer in told["persisted"]["answers"]] == [JOB, JOB]
    by_hash = sent("GET", with_text=False)
    assert told["persisted"]["sent"] == [by_hash, sent("POST", with_text=True), by_hash]


def test_its_errors_are_graphql_errors_with_codes(told: clients.Told) -> None:
    """Whatever the status was: never an error of the network, which would hide the code."""
    codes = {name: (error["name"], error["codes"]) for name, error in told["errors"].items()}
    assert codes == {
        "partial": ("CombinedGraphQLErrors", ["NOT_FOUND"]),
        "invalid": ("CombinedGraphQLErrors", ["GRAPHQL_VALIDATION_FAILED"]),
        "variable": ("CombinedGraphQLErrors", ["BAD_USER_INPUT"]),
        "token": ("CombinedGraphQLErrors", ["UNAUTHENTICATED"]),
    }
    assert told["errors"]["partial"]["data"] == {"findJob": None}


def test_its_cache_knows_a_job_by_its_id(told: clients.Told) -> None:
    """Found by GES's id and read again as a node, it is one entry with the fields of both."""
    (kept,) = told["cache"]
    assert {name: kept[name] for name in (*JOB, "name", "isTerminal")} == {
        **JOB,
        "name": "pagerank",
        "isTerminal": True,
    }


def test_it_pages_through_rows_to_the_end(told: clients.Told) -> None:
    """Every row once, in order, put together by relayStylePagination."""
    assert told["rows"]["pages"] == 4
    assert [node["index"] for node in told["rows"]["nodes"]] == list(range(19))
    assert [node["vertexId"] for node in told["rows"]["nodes"]] == [f"site-{n:07d}" for n in range(19)]


def test_it_pages_through_the_jobs_of_both_planes_to_the_end(gateway_url: str, told: clients.Told) -> None:
    """Every job once, in the order of one large page."""
    jobs = clients.all_pages(gateway_url, JOBS, lambda data: data["graph"]["jobs"])
    assert told["jobs"]["pages"] == -(-len(jobs) // 7) > 5
    assert [node["id"] for node in told["jobs"]["nodes"]] == [job["id"] for job in jobs]


def test_events_change_what_its_queries_show(programs: Path) -> None:
    """The job of an event and that of a query are one entry of its cache, so nothing is asked again."""
    with clients.serving(pace=20) as url:
        live = clients.hear(url, "live.mjs", argument=RUNS)["live"]
    assert live["before"] in {"PENDING", "RUNNING"}
    assert (live["last"], live["after"]) == ("FINISHED", "SUCCEEDED")
