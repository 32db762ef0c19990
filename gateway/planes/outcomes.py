"""
How an exchange with GES ended: the word for logs and metrics, the error for whoever asked. Knows httpx's failures;
not what a status or a body means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

import httpx

from schema.errors import (
    PlaneUnavailableError,
    UpstreamError,
    UpstreamFailedError,
    UpstreamMalformedError,
    UpstreamTimeoutError,
)
from schema.plane import Plane


class Outcome(Enum):
    """How an exchange ended."""

    ANSWERED = "answered"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    MALFORMED = "malformed"
    UNSENDABLE = "unsendable"
    # Nobody waited any longer.
    ABANDONED = "abandoned"
    # The breaker was open: nothing was sent.
    SPARED = "spared"
    # Too many calls to this address were under way, so nothing was sent; or too large bodies, so one was given up.
    CROWDED = "crowded"


@dataclass(frozen=True, slots=True)
class UpstreamCall:
    """One exchange as logs and metrics see it. `cause` names a failure of the network in a word or two."""

    plane: Plane
    outcome: Outcome
    status: int | None
    seconds: float
    bytes: int
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What a failed exchange means: its outcome, the error to raise and what it says."""

    outcome: Outcome
    error: type[UpstreamError]
    message: str


TIMEOUT = Fault(Outcome.TIMEOUT, UpstreamTimeoutError, "GES did not answer within the time allowed.")
UNAVAILABLE = Fault(Outcome.UNAVAILABLE, PlaneUnavailableError, "GES could not be reached.")
MALFORMED = Fault(Outcome.MALFORMED, UpstreamMalformedError, "GES answered with something that is no HTTP answer.")
UNSENDABLE = Fault(Outcome.UNSENDABLE, UpstreamFailedError, "The request to GES could not be sent.")

# First match wins, so the narrow classes stand first.
FAULTS: tuple[tuple[type[Exception], Fault], ...] = (
    (TimeoutError, TIMEOUT),
    (httpx.TimeoutException, TIMEOUT),
    (httpx.NetworkError, UNAVAILABLE),
    (httpx.ProxyError, UNAVAILABLE),
    (httpx.LocalProtocolError, UNSENDABLE),
    (httpx.UnsupportedProtocol, UNSENDABLE),
    (httpx.InvalidURL, UNSENDABLE),
    (httpx.HTTPError, MALFORMED),
    (httpx.StreamError, MALFORMED),
)
FAILURES = tuple(failure for failure, _ in FAULTS)

SAFE_CAUSE = re.compile(r"[A-Za-z]+Error( E[A-Z0-9]+)?")


def fault_of(failure: Exception) -> Fault:
    """Find what a failure of the exchange means; `failure` is one of FAILURES."""
    return next(fault for kind, fault in FAULTS if isinstance(failure, kind))


def cause_of(failure: Exception) -> str:
    """Name a failure for the log. What a transport says may hold anything, so only words of this form are kept."""
    said = str(failure)
    return said if SAFE_CAUSE.fullmatch(said) else type(failure).__name__
