"""
The engine under httpx's interface: aiohttp's pool and parser, because httpx's own pool does not survive cancelled
calls. Requests, responses and errors are httpx's. Sends what it is given, once; reads no environment, keeps no cookie,
follows nothing. Knows nothing of GES.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import yarl
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

# Shorter than load balancers keep idle connections, so that one taken from the pool is rarely dead.
KEEPALIVE_SECONDS = 15.0
READ_BUFFER_BYTES = 2**18
# IAM answers with the token in one header; the gateway before GES allows this much for one.
MAX_HEADER_BYTES = 2**15
AUTO_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")

# First match wins, so the narrow classes stand first. "Reset" is a network error, an answer that breaks HTTP or ends
# before its announced length a protocol error. A peer that closes without a word of an answer counts as reset too.
ERRORS: tuple[tuple[type[BaseException], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ServerFingerprintMismatch, httpx.ConnectError),
    (aiohttp.ServerConnectionError, httpx.ReadError),
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ClientConnectionResetError, httpx.WriteError),
    (aiohttp.ClientConnectionError, httpx.ReadError),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
    (aiohttp.InvalidURL, httpx.LocalProtocolError),
    (aiohttp.UploadAbortedError, httpx.WriteError),
    (aiohttp.ClientError, httpx.RemoteProtocolError),
    (HttpProcessingError, httpx.RemoteProtocolError),
    (TimeoutError, httpx.ReadTimeout),
    (OSError, httpx.ReadError),
    # aiohttp and yarl refuse an impossible header or address with it before anything is sent.
    (ValueError, httpx.LocalProtocolError),
)
FAILURES = tuple({failure for failure, _ in ERRORS})


@dataclass(frozen=True, slots=True)
class TLSOptions:
    """Whether certificates are checked, and against which authorities: those of `ca_file` alone, else the system's."""

    verify: bool = True
    ca_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Build the TLS context; raises OSError when `ca_file` cannot be read."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class AiohttpTransport(httpx.AsyncBaseTransport):
    """
    Sends through a pool of at most `connections`, opened inside the loop of the first request.

    Failures are httpx's `TransportError`s that name a cause in a word or two and hold neither request nor address.
    Cancelling passes through and closes the connection. Of httpx's timeouts `connect` covers connecting and `pool` the
    wait for a connection before it; `write` does not exist in aiohttp.
    """

    def __init__(self, *, tls: TLSOptions, connections: int) -> None:
        self._tls = tls.context()
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send once and return the response as soon as its head is there; whoever gets it closes it."""
        content = await request.aread()
        try:
            response = await self._open_session().request(
                request.method,
                yarl.URL(str(request.url), encoded=True),
                headers=_as_spelled(request.headers),
                data=content or None,
                allow_redirects=False,
                timeout=_timeouts(**request.extensions.get("timeout", {})),
            )
        except FAILURES as failure:
            error = _as_httpx(failure)
        else:
            return httpx.Response(
                response.status,
                headers=response.raw_headers,
                stream=_BodyStream(response),
                extensions={"reason_phrase": (response.reason or "").encode("latin-1", "replace")},
            )
        # Outside of `except`, or the error would carry aiohttp's as its context, and with it the request's headers.
        raise error

    async def aclose(self) -> None:
        """Close every connection; the transport is not for use afterwards."""
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(limit=self._connections, ssl=self._tls, keepalive_timeout=KEEPALIVE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                skip_auto_headers=AUTO_HEADERS,
                read_bufsize=READ_BUFFER_BYTES,
                max_field_size=MAX_HEADER_BYTES,
                middlewares=(_send_once,),
            )
        return self._session


class _BodyStream(httpx.AsyncByteStream):
    """The body as it arrives. An iterator rather than a generator: leaving it early leaves nothing to finalise."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    def __aiter__(self) -> _BodyStream:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._response.content.readany()
        except FAILURES as failure:
            error = _as_httpx(failure)
        else:
            if not chunk:
                raise StopAsyncIteration
            return chunk
        raise error

    async def aclose(self) -> None:
        """Close the connection, unless the body came to its end: then it is back in the pool already."""
        self._response.close()


class _Wire(ResponseHandler):
    """One connection, more careful than aiohttp's about answers that nobody asked for and answers that break."""

    def is_connected(self) -> bool:
        """Refuse a pooled connection that holds an answer already: it would be taken for the next request's."""
        return super().is_connected() and not self.should_close

    def set_exception(self, exc: BaseException, *cause: Any) -> None:
        """Fail the body too: aiohttp tells only who waits for the head, and a reader of the body would wait forever."""
        self._fail_body(exc)
        super().set_exception(exc, *cause)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell a reset from an end: aiohttp takes either for the end of a body that has no announced length."""
        if exc is not None:
            self._fail_body(exc)
        super().connection_lost(exc)

    def _fail_body(self, exc: BaseException) -> None:
        body, self._payload = self._payload, None
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(exc)


class _Connector(aiohttp.TCPConnector):
    """aiohttp's pool with our connections in it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        wire: type[ResponseHandler] = _Wire
        self._factory = functools.partial(wire, loop=asyncio.get_running_loop())


async def _send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Hide resets from aiohttp, which would send the request again: how often GES is asked is decided elsewhere."""
    try:
        return await handler(request)
    except FAILURES as failure:
        error = _as_httpx(failure)
    raise error


def _as_httpx(failure: BaseException) -> httpx.TransportError:
    kind = next(error for known, error in ERRORS if isinstance(failure, known))
    # The numbers of TLS errors are not those of the system.
    number = failure.errno if isinstance(failure, OSError) and not isinstance(failure, ssl.SSLError) else None
    return kind(" ".join([type(failure).__name__, errno.errorcode.get(number or 0, "")]).strip())


def _as_spelled(headers: httpx.Headers) -> list[tuple[str, str]]:
    encoding = headers.encoding
    return [(name.decode(encoding), value.decode(encoding)) for name, value in headers.raw]


@functools.lru_cache(maxsize=64)
def _timeouts(
    *, connect: float | None = None, read: float | None = None, write: float | None = None, pool: float | None = None
) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=None,
        # aiohttp's `connect` covers the wait for a connection and the connecting together.
        connect=None if pool is None or connect is None else pool + connect,
        sock_connect=connect,
        sock_read=read,
    )
