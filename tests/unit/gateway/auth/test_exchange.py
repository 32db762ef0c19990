"""Exchanges with IAM and issuers of keys: bounded in time and size, and silent about what was sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from gateway.auth.exchange import ExchangeError, Exchanges, Reply
from tests.support_clock import FAKE_TIME, fake_clock

pytestmark = pytest.mark.anyio
URL = "http://iam.example/v3/auth/tokens"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on a loop of fake time."""
    return FAKE_TIME


class Pieces(httpx.AsyncByteStream):
    """A body that comes in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece

    async def aclose(self) -> None:
        self.closed = True


def exchanges(say: Callable[[httpx.Request], Any]) -> Exchanges:
    """Make exchanges with somebody who answers so."""
    return Exchanges(httpx.MockTransport(say), "test/1", seconds=5, max_bytes=10)


async def test_what_is_asked_and_what_is_answered() -> None:
    """JSON both ways, in no encoding, as one body."""
    asked: list[httpx.Request] = []
    body = Pieces(b"01234", b"56789")

    def say(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(201, headers={"X-Subject-Token": "t"}, stream=body)

    reply = await exchanges(say).post(URL, b"{}")
    assert (reply.status, reply.headers["x-subject-token"], reply.content) == (201, "t", b"0123456789")
    assert body.closed
    assert (asked[0].method, asked[0].content) == ("POST", b"{}")
    sent = {name: asked[0].headers[name] for name in ("accept", "content-type", "accept-encoding", "user-agent")}
    assert sent == {
        "accept": "application/json",
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": "test/1",
    }


async def test_a_redirect_is_an_answer() -> None:
    """Following one would carry a password to wherever it leads."""
    asked: list[str] = []

    def say(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": "http://elsewhere.example/"})

    assert (await exchanges(say).get(URL)).status == 302
    assert asked == [URL]


async def test_too_large_an_answer_is_not_read_on() -> None:
    """Nor held."""
    body = Pieces(b"01234", b"567890", b"never read")
    with pytest.raises(ExchangeError, match="DecodingError"):
        await exchanges(lambda _: httpx.Response(200, stream=body)).get(URL)
    assert body.closed


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (httpx.ConnectError("secret"), "ConnectError"),
        (httpx.ReadTimeout("secret"), "ReadTimeout"),
        (httpx.InvalidURL("secret"), "InvalidURL"),
    ],
)
async def test_a_failure_names_its_kind_alone(failure: Exception, cause: str) -> None:
    """What httpx raises may hold the request, and with it the password."""

    def say(_: httpx.Request) -> httpx.Response:
        raise failure

    with pytest.raises(ExchangeError, match=f"^{cause}$") as caught:
        await exchanges(say).post(URL, b"secret")
    assert caught.value.__context__ is None


async def test_it_ends_in_time() -> None:
    """However long the other side takes."""

    async def say(_: httpx.Request) -> httpx.Response:
        await fake_clock().sleep(3600)
        return httpx.Response(200)

    with pytest.raises(ExchangeError, match=r"^Timeout$"):
        await exchanges(say).get(URL)


async def test_a_transport_for_synchronous_clients_is_a_mistake() -> None:
    """Its body could not be awaited."""

    class Wrong(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=httpx.SyncByteStream())

    with pytest.raises(TypeError):
        await Exchanges(Wrong(), "test/1").get(URL)


def test_a_reply_shows_nothing() -> None:
    """Its headers or its body may be a credential."""
    assert "s3cret" not in repr(Reply(200, httpx.Headers({"x-subject-token": "s3cret"}), b"s3cret"))
