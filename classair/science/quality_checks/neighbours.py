"""Sensors of one school beside each other: what only a comparison shows. History only; pure; times UTC ms.

The night is compared, because then rooms are empty, windows are shut and outdoor air alone moves them all. A sensor is
compared with its own place among the others during its first weeks in a room, not with one: rooms differ in how much
outdoor air they let in, and that is not drift. What was wrong from the first day only a collocation can show.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import exp, log
from statistics import median
from typing import Final

from classair.intervals import Interval, union
from classair.stores import BANGKOK_MS
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS

NIGHT_HOURS: Final = range(5)  # local
NIGHT_NEEDS: Final = 3  # valid hours of them
NIGHT_LEAST: Final = 5.0  # µg/m³ of the school's typical sensor: below it noise and rounding rule
OTHERS_LEAST: Final = 4  # sensors a school needs before one can differ from it
PLACE_NIGHTS: Final = 56  # that say where among the others a sensor belongs
PLACE_LEAST: Final = 10
DRIFT_NIGHTS: Final = (6, 7)  # before and after the night judged: the reference rule's fourteen in all
DRIFT_LEAST: Final = 7
DRIFT_DAYS: Final = 7  # in a row: what is over sooner was a window, or weather
DRIFT_ROUNDS: Final = 3  # in which what drifts is left out of what the others are compared with
DRIFT_LOW: Final = 0.78  # the reference's 0.7 and 1.3, and room for the noise of a fortnight, so that a
DRIFT_HIGH: Final = 1.25  # drift of 30 % is past them and not merely at them

PAIR_DIFFERENCE: Final = 5.0  # µg/m³ and share of the mean, both: EPA's rule for two channels
PAIR_SHARE: Final = 0.7
PAIR_QUARTER_MS: Final = 15 * MINUTE_MS
PAIR_QUARTERS: Final = 4  # in a row: one sweeping broom beside one of two is no disagreement

SILENT_MS: Final = 4 * HOUR_MS  # a mass of exactly 0, without counts, while the school measures dust
SILENT_OTHERS: Final = 5.0  # µg/m³ of the school's median meanwhile

CO2_LOW: Final = 380.0  # ppm, of a week's 5th percentile: the outdoor air of an empty room
CO2_HIGH: Final = 480.0
CO2_SHARE: Final = 0.05
CO2_HOURS: Final = 100  # of a week's 168
MOVING_MS: Final = 30 * MINUTE_MS  # on either side of a move

Nights = Mapping[int, float]
"""A sensor's level (µg/m³) by local day number, of the nights it can be judged in."""


def local_day(at_ms: int) -> int:
    """Days since 1970-01-01 in Asia/Bangkok."""
    return (at_ms + BANGKOK_MS) // DAY_MS


def day_start(day: int) -> int:
    return day * DAY_MS - BANGKOK_MS


def nights(hours: Mapping[int, float], without: Collection[int] = ()) -> dict[int, float]:
    """Night levels from hourly means by their start; `without`: days in whose night a purifier ran."""
    by_day: dict[int, list[float]] = {}
    for start, mean in hours.items():
        local = (start + BANGKOK_MS) % DAY_MS // HOUR_MS
        if local in NIGHT_HOURS:
            by_day.setdefault(local_day(start), []).append(mean)
    return {day: median(values) for day, values in by_day.items() if len(values) >= NIGHT_NEEDS and day not in without}


def drifting(levels: Mapping[str, Nights]) -> dict[str, dict[int, float]]:
    """Sensors and the days on which their nights stand apart from their place among the others, with the ratio.

    The middle of fourteen nights keeps an edge where it is: a cleaned sensor is good from the day it was cleaned.
    """
    logs = {name: {day: log(max(value, 0.5)) for day, value in known.items()} for name, known in levels.items()}
    days = sorted({day for known in logs.values() for day in known})
    typical: dict[int, float] = {}
    for day in days:
        there = [known[day] for known in logs.values() if day in known]
        if len(there) >= OTHERS_LEAST and median(there) >= log(NIGHT_LEAST):
            typical[day] = median(there)
    places = {name: _place(known, typical) for name, known in logs.items()}
    settled = {name: place for name, place in places.items() if place is not None}
    found: dict[str, dict[int, float]] = {}
    for _ in range(DRIFT_ROUNDS):
        # Once each place is known, the school's night is told by all that stand in theirs, whichever are there.
        shared: dict[int, float] = {}
        for day in typical:
            parts = [
                logs[name][day] - place
                for name, place in settled.items()
                if day in logs[name] and day not in found.get(name, ())
            ]
            if len(parts) >= OTHERS_LEAST:
                shared[day] = _closest_half(parts)
        before, found = found, {}
        for name, place in settled.items():
            apart = {day: value - place - shared[day] for day, value in logs[name].items() if day in shared}
            if marked := _lasting(_apart(apart), apart):
                found[name] = marked
        if {name: days.keys() for name, days in found.items()} == {name: days.keys() for name, days in before.items()}:
            break
    return found


