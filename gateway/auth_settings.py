"""
The settings of who may ask, and with what GES is asked for them: which there are, and which go together.

Apart from the others because of what must be true of all of them at once.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import FilePath, SecretStr
from pydantic_settings import BaseSettings

from gateway.setting_types import ENVIRONMENT, Algorithms, BaseURL, GraphsByWord, KeysURL, Seconds, of

SERVICE_ACCOUNT = "service-account"
_LOCALHOST = "localhost"
_USER = ("iam_url", "account_domain", "account_user", "account_password")
_ACCESS_KEY = ("account_access_key", "account_secret_key")
_JWT = ("jwt_issuer", "jwt_audience")
_KEY_SETS = ("jwks_url", "jwks_file")


class AuthSettings(BaseSettings):
    """Who may ask, and with what GES is asked."""

    auth_mode: Literal["passthrough", "service-account"] = of(
        "passthrough",
        "`passthrough` sends the caller's own token to GES; `service-account` sends the gateway's own credential, and "
        "callers show an API key or a JWT to the gateway.",
    )
    iam_url: BaseURL | None = of(
        None, "Base URL of IAM, which issues the gateway's token; its certificate is checked as the management plane's."
    )
    account_domain: str | None = of(None, "Account that the gateway's own IAM user belongs to.", min_length=1)
    account_user: str | None = of(None, "Name of the gateway's own IAM user.", min_length=1)
    account_password: SecretStr | None = of(None, "Password of that user.", min_length=1)
    account_access_key: SecretStr | None = of(
        None,
        "Access key (AK) that signs calls to the management plane. The service plane takes tokens only.",
        min_length=1,
    )
    account_secret_key: SecretStr | None = of(None, "Secret (SK) of that key.", min_length=1)
    api_keys_file: FilePath | None = of(
        None, "JSON file of the API keys that callers may show, as hashes; `ges-gateway key` makes them."
    )
    jwks_url: KeysURL | None = of(None, "Where the public keys of callers' JWT are published; https, or this machine.")
    jwks_file: FilePath | None = of(None, "The same as a file.")
    jwks_lifetime_seconds: Seconds = of(600.0, "How long these keys are used before they are had again.")
    jwt_algorithms: Algorithms = of(("RS256",), "Signatures that a JWT may have, by comma; none with a shared secret.")
    jwt_issuer: str | None = of(None, "What the claim `iss` must be.", min_length=1)
    jwt_audience: str | None = of(None, "What the claim `aud` must be or hold.", min_length=1)
    jwt_leeway_seconds: int = of(30, "How far the clocks of gateway and issuer may differ.", ge=0, le=300)
    jwt_claim: str = of(
        "ges_graphs",
        "Claim that says which graphs the bearer may see; a path with dots for one inside another.",
        min_length=1,
    )
    jwt_graphs: GraphsByWord = of(
        {}, "JSON object: word in that claim → list of graphs, `*` for all. Without it the words are the graphs."
    )
    cache_secret: SecretStr | None = of(
        None,
        "At least 32 characters. Stands behind the keys of what is kept; replicas that share a store need one.",
        min_length=32,
    )

    def misfits(self, host: str, project: str | None) -> Iterator[str]:
        """Give what does not go together, naming the settings."""
        if self.auth_mode != SERVICE_ACCOUNT:
            alone = [name for name in (*_USER, *_ACCESS_KEY, "api_keys_file", *_KEY_SETS, *_JWT) if self._has(name)]
            if alone:
                yield f"{_names(alone)}: only with {_name('auth_mode')}={SERVICE_ACCOUNT}."
            return
        if project is None:
            yield f"{_name('project_id')}: must be set with {_name('auth_mode')}={SERVICE_ACCOUNT}."
        yield from self._misfits_of_account()
        yield from self._misfits_of_callers(host)

    def _misfits_of_account(self) -> Iterator[str]:
        for group in (_USER, _ACCESS_KEY):
            missing = [name for name in group if not self._has(name)]
            if 0 < len(missing) < len(group):
                yield f"{_names(missing)}: must be set together with {_names(n for n in group if n not in missing)}."
        if not any(self._has(name) for name in (*_USER, *_ACCESS_KEY)):
            yield f"{_names(_USER)} or {_names(_ACCESS_KEY)}: one of both must be set, for GES to be asked."

    def _misfits_of_callers(self, host: str) -> Iterator[str]:
        sources = [name for name in _KEY_SETS if self._has(name)]
        if len(sources) > 1:
            yield f"{_names(sources)}: only one of both."
        if sources and (missing := [name for name in _JWT if not self._has(name)]):
            yield f"{_names(missing)}: must be set together with {_names(sources)}."
        if not sources and (alone := [name for name in _JWT if self._has(name)]):
            yield f"{_names(alone)}: only with {_names(_KEY_SETS)}."
        if not sources and self.api_keys_file is None and not _is_loopback(host):
            yield (
                f"{_name('host')}: without {_names(('api_keys_file', *_KEY_SETS))} everybody who reaches it reads "
                "everything, so it must be an address of this machine alone, such as 127.0.0.1."
            )

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None


def _is_loopback(host: str) -> bool:
    try:
        return host.lower() == _LOCALHOST or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(field: str) -> str:
    return ENVIRONMENT + field.upper()


def _names(fields: Iterable[str]) -> str:
    return ", ".join(map(_name, fields))
