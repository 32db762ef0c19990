"""
GraphQL over HTTP as clients rely on it: the audits of the graphql-http project in our words, and what they leave out.

Every answer, also to requests that are no GraphQL at all, is JSON with coded errors.
"""

import hashlib
import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.cache.store import open_store
from gateway.http.persisted import PersistedDocuments
from gateway.rates import Rates
from schema.errors import UnauthenticatedError
from tests.support_graphql import REQUEST_ID, Door, application, client_of

pytestmark = pytest.mark.anyio
JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
BOTH = pytest.mark.parametrize("accept", [JSON, GRAPHQL])
HELLO = {"data": {"hello": "Hello, you!"}}


async def ask(method: str = "POST", accept: str | None = JSON, **options: Any) -> httpx.Response:
    """Send one request; every answer keeps these promises."""
    headers = {"Accept": accept or "", **options.pop("headers", {})}
    async with client_of(application()) as client:
        if accept is None:
            del client.headers["Accept"], headers["Accept"]
        answer = await client.request(method, "/graphql", headers=headers, **options)
    assert "Accept" in answer.headers["vary"]
    assert answer.headers["x-request-id"] == REQUEST_ID
    assert answer.headers["content-type"].endswith("json; charset=utf-8")
    content = answer.json()
    for error in content.get("errors", ()):
        assert error["message"]
        assert error["extensions"]["code"]
        assert error["extensions"]["requestId"] == REQUEST_ID
    if method == "POST" or "errors" in content:
        assert answer.headers["cache-control"] == "no-store"
    return answer


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of a request of which nothing was executed."""
    content = answer.json()
    assert "data" not in content
    return answer.status_code, content["errors"][0]["extensions"]["code"]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [(GRAPHQL, GRAPHQL), (JSON, JSON), ("*/*", JSON), (None, JSON), (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL)],
)
async def test_the_answer_has_the_media_type_that_was_asked_for(accept: str | None, media_type: str) -> None:
    """In UTF-8, always."""
    answer = await ask(accept=accept, json={"query": "{ hello }"})
    assert (answer.status_code, answer.json()) == (200, HELLO)
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nothing_acceptable_is_406(method: str) -> None:
    """And says what there is."""
    answer = await ask(method, "text/csv", params={"query": "{ hello }"})
    assert refused(answer) == (406, "BAD_USER_INPUT")
    assert JSON in answer.json()["errors"][0]["message"]


async def test_requests_are_utf8() -> None:
    """Said or not."""
    for content_type in (JSON, "application/json; charset=utf-8"):
        body = '{"query":"{ hello(name: \\"Zoë 🦔\\") }"}'.encode()
        answer = await ask(content=body, headers={"Content-Type": content_type})
        assert answer.json() == {"data": {"hello": "Hello, Zoë 🦔!"}}


@BOTH
async def test_all_parameters_may_come_by_post(accept: str) -> None:
    """Null and absent are the same."""
    document = "query A { hello } query B($n: String!) { hello(name: $n) }"
    body = {"query": document, "operationName": "B", "variables": {"n": "Ada"}, "extensions": {"some": "value"}}
    assert (await ask(accept=accept, json=body)).json() == {"data": {"hello": "Hello, Ada!"}}
    nothing = {"operationName": None, "variables": None, "extensions": None, "unknown": 1}
    assert (await ask(accept=accept, json={"query": "{ hello }", **nothing})).json() == HELLO


@BOTH
async def test_all_parameters_may_come_by_get(accept: str) -> None:
    """Without any header of its own; the client may keep the answer, but asks again."""
    document = "query A { hello } query B($n: String!) { hello(name: $n) }"
    params = {"query": document, "operationName": "B", "variables": '{"n":"Ada"}', "extensions": "{}"}
    answer = await ask("GET", accept, params=params)
    assert (answer.status_code, answer.json()) == (200, {"data": {"hello": "Hello, Ada!"}})
    assert answer.headers["cache-control"] == "private, no-cache"


async def test_an_answer_by_get_is_not_sent_again_to_who_has_it() -> None:
    """Compressed or not, and only while it is the same; a POST is never kept."""
    params = {"query": "{ hello }"}
    first = await ask("GET", params=params)
    asked = {"If-None-Match": first.headers["etag"]}
    async with client_of(application()) as client:
        again = await client.get("/graphql", params=params, headers={"Accept": JSON, **asked})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert again.headers["cache-control"] == "private, no-cache"
        assert "content-type" not in again.headers
    assert (await ask("GET", params={"query": '{ hello(name: "Ada") }'}, headers=asked)).status_code == 200
    posted = await ask(json={"query": "{ hello }"}, headers=asked)
    assert (posted.status_code, "etag" in posted.headers) == (200, False)


async def test_r32_who_may_not_see_an_answer_is_not_told_that_it_is_the_same() -> None:
    """The right is asked for first."""
    door = Door(UnauthenticatedError("No credential."))
    async with client_of(application(door)) as client:
        answer = await client.get("/graphql?query={hello}", headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.headers["cache-control"]) == (401, "no-store")


async def test_an_answer_by_get_with_errors_is_kept_by_nobody() -> None:
    """They may be gone the next time."""
    for query in ("{ missing }", "{", "{ nothing }"):
        answer = await ask("GET", params={"query": query}, headers={"If-None-Match": "*"})
        assert (answer.headers["cache-control"], "etag" in answer.headers) == ("no-store", False)
        assert answer.status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
async def test_other_methods_are_405(method: str) -> None:
    """And say which there are."""
    answer = await ask(method, json={"query": "{ hello }"})
    assert refused(answer) == (405, "BAD_USER_INPUT")
    assert answer.headers["allow"] == "GET, POST"


async def test_head_is_405() -> None:
    """Its answer has no body a client could read."""
    async with client_of(application()) as client:
        answer = await client.head("/graphql?query={hello}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_r24_a_mutation_by_get_is_405_and_not_executed() -> None:
    """Following a link changes nothing; also when the document has other faults."""
    for query in ("mutation { change }", "mutation { nothing }", "query A { hello } mutation B { change }"):
        answer = await ask("GET", params={"query": query, "operationName": "B" if " B " in query else ""})
        assert refused(answer) == (405, "BAD_USER_INPUT")
        assert answer.headers["allow"] == "POST"
    assert (await ask(json={"query": "mutation { change }"})).json() == {"data": {"change": True}}


@BOTH
async def test_a_subscription_needs_a_client_that_takes_streams(accept: str) -> None:
    """The error says how to ask."""
    answer = await ask(accept=accept, json={"query": "subscription { hello }"})
    assert refused(answer) == (406, "BAD_USER_INPUT")
    assert "text/event-stream" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/graphql"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": JSON, "Content-Encoding": "gzip"},
    ],
)
async def test_r24_other_content_is_415(headers: dict[str, str]) -> None:
    """Above all what a page of another origin may send without asking first."""
    assert refused(await ask(content=b'{"query":"{ hello }"}', headers=headers)) == (415, "BAD_USER_INPUT")


@BOTH
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"null", b"5", b'"x"', b"true", b"[]", b'[{"query":"{hello}"}]', b"\xff", b'"\\ud800"', b"{}"),
        *(b"[" * 50_000 + b"]" * 50_000, b"[" * 50_000, b'{"query":' + b"9" * 10_000 + b"}", b'{"query":[]}'),
    ],
    ids=range(15),
)
async def test_a_malformed_request_is_400_in_any_media_type(accept: str, body: bytes) -> None:
    """Never 500, and nothing of it is repeated."""
    answer = await ask(accept=accept, content=body, headers={"Content-Type": JSON})
    assert refused(answer) == (400, "BAD_USER_INPUT")
    assert len(answer.content) < 300


@BOTH
async def test_of_a_member_that_comes_twice_the_last_counts(accept: str) -> None:
    """As in browsers. Nobody before or behind reads the body, so nobody can read it otherwise."""
    body = b'{"query":"{ nothing }","variables":5,"variables":{},"query":"{ hello }"}'
    assert (await ask(accept=accept, content=body, headers={"Content-Type": JSON})).json() == HELLO


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", ["variables", "operationName", "extensions"])
async def test_an_empty_parameter_counts_as_absent(method: str, name: str) -> None:
    """Clients send all of them."""
    asked = {"query": "{ hello }", name: ""}
    answer = await (ask("GET", params=asked) if method == "GET" else ask(json=asked))
    assert answer.json() == HELLO


@BOTH
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("query", "operationName") for value in ({"a": 1}, 0, True, ["array"])),
        *((name, value) for name in ("variables", "extensions") for value in ("string", 0, False, ["array"])),
    ],
)
async def test_a_parameter_of_the_wrong_type_is_400(accept: str, name: str, value: object) -> None:
    """Each has one type."""
    assert refused(await ask(accept=accept, json={"query": "{ hello }", name: value})) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (GRAPHQL, 400)])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A { hello } query B { hello }"}, "BAD_USER_INPUT"),
        ({"query": "query A { hello }", "operationName": "B"}, "BAD_USER_INPUT"),
        ({"query": "fragment F on Query { hello }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query ($n: String!) { hello(name: $n) }"}, "BAD_USER_INPUT"),
        ({"query": "query ($n: String!) { hello(name: $n) }", "variables": {"n": {}}}, "BAD_USER_INPUT"),
        ({"query": "{ hello " + "x " * 1_000 + "}"}, "LIMIT_EXCEEDED"),
    ],
)
async def test_a_document_that_is_not_executed_has_no_data(
    accept: str, status: int, body: dict[str, Any], code: str
) -> None:
    """400 for those who know the newer media type; the others understand errors with 200 only."""
    assert refused(await ask(accept=accept, json=body)) == (status, code)


@BOTH
async def test_an_executed_operation_is_200_whatever_its_fields_say(accept: str) -> None:
    """`data` is there, if only as null."""
    assert (await ask(accept=accept, json={"query": "{ missing }"})).status_code == 200
    answer = await ask(accept=accept, json={"query": "{ needed }"})
    assert (answer.status_code, answer.json()["data"]) == (200, None)


@BOTH
async def test_the_same_document_is_answered_alike_the_second_time(accept: str) -> None:
    """Documents are kept, requests are not."""
    async with client_of(application()) as client:
        for query in ("{ hello }", "{ nothing }", "{"):
            first = await client.post("/graphql", json={"query": query}, headers={"Accept": accept})
            other = {"Accept": accept, "X-Request-Id": "test-2"}
            second = await client.post("/graphql", json={"query": query}, headers=other)
            assert second.status_code == first.status_code
            assert second.text == first.text.replace(REQUEST_ID, "test-2")


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (GRAPHQL, 429)])
async def test_new_documents_by_the_hundred_are_refused_with_the_time_to_wait(accept: str, status: int) -> None:
    """Each costs CPU to validate; those that are known do not."""
    rates = Rates(per_caller=1, in_all=10, clock=lambda: 0.0)
    async with client_of(application(rates=rates)) as client:
        for number in range(10):
            await client.post("/graphql", json={"query": f"{{ a{number}: hello }}"})
        answer = await client.post("/graphql", json={"query": "{ hello }"}, headers={"Accept": accept})
        known = await client.post("/graphql", json={"query": "{ a3: hello }"}, headers={"Accept": accept})
    assert refused(answer) == (status, "LIMIT_EXCEEDED")
    extensions = answer.json()["errors"][0]["extensions"]
    assert (extensions["limit"], extensions["maximum"], extensions["asked"]) == ("unknownDocuments", 10, 11)
    assert answer.headers["retry-after"] == str(extensions["retryAfterSeconds"]) == "1"
    assert known.json() == {"data": {"a3": "Hello, you!"}}


HELLO_HASH = hashlib.sha256(b"{ hello }").hexdigest()


def persisted(text: str, **more: Any) -> dict[str, Any]:
    """Return what names a document by its hash."""
    named = {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest(), **more}
    return {"extensions": {"persistedQuery": named}}


def by_get(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as they stand in an address."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}


def storing() -> Starlette:
    """Return the endpoint where clients may store documents."""
    return application(persisted=PersistedDocuments(open_store("memory", max_bytes=100_000)))


@BOTH
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_document_is_sent_once_and_then_named(accept: str, method: str) -> None:
    """A hash nobody knows is answered 200, so that clients go on with the text, and nobody keeps that answer."""
    async with client_of(storing()) as client:
        client.headers["Accept"] = accept

        async def asks(parameters: dict[str, Any]) -> httpx.Response:
            if method == "GET":
                return await client.get("/graphql", params=by_get(parameters))
            return await client.post("/graphql", json=parameters)

        unknown = await asks(persisted("{ hello }"))
        assert refused(unknown) == (200, "PERSISTED_QUERY_NOT_FOUND")
        assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotFound"
        assert unknown.headers["cache-control"] == "no-store"
        assert (await asks({"query": "{ hello }", **persisted("{ hello }")})).json() == HELLO
        assert (await asks(persisted("{ hello }"))).json() == HELLO
        assert (await asks({"documentId": f"sha256:{HELLO_HASH}"})).json() == HELLO


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (GRAPHQL, 400)])
@pytest.mark.parametrize(
    "more", [{"sha256Hash": "a" * 64}, {"sha256Hash": "x"}, {"sha256Hash": 5}, {"version": 2}, {"version": None}]
)
async def test_a_hash_that_is_wrong_is_refused(accept: str, status: int, more: dict[str, Any]) -> None:
    """Not that of the text, no SHA-256 at all, or of rules that nobody here knows."""
    async with client_of(storing()) as client:
        asked = {"query": "{ hello }", **persisted("{ hello }", **more)}
        answer = await client.post("/graphql", json=asked, headers={"Accept": accept})
        assert refused(answer) == (status, "BAD_USER_INPUT")
        kept = await client.post("/graphql", json={"documentId": more.get("sha256Hash") or HELLO_HASH})
        assert kept.status_code in (200, 400)
        assert "errors" in kept.json()


async def test_only_documents_that_are_valid_are_kept() -> None:
    """What cannot be run need not be asked for again."""
    async with client_of(storing()) as client:
        for text in ("{ nothing }", "{"):
            await client.post("/graphql", json={"query": text, **persisted(text)})
            answer = await client.post("/graphql", json=persisted(text))
            assert refused(answer) == (200, "PERSISTED_QUERY_NOT_FOUND")


async def test_r24_a_named_mutation_by_get_is_405_and_not_executed() -> None:
    """Naming it changes nothing."""
    async with client_of(storing()) as client:
        mutation = "mutation { change }"
        stored = await client.post("/graphql", json={"query": mutation, **persisted(mutation)})
        assert stored.json() == {"data": {"change": True}}
        answer = await client.get("/graphql", params=by_get(persisted(mutation)))
        assert refused(answer) == (405, "BAD_USER_INPUT")
        assert answer.headers["allow"] == "POST"


async def test_where_nothing_is_stored_clients_are_told_to_send_the_text() -> None:
    """By the words that they know."""
    answer = await ask(json=persisted("{ hello }"))
    assert refused(answer) == (200, "PERSISTED_QUERY_NOT_SUPPORTED")
    assert answer.json()["errors"][0]["message"] == "PersistedQueryNotSupported"
    assert (await ask(json={"query": "{ hello }", **persisted("{ hello }")})).json() == HELLO
