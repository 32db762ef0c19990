"""The gateway with an account of its own as a process of its own, before the sandbox as another: tokens as they end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from websockets import Subprotocol
from websockets.sync.client import ClientConnection, connect

from gateway.__main__ import main
from gateway.auth.api_keys import make_key
from gateway.demo.graphs import PROJECT_ID
from gateway.http.socket_messages import PROTOCOL
from schema.ids import GraphKey, JobRef, job_id_of
from schema.plane import Plane
from tests.support_process import Program, running
from tests.support_upstream import raw_upstream

RANKING = "5e9c0705-41d8-4b6a-93f0-27ac1d0e0005007740215"
IMPORT = "8a1f0000000000000000000000000003"
PASSWORD = "sandbox-password"
USER = {"ACCOUNT_DOMAIN": "acme", "ACCOUNT_USER": "gateway", "ACCOUNT_PASSWORD": PASSWORD}
ACCESS_KEY = {"ACCOUNT_ACCESS_KEY": "sandbox-access-key", "ACCOUNT_SECRET_KEY": "sandbox-secret-key"}
FRESH = {"Cache-Control": "no-cache"}
RANKED = f'{{ findJob(graph: {{ name: "supply_chain" }}, jobId: "{RANKING}", plane: SERVICE) {{ status }} }}'
IMPORTED = f'{{ findJob(graph: {{ name: "supply_chain" }}, jobId: "{IMPORT}", plane: MANAGEMENT) {{ status }} }}'
WATCHED = job_id_of(JobRef(Plane.SERVICE, GraphKey(PROJECT_ID, name="supply_chain"), RANKING))
PATIENCE_SECONDS = 10.0
# More asking than any renewal takes, and an end to it where there is none.
_MOST_ASKS = 5000


@dataclass
class Sandbox:
    """A sandbox under test: its IAM as well as its planes."""

    url: str

    def tokens(self, method: str = "GET", **wanted: Any) -> int:
        """Change how tokens live; return how many were issued so far."""
        reply = httpx.request(method, f"{self.url}/_sandbox/tokens", json=wanted or None)
        assert reply.status_code == 200
        return int(reply.json()["issued"])

    def asked_of_iam(self) -> int:
        """Return how often a token was asked for since the last time, and forget it."""
        calls = httpx.get(f"{self.url}/_sandbox/calls").json()["calls"]
        httpx.delete(f"{self.url}/_sandbox/calls")
        return sum(call["plane"] == "iam" for call in calls)


@dataclass
class Served:
    """A gateway under test."""

    program: Program
    sandbox: Sandbox

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.program.port}/graphql"

    def ask(self, query: str = RANKED, **headers: str) -> dict[str, Any]:
        """Ask GES anew; return the answer."""
        answer: dict[str, Any] = httpx.post(self.url, json={"query": query}, headers={**FRESH, **headers}).json()
        return answer

    async def ask_often(self, count: int) -> list[dict[str, Any]]:
        """Ask GES anew for as many different jobs at once."""
        query = '{{ findJob(graph: {{ name: "supply_chain" }}, jobId: "no-{}", plane: SERVICE) {{ status }} }}'
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=count)) as client:
            asks = [
                client.post(self.url, json={"query": query.format(n)}, headers=FRESH, timeout=30) for n in range(count)
            ]
            return [reply.json() for reply in await asyncio.gather(*asks)]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of its own."""
    with running(["-m", "gateway", "sandbox", "--port", "0"]) as program:
        yield Sandbox(f"http://127.0.0.1:{program.port}")


@contextmanager
def serving(sandbox: Sandbox, **settings: Any) -> Iterator[Served]:
    """Serve a gateway with an account of its own before a sandbox."""
    chosen = {
        "AUTH_MODE": "service-account",
        "PROJECT_ID": PROJECT_ID,
        "MANAGEMENT_URL": sandbox.url,
        "IAM_URL": sandbox.url if "ACCOUNT_USER" in settings else "",
        **settings,
    }
    environ = {f"GES_GATEWAY_{name}": str(value) for name, value in chosen.items()}
    with running(["-m", "gateway", "serve", "--port", "0"], environ) as program:
        yield Served(program, sandbox)


