"""How many frames a second each driver decodes, beside PyPMS on the same frames.

    python benchmarks/edge/decoding.py [--frames 50000]

Counted in seconds of processor time, so that other programs disturb less. Ours are fed as a port feeds them, in pieces
of 4096 bytes; PyPMS gets every frame by itself, already cut out.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import peers
from streams import KINDS, values

TRIES = 5


def rate(work: Callable[[], int]) -> float:
    best = 0.0
    for _ in range(TRIES):
        begun = time.process_time()
        done = work()
        best = max(best, done / (time.process_time() - begun))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=50_000)
    args = parser.parse_args()
    print(f"{'':<18}{'ClassAir, frames/s':>20}{'PyPMS, frames/s':>18}{'times':>8}")
    for kind in KINDS:
        driver = kind.driver()
        frames = [driver.encode(it) for it in values(random.Random(kind.name), args.frames)]
        stream = b"".join(frames)

        def ours(stream: bytes = stream, kind: object = kind) -> int:
            fresh = kind.driver()  # type: ignore[attr-defined]
            return sum(len(fresh.feed(stream[at : at + 4096])) for at in range(0, len(stream), 4096))

        mine, other = rate(ours), ""
        peer = next((it for it in peers.of(kind.name, kind.pypms) if it.title == "PyPMS"), None)
        if peer is not None:
            some = frames[: max(args.frames // 10, 1000)]

            def theirs(peer: peers.PyPms = peer, some: list[bytes] = some) -> int:
                for frame in some:
                    peer.clean(frame)
                return len(some)

            yours = rate(theirs)
            other = f"{yours:>18,.0f}{mine / yours:>8.1f}"
        print(f"{kind.name:<18}{mine:>20,.0f}{other}", flush=True)


if __name__ == "__main__":
    main()
