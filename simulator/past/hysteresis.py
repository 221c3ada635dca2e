"""Decides when a purifier ran in the simulated past: thresholds with patience, minimum run and rest, few starts.

As alerts do it (docs/control.md, rule 2): children in dust wait for no motor's rest and no count of starts; it is the
OFF that waits then. There are no persons in the simulated past, so nobody's override ends a rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Final

from classair.config import PurifierRule

_MEDIAN_OF: Final = 5  # values of a minute each
_HOUR_S: Final = 3600.0


class Hysteresis:
    """One purifier's control by `rule`, fed once a minute with PM2.5 in µg/m³; times in seconds of any steady clock."""

    def __init__(self, rule: PurifierRule, on: bool, at_s: float) -> None:
        self.on = on
        self._rule = rule
        self._values: deque[float] = deque(maxlen=_MEDIAN_OF)
        self._changed_at = at_s - 86400.0  # whatever was before has lasted long enough
        self._above_since: float | None = None
        self._below_since: float | None = None
        self._starts: deque[float] = deque()

    def feed(self, pm25: float, at_s: float, children: Callable[[], bool]) -> bool:
        """Takes in a value; True when the purifier has just been switched. `children`: whether any are there."""
        rule = self._rule
        self._values.append(pm25)
        signal = median(self._values)
        self._above_since = _since(self._above_since, at_s) if signal >= rule.on_above else None
        self._below_since = _since(self._below_since, at_s) if signal <= rule.off_below else None
        lasted = at_s - self._changed_at
        while self._starts and at_s - self._starts[0] >= _HOUR_S:
            self._starts.popleft()
        used_up = len(self._starts) >= rule.max_starts_per_hour
        if self.on:
            low = _for(self._below_since, at_s, rule.off_for)
            wanted = not low or lasted < rule.min_on or (used_up and children())
        else:
            high = _for(self._above_since, at_s, rule.on_for)
            wanted = high and ((lasted >= rule.min_off and not used_up) or children())
        if wanted == self.on:
            return False
        self.on, self._changed_at = wanted, at_s
        if wanted:
            self._starts.append(at_s)
        return True


def _since(since: float | None, at_s: float) -> float:
    return at_s if since is None else since


def _for(since: float | None, at_s: float, patience_s: float) -> bool:
    return since is not None and at_s - since >= patience_s
