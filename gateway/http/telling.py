"""What is told of an operation once it was answered: a line of the log, and the metrics. Never what was asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from structlog.typing import FilteringBoundLogger

from gateway.metrics import ERRORS, OPERATIONS, REFUSALS, Metrics
from gateway.telemetry import Event

# Statuses of the log alone: no client is told these.
CLIENT_GONE, CUT_OFF = 499, 599
_OUTCOMES = {CLIENT_GONE: "client_gone", CUT_OFF: "cut_off"}


def log_operation(
    log: FilteringBoundLogger,
    request_id: str,
    name: str | None,
    kind: str | None,
    *,
    seconds: float,
    upstream_calls: int = 0,
    cache_hits: int = 0,
    status: int = 200,
    codes: Sequence[str] = (),
) -> None:
    """Write the line of one operation, wherever it was answered."""
    log.info(
        Event.OPERATION,
        request_id=request_id,
        operation=name,
        type=kind,
        duration_ms=round(seconds * 1000, 1),
        upstream_calls=upstream_calls,
        cache_hits=cache_hits,
        status=status,
        codes=codes,
    )


def count_operation(
    metrics: Metrics,
    kind: str | None,
    *,
    seconds: float,
    status: int = 200,
    codes: Collection[str] = (),
    reasons: Collection[str] = (),
) -> None:
    """Count one operation, of `none` type when no document told one; and the reasons for which it was refused."""
    outcome = _OUTCOMES.get(status) or ("errors" if codes else "ok")
    metrics.time(OPERATIONS, kind or "none", outcome, seconds=seconds)
    for code in codes:
        metrics.count(ERRORS, code)
    for reason in reasons:
        metrics.count(REFUSALS, reason)
