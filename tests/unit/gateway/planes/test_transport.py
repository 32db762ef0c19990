"""The engine: httpx outside, aiohttp inside; every failure has its httpx name, no connection is reused by mistake."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp.client_reqrep import ConnectionKey

from gateway.planes import transport as engine
from gateway.planes.transport import AiohttpTransport, TLSOptions
from tests.support_upstream import OK, Step, Then, raw_upstream

pytestmark = pytest.mark.anyio

HEAD = b"HTTP/1.1 200 OK\r\n"
LENGTH_20 = HEAD + b"Content-Length: 20\r\n\r\nok"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"


@asynccontextmanager
async def open_transport(connections: int = 2, tls: TLSOptions | None = None) -> AsyncIterator[AiohttpTransport]:
    """Give a transport and close it."""
    transport = AiohttpTransport(tls=tls or TLSOptions(), connections=connections)
    try:
        yield transport
    finally:
        await transport.aclose()


def asking(origin: str, timeouts: dict[str, float | None] | None = None, **options: Any) -> httpx.Request:
    """Describe a GET of an origin."""
    extensions = {"timeout": timeouts} if timeouts else {}
    return httpx.Request("GET", origin + "/", extensions=extensions, **options)


async def exchange(transport: AiohttpTransport, request: httpx.Request) -> tuple[int, bytes]:
    """Send, read everything, close. A test that would hang fails instead."""
    async with asyncio.timeout(5):
        response = await transport.handle_async_request(request)
        try:
            return response.status_code, b"".join([chunk async for chunk in response.aiter_raw()])
        finally:
            await response.aclose()


FAULTS: dict[str, tuple[tuple[Step, ...], type[httpx.TransportError]]] = {
    "reset before the answer": ((Then.RESET,), httpx.ReadError),
    "closed before the answer": ((Then.CLOSE,), httpx.ReadError),
    "closed within the head": ((HEAD + b"Content-Le", Then.CLOSE), httpx.ReadError),
    "reset within the body": ((LENGTH_20, Then.RESET), httpx.ReadError),
    "reset within chunks": ((CHUNKED, Then.RESET), httpx.ReadError),
    "reset instead of the end": ((HEAD + b"\r\nok", Then.RESET), httpx.ReadError),
    "shorter than announced": ((LENGTH_20, Then.CLOSE), httpx.RemoteProtocolError),
    "chunks without an end": ((CHUNKED, Then.CLOSE), httpx.RemoteProtocolError),
    "a bad chunk with the head": ((CHUNKED + b"ZZ\r\n", Then.HANG), httpx.RemoteProtocolError),
    "a bad chunk later": ((CHUNKED, b"ZZ\r\n", Then.HANG), httpx.RemoteProtocolError),
    "garbage": ((b"\x00\x01 good morning\r\n\r\n", Then.HANG), httpx.RemoteProtocolError),
    "two lengths": ((HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk",), httpx.RemoteProtocolError),
    "a length and chunks": (
        (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",),
        httpx.RemoteProtocolError,
    ),
    "a header too large": ((HEAD + b"X: " + b"a" * 100_000, Then.HANG), httpx.RemoteProtocolError),
    "too many headers": ((HEAD + b"A: b\r\n" * 1000 + b"\r\n", Then.HANG), httpx.RemoteProtocolError),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_on_the_wire_has_its_httpx_name_and_is_met_once(name: str) -> None:
    """aiohttp would send a GET again after a reset; how often GES is asked is not its decision."""
    steps, expected = FAULTS[name]
    async with raw_upstream(*steps) as upstream, open_transport() as transport:
        request = asking(upstream.origin, headers={"X-Auth-Token": "secret-token"})
        with pytest.raises(httpx.TransportError) as caught:
            await exchange(transport, request)
        assert type(caught.value) is expected
        assert len(upstream.requests) == 1


@pytest.mark.parametrize("steps", [(b"\x00 garbage\r\n\r\n",), (LENGTH_20, Then.CLOSE), (Then.RESET,)])
async def test_a_failure_carries_neither_request_nor_address(steps: tuple[Step, ...]) -> None:
    """Neither its text nor anything chained to it."""
    async with raw_upstream(*steps) as upstream, open_transport() as transport:
        with pytest.raises(httpx.TransportError) as caught:
            await exchange(transport, asking(upstream.origin, headers={"X-Auth-Token": "secret-token"}))
    assert "127.0.0.1" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    with pytest.raises(RuntimeError):
        _ = caught.value.request


async def test_a_refused_connection_is_a_connect_error_that_says_so() -> None:
    """The errno is for the log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        async with open_transport() as transport:
            with pytest.raises(httpx.ConnectError, match=r"^ClientConnectorError ECONNREFUSED$"):
                await exchange(transport, asking(f"http://127.0.0.1:{free.getsockname()[1]}"))


