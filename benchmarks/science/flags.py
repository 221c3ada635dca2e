"""Quality flags over a simulated year of faults: what is found, what is wrongly accused, and how fast.

    python benchmarks/science/flags.py [--seeds 11,12] [--days 365] [--tuning] [--missed]

Forty sensors, one reading a minute, every fault of benchmarks/faultyear/faultyear.toml. The judges are those that
ingest runs: the live one reading by reading, then the later ones. Aims: recall of events ≥ 0.95, precision of flagged
hours ≥ 0.95, ≤ 0.1 % of clean minutes flagged, plumes, cooking and sweeping spared. Needs numpy for the simulation.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from faultyear.air import site_air  # noqa: E402
from faultyear.judged import Pace, judge_site  # noqa: E402
from faultyear.parameters import parameters  # noqa: E402
from faultyear.score import Score  # noqa: E402
from faultyear.sensors import year  # noqa: E402

RECALL, PRECISION, CLEAN, SPARED = 0.95, 0.95, 0.001, 0.99


def main() -> int:
    parser = argparse.ArgumentParser(description="Judges a simulated year of faults.")
    parser.add_argument("--seeds", help="numbers with commas; default: those reported on")
    parser.add_argument("--tuning", action="store_true", help="the seeds that limits were chosen with")
    parser.add_argument("--days", type=int, help="shorter than a year")
    parser.add_argument("--sites", type=int, help="fewer than four sites of ten sensors")
    parser.add_argument("--missed", action="store_true", help="every event that was not found")
    args = parser.parse_args()
    known = parameters()
    seeds = (
        [int(seed) for seed in args.seeds.split(",")]
        if args.seeds
        else known["seeds"]["tuning" if args.tuning else "reported"]
    )
    days, sites = args.days or known["year"]["days"], args.sites or known["year"]["sites"]
    start = datetime.fromisoformat(known["year"]["start"]).replace(tzinfo=ZoneInfo("Asia/Bangkok"))
    start_ms, score, pace = int(start.timestamp() * 1000), Score(), Pace()
    began = time.perf_counter()
    for seed in seeds:
        for site in range(sites):
            sensors = year(known, seed, days, site, site_air(known, seed, site, days))
            score.add(judge_site(sensors, start_ms, pace))
            print(f"  seed {seed}, site {site + 1} of {sites}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    print(f"seeds {', '.join(map(str, seeds))}: {sites * 10} sensors, {days} days, one reading a minute\n")
    return tell(score, pace, args.missed)


def tell(score: Score, pace: Pace, missed: bool) -> int:
    """Prints the table; 0 when every aim is met."""
    print(f"{'fault':14}{'events':>8}{'found':>8}{'recall':>8}{'at once':>9}   drift: days from 30 % to the first flag")
    for kind in sorted(score.events):
        events, found = score.events[kind], score.found[kind]
        late = sorted(score.days_late.get(kind, []))
        note = f"   median {late[len(late) // 2]:.0f}, longest {late[-1]:.0f}" if late else ""
        live = "–" if kind.startswith("drift") else f"{score.live[kind] / events:.2f}"
        print(
            f"{kind:14}{events:>8}{found:>8}{found / events:>8.2f}{live:>9}{note}"
            + ("   below the aim" if found / events < RECALL else "")
        )
    print(f"{'all':14}{sum(score.events.values()):>8}{sum(score.found.values()):>8}{score.recall:>8.3f}\n")
    print(f"{'flag':14}{'hours':>8}{'right':>8}{'share':>8}{'clean minutes':>15}")
    for flag in sorted(score.hours_by_flag):
        told, right = score.hours_by_flag[flag], score.right_by_flag[flag]
        print(f"{flag:14}{told:>8}{right:>8}{right / told:>8.3f}{score.clean_by_flag[flag]:>15}")
    print(
        f"{'all':14}{score.flagged_hours:>8}{score.right_hours:>8}{score.precision:>8.3f}"
        f"{score.clean_flagged:>15}  of {score.clean:,} = {score.clean_share:.4%}\n"
    )
    for kind in sorted(score.happened):
        print(
            f"{kind:14}{score.happened[kind]:>8} in sensors,{score.spared[kind]:>8} without any flag = "
            f"{score.spared[kind] / score.happened[kind]:.4f}   "
            + ", ".join(f"{flag} {n}" for (what, flag), n in sorted(score.accused.items()) if what == kind)
        )
    print(
        f"\nspeed: {pace.rows:,} readings; live {pace.rows / pace.live_s:,.0f}/s, afterwards "
        f"{pace.rows / pace.afterwards_s:,.0f}/s, together {pace.rows / (pace.live_s + pace.afterwards_s):,.0f}/s; "
        f"schools beside each other {pace.school_s:.1f} s"
    )
    if missed:
        print("\nnot found:", *score.missed, sep="\n  ")
    ok = (
        score.recall >= RECALL
        and score.precision >= PRECISION
        and score.clean_share <= CLEAN
        and all(score.spared[kind] >= SPARED * count for kind, count in score.happened.items())
    )
    print("\nevery aim is met" if ok else "\nNOT every aim is met")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
