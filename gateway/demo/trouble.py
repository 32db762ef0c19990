"""Outages on request: what goes wrong, on which plane, for how many calls. Knows no jobs and no answers of GES."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.demo.effects import EFFECTS, Effect, Sleep
from gateway.demo.wire import WIRE_EFFECTS

KINDS: dict[str, Effect] = {**EFFECTS, **WIRE_EFFECTS}


class Trouble(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What goes wrong. `graph` narrows it to one graph, by name or id; `times` to the next so many calls."""

    kind: str
    seconds: Annotated[float, Meta(ge=0, le=3600)] = 2.0
    graph: str | None = None
    times: Annotated[int, Meta(ge=1)] | None = None


class _TroubleByPlane(msgspec.Struct, forbid_unknown_fields=True):
    management: Trouble | msgspec.UnsetType | None = msgspec.UNSET
    service: Trouble | msgspec.UnsetType | None = msgspec.UNSET
    iam: Trouble | msgspec.UnsetType | None = msgspec.UNSET


@dataclass(slots=True)
class Troubles:
    """The trouble each plane is in now."""

    sleep: Sleep = asyncio.sleep
    _now: dict[str, Trouble | None] = field(
        default_factory=lambda: dict.fromkeys(_TroubleByPlane.__struct_fields__, None)
    )
    _struck: Counter[str] = field(default_factory=Counter)

    def set(self, troubles: Mapping[str, Any] | bytes) -> None:
        """Change the planes named, None for well again; raises ValueError when it cannot be meant."""
        raw = troubles if isinstance(troubles, bytes) else msgspec.json.encode(troubles)
        wanted = msgspec.json.decode(raw, type=_TroubleByPlane)
        changes = {plane: getattr(wanted, plane) for plane in self._now}
        changes = {plane: trouble for plane, trouble in changes.items() if trouble is not msgspec.UNSET}
        for trouble in filter(None, changes.values()):
            if trouble.kind not in KINDS:
                raise ValueError(f"kind {trouble.kind} is not one of {', '.join(KINDS)}")
        self._now |= changes
        for plane in changes:
            self._struck[plane] = 0

    def told(self) -> dict[str, Any]:
        """Give the trouble of each plane as plain values."""
        return {plane: msgspec.to_builtins(trouble) for plane, trouble in self._now.items()}

    def strike(self, plane: str | None, names: frozenset[str]) -> Trouble | None:
        """Tell what goes wrong with a call that is about something of these names, and count it."""
        trouble = self._now.get(plane or "")
        if trouble is None or (trouble.graph is not None and trouble.graph not in names):
            return None
        self._struck[plane or ""] += 1
        if trouble.times is not None:
            trouble.times -= 1
            if trouble.times == 0:
                self._now[plane or ""] = None
        return trouble

    def struck(self, plane: str | None) -> int:
        """Tell how many calls of a plane its trouble has struck."""
        return self._struck[plane or ""]
