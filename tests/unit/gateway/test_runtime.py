"""The runtime: opened once, closed once, and different from that of every other process."""

from __future__ import annotations

import asyncio

import pytest

from gateway.flight import FlightCancelledError
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


async def test_scopes_of_two_processes_do_not_match() -> None:
    """The same token stands for another scope after a restart."""
    one, two = Runtime(Settings(), transport=Ges()), Runtime(Settings(), transport=Ges())
    assert one.secret != two.secret
    assert len(one.secret) >= 32
    for runtime in (one, two):
        await runtime.close()


def test_the_clock_tells_the_time_with_its_zone() -> None:
    """What is stored and shown is UTC."""
    clock = Clock()
    assert clock.now().tzinfo is not None
    assert clock.monotonic() <= clock.monotonic()
