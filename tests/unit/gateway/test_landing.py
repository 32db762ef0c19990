"""Tests of the page for browsers where there is no explorer."""

import base64
import hashlib
import re

from gateway.landing import landing


def test_the_policy_allows_the_style_of_the_page_and_nothing_else() -> None:
    """A changed style changes the policy."""
    page = landing()
    (style,) = re.findall(r"<style>(.*?)</style>", bytes(page.body).decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.headers["content-security-policy"].split("; ")
    assert policy[:2] == ["default-src 'none'", f"style-src 'sha256-{digest}'"]
    assert "frame-ancestors 'none'" in policy


def test_the_page_loads_nothing_and_tells_no_secret() -> None:
    """Neither a script, nor a picture, nor a version."""
    text = bytes(landing().body).decode()
    assert re.findall(r"(?:src|href)=|<script|url\(|\d+\.\d+\.\d+", text) == []


def test_caches_learn_that_others_get_json() -> None:
    """From the same address."""
    assert landing().headers["vary"] == "Accept"
