"""When a message is sent: gathering, pauses between attempts, quiet hours, age. Pure; moments are UTC ms."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

from classair.alerting.words import GROUP_MS, Severity
from classair.timetable import ZONE, HoursOfDay, local_time
from classair.units import HOUR_MS

URGENT_MS: Final = 10_000  # an urgent message waits for others no longer than this
PAUSES_S: Final = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)  # the last one again and again
OLD_MS: Final = 12 * HOUR_MS  # news no more
OLD_URGENT_MS: Final = 24 * HOUR_MS
QUIET: Final = HoursOfDay(time(18), time(6, 30))
"""When people who are not in sensors.yaml get nothing but urgent messages."""
SECOND_AFTER: Final = 6  # attempts in vain, some 9 minutes, after which the second way is tried in turns …
SECOND_AFTER_URGENT: Final = 3  # … and some 50 seconds


def due_at(severity: Severity, now: int, last: int | None) -> int:
    """When a new message is sent. `last`: when the one before, to the same person about the same school, was."""
    wait = URGENT_MS if severity == "urgent" else GROUP_MS
    return max(now + wait, now if last is None else min(last, now) + GROUP_MS)


def quiet_until(quiet: HoursOfDay | None, now: int) -> int | None:
    """The end of the quiet hours that `now` is in; None outside of them."""
    here = local_time(now)
    if quiet is None or not quiet.holds(here.time()):
        return None
    end = datetime.combine(here.date(), quiet.end, ZONE)
    if end <= here:
        end += timedelta(days=1)
    return round(end.timestamp() * 1000)


def pause_ms(attempts: int, wanted_s: float | None = None) -> int:
    """How long to wait after so many attempts; `wanted_s`: what the provider asks for, at least."""
    own = PAUSES_S[min(max(attempts, 1), len(PAUSES_S)) - 1]
    return round(max(own, min(wanted_s or 0.0, OLD_URGENT_MS / 1000)) * 1000)


def too_old(severity: Severity, since: int, now: int) -> bool:
    return now - since > (OLD_URGENT_MS if severity == "urgent" else OLD_MS)


def way_of(attempts: int, ways: int, refused: set[int], urgent: bool) -> int | None:
    """Which of a person's ways is tried next, by number; None when all have refused the message for good."""
    left = [number for number in range(ways) if number not in refused]
    if not left:
        return None
    vain = attempts - (SECOND_AFTER_URGENT if urgent else SECOND_AFTER)
    return left[(vain + 1) % len(left)] if vain >= 0 else left[0]
