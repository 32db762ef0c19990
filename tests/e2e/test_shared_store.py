"""Two gateways with one Redis: what one has read the other need not; what one may not see the other does not show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.app import create_app
from gateway.settings import Settings, SettingsError
from tests.e2e.threats import Bench, codes, job_id, open_bench
from tests.support_redis import redis_server

pytestmark = pytest.mark.anyio
SECRET = "0123456789abcdef0123456789abcdef"
SUPPLY = "sandbox-token-supply"
ID = job_id("supply_chain", 7)
JOB = {"query": f'{{ job(id: "{ID}") {{ status result {{ rows(first: 3) {{ nodes {{ index }} }} }} }} }}'}


@pytest.fixture
def url() -> Iterator[str]:
    with redis_server() as url:
        yield url


def beside(bench: Bench) -> dict[str, Any]:
    """Return the settings of a gateway in front of the same GES."""
    return {"management_url": bench.app.state.runtime.settings.management_url}


async def test_what_one_has_read_the_other_need_not(url: str) -> None:
    """Only rights are proven to each gateway anew. One with another secret finds nothing."""
    shared = {"cache_backend": "redis", "cache_url": url, "cache_secret": SECRET}
    async with open_bench(**shared) as first, open_bench(**shared, **beside(first)) as second:
        answer = await first.post(JOB)
        assert not codes(answer)
        assert len(first.upstream()) == 2
        assert (await second.post(JOB)).json() == answer.json()
        assert len(first.upstream()) == 1
        assert not codes(await second.post(JOB, SUPPLY))
        assert len(first.upstream()) >= 1
        async with open_bench(**{**shared, "cache_secret": SECRET[::-1]}, **beside(first)) as stranger:
            assert (await stranger.post(JOB)).json() == answer.json()
            assert len(first.upstream()) == 2


async def test_a_store_that_is_gone_is_no_error() -> None:
    """GES is asked as if there were none, and a metric tells."""
    gone = {"cache_backend": "redis", "cache_url": "redis://127.0.0.1:1", "cache_secret": SECRET}
    async with open_bench(**gone) as bench:
        assert not codes(await bench.post(JOB))
        told = (await bench.client.get("/metrics")).text
        assert 'ges_gateway_cache_lookups_total{state="error",tier="bodies"} 0.0' not in told
        assert 'ges_gateway_cache_lookups_total{state="error",tier="bodies"}' in told


@pytest.mark.parametrize("given", [{}, {"cache_url": "redis://10.0.0.9"}, {"cache_secret": SECRET}])
def test_a_shared_store_needs_its_place_and_a_secret(given: dict[str, str]) -> None:
    """Without the secret replicas would share nothing, and nobody would notice."""
    environ = {f"GES_GATEWAY_{name.upper()}": value for name, value in given.items()}
    with pytest.raises(SettingsError, match="CACHE_BACKEND: redis needs"):
        Settings.from_environment({**environ, "GES_GATEWAY_CACHE_BACKEND": "redis"})
    with pytest.raises(SettingsError, match="CACHE_URL: only with"):
        Settings.from_environment({"GES_GATEWAY_CACHE_URL": "redis://10.0.0.9"})
    with pytest.raises(SettingsError, match="must be redis://"):
        Settings.from_environment({"GES_GATEWAY_CACHE_URL": "http://10.0.0.9"})


def test_the_place_of_the_store_is_a_secret() -> None:
    """It may hold a password."""
    place, secret = SecretStr("redis://:hunter2@10.0.0.9"), SecretStr(SECRET)
    settings = Settings(cache_backend="redis", cache_url=place, cache_secret=secret)
    assert "hunter2" not in repr(settings)
    assert create_app(settings).state.runtime.store
