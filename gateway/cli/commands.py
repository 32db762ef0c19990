"""The commands about one job: get, wait, watch, rows, export. Each returns its exit code and raises AskError."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, BinaryIO

from gateway.cli.client import AskError, Download, GatewayClient
from gateway.cli.documents import WATCH, Target
from gateway.cli.files import HEADS, Kept, measure, partial_of, written
from gateway.cli.output import Output

SUCCEEDED, FAILED, PARTIALLY_FAILED, CANCELLED, NOT_ENDED, NOT_ASKED = range(6)
# A job that ended in a way nobody here knows did not succeed.
EXIT_CODES = {"SUCCEEDED": SUCCEEDED, "PARTIALLY_FAILED": PARTIALLY_FAILED, "CANCELLED": CANCELLED}
# Held answers are as long as the gateway allows; where somebody looks on, short enough to show how far the job is.
_LONGEST_WAIT_SECONDS = 50
_SHOWN_WAIT_SECONDS = 3
_FAILURES_IN_A_ROW = 5
_PAUSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Session:
    """What a command works with."""

    client: GatewayClient
    target: Target
    output: Output
    options: argparse.Namespace
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


def exit_code_of(job: Mapping[str, Any]) -> int:
    """Return the code by which scripts know how a job ended."""
    return EXIT_CODES.get(job["status"], FAILED) if job["isTerminal"] else NOT_ENDED


async def get(session: Session) -> int:
    """Show a job."""
    job = await session.client.ask(session.target.ask_job(), session.target.variables())
    session.output.job(job)
    return exit_code_of(job)


async def wait(session: Session) -> int:
    """Wait for the end of a job, for as long as it takes or as is allowed, and show how it ended."""
    limit: float | None = session.options.timeout
    ends_at = None if limit is None else session.monotonic() + limit
    failures = 0
    while True:
        left = _LONGEST_WAIT_SECONDS if ends_at is None else max(0.0, ends_at - session.monotonic())
        seconds = int(min(left, _SHOWN_WAIT_SECONDS if session.output.is_watched else _LONGEST_WAIT_SECONDS))
        try:
            job = await session.client.ask(session.target.ask_job(), session.target.variables(seconds), seconds)
            failures = 0
        except AskError as error:
            failures += 1
            if not error.retryable or failures == _FAILURES_IN_A_ROW:
                raise
            await session.sleep(_PAUSE_SECONDS)
            continue
        if job["isTerminal"] or left < 1:
            session.output.job(job)
            return exit_code_of(job)
        share = job["progressPercent"]
        session.output.progress(None if share is None else share / 100, f"{job['name']} {job['status']}")


async def watch(session: Session) -> int:
    """Show every change of a job until it has ended."""
    job = await session.client.ask(session.target.ask_job(), session.target.variables())
    failures = 0
    while True:
        try:
            async for event in session.client.events(WATCH, {"id": job["id"]}):
                failures = 0
                job = event["job"]
                if event["problem"]:
                    session.output.say(f"GES cannot be asked now: {event['problem']['message']}")
                    continue
                session.output.job(job, event["type"])
            if job["isTerminal"]:
                return exit_code_of(job)
            error = AskError("The gateway ended the stream.", retryable=True)
        except AskError as met:
            error = met
        failures += 1
        if not error.retryable or failures == _FAILURES_IN_A_ROW:
            raise error
        await session.sleep(_PAUSE_SECONDS)


async def rows(session: Session) -> int:
    """Show one page of rows."""
    options = session.options
    job = await session.client.ask(session.target.ask_rows(options.first, options.offset), session.target.variables())
    result = _result_of(job)
    nodes = result["rows"]["nodes"]
    session.output.rows(nodes, "json" if session.output.as_json else options.format)
    total = result["rows"]["totalCount"]
    if session.output.is_watched and total is not None and options.offset + len(nodes) < total:
        session.output.say(f"{len(nodes)} of {total} rows.")
    return SUCCEEDED


async def export(session: Session) -> int:
    """Write the whole result to a file, which gets its name when it is whole; or to standard output."""
    options = session.options
    place = _result_of(await session.client.ask(session.target.ask_export(options.format), session.target.variables()))
    path = place["export"]["path"]
    kept = measure(partial_of(options.output), options.format) if options.resume else Kept()
    if kept.rows:
        session.output.say(f"Going on behind {kept.rows} rows.")
    parameters = {"offset": str(kept.rows)} if kept.rows else {}
    parameters |= {"verbatim": "true"} if options.verbatim else {}
    try:
        async with session.client.download(path, parameters) as download:
            target = written(options.output, kept) if options.output else nullcontext(session.output.out.buffer)
            with target as file:
                await _copy(session, download, file, kept)
    except AskError as error:
        if options.output and options.format in HEADS and partial_of(options.output).exists():
            session.output.say(f"What came is in {partial_of(options.output)}; go on with --resume.")
        raise error
    session.output.clear()
    return SUCCEEDED


async def _copy(session: Session, download: Download, file: BinaryIO, kept: Kept) -> None:
    has_lines = session.options.format in HEADS
    lines, size = kept.rows, kept.bytes
    async for piece in download.pieces:
        file.write(piece)
        size += len(piece)
        if session.output.is_watched:
            lines += piece.count(b"\n") if has_lines else 0
            share = lines / download.total if has_lines and download.total else None
            session.output.progress(share, f"{size / 1e6:,.1f} MB")


def _result_of(job: Mapping[str, Any]) -> Any:
    if job["result"] is None and not job["isTerminal"]:
        raise AskError("The job has not ended.", "JOB_NOT_ENDED")
    if job["result"] is None:
        raise AskError("The job has no result.")
    return job["result"]


Command = Callable[[Session], Awaitable[int]]
COMMANDS: Mapping[str, tuple[Command, str]] = {
    "get": (get, "Show a job."),
    "wait": (wait, "Wait for the end of a job."),
    "watch": (watch, "Show every change of a job until it has ended."),
    "rows": (rows, "Show one page of the rows of a result."),
    "export": (export, "Write the whole result to a file."),
}
