"""The two REST surfaces of GES, as a word. Everything that must say where something came from imports it from here."""

from enum import Enum

import strawberry


@strawberry.enum(description="The GES REST surface a record came from.")
class Plane(Enum):
    # It is looked up with every read, and an enum's own hash is computed in Python.
    __hash__ = object.__hash__

    MANAGEMENT = strawberry.enum_value(
        "MANAGEMENT",
        description="Task center of the project: create, start, stop, import, export, back up. "
        "`/v2/{project_id}/graphs/...`",
    )
    SERVICE = strawberry.enum_value(
        "SERVICE",
        description="Jobs inside one graph's engine: algorithms, filtered queries, index builds, imports. "
        "`/ges/v1.0/{project_id}/graphs/{graph_name}/...`",
    )
