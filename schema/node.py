"""Relay global object identification: the interface that refetchable objects implement."""

import strawberry


@strawberry.interface(description="Relay global object identification.")
class Node:
    @strawberry.field(description="Opaque, stable, globally unique.")
    def id(self) -> strawberry.ID:
        raise NotImplementedError  # pragma: no cover -- every implementing type has its own
