"""
Bodies: from the bytes of an answer to the members of its JSON object, and on to the entries of its list.

Knows what is no answer at all; nothing of what GES says in one.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized

from gateway.planes import values
from gateway.planes.read import Body
from gateway.planes.values import Members
from schema.errors import UpstreamMalformedError
from schema.plane import Plane

PLANE_NAMES = {Plane.MANAGEMENT: "The management plane", Plane.SERVICE: "The service plane"}


def is_success(body: Body) -> bool:
    """Return whether the HTTP status says that the answer is a good one."""
    return 200 <= body.status < 300


def members_of(body: Body, plane: Plane) -> Members:
    """
    Return the members of the answer under their folded names, unread; of an error that is no JSON object none.

    Raises UpstreamMalformedError for a good answer that is no JSON object.
    """
    try:
        return values.fold(_decoded(body.content))
    except (ValueError, RecursionError) as error:
        # Proxies answer with pages of their own; then the HTTP status says more than the body.
        if not is_success(body):
            return {}
        raise malformed(body, plane, "JSON object") from error


def listed(body: Body, plane: Plane, members: Members, name: str, *, beside: Sequence[str]) -> list[Members]:
    """
    Return the entries of the list `name`. Missing or null it is empty, as long as one of its companions is there.

    Raises UpstreamMalformedError for a body that holds none of them, or something that is no list.
    """
    raw = members.get(name, values.NULL)
    if raw == values.NULL and not {name, *beside}.isdisjoint(members):
        return []
    if not values.is_list(raw) and not values.is_object(raw):
        raise malformed(body, plane, "list")
    return [values.folded_members(item) for item in values.items_of(raw)]


def require_some(body: Body, plane: Plane, entries: Sized, usable: Sized, what: str) -> None:
    """Raise UpstreamMalformedError when there are entries and none is usable: an empty list would be a lie."""
    if len(entries) and not len(usable):
        raise malformed(body, plane, what)


def malformed(body: Body, plane: Plane, expected: str) -> UpstreamMalformedError:
    """Return the error for an answer that holds nothing of what was asked for."""
    return UpstreamMalformedError(
        f"{PLANE_NAMES[plane]} answered with something that is no {expected}.", plane=plane, upstream_status=body.status
    )


def _decoded(content: bytes) -> Members:
    if not content.isascii():
        content.decode()  # Rows are copied out unread, so nothing later would notice broken text.
    try:
        return values.members_of(content)
    except ValueError:
        return values.members_of(values.mended(content))
