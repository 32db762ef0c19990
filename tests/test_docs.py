"""The documents: commands and queries of README.md run against the demo, tables and paths compared with the code.

`python -m tests.test_docs` writes the generated tables anew.
"""

import argparse
import ast
import http.client
import io
import json
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import pytest

from gateway import VERSION, middleware, server, sockets
from gateway.__main__ import main
from gateway.auth import credential
from gateway.cache import lifetime
from gateway.demo.graphs import GRAPHS
from gateway.demo.tokens import TOKENS
from gateway.demo.trouble import KINDS
from gateway.http import stream
from gateway.http.answer import STATUS_BY_CODE
from gateway.http.problems import INTERNAL
from gateway.jobs import listing
from gateway.metrics import METRICS
from gateway.metrics import PREFIX as PREFIX_OF_METRICS
from gateway.planes import breaker
from gateway.settings import PREFIX, Settings, describe
from gateway.telemetry import Event
from schema.errors import RequestRefusedError
from schema.limits import Limits
from schema.page import PAGE_GRAPHS, PAGE_IDS, PAGE_JOBS, PAGE_ROWS
from schema.problem import ProblemCode
from schema.query import LONGEST_WAIT_SECONDS
from tests.support_process import ROOT, Program, running

USERS, MAINTAINERS = ROOT / "README.md", ROOT / "gateway" / "README.md"
DOCUMENTS = (USERS, MAINTAINERS)
README = USERS.read_text()
SERVING = {"serve", "demo", "sandbox"}
DEMO_PORT = 8000
TOKEN = "sandbox-token-all"
# What no two answers share, by the member it stands under; the shown value has the form as well.
_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
VARYING = {
    "requestId": r"[0-9a-f]{32}",
    "startedAt": _INSTANT,
    "fetchedAt": _INSTANT,
    "cached": r"True|False",
    "immutable": r"True|False",
}
FOLDERS = (
    "schema",
    "gateway",
    "gateway/auth",
    "gateway/http",
    "gateway/jobs",
    "gateway/formats",
    "gateway/cli",
    "gateway/planes",
    "gateway/cache",
)
HIDDEN = {"__init__.py", "__pycache__", "py.typed", "README.md"}
ROOMS_WITHOUT_A_MODULE = {
    "schema.graphql": "The printed contract; a test compares it with the types",
    "static/": "What browsers load: the dashboard, GraphiQL with its examples, the page in its place",
}
MEANINGS = {
    "characters": "of the document",
    "tokens": "of the document, comments not counted",
    "comments": "of the document",
    "depth": "levels of fields; below `__schema` and `__type` they are not counted",
    "aliases": "in the operation",
    "directives": "in the operation",
    "rootFields": "in the operation",
    "fields": "in the operation, each fragment counted once",
    "nodes": "entries of all lists of jobs and graphs together",
    "rows": "rows of results, all pages together",
    "upstreamReads": "calls to GES that one operation may cause",
    "first": f"of one page: rows; of jobs {PAGE_JOBS}, of graphs {PAGE_GRAPHS}",
    "ids": "of `nodes(ids:)`",
}


@dataclass(frozen=True)
class Block:
    """One fenced block of a document; `shown` is the answer that the document gives behind it."""

    line: int
    language: str
    text: str
    shown: "Block | None" = None


def read_blocks(text: str) -> list[Block]:
    """Return the blocks that are run, each with the answer shown directly behind it."""
    found = [
        Block(text.count("\n", 0, match.start()) + 1, match[1], match[2])
        for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]
    blocks = []
    for block, follower in zip(found, [*found[1:], None], strict=True):
        if block.language in ("sh", "graphql"):
            is_answer = follower is not None and follower.language in ("json", "text")
            blocks.append(Block(block.line, block.language, block.text, follower if is_answer else None))
    return blocks


BLOCKS = read_blocks(README)


def read_commands(text: str) -> Iterator[list[str]]:
    """Give the commands of a shell block, each as its words."""
    pending = ""
    for line in text.replace("\\\n", " ").splitlines(keepends=True):
        pending += line
        try:
            words = shlex.split(pending)
        except ValueError:
            continue  # A quote is still open.
        pending = ""
        yield words
    assert not pending, text


