"""A room's lesson time in 15-minute slots, inside and outside: the one source of every report, digest and paper.

A slot is a mean as in docs/science.md ("Data completeness"), so the same slot has the same number here, on the room's
page, in the explorer and in exports. Nothing is guessed: a slot without a value is "no data" and stands in no mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from classair.config import Config
from classair.science.indexes.thai2023 import INDEX
from classair.timetable import day_start_ms, local_time
from classair.units import DAY_MS
from research.lesson_slots import SLOT_MS, LessonSlots
from research.means import MeansAsked, MeansReader

NO_DATA: Final = "no_data"
LEVELS: Final = (*(band.key for band in INDEX.scales["pm25"].bands), NO_DATA)
"""From the cleanest to the worst, then the share of its own of what is not known."""
FRESH_PPM: Final = 1000.0
STUFFY_PPM: Final = 1500.0
ABOVE_MODERATE: Final = frozenset(LEVELS[3:5])
GOOD: Final = frozenset(LEVELS[:2])
PAIRED_LEAST: Final = 0.75
"""The share of a day's slots that must have both values before inside and outside are compared."""


def largest_remainder(counts: Sequence[int], whole: int = 100) -> list[int]:
    """Whole shares that add up to `whole`; the largest remainders are rounded up. All zero of nothing."""
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    shares = [whole * count // total for count in counts]
    left = sorted(range(len(counts)), key=lambda i: (-(whole * counts[i] % total), i))
    for place in left[: whole - sum(shares)]:
        shares[place] += 1
    return shares


@dataclass(frozen=True, slots=True)
class LessonSlot:
    """A quarter of an hour of lessons from `start_ms` (UTC). PM2.5 in µg/m³, CO2 in ppm; None is not known."""

    start_ms: int
    pm25: float | None = None
    outdoor: float | None = None
    co2: float | None = None

    @property
    def level(self) -> str:
        """A key of LEVELS, from the value rounded half up to 0.1."""
        return (INDEX.level("pm25", self.pm25) if self.pm25 is not None else None) or NO_DATA

    @property
    def paired(self) -> bool:
        return self.pm25 is not None and self.outdoor is not None


@dataclass(frozen=True, slots=True)
class LessonAir:
    """Some lesson time of one room, oldest first; only slots that were over by `until_ms`.

    `yard`: the place outdoors that `outdoor` is of, "" where the school has none.
    """

    room: str
    slots: tuple[LessonSlot, ...]
    yard: str = ""

    @property
    def known(self) -> tuple[LessonSlot, ...]:
        return tuple(slot for slot in self.slots if slot.pm25 is not None)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many slots lay in each of LEVELS."""
        levels = [slot.level for slot in self.slots]
        return tuple(levels.count(level) for level in LEVELS)

    @property
    def percent(self) -> list[int]:
        """Shares of all lesson time by LEVELS, `no_data` too: whole per cent that add up to 100."""
        return largest_remainder(self.counts)

    @property
    def good_percent(self) -> int | None:
        """Of lesson time with data, good or very good: what the two shares of `percent` add up to where nothing is
        missing. None without data."""
        counts = [count for level, count in zip(LEVELS, self.counts, strict=True) if level != NO_DATA]
        return sum(largest_remainder(counts)[: len(GOOD)]) if any(counts) else None

    @property
    def known_share(self) -> float:
        """The part of lesson time that has a value, 0 to 1; 0 of no lessons."""
        return len(self.known) / len(self.slots) if self.slots else 0.0

    def share_in(self, levels: Iterable[str]) -> float | None:
        """The part of lesson time *with* data that lay in these levels, 0 to 1; None without data."""
        wanted, known = frozenset(levels), self.known
        return sum(slot.level in wanted for slot in known) / len(known) if known else None

    def hours_in(self, levels: Iterable[str]) -> float:
        wanted = frozenset(levels)
        return sum(slot.level in wanted for slot in self.slots) * SLOT_MS / 3_600_000

    @property
    def mean(self) -> float | None:
        """µg/m³ inside, of all slots with a value."""
        return _mean(slot.pm25 for slot in self.slots)

    @property
    def paired_means(self) -> tuple[float, float] | None:
        """µg/m³ inside and outside, of the slots that have both; None where none has."""
        pairs = [slot for slot in self.slots if slot.paired]
        inside, outside = _mean(slot.pm25 for slot in pairs), _mean(slot.outdoor for slot in pairs)
        return (inside, outside) if inside is not None and outside is not None else None

    @property
    def paired_share(self) -> float:
        return sum(slot.paired for slot in self.slots) / len(self.slots) if self.slots else 0.0

    @property
    def fresh_share(self) -> float | None:
        """The part of slots with CO2 that had at most 1000 ppm; None without CO2."""
        values = [slot.co2 for slot in self.slots if slot.co2 is not None]
        return sum(value <= FRESH_PPM for value in values) / len(values) if values else None

    def stuffy_minutes(self) -> int | None:
        """Minutes of slots above 1500 ppm; None without CO2."""
        values = [slot.co2 for slot in self.slots if slot.co2 is not None]
        return sum(value > STUFFY_PPM for value in values) * SLOT_MS // 60_000 if values else None

    @property
    def highest(self) -> LessonSlot | None:
        """The quarter of an hour with the most dust, the earliest of equals."""
        return max(self.known, key=lambda slot: (slot.pm25 or 0.0, -slot.start_ms), default=None)

    @property
    def highest_outdoor_level(self) -> str:
        """The worst level of a slot outdoors; NO_DATA where nothing is known."""
        outside = [INDEX.level("pm25", slot.outdoor) for slot in self.slots if slot.outdoor is not None]
        return max((level for level in outside if level), key=LEVELS.index, default=NO_DATA)

    def days(self) -> dict[date, LessonAir]:
        """The same by local day; days without lessons are absent."""
        found: dict[date, list[LessonSlot]] = {}
        for slot in self.slots:
            found.setdefault(local_time(slot.start_ms).date(), []).append(slot)
        return {day: LessonAir(self.room, tuple(slots), self.yard) for day, slots in found.items()}

    def cleaner_each_day(self) -> bool:
        """Whether inside was lower than outside at the same time on every day, each with enough pairs to say so."""
        days = self.days().values()
        for one in days:
            means = one.paired_means
            if one.paired_share < PAIRED_LEAST or means is None or means[0] >= means[1]:
                return False
        return bool(days)


class LessonReader:
    """Reads lesson time; what the rooms of one school share (its yard) is read once. Raises StoreAway."""

    def __init__(self, reader: MeansReader, config: Config, until_ms: int) -> None:
        """`until_ms`: the present; slots that are not over by then are left out."""
        self._reader, self._config, self._until_ms = reader, config, until_ms
        self._yards: dict[tuple[str, date, date], dict[int, float]] = {}

    def of_room(self, room: str, first: date, last: date) -> LessonAir:
        """Lesson time of the local days first … last; empty for a room without lessons in that time."""
        start, end = day_start_ms(first), day_start_ms(last) + DAY_MS
        table = LessonSlots(self._config.timetable_of(room), SLOT_MS)
        starts = [
            at
            for begin, stop in table.spans(start, end)
            for at in range(begin, stop, SLOT_MS)
            if table.holds(at) and at + SLOT_MS <= self._until_ms
        ]
        if not starts:
            return LessonAir(room, ())
        yard = self._config.outdoor_of(room)
        yard = "" if yard is None or yard == room else yard
        inside, co2 = (self._values(room, quantity, first, last) for quantity in ("pm25", "co2_ppm"))
        outside = self._of_yard(yard, first, last) if yard else {}
        slots = tuple(LessonSlot(at, inside.get(at), outside.get(at), co2.get(at)) for at in starts)
        return LessonAir(room, slots, yard)

    def _of_yard(self, yard: str, first: date, last: date) -> dict[int, float]:
        key = (yard, first, last)
        if key not in self._yards:
            self._yards[key] = self._values(yard, "pm25", first, last)
        return self._yards[key]

    def _values(self, room: str, quantity: str, first: date, last: date) -> dict[int, float]:
        found: dict[int, float] = {}
        day = first
        while day <= last:
            start = day_start_ms(day)
            asked = MeansAsked(start, start + DAY_MS, SLOT_MS, "accepted", ends=False)
            rows = self._reader.of_room(room, quantity, asked)
            found |= {row.start_ms: row.value for row in rows if row.value is not None}
            day += timedelta(days=1)
        return found


def school_days(config: Config, room: str, first: date, last: date) -> list[date]:
    """The days of a room's timetable that were taught, in order."""
    table: Callable[[date], bool] = config.timetable_of(room).school_day
    return [day for day in (first + timedelta(days=n) for n in range((last - first).days + 1)) if table(day)]


def _mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
