"""The peer from npm: whether node is there, and its packages installed beside the tools. Knows no query."""

import shutil
import subprocess
from pathlib import Path

from tests import support_npm

_SOURCE = Path(__file__).parent / "mercurius"
SERVER = support_npm.home_of(_SOURCE) / "server.mjs"


def version() -> str:
    """Name the node that runs here."""
    if shutil.which("node") is None:
        return "no node"
    told = subprocess.run(("node", "--version"), capture_output=True, text=True, check=True).stdout
    return f"node {told.strip().removeprefix('v')}"


def prepare() -> str | None:
    """Install what the peer needs; return why it cannot run, None when it can."""
    return support_npm.install(_SOURCE)
