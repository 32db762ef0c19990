"""Whether a client still has the answer it is about to get: ETag and If-None-Match. Knows no GraphQL."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence

from starlette.responses import Response

from gateway.http.answer import pieces_of

# Hashing more than this would hold the event loop noticeably.
_LARGE_BYTES = 256 * 1024
_TAG = re.compile(r'(?:W/)?("[^"]*")')
_ON_304 = ("cache-control", "vary", "age")


async def validate(response: Response, if_none_match: str | None) -> Response:
    """
    Return an answer with its ETag, or 304 in its place when the client has it already.

    An answer that is still arriving has none. It is a weak one, since the same content goes out in several encodings.
    """
    pieces = pieces_of(response)
    if pieces is None:
        return response
    is_large = sum(map(len, pieces)) > _LARGE_BYTES
    tag = await asyncio.to_thread(_tag, pieces) if is_large else _tag(pieces)
    response.headers["ETag"] = f"W/{tag}"
    if if_none_match is None or not _names(if_none_match, tag):
        return response
    kept = {name: response.headers[name] for name in _ON_304 if name in response.headers}
    return Response(status_code=304, headers={**kept, "ETag": f"W/{tag}"})


def _tag(pieces: Sequence[bytes]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for piece in pieces:
        digest.update(piece)
    return f'"{digest.hexdigest()}"'


def _names(if_none_match: str, tag: str) -> bool:
    return if_none_match.strip() == "*" or tag in _TAG.findall(if_none_match)
