"""Live jobs: what thousands of sockets on one job cost, and how soon the last of them hears that it has ended."""

import asyncio
import json
import resource
import time
from collections.abc import Sequence

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket

from tests.benchmarks.accounting import cpu_seconds, resident_bytes
from tests.benchmarks.client import AnswerError, connect, get
from tests.benchmarks.effort import Effort
from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.fleet import GATEWAY, UPSTREAM, Fleet, Target
from tests.benchmarks.shapes import TOKEN, WATCH_QUERY, WATCHED, global_id, new_job, status_path
from tests.benchmarks.upstream import FINISH

_SOCKETS = 2_000
_AT_ONCE = 50
_QUIET_SECONDS = 5.0
# A look each second, so that the pause between two looks hides as little as may be of the rest.
_SETTINGS = {
    "WATCH_LONGEST_SECONDS": "1",
    "WATCH_JITTER": "0",
    "MAX_SUBSCRIPTIONS_PER_CALLER": str(_SOCKETS),
    "HEARTBEAT_SECONDS": "3600",
}


async def measure(fleet: Fleet, effort: Effort) -> list[Figure]:
    """Let many sockets watch one job to its end."""
    _allow_files(2 * _SOCKETS)
    upstream = await fleet.get(UPSTREAM)
    control = await connect(upstream.port)
    job = new_job(WATCHED)
    async with fleet.fresh(GATEWAY, **_SETTINGS) as gateway:
        (first,) = await _watch(gateway, job, 1)
        before = resident_bytes(gateway.pid)
        sockets = [first, *await _watch(gateway, job, _SOCKETS - 1)]
        held = resident_bytes(gateway.pid) - before
        await control.ask(get("/_counts"))
        cpu, started = cpu_seconds(gateway.pid), time.perf_counter()
        await asyncio.sleep(_QUIET_SECONDS)
        quiet = (cpu_seconds(gateway.pid) - cpu) / (time.perf_counter() - started)
        looks = (await control.ask(get("/_counts"))).json()[status_path(job)]
        cpu = cpu_seconds(gateway.pid)
        ends = [asyncio.ensure_future(_hear_end(socket)) for socket in sockets]
        await control.ask(get(f"{FINISH}?{job}"), keep=True)
        changed_at = time.perf_counter()
        heard = await asyncio.gather(*ends)
        told = cpu_seconds(gateway.pid) - cpu
        for socket in sockets:
            socket.transport.abort()
    control.close()
    what = f"{_SOCKETS:,} sockets on one job"
    return [
        Figure(f"{what}: memory a subscriber", at_most(100, " KB"), held / (_SOCKETS - 1) / 1000),
        Figure(
            f"{what}: calls to GES in {_QUIET_SECONDS:g} s", at_most(_QUIET_SECONDS + 1), looks, "a look each second"
        ),
        Figure(f"{what}: CPU while nothing changes", at_most(5, " %"), quiet * 100, "of one core"),
        Figure(
            f"{what}: from the change in GES to the last client",
            at_most(4, " s"),
            max(heard) - changed_at,
            f"two looks included; first to last client {max(heard) - min(heard):.2f} s, CPU {told:.2f} s",
        ),
    ]


async def _watch(gateway: Target, job: str, count: int) -> Sequence[ClientConnection]:
    """Open so many sockets, a few at a time, each told the state of the job."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def watch() -> ClientConnection:
        async with gate:
            return await _open(gateway, job)

    return await asyncio.gather(*(watch() for _ in range(count)))


async def _open(gateway: Target, job: str) -> ClientConnection:
    socket = await open_socket(
        f"ws://127.0.0.1:{gateway.port}/graphql",
        subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]  # a NewType of str
        additional_headers={"X-Auth-Token": TOKEN},
        compression=None,
        ping_interval=None,
    )
    await socket.send('{"type":"connection_init"}')
    await socket.recv()
    payload = {"query": WATCH_QUERY, "variables": {"id": global_id(job)}}
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
    first = json.loads(await socket.recv())
    if first["type"] != "next" or first["payload"]["data"]["jobUpdated"]["type"] != "SNAPSHOT":
        raise AnswerError(f"{GATEWAY}: a watched job begins with {first}")
    return socket


async def _hear_end(socket: ClientConnection) -> float:
    """Wait for the last event and return when it came."""
    while b"FINISHED" not in await socket.recv(decode=False):
        pass
    return time.perf_counter()


def _allow_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
