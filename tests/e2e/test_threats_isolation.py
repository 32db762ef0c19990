"""Nobody sees what GES would refuse him: every caller on every path, in every state the gateway may be in.

A right answer is the one that a gateway gives which nobody has asked before.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway.demo.algorithm_stories import memory_job_id
from gateway.demo.graphs import PROJECT_ID
from tests.e2e.threats import ALL, RESTRICTED, SUPPLY, Bench, codes, issued, job_id, open_bench
from tests.e2e.troubled import told_alike

pytestmark = pytest.mark.anyio

CALLERS = {
    "all": ALL,
    "supply": SUPPLY,
    "restricted": RESTRICTED,
    "expired": "sandbox-token-expired",
    "unknown": "no-such-token",
    "almost": ALL + "x",
    "nobody": None,
}
PEOPLE = memory_job_id(96)
STAFF, RANKING, RUNNING = job_id("hr_people", 96), job_id("hr_people", 97), job_id("supply_chain", 2)
ROWS = "result { rows(first: 50) { nodes { ... on VertexRow { vertexId properties } } } }"
LARGE = job_id("supply_chain", 7)
PATHS = {
    "job": f'{{ job(id: "{STAFF}") {{ status {ROWS} }} }}',
    "nodes": f'{{ nodes(ids: ["{STAFF}", "{RANKING}"]) {{ id ... on Job {{ status {ROWS} }} }} }}',
    "found": f'{{ findJob(graph: {{ name: "hr_people" }}, jobId: "{PEOPLE}") {{ plane status {ROWS} }} }}',
    "merged list": '{ graph(by: { name: "hr_people" }) { graphId jobs(first: 9) { nodes { plane jobId status } } } }',
    "list": "{ jobs(first: 50) { nodes { jobId graphName status } } }",
    "graphs": "{ graphs(first: 50) { edges { node { graphId name } } } }",
    "large page": f'{{ job(id: "{LARGE}") {{ result {{ rows(first: 20000) {{ nodes {{ index }} }} }} }} }}',
}
WATCH = f'subscription {{ jobUpdated(id: "{RUNNING}") {{ type job {{ jobId status }} }} }}'
# Who may see what is told only of the people's graph, and who what a role hides.
MAY_SEE_PEOPLE, MAY_SEE_SALARIES = {"all", "restricted"}, {"all"}
DENIALS = {"NOT_FOUND", "FORBIDDEN", "UNAUTHENTICATED"}
Told = dict[tuple[str, str], Any]


async def ask_everything(bench: Bench, callers: Mapping[str, str | None] | None = None) -> Told:
    """Ask every path as each of these callers, all at once."""
    asked = [(caller, path) for caller in callers or CALLERS for path in PATHS]
    known = callers or CALLERS
    answers = await asyncio.gather(*(bench.ask(PATHS[path], known[caller]) for caller, path in asked))
    return {pair: told_alike(answer.json()) for pair, answer in zip(asked, answers, strict=True)}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Live as long as the module."""
    return "asyncio"


@pytest.fixture(scope="module")
async def right(anyio_backend: str) -> Told:
    """Ask as each caller a gateway that nobody else has asked."""
    told: Told = {}
    for caller, token in CALLERS.items():
        async with open_bench() as bench:
            told |= await ask_everything(bench, {caller: token})
    return told


async def test_r02_cache_isolation_each_caller_gets_what_ges_gives_him(right: Told) -> None:
    """The matrix means something: some may, some may not, and one sees less of the same job."""
    for (caller, path), answer in right.items():
        text = str(answer)
        assert ("emp-0000" in text) == (caller in MAY_SEE_PEOPLE and path in {"job", "nodes", "found"}), (caller, path)
        assert ("salary" in text) == (caller in MAY_SEE_SALARIES and path in {"job", "nodes", "found"}), (caller, path)
        if caller in {"expired", "unknown", "almost", "nobody"}:
            assert codes(answer) == {"UNAUTHENTICATED"}, (caller, path, text)
        elif caller == "supply" and path in {"job", "nodes", "found", "merged list"}:
            assert codes(answer), (caller, path, text)
            assert codes(answer) <= DENIALS, (caller, path, text)
        else:
            assert not codes(answer), (caller, path, text)


async def test_r02_cache_isolation_what_is_kept_opens_to_nobody_else(right: Told) -> None:
    """After one caller has read everything twice, so that bodies and finished answers are kept."""
    async with open_bench() as bench:
        for _ in range(2):
            await ask_everything(bench, {"all": ALL})
        assert bench.app.state.runtime.store.stats.hits
        assert await ask_everything(bench) == right
        assert await ask_everything(bench) == right


async def test_r02_cache_isolation_a_refusal_is_nobody_elses(right: Told) -> None:
    """The refused ask first; what they were told is kept for none who may."""
    async with open_bench() as bench:
        refused = {caller: token for caller, token in CALLERS.items() if caller not in MAY_SEE_PEOPLE}
        await ask_everything(bench, refused)
        assert await ask_everything(bench) == right


async def test_r03_flight_isolation_what_is_under_way_is_shared_with_equals_only(right: Told) -> None:
    """Everybody asks for everything while GES takes its time."""
    async with open_bench() as bench:
        slow = {"kind": "latency", "seconds": 0.2}
        bench.sandbox.state.trouble.set({"management": slow, "service": slow})
        assert await ask_everything(bench) == right


