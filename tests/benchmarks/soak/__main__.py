"""`python -m tests.benchmarks.soak`: lets it run, prints what was found, ends with 1 when something is not right."""

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import aiohttp

from gateway.demo.graphs import PROJECT_ID
from gateway.demo.trouble import KINDS
from tests.benchmarks.accounting import MB, resident_bytes
from tests.benchmarks.soak.load import Load
from tests.benchmarks.soak.served import TASKS

ROOT = Path(__file__).parents[3]
# After the first minute everything that is kept on purpose has reached its bound.
WARM_SECONDS = 60.0
MOST_GROWTH_BYTES = 20 * MB
# A growth that was watched for less than this says nothing.
JUDGED_SECONDS = 120.0
CALM_SECONDS = 25.0
SETTINGS = {
    "REQUEST_TIMEOUT_SECONDS": "3",
    "UPSTREAM_TIMEOUT_SECONDS": "1.5",
    "CACHE_MAX_BYTES": str(8 * MB),
    "ANSWERS_MAX_BYTES": str(2 * MB),
    "SHUTDOWN_DRAIN_SECONDS": "0",
}
# uvicorn's word for an answer that is cut off rather than ended wrongly; the gateway's own line of it has status 599.
_CUT_OFF = "ASGI callable returned without completing response."
# It makes wrong answers that nobody can tell from right ones: the word of a job is the word of a job.
PLAUSIBLE = {"unknown_status"}


@dataclass
class Soak:
    """The processes, the trouble they are in, and what was seen of them."""

    seconds: float
    clients: int
    seed: int
    folder: Path
    stack: ExitStack
    is_troubled: bool = False
    struck: int = 0
    residents: list[tuple[float, int]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Run all of it."""
        _, sandbox = self._start("sandbox", ["-m", "gateway", "sandbox", "--port", "0"], LOG_FORMAT="json")
        settings = {**SETTINGS, "MANAGEMENT_URL": sandbox, "PROJECT_ID": PROJECT_ID}
        gateway, url = self._start("gateway", ["-m", "tests.benchmarks.soak.served"], **settings)
        load = Load(f"{url}/graphql", is_troubled=lambda: self.is_troubled)
        await load.learn()
        began_with = await self._held(gateway.pid, url)
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for number in range(self.clients):
                group.create_task(load.client(self.seed + number, over))
            group.create_task(self._trouble(sandbox, over))
            group.create_task(self._sample(gateway.pid, over))
            await asyncio.sleep(self.seconds)
            over.set()
        await self._calmed(load, gateway, url, began_with)
        self._judge(load, gateway)
        self._tell(load)

    def _start(self, name: str, arguments: list[str], **settings: str) -> tuple[subprocess.Popen[bytes], str]:
        log = self.folder / f"{name}.log"
        others = {key: value for key, value in os.environ.items() if not key.startswith("GES_GATEWAY_")}
        environ = others | {f"GES_GATEWAY_{key}": value for key, value in settings.items()}
        with log.open("wb") as written:
            process = subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=written
            )
        self.stack.callback(process.wait, 20)
        self.stack.callback(process.terminate)
        for _ in range(300):
            if found := re.search(r'"urls":\["(http://[^"]+)"', log.read_text()):
                return process, found[1]
            time.sleep(0.1)
        raise RuntimeError(f"the {name} does not start: {log.read_text()[-1000:]}")

    async def _trouble(self, sandbox: str, over: asyncio.Event) -> None:
        """Put either plane in trouble of any kind, for a moment, again and again; then leave both well."""
        chance = random.Random(self.seed)
        kinds = sorted(set(KINDS) - PLAUSIBLE)
        async with aiohttp.ClientSession(sandbox) as session:
            while not over.is_set():
                plane = chance.choice(["management", "service"])
                trouble = {"kind": chance.choice(kinds), "seconds": round(chance.uniform(0.05, 2), 2)}
                self.is_troubled = True
                self.struck += 1
                await session.put("/_sandbox/trouble", data=json.dumps({plane: trouble}))
                await _pause(over, chance.uniform(0.2, 2))
                await session.put("/_sandbox/trouble", data=b'{"management": null, "service": null}')
                # What the trouble has begun may end a little later.
                await _pause(over, 0.3)
                self.is_troubled = False
                await _pause(over, chance.uniform(0.2, 3))

    async def _sample(self, pid: int, over: asyncio.Event) -> None:
        began = time.monotonic()
        while not over.is_set():
            self.residents.append((time.monotonic() - began, resident_bytes(pid)))
            await _pause(over, 1)

    async def _held(self, pid: int, url: str) -> tuple[int, int]:
        """Return how many tasks and descriptors the gateway holds while nobody asks."""
        async with aiohttp.ClientSession() as session, session.get(url + TASKS) as answer:
            tasks = int(await answer.text())
            return tasks, len(os.listdir(f"/proc/{pid}/fd"))

    async def _calmed(
        self, load: Load, gateway: subprocess.Popen[bytes], url: str, began_with: tuple[int, int]
    ) -> None:
        """Wait until everything is right and nothing is held that was not held at the start."""
        deadline, is_right = time.monotonic() + CALM_SECONDS, False
        while time.monotonic() < deadline:
            is_right = is_right or await load.is_right()
            tasks, descriptors = await self._held(gateway.pid, url)
            if is_right and tasks <= began_with[0] and descriptors <= began_with[1]:
                return
            await asyncio.sleep(0.5)
        self.findings.append(
            f"not calm again: right {is_right}; tasks {tasks}, descriptors {descriptors}; at the start {began_with}"
        )

    def _judge(self, load: Load, gateway: subprocess.Popen[bytes]) -> None:
        log = (self.folder / "gateway.log").read_text()
        self.findings += [f"wrong: {text}" for text in load.complaints]
        lines = [line for line in log.splitlines() if '"level":"error"' in line and _CUT_OFF not in line]
        self.findings += lines[:20]
        if gateway.poll() is not None:
            self.findings.append(f"the gateway ended with {gateway.returncode}")
        if self.seconds >= JUDGED_SECONDS and self.growth_bytes > MOST_GROWTH_BYTES:
            self.findings.append(f"memory grew by {self.growth_bytes / MB:.1f} MB after the first minute")

    @property
    def growth_bytes(self) -> float:
        """Return how much the memory of the last fifteen seconds is above that at the end of the first minute."""
        warm = [size for at, size in self.residents if abs(at - min(WARM_SECONDS, self.seconds / 2)) < 8]
        return median([size for _, size in self.residents[-15:]]) - median(warm)

    def _tell(self, load: Load) -> None:
        told = ", ".join(f"{name} {count:,}" for name, count in sorted(load.outcomes.items()))
        sizes = [size for _, size in self.residents]
        print(f"soak: {self.seconds:.0f} s, {self.clients} clients, {self.struck} troubles, seed {self.seed}")
        print(f"answers: {told}")
        most, last = max(sizes) / MB, median(sizes[-15:]) / MB
        print(f"memory: {most:.0f} MB at most, {last:.0f} at last, {self.growth_bytes / MB:+.1f} MB since warm")
        for finding in self.findings:
            print(f"FOUND {finding}")
        print("nothing found" if not self.findings else f"{len(self.findings)} found")


async def _pause(over: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await over.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak for so many seconds; 1 when something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ges-gateway-soak-") as folder, ExitStack() as stack:
        soak = Soak(options.seconds, options.clients, options.seed, Path(folder), stack)
        asyncio.run(soak.run())
    return 1 if soak.findings else 0


if __name__ == "__main__":
    sys.exit(main())
