"""IAM: a user and a password for a token of the project, as `POST /v3/auth/tokens` has it."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.anyio
_PROJECT = "0f3c9a1e5b7d4c2688a0e1f2d3c4b5a6"


def _request(
    name: str = "gateway",
    password: str = "sandbox-password",
    domain: str = "acme",
    methods: tuple[str, ...] = ("password",),
    project: dict[str, str] | None = None,
) -> dict[str, Any]:
    user = {"name": name, "password": password, "domain": {"name": domain}}
    identity = {"methods": list(methods), "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": {"project": {"id": _PROJECT} if project is None else project}}}


@pytest.mark.parametrize("project", [{"id": _PROJECT}, {"name": "cn-north-4"}, {"id": _PROJECT, "name": "cn-north-4"}])
async def test_a_right_password_gives_a_token(ges: httpx.AsyncClient, project: dict[str, str]) -> None:
    """The token is a header and works; the body says when it ends."""
    reply = await ges.post("/v3/auth/tokens?nocatalog=true", json=_request(project=project))
    assert reply.status_code == 201
    assert reply.json()["token"]["issued_at"] == "2026-03-05T02:00:00.000000Z"
    assert reply.json()["token"]["expires_at"] == "2026-03-06T02:00:00.000000Z"
    token = reply.headers["X-Subject-Token"]
    assert (await ges.get(f"/v2/{_PROJECT}/graphs", headers={"X-Auth-Token": token})).status_code == 200


async def test_a_token_ends_on_both_planes(ges: httpx.AsyncClient, advance: Callable[[float], None]) -> None:
    """After a day the planes refuse it, each in its own way."""
    issued = await ges.post("/v3/auth/tokens", json=_request())
    advance(24 * 3600)
    headers = {"X-Auth-Token": issued.headers["X-Subject-Token"]}
    management = await ges.get(f"/v2/{_PROJECT}/graphs", headers=headers)
    service = await ges.get(f"/ges/v1.0/{_PROJECT}/graphs/supply_chain/jobs/status", headers=headers)
    assert (management.status_code, management.json()["error_code"]) == (401, "APIG.0307")
    assert (service.status_code, service.json()["errorCode"]) == (400, "GES.8007")


@pytest.mark.parametrize(
    "request_body",
    [
        _request(password="wrong"),
        _request(name="nobody"),
        _request(domain="other"),
        _request(project={"id": "another"}),
        _request(project={"name": "another"}),
        _request(project={}),
    ],
)
async def test_a_wrong_credential_is_401(ges: httpx.AsyncClient, request_body: dict[str, Any]) -> None:
    """In IAM's own form."""
    reply = await ges.post("/v3/auth/tokens", json=request_body)
    assert (reply.status_code, reply.json()["error"]["title"]) == (401, "Unauthorized")
    assert "X-Subject-Token" not in reply.headers


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'{"auth":{"identity":{"methods":[]}}}'])
async def test_a_malformed_request_is_400(ges: httpx.AsyncClient, body: bytes) -> None:
    """Not JSON, or not the members that IAM wants."""
    assert (await ges.post("/v3/auth/tokens", content=body)).status_code == 400


async def test_other_methods_and_parameters_are_refused(ges: httpx.AsyncClient) -> None:
    """The sandbox knows one method of identification and one parameter."""
    assert (await ges.post("/v3/auth/tokens", json=_request(methods=("token",)))).status_code == 400
    assert (await ges.post("/v3/auth/tokens?catalog=no", json=_request())).status_code == 400
    assert (await ges.get("/v3/auth/tokens")).status_code == 405


async def test_tokens_can_be_taken_back(ges: httpx.AsyncClient) -> None:
    """What a new password does in IAM: the planes refuse what was issued before, each in its own way."""
    issued = (await ges.post("/v3/auth/tokens", json=_request())).headers["X-Subject-Token"]
    assert (await ges.delete("/_sandbox/tokens")).json() == {"lifetimeSeconds": 86400.0, "issued": 1}
    headers = {"X-Auth-Token": issued}
    assert (await ges.get(f"/v2/{_PROJECT}/graphs", headers=headers)).json()["error_code"] == "APIG.0301"
    service = await ges.get(f"/ges/v1.0/{_PROJECT}/graphs/supply_chain/jobs/status", headers=headers)
    assert (service.status_code, service.json()["errorCode"]) == (400, "GES.8007")
    again = (await ges.post("/v3/auth/tokens", json=_request())).headers["X-Subject-Token"]
    assert (await ges.get(f"/v2/{_PROJECT}/graphs", headers={"X-Auth-Token": again})).status_code == 200


async def test_tokens_live_as_long_as_asked_for(ges: httpx.AsyncClient) -> None:
    """So that their end can be seen without waiting for a day."""
    assert (await ges.put("/_sandbox/tokens", json={"lifetimeSeconds": 20})).json()["lifetimeSeconds"] == 20
    issued = await ges.post("/v3/auth/tokens", json=_request())
    assert issued.json()["token"]["expires_at"] == "2026-03-05T02:00:20.000000Z"
    for wrong in ({"lifetimeSeconds": 0}, {"lifetimeSeconds": "long"}, {}, {"lifetimeSeconds": 1, "more": 1}):
        assert (await ges.put("/_sandbox/tokens", json=wrong)).status_code == 400
    assert (await ges.get("/_sandbox/tokens")).json() == {"lifetimeSeconds": 20.0, "issued": 1}
