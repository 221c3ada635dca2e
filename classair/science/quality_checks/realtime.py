"""What one sensor's last hour says against a reading: it does not move, or it moves faster than air does.

Event time alone counts, so batches, pauses and restarts change nothing: a service that was primed judges as if it had
never been away. A reading that others have overtaken (replayed, or sent again) adds nothing to the memory; it is
judged as part of the run it falls into.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from classair.model import Flag, Reading
from classair.science.quality import judge as judge_alone
from classair.science.quality_checks.limits import (
    BREAK_MS,
    COUNTS,
    LIVE_MS,
    PARTICLES,
    co2_stuck_after_ms,
    pm_stuck_after_ms,
)

RATE_WITHIN_MS: Final = 180_000  # readings further apart say nothing of a rate
CO2_STEP: Final = 200.0  # ppm: nearer together than this is noise and breath
CO2_PER_MS: Final = 500.0 / 60_000
TEMP_STEP: Final = 1.0  # °C
TEMP_PER_MS: Final = 2.0 / 60_000
PUT_BACK_MS: Final = 15 * 60_000  # a live reading this far behind the newest: the clock was put right
PRIMING_MS: Final = LIVE_MS + 10 * 60_000
"""How far back a memory must be shown the past to judge as if it had never been away."""

_REMEMBERED_RUNS: Final = 4
_NEVER: Final = -(2**62)
_PARTICLES: Final = frozenset(PARTICLES)
_COUNTS: Final = frozenset(COUNTS)
_STUCK: Final = int(Flag.STUCK)


@dataclass(frozen=True, slots=True)
class _Ended:
    """A stuck run that is over; what was sent of it is still sent again sometimes."""

    quantity: str
    values: Mapping[str, float]
    since: int
    until: int


class SensorMemory:
    """Of one sensor. `judge` is given its readings as they come; the state is a few numbers, whatever comes.

    Each part of the sensor (optical chamber, CO2, temperature) has a memory of its own, because many devices say them
    in messages of their own: what is said of one neither continues nor ends a run of another, and a word of the
    chamber that a message does not carry stays as it was.
    """

    __slots__ = (
        "_chamber",
        "_chamber_at",
        "_chamber_since",
        "_co2",
        "_co2_at",
        "_co2_since",
        "_ended",
        "_newest",
        "_temp",
        "_temp_at",
    )

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._newest = self._chamber_at = self._co2_at = self._temp_at = _NEVER
        self._chamber: Mapping[str, float] = {}
        self._co2: float | None = None
        self._temp: float | None = None
        self._chamber_since = self._co2_since = 0
        self._ended: deque[_Ended] = deque(maxlen=_REMEMBERED_RUNS)

    def judge(
        self,
        values: Mapping[str, float],
        flags: Flag,
        value_flags: Mapping[str, int],
        *,
        at_ms: int,
        now_ms: int | None = None,
        clock: str = "sync",
        model: str = "",
        late: bool = False,
    ) -> tuple[Flag, Mapping[str, int]]:
        """As classair.science.quality.judge, with what the sensor's past adds to it. `values` must not change after."""
        flags, value_flags = judge_alone(
            values, flags, value_flags, at_ms=at_ms, now_ms=now_ms, clock=clock, model=model
        )
        if flags and flags & Flag.CLOCK:
            return flags, value_flags  # a time that cannot be relied on must not pass for the newest
        if at_ms > self._newest:
            self._newest = at_ms
        elif not late and at_ms < self._newest - PUT_BACK_MS:
            self._forget()
            self._newest = at_ms
        if not _PARTICLES.isdisjoint(values):
            value_flags = self._judge_chamber(values, value_flags, at_ms)
        if "co2_ppm" in values:
            value_flags = self._judge_co2(values, value_flags, at_ms)
        temp = values.get("temp_c")
        if temp is not None and (gap := at_ms - self._temp_at) > 0:
            if (
                self._temp is not None
                and gap <= RATE_WITHIN_MS
                and abs(temp - self._temp) > max(TEMP_STEP, TEMP_PER_MS * gap)
            ):
                value_flags = _with(value_flags, "temp_c", int(Flag.RATE))
            self._temp, self._temp_at = temp, at_ms
        return flags, value_flags

    def _judge_chamber(
        self, values: Mapping[str, float], value_flags: Mapping[str, int], at_ms: int
    ) -> Mapping[str, int]:
        before, gap = self._chamber, at_ms - self._chamber_at
        if gap <= 0:
            return self._behind("pm25", before, self._chamber_since, self._chamber_at, values, value_flags, at_ms)
        if gap > BREAK_MS or not before or not _same(values, before):
            if before and at_ms - self._chamber_since > LIVE_MS:
                self._ended.append(_Ended("pm25", before, self._chamber_since, at_ms))
            if gap > BREAK_MS:
                before = {}
            self._chamber_since = at_ms
        self._chamber = values if before.keys() <= values.keys() else {**before, **values}
        self._chamber_at = at_ms
        return _mark_chamber(self._chamber, at_ms - self._chamber_since, values, value_flags)

    def _judge_co2(self, values: Mapping[str, float], value_flags: Mapping[str, int], at_ms: int) -> Mapping[str, int]:
        co2, before, gap = values["co2_ppm"], self._co2, at_ms - self._co2_at
        if gap <= 0:
            past = {} if before is None else {"co2_ppm": before}
            return self._behind("co2_ppm", past, self._co2_since, self._co2_at, values, value_flags, at_ms)
        if gap <= BREAK_MS and co2 == before:
            value_flags = _mark_co2(co2, at_ms - self._co2_since, values, value_flags)
        else:
            if before is not None:
                if gap <= RATE_WITHIN_MS and abs(co2 - before) > max(CO2_STEP, CO2_PER_MS * gap):
                    value_flags = _with(value_flags, "co2_ppm", int(Flag.RATE))
                if at_ms - self._co2_since > co2_stuck_after_ms(before):
                    self._ended.append(_Ended("co2_ppm", {"co2_ppm": before}, self._co2_since, at_ms))
            self._co2, self._co2_since = co2, at_ms
        self._co2_at = at_ms
        return value_flags

    def prime(self, readings: Iterable[Reading]) -> None:
        """Shows it the past, in order of time; readings of other sensors must not be among them.

        What came live meanwhile keeps its place: a run that began before it then goes on from its true beginning.
        """
        past = SensorMemory()
        for reading in readings:
            past.judge(reading.values, reading.flags, {}, at_ms=reading.at_ms, late=True)
        if past._newest > self._newest:
            for name in SensorMemory.__slots__:
                setattr(self, name, getattr(past, name))
            return
        if not self._chamber:
            self._chamber, self._chamber_at, self._chamber_since = past._chamber, past._chamber_at, past._chamber_since
        elif (
            past._chamber
            and past._chamber_since < self._chamber_since <= past._chamber_at + BREAK_MS
            and _same(self._chamber, past._chamber)
        ):
            self._chamber_since = past._chamber_since
        if self._co2 is None:
            self._co2, self._co2_at, self._co2_since = past._co2, past._co2_at, past._co2_since
        elif past._co2 == self._co2 and past._co2_since < self._co2_since <= past._co2_at + BREAK_MS:
            self._co2_since = past._co2_since
        if self._temp is None:
            self._temp, self._temp_at = past._temp, past._temp_at

    def _behind(
        self,
        quantity: str,
        before: Mapping[str, float],
        since: int,
        until: int,
        values: Mapping[str, float],
        value_flags: Mapping[str, int],
        at_ms: int,
    ) -> Mapping[str, int]:
        """Flags of a reading that others have overtaken: those of the run around it, if it is one of the run."""
        value = values.get(quantity)
        if value is None:
            return value_flags
        for run in (_Ended(quantity, before, since, until), *self._ended):
            if run.quantity != quantity or run.values.get(quantity) != value or not run.since <= at_ms <= run.until:
                continue
            if quantity == "co2_ppm":
                value_flags = _mark_co2(value, at_ms - run.since, values, value_flags)
            elif _same(values, run.values):
                value_flags = _mark_chamber(run.values, at_ms - run.since, values, value_flags)
        return value_flags


