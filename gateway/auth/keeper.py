"""
The keeper of the gateway's own token: one for everybody, renewed before it ends, by one renewal at a time.

Knows not who issues it. After a failure nobody is asked for a while, so that a wrong password locks no account.
"""

from __future__ import annotations

import asyncio
import contextvars
import copy
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.auth.iam import Token
from schema.errors import UpstreamError

# Renewed beside the reads from here on before its end: a part of its life, at most so long.
_EARLY_PART, _EARLY_SECONDS = 0.2, 600.0
# Not used for its last moments, or it would end on its way.
_LAST_PART, _LAST_SECONDS = 0.05, 5.0
# A refusal by GES renews it once in so long: a new token that is refused as well will not get better.
_FORCED_SECONDS = 10.0
# Pauses after failures, doubling. IAM locks a user after five wrong passwords within a quarter of an hour.
_RETRYABLE_PAUSE, _LONGEST_RETRYABLE_PAUSE = 1.0, 30.0
_REFUSED_PAUSE, _LONGEST_REFUSED_PAUSE = 300.0, 900.0


@dataclass(frozen=True, slots=True)
class _Kept:
    value: str = field(repr=False)
    renew_at: float
    ends_at: float


class Keeper:
    """Keeps the token that `issue` gives. `observe` is told how each renewal ended, by a word."""

    def __init__(
        self,
        issue: Callable[[], Awaitable[Token]],
        monotonic: Callable[[], float],
        observe: Callable[[str], None] = lambda outcome: None,
    ) -> None:
        self._issue = issue
        self._monotonic = monotonic
        self._observe = observe
        self._kept: _Kept | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._forced_at: float | None = None
        self._failure: UpstreamError | None = None
        self._failures = 0
        self._rests_until = 0.0

    async def token(self) -> str:
        """Return a token that is good for now. Raises UpstreamError; one who stops waiting stops nobody else."""
        kept, now = self._kept, self._monotonic()
        if kept is None or now >= kept.ends_at:
            await asyncio.shield(self._renew(now))
            # Already refused to somebody else, perhaps.
            return self._kept.value if self._kept is not None else await self.token()
        if now >= kept.renew_at and now >= self._rests_until:
            # It is still good, so nobody waits.
            self._renew(now)
        return kept.value

    def refused(self, value: str) -> bool:
        """Take note that GES did not accept a token; return whether to ask again, with what `token` gives then."""
        kept = self._kept
        if kept is None or kept.value != value:
            return True
        now = self._monotonic()
        if self._forced_at is not None and now < self._forced_at + _FORCED_SECONDS:
            return False
        self._kept, self._forced_at = None, now
        return True

    async def close(self) -> None:
        """End a renewal under way."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)

    def _renew(self, now: float) -> asyncio.Task[None]:
        """Return the renewal under way, or begin one. Raises what the last one failed with while that rests."""
        if self._renewal is not None and not self._renewal.done():
            return self._renewal
        if self._failure is not None and now < self._rests_until:
            # One object would carry the frames of everybody who raises it.
            error = copy.copy(self._failure).with_traceback(None)
            error.retry_after_seconds = self._rests_until - now if error.retryable else None
            raise error
        # In a context of its own: it belongs to no request.
        self._renewal = asyncio.get_running_loop().create_task(self._renewed(), context=contextvars.Context())
        # An error that nobody waited for is kept for the next who asks.
        self._renewal.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._renewal

    async def _renewed(self) -> None:
        began = self._monotonic()
        try:
            token = await self._issue()
        except UpstreamError as error:
            self._observe("refused" if not error.retryable else "failed")
            self._rest_after(error)
            raise
        self._failure, self._failures, self._rests_until = None, 0, 0.0
        early = min(_EARLY_SECONDS, token.seconds * _EARLY_PART)
        last = min(_LAST_SECONDS, token.seconds * _LAST_PART)
        self._kept = _Kept(token.value, began + token.seconds - early, began + token.seconds - last)
        self._observe("issued")

    def _rest_after(self, error: UpstreamError) -> None:
        first, longest = (
            (_RETRYABLE_PAUSE, _LONGEST_RETRYABLE_PAUSE)
            if error.retryable
            else (_REFUSED_PAUSE, _LONGEST_REFUSED_PAUSE)
        )
        pause = min(longest, first * 2 ** min(self._failures, 10))
        self._failures += 1
        self._failure = error
        self._rests_until = self._monotonic() + max(pause, error.retry_after_seconds or 0.0)