def _closest_half(values: list[float]) -> float:
    """The middle of the half that lies closest together: three of eight that drift the same way do not move it."""
    ordered, half = sorted(values), len(values) // 2 + 1
    first = min(range(len(ordered) - half + 1), key=lambda i: ordered[i + half - 1] - ordered[i])
    return median(ordered[first : first + half])


def _lasting(days: Mapping[int, float], nights: Mapping[int, float]) -> dict[int, float]:
    """Those that are part of enough days in a row, all on the same side; `nights`: how far apart each was by itself.

    A median of fortnights reaches a week beyond a repair, so days at the ends of a run count only when their own night
    was as far apart as half of the run.
    """
    found: dict[int, float] = {}
    run: dict[int, float] = {}
    for day, ratio in [*sorted(days.items()), (2**40, 1.0)]:
        if run and (day - 1 not in run or (ratio > 1) != (run[day - 1] > 1)):
            if len(run) >= DRIFT_DAYS:
                found.update(_without_margins(run, nights))
            run = {}
        run[day] = ratio
    return found


def _without_margins(run: Mapping[int, float], nights: Mapping[int, float]) -> dict[int, float]:
    half = median(log(ratio) for ratio in run.values()) / 2
    known = [day for day in sorted(run) if day in nights]
    own = {day: median(nights[d] for d in known[max(0, i - 1) : i + 2]) for i, day in enumerate(known)}
    far = [day for day in known if own[day] / half >= 1 and nights[day] / half >= 1]
    return {day: ratio for day, ratio in run.items() if far and far[0] <= day <= far[-1]}


def _place(known: Nights, typical: Mapping[int, float]) -> float | None:
    first = [known[day] - typical[day] for day in sorted(known) if day in typical][:PLACE_NIGHTS]
    return _closest_half(first) if len(first) >= PLACE_LEAST else None


def _apart(by_day: Mapping[int, float]) -> dict[int, float]:
    found: dict[int, float] = {}
    before, after = DRIFT_NIGHTS
    if not by_day:
        return found
    newest = max(by_day)
    for day in range(min(by_day), newest + 1):
        last = min(day + after, newest)
        # At the end of what is known, the fortnight reaches further back instead.
        near = [by_day[d] for d in range(min(day - before, last - before - after), last + 1) if d in by_day]
        if len(near) >= DRIFT_LEAST:
            ratio = exp(median(near))
            if not DRIFT_LOW <= ratio <= DRIFT_HIGH:
                found[day] = ratio
    return found


def disagreeing(a: Mapping[int, float], b: Mapping[int, float]) -> list[Interval]:
    """When two sensors of one room contradict each other, from their quarter-hour medians by start."""
    found: list[Interval] = []
    run: list[int] = []
    for start in sorted(a.keys() & b.keys()):
        difference, both = abs(a[start] - b[start]), a[start] + b[start]
        apart = difference > PAIR_DIFFERENCE and 2 * difference > PAIR_SHARE * both
        if apart and (not run or start - run[-1] == PAIR_QUARTER_MS):
            run.append(start)
            continue
        _close(run, found)
        run = [start] if apart else []
    _close(run, found)
    return union(found)


def _close(run: list[int], found: list[Interval]) -> None:
    if len(run) >= PAIR_QUARTERS:
        found.append((run[0], run[-1] + PAIR_QUARTER_MS))


def silent(zeros: Iterable[Interval], others: Mapping[int, float]) -> list[Interval]:
    """Of stretches of exactly 0, those in which the school measured dust; `others`: its hourly medians by start."""
    found = []
    for start, end in zeros:
        if end - start < SILENT_MS:
            continue
        there = [others[hour] for hour in range(start // HOUR_MS * HOUR_MS, end, HOUR_MS) if hour in others]
        if len(there) >= SILENT_MS // HOUR_MS and median(there) >= SILENT_OTHERS:
            found.append((start, end))
    return found


def co2_weeks_off(hours: Mapping[int, float]) -> list[tuple[Interval, float]]:
    """Weeks (local, from Monday) whose 5th percentile of hourly means is no outdoor air, with that value in ppm."""
    weeks: dict[int, list[float]] = {}
    for start, mean in hours.items():
        weeks.setdefault((local_day(start) + 3) // 7, []).append(mean)  # 1970-01-01 was a Thursday
    found = []
    for week, values in sorted(weeks.items()):
        if len(values) >= CO2_HOURS:
            low = sorted(values)[int(CO2_SHARE * len(values))]
            if not CO2_LOW <= low <= CO2_HIGH:
                found.append(((day_start(week * 7 - 3), day_start(week * 7 + 4)), low))
    return found


def moving(moments: Iterable[int]) -> list[Interval]:
    """Around each move: carried, put down, dust shaken out."""
    return union((at - MOVING_MS, at + MOVING_MS) for at in moments)
