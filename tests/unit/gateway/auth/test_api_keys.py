"""API keys: made at random, kept as hashes, found by nothing but the whole key."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from gateway.auth.api_keys import ApiKeys, Entry, KeyFile, hash_of, make_key, read_entries
from gateway.settings import SettingsError


def test_a_new_key_opens_what_it_was_made_for() -> None:
    """And nothing but the whole of it does."""
    new, other = make_key("dashboard", ["movies"]), make_key("other")
    keys = ApiKeys([new.entry, other.entry])
    assert keys.find(new.text) == Entry("dashboard", hash_of(new.text), ["movies"])
    assert keys.find(other.text) == Entry("other", hash_of(other.text), ["*"])
    for wrong in (new.text[:-1], new.text + "x", new.text.swapcase(), new.entry.hash, "", "gesk_"):
        assert keys.find(wrong) is None


def test_keys_cannot_be_guessed() -> None:
    """256 random bits each, and a start by which scanners of leaked secrets know them."""
    keys = {make_key("a").text for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("gesk_") and len(key) == 48 and key.isascii() for key in keys)


def test_the_hash_is_sha256() -> None:
    """So that other tools can make entries: printf %s KEY | sha256sum."""
    assert hash_of("abc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def a_file(folder: Path, content: object) -> Path:
    """Write a file of keys."""
    path = folder / "keys.json"
    path.write_bytes(content if isinstance(content, bytes) else msgspec.json.encode(content))
    return path


def test_a_file_holds_entries(tmp_path: Path) -> None:
    """As the command that makes keys prints them."""
    entries = [make_key("a", ["movies"]).entry, make_key("b").entry]
    assert read_entries(a_file(tmp_path, {"keys": entries})) == entries


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[" * 100_000, "Expected `object`"),
        ({}, "missing required field `keys`"),
        ({"keys": []}, "length >= 1"),
        ({"keys": [{"name": "a", "hash": "sha256:hunter2", "graphs": ["*"]}]}, "matching regex"),
        ({"keys": [{"name": "a", "hash": hash_of("x"), "graphs": []}]}, "length >= 1"),
        ({"keys": [{"name": "a", "hash": hash_of("x"), "graphs": "*"}]}, "Expected `array`"),
        ({"keys": [{"name": "", "hash": hash_of("x"), "graphs": ["*"]}]}, "length >= 1"),
        ({"keys": [{"name": "a", "key": "hunter2", "graphs": ["*"]}]}, "missing required field `hash`"),
        ({"keys": [{"name": "a", "hash": hash_of(x), "graphs": ["*"]} for x in "xy"]}, "the same name"),
        ({"keys": [{"name": x, "hash": hash_of("x"), "graphs": ["*"]} for x in "ab"]}, "the same hash"),
    ],
)
def test_a_file_that_cannot_be_meant_stops_the_start(tmp_path: Path, content: object, says: str) -> None:
    """It names the setting and the place; what stands there may be a key that was put into the wrong field."""
    with pytest.raises(SettingsError, match=r"^GES_GATEWAY_API_KEYS_FILE: ") as caught:
        read_entries(a_file(tmp_path, content))
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    """A folder, for instance."""
    with pytest.raises(SettingsError, match="cannot be read"):
        read_entries(tmp_path)


class Watch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """So that a key can be taken back without a restart; it is looked at now and then, not for every request."""
    old, new, watch = make_key("old"), make_key("new"), Watch()
    path = a_file(tmp_path, {"keys": [old.entry]})
    keys = KeyFile(path, watch)
    assert keys.find(old.text) == old.entry
    a_file(tmp_path, {"keys": [new.entry, make_key("another").entry]})
    watch.seconds = 4.9
    assert keys.find(old.text) == old.entry
    watch.seconds = 5.0
    assert keys.find(old.text) is None
    assert keys.find(new.text) == new.entry
    watch.seconds = 10.0
    assert keys.find(new.text) == new.entry


@pytest.mark.parametrize("broken", [b"{", None])
def test_a_change_that_cannot_be_read_changes_nothing_and_is_told_once(tmp_path: Path, broken: bytes | None) -> None:
    """Half a file must not lock everybody out; mended, it counts again."""
    old, new, watch = make_key("old"), make_key("new"), Watch()
    path = a_file(tmp_path, {"keys": [old.entry]})
    keys = KeyFile(path, watch)
    if broken is None:
        path.unlink()
    else:
        path.write_bytes(broken)
    with capture_logs() as logs:
        for watch.seconds in (5.0, 10.0, 15.0):
            assert keys.find(old.text) == old.entry
    assert [(line["event"], line["what"]) for line in logs] == [("account_failed", "api_keys")]
    a_file(tmp_path, {"keys": [new.entry]})
    watch.seconds = 20.0
    assert (keys.find(old.text), keys.find(new.text)) == (None, new.entry)
