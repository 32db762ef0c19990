"""
The Graphs port: the management plane as directory of the service plane. Name to id, address, edition, rights.

Where the gateway decides who sees what, it is decided here: no entry and no address is handed out for a graph that
its caller may not see, and nothing can be asked about a graph without one of them or `admit`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from gateway.addresses import AddressBook
from gateway.auth.rights import Rights
from gateway.planes import management, service
from gateway.planes.read import Body, Read
from gateway.planes.records import GraphRecord, GraphsRead
from gateway.reader import Reader
from gateway.reading import Reading
from schema.errors import ForbiddenError, GraphNotRunningError, NotFoundError, PlaneUnavailableError, UpstreamError
from schema.graph import Graph, GraphConnection, GraphEdge, GraphEdition
from schema.ids import GraphKey
from schema.page import Cursors, PageRequest, Window
from schema.plane import Plane
from schema.scalars import DateTime, Long

T = TypeVar("T")
# The directory is read in pages of this size; a project with more graphs than all pages hold is looked up by id.
_DIRECTORY_PAGE = 100
_DIRECTORY_PAGES = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where to ask the service plane about a graph. `shared`: what it answers is the same for every caller."""

    key: GraphKey
    name: str
    origin: str
    shared: bool


class Directory:
    """Finds graphs for one operation. Every method raises UpstreamError."""

    def __init__(self, reader: Reader, addresses: AddressBook) -> None:
        self._reader = reader
        self._addresses = addresses
        self._settings = reader.runtime.settings
        # Entries that this operation has met in a list already, by id.
        self._met: dict[tuple[str, str], GraphRecord] = {}

    @property
    def has_management(self) -> bool:
        """Whether a management plane is configured."""
        return self._addresses.management is not None

    async def get(self, key: GraphKey) -> Graph:
        """Return one graph; raises NotFoundError only when GES really said that there is none."""
        self._reader.proofs.show_changing()
        if key.graph_id is not None and key.name is not None:
            return await self._inside(key, key.name)
        try:
            record = await self.record(key)
        except UpstreamError:
            if key.name is None or key.name not in self._addresses.static:
                raise
            # The operator named this graph: it is served even where the directory does not know it.
            # Not to nobody, though.
            _ = self._reader.caller
            self._require(self._names(key), key)
            return _unlisted(key, key.name)
        return self._graph(GraphKey(key.project, graph_id=record.graph_id), record.name, record)

    async def list(self, project: str, page: PageRequest) -> GraphConnection:
        """Return graphs of the project, in the order GES gives them."""
        self._reader.proofs.show_changing()
        cursors = Cursors(("graphs", project))
        window = page.window(cursors)
        read = await self._listed(project, Window(window.offset, max(1, window.limit)))
        records = read.graphs[: window.limit]
        end = window.offset + len(records)
        return GraphConnection(
            has_next=end < read.total if read.total is not None else len(records) == window.limit > 0,
            has_previous=window.offset > 0,
            edges=[
                GraphEdge(
                    cursor=cursors.write(window.offset + position + 1),
                    node=self._graph(GraphKey(project, graph_id=record.graph_id), record.name, record),
                )
                for position, record in enumerate(records)
            ],
            total_count=None if read.total is None else Long(read.total),
        )

    async def record(self, key: GraphKey) -> GraphRecord:
        """
        Return the directory entry of a graph, or of the instance that holds it.

        Raises ForbiddenError for one that the caller may not see, whether it exists or not.
        """
        rights = self.rights(key.project)
        try:
            record = await self._record(key)
        except NotFoundError:
            self._require(self._names(key), key)
            raise
        self._require(rights is None or rights.opens(record.graph_id, record.name), key)
        return record

    def rights(self, project: str) -> Rights | None:
        """Return what the caller may see of a project; None where GES decides. Raises ForbiddenError for all of it."""
        rights = self._reader.rights
        if rights is not None and project != rights.project:
            raise ForbiddenError("This gateway's account reads another project.")
        return rights

    async def admit(self, key: GraphKey) -> None:
        """Raise ForbiddenError unless the caller may see a graph. GES is asked only where its name decides."""
        if self._names(key):
            return
        self._require(key.graph_id is not None, key)
        await self.record(GraphKey(key.project, graph_id=key.graph_id))

    async def admit_named(self, key: GraphKey, name: str | None) -> None:
        """Raise ForbiddenError when something asked for under a graph says it is of another that may not be seen."""
        rights = self.rights(key.project)
        if name is None or rights is None or rights.opens(name):
            return
        self._require((await self.record(key)).name == name, key)

    def _names(self, key: GraphKey) -> bool:
        """Tell whether the rights name a graph as the key does."""
        rights = self.rights(key.project)
        # Beside an id, the name is that of a graph in the instance, which is opened as a whole.
        return rights is None or rights.opens(key.graph_id if key.graph_id is not None else key.name)

    def _require(self, is_allowed: bool, key: GraphKey) -> None:
        if not is_allowed:
            raise ForbiddenError(f"The caller may not see the graph `{key.name or key.graph_id}`.")

    async def _record(self, key: GraphKey) -> GraphRecord:
        if key.graph_id is not None:
            if met := self._met.get((key.project, key.graph_id)):
                return met
            read = management.ask_graph(key.project, key.graph_id)
            return (await self._reader.ask(self._reading(read, management.read_graph))).value
        record = (await self._records(key.project)).get(key.name or "")
        if record is None:
            raise NotFoundError(f"There is no graph `{key.name}` in this project.", plane=Plane.MANAGEMENT)
        return record

    async def records(self, project: str) -> dict[str, GraphRecord]:
        """Return the directory by graph name, as far as the caller may see it."""
        rights = self.rights(project)
        found = await self._records(project)
        if rights is None:
            return found
        return {name: record for name, record in found.items() if rights.opens(record.graph_id, name)}

    async def _records(self, project: str) -> dict[str, GraphRecord]:
        found: dict[str, GraphRecord] = {}
        for number in range(_DIRECTORY_PAGES):
            page = await self._page(project, Window(number * _DIRECTORY_PAGE, _DIRECTORY_PAGE))
            found.update({record.name: record for record in page.graphs})
            # Entries that name no graph are left out, so a short page is the last one only where there is no total.
            is_short = len(page.graphs) < _DIRECTORY_PAGE
            if is_short if page.total is None else page.total <= (number + 1) * _DIRECTORY_PAGE:
                break
        return found

    async def place(self, key: GraphKey) -> Place:
        """Return where the service plane of a graph is asked. Raises GraphNotRunningError while it cannot answer."""
        if key.graph_id is None and key.name is not None and key.name in self._addresses.static:
            self._require(self._names(key), key)
            return Place(key, key.name, self._addresses.static[key.name], self._is_shared(key, None))
        record = await self.record(key)
        name = key.name or record.name
        in_database = record.edition is GraphEdition.DATABASE
        if not record.is_running:
            raise GraphNotRunningError(
                f"The graph `{name}` is not running (status {record.status_code}).", plane=Plane.SERVICE
            )
        return Place(
            # One spelling per graph: a memory graph by its name, a graph in a database by instance and name.
            key=GraphKey(key.project, graph_id=record.graph_id if in_database else None, name=name),
            name=name,
            origin=self._origin(name, record),
            shared=self._is_shared(key, record.enable_rbac),
        )

    def _is_shared(self, key: GraphKey, enable_rbac: bool | None) -> bool:
        """Tell whether what the service plane says of a graph is the same for every caller."""
        sharing = self._settings.cache_sharing
        if self.rights(key.project) is not None:
            # GES sees one account, whoever calls.
            return sharing != "caller"
        # Restricted roles see fewer labels and properties; only a graph that says it has none is the same for all.
        return enable_rbac is False if sharing == "auto" else sharing == "proven" and not enable_rbac

    @property
    def addresses(self) -> AddressBook:
        """The operator's rules about addresses."""
        return self._addresses

    def management_origin(self) -> str:
        """Return the origin of the management plane; raises PlaneUnavailableError when none is configured."""
        if self._addresses.management is None:
            raise PlaneUnavailableError(
                "The management plane is not configured.", plane=Plane.MANAGEMENT, retryable=False
            )
        return self._addresses.management

    async def _inside(self, key: GraphKey, name: str) -> Graph:
        """A graph inside a database instance, which alone can tell whether it holds one of that name."""
        record = await self.record(GraphKey(key.project, graph_id=key.graph_id))
        if record.is_running:
            read = service.ask_graphs(key.project)
            names = await self._reader.ask(
                self._reading(read, service.read_graphs, origin=self._origin(record.name, record))
            )
            if name not in names.value:
                raise NotFoundError(f"There is no graph `{name}` in this instance.", plane=Plane.SERVICE)
        return self._graph(key, name, record)

    def _graph(self, key: GraphKey, name: str, record: GraphRecord) -> Graph:
        reachable = self._addresses.origin(name, record.addresses, enable_https=record.enable_https) is not None
        return Graph(
            key=key,
            graph_id=record.graph_id,
            name=name,
            edition=record.edition,
            status_code=record.status_code,
            is_queryable=record.is_running and reachable,
            created_at=None if record.created_at is None else DateTime(record.created_at),
        )

    def _origin(self, name: str, record: GraphRecord) -> str:
        origin = self._addresses.origin(name, record.addresses, enable_https=record.enable_https)
        if origin is None:
            raise PlaneUnavailableError(
                f"GES reports no address for the graph `{name}` that this gateway may use.",
                plane=Plane.SERVICE,
                retryable=False,
            )
        return origin

    async def _listed(self, project: str, window: Window) -> GraphsRead:
        """Return one window of what the caller may see: GES's own, or one cut from all where GES cannot tell."""
        rights = self.rights(project)
        if rights is None or rights.graphs is None:
            return await self._page(project, window)
        records = list((await self.records(project)).values())
        return GraphsRead(records[window.offset : window.offset + window.limit], len(records))

    async def _page(self, project: str, window: Window) -> GraphsRead:
        read = management.ask_graphs(project, offset=window.offset, limit=window.limit)
        page = (await self._reader.ask(self._reading(read, management.read_graphs))).value
        self._met.update({(project, record.graph_id): record for record in page.graphs})
        return page

    def _reading(self, read: Read, interpret: Callable[[Body], T], origin: str | None = None) -> Reading[T]:
        lifetimes = self._reader.runtime.lifetimes
        return Reading(
            read,
            origin or self.management_origin(),
            interpret,
            lambda value: lifetimes.graph(is_known=_is_known(value)),
            addresses=lifetimes.graph(),
        )


def _is_known(said: object) -> bool:
    """Tell whether every status in it is one of GES's numbers: another says nothing, and may soon say something."""
    records = said.graphs if isinstance(said, GraphsRead) else [said]
    return all((record.status_code or "").isdigit() for record in records if isinstance(record, GraphRecord))


def _unlisted(key: GraphKey, name: str) -> Graph:
    return Graph(
        key=key,
        graph_id=None,
        name=name,
        edition=GraphEdition.UNKNOWN,
        status_code=None,
        is_queryable=True,
        created_at=None,
    )
