"""The page at the endpoint when there is no GraphiQL: it says what is there, and nothing in it can run."""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest

from gateway.landing import landing


def page(**changes: Any) -> str:
    """The page's text."""
    asked = {"endpoint": "/graphql", "introspection": True, "only_trusted": False, "has_dashboard": True, **changes}
    return bytes(landing(**asked).body).decode()


def test_it_says_what_is_there_and_how_to_ask() -> None:
    text = page()
    assert "This address answers GraphQL" in text
    assert "curl https://this-host/graphql" in text


@pytest.mark.parametrize(("introspection", "said"), [(True, "by introspection"), (False, "switched off")])
def test_it_says_where_the_schema_is(introspection: bool, said: str) -> None:
    assert said in page(introspection=introspection)


def test_it_says_when_not_every_document_is_accepted() -> None:
    assert "agreed on before" in page(only_trusted=True)
    assert "agreed on before" not in page()


def test_it_loads_nothing_and_tells_no_secret() -> None:
    """Neither a script, nor a picture, nor a version."""
    text = page(has_dashboard=False, only_trusted=True)
    assert re.findall(r"(?:src|href)=|<script|url\(|\d+\.\d+\.\d+", text) == []


def test_it_leads_to_the_dashboard_if_there_is_one() -> None:
    assert '<a href="./">' in page()
    assert '<a href="../">' in page(endpoint="/api/graphql")
    assert "<a" not in page(has_dashboard=False)


def test_its_policy_allows_its_own_style_and_nothing_else() -> None:
    answer = landing(endpoint="/graphql", introspection=True, only_trusted=True, has_dashboard=False)
    policy = answer.headers["content-security-policy"]
    (style,) = re.findall(r"<style>(.*)</style>", bytes(answer.body).decode(), re.DOTALL)
    assert f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy
    assert "script" not in policy
    assert policy.startswith("default-src 'none'")
