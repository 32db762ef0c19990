"""Programs from npm: their packages installed beside the tools, as one lock file says. Knows no program."""

import json
import re
import shutil
import subprocess
from pathlib import Path

# Inside .venv, so that nothing is left in the tree and `make clean` finds it.
_HOMES = Path(__file__).parents[1] / ".venv"


def home_of(source: Path) -> Path:
    """Return where the programs in a folder run from."""
    return _HOMES / f"npm-{source.name}"


def install(source: Path) -> str | None:
    """Copy a folder of programs there, with the packages of its lock; return why they cannot run, None if they can."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return f"{program} not present"
    if (problem := _too_old(source)) is not None:
        return problem
    home = home_of(source)
    shutil.copytree(source, home, dirs_exist_ok=True)
    lock, installed = source / "package-lock.json", home / "node_modules" / "installed-lock.json"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return None
    npm = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    ended = subprocess.run(npm, cwd=home, capture_output=True, text=True, check=False)
    if ended.returncode:
        return f"its npm packages could not be installed: {ended.stderr.strip()[-2000:]}"
    installed.write_bytes(lock.read_bytes())
    return None


def _too_old(source: Path) -> str | None:
    least = json.loads((source / "package.json").read_text()).get("engines", {}).get("node", ">=0")
    found = subprocess.run(("node", "--version"), capture_output=True, text=True, check=True).stdout.strip()
    numbers = [tuple(map(int, re.findall(r"\d+", version)[:2])) for version in (found, least)]
    return f"node {found} present, {least} needed" if numbers[0] < numbers[1] else None
