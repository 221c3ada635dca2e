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
_STUCK: Final = int(Flag.STUCK)


@dataclass(frozen=True, slots=True)
class _Ended:
    """A stuck run that is over; what was sent of it is still sent again sometimes."""

    quantity: str
    values: Mapping[str, float]
    since: int
    until: int


class SensorMemory:
    """Of one sensor. `judge` is given its readings as they come; the state is a few numbers, whatever comes."""

    __slots__ = ("_co2", "_co2_since", "_ended", "_newest", "_pm", "_pm_before", "_pm_since", "_temp")

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._newest = -(2**62)
        self._pm: float | None = None
        self._co2: float | None = None
        self._temp: float | None = None
        self._pm_since = self._co2_since = 0
        self._pm_before: Mapping[str, float] = {}
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
        gap = at_ms - self._newest
        if gap <= 0:
            if late or gap >= -PUT_BACK_MS:
                return flags, self._behind(values, value_flags, at_ms)
            self._forget()
            gap = 2**62
        self._newest = at_ms
        known = gap <= BREAK_MS
        pm = values.get("pm25")
        if pm is not None:
            if known and pm == self._pm and _same(values, self._pm_before):
                if at_ms - self._pm_since >= pm_stuck_after_ms(pm, _counted(values)) <= LIVE_MS:
                    value_flags = _mark_particles(values, value_flags)
            else:
                if self._pm is not None and at_ms - self._pm_since > LIVE_MS:
                    self._end("pm25", self._pm_before, self._pm_since, at_ms)
                self._pm, self._pm_since = pm, at_ms
            self._pm_before = values
        co2 = values.get("co2_ppm")
        if co2 is not None:
            before = self._co2
            if known and co2 == before:
                if at_ms - self._co2_since >= co2_stuck_after_ms(co2) <= LIVE_MS:
                    value_flags = _mark(("co2_ppm",), values, value_flags)
            else:
                if before is not None:
                    if gap <= RATE_WITHIN_MS and abs(co2 - before) > max(CO2_STEP, CO2_PER_MS * gap):
                        value_flags = _with(value_flags, "co2_ppm", int(Flag.RATE))
                    if self._newest - self._co2_since > co2_stuck_after_ms(before):
                        self._end("co2_ppm", {"co2_ppm": before}, self._co2_since, at_ms)
                self._co2, self._co2_since = co2, at_ms
        temp = values.get("temp_c")
        if temp is not None:
            if (
                self._temp is not None
                and gap <= RATE_WITHIN_MS
                and abs(temp - self._temp) > max(TEMP_STEP, TEMP_PER_MS * gap)
            ):
                value_flags = _with(value_flags, "temp_c", int(Flag.RATE))
            self._temp = temp
        return flags, value_flags

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
        reach = past._newest + BREAK_MS
        if (
            past._pm is not None
            and past._pm == self._pm
            and past._pm_since < self._pm_since <= reach
            and _same(self._pm_before, past._pm_before)
        ):
            self._pm_since = past._pm_since
        if past._co2 is not None and past._co2 == self._co2 and past._co2_since < self._co2_since <= reach:
            self._co2_since = past._co2_since

    def _end(self, quantity: str, values: Mapping[str, float], since: int, until: int) -> None:
        self._ended.append(_Ended(quantity, values, since, until))

    def _behind(self, values: Mapping[str, float], value_flags: Mapping[str, int], at_ms: int) -> Mapping[str, int]:
        """Flags of a reading that others have overtaken: those of the run around it, if it is one of the run."""
        runs = [_Ended("pm25", self._pm_before, self._pm_since, self._newest)] if self._pm is not None else []
        if self._co2 is not None:
            runs.append(_Ended("co2_ppm", {"co2_ppm": self._co2}, self._co2_since, self._newest))
        for run in (*runs, *self._ended):
            value = values.get(run.quantity)
            if value is None or value != run.values.get(run.quantity) or not run.since <= at_ms <= run.until:
                continue
            if run.quantity == "co2_ppm":
                if at_ms - run.since >= co2_stuck_after_ms(value) <= LIVE_MS:
                    value_flags = _mark(("co2_ppm",), values, value_flags)
            elif (
                _same(values, run.values) and at_ms - run.since >= pm_stuck_after_ms(value, _counted(values)) <= LIVE_MS
            ):
                value_flags = _mark_particles(values, value_flags)
        return value_flags


def _same(values: Mapping[str, float], before: Mapping[str, float]) -> bool:
    return all(values.get(key) == before.get(key) for key in PARTICLES)


def _counted(values: Mapping[str, float]) -> bool:
    return any(key in values for key in COUNTS)


def _mark_particles(values: Mapping[str, float], value_flags: Mapping[str, int]) -> Mapping[str, int]:
    # A chamber at the end of its range stands still because it can say no more; that is told already.
    if value_flags.get("pm25", 0) & Flag.SATURATED:
        return value_flags
    return _mark(PARTICLES, values, value_flags)


def _mark(keys: Iterable[str], values: Mapping[str, float], value_flags: Mapping[str, int]) -> Mapping[str, int]:
    if value_flags.get("co2_ppm", 0) & Flag.SATURATED and "co2_ppm" in keys:
        return value_flags
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
