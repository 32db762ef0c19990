"""Paging arguments, windows, cursors: each cursor opens the list that wrote it and no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.errors import BadUserInputError, LimitExceededError
from schema.page import Cursors, PageInfo, PageRequest, Window, page_info, page_request

LARGEST_OFFSET = 2_147_483_647

positions = st.integers(0, LARGEST_OFFSET)
listings = st.lists(st.text(), max_size=4).map(tuple)


@given(listings, st.lists(positions, min_size=1, max_size=3))
def test_a_cursor_is_read_back_by_its_list(listing: tuple[str, ...], held: list[int]) -> None:
    """One position for each feed, in order."""
    cursors = Cursors(listing, feeds=len(held))
    assert cursors.read(cursors.write(*held)) == tuple(held)


@given(st.sets(listings, min_size=2, max_size=2), positions)
def test_a_cursor_of_another_list_is_refused(pair: set[tuple[str, ...]], position: int) -> None:
    """However its parts would read when they are joined."""
    one, other = (Cursors(listing) for listing in pair)
    with pytest.raises(BadUserInputError, match="another list"):
        other.read(one.write(position))


@pytest.mark.parametrize(
    ("one", "other"),
    [(("ab", "c"), ("a", "bc")), (("a", ""), ("a",)), (("1:a",), ("a",)), (("a", "b"), ("b", "a"))],
)
def test_lists_are_told_apart_by_their_parts(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """Where one part ends and the next begins matters."""
    assert Cursors(one).prefix != Cursors(other).prefix


@given(st.text())
def test_foreign_text_is_no_cursor(text: str) -> None:
    """It is refused as input of the client, and fails in no other way."""
    with pytest.raises(BadUserInputError):
        Cursors(("jobs", "p1")).read(text)


@given(st.text())
def test_a_damaged_position_is_refused_or_read_as_written(text: str) -> None:
    """Behind the right prefix there may be digits only."""
    cursors = Cursors(("jobs", "p1"))
    try:
        [position] = cursors.read(cursors.prefix + text)
    except BadUserInputError:
        return
    assert text.lstrip("0") == str(position).lstrip("0")


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1 ", "1_0", "1.5", "0x1", "٣", "²", "2147483648", "0" * 11])
def test_what_is_no_position_is_damaged(text: str) -> None:
    """Python's int would read some of these."""
    cursors = Cursors(("jobs", "p1"))
    with pytest.raises(BadUserInputError, match="The cursor is damaged"):
        cursors.read(cursors.prefix + text)


@pytest.mark.parametrize("text", ["1", "1.2.3", "1.", ".1", "1..2"])
def test_a_cursor_with_another_number_of_feeds_is_damaged(text: str) -> None:
    """The prefix is right, so it was changed on the way."""
    cursors = Cursors(("graph jobs", "p1"), feeds=2)
    with pytest.raises(BadUserInputError, match="The cursor is damaged"):
        cursors.read(cursors.prefix + text)


def test_a_cursor_of_another_version_is_refused() -> None:
    """The version comes first."""
    cursor = Cursors(("jobs", "p1")).write(7)
    assert cursor[0] == "1"
    assert cursor.endswith(".7")
    with pytest.raises(BadUserInputError, match="another version"):
        Cursors(("jobs", "p1")).read("2" + cursor[1:])


def test_page_information_names_the_first_and_the_last_edge() -> None:
    """They are the same on a page of one."""
    assert page_info(["a", "b", "c"], has_next=True, has_previous=False) == PageInfo(
        has_next_page=True, has_previous_page=False, start_cursor="a", end_cursor="c"
    )
    assert page_info(["a"], has_next=False, has_previous=True) == PageInfo(
        has_next_page=False, has_previous_page=True, start_cursor="a", end_cursor="a"
    )


def test_an_empty_page_has_no_cursors() -> None:
    """Whatever comes before or behind it."""
    assert page_info([], has_next=False, has_previous=True) == PageInfo(
        has_next_page=False, has_previous_page=True, start_cursor=None, end_cursor=None
    )


def test_a_window_starts_at_the_offset() -> None:
    """At the beginning without one."""
    cursors = Cursors(("graphs", "p1"))
    assert PageRequest(20).window(cursors) == Window(0, 20)
    assert PageRequest(20, offset=0).window(cursors) == Window(0, 20)
    assert PageRequest(5, offset=40).window(cursors) == Window(40, 5)


def test_a_window_starts_where_the_cursor_says() -> None:
    """And a cursor of another list opens none."""
    cursors = Cursors(("graphs", "p1"))
    assert PageRequest(20, after=cursors.write(60)).window(cursors) == Window(60, 20)
    with pytest.raises(BadUserInputError):
        PageRequest(20, after=Cursors(("graphs", "p2")).write(60)).window(cursors)


@pytest.mark.parametrize("first", [0, 1, 100])
def test_a_page_within_bounds_is_accepted(first: int) -> None:
    """Both ends included."""
    assert page_request(first, None, None, maximum=100) == PageRequest(first, None, None)
    assert page_request(first, "cursor", None, maximum=100) == PageRequest(first, "cursor", None)
    assert page_request(first, None, LARGEST_OFFSET, maximum=100) == PageRequest(first, None, LARGEST_OFFSET)


def test_a_page_that_is_too_large_exceeds_a_limit() -> None:
    """The error says which, how much is allowed and how much was asked."""
    with pytest.raises(LimitExceededError) as refused:
        page_request(101, None, None, maximum=100)
    assert (refused.value.limit, refused.value.maximum, refused.value.asked) == ("first", 100, 101)


@pytest.mark.parametrize(
    ("first", "after", "offset", "message"),
    [
        (None, None, None, "`first` must be 0 or more"),
        (-1, None, None, "`first` must be 0 or more"),
        (20, "", 0, "not both"),
        (20, "cursor", 40, "not both"),
        (20, None, -1, "`offset` must be 0 to 2147483647"),
        (20, None, LARGEST_OFFSET + 1, "`offset` must be 0 to 2147483647"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(
    first: int | None, after: str | None, offset: int | None, message: str
) -> None:
    """Before anybody is asked."""
    with pytest.raises(BadUserInputError, match=message):
        page_request(first, after, offset, maximum=100)
