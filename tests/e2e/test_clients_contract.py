"""The contract under its users' tools: graphql-eslint on names, graphql-inspector on the documents they are shown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from schema.limits import Limits
from tests.e2e import clients
from tests.support_process import ROOT

ESLINT = ("node_modules/.bin/eslint", "--config", "contract/eslint.config.mjs")
EXAMPLES = ROOT / "gateway" / "static" / "graphiql" / "examples"


def documents() -> dict[str, str]:
    """Return every document that users are shown, by where it stands: the recipes and the examples to click."""
    text = (ROOT / "README.md").read_text()
    recipes = {
        f"README.md:{text.count(chr(10), 0, match.start()) + 1}": match[1]
        for match in re.finditer(r"^```graphql\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    }
    return {**recipes, **{file.name: file.read_text() for file in EXAMPLES.glob("*.graphql")}}


@pytest.fixture(scope="module")
def told(programs: Path) -> clients.Told:
    """What graphql-inspector says."""
    limits = Limits()
    bounds = {"maxDepth": limits.max_depth, "maxAliasCount": limits.max_aliases, "maxTokenCount": limits.max_tokens}
    file = programs / "contract" / "documents.json"
    file.write_text(json.dumps(documents()))
    printed = clients.run("contract/inspect.mjs", "schema.graphql", str(file), json.dumps(bounds))
    return clients.Told.read(printed)


def test_graphql_eslint_has_nothing_to_say(programs: Path) -> None:
    """Names, descriptions and connections; rules that are off say why in its configuration."""
    clients.run(*ESLINT, "schema.graphql")


def test_graphql_eslint_reads_the_contract(programs: Path) -> None:
    """A field without description and a name in the wrong case are found: the silence above means something."""
    contract = (programs / "schema.graphql").read_text()
    worse = programs / "worse.graphql"
    worse.write_text(contract.replace('  """When GES answered."""\n', "", 1).replace("rowsKey:", "RowsKey:", 1))
    assert worse.read_text() != contract
    with pytest.raises(AssertionError, match=r"(?s)RowsKey.*Description is required"):
        clients.run(*ESLINT, "worse.graphql")
    worse.unlink()


def test_every_document_shown_to_users_is_valid_and_within_the_limits(told: clients.Told) -> None:
    """By the rules of graphql-inspector, which are not ours; nothing deprecated is shown."""
    assert len(documents()) > 20
    assert told["validate"] == []
