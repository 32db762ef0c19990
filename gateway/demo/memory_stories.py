"""The cast, memory edition: jobs under way or gone wrong, imports, exports, and the graph with roles. Only data."""

from gateway.demo import results
from gateway.demo.algorithm_stories import algorithm_request, memory_job_id
from gateway.demo.story import Failure, ImportedFile, Moments, Story, ran

_HOUR, _DAY = 3600.0, 86400.0
_SUPPLY = "supply_chain"
_EDGES, _SITES, _SCHEMA = "sc-data/edges/ships.csv", "sc-data/vertices/sites.csv", "sc-data/schema.xml"
_LOST_LINES = (
    ImportedFile("edge", _EDGES, 1000, failed=3, status="partFailed"),
    ImportedFile("vertex", _SITES, 64),
    ImportedFile("schema", _SCHEMA, 4),
)
_BREAKS_HALFWAY = (
    ImportedFile("schema", _SCHEMA, 4),
    ImportedFile("vertex", _SITES, 20417),
    ImportedFile("edge", _EDGES, 482113, failed=120, status="partFailed"),
    ImportedFile("edge", "sc-data/edges/broken.csv", 5000, failed=5000, status="failed"),
)
_BAD_SOURCE = Failure("Running algorithm [shortest_path] error: parameter [source] is invalid!", "GES.8301")
_BAD_TARGET = Failure(
    "Running algorithm [shortest_path] error: parameter [target] is invalid!", "GES.8301", http_status=400
)
_COLUMNS = Failure("column count of sc-data/edges/broken.csv differs from the schema", "GES.8013")
# The keys are made up. They are here because a request may carry such, and nobody may ever show them.
_EXPORT_REQUEST = (
    '{"exportPath":"sc-data/export","obsParameters":'
    '{"accessKey":"SANDBOX-ACCESS-KEY","secretKey":"sandbox-secret-key"},"erase":false}'
)

_ENDED = (
    Story(
        graph=_SUPPLY,
        job_id=memory_job_id(1),
        kind="Algorithm",
        when=ran(-2 * _HOUR, 1),
        ending="failed",
        failure=_BAD_SOURCE,
        request=algorithm_request("shortest_path", {"source": "nowhere", "target": "site-0000003"}),
    ),
    Story(
        graph=_SUPPLY,
        job_id=memory_job_id(35),
        kind="Algorithm",
        when=ran(-2 * _HOUR + 60, 1),
        ending="failed",
        failure=_BAD_TARGET,
        request=algorithm_request("shortest_path", {"source": "site-0000000", "target": "nowhere"}),
    ),
    Story(
        graph=_SUPPLY,
        job_id=memory_job_id(4),
        kind="ImportGraph",
        when=ran(-_DAY, 90),
        ending="partiallyFailed",
        files=_LOST_LINES,
    ),
    Story(
        # Which word a cancelled job shows is unconfirmed; the console only says that it was cancelled.
        graph=_SUPPLY,
        job_id=memory_job_id(36),
        kind="Algorithm",
        when=ran(-3 * _HOUR, 40),
        ending="cancelled",
        request=algorithm_request("label_propagation", {"max_iterations": 5000}),
    ),
    Story(
        # A word in no vocabulary: readers must keep it and not break.
        graph=_SUPPLY,
        job_id=memory_job_id(37),
        kind="Algorithm",
        when=ran(-3 * _HOUR + 60, 40),
        ending="hibernated",
        request=algorithm_request("topicrank", {"sources": ["site-0000000"]}),
    ),
    Story(
        graph=_SUPPLY,
        job_id=memory_job_id(9),
        kind="ExportResult",
        when=ran(-2 * _DAY, 55),
        request=_EXPORT_REQUEST,
    ),
    Story(
        graph=_SUPPLY,
        job_id=memory_job_id(38),
        kind="ExportGraph",
        when=ran(-2 * _DAY + _HOUR, 300),
        request=_EXPORT_REQUEST,
    ),
    Story(
        graph=_SUPPLY,
        job_id=memory_job_id(39),
        kind="CreateIndex",
        when=ran(-5 * _DAY, 20),
        request='{"indexName":"by_city","indexType":"GlobalCompositeVertexIndex","indexProperty":["city"]}',
    ),
)

_LIVE = (
    Story(
        graph=_SUPPLY,
        job_id=memory_job_id(2),
        kind="Algorithm",
        # Starts over every five minutes and never ends, so that there is always something to watch.
        when=Moments(-20.0, -15.0, None, every=300.0),
        can_stop=True,
        request=algorithm_request("pagerank", {"alpha": 0.85}),
    ),
    Story(
        graph=_SUPPLY,
        job_id=memory_job_id(41),
        kind="Algorithm",
        when=Moments(-10.0),
        can_stop=True,
        request=algorithm_request("kcore", {"k": 3}),
    ),
    Story(
        graph=_SUPPLY,
        job_id=memory_job_id(42),
        kind="ImportGraph",
        when=Moments(0.0, 5.0, 65.0),
        ending="failed",
        can_stop=True,
        failure=_COLUMNS,
        files=_BREAKS_HALFWAY,
    ),
    Story(
        graph=_SUPPLY,
        job_id=memory_job_id(43),
        kind="Algorithm",
        when=Moments(0.0, 10.0, 40.0),
        can_stop=True,
        request=algorithm_request("pagerank", {"alpha": 0.9}),
        result=results.pagerank(19),
    ),
    Story(
        graph=_SUPPLY,
        job_id="5e9c0745-41d8-4b6a-93f0-27ac1d0e0045{round}",
        kind="Algorithm",
        when=Moments(-270.0, -260.0, -200.0, every=90.0),
        can_stop=True,
        request=algorithm_request("pagerank", {"alpha": 0.6}),
        result=results.pagerank(10_000),
    ),
    Story(
        graph=_SUPPLY,
        job_id="5e9c0746-41d8-4b6a-93f0-27ac1d0e0046{round}",
        kind="ImportGraph",
        when=Moments(-360.0, -350.0, -260.0, every=120.0),
        ending="failed",
        failure=_COLUMNS,
        files=_BREAKS_HALFWAY,
    ),
)

# Role-based access hides the property `salary` from the restricted token, so the same job has two bodies.
_ROLES = (
    Story(
        graph="hr_people",
        job_id=memory_job_id(96),
        kind="VertexQuery",
        when=ran(-6 * _HOUR, 2),
        request='{"labels":["employee"],"offset":0,"limit":100}',
        result=results.staff(with_salary=True),
        restricted_result=results.staff(with_salary=False),
    ),
    Story(
        graph="hr_people",
        job_id=memory_job_id(97),
        kind="Algorithm",
        when=ran(-5 * _HOUR, 10),
        request=algorithm_request("pagerank", {"alpha": 0.85}),
        result=results.pagerank(19),
    ),
)

MEMORY_STORIES: tuple[Story, ...] = (*_ENDED, *_LIVE, *_ROLES)
