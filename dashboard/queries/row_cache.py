"""Rows of rooms asked for before, kept by the versions of their days: as long as those stand, so do the rows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from research.means import MeanRow

MOST_ROWS: Final = 150_000
"""About 50 MB: a year of eight rooms by the hour, twice."""


class RowCache:
    """For several threads at once; what was not asked for the longest time is forgotten first."""

    def __init__(self, most: int = MOST_ROWS) -> None:
        self._most, self._size = most, 0
        self._kept: OrderedDict[object, list[MeanRow]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object, make: Callable[[], list[MeanRow]]) -> list[MeanRow]:
        """What `key` names, made when it is not kept; two who ask at once may both make it. Not to be changed."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            # A stretch without readings costs little, but not nothing.
            self._size += max(1, len(made)) - (max(1, len(self._kept[key])) if key in self._kept else 0)
            self._kept[key] = made
            while self._size > self._most and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._size -= max(1, len(gone))
        return made

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()
            self._size = 0
