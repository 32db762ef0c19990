"""The client: addresses, answers, events, downloads, and every way in which a gateway cannot be asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from gateway.cli.client import AskError, GatewayClient

pytestmark = pytest.mark.anyio

Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer, url: str = "http://gateway.example", **options: Any) -> GatewayClient:
    """Make a client of a gateway that answers so."""
    return GatewayClient(url, **{"token": "t1", "transport": httpx.MockTransport(answer), **options})


def saying(status: int, content: Any) -> Answer:
    """Answer everything with this."""
    return lambda _: httpx.Response(status, content=content if isinstance(content, bytes) else json.dumps(content))


def refusal(code: str, **extensions: Any) -> Any:
    """Say one error."""
    return {"errors": [{"message": "m", "extensions": {"code": code, **extensions}}]}


class Broken(httpx.AsyncByteStream):
    """A body that breaks off."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"vertexId\r\n"
        raise httpx.RemoteProtocolError("TransferEncodingError")


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://gateway.example", "http://gateway.example/graphql"),
        ("http://gateway.example:8000/", "http://gateway.example:8000/graphql"),
        ("https://proxy.example/team/ges", "https://proxy.example/team/ges/graphql"),
        ("https://proxy.example/team/ges/graphql", "https://proxy.example/team/ges/graphql"),
    ],
)
async def test_a_server_or_a_folder_stands_for_its_endpoint(url: str, endpoint: str) -> None:
    """And a download is beside that."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"data": {"job": 1}})

    async with client(answer, url, project="p1") as gateway:
        assert await gateway.ask("{ job }", {"id": 1}) == 1
        async with gateway.download("export/x.csv", {"offset": "5"}) as download:
            assert download.total is None
    beside = endpoint.replace("graphql", "export/x.csv?offset=5")
    assert [str(request.url) for request in asked] == [endpoint, beside]
    assert json.loads(asked[0].content) == {"query": "{ job }", "variables": {"id": 1}}
    assert [(request.headers["X-Auth-Token"], request.headers["X-Project-Id"]) for request in asked] == [
        ("t1", "p1")
    ] * 2


@pytest.mark.parametrize("url", ["gateway.example", "ftp://gateway.example", "http://"])
def test_what_is_no_address_is_told(url: str) -> None:
    """Before anything is sent."""
    with pytest.raises(AskError, match="no address"):
        client(saying(200, {}), url)


async def test_who_has_no_token_sends_none() -> None:
    """The gateway says what it wants."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert "X-Auth-Token" not in request.headers
        return httpx.Response(200, json={"data": {"job": 1}})

    async with client(answer, token=None) as gateway:
        await gateway.ask("{ job }", {})


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (saying(200, {"data": {"job": None}, "errors": [{"message": "m", "extensions": {"code": "NOT_FOUND"}}]}),
         "NOT_FOUND", False),
        (saying(504, refusal("TIMEOUT", retryable=True)), "TIMEOUT", True),
        (saying(401, refusal("UNAUTHENTICATED")), "UNAUTHENTICATED", False),
        (saying(503, refusal("OVERLOADED")), "OVERLOADED", True),
        (saying(200, {"data": {"job": None}}), "", False),
        (saying(200, []), "", False),
        (saying(502, b"<html>"), "", False),
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_an_error(answer: Answer, code: str, retryable: bool) -> None:
    """For a query, for events and for a download alike."""
    async with client(answer) as gateway:
        with pytest.raises(AskError) as met:
            await gateway.ask("{ job }", {})
        assert (met.value.code, met.value.retryable) == (code, retryable)
        with pytest.raises(AskError) as met:
            await anext(aiter(gateway.events("subscription { job }", {})))
        assert met.value.code == code


async def test_a_refused_download_is_an_error() -> None:
    """With its code; a redirect is none of a gateway."""
    async with client(saying(409, {"errors": [{"message": "m", "extensions": {"code": "JOB_NOT_ENDED"}}]})) as gateway:
        with pytest.raises(AskError, match=r"^m$") as met:
            async with gateway.download("export/x.csv", {}):
                pass
    assert met.value.code == "JOB_NOT_ENDED"


async def test_a_gateway_that_is_not_there_may_be_asked_again() -> None:
    """The text says what is wrong, not to whom what was sent."""

    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("ECONNREFUSED")

    async with client(refuse) as gateway:
        with pytest.raises(AskError, match="does not answer: ECONNREFUSED") as met:
            await gateway.ask("{ job }", {})
    assert met.value.retryable


async def test_a_download_that_is_cut_off_is_no_whole_one() -> None:
    """What came before is given."""
    pieces: list[bytes] = []

    async def take() -> None:
        async with gateway.download("export/x.csv", {}) as download:
            assert download.total == 7
            async for piece in download.pieces:
                pieces.append(piece)

    async with client(lambda _: httpx.Response(200, headers={"X-Total-Count": "7"}, stream=Broken())) as gateway:
        with pytest.raises(AskError, match="TransferEncodingError"):
            await take()
    assert pieces == [b"vertexId\r\n"]


async def test_events_are_read_until_they_are_complete() -> None:
    """Signs of life between them are none."""
    events = b"".join(b'event: next\ndata: {"data":{"job":%d}}\n\n:\n\n' % number for number in (1, 2))
    text = b":\n\n" + events + b"event: complete\ndata:\n\n" + events
    answer = httpx.Response(200, headers={"Content-Type": "text/event-stream; charset=utf-8"}, content=text)
    async with client(lambda _: answer) as gateway:
        assert [event async for event in gateway.events("subscription { job }", {})] == [1, 2]


async def test_an_event_that_is_an_error_ends_them() -> None:
    """The operation has failed."""
    text = b'event: next\ndata: {"errors":[{"message":"m","extensions":{"code":"FORBIDDEN"}}]}\n\n'
    answer = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=text)
    async with client(lambda _: answer) as gateway:
        with pytest.raises(AskError, match=r"^m$"):
            await anext(aiter(gateway.events("subscription { job }", {})))
