"""Every setting: its name, meaning, default and what it may be. Reads no environment: `__main__` hands it in."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import tzinfo
from typing import Any, Literal, NamedTuple

from pydantic import (
    FilePath,
    NonNegativeInt,
    PositiveInt,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.auth_settings import AuthSettings
from gateway.client_settings import ClientSettings
from gateway.setting_types import ENVIRONMENT, Origins, Seconds, StoreURL, of
from gateway.upstream_settings import UpstreamSettings
from schema.limits import Limits

PREFIX = ENVIRONMENT

_MIB = 1024 * 1024
_LIMITS = Limits()
# What shows more than programs need.
_OFF_IN_PRODUCTION = ("dashboard", "graphiql", "introspection")
# Kubernetes puts the addresses of services into the environment; those of one called `ges-gateway` look like ours.
_SERVICE_LINK = re.compile(r"(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_[A-Z]+)?)")
_SERVICE_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://.+")


class SettingsError(Exception):
    """The settings cannot be used; the text names those at fault and repeats no value."""


class Settings(ClientSettings, AuthSettings, UpstreamSettings):
    """How this gateway runs. Built once; nobody changes it afterwards."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        validate_default=True,
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )

    host: str = of("127.0.0.1", "Address to listen on; 0.0.0.0 for all.", min_length=1)
    port: int = of(8000, "Port to listen on; 0 takes a free one.", ge=0, le=65535)

    max_subscriptions: PositiveInt = of(10_000, "Subscriptions at once, over all transports.")
    max_subscriptions_per_caller: PositiveInt = of(100, "Subscriptions of one caller at once.")
    max_sockets: PositiveInt = of(5_000, "WebSockets open at once.")
    max_operations_per_socket: PositiveInt = of(50, "Operations under way on one WebSocket.")
    heartbeat_seconds: Seconds = of(12.0, "Pause after which a quiet stream or socket is shown to be alive.")
    watch_first_seconds: Seconds = of(1.0, "Pause between two looks at a watched job that has just changed.")
    watch_longest_seconds: Seconds = of(10.0, "Longest pause between two looks; pauses grow while nothing changes.")
    watch_jitter: float = of(
        0.1, "Part of each pause that is added at random, so that pollers do not march in step.", ge=0, le=1
    )
    watch_unknown_seconds: Seconds = of(
        3600.0, "How long a job is watched whose status nobody here knows, before its watchers are told so."
    )
    max_waits_per_caller: PositiveInt = of(256, "Queries of one caller that wait for the end of a job at once.")

    max_exports: PositiveInt = of(32, "Whole results being sent at once; one more is answered 503.")
    max_exports_per_caller: PositiveInt = of(4, "Whole results being sent to one caller at once; then 429.")

    allowed_origins: Origins = of((), "Origins of web pages that may call the gateway (CORS), by comma; `*` for all.")
    compression: bool = of(True, "Whether answers are compressed (zstd, br, gzip) for clients that accept it.")
    request_timeout_seconds: Seconds = of(10.0, "Longest time for one operation, without what `waitSeconds` adds.")
    stored_documents_max_bytes: NonNegativeInt = of(
        16 * _MIB, "Memory for documents that clients store to ask by hash (automatic persisted queries); 0 for none."
    )
    max_request_bytes: PositiveInt = of(256 * 1024, "Largest request body read from a client.")
    max_depth: PositiveInt = of(_LIMITS.max_depth, "Levels of fields that one operation may have.")
    max_aliases: PositiveInt = of(_LIMITS.max_aliases, "Aliases that one operation may have.")
    max_rows: PositiveInt = of(_LIMITS.max_rows, "Result rows that one operation may ask for, all pages together.")
    production: bool = of(False, "Serve no pages, no schema, trusted documents only; each may be said otherwise.")
    any_document: bool = of(False, "In production: accept also documents that are not trusted.")
    trusted_documents_file: FilePath | None = of(
        None, "JSON file of documents by id, as graphql-codegen, Relay or Apollo's manifest write it."
    )
    dashboard: bool = of(True, "Whether browsers get the dashboard at `/`.")
    graphiql: bool = of(True, "Whether browsers get GraphiQL at `/graphql`; else a page that says what is there.")
    introspection: bool = of(True, "Whether clients may read the schema, and get names suggested for mistyped ones.")

    cache_backend: Literal["memory", "redis"] = of(
        "memory", "Where bodies read from GES are kept: `memory` of this process, or a `redis` that replicas share."
    )
    cache_url: StoreURL | None = of(None, "Where that Redis is: redis://, rediss:// or unix://; may hold a password.")
    cache_max_bytes: NonNegativeInt = of(256 * _MIB, "Memory for bodies read from GES; a Redis has a bound of its own.")
    answers_max_bytes: NonNegativeInt = of(
        32 * _MIB, "Memory for finished answers about ended jobs, given again as they are; 0 keeps none."
    )
    cache_settle_seconds: NonNegativeInt = of(30, "How long an ended job is watched before its body counts as final.")
    cache_sharing: Literal["auto", "caller", "proven"] = of(
        "auto",
        "`auto` shares bodies between callers with proven rights where GES says that they are the same for everyone; "
        "`proven` also where it does not say; `caller` never.",
    )
    grant_seconds: PositiveInt = of(60, "How long a proven right opens shared bodies before it is proven again.", le=60)

    metrics_port: int | None = of(
        None, "Port of `/metrics` alone, on the same address; not set, it is beside the endpoint.", ge=1, le=65535
    )
    tracing: bool = of(
        False, "Whether spans are sent by OTLP, whereto OTEL_EXPORTER_OTLP_ENDPOINT says; needs the extra `otlp`."
    )
    log_level: Literal["debug", "info", "warning", "error"] = of("info", "Least important log lines written.")
    log_format: Literal["json", "console"] = of("json", "One JSON object a line, or text for people.")
    shutdown_drain_seconds: NonNegativeInt = of(
        1, "After SIGTERM: how long `/readyz` says 503 before the port is closed.", le=600
    )
    shutdown_grace_seconds: NonNegativeInt = of(
        5, "After the port is closed: how long requests under way may take.", le=600
    )

    @model_validator(mode="before")
    @classmethod
    def _set_for_production(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Let what is not said be off in production."""
        with suppress(ValidationError):
            if TypeAdapter(bool).validate_python(given.get("production", False)):
                return {**dict.fromkeys(_OFF_IN_PRODUCTION, False), **given}
        return given

    @field_validator("trusted_documents_file")
    @classmethod
    def _say_what_is_trusted(cls, file: FilePath | None, info: ValidationInfo) -> FilePath | None:
        if file is None and info.data.get("production") and not info.data.get("any_document"):
            raise ValueError(f"is needed in production, unless {PREFIX}ANY_DOCUMENT is on")
        return file

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take keywords only: what is not passed in is not there."""
        return (init_settings,)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Build the settings; an empty value counts as not set. Raises SettingsError."""
        known = {f"{PREFIX}{name.upper()}": name for name in cls.model_fields}
        given = {name: value for name, value in environ.items() if _is_ours(name, value)}
        if unknown := sorted(given.keys() - known.keys()):
            raise SettingsError("\n".join(_unknown(name, list(known)) for name in unknown))
        values: dict[str, Any] = {known[name]: value for name, value in given.items() if value}
        try:
            return cls(**values)
        except ValidationError as error:
            raise SettingsError("\n".join(dict.fromkeys(map(_complaint, error.errors())))) from None

    @model_validator(mode="after")
    def _check_together(self) -> Settings:
        if said := [*self.misfits(self.host, self.project_id), *self._misfits_of_store()]:
            raise ValueError("\n".join(said))
        return self

    def _misfits_of_store(self) -> Iterator[str]:
        given = [name for name in ("cache_url", "cache_secret") if getattr(self, name) is not None]
        if self.cache_backend == "redis" and len(given) < 2:
            yield f"{PREFIX}CACHE_BACKEND: redis needs {PREFIX}CACHE_URL and {PREFIX}CACHE_SECRET, the same everywhere."
        if self.cache_backend == "memory" and self.cache_url is not None:
            yield f"{PREFIX}CACHE_URL: only with {PREFIX}CACHE_BACKEND=redis."

    @property
    def limits(self) -> Limits:
        """What one operation may ask for."""
        return Limits(max_depth=self.max_depth, max_aliases=self.max_aliases, max_rows=self.max_rows)

    @property
    def only_trusted_documents(self) -> bool:
        """Whether no other documents are accepted."""
        return self.production and not self.any_document

    @property
    def can_reach_ges(self) -> bool:
        """Whether at least one plane has an address to start from."""
        return self.management_url is not None or bool(self.service_urls)


def _is_ours(name: str, value: str) -> bool:
    if not name.upper().startswith(PREFIX):
        return False
    rest = name[len(PREFIX) :]
    return not (_SERVICE_LINK.fullmatch(rest) or (rest == "PORT" and _SERVICE_LINK_VALUE.fullmatch(value)))


def _unknown(name: str, known: list[str]) -> str:
    # Compared without the prefix that all of them share.
    near = difflib.get_close_matches(name.upper()[len(PREFIX) :], [k[len(PREFIX) :] for k in known], n=1)
    return f"{name}: there is no such setting" + (f"; did you mean {PREFIX}{near[0]}?" if near else ".")


def _complaint(fault: ErrorDetails) -> str:
    # What is wrong with several settings together names them itself.
    return (f"{PREFIX}{str(fault['loc'][0]).upper()}: " if fault["loc"] else "") + _said(fault["msg"])


def _said(message: str) -> str:
    return message.removeprefix("Value error, ").removesuffix(".") + "."


class SettingRow(NamedTuple):
    """One setting as it is shown to people, values spelled as in the environment."""

    name: str
    value: str
    default: str
    help: str


def describe(settings: Settings) -> list[SettingRow]:
    """Return all settings in their order, with the values in use."""
    defaults = Settings()
    return [
        SettingRow(
            f"{PREFIX}{name.upper()}",
            _spell(getattr(settings, name)),
            _spell(getattr(defaults, name)),
            field.description or "",
        )
        for name, field in _in_order()
    ]


def _in_order() -> list[tuple[str, FieldInfo]]:
    # Pydantic puts what is inherited first; people look for the address first.
    rooms = (ClientSettings.model_fields, AuthSettings.model_fields)
    return sorted(Settings.model_fields.items(), key=lambda item: [item[0] in room for room in reversed(rooms)])


def _spell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:g}"
        case tuple():
            return ",".join(value)
        case dict():
            return json.dumps(value) if value else ""
        case tzinfo():
            return str(value).removeprefix("UTC") or "UTC"
        case _:
            return str(value)
