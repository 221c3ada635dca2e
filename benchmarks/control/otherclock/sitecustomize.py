"""Another wall clock for every Python process that starts with this folder on PYTHONPATH.

The seconds in the file that CLASSAIR_CLOCK_OFFSET names are added to what time.time() and time.time_ns() say, from the
moment they stand there: a clock put right or wrong while processes run. What counts seconds (monotonic, boot time) runs
on, as it does in the kernel. Nothing of ClassAir asks for the wall time in another way.
"""

from __future__ import annotations

import os
import time

VARIABLE = "CLASSAIR_CLOCK_OFFSET"
LOOK_EVERY_S = 0.1


def _begin(path: str) -> None:
    true_ns, steady = time.time_ns, time.monotonic
    looked_at, offset_ns = -1.0, 0

    def time_ns() -> int:
        nonlocal looked_at, offset_ns
        now = steady()
        if now - looked_at > LOOK_EVERY_S:
            looked_at = now
            try:
                with open(path) as file:  # noqa: PTH123  nothing else is loaded yet
                    offset_ns = round(float(file.read()) * 1e9)
            except (OSError, ValueError):
                pass
        return true_ns() + offset_ns

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


if path := os.environ.get(VARIABLE):
    _begin(path)
