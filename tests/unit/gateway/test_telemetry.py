"""Tests of the log."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
import structlog.testing

from gateway.telemetry import Event, configure, describe_exception, log, render_json


@pytest.fixture(autouse=True)
def _unchanged_log() -> Iterator[None]:
    """Leave the log of the test process as it was."""
    root, level, handlers = logging.getLogger(), logging.getLogger().level, logging.getLogger().handlers[:]
    yield
    structlog.reset_defaults()
    root.setLevel(level)
    root.handlers[:] = handlers


def lines(stream: io.BytesIO) -> list[dict[str, Any]]:
    """Read what was logged."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json() -> None:
    """Control characters are escaped, so nobody can write a line of his own."""
    configure(stream=(stream := io.BytesIO()))
    log.info(Event.OPERATION, operation='a\n{"event":"operation"}\x1b[31m\u2028', status=200)
    assert stream.getvalue().count(b"\n") == 1
    assert b"\x1b" not in stream.getvalue()
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["status"]) == ("operation", "info", 200)
    assert line["time"].endswith("Z")


class CountedStream(io.BytesIO):
    """Counts how often it is written to."""

    writes = 0

    def write(self, text: Any) -> int:
        self.writes += 1
        return super().write(text)


@pytest.mark.anyio
async def test_lines_of_one_turn_of_the_loop_are_written_together() -> None:
    """At its end, in their order; a line of the next turn is written with that."""
    configure(stream=(stream := CountedStream()))
    for status in (1, 2, 3):
        log.info(Event.OPERATION, status=status)
    assert stream.writes == 0
    await asyncio.sleep(0)
    assert ([line["status"] for line in lines(stream)], stream.writes) == ([1, 2, 3], 1)
    log.warning(Event.REFUSED, status=4)
    await asyncio.sleep(0)
    assert (lines(stream)[-1]["status"], stream.writes) == (4, 2)


def test_what_a_loop_left_behind_is_written_with_the_next_line() -> None:
    """A loop may end before the end of its turn."""
    configure(stream=(stream := io.BytesIO()))
    loop = asyncio.new_event_loop()

    def leave() -> None:
        log.info(Event.OPERATION)
        loop.stop()

    loop.call_soon(leave)
    loop.run_forever()
    loop.close()
    assert lines(stream) == []
    log.info(Event.STOPPED)
    assert [line["event"] for line in lines(stream)] == ["operation", "stopped"]


def test_a_bound_line_says_what_was_bound_and_can_be_captured() -> None:
    """The short way of lines is no other way."""
    configure(stream=(stream := io.BytesIO()))
    bound = log.bind(plane="SERVICE", status=1)
    bound.info(Event.OPERATION, status=2)
    with structlog.testing.capture_logs() as captured:
        bound.info(Event.OPERATION)
    assert [(line["plane"], line["status"], line["level"]) for line in lines(stream)] == [("SERVICE", 2, "info")]
    assert captured == [{"event": "operation", "plane": "SERVICE", "status": 1, "log_level": "info"}]


def test_lines_below_the_level_are_not_written() -> None:
    """`warning` is quiet as long as all goes well."""
    configure("warning", stream=(stream := io.BytesIO()))
    log.info(Event.OPERATION)
    log.warning(Event.REFUSED)
    assert [line["event"] for line in lines(stream)] == ["refused"]


def test_what_is_no_json_is_written_as_text() -> None:
    """A log line never fails."""
    assert json.loads(render_json(None, "info", {"a": {1}, "b": object})) == {"a": [1], "b": "<class 'object'>"}
    assert json.loads(render_json(None, "info", {"a": "\ud800"})) == {"a": "\ud800"}
    odd = {"a": "\ud800", "time": datetime(2026, 3, 5, 2, tzinfo=UTC), "b": object}
    told = {"a": "\ud800", "time": "2026-03-05T02:00:00Z", "b": "<class 'object'>"}
    assert json.loads(render_json(None, "info", odd)) == told


def test_people_get_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Without colours where it is no terminal."""
    configure(format="console", stream=(stream := io.BytesIO()))
    log.info(Event.LISTENING, urls=["http://x"], odd="\ud800")
    text = stream.getvalue().decode()
    assert "listening" in text
    assert "http://x" in text
    assert "\x1b" not in text


def test_the_log_goes_to_standard_error(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """What commands print stays by itself."""
    configure()
    log.info(Event.STOPPED)
    configure(format="console")
    log.info(Event.STOPPED)
    out, err = capfdbinary.readouterr()
    assert out == b""
    assert err.count(b"stopped") == 2


def test_libraries_are_heard_from_warnings_up() -> None:
    """At lower levels some of them write headers."""
    configure("debug", stream=(stream := io.BytesIO()))
    logging.getLogger("some.library").info("X-Auth-Token: secret")
    logging.getLogger("some.library").warning("Odd: %s", "x" * 1000)
    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["level"]) == ("library", "some.library", "warning")
    assert len(line["message"]) == 500


def test_libraries_do_not_write_the_text_of_exceptions() -> None:
    """It may quote a header."""
    configure(stream=(stream := io.BytesIO()))
    try:
        raise ValueError("secret-token")
    except ValueError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved\nfuture: ValueError('secret-token')")
    (line,) = lines(stream)
    assert line["message"] == "Task exception was never retrieved"
    assert line["exception"] == "ValueError"
    assert b"secret" not in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("One\ntwo", "One"),
        ('Traceback (most recent call last):\n  File "a.py", line 1\nOSError: secret\n\nDuring ...', "OSError"),
        ("Traceback (most recent call last):", "Traceback (most recent call last)"),
    ],
)
def test_of_what_libraries_write_the_headline_is_kept(text: str, said: str) -> None:
    """Of a traceback that is the type; its text may quote anything."""
    configure(stream=(stream := io.BytesIO()))
    logging.getLogger("uvicorn.error").error(text)
    assert lines(stream)[0]["message"] == said


def _fail() -> None:
    try:
        int("secret")
    except ValueError as error:
        raise KeyError("secret") from error


def test_an_exception_is_described_by_type_and_places() -> None:
    """Those behind it are named too."""
    with pytest.raises(KeyError) as caught:
        _fail()
    described = describe_exception(caught.value)
    assert described["exception"] == "KeyError < ValueError"
    assert described["places"][-1].split(" ")[-1] == "_fail"
    assert "secret" not in str(described)


def test_an_exception_raised_while_another_was_handled_names_it_unless_hidden() -> None:
    """`from None` hides it."""
    first, second = KeyError("a"), ValueError("b")
    second.__context__ = first
    assert describe_exception(second)["exception"] == "ValueError < KeyError"
    second.__suppress_context__ = True
    assert describe_exception(second)["exception"] == "ValueError"