def ask(port: int, method: str, target: str, body: bytes | None = None, **headers: str) -> str:
    """Send one request and return the text of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, target, body, {name.replace("_", "-"): text for name, text in headers.items()})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@dataclass
class Machine:
    """Runs what the document says, in its order. Ports it names become those that were free."""

    stack: ExitStack
    ports: dict[int, int] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    _drains: list[threading.Thread] = field(default_factory=list)

    def run(self, block: Block) -> Any:
        """Return what the block brings: JSON, or text."""
        if block.language == "graphql":
            query = block.text.replace("waitSeconds: 30", "waitSeconds: 1")
            body = json.dumps({"query": query}).encode()
            headers = {"X_Auth_Token": TOKEN, "Content_Type": "application/json"}
            return json.loads(ask(self.ports[DEMO_PORT], "POST", "/graphql", body, **headers))
        said = [self._command(words) for words in read_commands(block.text)]
        return said[-1]

    def _command(self, words: list[str]) -> Any:
        settings = {}
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            settings[name] = self._with_ports(value)
        program, *arguments = map(self._with_ports, words)
        if program == "curl":
            told = curl(arguments)
            return json.loads(told) if told.startswith("{") else told.replace("\r\n", "\n")
        if program == "make":
            return self._make(*arguments)
        if program == "docker":
            return check_docker(arguments)
        assert [program, *arguments[:2]] == [".venv/bin/python", "-m", "gateway"], words
        return self._gateway(arguments[2:], settings)

    def _make(self, target: str) -> str:
        told = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        if target != "run":
            return told
        assert "-m gateway demo\n" in told
        return self._gateway(["demo"], {f"{PREFIX}LOG_FORMAT": "json"})

    def _gateway(self, arguments: list[str], settings: dict[str, str]) -> str:
        command, *options = arguments
        if command == "health":
            # It leaves its connection to the end of the process.
            line = [sys.executable, "-m", "gateway", *arguments]
            return subprocess.run(line, cwd=ROOT, env=settings, capture_output=True, text=True, check=True).stdout
        if command == "job":
            # It may write files, which belong somewhere else.
            line = [sys.executable, "-m", "gateway", *arguments]
            folder = self.stack.enter_context(tempfile.TemporaryDirectory())
            return subprocess.run(line, cwd=folder, env=settings, capture_output=True, text=True, check=True).stdout
        if command not in SERVING:
            with redirect_stdout(io.StringIO()) as written:
                assert main(arguments, settings) == 0
            return written.getvalue()
        named = int(options[options.index("--port") + 1]) if "--port" in options else DEMO_PORT
        program = self.stack.enter_context(running(["-m", "gateway", command, "--port", "0"], settings))
        self.ports.setdefault(named, program.port)
        self._drain(program)
        text = "" if command == "serve" else printed(program)
        return text.replace(f":{program.port}/", f":{named}/")

    def _drain(self, program: Program) -> None:
        # Nobody reads its log otherwise, and a full pipe would stop it.
        assert program.process.stderr is not None
        thread = threading.Thread(target=self.log.extend, args=(program.process.stderr,), daemon=True)
        thread.start()
        self._drains.append(thread)

    def _with_ports(self, text: str) -> str:
        return re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda found: str(self.ports.get(int(found[0]), found[0])), text)


def printed(program: Program) -> str:
    """Return what a serving command prints, down to the line of the token."""
    text = ""
    assert program.process.stdout is not None
    for line in program.process.stdout:
        text += line
        if line.startswith("Token "):
            break
    return text.lstrip("\n")


def curl(arguments: list[str]) -> str:
    """Do what curl does with the few options that the document uses; argparse refuses any other."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("url")
    parser.add_argument("-s", action="store_true", required=True)
    parser.add_argument("-N", action="store_true")
    parser.add_argument("-G", action="store_true")
    parser.add_argument("-X", default=None)
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-d", default=None)
    parser.add_argument("--data-urlencode", action="append", default=[])
    given = parser.parse_args(arguments)
    url = urlsplit(given.url)
    assert url.port is not None
    pairs = dict(pair.split("=", 1) for pair in given.data_urlencode)
    target = urlunsplit(("", "", url.path, urlencode(pairs) if given.G else url.query, ""))
    body = None if given.d is None else given.d.encode()
    headers = dict(header.split(": ", 1) for header in given.H)
    return ask(url.port, given.X or ("GET" if body is None else "POST"), target, body, **headers)


