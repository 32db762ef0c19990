"""The dashboard: its page under a strict policy, and its files from memory.

Knows where the endpoint is and which token the page presets; what the page shows, it asks of the endpoint itself.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from string import Template

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.assets import STATIC, File, answer_file, answer_page, digest, file_of

PREFIX = "/dashboard"
_FOLDER = STATIC / "dashboard"
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css"}

# Texts of GES are shown only as text: the policy has no way in which a string could become markup or a script.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)


@dataclass(frozen=True, slots=True)
class _Site:
    page: Template
    files: Mapping[str, File]
    # Names all files together: modules name each other by plain names, so they share one folder.
    digest: str


def dashboard(*, endpoint: str, has_explorer: bool, demo_token: str | None) -> list[Route]:
    """Return the routes of the page and its files; `has_explorer` says whether the endpoint has a page to link to."""
    site = _site()
    # Relative addresses hold behind a proxy that adds a path in front.
    values = {
        "title": "GES gateway: sandbox" if demo_token else "GES gateway",
        "files": f"{PREFIX[1:]}/{site.digest}",
        "endpoint": endpoint[1:],
        "explorer": endpoint[1:] if has_explorer else "",
        "token": demo_token or "",
        "sandbox": "" if demo_token else "hidden",
    }
    text = site.page.substitute({name: html.escape(value) for name, value in values.items()})

    async def show(_: Request) -> Response:
        return answer_page(text, _POLICY)

    async def give(request: Request) -> Response:
        is_current = request.path_params["digest"] == site.digest
        return answer_file(site.files.get(request.path_params["name"]), request, is_for_good=is_current)

    files = Route(f"{PREFIX}/{{digest}}/{{name}}", give, methods=["GET"], name="dashboard")
    return [Route("/", show, methods=["GET"]), files]


@cache
def operations() -> Mapping[str, str]:
    """Return every document that the page sends, whole and letter by letter, under the name that its scripts use."""
    files = {file.name: file.read_text(encoding="utf-8") for file in (_FOLDER / "operations").iterdir()}
    fragments = files.pop("fragments.graphql").split("\n\n")
    by_name = {fragment.split()[1]: f"\n{fragment.strip()}\n" for fragment in fragments}
    return {_constant(name): _with_fragments(text, by_name) for name, text in sorted(files.items())}


def _constant(name: str) -> str:
    return name.removesuffix(".graphql").replace("-", "_").upper()


def _with_fragments(text: str, fragments: Mapping[str, str]) -> str:
    """Add the fragments that a document spreads, and those that they spread."""
    while missing := [name for name in re.findall(r"\.\.\.(\w+)", text) if f"fragment {name} " not in text]:
        text += fragments[missing[0]]
    return text


@cache
def _site() -> _Site:
    """Read the package's files, once for the process: they cannot change while it runs."""
    types = {file.name: _MEDIA_TYPES.get(file.name[file.name.rfind(".") :]) for file in _FOLDER.iterdir()}
    served = {name: file_of((_FOLDER / name).read_bytes(), kind) for name, kind in types.items() if kind}
    exports = (f"export const {name} = {json.dumps(text)};\n" for name, text in operations().items())
    served["operations.js"] = file_of("".join(exports).encode(), "text/javascript")
    served["favicon.svg"] = file_of((STATIC / "favicon.svg").read_bytes(), "image/svg+xml")
    together = digest("".join(name + served[name].digest for name in sorted(served)).encode())
    return _Site(Template((_FOLDER / "page.html").read_text(encoding="utf-8")), served, together)