def codes(answer: dict[str, Any]) -> list[str]:
    """Return the codes of the errors in an answer."""
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


def test_a_token_is_renewed_before_it_ends(sandbox: Sandbox) -> None:
    """Several times, under reads of which none fails."""
    sandbox.tokens("PUT", lifetimeSeconds=1)
    with serving(sandbox, **USER) as it:
        for _ in range(_MOST_ASKS):
            assert codes(it.ask()) == []
            if sandbox.tokens() >= 3:
                break
        assert 3 <= sandbox.tokens() < 8


def test_a_token_that_was_taken_back_is_renewed_once_for_fifty_reads(sandbox: Sandbox) -> None:
    """All of them are answered as if nothing had been."""
    with serving(sandbox, **USER) as it:
        assert codes(it.ask()) == []
        assert sandbox.tokens("DELETE") == 1
        answers = asyncio.run(it.ask_often(50))
        assert [codes(answer) for answer in answers] == [["NOT_FOUND"]] * 50
        assert sandbox.tokens() == 2
        metrics = httpx.get(f"http://127.0.0.1:{it.program.port}/metrics").text
        assert 'ges_gateway_account_tokens_total{outcome="issued"} 2.0' in metrics


def test_fifty_first_reads_cause_one_token(sandbox: Sandbox) -> None:
    """Nobody has to be first."""
    with serving(sandbox, **USER) as it:
        assert [codes(answer) for answer in asyncio.run(it.ask_often(50))] == [["NOT_FOUND"]] * 50
        assert sandbox.tokens() == 1


def test_a_wrong_password_is_told_and_not_tried_again_and_again(sandbox: Sandbox) -> None:
    """IAM would lock the user."""
    with serving(sandbox, **{**USER, "ACCOUNT_PASSWORD": "hunter2-hunter2"}) as it:
        answers = [it.ask(), it.ask(IMPORTED), *asyncio.run(it.ask_often(50))]
        assert [codes(answer) for answer in answers] == [["UNAUTHENTICATED"]] * 52
        assert "gateway's own user" in answers[0]["errors"][0]["message"]
        assert sandbox.asked_of_iam() == 1
        it.program.process.terminate()
        ended = it.program.end()
    assert "hunter2" not in json.dumps(answers) + ended.logged + ended.printed
    assert '"event":"account_failed"' in ended.logged


def test_a_key_alone_serves_the_management_plane_and_says_so(sandbox: Sandbox) -> None:
    """With a user beside it, both."""
    with serving(sandbox, **ACCESS_KEY) as it:
        assert it.ask(IMPORTED)["data"]["findJob"] == {"status": "PARTIALLY_FAILED"}
        refused = it.ask(RANKED)
        assert codes(refused) == ["PLANE_UNAVAILABLE"]
        assert refused["errors"][0]["extensions"]["plane"] == "SERVICE"
        assert "tokens only" in refused["errors"][0]["message"]
    with serving(sandbox, **ACCESS_KEY, **USER) as it:
        assert codes(it.ask(IMPORTED)) == codes(it.ask(RANKED)) == []
    with serving(sandbox, **{**ACCESS_KEY, "ACCOUNT_SECRET_KEY": "wrong"}) as it:
        assert codes(it.ask(IMPORTED)) == ["UNAUTHENTICATED"]


@contextmanager
def subscribed(url: str, **payload: str) -> Iterator[ClientConnection]:
    """Open a socket with credentials in its first message, and ask for a subscription."""
    with connect(url.replace("http", "ws"), subprotocols=[Subprotocol(PROTOCOL)], compression=None) as socket:
        socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(socket.recv(PATIENCE_SECONDS)) == {"type": "connection_ack"}
        query = f'subscription {{ jobUpdated(id: "{WATCHED}") {{ type job {{ status }} }} }}'
        socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": query}}))
        yield socket


