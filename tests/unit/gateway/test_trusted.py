"""Tests of the file of trusted documents, in the forms that the tools of clients write."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import SettingsError
from gateway.trusted import Trusted, read_trusted

HELLO, JOB = "query Hello { hello }", "query Job { job }"
BY_SHA256 = {hashlib.sha256(text.encode()).hexdigest(): text for text in (HELLO, JOB)}
BY_MD5 = {hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(): text for text in (HELLO, JOB)}
MANIFEST = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [
        {"id": id, "name": "N", "type": "query", "body": text, "clientName": None} for id, text in BY_SHA256.items()
    ],
}


def read(path: Path, content: Any) -> Trusted:
    """Return what is read of a file with this content."""
    file = path / "trusted.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return read_trusted(file)


@pytest.mark.parametrize("content", [BY_SHA256, BY_MD5, MANIFEST], ids=["graphql-codegen", "relay", "apollo"])
def test_documents_are_read_as_tools_write_them(tmp_path: Path, content: dict[str, Any]) -> None:
    """By the id that the tool made, by SHA-256, by their text."""
    trusted = read(tmp_path, content)
    assert len(trusted) == 2
    ids = [entry["id"] for entry in content["operations"]] if "operations" in content else list(content)
    assert [trusted.get(id) for id in (*ids, *BY_SHA256)] == [HELLO, JOB, HELLO, JOB]
    assert HELLO in trusted
    assert f"{HELLO} " not in trusted
    assert trusted.get("x") is None


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"\xff", b"[" * 50_000, [], {}, "x", 5, None, {"a": 5}, {"a": ""}, {"": "{ a }"}, {"a": {}}),
        {**MANIFEST, "version": 2},
        {**MANIFEST, "operations": {}},
        {**MANIFEST, "operations": []},
        {**MANIFEST, "operations": [5]},
        {**MANIFEST, "operations": [{"id": "a", "body": "{ a }"}, 5]},
        {**MANIFEST, "operations": [{"id": "a"}]},
    ],
    ids=range(19),
)
def test_a_file_that_is_something_else_stops_the_start(tmp_path: Path, content: Any) -> None:
    """With its name, and what it should be; an empty one would refuse everything."""
    with pytest.raises(SettingsError, match=r"trusted\.json"):
        read(tmp_path, content)


def test_a_file_that_is_gone_stops_the_start(tmp_path: Path) -> None:
    """Between the check of the settings and the reading."""
    with pytest.raises(SettingsError, match="FileNotFoundError"):
        read_trusted(tmp_path / "nowhere.json")


def test_others_are_trusted_by_text_and_hash_beside_those_of_the_file(tmp_path: Path) -> None:
    """As the gateway's own pages send them."""
    file = tmp_path / "trusted.json"
    file.write_text(json.dumps({"hello": HELLO}))
    for trusted in (read_trusted(file, [JOB]), Trusted({"hello": HELLO}, [JOB])):
        assert HELLO in trusted
        assert JOB in trusted
        assert trusted.get(hashlib.sha256(JOB.encode()).hexdigest()) == JOB
