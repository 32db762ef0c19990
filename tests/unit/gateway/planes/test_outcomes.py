"""How exchanges end: every failure of httpx has a meaning, and the log's word for it holds no secret."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from gateway.planes import outcomes
from gateway.planes.outcomes import MALFORMED, TIMEOUT, UNAVAILABLE, UNSENDABLE

EXPECTED = {
    "TimeoutException": TIMEOUT,
    "ConnectTimeout": TIMEOUT,
    "ReadTimeout": TIMEOUT,
    "WriteTimeout": TIMEOUT,
    "PoolTimeout": TIMEOUT,
    "NetworkError": UNAVAILABLE,
    "ConnectError": UNAVAILABLE,
    "ReadError": UNAVAILABLE,
    "WriteError": UNAVAILABLE,
    "CloseError": UNAVAILABLE,
    "ProxyError": UNAVAILABLE,
    "LocalProtocolError": UNSENDABLE,
    "UnsupportedProtocol": UNSENDABLE,
    "InvalidURL": UNSENDABLE,
    "HTTPError": MALFORMED,
    "HTTPStatusError": MALFORMED,
    "RequestError": MALFORMED,
    "TransportError": MALFORMED,
    "ProtocolError": MALFORMED,
    "RemoteProtocolError": MALFORMED,
    "DecodingError": MALFORMED,
    "TooManyRedirects": MALFORMED,
    "StreamError": MALFORMED,
    "StreamConsumed": MALFORMED,
    "StreamClosed": MALFORMED,
    "ResponseNotRead": MALFORMED,
    "RequestNotRead": MALFORMED,
}


def known_failures(kind: type[Exception]) -> Iterator[type[Exception]]:
    """Walk httpx's exceptions."""
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == "httpx":
            yield from known_failures(child)


def test_every_failure_of_httpx_has_a_meaning() -> None:
    """A class that a new httpx brings must be thought about."""
    roots = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL)
    found = {kind.__name__: kind for root in roots for kind in known_failures(root)}
    given = {
        name: next(fault for known, fault in outcomes.FAULTS if issubclass(kind, known)) for name, kind in found.items()
    }
    assert given == EXPECTED


def test_a_deadline_that_passes_is_a_timeout() -> None:
    """asyncio's own, not httpx's."""
    assert outcomes.fault_of(TimeoutError()) is TIMEOUT


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (httpx.ConnectError("ClientConnectorError ECONNREFUSED"), "ClientConnectorError ECONNREFUSED"),
        (httpx.ConnectError("ClientConnectorDNSError"), "ClientConnectorDNSError"),
        (httpx.ReadError(""), "ReadError"),
        (httpx.ConnectError("cannot connect to ges.example:443"), "ConnectError"),
        (httpx.LocalProtocolError("Illegal header value b'secret'"), "LocalProtocolError"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_cause_is_a_word_or_two_and_never_prose(failure: Exception, cause: str) -> None:
    """Our own transport's words pass, another's might hold a host or a token."""
    assert outcomes.cause_of(failure) == cause
