"""Tests of the commands; those that serve run as processes of their own."""

import http.server
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway import VERSION
from gateway.__main__ import main
from gateway.auth.api_keys import hash_of
from tests.support_process import ROOT, running

MODULE = ["-m", "gateway"]
SANDBOX = {"X-Auth-Token": "sandbox-token-all"}
PROJECT = "0f3c9a1e5b7d4c2688a0e1f2d3c4b5a6"


@contextmanager
def answering(status: int) -> Iterator[str]:
    """Answer every GET with a status, and its path as text."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(self.path.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield str(server.server_port)
        finally:
            server.shutdown()
            thread.join()


def test_without_a_command_the_usage_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """With all commands."""
    with pytest.raises(SystemExit) as caught:
        main([], {})
    assert caught.value.code == 2
    with pytest.raises(SystemExit):
        main(["--help"], {})
    text = capsys.readouterr().out
    assert all(command in text for command in ("serve", "demo", "sandbox", "schema", "settings", "health"))


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """As the package has it."""
    with pytest.raises(SystemExit) as caught:
        main(["--version"], {})
    assert (caught.value.code, capsys.readouterr().out) == (0, f"{VERSION}\n")


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """For code generators."""
    assert main(["schema"], {}) == 0
    assert "type Query {" in capsys.readouterr().out


def test_the_settings_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """With the values in use, as an environment file."""
    assert main(["settings"], {"GES_GATEWAY_PORT": "81"}) == 0
    assert "# Port to listen on; 0 takes a free one. Default: 8000.\nGES_GATEWAY_PORT=81\n" in capsys.readouterr().out


def test_a_key_is_made_with_its_entry(capsys: pytest.CaptureFixture[str]) -> None:
    """Each as a line that can be cut out; nothing is written anywhere else."""
    assert main(["key", "dashboard", "--graphs", "movies, books"], {}) == 0
    key, entry = map(json.loads, capsys.readouterr().out.splitlines())
    assert entry == {"name": "dashboard", "hash": hash_of(key["key"]), "graphs": ["movies", "books"]}
    assert main(["key", "everything"], {}) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[1])["graphs"] == ["*"]
    assert main(["key", "nothing", "--graphs", " , "], {}) == 2
    assert "--graphs" in capsys.readouterr().err


def test_settings_that_cannot_be_used_stop_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, with exit code 2."""
    assert main(["serve"], {"GES_GATEWAY_PROT": "1"}) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "The settings cannot be used.\nGES_GATEWAY_PROT: there is no such setting; did you mean GES_GATEWAY_PORT?\n"
    )


def test_an_option_is_checked_like_its_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """And told by the setting's name."""
    assert main(["serve", "--port", "99999"], {"GES_GATEWAY_PORT": "1"}) == 2
    assert "GES_GATEWAY_PORT: Input should be less than or equal to 65535." in capsys.readouterr().err


def test_serving_needs_to_know_where_ges_is(capsys: pytest.CaptureFixture[str]) -> None:
    """And says how to look around without."""
    assert main(["serve"], {}) == 2
    text = capsys.readouterr().err
    assert "GES_GATEWAY_MANAGEMENT_URL, GES_GATEWAY_SERVICE_URLS" in text
    assert "demo" in text


