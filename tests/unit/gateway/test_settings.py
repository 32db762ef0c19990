"""Tests of the settings."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings import Settings, SettingsError, describe
from schema.limits import Limits


def read(**values: str) -> Settings:
    """Read settings from an environment that holds these names without their prefix."""
    return Settings.from_environment({f"GES_GATEWAY_{name}": value for name, value in values.items()})


def complaint(**values: str) -> str:
    """Return what is said about settings that cannot be used."""
    with pytest.raises(SettingsError) as caught:
        read(**values)
    return str(caught.value)


def test_without_an_environment_the_defaults_hold() -> None:
    """Other people's variables are not ours."""
    settings = Settings.from_environment({"PATH": "/bin", "GES": "x"})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.management_url) == ("127.0.0.1", 8000, None)
    assert settings.service_allow == ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    assert settings.service_time_zone == timezone(timedelta(hours=8))


def test_keywords_do_not_read_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests build settings from keywords, whatever machine they run on."""
    monkeypatch.setenv("GES_GATEWAY_PORT", "9")
    assert Settings().port == 8000


def test_settings_do_not_change() -> None:
    """Everybody holds the same ones."""
    with pytest.raises(ValidationError):
        Settings().port = 1


def test_values_are_read_by_their_kind() -> None:
    """Lists by comma, objects as JSON, switches by word."""
    settings = read(
        PORT="0",
        MANAGEMENT_URL="https://ges.example.com/prefix/",
        PROJECT_ID="0f3c9a1e",
        SERVICE_URLS='{"a": "http://10.0.0.5:8080/", "b": "http://[fd00::1]"}',
        SERVICE_ALLOW="10.1.2.3/16, Graph.Example.com, 10.0.0.5:8080,",
        ALLOWED_ORIGINS="https://App.example.com, http://localhost:3000",
        UPSTREAM_COMPRESSION="on",
        GRAPHIQL="off",
        REQUEST_TIMEOUT_SECONDS="2.5",
    )
    assert settings.management_url == "https://ges.example.com/prefix"
    assert settings.project_id == "0f3c9a1e"
    assert settings.service_urls == {"a": "http://10.0.0.5:8080", "b": "http://[fd00::1]"}
    assert settings.service_allow == ("10.1.0.0/16", "graph.example.com", "10.0.0.5:8080")
    assert settings.allowed_origins == ("https://app.example.com", "http://localhost:3000")
    assert (settings.upstream_compression, settings.graphiql) == (True, False)
    assert settings.request_timeout_seconds == 2.5


def test_an_empty_value_counts_as_not_set() -> None:
    """Compose files pass on what is not there as nothing."""
    assert read(PORT="", MANAGEMENT_URL="", SERVICE_ALLOW="") == Settings()


@pytest.mark.parametrize(
    ("text", "hours"), [("+08:00", 8), ("-03:00", -3), ("+00:00", 0), ("UTC", 0), ("Asia/Shanghai", 8)]
)
def test_a_zone_is_an_offset_or_a_name(text: str, hours: int) -> None:
    """Both as people write them."""
    zone = read(SERVICE_TIME_ZONE=text).service_time_zone
    assert zone.utcoffset(datetime(2026, 3, 4)) == timedelta(hours=hours)


def test_a_zone_may_be_one_already() -> None:
    """Whoever builds settings from keywords has values, not texts."""
    assert Settings(service_time_zone=UTC).service_time_zone is UTC


def test_one_setting_closes_what_only_developers_need(tmp_path: Path) -> None:
    """Each may be said otherwise."""
    file = tmp_path / "trusted.json"
    file.touch()
    closed = read(PRODUCTION="on", TRUSTED_DOCUMENTS_FILE=str(file))
    assert (closed.graphiql, closed.introspection, closed.only_trusted_documents) == (False, False, True)
    opened = read(PRODUCTION="on", ANY_DOCUMENT="on", INTROSPECTION="on")
    assert (opened.graphiql, opened.introspection, opened.only_trusted_documents) == (False, True, False)
    usual = read(PRODUCTION="off", TRUSTED_DOCUMENTS_FILE=str(file))
    assert (usual.graphiql, usual.introspection, usual.only_trusted_documents) == (True, True, False)


def test_production_without_trusted_documents_does_not_start_by_itself() -> None:
    """Whoever wants that says so."""
    assert complaint(PRODUCTION="on") == (
        "GES_GATEWAY_TRUSTED_DOCUMENTS_FILE: is needed in production, unless GES_GATEWAY_ANY_DOCUMENT is on."
    )
    assert complaint(PRODUCTION="perhaps").startswith("GES_GATEWAY_PRODUCTION: ")


def test_a_file_of_authorities_must_be_there(tmp_path: Path) -> None:
    """Else the first call to GES would tell."""
    file = tmp_path / "ca.pem"
    file.touch()
    assert read(MANAGEMENT_TLS_CA_FILE=str(file)).management_tls_ca_file == file
    assert complaint(SERVICE_TLS_CA_FILE=str(tmp_path / "no.pem")).startswith("GES_GATEWAY_SERVICE_TLS_CA_FILE: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("MANAGEMENT_URL", "ges.example.com"),
        ("MANAGEMENT_URL", "ftp://ges.example.com"),
        ("MANAGEMENT_URL", "https://name:hunter2@ges.example.com"),
        ("MANAGEMENT_URL", "https://ges.example.com/?token=hunter2"),
        ("MANAGEMENT_URL", "https://ges.example.com/#x"),
        ("MANAGEMENT_URL", "https://ges.example.com/a/../b"),
        ("MANAGEMENT_URL", "https://ges.example.com:99999"),
        ("MANAGEMENT_URL", "https://"),
        ("MANAGEMENT_URL", "https://ges.example.com\n"),
        ("PROJECT_ID", "../x"),
        ("SERVICE_URLS", "{"),
        ("SERVICE_URLS", "[]"),
        ("SERVICE_URLS", '{"a": "10.0.0.5"}'),
        ("SERVICE_URLS", '{"a": 5}'),
        ("SERVICE_ALLOW", "10.0.0.0/8, what is this"),
        ("SERVICE_ALLOW", "http://10.0.0.5"),
        ("SERVICE_SCHEME", "ftp"),
        ("SERVICE_TIME_ZONE", "+25:00"),
        ("SERVICE_TIME_ZONE", "Mars/Olympus"),
        ("SERVICE_TIME_ZONE", "../etc/passwd"),
        ("ALLOWED_ORIGINS", "https://app.example.com/path"),
        ("ALLOWED_ORIGINS", "null"),
        ("UPSTREAM_TIMEOUT_SECONDS", "0"),
        ("UPSTREAM_TIMEOUT_SECONDS", "nan"),
        ("MAX_REQUEST_BYTES", "0"),
        ("GRANT_SECONDS", "61"),
        ("CACHE_SHARING", "always"),
        ("GRAPHIQL", "maybe"),
        ("PRODUCTION", "maybe"),
        ("TRUSTED_DOCUMENTS_FILE", "/no/such/file"),
        ("MAX_UNKNOWN_DOCUMENTS", "0"),
        ("LOG_LEVEL", "chatty"),
    ],
)
def test_an_unusable_value_names_its_setting_and_is_not_repeated(name: str, value: str) -> None:
    """It may hold a secret, put into the wrong place."""
    text = complaint(**{name: value})
    assert text.startswith(f"GES_GATEWAY_{name}: ")
    assert len(text.splitlines()) == 1
    assert "hunter2" not in text


def test_all_faults_are_told_at_once() -> None:
    """Nobody wants to start five times."""
    assert complaint(PORT="x", LOG_LEVEL="y").splitlines() == [
        "GES_GATEWAY_PORT: Input should be a valid integer, unable to parse string as an integer.",
        "GES_GATEWAY_LOG_LEVEL: Input should be 'debug', 'info', 'warning' or 'error'.",
    ]


def test_an_unknown_name_stops_and_the_nearest_is_named() -> None:
    """A mistyped limit must not be no limit."""
    assert complaint(PROT="1") == "GES_GATEWAY_PROT: there is no such setting; did you mean GES_GATEWAY_PORT?"
    assert complaint(QQQQQQQQQQQQ="1") == "GES_GATEWAY_QQQQQQQQQQQQ: there is no such setting."


def test_names_are_upper_case() -> None:
    """Another spelling would be passed over in silence."""
    with pytest.raises(SettingsError, match="ges_gateway_port: there is no such setting; did you mean GES_GATEWAY_P"):
        Settings.from_environment({"ges_gateway_port": "1"})


def test_links_of_kubernetes_are_passed_over() -> None:
    """A service called `ges-gateway` puts such names into every pod beside it."""
    links = {
        "SERVICE_HOST": "10.96.0.7",
        "SERVICE_PORT": "80",
        "SERVICE_PORT_HTTP": "80",
        "PORT": "tcp://10.96.0.7:80",
        "PORT_80_TCP": "tcp://10.96.0.7:80",
        "PORT_80_TCP_ADDR": "10.96.0.7",
    }
    assert read(**links) == Settings()


def test_settings_say_where_ges_is() -> None:
    """Either plane will do."""
    assert not Settings().can_reach_ges
    assert Settings(management_url="http://ges.example.com").can_reach_ges
    assert Settings(service_urls={"a": "http://10.0.0.5"}).can_reach_ges


def test_limits_come_from_the_settings() -> None:
    """What has no setting stays as it is."""
    assert Settings(max_depth=3, max_aliases=4, max_rows=5).limits == Limits(max_depth=3, max_aliases=4, max_rows=5)
    assert Settings().limits == Limits()


def test_every_setting_is_described() -> None:
    """With a sentence, and both values as one would write them."""
    rows = {row.name: row for row in describe(read(PORT="1", GRAPHIQL="off", SERVICE_URLS='{"a":"http://b"}'))}
    assert len(rows) == len(Settings.model_fields)
    assert all(row.help.endswith((".", "`.")) for row in rows.values())
    assert rows["GES_GATEWAY_PORT"][1:3] == ("1", "8000")
    assert rows["GES_GATEWAY_GRAPHIQL"][1:3] == ("off", "on")
    assert rows["GES_GATEWAY_SERVICE_URLS"][1:3] == ('{"a": "http://b"}', "")
    assert rows["GES_GATEWAY_MANAGEMENT_URL"][1:3] == ("", "")
    assert rows["GES_GATEWAY_UPSTREAM_TIMEOUT_SECONDS"][1:3] == ("8", "8")
    assert rows["GES_GATEWAY_SERVICE_TIME_ZONE"][1:3] == ("+08:00", "+08:00")


def test_what_is_described_can_be_read_again() -> None:
    """The listing is an environment."""
    settings = read(SERVICE_TIME_ZONE="UTC", SERVICE_ALLOW="10.0.0.5:80", SERVICE_URLS='{"a":"http://b"}', GRAPHIQL="0")
    assert Settings.from_environment({row.name: row.value for row in describe(settings)}) == settings
    assert Settings.from_environment({row.name: row.default for row in describe(settings)}) == Settings()
