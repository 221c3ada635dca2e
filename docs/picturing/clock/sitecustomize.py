"""Python imports this at its start: the clock of every process of the pictured school goes by the given seconds ahead.

Pictures are then of one moment of one school day, whenever they are taken.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

_AHEAD_S = int(os.environ.get("CLASSAIR_PICTURES_AHEAD_S", "0"))


def _ahead(time_ns: Callable[[], int]) -> None:
    time.time_ns = lambda: time_ns() + _AHEAD_S * 1_000_000_000
    time.time = lambda: time.time_ns() / 1e9


if _AHEAD_S:
    _ahead(time.time_ns)
