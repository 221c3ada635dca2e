"""How often somebody may ask for something that costs others: counted in memory, within a sliding window."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import Final

MOST_KEYS: Final = 10_000
"""The one that asked longest ago is forgotten first."""


class Limit:
    """At most `most` within `within_ms` for each key. Belongs to one event loop."""

    def __init__(self, most: int, within_ms: int) -> None:
        self._most, self._within_ms = most, within_ms
        self._asked: OrderedDict[str, deque[int]] = OrderedDict()

    def passes(self, key: str, now_ms: int) -> bool:
        """Whether one more is within the limit; one that is not does not count."""
        asked = self._asked.setdefault(key, deque())
        self._asked.move_to_end(key)
        while asked and now_ms - asked[0] >= self._within_ms:
            asked.popleft()
        if len(asked) >= self._most:
            return False
        asked.append(now_ms)
        while len(self._asked) > MOST_KEYS:
            self._asked.popitem(last=False)
        return True


class Seats:
    """Places for what stays open: at most `whole`, and `each` for one key. Belongs to one event loop."""

    def __init__(self, whole: int, each: int) -> None:
        self._whole, self._each = whole, each
        self._taken: Counter[str] = Counter()

    def take(self, key: str) -> bool:
        """Whether there was one; whoever has taken it leaves it."""
        if self._taken[key] >= self._each or self._taken.total() >= self._whole:
            return False
        self._taken[key] += 1
        return True

    def leave(self, key: str) -> None:
        self._taken[key] -= 1
        if self._taken[key] <= 0:
            del self._taken[key]
