"""Relay: its compiler takes the contract, its runtime reads a node again and pages to the end of every connection."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e import clients

GRAPH_JOBS = (
    """{ graph(by: { name: "supply_chain" }) { jobs(first: 100) { nodes { id } pageInfo { hasNextPage } } } }"""
)
PROJECT_JOBS = "{ jobs(first: 100) { nodes { id } pageInfo { hasNextPage } } }"


@pytest.fixture(scope="module")
def told(programs: Path, gateway_url: str) -> clients.Told:
    """What Relay saw, after its compiler has read the contract."""
    clients.run("../node_modules/relay-compiler/cli.js", folder=programs / "relay")
    return clients.hear(gateway_url, "--import", "./relay/register.mjs", "relay/jobs.js")


def test_it_reads_a_job_again_by_the_query_its_compiler_wrote(told: clients.Told) -> None:
    """A fragment on a job is refetchable, since a job is a node."""
    assert told["refetch"]["sent"] == ["jobsJobQuery", "jobsJobRefetchQuery"]
    assert told["refetch"]["before"]["status"] == "SUCCEEDED"
    assert told["refetch"]["after"] == told["refetch"]["before"]


def test_it_pages_through_rows_to_the_end(told: clients.Told) -> None:
    """Every row once, in order: each further page starts from the job as a node."""
    assert told["rows"]["pages"] == 4
    assert [node["vertexId"] for node in told["rows"]["nodes"]] == [f"site-{n:07d}" for n in range(19)]


def test_it_pages_through_the_jobs_of_both_planes_to_the_end(gateway_url: str, told: clients.Told) -> None:
    """Every job once, in the order of one large page: each further page starts from the graph as a node."""
    jobs = clients.all_pages(gateway_url, GRAPH_JOBS, lambda data: data["graph"]["jobs"])
    assert told["jobs"]["pages"] == -(-len(jobs) // 7)
    assert [node["id"] for node in told["jobs"]["nodes"]] == [job["id"] for job in jobs]
    assert {node["plane"] for node in told["jobs"]["nodes"]} == {"MANAGEMENT", "SERVICE"}


def test_it_pages_through_the_task_center_to_the_end(gateway_url: str, told: clients.Told) -> None:
    """A connection at the root pages as well."""
    jobs = clients.all_pages(gateway_url, PROJECT_JOBS, lambda data: data["jobs"])
    assert told["project"]["pages"] == -(-len(jobs) // 4)
    assert [node["id"] for node in told["project"]["nodes"]] == [job["id"] for job in jobs]


def test_it_shows_what_there_is_when_something_is_missing(told: clients.Told) -> None:
    """A job that does not exist is null beside an error, and not the end of the page."""
    assert told["partial"] == {"findJob": None}


def test_production_runs_what_its_compiler_has_persisted(programs: Path, told: clients.Told) -> None:
    """The file goes from the build of the application to the gateway as it is; the client sends ids alone."""
    folder = programs / "relay-persisted"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(clients.CLIENTS / "relay", folder)
    settings = json.loads((folder / "relay.config.json").read_text())
    persisting = {**settings, "persistConfig": {"file": "persisted.json"}}
    (folder / "relay.config.json").write_text(json.dumps(persisting))
    (folder / "persisted.json").write_text("{}")
    clients.run("../node_modules/relay-compiler/cli.js", folder=folder)
    with clients.serving(production=True, trusted_documents_file=folder / "persisted.json") as url:
        again = clients.hear(url, "--import", "./relay/register.mjs", "relay-persisted/jobs.js")
    assert {concern: again[concern] for concern in ("rows", "project")} == {
        concern: told[concern] for concern in ("rows", "project")
    }
