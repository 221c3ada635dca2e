"""Compares what was flagged with what was wrong: recall by kind and strength, clean minutes, ordinary dust spared."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from classair.model import Flag
from fleet.building import Room
from fleet.instruments import Event, Sensor

AFTER = 2  # minutes: the step back belongs to the fault
COVERED = 0.5  # share of a long fault's minutes that must be flagged before it counts as found
LONG = 360  # minutes from which a fault is long
BANDS = {  # lower ends of the strengths that are told apart
    "fan_loss": (0.30, 0.45, 0.60, 0.80),
    "clog": (1, 2, 3, 4.5),
    "fog": (1.3, 1.6, 2.0),
    "swap": (0.2, 0.35, 0.6),
    "zero_drop": (4, 10, 25),
    "dead_fan_still": (0.03, 0.15),
    "dead_fan_moving": (0.2, 0.4),
}


@dataclass
class Score:
    events: Counter[tuple[str, float]] = field(default_factory=Counter)
    found: Counter[tuple[str, float]] = field(default_factory=Counter)
    shares: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    flags: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    missed: list[str] = field(default_factory=list)
    minutes: int = 0
    clean: int = 0
    wrongly: int = 0
    by_flag: Counter[str] = field(default_factory=Counter)
    accused: list[str] = field(default_factory=list)
    dust: Counter[str] = field(default_factory=Counter)
    spared: Counter[str] = field(default_factory=Counter)

    def add(self, seed: int, sensors: list[Sensor], rooms: list[Room], flags: list[NDArray[np.int64]]) -> None:
        for sensor, bits in zip(sensors, flags, strict=True):
            there = ~np.isnan(sensor.columns["pm25"])
            wrong = np.zeros(len(there), bool)
            for event in sensor.events:
                wrong[event.start : event.end + AFTER] = True
                self._event(seed, sensor, event, bits, there)
            clean = there & ~wrong
            hit = clean & (bits != 0)
            self.minutes += int(there.sum())
            self.clean += int(clean.sum())
            self.wrongly += int(hit.sum())
            for flag in Flag:
                if flag.name and (n := int(np.count_nonzero(bits[clean] & int(flag)))):
                    self.by_flag[flag.name] += n
            if hit.sum() > 30:
                self._accuse(seed, sensor, bits, hit)
            if sensor.place >= 0:
                for kind, start, end in rooms[sensor.place].happenings:
                    inside = clean[start:end]
                    if wrong[start:end].any():
                        continue
                    self.dust[kind] += int(inside.sum())
                    self.spared[kind] += int((inside & (bits[start:end] == 0)).sum())

    def _event(
        self, seed: int, sensor: Sensor, event: Event, bits: NDArray[np.int64], there: NDArray[np.bool_]
    ) -> None:
        part = there[event.start : event.end]
        if not part.any():
            return
        told = bits[event.start : event.end][part]
        share = float(np.count_nonzero(told) / part.sum())
        key = event.kind, max((low for low in BANDS.get(event.kind, ()) if low <= event.strength), default=0.0)
        self.events[key] += 1
        self.shares[event.kind].append(share)
        if share >= (COVERED if event.end - event.start >= LONG else 1e-9):
            self.found[key] += 1
            for flag in Flag:
                if flag.name and np.count_nonzero(told & int(flag)) >= 0.1 * part.sum():
                    self.flags[event.kind][flag.name] += 1
        else:
            self.missed.append(
                f"seed {seed} {sensor.name} ({sensor.model}): {event.kind} {event.strength:.2f} {event.detail} "
                f"from day {event.start / 1440:.2f}, {(event.end - event.start) / 1440:.2f} long, {share:.0%} flagged"
            )

    def _accuse(self, seed: int, sensor: Sensor, bits: NDArray[np.int64], hit: NDArray[np.bool_]) -> None:
        where = np.flatnonzero(hit)
        for run in np.split(where, np.flatnonzero(np.diff(where) > LONG) + 1):
            if len(run) > 30:
                every = int(np.bitwise_or.reduce(bits[run]))
                names = "|".join(flag.name for flag in Flag if flag.name and every & flag)
                self.accused.append(
                    f"seed {seed} {sensor.name}: {names} day {run[0] / 1440:.2f} to {run[-1] / 1440:.2f}, "
                    f"{len(run)} min"
                )

    def recall(self, kind: str) -> float:
        events = sum(n for (what, _), n in self.events.items() if what == kind)
        return sum(n for (what, _), n in self.found.items() if what == kind) / max(1, events)

    @property
    def kinds(self) -> list[str]:
        return sorted({kind for kind, _ in self.events})

    @property
    def clean_share(self) -> float:
        return self.wrongly / max(1, self.clean)
