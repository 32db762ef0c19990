"""
The mode `service-account` end to end: every path that can tell of a graph, for callers who may see it and who may not.

GES sees one account for all of them, so that what a caller may see is the gateway's own rule.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from structlog.testing import capture_logs

from gateway.app import PATH
from gateway.auth.api_keys import make_key
from gateway.http.answer import STATUS_BY_CODE
from schema.ids import GraphKey, JobRef, graph_id_of, job_id_of
from schema.plane import Plane
from tests.e2e.gateway import MANAGEMENT_URL, Gateway, open_gateway
from tests.support_clock import BEGAN, FAKE_TIME, pass_time

pytestmark = pytest.mark.anyio
PROJECT = "0f3c9a1e5b7d4c2688a0e1f2d3c4b5a6"
SUPPLY_ID = "3b0f6a52-9c1d-4e77-8a35-5d2c90e1f6ab"
RANKING = "5e9c0705-41d8-4b6a-93f0-27ac1d0e0005007740215"
IMPORT = "8a1f0000000000000000000000000003"
SUPPLY = GraphKey(PROJECT, name="supply_chain")
SERVICE_JOB = job_id_of(JobRef(Plane.SERVICE, SUPPLY, RANKING))
MANAGEMENT_JOB = job_id_of(JobRef(Plane.MANAGEMENT, GraphKey(PROJECT, graph_id=SUPPLY_ID), IMPORT))
HISTORICAL_JOB = job_id_of(JobRef(Plane.MANAGEMENT, SUPPLY, IMPORT))
GRAPH = graph_id_of(GraphKey(PROJECT, graph_id=SUPPLY_ID))
ISSUER = ECKey.generate_key("P-256", {"kid": "one"})
PASSWORD = "sandbox-password"
# One of each: by name, by id, everything, something else, nothing that there is.
HOLDERS = {
    "by-name": ["supply_chain"],
    "by-id": [SUPPLY_ID],
    "everything": ["*"],
    "elsewhere": ["hr_people"],
    "nowhere": ["no_such_graph"],
}
MAY, MAY_NOT = ("by-name", "by-id", "everything"), ("elsewhere", "nowhere")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


@dataclass(frozen=True)
class Guarded:
    """A gateway with its own account, and the keys of its callers."""

    gateway: Gateway
    keys: dict[str, str]

    async def ask(self, query: str, holder: str | None = "everything", **headers: str) -> dict[str, Any]:
        """Ask as one of the callers; return the whole answer."""
        shown = {} if holder is None else {"X-Auth-Token": self.keys.get(holder, holder)}
        response = await self.gateway.ask(query, headers={**shown, **headers})
        answer: dict[str, Any] = response.json()
        return answer

    async def codes(self, query: str, holder: str) -> list[str]:
        """Return the codes of the errors that a caller meets."""
        return [error["extensions"]["code"] for error in (await self.ask(query, holder)).get("errors", [])]


@asynccontextmanager
async def guarded(folder: Path, **settings: Any) -> AsyncIterator[Guarded]:
    """Serve a gateway whose account may see everything, before callers who may not."""
    made = {name: make_key(name, graphs) for name, graphs in HOLDERS.items()}
    keys, jwks = folder / "keys.json", folder / "jwks.json"
    keys.write_bytes(msgspec.json.encode({"keys": [new.entry for new in made.values()]}))
    jwks.write_bytes(msgspec.json.encode({"keys": [ISSUER.as_dict(private=False)]}))
    chosen = {
        "auth_mode": "service-account",
        "iam_url": MANAGEMENT_URL,
        "account_domain": "acme",
        "account_user": "gateway",
        "account_password": PASSWORD,
        "api_keys_file": keys,
        "jwks_file": jwks,
        "jwt_issuer": "i",
        "jwt_audience": "a",
        "jwt_algorithms": "ES256",
        **settings,
    }
    async with open_gateway(**chosen) as gateway:
        yield Guarded(gateway, {name: new.text for name, new in made.items()})


def a_token(graphs: list[str], seconds: float = 600.0) -> str:
    """Sign a token that opens graphs for a while."""
    claims = {"iss": "i", "aud": "a", "sub": "ada", "exp": BEGAN.timestamp() + seconds, "ges_graphs": graphs}
    return jwt.encode({"alg": "ES256", "kid": "one"}, claims, ISSUER)


BY_NAME, BY_ID = 'graph: { name: "supply_chain" }', f'graph: {{ graphId: "{SUPPLY_ID}" }}'
ROWS = "status result { rows(first: 2) { nodes { index } } }"
PATHS = {
    "found on the service plane": f'{{ findJob({BY_NAME}, jobId: "{RANKING}", plane: SERVICE) {{ {ROWS} }} }}',
    "found on the management plane": f'{{ findJob({BY_ID}, jobId: "{IMPORT}", plane: MANAGEMENT) {{ status }} }}',
    "found there by name": f'{{ findJob({BY_NAME}, jobId: "{IMPORT}", plane: MANAGEMENT) {{ status }} }}',
    "found on either": f'{{ findJob({BY_NAME}, jobId: "{RANKING}") {{ status }} }}',
    "found on either by id": f'{{ findJob({BY_ID}, jobId: "{RANKING}") {{ status }} }}',
    "waited for": f'{{ findJob({BY_NAME}, jobId: "{RANKING}", waitSeconds: 1) {{ status }} }}',
    "a job of the service plane by id": f'{{ job(id: "{SERVICE_JOB}") {{ {ROWS} }} }}',
    "a job of the management plane by id": f'{{ job(id: "{MANAGEMENT_JOB}") {{ status graph {{ name }} }} }}',
    "a node that is a job": f'{{ node(id: "{SERVICE_JOB}") {{ id }} }}',
    "a node that is a graph": f'{{ node(id: "{GRAPH}") {{ id }} }}',
    "nodes": f'{{ nodes(ids: ["{MANAGEMENT_JOB}"]) {{ id }} }}',
    "a graph by name": '{ graph(by: { name: "supply_chain" }) { name } }',
    "a graph by id": f'{{ graph(by: {{ graphId: "{SUPPLY_ID}" }}) {{ name }} }}',
    "its jobs": '{ graph(by: { name: "supply_chain" }) { jobs(first: 2) { nodes { jobId } } } }',
    "said to be in it": f'{{ graph(by: {{ inInstance: {{ graphId: "{SUPPLY_ID}", name: "x" }} }}) {{ name }} }}',
}


@pytest.mark.parametrize("path", PATHS)
async def test_r02_a_graph_is_seen_by_whom_it_is_opened_to_and_by_nobody_else(path: str, tmp_path: Path) -> None:
    """On every path; also when it was read for somebody else before, and is kept or given again as bytes."""
    async with guarded(tmp_path) as it:
        for _ in range(2):
            for holder in (*MAY, *MAY_NOT, *MAY):
                codes = await it.codes(PATHS[path], holder)
                if holder in MAY_NOT:
                    assert codes == ["FORBIDDEN"]
                else:
                    assert codes in ([], ["NOT_FOUND"]) if "said to be" in path else codes == []
            pass_time(31)


@pytest.mark.parametrize("path", ["found on the service plane", "a job of the management plane by id", "its jobs"])
async def test_r03_a_read_under_way_is_not_shared_with_whom_it_is_not_opened_to(path: str, tmp_path: Path) -> None:
    """All at once, while GES takes its time, and while somebody watches the job."""
    async with guarded(tmp_path) as it:
        it.gateway.sandbox.state.trouble.set(
            {plane: {"kind": "latency", "seconds": 1} for plane in ("management", "service")}
        )
        waiting = asyncio.ensure_future(it.codes(PATHS["waited for"], "by-name"))
        holders = (*MAY, *MAY_NOT) * 3
        told = await asyncio.gather(*(it.codes(PATHS[path], holder) for holder in holders))
        assert await waiting == []
        expected = [["FORBIDDEN"] if holder in MAY_NOT else [] for holder in holders]
        assert told == expected


async def test_r02_who_may_not_see_a_graph_is_told_nothing_of_it(tmp_path: Path) -> None:
    """A graph that does not exist is refused in the same words, so that nobody can find out which there are."""
    query = "{{ graph(by: {{ {} }}) {{ name }} }}"
    there, not_there = f'graphId: "{SUPPLY_ID}"', 'graphId: "3b0f6a52-9c1d-4e77-8a35-000000000000"'
    async with guarded(tmp_path) as it:
        for holder in MAY_NOT:
            said = []
            for named in (there, not_there, 'name: "supply_chain"', 'name: "made_up"'):
                [error] = (await it.ask(query.format(named), holder))["errors"]
                name = named.split('"')[1]
                assert name in error["message"]
                said.append((error["message"].replace(name, "X"), error["extensions"]["code"]))
            assert len(set(said)) == 1
        assert await it.codes(query.format('name: "no_such_graph"'), "nowhere") == ["NOT_FOUND"]
        assert await it.codes(query.format(not_there), "everything") == ["NOT_FOUND"]


async def test_r02_nobody_may_see_another_project(tmp_path: Path) -> None:
    """The account may be able to; the gateway serves one. Ids name projects too."""
    other = GraphKey("a0b1c2", name="supply_chain")
    queries = [
        f'{{ job(id: "{job_id_of(JobRef(Plane.SERVICE, other, RANKING))}") {{ status }} }}',
        f'{{ job(id: "{job_id_of(JobRef(Plane.MANAGEMENT, other, IMPORT))}") {{ status }} }}',
        f'{{ node(id: "{graph_id_of(GraphKey("a0b1c2", graph_id=SUPPLY_ID))}") {{ id }} }}',
        "{ jobs { nodes { jobId } } }",
        "{ graphs { nodes { name } } }",
        '{ graph(by: { name: "supply_chain" }) { name } }',
    ]
    async with guarded(tmp_path) as it:
        for query in queries:
            it.gateway.upstream_calls()
            answer = await it.ask(query, **{"X-Project-Id": "a0b1c2"})
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
            assert it.gateway.upstream_calls() == []


async def names_listed(it: Guarded, query: str, holder: str) -> list[str]:
    """Page through a list to its end; return the names in it, and check that totals tell of nothing hidden."""
    names: list[str] = []
    after = "null"
    while True:
        answer = await it.ask(query.replace("AFTER", after), holder)
        assert "errors" not in answer
        [page] = answer["data"].values()
        names += [node.get("graphName") or node["name"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] in (None, len(names))
            return names
        after = json.dumps(page["pageInfo"]["endCursor"])


TASK_CENTER = (
    "{ jobs(first: 3, after: AFTER) { totalCount nodes { id graphName } pageInfo { hasNextPage endCursor } } }"
)
GRAPHS = "{ graphs(first: 2, after: AFTER) { totalCount nodes { name } pageInfo { hasNextPage endCursor } } }"


async def test_r02_the_task_center_shows_jobs_of_opened_graphs_only(tmp_path: Path) -> None:
    """All of them, page by page, and not how many others there are."""
    async with guarded(tmp_path) as it:
        everything = await names_listed(it, TASK_CENTER, "everything")
        supply = [name for name in everything if name == "supply_chain"]
        assert 0 < len(supply) < len(everything)
        assert await names_listed(it, TASK_CENTER, "by-name") == supply
        assert await names_listed(it, TASK_CENTER, "by-id") == supply
        assert set(await names_listed(it, TASK_CENTER, "elsewhere")) <= {"hr_people"}
        assert await names_listed(it, TASK_CENTER, "nowhere") == []


async def test_r02_the_list_of_graphs_holds_opened_ones_only(tmp_path: Path) -> None:
    """In GES's order, with their number."""
    async with guarded(tmp_path) as it:
        everything = await names_listed(it, GRAPHS, "everything")
        assert len(everything) > 3
        assert await names_listed(it, GRAPHS, "by-name") == ["supply_chain"]
        assert await names_listed(it, GRAPHS, "by-id") == ["supply_chain"]
        assert await names_listed(it, GRAPHS, "nowhere") == []
        both = a_token([everything[0], everything[-1]])
        assert await names_listed(it, GRAPHS, both) == [everything[0], everything[-1]]


