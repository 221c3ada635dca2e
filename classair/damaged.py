"""Where a damaged file goes: beside itself, under a name that no earlier one has."""

from __future__ import annotations

import time
from pathlib import Path


def name_for(path: Path, now_s: float | None = None) -> Path:
    """`<name>.damaged-<UTC time>`, with a number behind it where that is taken: a clock may say a second twice.

    `now_s`: seconds since 1970; by default now.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
    found, number = path.with_name(f"{path.name}.damaged-{stamp}"), 2
    while found.exists():
        found, number = path.with_name(f"{path.name}.damaged-{stamp}-{number}"), number + 1
    return found