async def test_a_peer_that_speaks_no_tls_is_a_connect_error() -> None:
    """The handshake belongs to connecting."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server, open_transport() as transport:
        with pytest.raises(httpx.ConnectError, match=r"^ClientConnectorSSLError$"):
            await exchange(transport, asking(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"))


async def test_an_answer_that_does_not_begin_is_a_read_timeout() -> None:
    """httpx's own timeouts are honoured."""
    async with raw_upstream(Then.HANG) as upstream, open_transport() as transport:
        with pytest.raises(httpx.ReadTimeout):
            await exchange(transport, asking(upstream.origin, {"read": 0.02, "connect": 5, "pool": 5}))


async def test_an_answer_that_does_not_go_on_is_a_read_timeout() -> None:
    """The same within the body."""
    async with raw_upstream(LENGTH_20, Then.HANG) as upstream, open_transport() as transport:
        with pytest.raises(httpx.ReadTimeout):
            await exchange(transport, asking(upstream.origin, {"read": 0.05}))


async def test_waiting_for_a_connection_too_long_is_a_connect_timeout() -> None:
    """The only connection is taken by an answer nobody reads."""
    async with raw_upstream(LENGTH_20, Then.HANG) as upstream, open_transport(connections=1) as transport:
        response = await transport.handle_async_request(asking(upstream.origin))
        with pytest.raises(httpx.ConnectTimeout):
            await exchange(transport, asking(upstream.origin, {"connect": 0.01, "pool": 0.01}))
        await response.aclose()


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (httpx.Request("GET", "gopher://127.0.0.1/"), httpx.UnsupportedProtocol),
        (httpx.Request("GET", "http:///path"), httpx.LocalProtocolError),
    ],
)
async def test_what_cannot_be_sent_is_refused_before_connecting(
    request_: httpx.Request, expected: type[httpx.TransportError]
) -> None:
    """Our own fault, never GES's."""
    async with open_transport() as transport:
        with pytest.raises(expected):
            await exchange(transport, request_)


async def test_a_header_with_a_line_break_is_refused_before_sending() -> None:
    """What follows the break would be a header, or a request, of the caller's making."""
    async with raw_upstream(OK) as upstream, open_transport() as transport:
        with pytest.raises(httpx.LocalProtocolError, match=r"^ValueError$"):
            await exchange(transport, asking(upstream.origin, headers={"X-Auth-Token": "a\r\nB: c"}))
        assert upstream.requests == []


