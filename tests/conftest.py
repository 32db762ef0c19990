"""What every test stands on: the event loop, how hypothesis searches, an environment without settings."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# The gate is repeatable; `HYPOTHESIS_PROFILE=explore` searches further, with new examples at every run.
settings.register_profile("gate", derandomize=True, deadline=None, database=None)
settings.register_profile(
    "explore", max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio only: the gateway knows no other loop."""
    return "asyncio"


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> Iterator[None]:
    """Hide the settings of whoever runs the tests; a test states those it needs."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GES_GATEWAY_")]:
            patch.delenv(name)
        yield
