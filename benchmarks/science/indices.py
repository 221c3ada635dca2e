"""How fast concentrations become indices; arrays beside single values.

    python benchmarks/science/indices.py [--values 2000000] [--singles 200000]

The values are those of a simulated year (tenths and full floats, one in twenty missing). Every array result is compared
with the single path on the values that both have done; a difference ends the run with 1. Needs [research].
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from classair.science.indexes.known import INDEXES
from research.index_arrays import sub_indices


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """The best of three, in seconds of this process."""
    best, found = math.inf, None
    for _ in range(3):
        begin = time.process_time()
        found = work()
        best = min(best, time.process_time() - begin)
    return best, found


def line(what: str, n: int, seconds: float, singles: int, single_seconds: float) -> None:
    fast, slow = n / seconds, singles / single_seconds
    print(f"{what:<38}{fast:>14,.0f}/s{slow:>12,.0f}/s{fast / slow:>8.0f} ×")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", type=int, default=2_000_000)
    parser.add_argument("--singles", type=int, default=200_000)
    args = parser.parse_args()
    chance = np.random.default_rng(1)
    tenths = np.round(chance.gamma(2.0, 20.0, args.values), 1)
    floats = chance.gamma(2.0, 20.0, args.values)
    missing = chance.random(args.values) < 0.05
    wrong = 0
    print(f"{'':<38}{'arrays':>16}{'one by one':>14}{'':>8}")
    for name, values in (("tenths", tenths), ("full floats", floats)):
        x = np.where(missing, np.nan, values)
        few = x[: args.singles].tolist()
        for key in ("thai2023", "usepa2024"):
            index = INDEXES[key]
            seconds, many = timed(lambda index=index, x=x: sub_indices(index, "pm25", x))
            slow, single = timed(lambda index=index, few=few: [index.sub_index("pm25", value) for value in few])
            line(f"{key}, {name}", len(x), seconds, len(few), slow)
            wrong += sum(int(a) != (-1 if b is None else b.value) for a, b in zip(many.value, single, strict=False))
    print(f"{wrong} differences between arrays and single values")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
