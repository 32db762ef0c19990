"""IAM, as far as a gateway needs it: a user and a password for a token of the project. Knows no graphs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from gateway.demo.graphs import PROJECT_ID
from gateway.demo.replies import RefusalError, json_reply, strict_query
from gateway.demo.tokens import DAY_SECONDS, USERS, Tokens

_DOMAIN = {"id": "d0c1b2a3948576650123456789abcdef", "name": "acme"}
_PROJECT_NAME = "cn-north-4"


class _Domain(msgspec.Struct):
    name: str


class _User(msgspec.Struct):
    name: str
    password: str
    domain: _Domain


class _Password(msgspec.Struct):
    user: _User


class _Identity(msgspec.Struct):
    methods: Annotated[list[str], Meta(min_length=1)]
    password: _Password


class _Project(msgspec.Struct):
    id: str | None = None
    name: str | None = None


class _Scope(msgspec.Struct):
    project: _Project


class _Auth(msgspec.Struct):
    identity: _Identity
    scope: _Scope


class _TokenRequest(msgspec.Struct):
    auth: _Auth


class _Lifetime(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    lifetime_seconds: Annotated[float, Meta(gt=0, le=DAY_SECONDS)]


@dataclass(frozen=True, slots=True)
class Iam:
    """Issues tokens."""

    clock: Callable[[], datetime]
    tokens: Tokens

    async def create_token(self, request: Request) -> Response:
        """Answer `POST /v3/auth/tokens`: the token is a header, the body says how long it lives."""
        strict_query(request, ("nocatalog",), lambda message: _refusal(400, "Bad Request", message))
        auth = _read(await request.body())
        user = auth.identity.password.user
        password, _ = USERS.get(user.name, (None, None))
        if user.password != password or user.domain.name != _DOMAIN["name"]:
            raise _refusal(401, "Unauthorized", "The username or password is wrong.")
        now = self.clock()
        issued = self.tokens.issue(user.name, now)
        return json_reply(_describe(user.name, now, issued.expires_at), 201, {"X-Subject-Token": issued.text})

    async def show_or_change(self, request: Request) -> Response:
        """Answer `/_sandbox/tokens`, which IAM does not have: how long tokens live, and how to take them back."""
        if request.method == "PUT":
            self.tokens.lifetime_seconds = _read_lifetime(await request.body())
        if request.method == "DELETE":
            self.tokens.take_back()
        return json_reply({"lifetimeSeconds": self.tokens.lifetime_seconds, "issued": self.tokens.issued})


def _read(body: bytes) -> _Auth:
    try:
        auth = msgspec.json.decode(body, type=_TokenRequest).auth
    except msgspec.DecodeError as fault:
        raise _refusal(400, "Bad Request", str(fault)) from fault
    if auth.identity.methods != ["password"]:
        raise _refusal(400, "Bad Request", "Only the method password is known here.")
    # GES needs project scope; a token for another project would be of no use.
    project = auth.scope.project
    if (project.id or PROJECT_ID, project.name or _PROJECT_NAME) != (PROJECT_ID, _PROJECT_NAME) or not (
        project.id or project.name
    ):
        raise _refusal(401, "Unauthorized", "The project is wrong.")
    return auth


def _read_lifetime(body: bytes) -> float:
    try:
        return msgspec.json.decode(body, type=_Lifetime).lifetime_seconds
    except msgspec.DecodeError as fault:
        raise RefusalError(400, {"error": str(fault)}) from fault


def _describe(user: str, issued_at: datetime, expires_at: datetime) -> dict[str, Any]:
    return {
        "token": {
            "catalog": [],
            "expires_at": _instant(expires_at),
            "issued_at": _instant(issued_at),
            "methods": ["password"],
            "project": {"domain": _DOMAIN, "id": PROJECT_ID, "name": _PROJECT_NAME},
            "roles": [{"id": "0", "name": "te_admin"}],
            "user": {
                "domain": _DOMAIN,
                "id": "u0c1b2a3948576650123456789abcdef",
                "name": user,
                "password_expires_at": "",
            },
        }
    }


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def _refusal(status: int, title: str, message: str) -> RefusalError:
    return RefusalError(status, {"error": {"code": status, "message": message, "title": title}})
