"""Tests of reading the parameters of an operation."""

from urllib.parse import urlencode

import pytest
from starlette.requests import Request

from gateway.http.answer import RefusalError
from gateway.http.request import GraphQLRequest, read_request

pytestmark = pytest.mark.anyio
TYPED = {"content-type": "application/json"}


def post(body: bytes, headers: dict[str, str] | None = None) -> Request:
    """Return a POST as Starlette sees it."""
    raw = [(name.encode(), value.encode()) for name, value in (TYPED if headers is None else headers).items()]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": raw, "query_string": b""}, receive)


def get(query: bytes) -> Request:
    """Return a GET as Starlette sees it."""
    return Request({"type": "http", "method": "GET", "headers": [], "query_string": query})


async def refusal(request: Request) -> RefusalError:
    """Read a request that must be refused."""
    with pytest.raises(RefusalError) as caught:
        await read_request(request)
    return caught.value


async def test_all_parameters_of_a_post_are_read() -> None:
    """Unknown members are passed over."""
    body = b'{"query":"{a}","operationName":"A","variables":{"x":1},"extensions":{"e":[]},"id":7}'
    assert await read_request(post(body)) == GraphQLRequest("{a}", "A", {"x": 1}, {"e": []})


@pytest.mark.parametrize(
    "body",
    [
        b'{"query":"{a}"}',
        b'{"query":"{a}","variables":null,"operationName":null,"extensions":null}',
        b'{"query":"{a}","variables":"","operationName":"","extensions":""}',
    ],
)
async def test_what_is_empty_counts_as_absent(body: bytes) -> None:
    """Clients send null or nothing for what they do not need."""
    assert await read_request(post(body)) == GraphQLRequest("{a}", None, None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"5",
        b'"x"',
        b"true",
        b"[]",
        b'[{"query":"{a}"}]',
        b"",
        b"{",
        b'{"query":"\xff"}',
        b'{"query":"\xed\xa0\x80"}',
        b'{"query":"\\ud800"}',
        b'{"query":"{a}","variables":' + b'{"x":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        b"[" * 50_000 + b"]" * 50_000,
        b'{"query":"{a}","variables":{"x":' + b"1" * 10_000 + b"}}",
        b'{"query":"{a}","variables":{"x":1e999}}',
        b'{"query":"{a}","variables":{"x":NaN}}',
        b"{}",
        b'{"query":null}',
        b'{"query":""}',
        b'{"query":{}}',
        b'{"query":"{a}","variables":[]}',
        b'{"query":"{a}","variables":"{}"}',
        b'{"query":"{a}","operationName":1}',
        b'{"query":"{a}","extensions":true}',
    ],
    ids=range(24),
)
async def test_a_malformed_body_is_400(body: bytes) -> None:
    """Whatever it is, it is the client's mistake and never ours."""
    error = await refusal(post(body))
    assert (error.status, error.code) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/jsonp",
        "application/json; charset=iso-8859-1",
        "application/json;charset=utf-16",
    ],
)
async def test_other_content_types_are_415(content_type: str) -> None:
    """Nothing that a page of another origin may send without asking first is read."""
    assert (await refusal(post(b'{"query":"{a}"}', {"content-type": content_type}))).status == 415


async def test_a_post_without_a_content_type_is_415() -> None:
    """It could come from anywhere."""
    assert (await refusal(post(b'{"query":"{a}"}', {}))).status == 415


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON", 'application/json; charset="UTF-8"', "application/json;"]
)
async def test_json_in_utf8_is_read(content_type: str) -> None:
    """However it is spelled."""
    request = post(b'{"query":"{a}"}', {"content-type": content_type, "content-encoding": "identity"})
    assert (await read_request(request)).query == "{a}"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
async def test_a_compressed_body_is_415(encoding: str) -> None:
    """It may be far larger than it looks."""
    error = await refusal(post(b"x", {**TYPED, "content-encoding": encoding}))
    assert (error.status, error.headers) == (415, {"Accept-Encoding": "identity"})


async def test_all_parameters_of_a_get_are_read() -> None:
    """Objects come as JSON text."""
    query = urlencode({"query": "{a}", "operationName": "A", "variables": '{"x":"ü"}', "extensions": "{}", "z": "1"})
    assert await read_request(get(query.encode())) == GraphQLRequest("{a}", "A", {"x": "ü"}, {})


async def test_empty_parameters_of_a_get_count_as_absent() -> None:
    """Clients send all of them."""
    query = b"query={a}&operationName=&variables=&extensions=null"
    assert await read_request(get(query)) == GraphQLRequest("{a}", None, None, None)


@pytest.mark.parametrize("query", [b"", b"query=", b"query={a}&variables=x", b"query={a}&variables=[]"])
async def test_a_malformed_get_is_400(query: bytes) -> None:
    """Just as a malformed POST."""
    assert (await refusal(get(query))).status == 400


@pytest.mark.parametrize(
    ("body", "id", "persisted"),
    [
        (b'{"documentId":"a"}', "a", None),
        (b'{"id":"a"}', "a", None),
        (b'{"documentId":"a","id":"b"}', "a", None),
        (b'{"extensions":{"persistedQuery":{"version":1}}}', None, {"version": 1}),
        (b'{"extensions":{"persistedQuery":5}}', None, {}),
    ],
)
async def test_a_document_may_be_named_instead_of_sent(body: bytes, id: str | None, persisted: object) -> None:
    """By the names that clients of several kinds use."""
    asked = await read_request(post(body))
    assert (asked.query, asked.document_id, asked.persisted) == (None, id, persisted)


async def test_a_document_may_be_named_by_get() -> None:
    """Above all then: an address has room for little else."""
    query = urlencode({"extensions": '{"persistedQuery":{"version":1,"sha256Hash":"a"}}'})
    assert (await read_request(get(query.encode()))).persisted == {"version": 1, "sha256Hash": "a"}
    assert (await read_request(get(b"documentId=a"))).document_id == "a"
    assert (await read_request(get(b"id=a"))).document_id == "a"


@pytest.mark.parametrize("member", [b'"id":"b"', b'"id":7', b'"extensions":{"persistedQuery":null}'])
async def test_beside_a_document_an_id_is_anything(member: bytes) -> None:
    """Batching clients number their operations."""
    asked = await read_request(post(b'{"query":"{a}",' + member + b"}"))
    assert (asked.query, asked.document_id, asked.persisted) == ("{a}", None, None)


@pytest.mark.parametrize(
    "body",
    [b'{"documentId":7}', b'{"id":7}', b'{"id":""}', b'{"extensions":{"persistedQuery":null}}', b'{"extensions":{}}'],
)
async def test_what_names_no_document_is_400(body: bytes) -> None:
    """There is nothing to run."""
    assert (await refusal(post(body))).status == 400