async def test_r04_subscription_isolation_a_watcher_is_his_own_callers(right: Told) -> None:
    """While one caller watches, others are told what GES tells them; and all else stays as it is."""
    async with open_bench() as bench, AsyncExitStack() as stack:
        watching = bench.stream(WATCH, ALL)
        stack.push_async_callback(watching.aclose)
        first = await anext(watching)
        assert first["data"]["jobUpdated"]["job"]["status"] == "RUNNING"
        for caller in ("expired", "unknown", "almost", "nobody"):
            [told] = await bench.events(WATCH, CALLERS[caller])
            assert (codes(told), told.get("data")) == ({"UNAUTHENTICATED"}, None), caller
        assert await ask_everything(bench) == right


async def test_r04_subscription_isolation_a_stream_ends_with_its_rights() -> None:
    """The token runs out meanwhile: an error, no data any more, and the end."""
    token = issued("supply", 60)
    async with open_bench(watch_first_seconds=0.05, watch_longest_seconds=0.05) as bench:
        told = []
        async for event in bench.stream(WATCH, token):
            told.append(event)
            bench.time.seconds = 100
        last = told[-1]
        assert told[0]["data"]["jobUpdated"]["type"] == "SNAPSHOT"
        assert (codes(last), last.get("data")) == ({"UNAUTHENTICATED"}, None)
        assert not any(event.get("data") for event in told[1:])


async def test_r04_subscription_isolation_a_sockets_token_comes_once_and_first() -> None:
    """Not with an operation, and not by introducing oneself again; another socket's token is another caller's."""
    late = {"query": WATCH, "extensions": {"X-Auth-Token": ALL}, "variables": {"X-Auth-Token": ALL}}
    async with open_bench() as bench:
        url, protocol = bench.url.replace("http", "ws") + "/graphql", Subprotocol("graphql-transport-ws")
        async with connect(url, subprotocols=[protocol]) as known, connect(url, subprotocols=[protocol]) as unknown:
            for socket, payload in ((known, {"X-Auth-Token": ALL}), (unknown, {})):
                await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
                assert json.loads(await socket.recv())["type"] == "connection_ack"
                await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": late}))
            told = json.loads(await known.recv())
            assert told["payload"]["data"]["jobUpdated"]["job"]["status"] == "RUNNING"
            refused = json.loads(await unknown.recv())
            assert (refused["type"], "RUNNING" in str(refused)) == ("error", False)
            assert {error["extensions"]["code"] for error in refused["payload"]} == {"UNAUTHENTICATED"}
            await unknown.send(json.dumps({"type": "connection_init", "payload": {"X-Auth-Token": ALL}}))
            with pytest.raises(ConnectionClosed) as closed:
                await unknown.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4429


async def test_r02_cache_isolation_nothing_kept_outlives_the_rights() -> None:
    """What was kept for a token opens to it no more, once GES refuses it and the proof has run out."""
    mine = {
        "all": issued("gateway", 30),
        "supply": issued("supply", 30),
    }
    async with open_bench() as bench:
        for _ in range(2):
            before = await ask_everything(bench, mine)
        assert "emp-0000" in str(before["all", "job"])
        bench.time.seconds = 100
        after = await ask_everything(bench, mine)
        assert {pair: (codes(answer), "emp-" in str(answer)) for pair, answer in after.items()} == {
            pair: ({"UNAUTHENTICATED"}, False) for pair in after
        }
        # And what it had is still there for whoever may.
        again = await bench.ask(PATHS["job"], ALL)
        assert "emp-0000" in again.text


async def test_r02_cache_isolation_the_service_plane_itself_refuses() -> None:
    """Where the operator names the address, no directory stands in the way; the cached copy still opens to nobody."""
    async with open_bench() as behind:
        origin = behind.app.state.runtime.settings.management_url
        static = {"hr_people": origin, "supply_chain": origin}
        async with open_bench(management_url=origin, service_urls=static, cache_sharing="proven") as bench:
            for _ in range(2):
                assert "salary" in (await bench.ask(PATHS["job"], ALL)).text
                assert '"index":19999' in (await bench.ask(PATHS["large page"], ALL)).text
            for caller in ("supply", "expired", "unknown", "nobody"):
                answer = await bench.ask(PATHS["job"], CALLERS[caller])
                assert (codes(answer) <= DENIALS, "emp-" in answer.text) == (True, False), caller
            for caller in ("expired", "unknown", "nobody"):
                answer = await bench.ask(PATHS["large page"], CALLERS[caller])
                assert (codes(answer), "index" in answer.text) == ({"UNAUTHENTICATED"}, False), caller


async def test_r05_key_confusion_separators_and_spellings_open_nothing_else() -> None:
    """Names that would read alike, were keys joined by a sign, are refused or other entries."""
    async with open_bench() as bench:
        await ask_everything(bench, {"all": ALL})
        good = PEOPLE
        names = [("hr_people/jobs", good), ("hr_people", f"{good}/status"), ("hr_people.", good), ("HR_PEOPLE", good)]
        names += [("hr_people", f"{good}?limit=1"), ("hr_people%2Fjobs", good), ("hr", f"people.{good}")]
        for graph, job in names:
            query = f'{{ findJob(graph: {{ name: "{graph}" }}, jobId: "{job}") {{ status }} }}'
            answer = await bench.ask(query)
            assert (answer.json().get("data") or {}).get("findJob") is None, (graph, job)
            assert codes(answer) <= {"BAD_USER_INPUT", "NOT_FOUND"}, (graph, job, answer.text)


async def test_r05_key_confusion_another_project_is_another_entry() -> None:
    """The same graph and job under a project that is not the caller's."""
    async with open_bench() as bench:
        await ask_everything(bench, {"all": ALL})
        answer = await bench.ask(PATHS["found"], ALL, X_Project_Id="0" * 32)
        assert "emp-" not in answer.text
        assert codes(answer)
        assert (await bench.ask(PATHS["found"], ALL, X_Project_Id=PROJECT_ID)).json()["data"]["findJob"] is not None
