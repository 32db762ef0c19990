"""The runtime: opened once, closed once, and different from that of every other process."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from gateway.flight import FlightCancelledError
from gateway.planes.outcomes import Outcome, UpstreamCall
from gateway.runtime import Clock, Runtime
from gateway.settings import Settings
from schema.plane import Plane
from tests.support_ges import Ges

pytestmark = pytest.mark.anyio


async def test_a_transport_for_both_planes_is_closed_once() -> None:
    """Two planes may share one; after closing no call is started."""
    ges = Ges()
    runtime = Runtime(Settings(), transport=ges)
    await runtime.close()
    assert ges.closed == 1
    with pytest.raises(FlightCancelledError):
        await runtime.flights.join("key", lambda: asyncio.sleep(0))


async def test_without_a_transport_each_plane_has_its_own() -> None:
    """They differ in whom they trust; closing them twice does no harm."""
    runtime = Runtime(Settings(management_tls_verify=False, service_tls_verify=True))
    assert set(runtime.clients) == set(runtime.breakers) == set(Plane)
    await runtime.close()
    await runtime.close()


async def test_replicas_with_a_secret_have_the_same_scopes() -> None:
    """They share a store; whoever has another secret has other scopes. It is shown to nobody."""
    texts = ("hunter2-" * 5, "hunter2-" * 5, "hunter2+" * 5)
    runtimes = [Runtime(Settings(cache_secret=SecretStr(text)), transport=Ges()) for text in texts]
    one, same, other = (runtime.secret for runtime in runtimes)
    assert one == same != other
    assert b"hunter2" not in one
    for runtime in runtimes:
        await runtime.close()


async def test_scopes_of_two_processes_do_not_match() -> None:
    """The same token stands for another scope after a restart."""
    one, two = Runtime(Settings(), transport=Ges()), Runtime(Settings(), transport=Ges())
    assert one.secret != two.secret
    assert len(one.secret) >= 32
    for runtime in (one, two):
        await runtime.close()


async def test_calls_to_ges_are_counted_and_failures_told() -> None:
    """By plane and outcome, never by address; the line of a failure names what the network said."""
    runtime = Runtime(Settings(), transport=Ges())
    runtime.observe(UpstreamCall(Plane.SERVICE, Outcome.ANSWERED, 200, 0.02, 512))
    with capture_logs() as lines:
        runtime.observe(UpstreamCall(Plane.SERVICE, Outcome.UNAVAILABLE, None, 0.5, 0, "ConnectError ECONNREFUSED"))
        runtime.observe(UpstreamCall(Plane.SERVICE, Outcome.ABANDONED, None, 0.5, 0))
    text = runtime.metrics.exposition().decode()
    await runtime.close()
    assert 'ges_gateway_upstream_seconds_count{outcome="answered",plane="SERVICE"} 1.0' in text
    assert 'ges_gateway_upstream_seconds_count{outcome="abandoned",plane="SERVICE"} 1.0' in text
    assert 'ges_gateway_upstream_bytes_total{plane="SERVICE"} 512.0' in text
    assert lines == [
        {
            "event": "upstream_failed",
            "log_level": "warning",
            "plane": "SERVICE",
            "outcome": "unavailable",
            "status": None,
            "seconds": 0.5,
            "cause": "ConnectError ECONNREFUSED",
        }
    ]


async def test_gauges_tell_what_is_there_now() -> None:
    """Read when somebody looks."""
    runtime = Runtime(Settings(), transport=Ges())
    runtime.grants.give("someone", ("job", "1"))
    breaker = runtime.breakers[Plane.SERVICE].of("http://10.0.0.5")
    for _ in range(5):
        breaker.failed(breaker.admit() or 0)
    await runtime.store.get(("nothing",))
    text = runtime.metrics.exposition().decode()
    await runtime.close()
    for line in (
        "ges_gateway_grants 1.0",
        "ges_gateway_flights 0.0",
        "ges_gateway_flights_joined_total 0.0",
        'ges_gateway_breakers{plane="SERVICE",state="OPEN"} 1.0',
        'ges_gateway_breakers{plane="SERVICE",state="CLOSED"} 0.0',
        'ges_gateway_cache_lookups_total{state="miss",tier="bodies"} 1.0',
    ):
        assert f"{line}\n" in text


async def test_a_loop_that_comes_back_late_is_noticed() -> None:
    """Each half second; here the first is on time, and the second comes three seconds late."""
    lateness = iter([0.0, 0.5, 0.5, 4.0])
    passed = asyncio.Event()

    async def sleep(_: float) -> None:
        if not rest:
            passed.set()
            await asyncio.Event().wait()
        rest.pop()

    rest = [1, 1]
    runtime = Runtime(Settings(), transport=Ges(), clock=Clock(monotonic=lambda: next(lateness, 9.0), sleep=sleep))
    task = asyncio.ensure_future(runtime.measure_lag())
    await passed.wait()
    task.cancel()
    text = runtime.metrics.exposition().decode()
    await runtime.close()
    assert 'ges_gateway_loop_lag_seconds_bucket{le="0.001"} 1.0' in text
    assert "ges_gateway_loop_lag_seconds_count 2.0" in text
    assert "ges_gateway_loop_lag_seconds_sum 3.0" in text


def test_the_clock_tells_the_time_with_its_zone() -> None:
    """What is stored and shown is UTC."""
    clock = Clock()
    assert clock.now().tzinfo is not None
    assert clock.monotonic() <= clock.monotonic()
