"""Pages kept as bytes: written once, bounded in bytes, least recently used out first."""

from gateway.demo.pages import Pages


def test_a_page_is_written_once() -> None:
    """The second asking finds it."""
    written: list[bytes] = []
    pages = Pages(100)

    def write() -> bytes:
        written.append(b"page")
        return b"page"

    assert [pages.page("k", write), pages.page("k", write)] == [b"page", b"page"]
    assert len(written) == 1


def test_the_page_not_used_for_longest_goes_first() -> None:
    """Using a page keeps it."""
    pages = Pages(10)
    for key in ("a", "b"):
        pages.page(key, lambda: b"12345")
    pages.page("a", lambda: b"unused")
    pages.page("c", lambda: b"12345")
    assert pages.page("a", lambda: b"again") == b"12345"
    assert pages.page("b", lambda: b"again") == b"again"


def test_a_page_over_the_bound_is_not_kept() -> None:
    """And drives no other out."""
    pages = Pages(10)
    pages.page("small", lambda: b"12345")
    assert pages.page("large", lambda: b"x" * 11) == b"x" * 11
    assert pages.page("large", lambda: b"other") == b"other"
    assert pages.page("small", lambda: b"other") == b"12345"
