"""Quality flags over fleets of sixteen sensors for 63 days: recall by kind and strength, clean minutes, dust spared.

    python benchmarks/science/fleet_flags.py [--seeds 201,202] [--tuning] [--missed] [--accused]

The fleet (benchmarks/science/fleet/) has its own outdoor air, rooms, sensors and noise; it shares none with the
simulator, with the fault year, or with the flags. Which faults there are, how strong, how long and where, each seed
draws. A long fault counts as found when half of its minutes are flagged. Aims: recall ≥ 0.9 of each kind, ≤ 0.1 % of
clean minutes flagged, smoke, cooking and sweeping ≥ 99.8 % unflagged. Needs numpy.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from fleet.faults import fleet  # noqa: E402
from fleet.judging import alone, judge_fleet  # noqa: E402
from fleet.scoring import BANDS, Score  # noqa: E402

RECALL, CLEAN, SPARED = 0.9, 0.001, 0.998
TUNING, REPORTED = range(101, 109), range(201, 213)


def main() -> int:
    parser = argparse.ArgumentParser(description="Judges fleets of sensors with faults.")
    parser.add_argument("--seeds", help="numbers with commas; default: those reported on")
    parser.add_argument("--tuning", action="store_true", help="the seeds that limits were chosen with")
    parser.add_argument("--missed", action="store_true", help="every fault that was not found")
    parser.add_argument("--accused", action="store_true", help="every clean stretch that was flagged")
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")] if args.seeds else list(TUNING if args.tuning else REPORTED)
    score, began = Score(), time.perf_counter()
    for seed in seeds:
        made = fleet(seed)
        for sensors, rooms in zip(made.sites, made.rooms, strict=True):
            score.add(seed, sensors, rooms, judge_fleet(sensors, [alone(sensor, rooms) for sensor in sensors]))
        print(f"  seed {seed}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    print(f"seeds {', '.join(map(str, seeds))}: {len(seeds)} fleets of 16 sensors, {score.minutes:,} readings\n")
    return tell(score, args)


def tell(score: Score, args: argparse.Namespace) -> int:
    """Prints the tables; 0 when every aim is met."""
    print(f"{'fault':18}{'events':>7}{'recall':>8}{'flagged':>9}   by strength, and the flags")
    for kind in score.kinds:
        events = sum(n for (what, _), n in score.events.items() if what == kind)
        bands = [
            f"≥{low:g}: {score.found[kind, low]}/{score.events[kind, low]}"
            for low in BANDS.get(kind, ()) if score.events[kind, low]
        ]  # fmt: skip
        shares = score.shares[kind]
        flags = " ".join(f"{flag} {n}" for flag, n in score.flags[kind].most_common(3))
        print(
            f"{kind:18}{events:>7}{score.recall(kind):>8.2f}{sum(shares) / len(shares):>9.0%}   "
            + "  ".join(bands)
            + f"   [{flags}]"
            + ("   BELOW THE AIM" if score.recall(kind) < RECALL else "")
        )
    print(f"\nclean minutes flagged: {score.wrongly:,} of {score.clean:,} = {score.clean_share:.4%}", end="   ")
    print(" ".join(f"{flag} {n}" for flag, n in score.by_flag.most_common()))
    for kind in sorted(score.dust):
        print(f"{kind}: {score.spared[kind] / score.dust[kind]:.4%} of {score.dust[kind]:,} minutes unflagged")
    for title, wanted, lines in (("missed", args.missed, score.missed), ("accused", args.accused, score.accused)):
        if wanted:
            print(f"\n{title}:", *lines, sep="\n  ")
    ok = (
        all(score.recall(kind) >= RECALL for kind in score.kinds)
        and score.clean_share <= CLEAN
        and all(score.spared[kind] >= SPARED * n for kind, n in score.dust.items())
    )
    print("\nevery aim is met" if ok else "\nNOT every aim is met")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
