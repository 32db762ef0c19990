"""How the commands about jobs are written, and how they are run: credentials, exit codes, being interrupted."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from gateway.cli.client import AskError, GatewayClient
from gateway.cli.commands import COMMANDS, NOT_ASKED, NOT_ENDED, Session
from gateway.cli.documents import Target
from gateway.cli.output import Output
from schema.page import PAGE_ROWS

HELP = "Ask a gateway about a job: get, wait, watch, rows, export."
INTERRUPTED = 130
_ABOUT = f"""{HELP}

The token of the caller is taken from GES_TOKEN or from a file, never from the command line, where others could read it.

exit codes: 0 succeeded, 1 failed, 2 partially failed, 3 cancelled, 4 not ended (in time), 5 could not ask;
`rows` and `export`: 0 when everything was written. {INTERRUPTED} after Ctrl-C.
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are no outcome of a job: 2, as others exit, would be one."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(NOT_ASKED, f"{self.prog}: {message}\n")


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Add the commands to the parser of `job`, which complains in its own way from now on."""
    parser.__class__ = _Parser
    parser.description, parser.formatter_class = _ABOUT, argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True, metavar="action", parser_class=_Parser, dest="action")
    for name, (_, text) in COMMANDS.items():
        added = commands.add_parser(name, help=text, description=text)
        _add_target(added)
        added.set_defaults(timeout=None, first=0, offset=0, format="table", output=None, resume=False, verbatim=False)
        _ADDING.get(name, lambda _: None)(added)


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="JOB", help="global id; with --graph the id that GES gave")
    parser.add_argument("--graph", metavar="NAME", help="name of the graph that the job belongs to")
    parser.add_argument("--instance", metavar="ID", help="graph id of the database instance that holds the graph")
    parser.add_argument("--plane", choices=("management", "service"), help="ask this plane alone")
    parser.add_argument("--url", help="address of the gateway, instead of GES_URL; http://127.0.0.1:8000 without both")
    parser.add_argument("--token-file", metavar="FILE", help="file with the token, - for standard input")
    parser.add_argument("--project", metavar="ID", help="project, instead of GES_PROJECT")
    parser.add_argument("--json", action="store_true", help="write JSON, one object a line")


def _add_wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="how long at most; without, to the end")


def _add_rows(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--first", type=_count, default=100, help="how many at most, up to 100,000; 100 without")
    parser.add_argument("--offset", type=_count, default=0, help="skip so many")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="`table` without")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("ndjson", "csv", "arrow"), default="ndjson", help="`ndjson` without")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where to; standard output without")
    parser.add_argument("--resume", action="store_true", help="go on with what is there of FILE")
    parser.add_argument("--verbatim", action="store_true", help="CSV: leave texts that look like formulas as they are")


_ADDING = {"wait": _add_wait, "rows": _add_rows, "export": _add_export}


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Run one command and return its exit code."""
    output = Output(as_json=options.json)
    try:
        _check(options)
        token = _token(options.token_file, environ)
        return asyncio.run(_run(options, environ, token, output))
    except AskError as error:
        output.say(str(error) + (f" ({error.code})" if error.code else ""))
        return NOT_ENDED if error.code == "JOB_NOT_ENDED" else NOT_ASKED
    except OSError as error:
        output.say(f"{error.filename or 'Writing'}: {error.strerror}.")
        return NOT_ASKED
    except KeyboardInterrupt:
        output.clear()
        return INTERRUPTED


async def _run(options: argparse.Namespace, environ: Mapping[str, str], token: str | None, output: Output) -> int:
    url = options.url or environ.get("GES_URL") or "http://127.0.0.1:8000"
    client = GatewayClient(url, token=token, project=options.project or environ.get("GES_PROJECT"))
    target = Target(options.job, options.graph, options.instance, options.plane)
    async with client:
        command, _ = COMMANDS[options.action]
        return await command(Session(client, target, output, options))


def _check(options: argparse.Namespace) -> None:
    if options.graph is None and (options.instance or options.plane):
        raise AskError("--instance and --plane go with --graph; a global id holds both.")
    if options.resume and (options.output is None or options.format == "arrow"):
        raise AskError("--resume goes with --output and with formats that have lines: ndjson, csv.")


def _token(file: str | None, environ: Mapping[str, str]) -> str | None:
    if file == "-":
        return sys.stdin.readline().strip()
    return Path(file).read_text().strip() if file else environ.get("GES_TOKEN")


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise ValueError
    return seconds


def _count(text: str) -> int:
    count = int(text)
    if not 0 <= count <= max(PAGE_ROWS, 2**31 - 1):
        raise ValueError
    return count
