"""What a school day does to a room: children, windows, doors, brooms, chalk and the kitchen, minute by minute."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Final

from classair.config import Room
from classair.timetable import HoursOfDay, Timetable
from classair.units import DAY_MS
from simulator.physics import chance
from simulator.physics.room import Doing
from simulator.physics.weather import BANGKOK_MS

_EPOCH: Final = date(1970, 1, 1)
_MINUTES: Final = 1440
_BETWEEN_LESSONS: Final = 0.4  # share of the class that is in the room outside of lessons
_SWEEPING_MIN: Final = 14  # after school
_SWEEP: Final = (90.0, 500.0)  # fine and coarse dust stirred up, µg/(m³·h)
_COOKING: Final = HoursOfDay(time(10, 40), time(11, 40))
_COOKING_FINE: Final = 22.0  # the kitchen's smoke in the rooms beside it, µg/(m³·h)
_LESSON: Final = (3.0, 25.0)  # chalk and clothes at full attendance, µg/(m³·h)
NOTHING: Final = Doing()


class Routine:
    """One room's days. `name` is `<site>.<room>`; the same seed and name give the same attendance every time."""

    def __init__(self, seed: str, name: str, room: Room, timetable: Timetable) -> None:
        self._seed, self._name, self._room, self._timetable = seed, name, room, timetable
        self._days: dict[int, tuple[Doing, ...]] = {}

    def at(self, at_ms: int) -> Doing:
        """What happens at a moment (UTC ms)."""
        day, rest = divmod(at_ms + BANGKOK_MS, DAY_MS)
        minutes = self._days.get(day)
        if minutes is None:
            if len(self._days) > 3:
                self._days.clear()
            minutes = self._days[day] = self._plan(day)
        return minutes[rest // 60_000]

    def _plan(self, day: int) -> tuple[Doing, ...]:
        date_of = _EPOCH + timedelta(days=day)
        occupied = _minutes(self._timetable.occupied_spans(date_of))
        if self._room.outdoor or not (occupied or self._timetable.school_day(date_of)):
            return (NOTHING,) * _MINUTES
        attendance = chance.between(0.86, 1.0, f"{self._seed}.{self._name}|attendance", day)
        lessons = _minutes(self._timetable.lesson_spans(date_of))
        windows = _minutes(self._room.windows.open) if self._room.windows.openable else frozenset()
        cooking = _minutes([_COOKING])
        last = max(occupied, default=-1) + 1
        sweeping = frozenset(range(last, last + _SWEEPING_MIN)) if last else frozenset()
        kinds: dict[tuple[bool, ...], Doing] = {}
        plan = []
        for minute in range(_MINUTES):
            kind = tuple(minute in part for part in (occupied, lessons, windows, cooking, sweeping))
            if kind not in kinds:
                kinds[kind] = self._doing(attendance, *kind)
            plan.append(kinds[kind])
        return tuple(plan)

    def _doing(
        self, attendance: float, occupied: bool, lesson: bool, windows: bool, cooking: bool, sweeping: bool
    ) -> Doing:
        share = attendance * (1.0 if lesson else _BETWEEN_LESSONS) if occupied else 0.0
        fine = share * _LESSON[0] + cooking * _COOKING_FINE + sweeping * _SWEEP[0]
        coarse = share * _LESSON[1] + sweeping * _SWEEP[1]
        # In lessons the door stands shut half of the time; at breaks the class goes in and out.
        door = 0.5 if lesson else 1.0
        return Doing(
            people=self._room.capacity * share,
            windows_open=self._room.windows.count if windows else 0,
            door=door if occupied or sweeping else 0.0,
            fine_source=fine,
            coarse_source=coarse,
        )


def _minutes(spans: list[HoursOfDay] | tuple[HoursOfDay, ...]) -> frozenset[int]:
    """Minutes of the day that lie in the spans."""
    return frozenset(minute for span in spans for minute in range(span.begin_ms // 60_000, span.end_ms // 60_000))
