"""What a browser gets where GraphiQL is switched off: a page that says what this address is, and loads nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

from starlette.responses import Response

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def landing() -> Response:
    """Answer the page."""
    text, policy = _page()
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        # The same address answers JSON to those who ask for JSON.
        "Vary": "Accept",
    }
    return Response(text, media_type="text/html", headers=headers)


@cache
def _page() -> tuple[str, str]:
    """Read the page, once for the process, and allow its own style and nothing else."""
    text = (files("gateway") / "static" / "landing.html").read_text(encoding="utf-8")
    digests = [hashlib.sha256(style.encode()).digest() for style in _STYLE.findall(text)]
    styles = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return text, f"default-src 'none'; style-src {styles}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
