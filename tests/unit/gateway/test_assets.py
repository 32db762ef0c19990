"""Files and pages as they are served: named by their content, kept for good only under that name, never sniffed."""

import pytest
from starlette.requests import Request

from gateway.assets import STATIC, answer_file, answer_page, digest, file_of


def asked(**headers: str) -> Request:
    """A request with these headers."""
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": named})


def test_a_file_is_named_by_its_content() -> None:
    one, other = file_of(b"one", "text/css"), file_of(b"other", "text/css")
    assert one.digest == digest(b"one") != other.digest


@pytest.mark.parametrize(("is_for_good", "kept"), [(True, "public, max-age=31536000, immutable"), (False, "no-cache")])
def test_a_file_is_kept_for_good_only_under_the_name_of_its_content(is_for_good: bool, kept: str) -> None:
    answer = answer_file(file_of(b"body", "text/css"), asked(), is_for_good=is_for_good)
    assert (answer.status_code, bytes(answer.body), answer.headers["cache-control"]) == (200, b"body", kept)
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_file_that_the_browser_has_is_not_sent_again() -> None:
    file = file_of(b"body", "text/css")
    answer = answer_file(file, asked(if_none_match=f'"{file.digest}"'), is_for_good=False)
    assert (answer.status_code, bytes(answer.body)) == (304, b"")


def test_no_file_is_not_found() -> None:
    assert answer_file(None, asked(), is_for_good=True).status_code == 404


def test_a_page_is_not_stored_and_tells_no_referrer() -> None:
    headers = answer_page("<p>", "default-src 'none'").headers
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"] == "default-src 'none'"
    assert (headers["cache-control"], headers["referrer-policy"], headers["vary"]) == (
        "no-store",
        "no-referrer",
        "Accept",
    )


def test_the_files_are_those_of_the_package() -> None:
    assert (STATIC / "favicon.svg").is_file()
