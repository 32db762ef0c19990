"""The wheel: what an image or an index would get. Built once for these tests, without a network."""

import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from gateway import VERSION

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the locked backend."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture
def archive(wheel: Path) -> Iterator[zipfile.ZipFile]:
    """Open the wheel for reading."""
    with zipfile.ZipFile(wheel) as opened:
        yield opened


def dist_info(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read one file of the wheel's description of itself."""
    return archive.read(f"ges_gateway-{VERSION}.dist-info/{name}")


def test_the_wheel_holds_both_packages_whole_and_nothing_else(archive: zipfile.ZipFile) -> None:
    """Every file of the two folders arrives, Python or not; tests, locks and set-up stay at home."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "gateway", "schema"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    files = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert files == {name for name in listed if (ROOT / name).exists()}


@pytest.mark.parametrize("name", ["gateway/py.typed", "schema/py.typed", "schema/schema.graphql"])
def test_a_file_that_is_not_python_is_in_the_wheel(archive: zipfile.ZipFile, name: str) -> None:
    """Types for who imports us, the printed contract for who generates code."""
    assert name in archive.namelist()


def test_the_wheel_installs_the_command(archive: zipfile.ZipFile) -> None:
    """The image's entry point is this script."""
    assert dist_info(archive, "entry_points.txt").decode() == (
        "[console_scripts]\nges-gateway = gateway.__main__:main\n"
    )


def test_the_wheel_says_what_it_needs_and_under_which_terms(archive: zipfile.ZipFile) -> None:
    """An installer reads these; the licence text travels along."""
    metadata = message_from_bytes(dist_info(archive, "METADATA"))
    assert metadata["Name"] == "ges-gateway"
    assert metadata["Version"] == VERSION
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    assert len(metadata.get_all("Requires-Dist", [])) == len(PROJECT["dependencies"]) + len(extras)
    assert b"Apache License" in dist_info(archive, "licenses/LICENSE")


def test_the_packages_work_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    """Imports and files read as resources do not lean on the repository around them."""
    program = """
import importlib.resources, sys
import gateway, schema
from graphql import build_schema
assert gateway.__file__.startswith(sys.path[0]), gateway.__file__
assert schema.__file__.startswith(sys.path[0]), schema.__file__
build_schema(importlib.resources.files("schema").joinpath("schema.graphql").read_text())
print(len(list(importlib.resources.files("gateway").joinpath("static", "graphiql").iterdir())) > 0)
"""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(wheel)!r})\n{program}"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (ran.stdout, ran.returncode) == ("True\n", 0), ran.stderr


@pytest.mark.parametrize("name", [".ci/run", ".ci/setup", "tests/check.sh", "tests/system.sh"])
def test_a_script_can_be_started(name: str) -> None:
    """The executable bit is part of the file."""
    assert os.access(ROOT / name, os.X_OK)