async def test_r02_a_job_of_a_graph_that_is_gone_is_opened_by_name_only(tmp_path: Path) -> None:
    """An id is that of a living graph; what bore its name before is another one."""
    query = "{ jobs(first: 100) { nodes { id graphName graph { name } } } }"
    async with guarded(tmp_path) as it:
        nodes = (await it.ask(query))["data"]["jobs"]["nodes"]
        gone = [node for node in nodes if node["graph"] is None and node["graphName"]]
        assert gone
        job, name = gone[0]["id"], gone[0]["graphName"]
        asked = f'{{ job(id: "{job}") {{ status }} }}'
        assert await it.codes(asked, a_token([name])) == []
        for holder in (a_token([SUPPLY_ID]), "by-name", "nowhere"):
            assert await it.codes(asked, holder) == ["FORBIDDEN"]


async def test_r02_a_historical_id_of_a_living_graph_opens_nothing_more(tmp_path: Path) -> None:
    """Ids can be put together by hand; the rule is asked again whatever they say."""
    async with guarded(tmp_path) as it:
        asked = f'{{ job(id: "{HISTORICAL_JOB}") {{ status }} }}'
        assert await it.codes(asked, "by-name") == []
        for holder in (*MAY_NOT, "by-id"):
            assert await it.codes(asked, holder) == ["FORBIDDEN"]


