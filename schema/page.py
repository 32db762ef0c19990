"""Windows in, pages out: the only code that knows how a cursor is written. Knows nothing of what is paged."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import strawberry

from schema.errors import BadUserInputError, LimitExceededError

# The most a client may ask for at once. GES itself gives up to 100,000 rows a call.
PAGE_ROWS = 100_000
PAGE_JOBS = 100
PAGE_GRAPHS = 100
PAGE_IDS = 100
LARGEST_OFFSET = 2**31 - 1
_VERSION = "1"

First = Annotated[int | None, strawberry.argument(description="How many at most.")]
After = Annotated[str | None, strawberry.argument(description="Continue behind this cursor; not with `offset`.")]
Offset = Annotated[int | None, strawberry.argument(description="Skip so many; not with `after`.")]


@dataclass(frozen=True, slots=True)
class Window:
    """Offset and limit asked for."""

    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class Cursors:
    """
    The cursors of one list. A cursor holds, for each feed of the list, where the next page starts.

    `listing` tells lists apart: a cursor of another list, of other filters or of another version is refused.
    """

    listing: tuple[str, ...]
    feeds: int = 1

    @property
    def prefix(self) -> str:
        """Return the part that all cursors of this list share; positions follow, joined by `.`."""
        text = "".join(f"{len(part)}:{part}" for part in self.listing)
        digest = hashlib.blake2b(text.encode(), digest_size=9).digest()
        return f"{_VERSION}{base64.urlsafe_b64encode(digest).decode('ascii')}."

    def write(self, *positions: int) -> str:
        """Return the cursor after which each feed continues at its position."""
        return self.prefix + ".".join(map(str, positions))

    def read(self, cursor: str) -> tuple[int, ...]:
        """Return the positions a cursor holds; raise BadUserInputError for a cursor of anything else."""
        prefix = self.prefix
        if not cursor.startswith(prefix):
            raise BadUserInputError("The cursor belongs to another list, to other arguments or to another version.")
        positions = [_position(text) for text in cursor[len(prefix) :].split(".")]
        if len(positions) != self.feeds:
            raise BadUserInputError("The cursor is damaged.")
        return tuple(positions)


@strawberry.type(description="Relay page information.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether rows follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether rows come before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first edge.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last edge; give it as `after`.")


def page_info(cursors: Sequence[str], *, has_next: bool, has_previous: bool) -> PageInfo:
    """Build the page information from the cursors of the page's edges, in order."""
    return PageInfo(
        has_next_page=has_next,
        has_previous_page=has_previous,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The paging arguments of a field, checked: at most one of `after` and `offset`, all within bounds."""

    first: int
    after: str | None = None
    offset: int | None = None

    def window(self, cursors: Cursors) -> Window:
        """Return the window asked for in a list with a single feed."""
        if self.after is not None:
            return Window(cursors.read(self.after)[0], self.first)
        return Window(self.offset or 0, self.first)


def page_request(first: int | None, after: str | None, offset: int | None, *, maximum: int) -> PageRequest:
    """Check the paging arguments of a field. Raises BadUserInputError, or LimitExceededError for too large a page."""
    if first is None or first < 0:
        raise BadUserInputError("`first` must be 0 or more.")
    if first > maximum:
        raise LimitExceededError("first", maximum, first)
    if after is not None and offset is not None:
        raise BadUserInputError("Give `after` or `offset`, not both.")
    if offset is not None and not 0 <= offset <= LARGEST_OFFSET:
        raise BadUserInputError(f"`offset` must be 0 to {LARGEST_OFFSET}.")
    return PageRequest(first, after, offset)


def _position(text: str) -> int:
    # isdecimal alone would admit other scripts' digits.
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= LARGEST_OFFSET):
        raise BadUserInputError("The cursor is damaged.")
    return int(text)
