"""
The gateway with a probe on its event loop: how much CPU the longest turn of the loop took.

The same application, server and loop as `python -m gateway serve`; only this one measurement uses it.
"""

import asyncio
import json
import os
import time

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import app, telemetry
from gateway.settings import Settings

START, STOP = "/_turns/start", "/_turns/stop"


class Turns:
    """
    Measures turns by a callback that asks for itself in the next one: from one to the next is a whole turn.

    Meanwhile the loop never rests, so it is switched on for the length of a measurement only.
    """

    def __init__(self) -> None:
        self._is_on = False

    def start(self) -> None:
        """Begin to measure, in the thread of the loop."""
        self._is_on = True
        self._longest_seconds = 0.0
        self._last = time.thread_time()
        asyncio.get_running_loop().call_soon(self._beat)

    def stop(self) -> float:
        """Return the CPU seconds of the longest turn since the start."""
        self._is_on = False
        return self._longest_seconds

    def _beat(self) -> None:
        if self._is_on:
            now = time.thread_time()
            self._longest_seconds = max(self._longest_seconds, now - self._last)
            self._last = now
            asyncio.get_running_loop().call_soon(self._beat)


class Probe:
    """The application with two more paths, which start and stop measuring."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner
        self._turns = Turns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the probe's own paths, hand on everything else."""
        path = scope.get("path")
        if path == START:
            self._turns.start()
            await _answer(send, 0.0)
        elif path == STOP:
            await _answer(send, self._turns.stop())
        else:
            await self._inner(scope, receive, send)


async def _answer(send: Send, seconds: float) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(seconds).encode()})


def create_app() -> Probe:
    """Build the gateway from the environment, as its own command does."""
    settings = Settings.from_environment(os.environ)
    telemetry.configure(settings.log_level, settings.log_format)
    return Probe(app.create_app(settings))
