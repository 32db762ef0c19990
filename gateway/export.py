"""
The download of a whole result: one GET, or HEAD, and all rows of a job in one format.

Knows HTTP and nothing of rows: `jobs/whole.py` reads them, `formats/` writes them. Until the first rows are here what
fails is answered as an error; from then on a download is ended well, or cut off.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from starlette.datastructures import MutableHeaders, QueryParams
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.formats.registry import open_writer, write_rows
from gateway.formats.writer import Shape
from gateway.http.answer import STATUS_BY_CODE, RefusalError, answer_errors, problem
from gateway.http.operation import WhileConnected
from gateway.http.refusals import reasons_in
from gateway.http.telling import CLIENT_GONE, CUT_OFF, count_operation, log_operation
from gateway.jobs.whole import Reads, WholeResult
from gateway.metrics import Metrics
from gateway.seats import Seats
from gateway.telemetry import log
from schema.algorithm_result import AlgorithmResult
from schema.errors import (
    BadUserInputError,
    GatewayError,
    UnauthenticatedError,
    UpstreamError,
)
from schema.export import FOLDER, MEDIA, ExportFormat
from schema.ids import JobRef, read_job_id
from schema.page import LARGEST_OFFSET

PATH = f"/{FOLDER}/{{name}}"
KIND = "export"
# Beside those of the endpoint, which tells these in a result: here they are all there is.
STATUSES = {
    **STATUS_BY_CODE,
    "NOT_FOUND": 404,
    "GRAPH_NOT_RUNNING": 409,
    "RESULT_GONE": 410,
    "LIMIT_EXCEEDED": 429,
    "UPSTREAM_ERROR": 502,
    "UPSTREAM_MALFORMED": 502,
}
_METHODS = ("GET", "HEAD")
_FORMATS = {media.suffix: format for format, media in MEDIA.items()}
_CHALLENGE = 'Bearer realm="ges"'
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST_WORD = 80


class Opened(Reads, Protocol):
    """What one operation runs with, opened for it and closed after it."""

    @property
    def caller(self) -> str | None:
        """Whose bounds it counts against."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a client wants."""

    ref: JobRef
    format: ExportFormat
    offset: int
    is_verbatim: bool
    is_head_alone: bool


@dataclass(slots=True)
class _Exchange:
    """One request while it is being answered, and what its line in the log will say."""

    request: Request
    request_id: str
    format: ExportFormat | None = None
    whole: WholeResult | None = None
    status: int = 200
    codes: list[str] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)

    def refusal(self, error: GatewayError | RefusalError) -> Response:
        """Answer what keeps the download from beginning."""
        if isinstance(error, RefusalError):
            self.status, extensions, headers = error.status, {"code": error.code}, error.headers
        else:
            extensions = error.extensions
            self.status, headers = STATUSES.get(extensions["code"], 502), _headers_of(error)
        self.codes = [extensions["code"]]
        self.reasons = reasons_in([{"extensions": extensions}])
        return answer_errors(self.status, [problem(error.message, self.request_id, **extensions)], headers=headers)


def _headers_of(error: GatewayError) -> dict[str, str]:
    if isinstance(error, UnauthenticatedError):
        return {"WWW-Authenticate": _CHALLENGE}
    seconds = error.extensions.get("retryAfterSeconds")
    return {} if seconds is None else {"Retry-After": str(math.ceil(seconds))}


