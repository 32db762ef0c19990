"""Watching jobs: what is seen of them told as events, to each listener as far as he has not heard it."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, Hashable, Iterator, Sequence
from typing import Any, TypeVar

from gateway.addresses import AddressBook
from gateway.auth.caller import Caller
from gateway.jobs.polls import Asking, GraphPoll, JobsPoll, Seen, SeenGraph, look_of
from gateway.runtime import Runtime
from gateway.watch import Listener, Sight
from schema.errors import UpstreamError
from schema.ids import GraphKey, JobRef
from schema.job import Job, JobKind, JobStatus, ended
from schema.job_event import JobEvent, JobEventType
from schema.plane import Plane
from schema.scalars import DateTime

T = TypeVar("T")
_GRAPH = "graph"


class Watching:
    """Lets one caller look on. Everything is polled with his credential, and shared with nobody else."""

    def __init__(self, runtime: Runtime, caller: Caller, addresses: AddressBook) -> None:
        self._runtime = runtime
        self._caller = caller
        self._asking = Asking(runtime, caller, addresses)

    async def jobs(self, refs: Sequence[JobRef]) -> AsyncGenerator[JobEvent]:
        """Tell of jobs until all have ended. Raises UpstreamError when one cannot be watched any longer."""
        listeners = {self._join(ref): _JobTale(self._runtime) for ref in dict.fromkeys(refs)}
        waiting: dict[asyncio.Task[Sight[Seen]], Listener[Seen]] = {}
        try:
            waiting = {_following(listener): listener for listener in listeners}
            while waiting:
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    listener = waiting.pop(task)
                    sight = task.result()
                    for event in listeners[listener].tell(sight):
                        yield event
                    if not sight.is_last:
                        waiting[_following(listener)] = listener
        finally:
            for task in waiting:
                task.cancel()
            for listener in listeners:
                listener.leave()

    async def graph(
        self, key: GraphKey, planes: Sequence[Plane] | None, kinds: Sequence[JobKind] | None
    ) -> AsyncGenerator[JobEvent]:
        """Tell of the jobs of a graph for as long as somebody listens. Raises UpstreamError when that is refused."""
        chosen = None if planes is None else tuple(plane for plane in Plane if plane in planes)
        poll = GraphPoll(self._asking, key, chosen)
        listener: Listener[SeenGraph] = self._runtime.watches.join((self._caller.scope, _GRAPH, key, chosen), key, poll)
        tale = _GraphTale(self._runtime, kinds)
        try:
            while True:
                for event in tale.tell(await listener.next()):
                    yield event
        finally:
            listener.leave()

    async def until_ended(self, job: Job, seconds: float) -> None:
        """Wait until a job that was just seen has ended, so long at most. Raises what keeps it from being seen."""
        listener = self._join(job.ref, Sight(Seen(job, is_listed=False), look_of(job)))
        try:
            async with asyncio.timeout(seconds):
                while (sight := await listener.next()).value is None or not ended(sight.value.job):
                    if sight.is_last and sight.error is not None:
                        raise _own(sight.error)
        except TimeoutError:
            pass  # Running out of time is an answer.
        finally:
            listener.leave()

    def _join(self, ref: JobRef, known: Sight[Seen] | None = None) -> Listener[Seen]:
        key: Hashable = (self._caller.scope, ref.plane, ref.graph)
        return self._runtime.watches.join(key, ref, JobsPoll(self._asking), known)


class _JobTale:
    """What one listener has heard of one job."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._told: Seen | None = None

    def tell(self, sight: Sight[Seen]) -> Iterator[JobEvent]:
        """Give the events that a sight makes; raises its error when nothing can follow, or was ever seen."""
        if sight.error is not None:
            if sight.is_last or self._told is None or not isinstance(sight.error, UpstreamError):
                raise _own(sight.error)
            yield self._event(JobEventType.POLL_FAILED, self._told, sight.error)
        elif sight.value is not None:
            if self._told is None:
                yield self._event(JobEventType.SNAPSHOT, sight.value)
            elif sight.is_sure and not sight.is_last:
                yield self._event(JobEventType.CHANGED, sight.value)
            if sight.is_last:
                yield self._event(JobEventType.FINISHED, sight.value)

    def _event(self, type_: JobEventType, seen: Seen, error: UpstreamError | None = None) -> JobEvent:
        before = self._told.job.status if self._told else None
        self._told = seen
        return event(self._runtime, type_, seen.job, before, is_listed=seen.is_listed, error=error)


class _GraphTale:
    """What one listener has heard of the jobs of one graph."""

    def __init__(self, runtime: Runtime, kinds: Sequence[JobKind] | None) -> None:
        self._runtime = runtime
        self._kinds = None if kinds is None else frozenset(kinds)
        self._told: SeenGraph | None = None

    def tell(self, sight: Sight[SeenGraph]) -> Iterator[JobEvent]:
        """Give the events that a sight makes, oldest jobs first; raises its error when nothing was ever seen."""
        before, now = self._told, sight.value
        if now is None:
            if sight.is_last or before is None or not isinstance(sight.error, UpstreamError):
                raise _own(sight.error or AssertionError("a sight of nothing"))
            now = SeenGraph(before.jobs, dict.fromkeys(Plane, sight.error))
        self._told = now
        for ref, job in reversed(list(now.jobs.items())):
            if self._kinds is None or job.kind in self._kinds:
                yield from self._of(job, None if before is None else before.jobs.get(ref), before, now)

    def _of(self, job: Job, earlier: Job | None, before: SeenGraph | None, now: SeenGraph) -> Iterator[JobEvent]:
        error = now.failed.get(job.plane)
        if before is None:
            if not ended(job):
                yield self._event(JobEventType.SNAPSHOT, job, None)
        elif error is not None:
            if job.plane not in before.failed and not ended(job):
                yield self._event(JobEventType.POLL_FAILED, job, earlier, error)
        elif earlier is None:
            yield self._event(JobEventType.APPEARED, job, None)
            if ended(job):
                yield self._event(JobEventType.FINISHED, job, job)
        elif look_of(job) != look_of(earlier) or (job.plane in before.failed and not ended(job)):
            is_end = ended(job) and not ended(earlier)
            yield self._event(JobEventType.FINISHED if is_end else JobEventType.CHANGED, job, earlier)

    def _event(
        self, type_: JobEventType, job: Job, earlier: Job | None, error: UpstreamError | None = None
    ) -> JobEvent:
        before = earlier.status if earlier else None
        return event(self._runtime, type_, job, before, is_listed=True, error=error)


def event(
    runtime: Runtime,
    type_: JobEventType,
    job: Job,
    before: JobStatus | None,
    *,
    is_listed: bool,
    error: UpstreamError | None = None,
) -> JobEvent:
    """Make an event of now."""
    return JobEvent(
        type=type_,
        at=DateTime(runtime.clock.now()),
        previous_status=before,
        problem=error.problem() if error else None,
        seen=job,
        is_listed=is_listed,
    )


def _following(listener: Listener[T]) -> asyncio.Task[Sight[T]]:
    return asyncio.ensure_future(listener.next())


def _own(error: Any) -> Any:
    """Return an error for one listener to raise: raising adds frames to it, and one object would carry everybody's."""
    return copy.copy(error).with_traceback(None)
