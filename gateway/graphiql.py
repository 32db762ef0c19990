"""GraphiQL from this server alone: its page under a strict policy, and its files from memory.

Knows where the page is served and which token it presets; knows nothing of GraphQL or of GES.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable
from itertools import takewhile
from secrets import token_urlsafe
from string import Template

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.assets import STATIC, File, answer_file, answer_page, file_of

PREFIX = "/graphiql"
TOKEN_HEADER = "X-Auth-Token"  # noqa: S105 -- the name of the header, no token

# Placeholder in page.html → where the file lies and what it is. Nothing that is not named here is ever served.
SERVED = {
    "react_js": ("graphiql/vendor/react.production.min.js", "text/javascript"),
    "react_dom_js": ("graphiql/vendor/react-dom.production.min.js", "text/javascript"),
    "graphiql_js": ("graphiql/vendor/graphiql.min.js", "text/javascript"),
    "graphiql_css": ("graphiql/vendor/graphiql.min.css", "text/css"),
    "boot_js": ("graphiql/boot.js", "text/javascript"),
    "page_css": ("graphiql/page.css", "text/css"),
    "favicon": ("favicon.svg", "image/svg+xml"),
}

# GraphiQL draws its cursors, fonts and lint marks from data: URLs in its style sheet.
# Its dialogs add one style element, which carries the nonce.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'nonce-{nonce}'",
        "img-src 'self' data:",
        "font-src data:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)


@dataclass(frozen=True, slots=True)
class _Site:
    page: Template
    urls: Mapping[str, str]
    files: Mapping[str, File]


def page(*, endpoint: str, demo_token: str | None, has_dashboard: bool = False) -> Response:
    """
    Answer the page, to be served at the path `endpoint`.

    `demo_token` is preset in its header editor; `has_dashboard` says whether there is a page above to link to.
    """
    site, nonce = _site(), token_urlsafe(16)
    # Relative addresses hold behind a proxy that adds a path in front.
    up = "../" * (endpoint.count("/") - 1)
    values = {name: up + url for name, url in site.urls.items()} | {
        "title": "GES gateway: sandbox" if demo_token else "GES gateway",
        "mode": "sandbox" if demo_token else "gateway",
        "headers": json.dumps({TOKEN_HEADER: demo_token or ""}, indent=2),
        "nonce": nonce,
        "home": (up or "./") if has_dashboard else "",
    }
    text = site.page.substitute({name: html.escape(value) for name, value in values.items()})
    return answer_page(text, _POLICY.format(nonce=nonce))


def assets() -> list[Route]:
    """Return the routes of the files that the page loads."""
    known = _site().files

    async def answer(request: Request) -> Response:
        file = known.get(request.path_params["name"])
        is_current = file is not None and request.query_params.get("v") == file.digest
        return answer_file(file, request, is_for_good=is_current)

    return [Route(f"{PREFIX}/{{name}}", answer, methods=["GET"], name="graphiql")]


@cache
def _site() -> _Site:
    """Read the package's files, once for the process: they cannot change while it runs."""
    folder = STATIC / "graphiql"
    served = {name: file_of(STATIC.joinpath(path).read_bytes(), kind) for name, (path, kind) in SERVED.items()}
    paths = {name: path.rpartition("/")[2] for name, (path, _) in SERVED.items()}
    served["examples"] = file_of(json.dumps(read_examples(folder / "examples")).encode(), "application/json")
    paths["examples"] = "examples.json"
    return _Site(
        page=Template((folder / "page.html").read_text(encoding="utf-8")),
        urls={name: f"{PREFIX[1:]}/{path}?v={served[name].digest}" for name, path in paths.items()},
        files={path: served[name] for name, path in paths.items()},
    )


def read_examples(folder: Traversable) -> list[dict[str, str]]:
    """Return the example operations in the order of their file names; the comment on top is title and explanation."""
    examples = []
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        query = file.read_text(encoding="utf-8")
        comment = takewhile(lambda line: line.startswith("#"), query.splitlines())
        title, *about = (line[1:].strip() for line in comment)
        name = file.name.removesuffix(".graphql")
        examples.append({"name": name, "title": title, "about": " ".join(about), "query": query})
    return examples
