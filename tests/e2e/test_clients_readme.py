"""The programs in README.md, run as they stand, with the address of a gateway in place of the demo's."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.trusted import read_trusted
from tests.e2e import clients
from tests.support_process import ROOT

README = (ROOT / "README.md").read_text()
DOCUMENT = """import { graphql } from "./gql/gql";
export const VERSION = graphql(`query Version { gateway { version } }`);
"""


@dataclass(frozen=True)
class Snippet:
    """A program, the line it stands at, and what it is said to print."""

    line: int
    language: str
    text: str
    printed: str


def snippets() -> list[Snippet]:
    """Return the programs in their order."""
    found = re.finditer(r"^```(js|python)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", README, re.MULTILINE | re.DOTALL)
    return [Snippet(README.count("\n", 0, one.start()) + 1, one[1], one[2], one[3] or "") for one in found]


def block(language: str, behind: str) -> str:
    """Return the first block of a language behind a heading."""
    found = re.search(rf"^```{language}\n(.*?)^```$", README[README.index(f"\n{behind}\n") :], re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def folder(programs: Path) -> Path:
    """An empty folder beside the packages, with the contract."""
    made = programs / "readme"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    shutil.copy(programs / "schema.graphql", made)
    return made


def run_javascript(folder: Path, text: str) -> str:
    (folder / "ranking.js").write_text(text)
    hooks = ["--import", "../browserlike.mjs"]
    if "relay-runtime" in text:
        (folder / "relay.config.json").write_text(block("json", "### Relay"))
        clients.run("../node_modules/relay-compiler/cli.js", folder=folder)
        hooks += ["--import", "../relay/register.mjs"]
    return clients.run(*hooks, "ranking.js", folder=folder)


def run_python(folder: Path, text: str) -> str:
    (folder / "ranking.py").write_text(text)
    command = (sys.executable, "-W", "error", "ranking.py")
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


RUN = {"js": run_javascript, "python": run_python}


@pytest.mark.parametrize("snippet", [pytest.param(one, id=f"{one.language}-line-{one.line}") for one in snippets()])
def test_a_program_of_the_readme_prints_what_it_says(folder: Path, gateway_url: str, snippet: Snippet) -> None:
    """Copied as it stands it works, and its answer is the one shown."""
    host = gateway_url.removeprefix("http://").partition("/")[0]
    assert "127.0.0.1:8000" in snippet.text
    printed = RUN[snippet.language](folder, snippet.text.replace("127.0.0.1:8000", host))
    assert printed == snippet.printed


@pytest.mark.parametrize("client", ["@apollo/client", "@urql/core", "relay-runtime", "graphql-ws", "from gql"])
def test_every_client_has_its_program(client: str) -> None:
    """Those that people ask about."""
    assert [one for one in snippets() if client in one.text]


def test_the_code_generator_of_the_readme_makes_a_file_of_trusted_documents(folder: Path) -> None:
    """The configuration as it stands, and a document of the application."""
    (folder / "codegen.ts").write_text(block("ts", "### TypeScript"))
    (folder / "version.ts").write_text(DOCUMENT)
    clients.run("../node_modules/.bin/graphql-codegen", "--silent", folder=folder)
    assert "query Version { gateway { version } }" in read_trusted(folder / "gql" / "persisted-documents.json")