def check_docker(arguments: list[str]) -> None:
    """Images are not built here; ports and settings must be those of the image."""
    image = (ROOT / "Dockerfile").read_text()
    for port in re.findall(r"-p \d+:(\d+)", " ".join(arguments)):
        assert f"EXPOSE {port}\n" in image


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Give the machine; what it started ends with the module."""
    with ExitStack() as stack:
        yield Machine(stack)


@pytest.fixture(scope="module")
def told(machine: Machine) -> dict[int, Any]:
    """Run the whole document once, in its order, and return what each block brought, by its line."""
    return {block.line: machine.run(block) for block in BLOCKS}


def assert_same(shown: Any, told: Any, place: str) -> None:
    """Compare JSON member by member; what varies need only have the form."""
    name = place.rpartition(".")[2]
    if name in VARYING:
        assert all(re.fullmatch(VARYING[name], str(value)) for value in (shown, told)), (place, shown, told)
    elif isinstance(shown, dict) and isinstance(told, dict):
        assert shown.keys() == told.keys(), place
        for member in shown:
            assert_same(shown[member], told[member], f"{place}.{member}")
    elif isinstance(shown, list) and isinstance(told, list):
        assert len(shown) == len(told), place
        for number, (one, other) in enumerate(zip(shown, told, strict=True)):
            assert_same(one, other, f"{place}[{number}]")
    else:
        assert shown == told, place


@pytest.mark.parametrize("block", [pytest.param(block, id=f"line-{block.line}") for block in BLOCKS])
def test_a_block_of_the_readme_does_what_it_says(block: Block, told: dict[int, Any]) -> None:
    """A query without a shown answer has no errors; a shown answer is the answer."""
    answer = told[block.line]
    if block.shown is None:
        assert block.language == "sh" or "errors" not in answer, answer
    elif block.shown.language == "json":
        assert_same(json.loads(block.shown.text), answer, "answer")
    else:
        assert block.shown.text == answer


def test_the_gateway_in_front_of_the_separate_sandbox_finds_jobs(machine: Machine, told: dict[int, Any]) -> None:
    """As the section about the sandbox promises."""
    query = {"query": '{ graph(by: { name: "supply_chain" }) { isQueryable jobs(first: 1) { planes { ok } } } }'}
    headers = {"X_Auth_Token": TOKEN, "Content_Type": "application/json"}
    answer = json.loads(ask(machine.ports[8002], "POST", "/graphql", json.dumps(query).encode(), **headers))
    assert answer["data"]["graph"] == {"isQueryable": True, "jobs": {"planes": [{"ok": True}, {"ok": True}]}}


def test_a_line_of_the_log_has_the_fields_that_are_told(machine: Machine, told: dict[int, Any]) -> None:
    """All of them, and no other."""
    lines = [json.loads(line) for line in machine.log if '"event":"operation"' in line]
    assert lines
    documented = {name for row in rows_of("log") for name in re.findall(r"`(\w+)`", row[0])}
    assert all(set(line) == documented for line in lines)


def section(name: str, text: str = README) -> str:
    """Return what stands between the two marks of a table."""
    found = re.search(rf"<!-- begin: {name} -->\n(.*?)<!-- end: {name} -->", text, re.DOTALL)
    assert found, name
    return found[1]


def rows_of(name: str, text: str = README) -> list[list[str]]:
    """Return the rows of a table as their cells, without its head."""
    lines = section(name, text).splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def first_words(name: str, text: str = README) -> list[str]:
    """Return the names in the first column."""
    return [row[0].strip("`") for row in rows_of(name, text)]


def as_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Write a table of Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n".replace("|  |", "| |") for cells in lines)


def settings_table() -> str:
    """Write the table of all settings."""
    rows = [
        (f"`{row.name}`", f"`{row.default}`" if row.default else "", row.help.replace("|", "\\|"))
        for row in describe(Settings())
    ]
    return as_table(("setting", "default", "meaning"), rows)


def metrics_table() -> str:
    """Write the table of all metrics."""
    rows = [(f"`{PREFIX_OF_METRICS}{m.name}`", m.kind, ", ".join(f"`{n}`" for n in m.labels), m.help) for m in METRICS]
    return as_table(("metric", "kind", "by", "meaning"), rows)


def limits_table() -> str:
    """Write the table of the limits of one operation."""
    limits = {item.name: getattr(Limits(), item.name) for item in fields(Limits)}
    limits |= {"max_upstream_reads": Settings().max_upstream_reads, "first": PAGE_ROWS, "ids": PAGE_IDS}
    rows = []
    for name, maximum in limits.items():
        limit = camel(name.removeprefix("max_"))
        setting = f"`{PREFIX}{name.upper()}`" if name in Settings.model_fields else ""
        rows.append((f"`{limit}`", f"{maximum:,}", MEANINGS[limit], setting))
    return as_table(("limit", "at most", "what is counted", "setting"), rows)


def camel(name: str) -> str:
    """Spell a name as clients see it."""
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def rooms_table(folder: str) -> str:
    """Write the table of what a folder holds: each file and the first sentence of its docstring."""
    rows = []
    for path in sorted((ROOT / folder).iterdir()):
        if path.name in HIDDEN:
            continue
        name = path.name + ("/" if path.is_dir() else "")
        module = path / "__init__.py" if path.is_dir() else path
        rows.append((f"`{name}`", ROOMS_WITHOUT_A_MODULE.get(name) or first_sentence(module)))
    return as_table(("", "what it is for"), rows)


def first_sentence(module: Path) -> str:
    """Return how a module begins to tell what it is for."""
    text = " ".join((ast.get_docstring(ast.parse(module.read_text())) or "").split())
    return re.split(r"(?<=[a-z0-9`)])[.](?= [A-Z`]|$)", text)[0].replace("|", "\\|")


def layers_text() -> str:
    """Write the layers that import-linter enforces and that exist, from the top down."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    standing = {path.stem for path in (ROOT / "gateway").iterdir()}
    lines = [[name for name in re.findall(r"gateway\.(\w+)", layer) if name in standing] for layer in layers]
    return "".join(["```text\n", *(" | ".join(names) + "\n" for names in lines if names), "schema\n```\n"])


