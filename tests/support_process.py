"""A program under test as a process of its own: started, watched, signalled, and always ended."""

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

ROOT = Path(__file__).parent.parent
_URL = re.compile(r"http://127\.0\.0\.1:(\d+)")
_PATIENCE_SECONDS = 30


class Ended(NamedTuple):
    """A program that has ended: its exit code, what it printed, and what it logged since it listened."""

    code: int
    printed: str
    logged: str


@dataclass
class Program:
    """A running program that listens on `port`."""

    process: subprocess.Popen[str]
    port: int
    _connections: list[http.client.HTTPConnection] = field(default_factory=list)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Ask it, and return status and text."""
        return self.read(self.send(path, headers))

    def send(self, path: str, headers: Mapping[str, str] | None = None) -> http.client.HTTPConnection:
        """Ask it, and return the connection the answer will come on."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_SECONDS)
        self._connections.append(connection)
        connection.request("GET", path, headers=dict(headers or {}))
        return connection

    def read(self, connection: http.client.HTTPConnection) -> tuple[int, str]:
        """Wait for the answer, and return status and text."""
        with connection.getresponse() as answer:
            text = answer.read().decode()
        connection.close()
        return answer.status, text

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self) -> "Ended":
        """Wait for its end, and return what is left to know."""
        printed, logged = self.process.communicate(timeout=_PATIENCE_SECONDS)
        return Ended(self.process.returncode, printed, logged)

    def hang_up(self) -> None:
        """Leave without waiting for the answers still due."""
        for connection in self._connections:
            connection.close()


@contextmanager
def running(arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> Iterator[Program]:
    """Run Python with these arguments until it logs its address."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            program = _listening(process)
            try:
                yield program
            finally:
                program.hang_up()
        finally:
            process.kill()


def _listening(process: subprocess.Popen[str]) -> Program:
    assert process.stderr is not None
    # The log says so once the program listens.
    return Program(process, int(_URL.findall(_read_until_url(process.stderr))[-1]))


def _read_until_url(stream: IO[str]) -> str:
    written = ""
    for line in stream:
        written += line
        if _URL.search(line):
            return written
    raise AssertionError(f"It ended before it listened: {written}")
