"""What tests of real clients share: their packages, installed once, and one gateway in front of the sandbox."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import support_npm
from tests.e2e import clients
from tests.support_process import ROOT


@pytest.fixture(scope="session")
def programs() -> Path:
    """The programs in tests/clients, with their packages and the contract; without them nothing may pass."""
    problem = support_npm.install(clients.CLIENTS)
    assert problem is None, problem
    shutil.copy(ROOT / "schema" / "schema.graphql", clients.HOME)
    return clients.HOME


@pytest.fixture(scope="session")
def gateway_url(programs: Path) -> Iterator[str]:
    """The address of a gateway in front of a sandbox in which time stands still."""
    with clients.serving() as url:
        yield url
