"""The modes: how callers are told apart, and with what GES is asked for them. The one table of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.auth.account import Account
from gateway.auth.api_keys import KeyFile
from gateway.auth.caller import Callers
from gateway.auth.exchange import ExchangeError, Exchanges
from gateway.auth.gatekeeper import Anyone, Gatekeeper
from gateway.auth.iam import Iam, IamUser
from gateway.auth.keeper import Keeper
from gateway.auth.passthrough import TokenBearers
from gateway.auth.signing import Signer
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.auth.jwks import Jwks
    from gateway.auth.jwt import Jwts


@dataclass(frozen=True, slots=True)
class Means:
    """What modes are made with. `observe` is told how each renewal of the gateway's own token ended."""

    secret: bytes = field(repr=False)
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    # Towards IAM, and towards those who publish the keys of callers' tokens.
    iam: Exchanges
    issuers: Exchanges
    observe: Callable[[str], None] = lambda outcome: None


@dataclass(frozen=True, slots=True)
class Mode:
    """One mode, opened. Without an `account` GES is asked with what each caller brings."""

    callers: Callers
    # What the header `WWW-Authenticate` says beside 401.
    challenge: str
    account: Account | None = None
    closing: tuple[Callable[[], Awaitable[None]], ...] = ()

    async def close(self) -> None:
        """End what is under way."""
        for close in self.closing:
            await close()


def open_mode(settings: Settings, means: Means) -> Mode:
    """Open the mode of the settings. Raises SettingsError."""
    return MODES[settings.auth_mode](settings, means)


def _passthrough(_settings: Settings, means: Means) -> Mode:
    return Mode(TokenBearers(means.secret), 'Bearer realm="ges"')


def _service_account(settings: Settings, means: Means) -> Mode:
    project = settings.project_id or ""
    keys = None if settings.api_keys_file is None else KeyFile(settings.api_keys_file, means.monotonic)
    jwks = _jwks(settings, means)
    jwts = None if jwks is None else _jwts(settings, jwks, means)
    callers: Callers = Anyone(project, means.secret)
    if keys is not None or jwts is not None:
        callers = Gatekeeper(project, means.secret, keys=keys, jwts=jwts)
    account = Account(means.now, keeper=_keeper(settings, project, means), signer=_signer(settings))
    closing: list[Any] = [account.close] if jwks is None else [account.close, jwks.close]
    return Mode(callers, 'Bearer realm="ges-gateway", error="invalid_token"', account, tuple(closing))


# A new mode is a row here, and its name in the setting.
MODES: dict[str, Callable[[Settings, Means], Mode]] = {
    "passthrough": _passthrough,
    "service-account": _service_account,
}


def _keeper(settings: Settings, project: str, means: Means) -> Keeper | None:
    if settings.iam_url is None or settings.account_password is None:
        return None
    user = IamUser(
        settings.account_domain or "",
        settings.account_user or "",
        settings.account_password.get_secret_value(),
        project,
    )
    return Keeper(Iam(settings.iam_url, user, means.iam).issue, means.monotonic, means.observe)


def _signer(settings: Settings) -> Signer | None:
    if settings.account_access_key is None or settings.account_secret_key is None:
        return None
    return Signer(settings.account_access_key.get_secret_value(), settings.account_secret_key.get_secret_value())


def _jwks(settings: Settings, means: Means) -> Jwks | None:
    fetch: Callable[[], Awaitable[bytes]]
    if settings.jwks_file is not None:
        file = settings.jwks_file
        fetch = lambda: _from_file(file)  # noqa: E731 -- one of two ways
    elif settings.jwks_url is not None:
        url = settings.jwks_url
        fetch = lambda: _from_url(url, means.issuers)  # noqa: E731 -- the other
    else:
        return None
    # What verifies tokens is a tenth of the memory at rest: only who takes them loads it.
    from gateway.auth.jwks import Jwks

    return Jwks(fetch, monotonic=means.monotonic, lifetime_seconds=settings.jwks_lifetime_seconds)


def _jwts(settings: Settings, jwks: Jwks, means: Means) -> Jwts:
    from gateway.auth.jwt import JwtRules, Jwts

    rules = JwtRules(
        algorithms=settings.jwt_algorithms,
        issuer=settings.jwt_issuer or "",
        audience=settings.jwt_audience or "",
        leeway_seconds=settings.jwt_leeway_seconds,
        claim=settings.jwt_claim,
        graphs=settings.jwt_graphs,
    )
    return Jwts(rules, jwks, now=means.now, secret=means.secret)


async def _from_file(path: Path) -> bytes:
    from gateway.auth.jwks import KeysError

    try:
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise KeysError(f"the file cannot be read ({error.strerror})") from None


async def _from_url(url: str, exchanges: Exchanges) -> bytes:
    from gateway.auth.jwks import KeysError

    try:
        reply = await exchanges.get(url)
    except ExchangeError as error:
        raise KeysError(str(error)) from None
    if reply.status != 200:
        raise KeysError(f"status {reply.status}")
    return reply.content