class Export:
    """The ASGI application of downloads. `open_context` may raise GatewayError, which refuses one."""

    def __init__(
        self,
        open_context: Callable[[HTTPConnection, str], Awaitable[Opened]],
        seats: Seats,
        metrics: Metrics | None = None,
    ) -> None:
        self._open_context = open_context
        self._seats = seats
        self._metrics = metrics or Metrics()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. A client that goes away ends what is read for it."""
        request = Request(scope, receive)
        exchange = _Exchange(request, request.state.request_id)
        started = time.perf_counter()
        try:
            async with WhileConnected(receive, None):
                await self._answer(exchange, send)
        except (GatewayError, RefusalError) as error:
            await exchange.refusal(error)(scope, receive, send)
        except _CutOffError as error:
            # The answer stays unfinished, and the server cuts it off.
            exchange.status, exchange.codes = CUT_OFF, [error.code]
        except ClientDisconnect:
            exchange.status = CLIENT_GONE
        self._tell(exchange, time.perf_counter() - started)

    async def _answer(self, exchange: _Exchange, send: Send) -> None:
        seat = self._seats.take()
        try:
            asked = _read(exchange.request)
            exchange.format = asked.format
            open_context = partial(self._open_context, exchange.request, exchange.request_id)
            opened = await open_context()
            exchange.whole = WholeResult(asked.ref, asked.offset, opened, open_context)
            seat.claim(opened.caller)
            await _send(exchange.whole, asked, send)
        finally:
            if exchange.whole is not None:
                await exchange.whole.close()
            seat.leave()

    def _tell(self, exchange: _Exchange, seconds: float) -> None:
        whole, codes = exchange.whole, exchange.codes
        count_operation(
            self._metrics, KIND, seconds=seconds, status=exchange.status, codes=codes, reasons=exchange.reasons
        )
        log_operation(
            log,
            exchange.request_id,
            exchange.format.name if exchange.format else None,
            KIND,
            seconds=seconds,
            upstream_calls=whole.upstream_calls if whole else 0,
            cache_hits=whole.cache_hits if whole else 0,
            status=exchange.status,
            codes=codes,
        )


class _CutOffError(Exception):
    """What failed after the head was sent, when nothing can be said any more but to the log."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def _send(whole: WholeResult, asked: _Asked, send: Send) -> None:
    """Send a result. Raises GatewayError before the head is sent, _CutOffError after that."""
    result = await whole.look()
    writer = open_writer(asked.format, Shape(result.kind, asked.offset > 0, asked.is_verbatim))
    start = {"type": "http.response.start", "status": 200, "headers": _headers(result, asked)}
    if asked.is_head_alone:
        await send(start)
        return await _send_piece(send, b"", is_last=True)
    async with aclosing(await whole.open(partial(write_rows, writer, result.kind))) as runs:
        await send(start)
        try:
            await _send_piece(send, writer.head())
            async for run in runs:
                await _send_piece(send, run)
        except UpstreamError as error:
            raise _CutOffError(error.extensions["code"]) from error
        return await _send_piece(send, writer.tail(), is_last=True)


async def _send_piece(send: Send, piece: bytes, *, is_last: bool = False) -> None:
    if piece or is_last:
        await send({"type": "http.response.body", "body": piece, "more_body": not is_last})


def _headers(result: AlgorithmResult, asked: _Asked) -> list[tuple[bytes, bytes]]:
    media = MEDIA[asked.format]
    media_type = media.media_type
    if asked.format is ExportFormat.CSV:
        media_type += f"; charset=utf-8; header={'absent' if asked.offset else 'present'}"
    # What is no plain character could end the header or leave the folder that a client saves to.
    words = [_UNSAFE.sub("-", word).strip("-.")[:_LONGEST_WORD] for word in _words(result, asked)]
    headers = MutableHeaders(
        {
            "Content-Type": media_type,
            "Content-Disposition": f'attachment; filename="{"-".join(filter(None, words))}.{media.suffix}"',
            # A credential opened what is in it.
            "Cache-Control": "no-store",
        }
    )
    if result.total_count is not None:
        headers["X-Total-Count"] = str(result.total_count)
    return headers.raw


def _words(result: AlgorithmResult, asked: _Asked) -> tuple[str, ...]:
    """Return what the file is named by: what was computed, and by which job; where it begins unless at the start."""
    return (
        result.algorithm or result.rows_key or "",
        asked.ref.job_id,
        f"from-{asked.offset}" if asked.offset else "",
    )


def _read(request: Request) -> _Asked:
    """Return what is asked for. Raises RefusalError, BadUserInputError."""
    if request.method not in _METHODS:
        raise RefusalError(405, "A result is downloaded by GET.", Allow=", ".join(_METHODS))
    job_id, _, suffix = request.path_params["name"].rpartition(".")
    if suffix not in _FORMATS:
        raise BadUserInputError(f"The path ends in one of: {', '.join(f'.{known}' for known in _FORMATS)}.")
    return _Asked(
        read_job_id(job_id),
        _FORMATS[suffix],
        _offset(request.query_params),
        _is_verbatim(request.query_params),
        request.method == "HEAD",
    )


def _offset(parameters: QueryParams) -> int:
    text = parameters.get("offset") or "0"
    # isdecimal alone would admit other scripts' digits.
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= LARGEST_OFFSET):
        raise BadUserInputError(f"`offset` must be 0 to {LARGEST_OFFSET}.")
    return int(text)


def _is_verbatim(parameters: QueryParams) -> bool:
    text = parameters.get("verbatim") or "false"
    if text not in _TRUTHS:
        raise BadUserInputError(f"`verbatim` must be one of: {', '.join(_TRUTHS)}.")
    return _TRUTHS[text]
