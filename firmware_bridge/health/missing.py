"""The gap ledger of a bridge: for every reading that was expected of a sensor and is not there, a stretch and a reason.

Pure arithmetic on milliseconds of elapsed(); dating, numbering and keeping are the bridge's affair. Readings and
stretches of a sensor lie end to end: a reading covers the `every_ms` before it, a stretch what lies between.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

from classair.model import MISSING_REASONS

LONGEST_MS: Final = 3_600_000  # a stretch is told of after an hour, so that a long outage shows while it lasts
WELL: Final = ""
_CAUSES: Final = {
    "no_frames": "damaged",
    "failed": "silent",
    "foreign_refused": "damaged",
    "foreign_nothing_read": "no_value",
    "foreign_air_stream": "no_value",
    "foreign_stale": "stale",
    "foreign_stuck": "stale",
    "foreign_unread": "damaged",
    "foreign_no_ear": "silent",
}
_STATES: Final = {"error": "unplugged", "stopped": "off"}


class MissingReadings(NamedTuple):
    """`expected` readings are missing (or came late) in the `length_ms` up to `end_ms` of elapsed time."""

    end_ms: int
    length_ms: int
    expected: int
    reason: str


def reason_of(state: str, cause: str) -> str:
    """What a port's state says of readings that do not come; WELL when it says nothing."""
    if cause in MISSING_REASONS:
        return cause
    if state == "ok":
        return WELL
    return _CAUSES.get(cause) or (state if state in MISSING_REASONS else _STATES.get(state, "silent"))


