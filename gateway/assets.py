"""What browsers load from this server: files of the package, read once and served from memory, and headers of pages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

STATIC: Traversable = files("gateway") / "static"

_PAGE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # It holds the digests of this version's files, and a nonce is used once.
    "Cache-Control": "no-store",
    # The same address may answer JSON to those who ask for JSON.
    "Vary": "Accept",
}
_FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is served; `digest` names its content."""

    body: bytes
    media_type: str
    digest: str


def file_of(body: bytes, media_type: str) -> File:
    """Describe a file by its content."""
    return File(body, media_type, digest(body))


def digest(content: bytes) -> str:
    """Return the name of a content: another content has another."""
    return hashlib.sha256(content).hexdigest()[:20]


def answer_page(text: str, policy: str) -> Response:
    """Answer a page under its content security policy."""
    return Response(text, media_type="text/html", headers={**_PAGE_HEADERS, "Content-Security-Policy": policy})


def answer_file(file: File | None, request: Request, *, is_for_good: bool) -> Response:
    """Answer a file, 404 for none; `is_for_good` says that its address names its content."""
    if file is None:
        return Response(status_code=404)
    headers = {
        "ETag": f'"{file.digest}"',
        "Cache-Control": _FOR_GOOD if is_for_good else "no-cache",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.body, media_type=file.media_type, headers=headers)
