"""The commands: reads the environment, checks the settings, starts what was asked for. The only place that prints."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from urllib.parse import urlsplit

from opentelemetry.trace import Tracer
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway import VERSION
from gateway.app import PATH, create_app
from gateway.auth.api_keys import make_key
from gateway.cli import parser as cli
from gateway.connections import ConnectionBounds
from gateway.probes import READY
from gateway.server import PortError, open_port, serve, url_of
from gateway.settings import PREFIX, Settings, SettingsError, describe
from gateway.telemetry import configure
from gateway.tracing import open_tracer
from schema.build import build_schema

EXIT_FAILED = 1
EXIT_MISUSED = 2
_HEALTH_SECONDS = 2.0
_SANDBOX_TOKEN = "sandbox-token-all"  # noqa: S105 -- public: it opens nothing but the sandbox


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 it failed, 2 the command or a setting is wrong."""
    options = _parser().parse_args(arguments)
    environ = os.environ if environ is None else environ
    if "action" in options:
        # A client has no use for the settings of a gateway, and its exit codes tell of the job.
        return cli.run(options, environ)
    try:
        settings = Settings.from_environment(_with_options(environ, options))
        command: Callable[[Settings, argparse.Namespace], int] = options.command
        return command(settings, options)
    except SettingsError as error:
        print(f"The settings cannot be used.\n{error}", file=sys.stderr)
        return EXIT_MISUSED
    except PortError as error:
        print(f"{error}\nChoose another with --port or {PREFIX}PORT.", file=sys.stderr)
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ges-gateway", description="GraphQL over both REST planes of GES.")
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, command, help_text in _COMMANDS:
        added = commands.add_parser(name, help=help_text, description=help_text)
        added.set_defaults(command=command, host=None, port=None)
        if command in _SERVING:
            added.add_argument("--host", help=f"address to listen on, instead of {PREFIX}HOST")
            added.add_argument("--port", help=f"port to listen on, instead of {PREFIX}PORT")
        if command is _key:
            added.add_argument("name", help="whose key it is, for the file and nobody else")
            added.add_argument(
                "--graphs", default="*", help="graphs it opens, by name or id, by comma; all of them by default"
            )
        if command is _health:
            added.add_argument("--url", help="address of the gateway, instead of the one it listens on")
    cli.add_commands(commands.add_parser("job", help=cli.HELP))
    return parser


def _with_options(environ: Mapping[str, str], options: argparse.Namespace) -> dict[str, str]:
    given = {"HOST": options.host, "PORT": options.port}
    return {**environ, **{f"{PREFIX}{name}": value for name, value in given.items() if value is not None}}


def _serve(settings: Settings, _options: argparse.Namespace) -> int:
    if not settings.can_reach_ges:
        print(
            f"Where is GES? Set {PREFIX}MANAGEMENT_URL, {PREFIX}SERVICE_URLS or both.\n"
            "To look around without GES: ges-gateway demo",
            file=sys.stderr,
        )
        return EXIT_MISUSED
    tracer = _tracer(settings)
    return _run(lambda _url: create_app(settings, tracer=tracer), settings)


def _demo(settings: Settings, _options: argparse.Namespace) -> int:
    # The sandbox is no part of what serves GES, so only these two commands load it.
    from gateway.demo.graphs import PROJECT_ID
    from gateway.demo.simulator import create_sandbox
    from gateway.demo.wire import WiredProtocol

    tracer = _tracer(settings)

    def create(url: str) -> Starlette:
        # The sandbox reports the address it was called by as that of every graph, so the gateway finds it there again.
        update = {"management_url": url, "project_id": settings.project_id or PROJECT_ID}
        app = create_app(settings.model_copy(update=update), demo_token=_SANDBOX_TOKEN, tracer=tracer)
        app.mount("/", create_sandbox())
        return app

    text = f"{_DEMO_TEXT}\n{_SANDBOX_TEXT}".replace("{project}", PROJECT_ID)
    return _run(create, _for_people(settings), text, protocol=WiredProtocol)


def _tracer(settings: Settings) -> Tracer | None:
    try:
        return open_tracer() if settings.tracing else None
    except ImportError:
        raise SettingsError(f"{PREFIX}TRACING: needs the extra `otlp`: pip install 'ges-gateway[otlp]'.") from None


def _sandbox(settings: Settings, _options: argparse.Namespace) -> int:
    from gateway.demo.graphs import PROJECT_ID
    from gateway.demo.simulator import create_sandbox
    from gateway.demo.wire import WiredProtocol

    text = _SANDBOX_TEXT.replace("{project}", PROJECT_ID)
    return _run(lambda _url: create_sandbox(), _for_people(settings), text, protocol=WiredProtocol)


def _schema(_settings: Settings, _options: argparse.Namespace) -> int:
    print(build_schema().as_str())
    return 0


