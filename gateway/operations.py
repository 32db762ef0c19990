"""What one operation runs with: its caller, its reader and its ports, opened from the headers of its request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from gateway import VERSION
from gateway.addresses import AddressBook
from gateway.answers import Proofs
from gateway.graphs import Directory
from gateway.jobs.locate import Places
from gateway.jobs.port import JobsPort
from gateway.jobs.results import JobReads
from gateway.reader import Reader
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.tracing import UNTRACED, Trace
from schema.context import Context
from schema.errors import BadUserInputError
from schema.health import CircuitState, PlaneHealth
from schema.ids import checked_project
from schema.plane import Plane
from schema.scalars import DateTime

# Where the state of a request has its caller, when somebody in front of the operation has found out already.
CALLER = "caller"


@dataclass(frozen=True, slots=True)
class OpenOperation:
    """One operation under way. Close it, and what it still asks for ends."""

    context: Context
    reader: Reader
    directory: Directory
    # Whose bounds it counts against.
    caller: str | None = None
    trace: Trace = UNTRACED

    @property
    def upstream_calls(self) -> int:
        """How many calls to GES it caused so far."""
        return self.reader.statistics.upstream_calls

    @property
    def cache_hits(self) -> int:
        """How many reads it was spared so far."""
        return self.reader.statistics.cache_hits

    @property
    def proofs(self) -> Proofs:
        """What its answer rests on so far."""
        return self.reader.proofs

    @property
    def passing(self) -> JobReads:
        """What reads pages for who takes a whole result."""
        return JobReads(self.reader, self.directory, passing=True)

    async def close(self) -> None:
        """End what is still under way for this operation alone."""
        await self.reader.close()
        self.trace.end()


def opener(runtime: Runtime) -> Callable[[HTTPConnection, str], Awaitable[OpenOperation]]:
    """Return what opens an operation for a request; it raises GatewayError for headers that cannot be meant."""
    settings = runtime.settings
    addresses = address_book(settings)
    places = Places()

    async def open_operation(request: HTTPConnection, request_id: str) -> OpenOperation:
        headers = request.headers
        # Taken, so that whoever opens once more for the same request is asked for his credential again.
        known = request.scope.get("state", {}).pop(CALLER, None)
        caller = known or await runtime.mode.callers.read(headers.raw)
        fresh = wants_fresh(headers.raw)
        trace = runtime.traces.begin(headers)
        reader = Reader(runtime, caller, fresh=fresh, trace=trace)
        directory = Directory(reader, addresses)
        context = Context(
            jobs=JobsPort(reader, directory, places),
            graphs=directory,
            planes=lambda: plane_health(runtime),
            version=VERSION,
            now=runtime.clock.now(),
            request_id=request_id,
            project_id=_project_id(headers, settings),
        )
        return OpenOperation(context, reader, directory, caller.name if caller else None, trace)

    return open_operation


def wants_fresh(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether a client wants GES to be asked, whatever is kept."""
    return b"no-cache" in b",".join([value for name, value in headers if name == b"cache-control"]).lower()


def address_book(settings: Settings) -> AddressBook:
    """Return the operator's rules about service addresses."""
    return AddressBook.build(
        static=settings.service_urls,
        allow=settings.service_allow,
        scheme=settings.service_scheme,
        management=settings.management_url,
    )


def plane_health(runtime: Runtime) -> list[PlaneHealth]:
    """Return how each plane is doing, as this process has seen it."""
    configured = {
        Plane.MANAGEMENT: runtime.settings.management_url is not None,
        Plane.SERVICE: bool(runtime.settings.service_urls or runtime.settings.management_url),
    }
    summaries = {plane: breakers.summary() for plane, breakers in runtime.breakers.items()}
    return [
        PlaneHealth(
            plane=plane,
            configured=configured[plane],
            circuit=CircuitState[summary.state.name],
            last_ok_at=None if summary.last_ok_at is None else DateTime(summary.last_ok_at),
        )
        for plane, summary in summaries.items()
    ]


def _project_id(headers: Headers, settings: Settings) -> str | None:
    named = headers.getlist("x-project-id")
    if len(named) > 1:
        raise BadUserInputError("The request names more than one project.")
    return checked_project(named[0]) if named else settings.project_id
