"""Finding a job whose plane is not known: both planes at once, and an honest answer when one could not be asked."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine, Sequence
from typing import Any

from schema.errors import (
    ForbiddenError,
    GraphNotRunningError,
    NotFoundError,
    PlaneUnavailableError,
    UnauthenticatedError,
    UpstreamError,
)
from schema.job import Job
from schema.plane import Plane

# These say more than "could not be asked", and say it about the caller or the graph rather than the plane.
_TELLING = (UnauthenticatedError, ForbiddenError, GraphNotRunningError)


class Places:
    """Remembers on which plane a caller's job was found, so that it is not searched again. Bounded, recent first."""

    def __init__(self, maximum: int = 10_000) -> None:
        self._maximum = maximum
        self._planes: OrderedDict[tuple[object, ...], Plane] = OrderedDict()

    def get(self, key: tuple[object, ...]) -> Plane | None:
        """Return the plane, None when it was never found or is forgotten."""
        if key in self._planes:
            self._planes.move_to_end(key)
        return self._planes.get(key)

    def put(self, key: tuple[object, ...], plane: Plane) -> None:
        """Remember the plane."""
        self._planes[key] = plane
        self._planes.move_to_end(key)
        if len(self._planes) > self._maximum:
            self._planes.popitem(last=False)


async def first_found(asks: Sequence[Coroutine[Any, Any, Job]]) -> Job:
    """
    Return the job from whichever plane has it, without waiting for the others.

    Raises NotFoundError only when every plane said no. When one could not be asked and the others said no, raises
    what kept it from answering if that concerns the caller or the graph, and PlaneUnavailableError otherwise.
    """
    tasks = [asyncio.create_task(ask) for ask in asks]
    errors: list[UpstreamError] = []
    try:
        for next_done in asyncio.as_completed(tasks):
            try:
                return await next_done
            except UpstreamError as error:
                errors.append(error)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    raise _verdict(errors)


def _verdict(errors: list[UpstreamError]) -> UpstreamError:
    unasked = [error for error in errors if not isinstance(error, NotFoundError)]
    if not unasked:
        return NotFoundError("No plane has a job with this id in this graph.")
    for error in unasked:
        if isinstance(error, _TELLING):
            return error
    error = unasked[0]
    plane = error.plane.name if error.plane else "upstream"
    return PlaneUnavailableError(
        f"The {plane} plane could not be asked: {error.message}",
        plane=error.plane,
        upstream_status=error.upstream_status,
        upstream_code=error.upstream_code,
        retryable=error.retryable,
        retry_after_seconds=error.retry_after_seconds,
    )
