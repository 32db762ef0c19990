"""Versions with a known weakness, and packages that must stay out: compared with what is installed and locked."""

import tomllib
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
LISTED = tomllib.loads((ROOT / "tests" / "floors.toml").read_text())
FLOORS: dict[str, dict[str, str]] = LISTED["floors"]
ABSENT: dict[str, str] = LISTED["absent"]
LOCKS = ("requirements.lock", "tests/requirements.lock", ".ci/build.lock")


def older_than_its_floor(name: str, installed: str) -> bool:
    """Tell whether a version is too old."""
    return Version(installed) < Version(FLOORS[name]["version"])


@pytest.mark.parametrize("name", FLOORS)
def test_r31_supply_chain_no_version_with_a_known_weakness(name: str) -> None:
    """A floor for what is not installed any more is to be removed."""
    try:
        installed = version(name)
    except PackageNotFoundError:
        pytest.fail(f"{name} is not installed: remove its floor")
    assert not older_than_its_floor(name, installed), f"{name} {installed}: {FLOORS[name]['why']}"


@pytest.mark.parametrize("name", FLOORS)
def test_a_floor_says_why_and_is_noticed(name: str) -> None:
    """Version 0 of anything is below it."""
    assert FLOORS[name]["why"]
    assert older_than_its_floor(name, "0")


@pytest.mark.parametrize("name", ABSENT)
def test_r31_supply_chain_what_must_stay_out_is_out(name: str) -> None:
    """Neither installed nor locked. Our own package has the name of the project, not of a folder."""
    installed = {canonicalize_name(found.name) for found in distributions()}
    assert name not in installed, ABSENT[name]
    assert [lock for lock in LOCKS if f"\n{name}==" in "\n" + (ROOT / lock).read_text()] == []


def test_r31_supply_chain_nothing_is_unpickled() -> None:
    """Whoever writes the shared store, or a file, must not be able to run code here."""
    sources = [path for room in ("gateway", "schema") for path in (ROOT / room).rglob("*.py")]
    words = ("import pickle", "import marshal", "import shelve", "PickleSerializer", "yaml.load(")
    assert [f"{path}: {word}" for path in sources for word in words if word in path.read_text()] == []
