"""What the system says a process used: CPU time and memory, from /proc. Linux only."""

import contextlib
from pathlib import Path

MB = 1_000_000


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads that are alive."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        # A thread may end between being listed and being read.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def resident_bytes(pid: int) -> int:
    """Return the memory that is resident now."""
    return _status(pid, "VmRSS")


def peak_bytes(pid: int) -> int:
    """Return the largest resident memory since the start or since it was forgotten."""
    return _status(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Let the peak start anew from what is resident now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _, rest = line.partition(":")
        if key == name:
            return int(rest.split()[0]) * 1024
    raise ProcessLookupError(f"process {pid} says no {name}")
