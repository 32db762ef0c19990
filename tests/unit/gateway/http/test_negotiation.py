"""Tests of media type negotiation."""

import pytest

from gateway.http.negotiation import GRAPHQL_JSON, HTML, JSON, negotiate, negotiate_encoding

API = (GRAPHQL_JSON, JSON)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/json; charset=utf-8", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/graphql-response+json", GRAPHQL_JSON),
        ("application/graphql-response+json, application/json", GRAPHQL_JSON),
        ("application/json, application/graphql-response+json", GRAPHQL_JSON),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("application/graphql-response+json; q=0.9, application/json; q=0.8", GRAPHQL_JSON),
        ("application/graphql-response+json, */*", GRAPHQL_JSON),
        ("application/json;q=0, */*", GRAPHQL_JSON),
        ("application/json;q=0.5, */*;q=0.1", JSON),
        ("multipart/mixed, text/event-stream, application/json", JSON),
        (BROWSER, JSON),
        ("text/csv", None),
        ("application/json;q=0", None),
        ("*/*;q=0", None),
        ("application/json;q=2", None),
        ("application/json;q=x, application/graphql-response+json;q=0.1", GRAPHQL_JSON),
        (",;,", None),
    ],
)
def test_the_client_gets_what_it_prefers(accept: str, chosen: str | None) -> None:
    """Quality first, then precision, then GraphQL's own type; a wildcard means plain JSON."""
    assert negotiate(accept, API) == chosen


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (BROWSER, HTML),
        ("text/html", HTML),
        ("text/*", HTML),
        ("*/*", JSON),
        ("application/json, text/html;q=0.9", JSON),
        ("application/json, text/html", JSON),
    ],
)
def test_only_who_asks_for_a_page_gets_one(accept: str, chosen: str) -> None:
    """A browser names text/html; a program that takes anything gets JSON."""
    assert negotiate(accept, (*API, HTML)) == chosen


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", (None, False)),
        ("identity", (None, False)),
        ("deflate", (None, False)),
        ("gzip", ("gzip", False)),
        ("GZip", ("gzip", False)),
        ("gzip, deflate, br, zstd", ("zstd", False)),
        ("gzip;q=1.0, br;q=0.9", ("gzip", False)),
        ("gzip;q=0", (None, False)),
        ("gzip;q=0, br", ("br", False)),
        ("zstd;q=0, *", ("br", False)),
        ("*", ("zstd", False)),
        ("*;q=0", (None, False)),
        ("gzip, *;q=0", ("gzip", True)),
        ("gzip;q=0.5, identity;q=0", ("gzip", True)),
        ("identity;q=0", (None, False)),
        ("identity, gzip;q=0.5", (None, False)),
        ("identity;q=0.5, gzip;q=0.5", ("gzip", False)),
        ("gzip;q=0.1, gzip;q=0", ("gzip", False)),
        ("gzip;q=2, br;q=x, zstd;q=", (None, False)),
        (",,;q=1, br ; q=0.5 ,", ("br", False)),
    ],
)
def test_the_encoding_is_what_the_client_prefers(accept: str, chosen: tuple[str | None, bool]) -> None:
    """By its q values, ties by what costs us least; small answers are encoded only for who refuses them plain."""
    assert negotiate_encoding(accept, ("zstd", "br", "gzip")) == chosen