def test_a_file_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    """Before anybody is served."""
    file = tmp_path / "trusted.json"
    file.write_text("[]")
    settings = {"GES_GATEWAY_MANAGEMENT_URL": "http://10.0.0.1", "GES_GATEWAY_TRUSTED_DOCUMENTS_FILE": str(file)}
    command = [sys.executable, "-W", "error", *MODULE, "serve", "--port", "0"]
    ended = subprocess.run(command, env={**os.environ, **settings}, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith("The settings cannot be used.\n")
    assert "trusted.json: holds no trusted documents." in ended.stderr
    assert "Warning" not in ended.stderr


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """With the way to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["sandbox", "--port", str(port)], {}) == 1
    assert capsys.readouterr().err == (
        f"Cannot listen on 127.0.0.1, port {port}: Address already in use.\n"
        "Choose another with --port or GES_GATEWAY_PORT.\n"
    )


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_health_is_what_readiness_says(status: int, code: int, host: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked where the gateway listens."""
    with answering(status) as port:
        assert main(["health"], {"GES_GATEWAY_HOST": host, "GES_GATEWAY_PORT": port}) == code
        assert capsys.readouterr().out == "/readyz\n"
        assert main(["health", "--url", f"http://127.0.0.1:{port}/behind/"], {}) == code
        assert capsys.readouterr().out == "/behind/readyz\n"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}", "https://127.0.0.1:{port}", "http://[::1]:{port}", "nonsense"]
)
def test_no_answer_is_no_health(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the reason."""
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]
    assert main(["health", "--url", url.format(port=port)], {}) == 1
    assert capsys.readouterr().err.startswith("no answer: ")


def test_health_asks_addresses_of_six_too(capsys: pytest.CaptureFixture[str]) -> None:
    """In brackets."""
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]
    assert main(["health"], {"GES_GATEWAY_HOST": "::", "GES_GATEWAY_PORT": str(port)}) == 1
    assert capsys.readouterr().err.startswith("no answer: ")


def test_the_demo_says_where_to_look_and_answers_there() -> None:
    """Gateway and sandbox on one port; Ctrl-C ends it with 0."""
    with running([*MODULE, "demo", "--port", "0"], {"GES_GATEWAY_LOG_FORMAT": "json"}) as demo:
        assert demo.get("/readyz") == (200, "ready\n")
        assert demo.get(f"/v2/{PROJECT}/graphs", SANDBOX)[0] == 200
        status, text = demo.get("/graphql?query={jobs(first:1){nodes{name}}}", SANDBOX)
        assert status == 200
        assert len(json.loads(text)["data"]["jobs"]["nodes"]) == 1
        demo.signal(signal.SIGINT)
        ended = demo.end()
    assert ended.code == 0
    url = f"http://127.0.0.1:{demo.port}"
    assert f"Dashboard  {url}/ " in ended.printed
    assert f"GraphiQL   {url}/graphql " in ended.printed
    assert f"Sandbox    {url}/v2/{PROJECT}/graphs\n" in ended.printed
    assert "Token      X-Auth-Token: sandbox-token-all\n" in ended.printed
    assert f"curl -s {url}/graphql " in ended.printed


def test_the_first_query_of_the_demo_can_be_pasted() -> None:
    """Into a shell, as it is printed."""
    with running([*MODULE, "demo", "--port", "0"]) as demo:
        demo.signal(signal.SIGINT)
        printed = demo.end().printed
    words = shlex.split(printed[printed.index("curl ") : printed.index("Sandbox")])
    assert words[-1] == '{"query": "{ jobs(first: 3) { nodes { name kind status } } }"}'


def test_the_sandbox_serves_alone() -> None:
    """For those who test a client of GES; SIGTERM ends it with 0."""
    with running([*MODULE, "sandbox", "--port", "0"], {"GES_GATEWAY_SHUTDOWN_DRAIN_SECONDS": "0"}) as sandbox:
        assert sandbox.get(f"/v2/{PROJECT}/graphs", SANDBOX)[0] == 200
        assert sandbox.get("/graphql")[0] == 404
        sandbox.signal(signal.SIGTERM)
        assert sandbox.end().code == 0


def test_the_gateway_serves() -> None:
    """In front of what may not even be there."""
    environ = {"GES_GATEWAY_MANAGEMENT_URL": "http://127.0.0.1:9", "GES_GATEWAY_SHUTDOWN_DRAIN_SECONDS": "0"}
    with running([*MODULE, "serve", "--host", "127.0.0.1", "--port", "0"], environ) as gateway:
        status, text = gateway.get("/graphql?query={gateway{version}}")
        assert (status, json.loads(text)) == (200, {"data": {"gateway": {"version": VERSION}}})
        gateway.signal(signal.SIGTERM)
        code, _, logged = gateway.end()
    assert code == 0
    assert [json.loads(line)["event"] for line in logged.splitlines()] == ["operation", "draining", "stopped"]
