"""What settings may be: addresses, origins, networks, projects, time zones, algorithms; read as people write them."""

from __future__ import annotations

import ipaddress
import json
import re
from datetime import timedelta, timezone, tzinfo
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from schema.errors import GatewayError
from schema.ids import checked_project

# What the names of all settings begin with in the environment.
ENVIRONMENT = "GES_GATEWAY_"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
_ADDRESS = re.compile(rf"{_HOST}(?::\d{{1,5}})?")
_BASE_URL = re.compile(rf"https?://{_HOST}(?::\d{{1,5}})?(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?", re.IGNORECASE)
# Such as /.well-known/jwks.json, which a base URL never is.
_KEYS_URL = re.compile(
    rf"(https://{_HOST}|http://(?:localhost|127\.0\.0\.1|\[::1\]))(?::\d{{1,5}})?(?:/[A-Za-z0-9._~-]+)*/?",
    re.IGNORECASE,
)
# None of them takes a secret that both sides know: whoever may read the keys could sign with it.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
_ORIGIN = re.compile(rf"https?://{_HOST}(?::\d{{1,5}})?", re.IGNORECASE)
_STORE_URL = re.compile(r"(rediss?|unix)://[^\s/]*/?\S+")
_UTC_OFFSET = re.compile(r"([+-])(\d\d):([0-5]\d)")


def _base_url(text: str) -> str:
    if not _BASE_URL.fullmatch(text):
        raise ValueError("must be http:// or https:// with a host, maybe a port and a path, and nothing else")
    return _checked_port(text.rstrip("/"))


def _keys_url(text: str) -> str:
    if not _KEYS_URL.fullmatch(text) or ".." in text:
        raise ValueError("must be https:// (http:// on this machine alone) with a host, maybe a port and a path")
    return _checked_port(text)


def _algorithm(text: str) -> str:
    if text not in ALGORITHMS:
        raise ValueError(f"each must be one of {', '.join(ALGORITHMS)}")
    return text


def _store_url(url: SecretStr) -> SecretStr:
    if not _STORE_URL.fullmatch(url.get_secret_value()):
        raise ValueError("must be redis://, rediss:// or unix:// and where it is")
    return url


def _origin(text: str) -> str:
    if text != "*" and not _ORIGIN.fullmatch(text):
        raise ValueError("each must be `*` or http:// or https:// with a host and maybe a port, and nothing else")
    return _checked_port(text.lower())


def _checked_port(url: str) -> str:
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("the port must be 0 to 65535") from None
    return url


def _allowed(entry: str) -> str:
    try:
        return str(ipaddress.ip_network(entry, strict=False))
    except ValueError:
        if not _ADDRESS.fullmatch(entry):
            raise ValueError("each must be a network (10.0.0.0/8), a host, or host:port") from None
    return entry.lower()


def _project(text: str) -> str:
    try:
        return checked_project(text)
    except GatewayError as error:
        raise ValueError(error.message) from None


def _zone(value: object) -> object:
    if not isinstance(value, str):
        return value
    if offset := _UTC_OFFSET.fullmatch(value):
        sign, hours, minutes = offset.groups()
        shift = timedelta(hours=int(hours), minutes=int(minutes))
        if shift < timedelta(days=1):
            return timezone(-shift if sign == "-" else shift)
    else:
        try:
            return ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            pass
    raise ValueError("must be an offset such as +08:00, or a time zone this system knows, such as Asia/Shanghai")


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _parse_json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError('must be a JSON object, such as {"my_graph": "http://10.0.0.5"}') from None


def _parse_graphs(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError('must be a JSON object, such as {"analysts": ["my_graph"]}') from None


BaseURL = Annotated[str, AfterValidator(_base_url)]
KeysURL = Annotated[str, AfterValidator(_keys_url)]
Algorithms = Annotated[
    tuple[Annotated[str, AfterValidator(_algorithm)], ...], BeforeValidator(_split), Field(min_length=1)
]
GraphsByWord = Annotated[dict[str, list[str]], BeforeValidator(_parse_graphs)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], BeforeValidator(_split)]
Allowed = Annotated[tuple[Annotated[str, AfterValidator(_allowed)], ...], BeforeValidator(_split)]
BaseURLs = Annotated[dict[str, BaseURL], BeforeValidator(_parse_json)]
StoreURL = Annotated[SecretStr, AfterValidator(_store_url)]
Zone = Annotated[tzinfo, BeforeValidator(_zone)]
Project = Annotated[str, AfterValidator(_project)]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


def of(default: Any, description: str, **rules: Any) -> Any:
    """Return a setting: its default, what it means, and what it may be."""
    return Field(default, description=description, **rules)
