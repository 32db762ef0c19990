"""Watching jobs: what is seen of them told as events, to each listener as far as he has not heard it."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from gateway.addresses import AddressBook
from gateway.auth.caller import Caller
from gateway.jobs.polls import Asking, GraphPoll, JobsPoll
from gateway.jobs.sights import Seen, SeenGraph, look_of
from gateway.runtime import Runtime
from gateway.watch import Listener, Sight
from schema.errors import UpstreamError
from schema.ids import GraphKey, JobRef
from schema.job import Job, JobKind, JobStatus, ended
from schema.job_event import JobEvent, JobEventType
from schema.plane import Plane
from schema.scalars import DateTime

_GRAPH = "graph"


class Watching:
    """Lets one caller look on. Everything is polled with his credential, and shared with nobody else."""

    def __init__(self, runtime: Runtime, caller: Caller, addresses: AddressBook) -> None:
        self._runtime = runtime
        self._caller = caller
        self._asking = Asking(runtime, caller, addresses)

    async def jobs(self, refs: Sequence[JobRef]) -> AsyncGenerator[JobEvent]:
        """Tell of jobs until all have ended. Raises UpstreamError when one cannot be watched any longer."""
        bell = asyncio.Event()
        tales: dict[Listener[Seen], _JobTale] = {}
        try:
            for ref in dict.fromkeys(refs):
                tales[self._join(ref, bell=bell)] = _JobTale(self._runtime)
            while tales:
                await bell.wait()
                bell.clear()
                for listener, tale in list(tales.items()):
                    sight = listener.take()
                    if sight is None:
                        continue
                    for event in tale.tell(sight):
                        yield event
                    if sight.is_last:
                        del tales[listener]
        finally:
            for listener in tales:
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
        """
        Wait until a job that was just seen has ended: so long at most, and not past the end of the process.

        Raises UpstreamError when it cannot be seen any longer.
        """
        listener = self._join(job.ref, known=Sight(Seen(job, is_listed=False), look_of(job)))
        waits = [asyncio.ensure_future(_end_of(listener)), asyncio.ensure_future(self._runtime.ending.wait())]
        try:
            # Running out of time is an answer.
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if waits[0].done():
                waits[0].result()
        finally:
            for wait in waits:
                wait.cancel()
            listener.leave()

    def _join(
        self, ref: JobRef, *, known: Sight[Seen] | None = None, bell: asyncio.Event | None = None
    ) -> Listener[Seen]:
        key: Hashable = (self._caller.scope, ref.plane, ref.graph)
        return self._runtime.watches.join(key, ref, JobsPoll(self._asking), known=known, bell=bell)


async def _end_of(listener: Listener[Seen]) -> None:
    """Wait for the last sight of a job, or the first of its end."""
    while True:
        sight = await listener.next()
        if sight.value is None and sight.is_last:
            raise _own(sight.error)
        if sight.is_last or (sight.value is not None and ended(sight.value.job)):
            return


class _JobTale:
    """What one listener has heard of one job."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._told: Seen | None = None
        self._has_failed = False

    def tell(self, sight: Sight[Seen]) -> Iterator[JobEvent]:
        """Give the events that a sight makes; raises its error when nothing can follow, or was ever seen."""
        seen, error = sight.value, sight.error
        if seen is None or (error is not None and (sight.is_last or not isinstance(error, UpstreamError))):
            raise _own(error)
        if self._told is None:
            yield self._event(JobEventType.SNAPSHOT, seen)
        elif error is None and sight.is_sure and not sight.is_last and (self._has_failed or seen.differs(self._told)):
            yield self._event(JobEventType.CHANGED, seen)
        if error is not None:
            yield self._event(JobEventType.POLL_FAILED, self._told or seen, error)
        elif sight.is_last:
            yield self._event(JobEventType.FINISHED, seen)
        self._has_failed = error is not None

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
        now, before, error = sight.value, self._told, sight.error
        if now is None or (error is not None and not isinstance(error, UpstreamError)):
            raise _own(error)
        if error is not None:
            now = replace(now, failed=dict.fromkeys(Plane, error))
        self._told = now
        for job in reversed(list(now.jobs.values())):
            if self._kinds is None or job.kind in self._kinds:
                yield from self._of(job, before, now)

    def _of(self, job: Job, before: SeenGraph | None, now: SeenGraph) -> Iterator[JobEvent]:
        error = now.failed.get(job.plane)
        if before is None or job.plane not in before.met:
            if not ended(job):
                yield self._event(JobEventType.SNAPSHOT, job, None)
                if error is not None:
                    yield self._event(JobEventType.POLL_FAILED, job, job, error)
            return
        earlier, has_failed = before.jobs.get(job.ref), job.plane in before.failed
        if earlier is None:
            yield self._event(JobEventType.APPEARED, job, None)
            if ended(job):
                yield self._event(JobEventType.FINISHED, job, job)
        elif ended(earlier):
            return
        elif error is not None:
            if not has_failed:
                yield self._event(JobEventType.POLL_FAILED, job, earlier, error)
        elif ended(job):
            yield self._event(JobEventType.FINISHED, job, earlier)
        elif has_failed or look_of(job) != look_of(earlier):
            yield self._event(JobEventType.CHANGED, job, earlier)

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


def _own(error: Any) -> Any:
    """Return an error for one listener to raise: raising adds frames to it, and one object would carry everybody's."""
    return copy.copy(error).with_traceback(None)
