"""
The log: what events are called, how a line is written. One line an event; never a credential, document or variable.

The text of an unexpected exception may quote what it was given, a header for instance, so lines name its type and the
places it passed, not its text.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, BinaryIO, Literal

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

log: FilteringBoundLogger = structlog.get_logger()


class Event(StrEnum):
    """The names of all events; the comment says what one of them tells."""

    OPERATION = "operation"  # One GraphQL request was answered, or given up by its client (status 499).
    REFUSED = "refused"  # A request was turned away before GraphQL saw it.
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
    renderer: structlog.typing.Processor = render_json
    if format == "console":
        renderer = _ConsoleRenderer(colors=stream is None and sys.stderr.isatty())
    structlog.configure(
        processors=[_stamp, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(stream or sys.stderr.buffer),
        cache_logger_on_first_use=False,
    )
    # Libraries are heard from warnings up, whatever the level: below it some of them write headers.
    logging.basicConfig(handlers=[_LibraryHandler(logging.WARNING)], level=logging.WARNING, force=True)


def _stamp(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # One step for what structlog does in two: every request writes a line.
    event["time"] = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    event["level"] = method
    return event


def render_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    """Write one line of JSON; whatever cannot be written as such is written as text."""
    try:
        return msgspec.json.encode(event, enc_hook=str)
    except (ValueError, TypeError):
        return json.dumps(event, default=str).encode()


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
