"""A limit with a clear band, so that a value that hovers around it is one matter."""

from __future__ import annotations

from typing import Final

from classair.science.advice import TENTH
from classair.science.indexes import rounded

CLEAR_SHARE: Final = 0.8  # over only when it has fallen by a fifth


def tenths(value: float | None) -> float | None:
    """As levels are judged: 37.54 is 37.5, and not above it."""
    number = rounded(value, TENTH)
    return None if number is None else float(number)


class Band:
    """Holds from above the limit until below the lower one. Between them it is what it was, None when nobody knows."""

    def __init__(self, above: float, clear_below: float | None) -> None:
        self.above = above
        self.clear_below = above * CLEAR_SHARE if clear_below is None else clear_below
        self._held: dict[str, bool] = {}

    def holds(self, subject: str, value: float | None) -> bool | None:
        if value is None:
            return None
        if value > self.above:
            self._held[subject] = True
        elif value < self.clear_below:
            self._held[subject] = False
        return self._held.get(subject)
