"""Settings of who may ask: which go together, and that no secret among them is ever shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.settings import Settings, SettingsError, describe

USER = {"IAM_URL": "https://iam.example", "ACCOUNT_DOMAIN": "acme", "ACCOUNT_USER": "gw", "ACCOUNT_PASSWORD": "hunter2"}
ACCESS_KEY = {"ACCOUNT_ACCESS_KEY": "hunter2-ak", "ACCOUNT_SECRET_KEY": "hunter2-sk"}
JWT = {"JWKS_URL": "https://issuer.example/.well-known/jwks.json", "JWT_ISSUER": "i", "JWT_AUDIENCE": "a"}
MODE = {"AUTH_MODE": "service-account", "PROJECT_ID": "p1"}


def read(**values: Any) -> Settings:
    """Read settings from an environment that holds these names without their prefix."""
    return Settings.from_environment({f"GES_GATEWAY_{name}": str(value) for name, value in values.items()})


def complaints(**values: Any) -> list[str]:
    """Return what is said about settings that do not go together."""
    with pytest.raises(SettingsError) as caught:
        read(**values)
    assert "hunter2" not in str(caught.value)
    return str(caught.value).splitlines()


def test_a_service_account_has_a_user_a_key_or_both() -> None:
    """Each of them whole."""
    for settings in (USER, ACCESS_KEY, USER | ACCESS_KEY):
        assert read(**MODE, **settings).auth_mode == "service-account"


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ["GES_GATEWAY_IAM_URL", "GES_GATEWAY_ACCOUNT_ACCESS_KEY"]),
        ({**USER, "ACCOUNT_PASSWORD": ""}, ["GES_GATEWAY_ACCOUNT_PASSWORD: must be set together with"]),
        ({"ACCOUNT_ACCESS_KEY": "ak"}, ["GES_GATEWAY_ACCOUNT_SECRET_KEY: must be set together with"]),
        ({**USER, "PROJECT_ID": ""}, ["GES_GATEWAY_PROJECT_ID: must be set"]),
        (
            {**USER, **JWT, "JWT_ISSUER": ""},
            ["GES_GATEWAY_JWT_ISSUER: must be set together with GES_GATEWAY_JWKS_URL."],
        ),
        ({**USER, "JWT_AUDIENCE": "a"}, ["GES_GATEWAY_JWT_AUDIENCE: only with GES_GATEWAY_JWKS_URL"]),
        ({**USER, **JWT, "JWKS_FILE": __file__}, ["GES_GATEWAY_JWKS_URL, GES_GATEWAY_JWKS_FILE: only one of both."]),
    ],
)
def test_what_does_not_go_together_stops_the_start(settings: dict[str, str], names: list[str]) -> None:
    """The settings at fault are named."""
    [said] = complaints(**(MODE | settings))
    assert all(name in said for name in names)


def test_all_that_does_not_go_together_is_told_at_once() -> None:
    """Nobody wants to start five times."""
    assert len(complaints(AUTH_MODE="service-account", HOST="0.0.0.0", JWT_ISSUER="i")) == 4


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "gateway.example", "127.evil"])
def test_without_credentials_of_callers_it_listens_on_this_machine_only(host: str) -> None:
    """Else everybody in the network reads everything; with credentials it may listen anywhere."""
    [said] = complaints(**MODE, **USER, HOST=host)
    assert said.startswith("GES_GATEWAY_HOST: without GES_GATEWAY_API_KEYS_FILE, GES_GATEWAY_JWKS_URL")
    assert read(**MODE, **USER, **JWT, HOST=host).host == host
    assert read(**MODE, **USER, API_KEYS_FILE=__file__, HOST=host).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost", "Localhost"])
def test_on_this_machine_it_may_listen_without_them(host: str) -> None:
    """That is how one tries it out."""
    assert read(**MODE, **USER, HOST=host).api_keys_file is None


@pytest.mark.parametrize("settings", [USER, ACCESS_KEY, JWT, {"API_KEYS_FILE": __file__}])
def test_passthrough_takes_none_of_them(settings: dict[str, str]) -> None:
    """Whoever sets a password and forgets the mode should hear of it."""
    [said] = complaints(**settings)
    assert said.endswith("only with GES_GATEWAY_AUTH_MODE=service-account.")
    assert all(f"GES_GATEWAY_{name}" in said for name in settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTH_MODE", "open"),
        ("JWKS_URL", "http://issuer.example/keys"),
        ("JWKS_URL", "https://user:hunter2@issuer.example/keys"),
        ("JWKS_URL", "https://issuer.example/keys?token=hunter2"),
        ("JWKS_URL", "https://issuer.example/../keys"),
        ("JWKS_URL", "https://issuer.example:99999/keys"),
        ("JWKS_FILE", "/nowhere/keys.json"),
        ("API_KEYS_FILE", "/nowhere/keys.json"),
        ("JWT_ALGORITHMS", "HS256"),
        ("JWT_ALGORITHMS", "none"),
        ("JWT_ALGORITHMS", "RS256,"[-1:]),
        ("JWT_GRAPHS", "{"),
        ("JWT_GRAPHS", '{"analyst": "movies"}'),
        ("JWT_LEEWAY_SECONDS", "301"),
        ("CACHE_SECRET", "hunter2"),
    ],
)
def test_an_unusable_value_names_its_setting_and_is_not_repeated(name: str, value: str) -> None:
    """It may be a secret."""
    [said] = complaints(**{name: value})
    assert said.startswith(f"GES_GATEWAY_{name}: ")


def test_values_are_read_by_their_kind(tmp_path: Path) -> None:
    """Keys may be published on this machine without TLS."""
    settings = read(
        **MODE,
        **USER,
        **{**JWT, "JWKS_URL": "http://127.0.0.1:8001/keys.json"},
        JWT_ALGORITHMS="ES256, EdDSA",
        JWT_GRAPHS='{"analyst": ["movies", "books"], "admin": ["*"]}',
    )
    assert settings.jwt_algorithms == ("ES256", "EdDSA")
    assert settings.jwt_graphs == {"analyst": ["movies", "books"], "admin": ["*"]}
    assert Settings(jwt_graphs={"a": ["b"]}).jwt_graphs == {"a": ["b"]}


def test_r01_no_secret_is_shown() -> None:
    """Neither in a listing of the settings nor in a traceback; that there is one may be seen."""
    settings = read(**MODE, **USER, **ACCESS_KEY, CACHE_SECRET="hunter2-hunter2-hunter2-hunter2-hunter2")
    rows = {row.name: row.value for row in describe(settings)}
    assert "hunter2" not in f"{settings!r} {settings} {rows} {settings.model_dump()}"
    masked = ("ACCOUNT_PASSWORD", "ACCOUNT_ACCESS_KEY", "ACCOUNT_SECRET_KEY", "CACHE_SECRET")
    assert {rows[f"GES_GATEWAY_{name}"] for name in masked} == {"**********"}
    assert rows["GES_GATEWAY_ACCOUNT_USER"] == "gw"
