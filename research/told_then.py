"""What a room's screens showed at the end of a past quarter-hour beside its mean as known now, and why they differ.

A screen shows the window that ends at the newest sample, holds a level for five minutes, and knows what has come by
then; the mean of the quarter is of its own readings, and of all that is known since. A reason is what has to be undone
so that the wall's own way of working it out gives, from the stored readings, the number that was told. Nothing is
guessed: where nothing gives it, the reason is `unknown`. When a reading arrived is not kept; its mark `late` is. Pure.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final, Literal, Protocol

from classair.model import BAD, Flag, Reading
from classair.science.averages import Sample
from classair.science.corrections import Corrections
from classair.science.room_mean import RoomCorrection
from classair.science.state import PM_WINDOW_MS, UNKNOWN_MS, pm25_level, pm25_shown
from classair.science.windows import Window
from classair.units import MINUTE_MS
from research.lesson_slots import SLOT_MS

Reason = Literal[
    "same",  # the number and the level that were told
    "window",  # the screen's quarter of an hour ends at its newest sample
    "held",  # the level that was told is not the one of its own number: it changes after five minutes
    "late_readings",  # readings that were delivered late were not all there yet
    "flagged",  # readings were set aside since
    "configuration",  # a correction was accepted, changed or ended since
    "one_sensor",  # the number is that of one of the room's sensors alone
    "suspect",  # its sensors were not to be trusted then, so no number was shown
    "simulated",  # one of them was simulated, the other measured
    "not_told",  # there is no record of what was shown
    "unknown",  # none of these gives what was told
]

LATER: Final = Flag.SPIKE | Flag.PAIR | Flag.FLOW | Flag.MANUAL
"""Flags that leave a value out and that only a judgement of the settled past, or a person, sets."""
READ_BEFORE_MS: Final = PM_WINDOW_MS + UNKNOWN_MS + 5 * MINUTE_MS
"""Readings before the end of a quarter that what was shown then may rest on."""
_LAG_MS: Final = MINUTE_MS  # a sample, or an accepted correction, may reach the screen so long after
_QUANTITIES: Final = ("pm25", "rh_pct", "temp_c")


class Told(Protocol):
    """A row of the log of what was told, see `classair.alerting.records.ToldRecord`."""

    @property
    def phase(self) -> str: ...

    @property
    def level(self) -> str: ...

    @property
    def shown(self) -> str: ...

    @property
    def simulated(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Explained:
    """`value`: the mean as known now in µg/m³ (None: not known), `shown` and `level` as a screen would write it.

    `late`, `flagged`: readings of PM2.5 from the window's beginning on that were delivered late, and that were set
    aside by a flag that is only set later.
    """

    start_ms: int
    value: float | None
    reasons: tuple[Reason, ...]
    late: int = 0
    flagged: int = 0

    @property
    def shown(self) -> str:
        return pm25_shown(self.value)

    @property
    def level(self) -> str:
        return pm25_level(self.value)


@dataclass(frozen=True, slots=True)
class _As:
    """A way of looking at what is stored: what of it is undone."""

    corrections: Corrections
    undone: Flag = Flag.NONE
    late_until: int | None = None  # of readings that were delivered late, only those measured up to then
    sensor: str = ""


def explain(
    start_ms: int,
    told: Told | None,
    value: float | None,
    readings: Sequence[Reading],
    corrections: Corrections,
    models: Mapping[str, str],
) -> Explained:
    """Of one room. `value`: the quarter's mean as known now. `told`: what stood on its screens at the quarter's end.

    `readings`: every reading of the room from READ_BEFORE_MS before the quarter's end up to, with, that end.
    `corrections`: all that were ever accepted; `models`: of its sensors.
    """
    end = start_ms + SLOT_MS
    about = [one for one in readings if end - PM_WINDOW_MS - _LAG_MS < one.at_ms <= end and "pm25" in one.values]
    known = Explained(
        start_ms,
        value,
        (),
        late=sum(one.late for one in about),
        flagged=sum(bool(one.flags_of("pm25") & LATER) for one in about),
    )
    if told is None:
        return replace(known, reasons=("not_told",))
    reasons: list[Reason] = []
    if told.shown != known.shown:
        reasons += _why_another_number(end, told, readings, corrections, models)
    if told.shown and told.level != pm25_level(float(told.shown)) and told.level != known.level:
        reasons.append("held")
    return replace(known, reasons=tuple(reasons) or ("same",))


def _why_another_number(
    end: int, told: Told, readings: Sequence[Reading], corrections: Corrections, models: Mapping[str, str]
) -> tuple[Reason, ...]:
    if told.phase == "suspect":
        return ("suspect",)
    if any(one.simulated != told.simulated for one in readings):
        return ("simulated",)

    def gives(way: _As) -> bool:
        return told.shown in on_the_wall(readings, end, way, models)

    now = _As(corrections=corrections)
    if gives(now):
        return ("window",)
    ways: list[tuple[Reason, dict[str, object]]] = []
    if any(one.late for one in readings):
        ways.append(("late_readings", {"late_until": 0}))
    if any(one.flags_of("pm25") & LATER for one in readings):
        ways.append(("flagged", {"undone": LATER}))
    if any(one.flags_of("pm25") & Flag.STUCK for one in readings):
        # Judged live as well, but only after a while: with hindsight from the first value on.
        ways.append(("flagged", {"undone": LATER | Flag.STUCK}))
    then = Corrections(tuple(one for one in corrections.accepted if one.accepted_at <= end - _LAG_MS))
    if then != corrections:
        ways.append(("configuration", {"corrections": then}))
    for count in range(1, len(ways) + 1):
        for chosen in combinations(ways, count):
            undone = {name: how for _, part in chosen for name, how in part.items()}
            if gives(replace(now, **undone)):  # type: ignore[arg-type]
                return tuple(dict.fromkeys(reason for reason, _ in chosen))
    # Late readings come in the order of measuring: those up to some minute may have been there.
    for moment in sorted({one.at_ms // MINUTE_MS * MINUTE_MS for one in readings if one.late}):
        if gives(replace(now, late_until=moment)):
            return ("late_readings",)
    sensors = sorted({one.sensor for one in readings if "pm25" in one.values})
    if len(sensors) > 1 and any(gives(replace(now, sensor=sensor)) for sensor in sensors):
        return ("one_sensor",)
    return ("unknown",)


def on_the_wall(readings: Sequence[Reading], end: int, way: _As, models: Mapping[str, str]) -> set[str]:
    """The numbers ("" for none) that a screen may have shown at `end`, by what had reached it."""
    windows = {quantity: Window() for quantity in _QUANTITIES}
    for reading in readings:
        if reading.at_ms > end or way.sensor not in ("", reading.sensor):
            continue
        if reading.late and way.late_until is not None and reading.at_ms > way.late_until:
            continue
        for quantity in _QUANTITIES:
            value = reading.values.get(quantity)
            if value is not None and not reading.flags_of(quantity) & BAD & ~way.undone:
                interval_ms = max(1, round(reading.interval_s * 1000))
                windows[quantity].add(Sample(reading.at_ms, value, interval_ms, reading.sensor))
    mean = RoomCorrection(windows)
    mean.follow(way.corrections, dict(models))
    # After late ones the past is lived through again, minute by minute: the last complete mean may end earlier.
    back_ms = 2 * _LAG_MS if any(one.late for one in readings) else 0
    return set(_numbers(windows["pm25"], mean, end, back_ms))


def _numbers(window: Window, mean: RoomCorrection, end: int, back_ms: int) -> Iterator[str]:
    ends = sorted({one.at for one in window.walk() if one.at > end - UNKNOWN_MS - _LAG_MS})
    seen = list(mean.measures(PM_WINDOW_MS, ends, frozenset()))
    complete = [(at, one.mean) for at, one in zip(ends, seen, strict=True) if one.mean is not None]
    starts = [at for at, _ in complete]
    for moment in {end - _LAG_MS, end, *(at for at in ends if at > end - _LAG_MS)}:
        place = bisect_right(starts, moment) - 1
        # A window that is not complete renews nothing: the last complete one stays until it is too old.
        if place < 0 or moment >= complete[place][0] + UNKNOWN_MS:
            yield ""
        else:
            first = bisect_left(starts, starts[place] - back_ms)
            yield from (pm25_shown(value) for _, value in complete[first : place + 1])
