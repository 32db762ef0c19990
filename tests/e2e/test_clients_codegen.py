"""graphql-codegen and tsc: typed applications from contract and introspection, and a production that trusts them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e import clients


@pytest.fixture(scope="module")
def generated(programs: Path, gateway_url: str) -> Path:
    """The folder with the types that the client preset made, and the application compiled with them."""
    folder = programs / "codegen"
    for name in ("printed", "introspected", "built"):
        shutil.rmtree(folder / name, ignore_errors=True)
    environ = {"GATEWAY_URL": gateway_url, "GATEWAY_TOKEN": clients.TOKEN}
    clients.run("../node_modules/.bin/graphql-codegen", "--silent", folder=folder, environ=environ)
    clients.run("../node_modules/.bin/tsc", "--project", ".", folder=folder)
    return folder


def test_introspection_tells_the_types_of_the_contract(generated: Path) -> None:
    """What the preset makes of a running gateway is, to the byte, what it makes of the printed file."""
    printed, introspected = (generated / name for name in ("printed", "introspected"))
    names = {file.name for file in printed.iterdir()}
    assert {"gql.ts", "graphql.ts", "persisted-documents.json"} <= names
    assert {name: (introspected / name).read_text() for name in names} == {
        name: (printed / name).read_text() for name in names
    }


def test_production_runs_what_the_tool_has_written_and_nothing_else(generated: Path) -> None:
    """The manifest goes from the build of the application to the gateway as it is."""
    manifest = generated / "printed" / "persisted-documents.json"
    assert len(json.loads(manifest.read_text())) == 1
    with clients.serving(production=True, trusted_documents_file=manifest) as url:
        told = clients.hear(url, "codegen/built/codegen/app.js")
    assert told["byId"] == {"colour": "green", "scores": [0.25, 0.2, 0.166666666667], "total": 19}
    assert told["other"] == ["DOCUMENT_NOT_TRUSTED"]


def test_a_field_that_the_contract_does_not_have_is_an_error_of_compilation(generated: Path) -> None:
    """The types are strict: otherwise the compilation above would prove nothing."""
    settings = json.loads((generated / "tsconfig.json").read_text())
    source = (generated / "app.ts").read_text()
    (generated / "wrong.ts").write_text(source.replace("row.value : null", "row.vertexIds : null"))
    (generated / "wrong.json").write_text(json.dumps({**settings, "files": ["wrong.ts"]}))
    with pytest.raises(AssertionError, match="vertexIds"):
        clients.run("../node_modules/.bin/tsc", "--noEmit", "--project", "wrong.json", folder=generated)
