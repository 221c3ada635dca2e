"""When a sensor sleeps to spare its laser: wake, warm up, measure, sleep. Pure: time is an argument."""

from __future__ import annotations

from classair.config import DutySettings
from classair.timetable import Timetable

SHORTEST_SLEEP_S = 30.0  # less spares nothing


class DutyCycle:
    """One sensor's rhythm. Awake for `warm_up_s` and `measure`, asleep for the rest of each `every`.

    In school hours it measures all the time unless `in_school_hours`; it is awake early enough to be warm when they
    begin. While the time of day is not known it measures all the time.
    """

    def __init__(self, duty: DutySettings | None, warm_up_s: float, timetable: Timetable) -> None:
        self.duty, self._warm_up_s, self._timetable = duty, warm_up_s, timetable
        self._offset_ms: int | None = None

    def know(self, now_s: float, at_ms: int) -> None:
        """What time it is at elapsed() `now_s`; 0 when that is not known."""
        self._offset_ms = at_ms - round(now_s * 1000) if at_ms else None

    def asleep_until(self, now_s: float) -> float | None:
        """The elapsed() time until which it should sleep now; None when it should be awake."""
        duty = self.duty
        if duty is None or self._offset_ms is None:
            return None
        into = now_s % duty.every
        if into < self._warm_up_s + duty.measure:
            return None
        wake_s = now_s - into + duty.every
        if not duty.in_school_hours:
            at_ms = round(now_s * 1000) + self._offset_ms
            if self._timetable.is_occupied(at_ms):
                return None
            begins = self._timetable.next_block_start_ms(at_ms)
            if begins is not None:
                wake_s = min(wake_s, (begins - self._offset_ms) / 1000 - self._warm_up_s)
        return wake_s if wake_s - now_s > 0 else None


def sleeps_enough(duty: DutySettings, warm_up_s: float) -> bool:
    """Whether anything is left of `every` to sleep after warming up and measuring."""
    return duty.every - warm_up_s - duty.measure >= SHORTEST_SLEEP_S