def known_failures(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    """Walk aiohttp's exceptions."""
    yield kind
    for child in kind.__subclasses__():
        if child.__module__.startswith("aiohttp."):
            yield from known_failures(child)


EXPECTED_NAMES = {
    "ConnectionTimeoutError": httpx.ConnectTimeout,
    "SocketTimeoutError": httpx.ReadTimeout,
    "ServerTimeoutError": httpx.ReadTimeout,
    "ServerFingerprintMismatch": httpx.ConnectError,
    "ClientConnectorError": httpx.ConnectError,
    "ClientConnectorDNSError": httpx.ConnectError,
    "ClientConnectorSSLError": httpx.ConnectError,
    "ClientConnectorCertificateError": httpx.ConnectError,
    "UnixClientConnectorError": httpx.ConnectError,
    "ClientSSLError": httpx.ConnectError,
    "ClientProxyConnectionError": httpx.ProxyError,
    "ClientHttpProxyError": httpx.ProxyError,
    "ServerConnectionError": httpx.ReadError,
    "ServerDisconnectedError": httpx.ReadError,
    "ClientConnectionError": httpx.ReadError,
    "ClientOSError": httpx.ReadError,
    "ClientConnectionResetError": httpx.WriteError,
    "UploadAbortedError": httpx.WriteError,
    "InvalidURL": httpx.LocalProtocolError,
    "InvalidUrlClientError": httpx.LocalProtocolError,
    "InvalidUrlRedirectClientError": httpx.LocalProtocolError,
    "NonHttpUrlClientError": httpx.UnsupportedProtocol,
    "NonHttpUrlRedirectClientError": httpx.UnsupportedProtocol,
    "ClientError": httpx.RemoteProtocolError,
    "ClientPayloadError": httpx.RemoteProtocolError,
    "ClientResponseError": httpx.RemoteProtocolError,
    "ContentTypeError": httpx.RemoteProtocolError,
    "RedirectClientError": httpx.RemoteProtocolError,
    "TooManyRedirects": httpx.RemoteProtocolError,
    "WSServerHandshakeError": httpx.RemoteProtocolError,
}


def test_every_failure_of_aiohttp_has_an_httpx_name() -> None:
    """A class that a new aiohttp brings must be thought about."""
    found = {kind.__name__: kind for kind in known_failures(aiohttp.ClientError)}
    given = {
        name: next(error for known, error in engine.ERRORS if issubclass(kind, known)) for name, kind in found.items()
    }
    assert given == EXPECTED_NAMES


def test_a_failure_keeps_its_errno_and_nothing_else() -> None:
    """aiohttp's text would name the host."""
    key = ConnectionKey("ges.example", 443, True, True, None, None, None)
    failure = aiohttp.ClientConnectorDNSError(key, OSError(None, "ges.example is unknown"))
    assert str(engine._as_httpx(failure)) == "ClientConnectorDNSError"


async def test_a_path_goes_out_as_it_was_encoded() -> None:
    """Encoding again would break signatures."""
    async with raw_upstream(OK) as upstream, open_transport() as transport:
        await exchange(transport, httpx.Request("GET", upstream.origin + "/a%7Eb/%2E%2E/c%2Fd?x=%20~&y=%2B"))
        assert upstream.requests[0].split(b"\r\n")[0] == b"GET /a%7Eb/%2E%2E/c%2Fd?x=%20~&y=%2B HTTP/1.1"


async def test_only_the_headers_of_the_request_go_out() -> None:
    """No User-Agent, no Accept of aiohttp's own."""
    async with raw_upstream(OK) as upstream, open_transport() as transport:
        await exchange(transport, asking(upstream.origin, headers={"X-Auth-Token": "t"}))
        host = upstream.origin.removeprefix("http://").encode()
        assert upstream.requests == [b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nX-Auth-Token: t\r\n\r\n"]


async def test_a_body_is_sent() -> None:
    """Tokens are asked for with a POST."""
    async with raw_upstream(OK) as upstream, open_transport() as transport:
        await exchange(transport, httpx.Request("POST", upstream.origin + "/v3", json={"a": 1}))
        assert b"content-length: 7\r\n" in upstream.requests[0].lower()


async def test_a_cookie_is_not_kept() -> None:
    """One caller's cookie would go out with the next caller's request."""
    answer = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: session=1; Path=/\r\n\r\n")
    async with raw_upstream(answer) as upstream, open_transport() as transport:
        # By name: aiohttp's own jar takes no cookies from bare addresses either.
        origin = upstream.origin.replace("127.0.0.1", "localhost")
        await exchange(transport, asking(origin))
        await exchange(transport, asking(origin))
        assert b"cookie" not in upstream.requests[1].lower()


async def test_a_redirect_is_an_answer() -> None:
    """The token stays where it was sent."""
    moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with raw_upstream(moved) as upstream, open_transport() as transport:
        assert await exchange(transport, asking(upstream.origin)) == (302, b"")
        assert len(upstream.requests) == 1


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable must not move the token to another host."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with raw_upstream(OK) as upstream, open_transport() as transport:
        assert await exchange(transport, asking(upstream.origin)) == (200, b"ok")


async def test_a_compressed_body_arrives_as_it_was_sent() -> None:
    """Expanding needs a limit, which is not known here."""
    answer = OK.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    async with raw_upstream(answer) as upstream, open_transport() as transport:
        assert await exchange(transport, asking(upstream.origin)) == (200, b"ok")


async def test_a_token_in_a_large_header_arrives() -> None:
    """IAM puts it there, and aiohttp's default is 8 KB."""
    answer = OK.replace(b"\r\n\r\n", b"\r\nX-Subject-Token: " + b"t" * 20_000 + b"\r\n\r\n")
    async with raw_upstream(answer) as upstream, open_transport() as transport:
        response = await transport.handle_async_request(asking(upstream.origin))
        assert response.headers["X-Subject-Token"] == "t" * 20_000
        assert response.extensions["reason_phrase"] == b"OK"
        await response.aclose()


async def test_a_connection_is_reused_after_a_whole_answer() -> None:
    """One connection, two requests."""
    async with raw_upstream(OK) as upstream, open_transport() as transport:
        await exchange(transport, asking(upstream.origin))
        await exchange(transport, asking(upstream.origin))
        assert (upstream.connections, len(upstream.requests)) == (1, 2)


async def test_an_empty_answer_gives_its_connection_back() -> None:
    """204 has no body to be read to its end."""
    async with raw_upstream(b"HTTP/1.1 204 No Content\r\n\r\n") as upstream, open_transport() as transport:
        response = await transport.handle_async_request(asking(upstream.origin))
        await response.aclose()
        await exchange(transport, asking(upstream.origin))
        assert upstream.connections == 1


async def test_a_connection_is_not_reused_after_an_unread_body() -> None:
    """What is left of the body would be the next answer."""
    async with raw_upstream(LENGTH_20, Then.HANG) as upstream, open_transport() as transport:
        response = await transport.handle_async_request(asking(upstream.origin))
        await response.aclose()
        await asyncio.wait_for(upstream.left.wait(), 5)
        upstream.steps = (OK,)
        assert await exchange(transport, asking(upstream.origin)) == (200, b"ok")
        assert upstream.connections == 2


SURPLUS = OK.replace(b"ok", b"no")


@pytest.mark.parametrize("steps", [(OK + SURPLUS,), (OK, SURPLUS), (OK, b"garbage\r\n\r\n")])
async def test_an_answer_nobody_asked_for_reaches_nobody(steps: tuple[bytes, ...]) -> None:
    """aiohttp hands it to the next request, which may be another caller's."""
    async with raw_upstream(*steps) as upstream, open_transport() as transport:
        assert await exchange(transport, asking(upstream.origin)) == (200, b"ok")
        await asyncio.sleep(0.03)
        assert await exchange(transport, asking(upstream.origin)) == (200, b"ok")
        assert upstream.connections == 2


async def test_a_cancelled_request_closes_its_connection() -> None:
    """Cancelling passes through, and the upstream sees that nobody waits."""
    async with raw_upstream(Then.HANG) as upstream, open_transport() as transport:
        task = asyncio.create_task(exchange(transport, asking(upstream.origin)))
        await asyncio.wait_for(upstream.asked.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(upstream.left.wait(), 5)


async def test_the_pool_survives_callers_that_leave() -> None:
    """httpx's own pool is dead after this: ten connections, twenty callers, cancelled at any moment."""
    chance = random.Random(8)
    async with raw_upstream(HEAD + b"Content-Length: 4\r\n\r\nhe", b"re") as upstream, open_transport(10) as transport:

        async def caller() -> None:
            for _ in range(10):
                task = asyncio.create_task(exchange(transport, asking(upstream.origin)))
                for _ in range(chance.randrange(40)):
                    await asyncio.sleep(0)
                if chance.random() < 0.7:
                    await asyncio.sleep(0.01 * chance.random())
                    task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        await asyncio.gather(*(caller() for _ in range(20)))
        probes = await asyncio.gather(*(exchange(transport, asking(upstream.origin)) for _ in range(10)))
        assert probes == [(200, b"here")] * 10


async def test_closing_before_the_first_request_does_nothing() -> None:
    """Nothing was opened."""
    await AiohttpTransport(tls=TLSOptions(), connections=1).aclose()


def test_certificates_are_checked_unless_that_is_switched_off() -> None:
    """Against the system's authorities, by name."""
    checked, unchecked = TLSOptions().context(), TLSOptions(verify=False).context()
    assert (checked.verify_mode, checked.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (unchecked.verify_mode, unchecked.check_hostname) == (ssl.CERT_NONE, False)


def test_a_file_of_authorities_that_is_missing_is_noticed_at_the_start(tmp_path: Path) -> None:
    """Not at the first request."""
    with pytest.raises(FileNotFoundError):
        AiohttpTransport(tls=TLSOptions(ca_file=tmp_path / "none.pem"), connections=1)
