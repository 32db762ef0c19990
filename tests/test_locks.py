"""The lock files: fresh, complete, hashed, without addresses. No registry is asked: what is installed is witness."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = PYPROJECT["dependency-groups"]
RUN = PYPROJECT["project"]["dependencies"]
DEV = [line for line in GROUPS["dev"] if isinstance(line, str)]
# Each lock with all that is asked of it.
LOCKS = {
    "requirements.lock": RUN,
    "tests/requirements.lock": [*RUN, *DEV, *GROUPS["build"]],
    ".ci/build.lock": GROUPS["build"],
}
EACH_LOCK = pytest.mark.parametrize("lock", LOCKS)


def pins(lock: str) -> dict[str, Requirement]:
    """Read the pinned requirements of a lock file by canonical name."""
    lines = re.findall(r"^[a-z0-9].*?(?= \\$)", (ROOT / lock).read_text(), re.MULTILINE)
    return {canonicalize_name(pin.name): pin for pin in map(Requirement, lines)}


def version(pin: Requirement) -> str:
    """Take the one version a pin allows."""
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    return specifier.version


def holds_here(requirement: Requirement, extras: frozenset[str] = frozenset()) -> bool:
    """Whether a requirement counts on this machine, asked for with these extras."""
    return requirement.marker is None or any(requirement.marker.evaluate({"extra": e}) for e in extras or {""})


def closure(asked: list[str]) -> set[str]:
    """Walk what the installed packages say that they need, and what those need."""
    found: set[str] = set()
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [requirement for requirement in map(Requirement, asked) if holds_here(requirement)]
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        found.add(name)
        if (name, extras) not in seen:
            seen.add((name, extras))
            needs = map(Requirement, distribution(name).requires or [])
            waiting += [need for need in needs if holds_here(need, extras)]
    return found


@EACH_LOCK
def test_every_requirement_is_met_by_its_pin(lock: str) -> None:
    """A range changed in pyproject.toml without `make lock` is seen here."""
    locked = pins(lock)
    unmet = [
        str(requirement)
        for requirement in map(Requirement, LOCKS[lock])
        if (pin := locked.get(canonicalize_name(requirement.name))) is None or version(pin) not in requirement.specifier
    ]
    assert not unmet, f"{lock} is stale, run `make lock`"


@EACH_LOCK
def test_a_lock_holds_what_is_needed_and_nothing_else(lock: str) -> None:
    """A requirement removed from pyproject.toml without `make lock` leaves pins behind."""
    here = {name for name, pin in pins(lock).items() if holds_here(pin)}
    assert here == closure(LOCKS[lock]), f"{lock} is stale, run `make lock`"


def test_the_installed_packages_are_the_locked_ones() -> None:
    """What the checks ran with is what the lock says."""
    other = []
    for name, pin in pins("tests/requirements.lock").items():
        try:
            installed = distribution(name).version
        except PackageNotFoundError:
            installed = "absent"
        if holds_here(pin) and installed != version(pin):
            other.append(f"{pin}: {installed}")
    assert not other, "run `make test`, which sets .venv up again"


@EACH_LOCK
def test_the_locks_agree(lock: str) -> None:
    """What is tested is what is served and what builds."""
    tested = pins("tests/requirements.lock")
    assert {name: version(pin) for name, pin in pins(lock).items()} == {
        name: version(tested[name]) for name in pins(lock)
    }


@EACH_LOCK
def test_every_pin_is_hashed(lock: str) -> None:
    """A pin without a digest would let a registry choose what is installed."""
    blocks = re.split(r"^(?=[a-z0-9])", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]
    assert len(blocks) == len(pins(lock))
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


@EACH_LOCK
def test_a_lock_names_no_place(lock: str) -> None:
    """Where a package came from is the business of each machine's own configuration."""
    text = (ROOT / lock).read_text()
    assert [word for word in ("://", "index-url", "find-links", " @ ", "file:") if word in text] == []


def test_nobody_brings_a_package_named_like_ours() -> None:
    """`schema` and `gateway` exist on package indexes too; one of those would shadow ours or be shadowed."""
    assert {"schema", "gateway"}.isdisjoint(pins("tests/requirements.lock"))


def test_the_wheel_is_built_with_the_tested_backend() -> None:
    """The range in build-system and the one in the tools are the same line."""
    assert PYPROJECT["build-system"]["requires"] == GROUPS["build"]
