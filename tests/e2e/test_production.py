"""The production profile, by one setting, as every transport meets it: trusted documents, no explorer, no schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.app import PATH, create_app
from gateway.settings import Settings
from tests.e2e import browser

STATUS = 'query Status { findJob(graph: {name: "movies"}, jobId: "j1", plane: SERVICE) { status } }'
WATCH = 'subscription Watch { graphJobUpdated(graph: {name: "movies"}) { type } }'
VERSION = "{ gateway { version } }"
TRUSTED = {"status-1": STATUS, "watch-1": WATCH}
OTHERS = (
    {"query": VERSION},
    {"query": f"{STATUS}\n"},
    {"query": "{ __schema { queryType { name } } }"},
    {"query": "{ gatewey { version } }"},
    {"query": "{"},
    {"documentId": "status-2"},
    {"id": hashlib.sha256(VERSION.encode()).hexdigest()},
    {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(VERSION.encode()).hexdigest()}}},
)
SECRETS = ("{ __schema { queryType { name } } }", '{ __type(name: "Job") { name } }', "{ gatewey { version } }")
ANSWER = {"data": {"findJob": {"status": "SUCCEEDED"}}}
STREAMS = ("text/event-stream", "multipart/mixed;subscriptionSpec=1.0")
TOKEN = {"X-Auth-Token": "token-of-one"}


def ges(request: httpx.Request) -> httpx.Response:
    """Say that every job has ended well."""
    return httpx.Response(200, json={"status": "success"})


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    """Write the file of trusted documents."""
    file = tmp_path / "trusted.json"
    file.write_text(json.dumps(TRUSTED))
    return file


@contextmanager
def serving(**settings: Any) -> Iterator[str]:
    """Serve a gateway in production and give its origin."""
    chosen = {"service_urls": {"movies": "http://10.0.0.5"}, "project_id": "p1", "production": True, **settings}
    with browser.serving(create_app(Settings(**chosen), transport=httpx.MockTransport(ges))) as origin:
        yield origin


@contextmanager
def started(origin: str) -> Iterator[ClientConnection]:
    """Open a socket and introduce the client."""
    url, protocols = origin.replace("http", "ws") + PATH, [Subprotocol("graphql-transport-ws")]
    with connect(url, subprotocols=protocols, compression=None) as socket:
        socket.send(json.dumps({"type": "connection_init", "payload": TOKEN}))
        assert json.loads(socket.recv(10)) == {"type": "connection_ack"}
        yield socket


def ask_socket(socket: ClientConnection, payload: dict[str, Any]) -> Any:
    """Send one operation and return the first message about it."""
    socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
    message = json.loads(socket.recv(10))
    if message["type"] == "next":
        assert json.loads(socket.recv(10)) == {"id": "1", "type": "complete"}
    return message["payload"]


def in_address(parameters: dict[str, Any]) -> dict[str, str]:
    """Return parameters as they stand in an address."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}


def code_of(answer: httpx.Response) -> str:
    """Return the code that all errors of an answer have."""
    (code,) = {entry["extensions"]["code"] for entry in answer.json()["errors"]}
    return str(code)


@pytest.mark.parametrize("asked", [{"query": STATUS}, {"documentId": "status-1"}, {"id": "status-1"}])
def test_r25_trusted_documents_are_served_over_every_transport(trusted: Path, asked: dict[str, Any]) -> None:
    """By their id, and by their very text."""
    with serving(trusted_documents_file=trusted) as origin, started(origin) as socket:
        url = origin + PATH
        assert httpx.post(url, json=asked, headers=TOKEN).json() == ANSWER
        assert httpx.get(url, params=in_address(asked), headers=TOKEN).json() == ANSWER
        assert ask_socket(socket, asked) == ANSWER
        for accept in STREAMS:
            text = httpx.post(url, json=asked, headers={**TOKEN, "Accept": accept}).text
            assert json.dumps(ANSWER, separators=(",", ":")) in text


@pytest.mark.parametrize("asked", OTHERS, ids=range(len(OTHERS)))
def test_r25_other_documents_are_refused_over_every_transport(trusted: Path, asked: dict[str, Any]) -> None:
    """Whatever is in them, valid or not: nothing of the schema is told, and a socket stays open."""
    with serving(trusted_documents_file=trusted) as origin, started(origin) as socket:
        url = origin + PATH
        answers = [httpx.post(url, json=asked, headers=TOKEN), httpx.get(url, params=in_address(asked), headers=TOKEN)]
        assert [code_of(answer) for answer in answers] == ["DOCUMENT_NOT_TRUSTED"] * 2
        newer = {**TOKEN, "Accept": "application/graphql-response+json"}
        assert httpx.post(url, json=asked, headers=newer).status_code == 400
        (entry,) = ask_socket(socket, asked)
        assert entry["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
        for accept in STREAMS:
            text = httpx.post(url, json=asked, headers={**TOKEN, "Accept": accept}).text
            assert '"code":"DOCUMENT_NOT_TRUSTED"' in text
            assert '"data"' not in text
        assert ask_socket(socket, {"documentId": "status-1"}) == ANSWER


def test_r25_no_client_can_add_to_the_trusted_documents(trusted: Path) -> None:
    """A hash with a text is a text."""
    named = {"version": 1, "sha256Hash": hashlib.sha256(VERSION.encode()).hexdigest()}
    with serving(trusted_documents_file=trusted) as origin:
        for asked in ({"query": VERSION}, {}):
            body = {**asked, "extensions": {"persistedQuery": named}}
            assert code_of(httpx.post(origin + PATH, json=body, headers=TOKEN)) == "DOCUMENT_NOT_TRUSTED"


def test_r25_with_any_document_the_schema_is_kept_back_all_the_same() -> None:
    """No introspection and no suggestions, over sockets as well."""
    with serving(any_document=True) as origin, started(origin) as socket:
        for query in (
            "{ __schema { queryType { name } } }",
            '{ __type(name: "Job") { name } }',
            "{ gatewey { version } }",
        ):
            answer = httpx.post(origin + PATH, json={"query": query}, headers=TOKEN)
            assert code_of(answer) == "GRAPHQL_VALIDATION_FAILED"
            assert "Did you mean" not in answer.text
            entries = ask_socket(socket, {"query": query})
            assert {entry["extensions"]["code"] for entry in entries} == {"GRAPHQL_VALIDATION_FAILED"}
            assert not [entry for entry in entries if "Did you mean" in entry["message"]]
        assert "version" in httpx.post(origin + PATH, json={"query": VERSION}).json()["data"]["gateway"]


def test_r25_a_browser_finds_no_explorer_but_a_page_that_says_so() -> None:
    """It runs nothing and loads nothing; its own style is what its policy allows."""
    with serving(any_document=True) as origin:
        page = httpx.get(origin, headers={"Accept": "text/html,*/*;q=0.8"}, follow_redirects=True)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "GraphQL" in page.text
        assert "<script" not in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        assert httpx.get(f"{origin}/graphiql/boot.js").status_code == 404


def test_the_landing_page_looks_as_it_is_meant_to() -> None:
    """The browser accepts its style and complains of nothing."""
    with (
        serving(any_document=True) as origin,
        browser.chromium() as chromium,
        browser.watched(chromium, origin) as watched,
    ):
        watched.page.goto(origin + PATH)
        assert watched.page.evaluate("getComputedStyle(document.body).maxWidth") == "608px"
        assert watched.page.get_by_role("heading").inner_text() == "GES gateway"
        assert (watched.complaints, watched.foreign_requests) == ([], [])