SUBSCRIPTIONS = [
    f'subscription {{ jobUpdated(id: "{SERVICE_JOB}") {{ type }} }}',
    f'subscription {{ jobUpdated(id: "{MANAGEMENT_JOB}") {{ type }} }}',
    'subscription { graphJobsUpdated(graph: { name: "supply_chain" }) { type } }',
]


@pytest.mark.parametrize("subscription", SUBSCRIPTIONS)
async def test_r04_a_stream_tells_of_opened_graphs_only(subscription: str, tmp_path: Path) -> None:
    """It ends with an error before it has told anything."""
    async with guarded(tmp_path) as it:
        for holder in MAY_NOT:
            headers = {"X-Auth-Token": it.keys[holder], "Accept": "text/event-stream"}
            response = await it.gateway.client.post(PATH, json={"query": subscription}, headers=headers)
            assert '"FORBIDDEN"' in response.text
            assert '"type"' not in response.text


async def test_r04_a_stream_ends_with_the_token_that_opened_it(tmp_path: Path) -> None:
    """With an error, at the first event after that, and without telling of it."""
    query = 'subscription { graphJobsUpdated(graph: { name: "supply_chain" }) { at type } }'
    async with guarded(tmp_path, jwt_leeway_seconds=0) as it:
        headers = {"X-Auth-Token": a_token(["supply_chain"], seconds=100), "Accept": "text/event-stream"}
        response = await it.gateway.client.post(PATH, json={"query": query}, headers=headers)
    results = [json.loads(line.removeprefix("data: ")) for line in response.text.splitlines() if "data: {" in line]
    *events, last = results
    assert [error["extensions"]["code"] for error in last["errors"]] == ["UNAUTHENTICATED"]
    assert "data" not in last
    told = [datetime.fromisoformat(event["data"]["graphJobsUpdated"]["at"]) for event in events]
    assert told
    assert max(told) < BEGAN + timedelta(seconds=100)