class SensorLedger:
    """One sensor. `every_ms` is how often a reading is expected."""

    def __init__(self, every_ms: int, began_ms: int, reason: str = "starting") -> None:
        self.every_ms = max(every_ms, 1)
        self.began_ms = began_ms
        self._covered = began_ms  # everything before this is accounted for
        self._reasons: list[tuple[int, str]] = [(began_ms, reason)]
        self._damaged = 0  # candidates refused by their check, when the last reading came
        self._late: tuple[int, int, int] | None = None  # first covered, last, readings measured while away

    # -- what happens --------------------------------------------------------------------------------------------------

    def is_now(self, reason: str, at_ms: int) -> None:
        """From `at_ms` on this is why nothing comes; WELL when it should."""
        if self._reasons[-1][1] != reason:
            self._reasons.append((max(at_ms, self._reasons[-1][0]), reason))

    def was_away(self, end_ms: int, length_ms: int, reason: str) -> MissingReadings | None:
        """Before this ledger began nothing was recorded for so long up to `end_ms`, because of `reason`."""
        expected = _rounded(length_ms, self.every_ms)
        if expected < 1:
            # Less than half an interval: the first reading or stretch takes it in.
            if self._covered == self.began_ms == end_ms:
                self._covered -= max(length_ms, 0)
            return None
        return MissingReadings(end_ms, length_ms, expected, reason)

    def reading(self, at_ms: int, damaged: int = 0) -> list[MissingReadings]:
        """A reading that ends at `at_ms`: what was missing since the one before. `damaged`: refused so far."""
        slots, state = _rounded(at_ms - self._covered, self.every_ms), self._reasons[-1][1]
        if slots >= 2 and state == WELL and damaged > self._damaged:
            self._blame("damaged")
        found = self._split(at_ms - self.every_ms, slots - 1) if slots >= 2 else []
        self._damaged = damaged
        self._covered = max(self._covered, at_ms)
        self._reasons = [(self._covered, state)]
        return found

    def late(self, at_ms: int) -> None:
        """A reading was measured and could not be sent: the connection was down."""
        first, last, count = self._late or (at_ms, at_ms, 0)
        self._late = (min(first, at_ms - self.every_ms), max(last, at_ms), count + 1)

    def due(self, now_ms: int, *, connected: bool) -> list[MissingReadings]:
        """What is to be told now: outages that have lasted for an hour, deliveries that are late no longer."""
        found: list[MissingReadings] = []
        if now_ms - self._covered >= LONGEST_MS:
            # The newest slot may still be filled.
            found += self._up_to(now_ms, (now_ms - self._covered) // self.every_ms - 1)
        return found + self._delivered_late(now_ms, connected)

    def _delivered_late(self, now_ms: int, connected: bool) -> list[MissingReadings]:
        if self._late is None or not (connected or now_ms - self._late[0] >= LONGEST_MS):
            return []
        first, last, count = self._late
        self._late = None
        return [MissingReadings(last, last - first, count, "broker_away")]

    def close(self, now_ms: int) -> list[MissingReadings]:
        """The bridge or the sensor's entry ends: everything up to now."""
        found = self._split(now_ms, _rounded(now_ms - self._covered, self.every_ms))
        return found + self.due(now_ms, connected=True)

    # -- dividing a stretch by its reasons -----------------------------------------------------------------------------

    def _blame(self, reason: str) -> None:
        self._reasons = [(at, reason if known == WELL else known) for at, known in self._reasons]

    def _up_to(self, now_ms: int, slots: int) -> list[MissingReadings]:
        if slots < 1:
            return []
        end = self._covered + slots * self.every_ms
        reason = self._reason_at(now_ms)
        found = self._split(end, slots)
        self._reasons = [(end, reason)]
        return found

    def _reason_at(self, at_ms: int) -> str:
        return [reason for since, reason in self._reasons if since <= at_ms or since == self._reasons[0][0]][-1]

    def _split(self, end: int, slots: int) -> list[MissingReadings]:
        """Divides [covered, end) with `slots` readings among the reasons that held in it, and covers it."""
        start = self._covered
        if slots < 1 or end <= start:
            return []
        parts = self._parts(start, end)
        found: list[MissingReadings] = []
        counted, since = 0, start
        for index, (until, reason) in enumerate(parts):
            whole = slots if index == len(parts) - 1 else _rounded((until - start) * slots, end - start)
            if whole == counted and index < len(parts) - 1:
                continue  # too short to hold a reading: the next part takes it in
            if whole == counted:
                # The last is too short: the one before takes it in.
                before = found.pop()
                found.append(before._replace(end_ms=until, length_ms=before.length_ms + until - since))
                break
            if found and found[-1].reason == reason:
                before = found.pop()
                since, counted = before.end_ms - before.length_ms, counted - before.expected
            found.append(MissingReadings(until, until - since, whole - counted, reason))
            counted, since = whole, until
        self._covered = end
        return found

    def _parts(self, start: int, end: int) -> list[tuple[int, str]]:
        """(end, reason) of each part of [start, end). A port that seemed well takes the reason that came to light."""
        turns = [(max(at, start), reason) for at, reason in self._reasons if at < end]
        reasons = [reason for _, reason in turns]
        for index, reason in enumerate(reasons):
            if reason == WELL:
                later = [known for known in reasons[index + 1 :] if known not in (WELL, "starting")]
                earlier = [known for known in reasons[:index] if known not in (WELL, "starting")]
                reasons[index] = later[0] if later else earlier[-1] if earlier else "silent"
        ends = [at for at, _ in turns[1:]] + [end]
        return [
            (until, reason) for (since, _), until, reason in zip(turns, ends, reasons, strict=True) if until > since
        ]


class BacklogLedger(SensorLedger):
    """Of a device with a clock of its own, which may bring readings long after it measured them and in any order.

    What is missing is told an hour later, so that what comes within it is not called missing; also of the time in which
    the bridge was off, because the device kept its readings meanwhile.
    """

    def __init__(self, every_ms: int, began_ms: int, reason: str = "starting") -> None:
        super().__init__(every_ms, began_ms, reason)
        self._came: list[int] = []  # readings beyond what is accounted for, in order of time

    def was_away(self, end_ms: int, length_ms: int, reason: str) -> MissingReadings | None:
        self._covered = min(self._covered, end_ms - max(length_ms, 0))
        self._reasons.insert(0, (self._covered, reason))
        return None

    def reading(self, at_ms: int, damaged: int = 0) -> list[MissingReadings]:
        place = bisect_left(self._came, at_ms)
        if at_ms > self._covered and self._came[place : place + 1] != [at_ms]:
            self._came.insert(place, at_ms)
        return []

    def due(self, now_ms: int, *, connected: bool) -> list[MissingReadings]:
        found: list[MissingReadings] = []
        if now_ms - self.began_ms >= LONGEST_MS:
            found = self._told_until(now_ms - LONGEST_MS)
            slots = (now_ms - LONGEST_MS - self._covered) // self.every_ms
            if now_ms - self._covered >= 2 * LONGEST_MS and slots >= 1:
                end_ms = self._covered + slots * self.every_ms
                with self._keeping_later(end_ms):
                    found += self._split(end_ms, slots)
        return found + self._delivered_late(now_ms, connected)

    def close(self, now_ms: int) -> list[MissingReadings]:
        """What lies between readings; whatever is behind the newest may still come."""
        return self._told_until(now_ms) + self._delivered_late(now_ms, True)

    def _told_until(self, end_ms: int) -> list[MissingReadings]:
        found: list[MissingReadings] = []
        while self._came and self._came[0] <= end_ms:
            at_ms = self._came.pop(0)
            with self._keeping_later(at_ms):
                found += super().reading(at_ms)
        return found

    @contextmanager
    def _keeping_later(self, at_ms: int) -> Iterator[None]:
        """What the port said after `at_ms` is still needed when everything up to there is told."""
        reason, later = self._reason_at(at_ms), [turn for turn in self._reasons if turn[0] > at_ms]
        yield
        self._reasons = [(self._covered, reason), *later]


def damaged_of(counts: Mapping[str, int]) -> int:
    """How many candidates for a frame a driver has refused by their check."""
    return counts.get("checksum", 0) + counts.get("length", 0)


def _rounded(part: int, whole: int) -> int:
    """The nearest whole number of `whole` in `part`, halves upwards; negative for what lies backwards."""
    return (2 * part + whole) // (2 * whole)
