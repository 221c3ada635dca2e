"""How well the estimates of a room find what is known of simulated rooms, on seeds that nothing was tuned on.

python benchmarks/science/rooms.py [--rooms 60] [--days 10]
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from research.rooms.cleaning import cleaning
from research.rooms.exposure import avoided
from research.rooms.simulated import Truth, play, unidentifiable
from research.rooms.ventilation import from_decays, from_lessons

SEED = 70_000


def truth_of(seed: int) -> Truth:
    chance = np.random.default_rng(seed)
    return Truth(
        air_changes=float(np.exp(chance.uniform(np.log(0.4), np.log(6)))),
        people=int(chance.integers(20, 40)),
        volume_m3=float(chance.uniform(140, 220)),
        cadr_m3h=float(chance.uniform(250, 700)),
        deposition=float(chance.uniform(0.1, 0.4)),
        penetration=float(chance.uniform(0.7, 1)),
        outdoor_pm=float(chance.uniform(30, 150)),
    )


def told(name: str, off: list[float], rooms: int) -> None:
    if not off:
        print(f"{name:<46} nothing told in {rooms} rooms")
        return
    print(
        f"{name:<46} told in {len(off):>3} of {rooms}   off by {100 * np.median(off):5.1f} % in the median, "
        f"{100 * np.quantile(off, 0.9):5.1f} % in nine of ten"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=60)
    parser.add_argument("--days", type=int, default=10)
    args = parser.parse_args()
    began = time.perf_counter()
    decay: list[float] = []
    lesson: list[float] = []
    clean: list[float] = []
    benefit, avoid = 0, 0
    for seed in range(SEED, SEED + args.rooms):
        truth = truth_of(seed)
        room = play(truth, args.days, seed)
        for found, off in (
            (from_decays(room.start_ms, room.co2, room.occupied), decay),
            (from_lessons(room.start_ms, room.co2, room.occupied), lesson),
        ):
            if found.value is not None:
                off.append(abs(found.value / truth.air_changes - 1))
        purifier = cleaning(room.start_ms, room.pm25, room.outdoor_pm25, room.purifier, truth.volume_m3)
        if purifier.clean_air.value is not None:
            clean.append(abs(purifier.clean_air.value / truth.cadr_m3h - 1))
        bare = replace(truth, plugged_in=False)
        room = play(bare, args.days, seed)
        purifier = cleaning(room.start_ms, room.pm25, room.outdoor_pm25, room.purifier, bare.volume_m3)
        benefit += purifier.effect is True
        avoid += avoided(purifier, room.pm25, room.outdoor_pm25, room.purifier, room.occupied).known
    told("air changes from falling CO2", decay, args.rooms)
    told("air changes from rising CO2", lesson, args.rooms)
    told("clean air of a purifier", clean, args.rooms)
    print(f"{'benefit told of a purifier not plugged in':<46} {benefit} and {avoid} of {args.rooms}")
    cases = [(why, room) for seed in range(SEED, SEED + max(3, args.rooms // 4)) for why, room in unidentifiable(seed)]
    for name, method in (("falling", from_decays), ("rising", from_lessons)):
        said = [why for why, room in cases if method(room.start_ms, room.co2, room.occupied).known]
        print(
            f"{f'cannot tell, from {name} CO2':<46} {100 * (1 - len(said) / len(cases)):.1f} % of {len(cases)} rooms "
            f"that do not say it{'; told: ' + ', '.join(sorted(set(said))) if said else ''}"
        )
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
