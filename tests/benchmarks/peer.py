"""The peer from npm: whether node is there, and its packages installed beside the tools. Knows no query."""

import shutil
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).parent / "mercurius"
# Inside .venv, so that nothing is left in the tree and `make clean` finds it.
_HOME = Path(__file__).parents[2] / ".venv" / "benchmark-peer"
SERVER = _HOME / "server.mjs"
_INSTALLED_LOCK = _HOME / "node_modules" / "installed-lock.json"


def version() -> str:
    """Name the node that runs here."""
    if shutil.which("node") is None:
        return "no node"
    told = subprocess.run(("node", "--version"), capture_output=True, text=True, check=True).stdout
    return f"node {told.strip().removeprefix('v')}"


def prepare() -> str | None:
    """Install what the peer needs; return why it cannot run, None when it can."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return f"{program} not present"
    shutil.copytree(_SOURCE, _HOME, dirs_exist_ok=True)
    lock = (_SOURCE / "package-lock.json").read_bytes()
    if _INSTALLED_LOCK.exists() and _INSTALLED_LOCK.read_bytes() == lock:
        return None
    install = subprocess.run(
        ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"), cwd=_HOME, check=False
    )
    if install.returncode:
        return "its npm packages could not be installed"
    _INSTALLED_LOCK.write_bytes(lock)
    return None
