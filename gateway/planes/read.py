"""A read: one upstream GET described as data, and the body that answers it. Knows no network and no meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from schema.plane import Plane

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
ROOTS = {Plane.MANAGEMENT: "v2", Plane.SERVICE: "ges/v1.0"}


@dataclass(frozen=True, slots=True)
class Read:
    """
    An upstream GET, without the address and the credential it is sent with.

    `segments` follow `/{root}/{project}/` and are plain text: each becomes exactly one encoded path segment.
    `carries_requests` marks bodies that repeat what callers once submitted, secrets included.
    """

    plane: Plane
    project: str
    segments: tuple[str, ...]
    params: tuple[tuple[str, str], ...] = ()
    carries_requests: bool = False
    # Path and query as they go on the wire; made once, for keys ask for it again and again.
    target: str = field(init=False)
    # What makes two reads equal, for keys; a tuple, so that no separator can be forged.
    key: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = "/".join([_encoded(segment) for segment in (self.project, *self.segments)])
        query = "&".join([f"{_encoded(name)}={_encoded(value)}" for name, value in self.params])
        target = f"/{ROOTS[self.plane]}/{path}" + (f"?{query}" if query else "")
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "key", (self.plane.name, target))


def _encoded(text: str) -> str:
    # Nearly everything is of plain letters already, and to find that out costs less than to write it anew.
    return text if _PLAIN.fullmatch(text) else quote(text, safe="")


@dataclass(frozen=True, slots=True)
class Body:
    """
    What GES answered: HTTP status, bytes (secrets removed) and when. Any status, for some of them are data.

    `retry_after_seconds` is what the `Retry-After` header asked for; None without one.
    """

    status: int
    content: bytes
    fetched_at: datetime
    retry_after_seconds: float | None = None
