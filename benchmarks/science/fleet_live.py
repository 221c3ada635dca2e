"""Suspect live over fleets of sixteen sensors for 63 days: which faults a room's level becomes unknown for, and when.

    python benchmarks/science/fleet_live.py [--seeds 201,202] [--tuning] [--missed]

The same fleets as fleet_flags.py, told reading by reading to the code that alerts runs. A false alarm is a suspicion
that begins while nothing is wrong with the sensor. Prints recall of failed and dead fans by strength, hours until
told, hours until it ended after the repair, and false alarms for each hundred sensor-months. Needs numpy.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from fleet.faults import fleet  # noqa: E402
from fleet.instruments import Sensor  # noqa: E402
from fleet.judging import MINUTE_MS, START_MS  # noqa: E402
from fleet_flags import REPORTED, TUNING  # noqa: E402

from classair.science.quality_checks.following import SchoolFollowing  # noqa: E402

TOLD = ("fan_loss", "dead_fan_still", "dead_fan_moving")
BANDS = (0.30, 0.45, 0.60, 0.80)


def suspicions(sensors: list[Sensor]) -> dict[str, list[tuple[int, int]]]:
    """Minutes from … to … in which each sensor is suspect."""
    following, found = SchoolFollowing(), {sensor.name: list[tuple[int, int]]() for sensor in sensors}
    rows = list(zip(*(sensor.columns["pm25"].tolist() for sensor in sensors), strict=True))
    names = [sensor.name for sensor in sensors]
    since: dict[str, int] = {}
    for minute, row in enumerate(rows):
        closed = False
        for name, value in zip(names, row, strict=True):
            if value == value:
                closed |= bool(following.take(name, START_MS + minute * MINUTE_MS, value))
        if not closed:
            continue
        now = following.suspects
        for name in now.keys() - since.keys():
            since[name] = minute
        for name in list(since.keys() - now.keys()):
            found[name].append((since.pop(name), minute))
    for name, begun in since.items():
        found[name].append((begun, len(rows)))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Tells fleets of sensors to what makes rooms unknown.")
    parser.add_argument("--seeds", help="numbers with commas; default: those reported on")
    parser.add_argument("--tuning", action="store_true", help="the seeds that limits were chosen with")
    parser.add_argument("--missed", action="store_true", help="every fault that was not found")
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")] if args.seeds else list(TUNING if args.tuning else REPORTED)
    events: dict[tuple[str, float], list[bool]] = {}
    delays, ends, false, lines, readings, began = [], [], 0, [], 0, time.perf_counter()
    other: dict[str, int] = {}
    for seed in seeds:
        for sensors in fleet(seed).sites:
            told = suspicions(sensors)
            for sensor in sensors:
                readings += len(sensor.columns["pm25"])
                for event in sensor.events:
                    if event.kind not in TOLD:
                        continue
                    loss = event.strength if event.kind == "fan_loss" else 1 - event.strength
                    key = event.kind, max(low for low in (0.0, *BANDS) if low <= loss)
                    spans = [span for span in told[sensor.name] if span[0] < event.end and span[1] > event.start]
                    events.setdefault(key, []).append(bool(spans))
                    if spans:
                        delays.append((spans[0][0] - event.start) / 60)
                        ends.append((spans[-1][1] - event.end) / 60)
                    else:
                        lines.append(
                            f"seed {seed} {sensor.name} ({sensor.model}): {event.kind} loss {loss:.2f} {event.detail}"
                        )
                for start, end in told[sensor.name]:
                    cause = next((e.kind for e in sensor.events if e.start <= start < e.end + 120), None)
                    if cause is None:
                        false += 1
                        lines.append(
                            f"seed {seed} {sensor.name}: FALSE day {start / 1440:.2f}, {(end - start) / 60:.1f} h"
                        )
                    elif cause not in TOLD:
                        other[cause] = other.get(cause, 0) + 1
        print(f"  seed {seed}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    for (kind, low), found in sorted(events.items()):
        print(f"{kind:18} loss ≥ {low:.0%}: {sum(found)} of {len(found)} suspect")
    delays.sort()
    ends.sort()
    if delays:
        print(f"hours until suspect: median {delays[len(delays) // 2]:.1f}, 90 % {delays[int(0.9 * len(delays))]:.1f}")
        print(f"hours beyond the repair: median {ends[len(ends) // 2]:.1f}, longest {ends[-1]:.1f}")
    months = readings / 1440 / 30
    print(f"suspect for other faults: {other}")
    print(f"false alarms: {false} in {months:.0f} sensor-months = {100 * false / months:.1f} in a hundred")
    if args.missed:
        print(*lines, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