async def test_callers_of_equal_rights_share_what_is_read(tmp_path: Path) -> None:
    """GES cannot tell them apart: one call serves all of them, and finished answers too."""
    query = PATHS["found on the service plane"]
    async with guarded(tmp_path) as it:
        tokens = [a_token(["supply_chain"], seconds) for seconds in (500, 600)]
        await it.codes(query, "by-name")
        pass_time(31)
        assert await it.codes(query, "by-name") == []
        it.gateway.upstream_calls()
        for token in tokens:
            assert await it.codes(query, token) == []
        assert it.gateway.upstream_calls() == []


async def test_callers_of_other_rights_are_asked_for_once(tmp_path: Path) -> None:
    """Bodies are the same for all, so what is new to a scope is one row, and not the page."""
    query = PATHS["found on the service plane"]
    async with guarded(tmp_path) as it:
        await it.codes(query, "by-name")
        pass_time(31)
        await it.codes(query, "by-name")
        it.gateway.upstream_calls()
        assert await it.codes(query, "everything") == []
        calls = [call for call in it.gateway.upstream_calls() if "/status" in call]
        assert [call.partition("?")[2] for call in calls] == ["offset=0&limit=1"]


async def test_a_token_that_ends_opens_nothing_more(tmp_path: Path) -> None:
    """Not even what is kept as finished bytes; the challenge says what is wrong."""
    query = PATHS["found on the service plane"]
    async with guarded(tmp_path) as it:
        token = a_token(["supply_chain"], seconds=100)
        for _ in range(3):
            assert await it.codes(query, token) == []
            pass_time(31)
        pass_time(100)
        response = await it.gateway.ask(query, headers={"X-Auth-Token": token})
        assert response.status_code == STATUS_BY_CODE["UNAUTHENTICATED"]
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="ges-gateway", error="invalid_token"'
        assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["UNAUTHENTICATED"]
        assert token not in response.text