def test_sockets_take_the_same_credentials(sandbox: Sandbox, tmp_path: Path) -> None:
    """In the payload of `connection_init`, under either name; what is refused elsewhere is refused here."""
    supply, people = make_key("supply", ["supply_chain"]), make_key("people", ["hr_people"])
    file = tmp_path / "keys.json"
    file.write_bytes(msgspec.json.encode({"keys": [supply.entry, people.entry]}))
    with serving(sandbox, **USER, API_KEYS_FILE=file) as it:
        for payload in ({"Authorization": f"Bearer {supply.text}"}, {"x-auth-token": supply.text}):
            with subscribed(it.url, **payload) as socket:
                event = json.loads(socket.recv(PATIENCE_SECONDS))["payload"]["data"]["jobUpdated"]
                assert event == {"type": "SNAPSHOT", "job": {"status": "SUCCEEDED"}}
        for credential, code in (
            (people.text, "FORBIDDEN"),
            ("sandbox-token-all", "UNAUTHENTICATED"),
            ("", "UNAUTHENTICATED"),
        ):
            with subscribed(it.url, Authorization=f"Bearer {credential}") as socket:
                told = json.loads(socket.recv(PATIENCE_SECONDS))
                assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", code)


def test_without_credentials_of_callers_only_this_machine_is_answered(sandbox: Sandbox) -> None:
    """A page whose name was pointed here is not, by whatever transport it asks."""
    with serving(sandbox, **USER) as it:
        assert codes(it.ask()) == []
        assert codes(it.ask(Host=f"localhost:{it.program.port}")) == []
        reply = httpx.post(it.url, json={"query": RANKED}, headers={"Host": f"evil.example:{it.program.port}"})
        assert (reply.status_code, codes(reply.json())) == (403, ["FORBIDDEN"])


def test_without_credentials_of_callers_it_starts_on_this_machine_only(capsys: pytest.CaptureFixture[str]) -> None:
    """The setting at fault is named, before any port is opened."""
    settings = {
        "AUTH_MODE": "service-account",
        "PROJECT_ID": PROJECT_ID,
        "MANAGEMENT_URL": "http://127.0.0.1:1",
        "IAM_URL": "http://127.0.0.1:1",
        **USER,
    }
    environ = {f"GES_GATEWAY_{name}": value for name, value in settings.items()}
    assert main(["serve", "--host", "0.0.0.0"], environ) == 2
    told = capsys.readouterr().err
    assert "GES_GATEWAY_HOST: without GES_GATEWAY_API_KEYS_FILE" in told
    assert PASSWORD not in told


@pytest.mark.anyio
async def test_keys_of_an_issuer_are_had_over_http(sandbox: Sandbox) -> None:
    """Once for many tokens of it; a token of another issuer opens nothing."""
    key, other = ECKey.generate_key("P-256", {"kid": "one"}), ECKey.generate_key("P-256", {"kid": "one"})
    published = msgspec.json.encode({"keys": [key.as_dict(private=False)]})
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(published)
    claims = {"iss": "i", "aud": "a", "exp": 4_000_000_000, "groups": ["analysts"]}
    good, bad = (jwt.encode({"alg": "ES256", "kid": "one"}, claims, signer) for signer in (key, other))
    async with raw_upstream(head + published) as issuer:
        settings = {
            **USER,
            "JWKS_URL": f"{issuer.origin}/keys",
            "JWT_ISSUER": "i",
            "JWT_AUDIENCE": "a",
            "JWT_ALGORITHMS": "ES256",
            "JWT_CLAIM": "groups",
            "JWT_GRAPHS": json.dumps({"analysts": ["supply_chain"]}),
        }
        with serving(sandbox, **settings) as it:
            answers = [
                await asyncio.to_thread(it.ask, RANKED, Authorization=f"Bearer {token}") for token in (good, good, bad)
            ]
            other_graph = RANKED.replace("supply_chain", "hr_people")
            answers.append(await asyncio.to_thread(it.ask, other_graph, Authorization=f"Bearer {good}"))
    assert [codes(answer) for answer in answers] == [[], [], ["UNAUTHENTICATED"], ["FORBIDDEN"]]
    assert len(issuer.requests) == 1
    assert b"GET /keys HTTP/1.1" in issuer.requests[0]
    assert b"uthorization" not in issuer.requests[0]
