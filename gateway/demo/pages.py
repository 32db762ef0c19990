"""A few large result pages kept as bytes, so that asking again does not write them again. Knows no jobs."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Pages:
    """Pages by key, least recently used out first; all of them together stay under a number of bytes."""

    most_bytes: int
    _kept: OrderedDict[Hashable, bytes] = field(default_factory=OrderedDict)
    _kept_bytes: int = 0

    def page(self, key: Hashable, write: Callable[[], bytes]) -> bytes:
        """Give the page, written now if it is not kept."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        page = write()
        if len(page) <= self.most_bytes:
            self._kept[key] = page
            self._kept_bytes += len(page)
        while self._kept_bytes > self.most_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= len(dropped)
        return page
