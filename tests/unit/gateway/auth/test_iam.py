"""IAM: a user and a password for a token of the project, and an error of ours for everything else."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from gateway.auth.exchange import Exchanges
from gateway.auth.iam import Iam, IamUser, Token
from schema.errors import (
    PlaneUnavailableError,
    RateLimitedError,
    UnauthenticatedError,
    UpstreamError,
    UpstreamFailedError,
    UpstreamMalformedError,
)

pytestmark = pytest.mark.anyio
USER = IamUser("acme", "gateway", "hunter2-pässword", "p1")
TIMES = {"issued_at": "2026-03-05T01:00:00.123000Z", "expires_at": "2026-03-06T01:00:00.123000Z"}


def an_iam(
    status: int = 201, body: Any = None, token: str | None = "issued", asked: list[httpx.Request] | None = None
) -> Iam:
    """Make an IAM that answers so."""

    def say(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        content = body if isinstance(body, bytes) else msgspec.json.encode({"token": TIMES} if body is None else body)
        return httpx.Response(status, headers={} if token is None else {"X-Subject-Token": token}, content=content)

    return Iam("http://iam.example", USER, Exchanges(httpx.MockTransport(say), "test/1"))


async def test_it_asks_for_a_token_of_the_project() -> None:
    """As IAM documents it; the list of services is not asked for."""
    asked: list[httpx.Request] = []
    token = await an_iam(asked=asked).issue()
    assert token == Token("issued", 24 * 3600.0)
    assert str(asked[0].url) == "http://iam.example/v3/auth/tokens?nocatalog=true"
    assert msgspec.json.decode(asked[0].content) == {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"name": "gateway", "password": "hunter2-pässword", "domain": {"name": "acme"}}},
            },
            "scope": {"project": {"id": "p1"}},
        }
    }


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        ({"issued_at": "2026-03-05T01:00:00", "expires_at": "2026-03-05T01:10:00"}, 600.0),
        ({"issued_at": "2026-03-05T01:10:00Z", "expires_at": "2026-03-05T01:00:00Z"}, 0.0),
        ({"expires_at": "2020-03-05T01:00:00Z"}, 0.0),
    ],
)
async def test_its_life_is_what_iam_says(times: dict[str, str], seconds: float) -> None:
    """By IAM's own clock; a time without a zone is UTC, and one that is over leaves nothing."""
    assert (await an_iam(body={"token": times}).issue()).seconds == seconds


@pytest.mark.parametrize(
    ("status", "error", "retryable"),
    [
        (401, UnauthenticatedError, False),
        (403, UnauthenticatedError, False),
        (400, UpstreamFailedError, False),
        (200, UpstreamFailedError, False),
        (302, UpstreamFailedError, False),
        (429, RateLimitedError, True),
        (500, PlaneUnavailableError, True),
        (503, PlaneUnavailableError, True),
    ],
)
async def test_a_refusal_becomes_an_error_of_ours(status: int, error: type[UpstreamError], retryable: bool) -> None:
    """With IAM's status and none of its words, which may repeat what was sent."""
    with pytest.raises(error) as caught:
        await an_iam(status, {"error": {"message": "The password hunter2-pässword is wrong."}}, token=None).issue()
    assert (caught.value.retryable, caught.value.upstream_status) == (retryable, status)
    assert "hunter2" not in f"{caught.value!r} {caught.value.extensions}"
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("token", "body"),
    [
        (None, None),
        ("", None),
        ("x" * (32 * 1024 + 1), None),
        ("tab\tin-it", None),
        ("issued", {}),
        ("issued", {"token": {"expires_at": "tomorrow"}}),
        ("issued", b"<html>"),
        ("issued", b"\xff"),
    ],
)
async def test_an_answer_without_a_token_is_malformed(token: str | None, body: Any) -> None:
    """Nothing is made of half an answer."""
    with pytest.raises(UpstreamMalformedError):
        await an_iam(201, body, token).issue()


async def test_an_iam_that_cannot_be_reached_may_be_asked_again() -> None:
    """And the error holds no request."""

    def say(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    iam = Iam("http://iam.example", USER, Exchanges(httpx.MockTransport(say), "test/1"))
    with pytest.raises(PlaneUnavailableError, match=r"\(ConnectError\)") as caught:
        await iam.issue()
    assert caught.value.retryable


def test_a_user_shows_no_password() -> None:
    """It ends in tracebacks, as its tokens do."""
    assert "hunter2" not in repr(USER) + repr(Token("hunter2", 1.0))


@pytest.mark.parametrize(("said", "seconds"), [("30", 30.0), ("", None), ("now", None), ("9" * 9, None), ("²", None)])
async def test_iam_may_say_when_to_ask_again(said: str, seconds: float | None) -> None:
    """In seconds."""

    def say(_: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers=[(b"Retry-After", said.encode("latin-1"))])

    iam = Iam("http://iam.example", USER, Exchanges(httpx.MockTransport(say), "test/1"))
    with pytest.raises(RateLimitedError) as caught:
        await iam.issue()
    assert caught.value.retry_after_seconds == seconds
