"""All sensors of one school together: from their hours and quarters to the stretches that comparison sets apart."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median

from classair.intervals import Interval, holds, union
from classair.model import Flag
from classair.science.quality_checks import neighbours
from classair.science.quality_checks.limits import COUNTS, MASSES
from classair.science.quality_checks.neighbours import PAIR_QUARTER_MS, day_start
from classair.science.quality_checks.spans import FlagSpan
from classair.units import HOUR_MS


@dataclass(frozen=True, slots=True)
class Member:
    """One sensor in one room. Levels are means of valid values by the start of their hour or quarter, UTC ms.

    `keys`: quantities it measures. `purified`: local days in whose night a purifier ran in the room. `zeros`: where
    PM2.5 was exactly 0 without a break. `blamed`: where its own past has set it apart already.
    """

    sensor: str
    room: str
    keys: frozenset[str]
    pm25_hours: Mapping[int, float] = field(default_factory=dict)
    pm25_quarters: Mapping[int, float] = field(default_factory=dict)
    co2_hours: Mapping[int, float] = field(default_factory=dict)
    purified: Collection[int] = ()
    zeros: Collection[Interval] = ()
    blamed: Collection[Interval] = ()

    @property
    def masses(self) -> list[str]:
        return [key for key in MASSES if key in self.keys]

    @property
    def counted(self) -> bool:
        return any(key in self.keys for key in COUNTS)


def judge_school(members: Collection[Member]) -> list[FlagSpan]:
    """DRIFT, PAIR and the STUCK of a mass that says nothing while the school measures."""
    found: list[FlagSpan] = []
    dust = [member for member in members if "pm25" in member.keys]
    blamed = {member.sensor: list(member.blamed) for member in members}

    silences = _silences(dust)
    for member, stretches in silences:
        found += _spans(member, member.masses, Flag.STUCK, stretches)
        blamed[member.sensor] += stretches

    # Pairs before drift: what a pair says does not rest on what drift says, so judging again ends in the same place.
    apart: dict[str, list[Interval]] = {member.sensor: [] for member in dust}
    for one, other in combinations(dust, 2):
        if one.room == other.room and one.sensor != other.sensor:
            stretches = neighbours.disagreeing(
                _outside(one.pm25_quarters, blamed[one.sensor] + blamed[other.sensor], PAIR_QUARTER_MS),
                other.pm25_quarters,
            )
            for member in (one, other):
                found += _spans(member, member.masses, Flag.PAIR, stretches)
                apart[member.sensor] += stretches

    drifts = neighbours.drifting(
        {
            member.sensor: neighbours.nights(_outside(member.pm25_hours, apart[member.sensor]), member.purified)
            for member in dust
        }
    )
    for member in dust:
        stretches = union((day_start(day), day_start(day + 1)) for day in drifts.get(member.sensor, ()))
        found += _spans(member, member.masses, Flag.DRIFT, stretches)

    for member in members:
        if "co2_ppm" in member.keys:
            weeks = [week for week, _ in neighbours.co2_weeks_off(member.co2_hours)]
            found += _spans(member, ["co2_ppm"], Flag.DRIFT, weeks)
    return found


def _silences(dust: Collection[Member]) -> list[tuple[Member, list[Interval]]]:
    found = []
    for member in dust:
        if member.counted or not member.zeros:
            continue  # counts that stand still are seen without neighbours
        others = _school(other.pm25_hours for other in dust if other.sensor != member.sensor)
        zeros = [zero for zero in member.zeros if not _purified(member, zero)]
        if stretches := neighbours.silent(zeros, others):
            found.append((member, stretches))
    return found


def _school(hours: Iterable[Mapping[int, float]]) -> dict[int, float]:
    by_hour: dict[int, list[float]] = {}
    for known in hours:
        for hour, mean in known.items():
            by_hour.setdefault(hour, []).append(mean)
    return {hour: median(means) for hour, means in by_hour.items() if len(means) >= 2}


def _purified(member: Member, zero: Interval) -> bool:
    """Whether a purifier may have made the air as clean as that."""
    days = range(neighbours.local_day(zero[0]), neighbours.local_day(zero[1]) + 1)
    return zero[1] - zero[0] < 12 * HOUR_MS and any(day in member.purified for day in days)


def _outside(levels: Mapping[int, float], stretches: list[Interval], length: int = HOUR_MS) -> Mapping[int, float]:
    """Those levels, `length` ms long each, that no stretch touches anywhere."""
    if not stretches:
        return levels
    starts = sorted(levels)
    touched = holds(union((start - length + 1, end) for start, end in stretches), starts)
    return {start: levels[start] for start, out in zip(starts, touched, strict=True) if not out}


def _spans(member: Member, keys: Iterable[str], flag: Flag, stretches: Iterable[Interval]) -> list[FlagSpan]:
    stretches = list(stretches)
    return [FlagSpan(member.sensor, key, flag, start, end) for key in keys for start, end in stretches]
