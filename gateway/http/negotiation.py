"""Which media type and encoding a client gets: reads Accept and Accept-Encoding with their q values. No GraphQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"
EVENTS = "text/event-stream"
PARTS = "multipart/mixed"

# Parameters that are ours to choose, or say nothing about what is in the stream; any other must be as it stands here.
_FREE = frozenset({"q", "boundary", "charset"})
_STREAM_PARAMETERS = {EVENTS: "", PARTS: "subscriptionspec=1.0"}

# Clients of a kind send the same header with every request; longer ones are read each time, and not remembered.
_USUAL_LENGTH = 256
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


def negotiate(accept: str, offered: tuple[str, ...]) -> str | None:
    """
    Return what the client prefers of `offered`, in whose order ties are broken; None when nothing is acceptable.

    Without an Accept header, and for a wildcard, that is plain JSON: clients that name GraphQL's own type know it.
    """
    return (_negotiate if len(accept) <= _USUAL_LENGTH else _negotiate.__wrapped__)(accept or "*/*", offered)


@lru_cache(maxsize=512)
def _negotiate(accept: str, offered: tuple[str, ...]) -> str | None:
    ranges = list(_read_ranges(accept))
    best: tuple[float, int, bool, int] | None = None
    choice = None
    for place, media_type in enumerate(offered):
        quality, precision = _match(ranges, media_type)
        rank = (quality, precision, precision == 2 or media_type == JSON, -place)
        if quality > 0 and (best is None or rank > best):
            best, choice = rank, media_type
    return choice


def negotiate_stream(accept: str) -> str | None:
    """Return the stream that the client prefers of those it names, None when it names none. No wildcard names one."""
    return (_negotiate_stream if len(accept) <= _USUAL_LENGTH else _negotiate_stream.__wrapped__)(accept)


@lru_cache(maxsize=512)
def _negotiate_stream(accept: str) -> str | None:
    best, choice = 0.0, None
    for part in accept.split(","):
        name, *parameters = ("".join(piece.split()).replace('"', "") for piece in part.lower().split(";"))
        binding = {value for value in parameters if value and value.partition("=")[0] not in _FREE}
        quality = next((quality for _, quality in _read_ranges(part)), 0.0)
        if name in _STREAM_PARAMETERS and binding <= {_STREAM_PARAMETERS[name]} and quality > best:
            best, choice = quality, name
    return choice


def negotiate_encoding(accept: str, offered: Sequence[str]) -> tuple[str | None, bool]:
    """
    Return the encoding that the client prefers of `offered`, in whose order ties are broken, and whether it insists.

    None is the content as it is, which is good enough unless the client says otherwise. One that refuses even that,
    and everything that is offered, gets it all the same: there is nothing better to tell it.
    """
    # The first of two that say the same holds, as with media types.
    qualities = dict(reversed(list(_read_ranges(accept))))
    others = qualities.get("*", 0.0)
    best, choice = 0.0, None
    for encoding in offered:
        quality = qualities.get(encoding, others)
        if quality > best:
            best, choice = quality, encoding
    plain = qualities.get("identity", 0.0 if qualities.get("*") == 0 else None)
    return (None, False) if plain is not None and plain > best else (choice, choice is not None and plain == 0)


def _read_ranges(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.split(","):
        name, *parameters = (piece.strip() for piece in part.lower().split(";"))
        quality = next((value[2:].strip() for value in parameters if value.startswith("q=")), "1")
        # What cannot be read is passed over, as if it were not there.
        if name and _QUALITY.fullmatch(quality):
            yield name, float(quality)


def _match(ranges: Sequence[tuple[str, float]], media_type: str) -> tuple[float, int]:
    """Return the quality of the most precise range that fits, and its precision: 2 for the type itself."""
    patterns = ("*/*", media_type.partition("/")[0] + "/*", media_type)
    fitting = [(patterns.index(name), quality) for name, quality in ranges if name in patterns]
    precision, quality = max(fitting, default=(0, 0.0))
    return quality, precision
