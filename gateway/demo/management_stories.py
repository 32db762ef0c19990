"""The cast, management plane: the project's task center. Only data."""

from gateway.demo.story import Failure, ImportedFile, Moments, Story, ran

_HOUR, _DAY = 3600.0, 86400.0
_SCHEMA = ImportedFile("schema", "sc-data/schema.xml")
_SITES, _SHIPS = "sc-data/vertices/sites.csv", "sc-data/edges/ships.csv"
_ALL_LOADED = (_SCHEMA, ImportedFile("edge", _SHIPS, 482113), ImportedFile("vertex", _SITES, 20417))
_NOT_COUNTED = (_SCHEMA, ImportedFile("edge", "sc-data/edges/delta.csv"))
_BROKEN = ImportedFile(
    "edge",
    "sc-data/edges/broken.csv",
    120,
    failed=120,
    status="failed",
    log="sc-data/log/broken.log",
    cause="column count differs from the schema",
)
_LOST_LINES = (
    _SCHEMA,
    ImportedFile(
        "edge",
        "sc-data/edges/ships-0304.csv",
        1000,
        failed=3,
        status="partFailed",
        log="sc-data/log/edges-0304.log",
        cause="3 lines name a vertex that does not exist",
    ),
    _BROKEN,
    ImportedFile("vertex", "sc-data/vertices/sites-0304.csv", 64),
)
_BREAKS_HALFWAY = (_SCHEMA, ImportedFile("vertex", _SITES, 20417), ImportedFile("edge", _SHIPS, 482113), _BROKEN)
_NO_RESOURCES = Failure("Failed to create the ECS because the resources are insufficient.")
_LINES_LOST = Failure("Some records could not be imported.")
_BROKE = Failure("Import of sc-data/edges/broken.csv failed: column count differs from the schema.")


def management_job_id(number: int) -> str:
    """Spell a job id as the task center does: 32 hexadecimal digits."""
    return f"8a1f{number:028x}"


def _task(
    number: int,
    name: str,
    graph: str,
    when: Moments,
    ending: str = "success",
    failure: Failure | None = None,
    files: tuple[ImportedFile, ...] = (),
) -> Story:
    job_id = management_job_id(number)
    return Story(
        plane="management",
        graph=graph,
        job_id=job_id,
        kind=name,
        when=when,
        ending=ending,
        failure=failure,
        files=files,
    )


# Which names the task center uses beyond ImportGraph and DeleteGraph is unconfirmed; the pattern is verb and noun.
MANAGEMENT_STORIES: tuple[Story, ...] = (
    _task(1, "ImportGraph", "supply_chain", ran(-3 * _DAY, 94), files=_ALL_LOADED),
    _task(2, "ImportGraph", "supply_chain", ran(-2 * _DAY, 56), files=_NOT_COUNTED),
    _task(3, "ImportGraph", "supply_chain", ran(-_DAY, 272), "partiallyFailed", _LINES_LOST, _LOST_LINES),
    _task(4, "ExportGraph", "supply_chain", Moments(-30.0)),
    _task(5, "CreateBackup", "fraud_watch", Moments(-300.0, -290.0)),
    _task(6, "StartGraph", "archived_store", ran(-5 * _HOUR, 199), "failed", _NO_RESOURCES),
    _task(7, "DeleteGraph", "old_demo", ran(-4 * _DAY, 214)),
    _task(8, "ImportGraph", "supply_chain", Moments(0.0, 10.0, 70.0), "failed", _BROKE, _BREAKS_HALFWAY),
    _task(9, "CreateGraph", "new_graph", Moments(-600.0, -590.0)),
    _task(10, "StopGraph", "archived_store", ran(-6 * _DAY, 120)),
    _task(11, "ExportGraph", "supply_chain", ran(-7 * _HOUR, 400)),
    _task(12, "ClearGraph", "hr_people", ran(-8 * _DAY, 15)),
    _task(13, "UpgradeGraph", "citation_store", ran(-9 * _DAY, 1800)),
    _task(14, "ResizeGraph", "supply_chain", ran(-10 * _DAY, 900)),
    _task(15, "ExpandGraph", "fraud_watch", ran(-11 * _DAY, 600), "failed", _NO_RESOURCES),
    _task(16, "RestartGraph", "hr_people", ran(-12 * _DAY, 100)),
    _task(17, "ImportBackup", "fraud_watch", ran(-13 * _DAY, 700)),
    _task(18, "ChangeSecurityMode", "fraud_watch", ran(-14 * _DAY, 30)),
    _task(19, "CreateGraph", "old_demo", ran(-15 * _DAY, 800)),
    # New every two minutes, and failing halfway through: there is always an import to watch.
    Story(
        plane="management",
        graph="supply_chain",
        job_id="8a1f00000000000000000000002{round}",
        kind="ImportGraph",
        when=Moments(-360.0, -350.0, -290.0, every=120.0),
        ending="failed",
        failure=_BROKE,
        files=_BREAKS_HALFWAY,
    ),
)
