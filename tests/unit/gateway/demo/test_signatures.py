"""Signatures in place of tokens: taken on the management plane, if they are right and young."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.auth.signing import Signer

pytestmark = pytest.mark.anyio
_PROJECT = "0f3c9a1e5b7d4c2688a0e1f2d3c4b5a6"
_HOST = "192.168.10.21:8090"
_PATH = f"/v2/{_PROJECT}/graphs"


def _signed(
    now: datetime, secret: str = "sandbox-secret-key", key: str = "sandbox-access-key", **more: Any
) -> dict[str, str]:
    chosen = {"query": [("offset", "0"), ("limit", "10")], **more}
    return {"X-Auth-Token": "", **Signer(key, secret).sign("GET", _HOST, _PATH, now=now, **chosen)}


async def _ask(ges: httpx.AsyncClient, headers: dict[str, str], query: str = "offset=0&limit=10") -> tuple[int, Any]:
    reply = await ges.get(f"{_PATH}?{query}", headers=headers)
    return reply.status_code, reply.json().get("error_code")


async def test_a_right_signature_opens_what_its_key_may_see(ges: httpx.AsyncClient, now: list[datetime]) -> None:
    """Whatever further headers it covers, in whatever order the query stands."""
    assert await _ask(ges, _signed(now[0])) == (200, None)
    assert await _ask(ges, _signed(now[0]), "limit=10&offset=0") == (200, None)
    covering = {**_signed(now[0], headers={"X-Language": "en-us"}), "X-Language": "en-us"}
    assert await _ask(ges, covering) == (200, None)


async def test_a_wrong_signature_opens_nothing(ges: httpx.AsyncClient, now: list[datetime]) -> None:
    """Of another secret, of an unknown key, of another request, or in no form that is known."""
    for headers in (
        _signed(now[0], secret="other"),
        _signed(now[0], key="other"),
        _signed(now[0], query=[("offset", "1"), ("limit", "10")]),
        {**_signed(now[0]), "Authorization": "SDK-HMAC-SHA256 something"},
        {**_signed(now[0]), "X-Sdk-Date": "yesterday"},
    ):
        assert await _ask(ges, headers) == (401, "APIG.0301")


async def test_an_old_signature_opens_nothing(
    ges: httpx.AsyncClient, now: list[datetime], advance: Callable[[float], None]
) -> None:
    """Nor one of the future."""
    old = _signed(now[0])
    advance(15 * 60)
    assert await _ask(ges, old) == (200, None)
    advance(1)
    assert await _ask(ges, old) == (401, "APIG.0307")
    assert await _ask(ges, _signed(now[0] + timedelta(minutes=16))) == (401, "APIG.0307")


async def test_the_service_plane_takes_none(ges: httpx.AsyncClient, now: list[datetime]) -> None:
    """Tokens only, as its documentation says."""
    path = f"/ges/v1.0/{_PROJECT}/graphs/supply_chain/jobs/status"
    headers = Signer("sandbox-access-key", "sandbox-secret-key").sign("GET", _HOST, path, now=now[0])
    reply = await ges.get(path, headers={"X-Auth-Token": "", **headers})
    assert (reply.status_code, reply.json()["errorCode"]) == (400, "GES.8007")