async def test_what_is_no_credential_here_reads_nothing(tmp_path: Path) -> None:
    """A token of IAM that GES would take, a made-up key, or nothing at all."""
    async with guarded(tmp_path) as it:
        await it.codes(PATHS["found on the service plane"], "everything")
        it.gateway.upstream_calls()
        for holder in ("sandbox-token-all", "gesk_made-up", None):
            for path in PATHS.values():
                answer = await it.ask(path, holder)
                assert {error["extensions"]["code"] for error in answer["errors"]} == {"UNAUTHENTICATED"}
        assert it.gateway.upstream_calls() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("X-Auth-Token", "a"), ("X-Auth-Token", "a")], 400),
        ([("X-Auth-Token", "a"), ("Authorization", "Bearer a")], 400),
        ([("X-Auth-Token", "x" * (16 * 1024 + 1))], 400),
        ([("X-Auth-Token", b"\xc3\xbc")], 400),
    ],
)
@pytest.mark.parametrize("mode", ["passthrough", "service-account"])
async def test_r10_what_could_be_read_in_two_ways_is_refused(
    headers: Any, status: int, mode: str, tmp_path: Path
) -> None:
    """In every mode, at the door of every operation."""
    opened = guarded(tmp_path) if mode == "service-account" else open_gateway()
    async with opened as it:
        gateway = it.gateway if isinstance(it, Guarded) else it
        response = await gateway.client.post(PATH, json={"query": "{ gateway { version } }"}, headers=headers)
        assert response.status_code == status
        assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_r10_a_credential_in_the_address_counts_for_nothing(tmp_path: Path) -> None:
    """Addresses are logged by everything they pass."""
    async with guarded(tmp_path) as it:
        for name in ("X-Auth-Token", "token", "access_token"):
            params = {"query": PATHS["a graph by name"], name: it.keys["everything"]}
            answer = (await it.gateway.client.get(PATH, params=params)).json()
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_r01_no_secret_is_told_to_anybody(tmp_path: Path) -> None:
    """Neither in answers, logs and metrics, nor in keys and values of what is kept, whatever goes wrong."""
    token = a_token(["supply_chain"])
    with capture_logs() as logs:
        async with guarded(tmp_path) as it:
            secrets = [*it.keys.values(), token, PASSWORD, "sandbox-token-issued"]
            answers: list[Any] = []
            for holder in (*HOLDERS, token, "sandbox-token-all", token[:-4] + "AAAA"):
                answers += [await it.ask(path, holder) for path in PATHS.values()]
            it.gateway.sandbox.state.stage.tokens.take_back()
            pass_time(3600)
            answers += [await it.ask(path, "everything", **{"Cache-Control": "no-cache"}) for path in PATHS.values()]
            it.gateway.sandbox.state.trouble.set({"iam": {"kind": "garbage"}})
            pass_time(24 * 3600)
            answers += [await it.ask(path, "everything", **{"Cache-Control": "no-cache"}) for path in PATHS.values()]
            runtime = it.gateway.app.state.runtime
            metrics = (await it.gateway.client.get("/metrics")).text
            kept = f"{vars(runtime.store)} {vars(runtime.store._cache)} {runtime.mode}"
    told = f"{answers} {logs} {metrics} {kept}"
    assert [secret for secret in secrets if secret in told] == []
    assert len({line["event"] for line in logs}) > 1