GENERATED: dict[tuple[Path, str], Callable[[], str]] = {
    (USERS, "settings"): settings_table,
    (USERS, "limits"): limits_table,
    (USERS, "metrics"): metrics_table,
    (MAINTAINERS, "layers"): layers_text,
    **{(MAINTAINERS, f"rooms of {folder}"): partial(rooms_table, folder) for folder in FOLDERS},
}


@pytest.mark.parametrize(("document", "name"), GENERATED, ids=[name for _, name in GENERATED])
def test_a_generated_table_is_not_stale(document: Path, name: str) -> None:
    """`python -m tests.test_docs` renews it."""
    assert section(name, document.read_text()) == GENERATED[document, name]()


def test_every_code_is_told_with_its_status() -> None:
    """Those of the planes, those of the request, and the mask."""
    refusals = {error.code for error in RequestRefusedError.__subclasses__()}
    known = {code.name for code in ProblemCode} | refusals | {*STATUS_BY_CODE, INTERNAL}
    statuses = {code: str(status) for code, status in STATUS_BY_CODE.items()} | {INTERNAL: "500"}
    assert {row[0].strip("`"): row[3] for row in rows_of("codes")} == {code: statuses.get(code, "") for code in known}


def test_every_event_of_the_log_is_told() -> None:
    """Beside the operation, which has a table of its own."""
    assert set(first_words("events")) == {*Event} - {Event.OPERATION}


def test_how_long_bodies_are_kept_is_told() -> None:
    """In the order of the table."""
    kept = [lifetime.JOB_MOVING, lifetime.JOB_SETTLING, lifetime.JOB_SETTLED, lifetime.LIST_MOVING]
    kept += [lifetime.LIST_STILL, lifetime.GRAPH, lifetime.NOT_FOUND]
    spelled = [f"{one.seconds / 3600:g} h" if one.seconds >= 3600 else f"{one.seconds:g} s" for one in kept]
    assert [row[1] for row in rows_of("lifetimes")] == [*spelled, "never"]


def test_the_sandbox_is_told_as_it_is() -> None:
    """Tokens, graphs with their editions, kinds of trouble."""
    assert set(first_words("tokens")) == set(TOKENS)
    graphs = {graph.name: "database" if graph.is_database else "memory" for graph in GRAPHS}
    assert {row[0].strip("`"): row[1] for row in rows_of("graphs")} == graphs
    assert [kind for kind in KINDS if f"`{kind}`" not in README] == []


