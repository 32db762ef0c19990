"""
The log: what events are called, how a line is written. One line an event; never a credential, document or variable.

The text of an unexpected exception may quote what it was given, a header for instance, so lines name its type and the
places it passed, not its text.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import traceback
from collections import deque
from collections.abc import MutableMapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, BinaryIO, Literal, cast

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

log: FilteringBoundLogger = structlog.get_logger()


class Event(StrEnum):
    """The names of all events; the comment says what one of them tells."""

    OPERATION = "operation"  # One GraphQL request was answered, or given up by its client (status 499).
    REFUSED = "refused"  # A request or connection was turned away before GraphQL saw it.
    UPSTREAM_FAILED = "upstream_failed"  # A call to GES brought no answer, or none that can be used.
    ACCOUNT_FAILED = "account_failed"  # Keys of callers, or the gateway's own token, could not be had.
    STORE_FAILED = "store_failed"  # The store of bodies did not do what it was asked; told once in ten seconds.
    UNEXPECTED = "unexpected"  # A defect: an exception nobody foresaw, masked towards the client.
    LISTENING = "listening"  # The port is open.
    DRAINING = "draining"  # A signal came; readiness says no, requests are still taken.
    STOPPED = "stopped"  # Everything is closed.
    LIBRARY = "library"  # What a library wrote to the standard log.


_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_LONGEST_TEXT = 500
_FRAMES = 20


def configure(level: str = "info", format: Literal["json", "console"] = "json", stream: BinaryIO | None = None) -> None:
    """Set up the log of this process, to standard error unless said otherwise."""
    processors: list[structlog.typing.Processor] = [_stamp, render_json]
    if format == "console":
        processors = [
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.add_log_level,
            _ConsoleRenderer(colors=stream is None and sys.stderr.isatty()),
        ]
    structlog.configure(
        processors=processors,
        wrapper_class=_logger_class(_LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(cast(BinaryIO, _ByTurn(stream or sys.stderr.buffer))),
        cache_logger_on_first_use=False,
    )
    # Libraries are heard from warnings up, whatever the level: below it some of them write headers.
    logging.basicConfig(handlers=[_LibraryHandler(logging.WARNING)], level=logging.WARNING, force=True)


def _logger_class(level: int) -> type[Any]:
    filtering: Any = structlog.make_filtering_bound_logger(level)

    def info(self: Any, event: str, **fields: Any) -> None:
        fields["event"] = event
        line: Any = {**self._context, **fields} if self._context else fields
        try:
            for process in self._processors:
                line = process(self._logger, "info", line)
        except structlog.DropEvent:
            return
        self._logger.info(line)

    # Every request writes such a line, and structlog's own way to its processors takes as long as all of them.
    return type("_Logger", (filtering,), {"info": info} if level <= logging.INFO else {})


class _ByTurn:
    """
    A stream that writes once for each turn of the event loop: a system call for each line is what costs most of it.

    Without a running loop it writes at once, and then also what a loop that ended left behind.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: deque[bytes] = deque()
        # The loop that is going to write.
        self._loop: asyncio.AbstractEventLoop | None = None

    def write(self, line: bytes) -> None:
        """Take a line."""
        self._waiting.append(line)

    def flush(self) -> None:
        """See to it that the lines are written."""
        if self._loop is not None and self._loop.is_running():
            return None
        try:
            # A system call, in Python 3.11.
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._write()
        self._loop.call_soon(self._write)
        return None

    def _write(self) -> None:
        self._loop = None
        lines = []
        try:
            while True:
                lines.append(self._waiting.popleft())
        except IndexError:
            # All of them; another thread may have written some.
            pass
        self._stream.write(b"".join(lines))
        self._stream.flush()


def _stamp(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # One step for what takes two and thrice the time with structlog's own; the encoder writes the time as text.
    event["time"] = datetime.now(UTC)
    event["level"] = method
    return event


def render_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    """Write one line of JSON; whatever cannot be written as such is written as text."""
    try:
        return msgspec.json.encode(event, enc_hook=str)
    except (ValueError, TypeError):
        return json.dumps(event, default=_as_text).encode()


def _as_text(value: object) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


class _ConsoleRenderer(structlog.dev.ConsoleRenderer):
    def __call__(self, logger: Any, name: str, event_dict: MutableMapping[str, Any]) -> Any:
        return str(super().__call__(logger, name, event_dict)).encode("utf-8", "backslashreplace")


class _LibraryHandler(logging.Handler):
    """Turns what libraries log into events, bounded and without the text of exceptions."""

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name, "message": _headline(record.getMessage())}
        if record.exc_info and record.exc_info[1]:
            fields |= describe_exception(record.exc_info[1])
        log.log(record.levelno, Event.LIBRARY, **fields)


def _headline(text: str) -> str:
    # What follows is often the repr of an exception or of a task that holds one.
    line, *rest = text.splitlines() or [""]
    if line.startswith("Traceback "):
        # The places are indented; the line after them begins with the type.
        line = next((other for other in rest if not other.startswith(" ")), line).partition(":")[0]
    return line[:_LONGEST_TEXT]


def describe_exception(error: BaseException) -> dict[str, Any]:
    """Return what a line says about an exception: its type, those behind it, and the places it passed."""
    kinds: list[str] = []
    behind: BaseException | None = error
    while behind and len(kinds) < _FRAMES:
        kinds.append(type(behind).__qualname__)
        behind = behind.__cause__ or (None if behind.__suppress_context__ else behind.__context__)
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return {
        "exception": " < ".join(kinds),
        "places": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