def _same(values: Mapping[str, float], before: Mapping[str, float]) -> bool:
    """Whether the chamber says nothing else than before, in the words that both carry."""
    return all(values[key] == before[key] for key in PARTICLES if key in values and key in before)


def _mark_chamber(
    chamber: Mapping[str, float], stood_ms: int, values: Mapping[str, float], value_flags: Mapping[str, int]
) -> Mapping[str, int]:
    """`chamber`: its newest words, of this and of earlier messages."""
    pm = chamber.get("pm25")
    if pm is None or not stood_ms >= pm_stuck_after_ms(pm, not _COUNTS.isdisjoint(chamber)) <= LIVE_MS:
        return value_flags
    # A chamber at the end of its range stands still because it can say no more; that is told already.
    if value_flags.get("pm25", 0) & Flag.SATURATED:
        return value_flags
    return _mark(PARTICLES, values, value_flags)


def _mark_co2(
    co2: float, stood_ms: int, values: Mapping[str, float], value_flags: Mapping[str, int]
) -> Mapping[str, int]:
    if value_flags.get("co2_ppm", 0) & Flag.SATURATED or not stood_ms >= co2_stuck_after_ms(co2) <= LIVE_MS:
        return value_flags
    return _mark(("co2_ppm",), values, value_flags)


def _mark(keys: Iterable[str], values: Mapping[str, float], value_flags: Mapping[str, int]) -> Mapping[str, int]:
    found = dict(value_flags)
    for key in keys:
        if key in values:
            found[key] = found.get(key, 0) | _STUCK
    return found


def _with(value_flags: Mapping[str, int], key: str, flag: int) -> Mapping[str, int]:
    return {**value_flags, key: value_flags.get(key, 0) | flag}


class Memories:
    """One memory for each sensor, made when first asked for."""

    def __init__(self) -> None:
        self._by_sensor: dict[str, SensorMemory] = {}

    def of(self, sensor: str) -> SensorMemory:
        found = self._by_sensor.get(sensor)
        if found is None:
            found = self._by_sensor[sensor] = SensorMemory()
        return found

    def prime(self, readings: Iterable[Reading]) -> None:
        """The past of any number of sensors, each in order of time."""
        by_sensor: dict[str, list[Reading]] = {}
        for reading in readings:
            by_sensor.setdefault(reading.sensor, []).append(reading)
        for sensor, past in by_sensor.items():
            self.of(sensor).prime(past)
