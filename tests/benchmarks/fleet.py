"""The processes that are measured: how each is started, found ready and ended. Knows no query and measures nothing."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.benchmarks import peer
from tests.benchmarks.client import AnswerError, connect
from tests.benchmarks.shapes import GRAPH, PROJECT

_ROOT = Path(__file__).parents[2]
UPSTREAM = "upstream"
GATEWAY = "gateway"
PROBED = "gateway with probe"
PLAIN = "plain"
PASSTHROUGH = "passthrough"
CONSTANT = "constant"
PEER = "mercurius + graphql-jit"

_UVICORN = (
    *("-m", "uvicorn", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"),
    # As long as the gateway's own: connections rest while the others have their turn.
    *("--timeout-keep-alive", "75"),
)
# What each process is started with; the port follows as `--port`, or is taken from the environment.
_COMMANDS: dict[str, tuple[str, ...]] = {
    GATEWAY: (sys.executable, "-m", "gateway", "serve", "--port"),
    PROBED: (sys.executable, *_UVICORN, "--factory", "tests.benchmarks.probe:create_app", "--port"),
    PLAIN: (sys.executable, *_UVICORN, "tests.benchmarks.plain:app", "--port"),
    PASSTHROUGH: (sys.executable, *_UVICORN, "--factory", "tests.benchmarks.baselines:create_passthrough", "--port"),
    CONSTANT: (sys.executable, *_UVICORN, "tests.benchmarks.baselines:constant", "--port"),
    UPSTREAM: (sys.executable, "-m", "tests.benchmarks.upstream"),
    PEER: ("node", str(peer.SERVER)),
}
_READY_SECONDS = 30
_STOP_SECONDS = 10
_LAST_LINES = 10
_LONGEST_LINE = 2_000


@dataclass(frozen=True, slots=True)
class Target:
    """One process under load."""

    name: str
    port: int
    pid: int


class Fleet:
    """Starts processes when they are asked for and ends them all when it is left."""

    def __init__(self) -> None:
        self._targets: dict[str, Target] = {}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._logs = tempfile.TemporaryDirectory(prefix="ges-gateway-bench-")
        self._upstream_url = ""

    async def __aenter__(self) -> Self:
        try:
            self._upstream_url = f"http://127.0.0.1:{(await self.get(UPSTREAM)).port}"
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._close()

    async def get(self, name: str) -> Target:
        """Return the process of this name, started at the first time. Raises AnswerError when it does not start."""
        if name not in self._targets:
            self._targets[name] = await self._start(name)
        return self._targets[name]

    @asynccontextmanager
    async def fresh(self, name: str, **settings: str) -> AsyncIterator[Target]:
        """Give one more process of this name, with these settings of its own, and end it afterwards."""
        target = await self._start(name, settings)
        try:
            yield target
        finally:
            _end([self._processes.pop(target.pid)])

    def last_lines(self) -> str:
        """Return the end of what each process has written, for whoever looks for the cause of an error."""
        texts = {log.stem: log.read_text().splitlines()[-_LAST_LINES:] for log in Path(self._logs.name).iterdir()}
        return "\n".join(f"{name}: {line[:_LONGEST_LINE]}" for name, lines in texts.items() for line in lines)

    async def _start(self, name: str, settings: Mapping[str, str] | None = None) -> Target:
        port = _free_port()
        log = Path(self._logs.name) / f"{name}-{port}.log"
        process = self._open(name, port, log, settings or {})
        self._processes[process.pid] = process
        for _ in range(_READY_SECONDS * 20):
            with suppress(OSError):
                (await connect(port)).close()
                return Target(name, port, process.pid)
            if process.poll() is not None:
                break
            await asyncio.sleep(0.05)
        raise AnswerError(f"{name} does not start:\n{self.last_lines()}")

    def _open(self, name: str, port: int, log: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
        command = _COMMANDS[name]
        with log.open("wb") as output:
            return subprocess.Popen(
                [*command, str(port)] if command[-1] == "--port" else command,
                cwd=_ROOT,
                env=self._environment(port) | {f"GES_GATEWAY_{name}": value for name, value in settings.items()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def _environment(self, port: int) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if not name.startswith("GES_GATEWAY_")}
        return others | {
            "BENCHMARK_PORT": str(port),
            "BENCHMARK_UPSTREAM": self._upstream_url,
            "GES_GATEWAY_PROJECT_ID": PROJECT,
            "GES_GATEWAY_MANAGEMENT_URL": self._upstream_url,
            "GES_GATEWAY_SERVICE_URLS": json.dumps({GRAPH: self._upstream_url}),
            # A slow answer is measured, not cut off; and a job that has ended counts as final at once.
            "GES_GATEWAY_REQUEST_TIMEOUT_SECONDS": "120",
            "GES_GATEWAY_UPSTREAM_TIMEOUT_SECONDS": "60",
            "GES_GATEWAY_CACHE_SETTLE_SECONDS": "0",
            "GES_GATEWAY_SHUTDOWN_DRAIN_SECONDS": "0",
        }

    def _close(self) -> None:
        _end(list(self._processes.values()))
        self._logs.cleanup()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