def _settings(settings: Settings, _options: argparse.Namespace) -> int:
    for row in describe(settings):
        print(f"# {row.help} Default: {row.default or 'none'}.\n{row.name}={row.value}\n")
    return 0


def _key(_settings: Settings, options: argparse.Namespace) -> int:
    graphs = [graph.strip() for graph in options.graphs.split(",") if graph.strip()]
    if not graphs:
        print("A key without graphs opens nothing: say --graphs.", file=sys.stderr)
        return EXIT_MISUSED
    new = make_key(options.name, graphs)
    # The key goes to its user and the entry into the file, so each is a line that can be cut out.
    print(json.dumps({"key": new.text}))
    print(json.dumps({"name": new.entry.name, "hash": new.entry.hash, "graphs": new.entry.graphs}))
    return 0


def _health(settings: Settings, options: argparse.Namespace) -> int:
    """Ask a running gateway whether it is ready."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 -- only compared
    url = urlsplit(options.url or f"http://{f'[{host}]' if ':' in host else host}:{settings.port}")
    connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    try:
        connection = connect(url.hostname or "", url.port, timeout=_HEALTH_SECONDS)
        connection.request("GET", f"{url.path.rstrip('/')}{READY}")
        answer = connection.getresponse()
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"no answer: {type(error).__name__}", file=sys.stderr)
        return EXIT_FAILED
    print(answer.read(100).decode("ascii", "replace").strip())
    return 0 if answer.status == 200 else EXIT_FAILED


_Command = Callable[[Settings, argparse.Namespace], int]
_COMMANDS: tuple[tuple[str, _Command, str], ...] = (
    ("serve", _serve, "Serve the gateway in front of GES."),
    ("demo", _demo, "Serve the gateway in front of a sandbox, on one port; nothing else is needed."),
    ("sandbox", _sandbox, "Serve the sandbox alone: both planes of GES, played from scripted jobs."),
    ("schema", _schema, "Print the GraphQL schema."),
    ("settings", _settings, "Print all settings with their meaning and the values in use."),
    ("key", _key, "Make an API key, and its entry for the file of GES_GATEWAY_API_KEYS_FILE."),
    ("health", _health, "Ask a running gateway whether it is ready; exit with 0 if so."),
)
_SERVING = (_serve, _demo, _sandbox)

# `{url}` and `{project}` are filled in when they are known.
_DEMO_TEXT = f"""
Dashboard  {{url}}/          in a browser: graphs, jobs and results; the token is filled in
GraphiQL   {{url}}{PATH}   in a browser: ask anything
GraphQL    {{url}}{PATH}   by POST, for instance:

  curl -s {{url}}{PATH} -H 'X-Auth-Token: {_SANDBOX_TOKEN}' -H 'Content-Type: application/json' \\
    -d '{{"query": "{{ jobs(first: 3) {{ nodes {{ name kind status }} }} }}"}}'
"""
_SANDBOX_TEXT = f"""\
Sandbox    {{url}}/v2/{{project}}/graphs
           {{url}}/ges/v1.0/{{project}}/graphs
Token      X-Auth-Token: {_SANDBOX_TOKEN}
"""


def _run(
    create: Callable[[str], Starlette],
    settings: Settings,
    text: str = "",
    protocol: type[HttpToolsProtocol] = HttpToolsProtocol,
) -> int:
    """Open the port, so that its number is known, and serve what `create` builds for that address."""
    # The connection itself cuts a client first, and tells; this is for what the kernel alone still holds.
    open_one = partial(open_port, settings.host, stalled_seconds=2 * settings.client_stall_seconds)
    listener = open_one(settings.port)
    beside = () if settings.metrics_port is None else (open_one(settings.metrics_port),)
    configure(settings.log_level, settings.log_format)
    url = url_of(listener)
    try:
        app = create(url)
    except SettingsError:
        for port in (listener, *beside):
            port.close()
        raise
    if text:
        print(text.replace("{url}", url), flush=True)
    has_started = serve(
        app,
        listener,
        *beside,
        bounds=_bounds(settings),
        drain_seconds=settings.shutdown_drain_seconds,
        grace_seconds=settings.shutdown_grace_seconds,
        protocol=protocol,
    )
    return 0 if has_started else EXIT_FAILED


def _bounds(settings: Settings) -> ConnectionBounds:
    return ConnectionBounds(
        most=settings.max_connections,
        head_seconds=settings.request_head_seconds,
        idle_seconds=settings.idle_connection_seconds,
        stall_seconds=settings.client_stall_seconds,
    )


def _for_people(settings: Settings) -> Settings:
    """Return the settings with a log for a terminal, unless its format was chosen."""
    chosen = "log_format" in settings.model_fields_set
    return settings if chosen else settings.model_copy(update={"log_format": "console"})


if __name__ == "__main__":
    sys.exit(main())
