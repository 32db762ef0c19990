"""Outages on request: what goes wrong, on which plane, for how many calls. Knows no jobs and no answers of GES."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

Sleep = Callable[[float], Awaitable[object]]

_PAGE = "<html><head><title>Welcome</title></head><body>This is not the service you look for.</body></html>"


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


@dataclass(frozen=True, slots=True)
class Troubled:
    """A call that is about to go wrong, and everything an effect may need to make it so."""

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    seconds: float
    sleep: Sleep


async def _latency(call: Troubled) -> None:
    await call.sleep(call.seconds)
    await call.app(call.scope, call.receive, call.send)


async def _status_503(call: Troubled) -> None:
    reply = JSONResponse({"error_code": "APIG.0613", "error_msg": "The service is unavailable."}, 503)
    await reply(call.scope, call.receive, call.send)


async def _hang(call: Troubled) -> None:
    while (await call.receive())["type"] != "http.disconnect":
        pass


async def _garbage(call: Troubled) -> None:
    await HTMLResponse(_PAGE)(call.scope, call.receive, call.send)


# An effect may answer by itself, call the app, or call it with a `send` of its own that spoils what passes.
EFFECTS: dict[str, Callable[[Troubled], Awaitable[None]]] = {
    "latency": _latency,
    "status503": _status_503,
    "hang": _hang,
    "garbage": _garbage,
}


@dataclass(slots=True)
class Troubles:
    """The trouble each plane is in now."""

    sleep: Sleep = asyncio.sleep
    _now: dict[str, Trouble | None] = field(
        default_factory=lambda: dict.fromkeys(_TroubleByPlane.__struct_fields__, None)
    )

    def set(self, troubles: Mapping[str, Any] | bytes) -> None:
        """Change the planes named, None for well again; raises ValueError when it cannot be meant."""
        raw = troubles if isinstance(troubles, bytes) else msgspec.json.encode(troubles)
        wanted = msgspec.json.decode(raw, type=_TroubleByPlane)
        changes = {plane: getattr(wanted, plane) for plane in self._now}
        changes = {plane: trouble for plane, trouble in changes.items() if trouble is not msgspec.UNSET}
        for trouble in filter(None, changes.values()):
            if trouble.kind not in EFFECTS:
                raise ValueError(f"kind {trouble.kind} is not one of {', '.join(EFFECTS)}")
        self._now |= changes

    def told(self) -> dict[str, Any]:
        """Give the trouble of each plane as plain values."""
        return {plane: msgspec.to_builtins(trouble) for plane, trouble in self._now.items()}

    def strike(self, plane: str | None, names: frozenset[str]) -> Trouble | None:
        """Tell what goes wrong with a call that is about something of these names, and count it."""
        trouble = self._now.get(plane or "")
        if trouble is None or (trouble.graph is not None and trouble.graph not in names):
            return None
        if trouble.times is not None:
            trouble.times -= 1
            if trouble.times == 0:
                self._now[plane or ""] = None
        return trouble
