"""What a browser gets at the endpoint when there is no GraphiQL: what this is, where its schema is, and how to ask."""

from __future__ import annotations

import html
from base64 import b64encode
from hashlib import sha256
from string import Template

from starlette.responses import Response

from gateway.assets import STATIC, answer_page

_WITH_SCHEMA = "The schema can be asked of this address by introspection."
_WITHOUT_SCHEMA = "Introspection is switched off here; whoever runs this gateway has the schema."


_ONLY_TRUSTED = (
    "<p>Only documents that were agreed on before are accepted; whoever runs this gateway can tell which.</p>"
)
_DASHBOARD = '<p>To look at graphs and jobs there is the <a href="{}">dashboard</a>.</p>'
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'sha256-{}'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)


def landing(*, endpoint: str, introspection: bool, only_trusted: bool, has_dashboard: bool) -> Response:
    """Answer the page, to be served at the path `endpoint`."""
    template = (STATIC / "landing.html").read_text(encoding="utf-8")
    # Relative, so that it holds behind a proxy that adds a path in front.
    home = "../" * (endpoint.count("/") - 1) or "./"
    values = {
        "endpoint": html.escape(endpoint),
        "schema": _WITH_SCHEMA if introspection else _WITHOUT_SCHEMA,
        "documents": _ONLY_TRUSTED if only_trusted else "",
        "dashboard": _DASHBOARD.format(home) if has_dashboard else "",
    }
    style = template.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return answer_page(Template(template).substitute(values), _POLICY.format(digest))
