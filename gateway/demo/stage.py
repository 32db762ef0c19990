"""The stage: what the clock says, which jobs there are at this moment, and where to find one. Knows no HTTP."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.demo.algorithm_stories import ALGORITHM_STORIES
from gateway.demo.database_stories import DATABASE_STORIES
from gateway.demo.graphs import GRAPHS, Graph
from gateway.demo.management_stories import MANAGEMENT_STORIES
from gateway.demo.memory_stories import MEMORY_STORIES
from gateway.demo.story import PlaneName, Scene, Story, scenes
from gateway.demo.tokens import Tokens

STORIES: tuple[Story, ...] = (*ALGORITHM_STORIES, *MEMORY_STORIES, *DATABASE_STORIES, *MANAGEMENT_STORIES)


@dataclass(slots=True)
class Stage:
    """The graphs and jobs of the sandbox as they are when asked."""

    clock: Callable[[], datetime]
    stories: Sequence[Story] = STORIES
    graphs: Sequence[Graph] = GRAPHS
    tokens: Tokens = field(default_factory=Tokens)
    began: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def at(self, moment: float) -> datetime:
        """Turn a moment of a story into a time of day."""
        return self.began + timedelta(seconds=moment)

    def jobs(self, plane: PlaneName, graphs: Iterable[str] | None = None) -> list[Scene]:
        """List the jobs of a plane, of these graphs only if any are named, newest first."""
        named = None if graphs is None else frozenset(graphs)
        return sorted(self._on(plane, named), key=lambda scene: scene.queued, reverse=True)

    def job(self, plane: PlaneName, graph: str, job_id: str) -> Scene | None:
        """Find one job of one graph."""
        return next((scene for scene in self._on(plane, frozenset([graph])) if scene.job_id == job_id), None)

    def graph_with_id(self, graph_id: str) -> Graph | None:
        """Find a graph as the management plane spells it."""
        return next((graph for graph in self.graphs if graph.id == graph_id), None)

    def graph_serving(self, name: str) -> Graph | None:
        """Find the graph, or the instance, that answers to this name on the service plane."""
        return next((graph for graph in self.graphs if name in graph.service_names), None)

    def _on(self, plane: PlaneName, graphs: frozenset[str] | None) -> Iterator[Scene]:
        now = (self.clock() - self.began).total_seconds()
        for story in self.stories:
            if story.plane == plane and (graphs is None or story.graph in graphs):
                yield from scenes(story, now)
