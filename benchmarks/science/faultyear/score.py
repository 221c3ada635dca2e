"""Compares what was flagged with what was wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from classair.model import Flag
from faultyear.air import DAY
from faultyear.judged import Judged, by_flag, hours
from faultyear.sensors import Event

EXPECTED: dict[str, Flag] = {
    "range": Flag.RANGE,
    "stuck": Flag.STUCK,
    "spike": Flag.SPIKE,
    "condensation": Flag.RH_HIGH,
    "counts": Flag.COUNTS,
    "order": Flag.ORDER,
    "pair": Flag.PAIR | Flag.DRIFT,
    "drift_up": Flag.DRIFT | Flag.PAIR,
    "drift_down": Flag.DRIFT | Flag.PAIR,
    "saturation": Flag.SATURATED,
    "dead_fan": Flag.STUCK,
    "zero_batch": Flag.ZERO,
    "clock": Flag.CLOCK,
    "warm_up": Flag.WARMUP,
}
AFTER = 3  # minutes: the step back into the truth belongs to the fault
LATEST = 14 * DAY  # minutes in which a drift that has reached 30 % must be found


@dataclass
class Score:
    events: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    live: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    days_late: dict[str, list[float]] = field(default_factory=dict)
    flagged_hours: int = 0
    right_hours: int = 0
    clean: int = 0
    clean_flagged: int = 0
    clean_by_flag: Counter[str] = field(default_factory=Counter)
    hours_by_flag: Counter[str] = field(default_factory=Counter)
    right_by_flag: Counter[str] = field(default_factory=Counter)
    spared: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    accused: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, site: list[Judged]) -> None:
        for judged in site:
            for event in judged.sensor.events:
                self._event(judged, event)
        pair = [judged for judged in site if judged.sensor.place == 1]
        for judged in site:
            self._hours(judged, [other for other in pair if judged in pair and other is not judged])
            self._spared(judged, [other for other in pair if judged in pair])

    def _event(self, judged: Judged, event: Event) -> None:
        self.events[event.kind] += 1
        wanted = int(EXPECTED[event.kind])
        if event.kind.startswith("drift"):
            part = judged.final[event.reaches : min(event.end, event.reaches + LATEST)] & wanted
            if part.any():
                self.found[event.kind] += 1
                first = int(np.flatnonzero(judged.final[event.start : event.end] & wanted)[0])
                self.days_late.setdefault(event.kind, []).append((event.start + first - event.reaches) / DAY)
            else:
                self._miss(judged, event)
            return
        if (judged.final[event.start : event.end] & wanted).any():
            self.found[event.kind] += 1
        else:
            self._miss(judged, event)
        if (judged.live[event.start : event.end] & wanted).any():
            self.live[event.kind] += 1

    def _miss(self, judged: Judged, event: Event) -> None:
        sensor = judged.sensor
        key = "pm25" if "pm25" in sensor.columns else "co2_ppm"
        level = float(np.median(sensor.columns[key][event.start : event.end]))
        self.missed.append(
            f"{event.kind} of {sensor.kind} {sensor.name}, site {sensor.site}: minute {event.start}, "
            f"{event.end - event.start} long, reading {level:.1f}"
        )

    def _hours(self, judged: Judged, beside: list[Judged]) -> None:
        wrong = judged.sensor.beyond.copy()
        for event in judged.sensor.events:
            end = event.end + AFTER
            if event.kind.startswith("drift"):
                end = (end // DAY + 1) * DAY  # judged by the night, told of the day
            wrong[event.start : end] = True
        either = wrong.copy()
        for other in beside:
            for event in other.sensor.events:
                either[event.start : event.end + AFTER] = True
        self.clean += int(np.count_nonzero(judged.sensor.there & ~either))
        bad = np.where(~either, judged.final, 0)
        self.clean_flagged += int(np.count_nonzero(bad))
        self.clean_by_flag.update(by_flag(bad))
        right, flagged = (either.reshape(-1, 60)).any(1), hours(judged.final)
        self.flagged_hours += int(flagged.sum())
        self.right_hours += int((flagged & right).sum())
        for flag in Flag:
            if flag.name and (told := hours(judged.final & int(flag))).any():
                self.hours_by_flag[flag.name] += int(told.sum())
                self.right_by_flag[flag.name] += int((told & right).sum())

    def _spared(self, judged: Judged, beside: list[Judged]) -> None:
        if "pm25" not in judged.sensor.columns:
            return
        wrong = judged.sensor.beyond.copy()
        for event in [event for one in (judged, *beside) for event in one.sensor.events]:
            wrong[max(0, event.start - DAY) : event.end + DAY] = True
        for kind, start, end in judged.sensor.air.episodes:
            if not wrong[start:end].any():
                self.happened[kind] += 1
                self.spared[kind] += not judged.final[start:end].any()
                for flag in by_flag(judged.final[start:end]):
                    self.accused[kind, flag] += 1

    @property
    def recall(self) -> float:
        return sum(self.found.values()) / max(1, sum(self.events.values()))

    @property
    def precision(self) -> float:
        return self.right_hours / max(1, self.flagged_hours)

    @property
    def clean_share(self) -> float:
        return self.clean_flagged / max(1, self.clean)