def test_every_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """In the sentence that lists them."""
    with pytest.raises(SystemExit):
        main(["--help"], {})
    known = re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE)
    (sentence,) = re.findall(r"^Commands: (.*?);", README, re.MULTILINE | re.DOTALL)
    assert re.findall(r"`(\w+)`", sentence) == known


@pytest.mark.parametrize(
    "fact",
    [
        f"beyond {credential._LONGEST // 1024} KiB",
        f"more than {middleware._MOST_HEADERS} headers or {middleware._MOST_HEADER_BYTES // 1024} KiB of them",
        f"an address beyond {middleware._MOST_URL_BYTES:,} bytes",
        f"`waitSeconds` is 0 to {LONGEST_WAIT_SECONDS}.",
        f"lists of jobs ends at {listing._LARGEST_SKIP:,}",
        f"less than {Settings().idle_connection_seconds} s",
        f"for {breaker.OPEN_SECONDS:g} seconds",
        f"would wait {Settings().request_head_seconds:g} s for each",
        f"a message beyond {server._LONGEST_MESSAGE_BYTES // 1024} KiB",
        f"not initialised within {sockets._INIT_SECONDS:g} s",
        f"at most {stream._MOST_BYTES // 1024 // 1024} MiB an event",
        f"### {VERSION}",
    ],
)
def test_a_number_in_the_text_is_the_number_in_the_code(fact: str) -> None:
    """Lines may break anywhere."""
    assert fact in " ".join(README.split())


@pytest.mark.parametrize("document", DOCUMENTS, ids=["users", "maintainers"])
def test_every_setting_named_exists(document: Path) -> None:
    """A renamed one would send its reader astray."""
    named = set(re.findall(rf"{PREFIX}([A-Z_]+[A-Z])", document.read_text()))
    assert named - {name.upper() for name in Settings.model_fields} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=["users", "maintainers"])
def test_every_link_leads_somewhere(document: Path) -> None:
    """To a file of the repository, or to a heading of the document."""
    text = document.read_text()
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {"#" + re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert [to for to in targets if to not in anchors and not (document.parent / to).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=["users", "maintainers"])
def test_lines_are_readable(document: Path) -> None:
    """Tables, links and ids cannot be broken; everything else can."""
    lines = [line for line in document.read_text().splitlines() if not line.startswith("|")]
    assert [line for line in lines if len(line) > 120 and len(max(line.split(), key=len)) < 80] == []


def test_pictures_are_shown_and_small() -> None:
    """Each of them, and under 200 KB, so that the page of the repository opens at once."""
    pictures = {path for path in (ROOT / "tests" / "screenshots").iterdir() if path.suffix == ".png"}
    assert {str(path.relative_to(ROOT)) for path in pictures} == set(re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README))
    assert all(path.stat().st_size < 200_000 for path in pictures)


def test_every_path_named_to_maintainers_exists() -> None:
    """From the root or from gateway/; the generated tables name files within their folder."""
    text = re.sub(r"<!-- begin.*?<!-- end", "", MAINTAINERS.read_text(), flags=re.DOTALL)
    named = set(re.findall(r"`([\w./-]+(?:\.py|\.toml|\.graphql|/))`", text))
    assert named
    assert [
        name for name in sorted(named) if not any((root / name).exists() for root in (ROOT, ROOT / "gateway"))
    ] == []


def test_every_decision_has_four_parts() -> None:
    """Status, context, decision, consequences."""
    _, _, decisions = MAINTAINERS.read_text().partition("\n## Decisions\n")
    parts = [re.findall(r"^- \*\*(\w+)\.\*\*", text, re.MULTILINE) for text in decisions.split("\n### ")[1:]]
    assert parts
    assert all(part == ["Status", "Context", "Decision", "Consequences"] for part in parts)


def write_generated() -> None:
    """Put the generated tables into the documents."""
    for (document, name), table in GENERATED.items():
        head, mark, rest = document.read_text().partition(f"<!-- begin: {name} -->\n")
        _, end, tail = rest.partition(f"<!-- end: {name} -->")
        document.write_text(head + mark + table() + end + tail)


if __name__ == "__main__":
    write_generated()
