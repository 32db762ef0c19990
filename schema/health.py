"""The gateway about itself: its version, and whether the planes behind it answer."""

from enum import Enum

import strawberry

from schema.context import Info
from schema.plane import Plane
from schema.scalars import DateTime


@strawberry.enum(description="Whether calls to a plane are let through.")
class CircuitState(Enum):
    CLOSED = strawberry.enum_value("CLOSED", description="Calls are let through.")
    HALF_OPEN = strawberry.enum_value("HALF_OPEN", description="One call is tried.")
    OPEN = strawberry.enum_value("OPEN", description="Calls are refused at once, after several in a row failed.")


@strawberry.type(description="How one plane is doing, as this gateway process sees it.")
class PlaneHealth:
    plane: Plane = strawberry.field(description="The plane.")
    configured: bool = strawberry.field(description="Whether the gateway knows where to ask it.")
    circuit: CircuitState = strawberry.field(
        description="CLOSED lets calls through, OPEN refuses them, HALF_OPEN tries one."
    )
    last_ok_at: DateTime | None = strawberry.field(description="When it last answered. Null before the first time.")


@strawberry.type(description="The gateway and the planes behind it.")
class Gateway:
    version: str = strawberry.field(description="Version of this gateway.")
    read_only: bool = strawberry.field(description="False when the operator has switched actions on.")

    @strawberry.field(description="The planes behind it.")
    def planes(self, info: Info) -> list[PlaneHealth]:
        return info.context.planes()
