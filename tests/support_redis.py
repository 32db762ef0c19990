"""A real Redis for tests: a process of its own, on a socket in a folder of its own, always ended."""

import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

_PROGRAMS = ("redis-server", "valkey-server")


@contextmanager
def redis_server(*options: str) -> Iterator[str]:
    """Run it, and give its URL. What it keeps stays in memory and ends with it."""
    program = next(filter(None, map(which, _PROGRAMS)), None)
    assert program is not None, "these tests need a Redis: install the system's package `redis-server`"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "redis.sock")
        command = [
            program,
            "--port",
            "0",
            "--unixsocket",
            str(path),
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            folder,
        ]
        with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL) as process:
            try:
                _wait_for(path, process)
                yield f"unix://{path}"
            finally:
                process.kill()


def _wait_for(path: Path, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(path))
                client.sendall(b"PING\r\n")
                if client.recv(7) == b"+PONG\r\n":
                    return
            except (FileNotFoundError, ConnectionRefusedError):
                threading.Event().wait(0.01)
    raise AssertionError("The Redis ended before it answered.")
