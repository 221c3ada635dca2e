"""Means over equal steps of time, with their completeness and correction: the one reader behind pages, API and exports.

What a mean and its completeness are is said in docs/science.md, "Data completeness". Steps longer than an hour are
averaged from corrected hours, never corrected themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from classair.config import Config
from classair.model import BAD_CLASS_NAMES, QUANTITIES
from classair.science.averages import COMPLETE
from classair.science.corrections import NONE, PUBLISHED, SHORTEST_MS, Correction, Corrections
from classair.stores import Store
from classair.stores.bucket_columns import BucketColumns, joined
from classair.stores.steps import bucket_start
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from research.lesson_slots import SLOT_MS, LessonSlots
from research.mean_columns import Completeness, MeanColumns, as_measured, closed, put_together
from research.selection import Selection, SelectionRefused

if TYPE_CHECKING:
    from research.mean_columns import Floats, Ints


@dataclass(slots=True)
class MeanRow:
    """One quantity over one step, from `start_ms`: of one sensor, or of a room with `sensor` naming all of its.

    `n` counts valid readings; `expected`: as many as the step holds, of lesson time alone when only that is asked for;
    `completeness`: the share of them that is there, 0 to 1. `mean` is as measured; `corrected`, `low` and `high` are
    after `correction` (its label; `none`: as measured). `value` is `corrected` where the row is `complete`; else None,
    and `why` says the reason.
    """

    room: str
    sensor: str
    quantity: str
    start_ms: int
    n: int = 0
    expected: float | None = None
    completeness: float = 0.0
    complete: bool = False
    mean: float | None = None
    corrected: float | None = None
    low: float | None = None
    high: float | None = None
    suspect: int = 0
    bad: dict[str, int] = field(default_factory=dict)
    correction: str = "none"
    why: str = ""

    @property
    def value(self) -> float | None:
        return self.corrected if self.complete else None


@dataclass(frozen=True, slots=True)
class MeansAsked:
    """Over which steps: those that begin in start_ms … end_ms. `method`, `lesson`, `completeness` as in a Selection.

    `until_ms` is the present, where steps in progress are to count the time that has passed; None counts every step
    whole, so that the same data always give the same answer. Without `ends`, low and high of corrected steps are left
    out.
    """

    start_ms: int
    end_ms: int
    step_ms: int
    method: str = "none"
    lesson: bool = False
    completeness: float = COMPLETE
    until_ms: int | None = None
    ends: bool = True


class MeansReader:
    """Reads means from a store. Raises StoreAway."""

    def __init__(self, store: Store, config: Config, corrections: Corrections) -> None:
        self._store, self._config, self._corrections = store, config, corrections
        self._models = {full: sensor.model for full, sensor in config.sensors()}
        self._lessons: dict[tuple[int, int], LessonSlots] = {}

    def selected(self, selection: Selection, until_ms: int | None = None) -> Iterator[MeanRow]:
        """By room, sensor and quantity, oldest first; steps without any reading are absent.

        Raises SelectionRefused for a room nobody knows, a method nobody knows, or one that a step is too short for.
        """
        asked = self.asked(selection, until_ms)
        for room, sensor in self.sensors(selection):
            for quantity in selection.quantities:
                yield from self.of_sensor(room, sensor, quantity, asked)

    def sensors(self, selection: Selection) -> Iterator[tuple[str, str]]:
        """Every (room, sensor) of a selection, in order. Raises SelectionRefused for a room nobody knows."""
        rooms = set(self._store.rooms()) | {room for room, _ in self._config.rooms()}
        for room in selection.rooms:
            if room not in rooms:
                raise SelectionRefused([f"rooms: unknown room {room!r}"], [("rooms", "unknown_room")])
            for sensor in self._store.sensors(room):
                yield room, sensor

    def asked(self, selection: Selection, until_ms: int | None = None) -> MeansAsked:
        """What a selection asks for. Raises SelectionRefused."""
        if not selection.step_ms:
            raise SelectionRefused(
                ["step: single readings have no averages; query them as readings"], [("step", "step_of_readings")]
            )
        if selection.method not in ("none", "accepted"):
            chosen = self._corrections.get(selection.method)
            if chosen is None:
                known = [*PUBLISHED, *sorted({one.id for one in self._corrections.accepted})]
                raise SelectionRefused(
                    [f"method: unknown correction {selection.method!r}; known: accepted, {', '.join(known)}"],
                    [("method", "form")],
                )
            if "pm25" in selection.quantities and not QUANTITIES[chosen.input].shown and selection.step_ms < HOUR_MS:
                raise SelectionRefused(
                    [f"step: {chosen.id} needs {chosen.input}, which is stored by the hour; choose 1h or 1d"],
                    [("step", "step_by_hour")],
                )
        if selection.method != "none" and selection.step_ms < SHORTEST_MS:
            raise SelectionRefused(
                ["step: corrections need an averaging interval of at least 5m"], [("step", "step_too_short")]
            )
        return MeansAsked(
            selection.start_ms,
            selection.end_ms,
            selection.step_ms,
            selection.method,
            selection.lesson,
            selection.completeness,
            until_ms,
        )

    def of_room(self, room: str, quantity: str, asked: MeansAsked) -> list[MeanRow]:
        """A room's steps, its sensors put together, oldest first."""
        found = [list(self.of_sensor(room, sensor, quantity, asked)) for sensor in self._store.sensors(room)]
        return pooled([row for rows in found for row in rows], asked.completeness)

    def of_sensor(self, room: str, sensor: str, quantity: str, asked: MeansAsked) -> list[MeanRow]:
        """A sensor's steps in one room, oldest first."""
        return rows(self.columns(room, sensor, quantity, asked))

    def columns(self, room: str, sensor: str, quantity: str, asked: MeansAsked) -> MeanColumns:
        """The same as arrays."""
        model = self._models.get(sensor, "")
        spans = self._spans(sensor, model, quantity, asked)
        plain = all(one.method == "none" for _, _, one in spans)
        piece_ms = asked.step_ms if plain else min(asked.step_ms, HOUR_MS)
        needed = [quantity, *(one.input for _, _, one in spans if one.method != "none")]
        lessons = None
        if asked.lesson:
            lessons = self._lesson_slots(room, _slot(asked.step_ms, needed))

        def pieces(key: str) -> BucketColumns:
            return self._pieces(room, sensor, key, asked, piece_ms, lessons)

        closing = Completeness(
            asked.step_ms,
            lessons,
            asked.until_ms,
            lambda day: 1000 * (self._store.interval_at(room, sensor, day) or 0.0),
        )
        whole = pieces(quantity)
        told = as_measured(whole)
        if not plain:
            others = [*needed[1:], "rh_pct", *(["temp_c"] if any(one.how.needs_temp for _, _, one in spans) else [])]
            beside = {key: whole if key == quantity else pieces(key) for key in dict.fromkeys(others)}
            whole, told = put_together(
                whole, beside, spans, (sensor, model), asked.step_ms, asked.completeness, asked.ends
            )
        return closed((room, sensor, quantity), whole, told, closing, asked.completeness)

    def _lesson_slots(self, room: str, slot_ms: int) -> LessonSlots:
        """Rooms of one timetable share what is known of its days."""
        table = self._config.timetable_of(room) if self._config.has_room(room) else None
        return self._lessons.setdefault((id(table), slot_ms), LessonSlots(table, slot_ms))

    def _spans(
        self, sensor: str, model: str, quantity: str, asked: MeansAsked
    ) -> Sequence[tuple[int, int, Correction]]:
        # A step belongs to the correction that holds when it begins, which may be before what is asked for.
        first = bucket_start(asked.start_ms, asked.step_ms)
        end = bucket_start(asked.end_ms, asked.step_ms) + asked.step_ms
        if quantity == "pm25" and asked.method == "accepted":
            return self._corrections.spans(sensor, first, end, model, quantity)
        one = self._corrections.get(asked.method) if quantity == "pm25" else None
        return [(first, end, one or NONE)]

    def _pieces(
        self, room: str, sensor: str, quantity: str, asked: MeansAsked, piece_ms: int, lessons: LessonSlots | None
    ) -> BucketColumns:
        """Stored buckets; with `lessons` put together from those slots that count, and what lies between is not read.

        Whole hours of lessons are read as such.
        """
        if lessons is None:
            return self._store.columns(room, quantity, [(asked.start_ms, asked.end_ms)], piece_ms, sensor)
        hours, slots = lessons.stretches(asked.start_ms, asked.end_ms, piece_ms)
        # One cheap look spares a sensor that does not know the quantity the many of its lessons.
        if not self._store.columns(room, quantity, [(asked.start_ms, asked.end_ms)], DAY_MS, sensor):
            hours = slots = []
        found = joined(
            quantity,
            (
                self._store.columns(room, quantity, hours, HOUR_MS, sensor),
                self._store.columns(room, quantity, slots, lessons.slot_ms, sensor),
            ),
        )
        return found.placed(found.start_ms - (found.start_ms - bucket_start(0, piece_ms)) % piece_ms)


def rows(columns: MeanColumns) -> list[MeanRow]:
    """One MeanRow for each step."""
    room, sensor, quantity = columns.room, columns.sensor, columns.quantity
    flawed = np.any(columns.bad, axis=1)
    return [
        MeanRow(
            room,
            sensor,
            quantity,
            start,
            n,
            expected,
            share,
            complete,
            mean,
            corrected,
            low,
            high,
            suspect,
            _by_class(columns.bad[place]) if flawed[place] else {},
            correction,
            why,
        )
        for place, (start, n, expected, share, complete, mean, corrected, low, high, suspect, correction, why) in (
            enumerate(
                zip(
                    columns.start_ms.tolist(),
                    columns.n.tolist(),
                    _known(columns.expected),
                    columns.completeness.tolist(),
                    columns.complete.tolist(),
                    _known(columns.mean),
                    _known(columns.corrected),
                    _known(columns.low),
                    _known(columns.high),
                    columns.suspect.tolist(),
                    columns.correction,
                    columns.why,
                    strict=True,
                )
            )
        )
    ]


def _known(values: Floats) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]


def _by_class(counts: Ints) -> dict[str, int]:
    return {name: count for name, count in zip(BAD_CLASS_NAMES, counts.tolist(), strict=True) if count}


def pooled(rows: Iterable[MeanRow], completeness: float = COMPLETE) -> list[MeanRow]:
    """Rows of one room and quantity put together over its sensors: every valid reading counts alike.

    A step is as complete as its most complete sensor: one dead sensor of two does not silence the room.
    """
    found = []
    for _, group in groupby(sorted(rows, key=attrgetter("start_ms")), key=attrgetter("start_ms")):
        parts = list(group)
        first = parts[0]
        if len(parts) == 1:
            found.append(first)
            continue
        valid = [row for row in parts if row.n]
        labels = {label for row in valid or parts for label in row.correction.split(",")}
        best = max(row.completeness for row in parts)
        whole = MeanRow(
            first.room,
            ",".join(row.sensor for row in parts),
            first.quantity,
            first.start_ms,
            n=sum(row.n for row in valid),
            completeness=best,
            complete=bool(valid) and best >= completeness,
            mean=_weighed([(row.mean, row.n) for row in valid]),
            corrected=_weighed([(row.corrected, row.n) for row in valid]),
            low=min((row.low for row in valid if row.low is not None), default=None),
            high=max((row.high for row in valid if row.high is not None), default=None),
            suspect=sum(row.suspect for row in parts),
            correction=",".join(sorted(labels)),
        )
        whole.expected = whole.n / best if best else first.expected
        for row in parts:
            for name, count in row.bad.items():
                whole.bad[name] = whole.bad.get(name, 0) + count
        if whole.value is None:
            whole.why = next((row.why for row in parts if row.why), "") if whole.complete else "incomplete"
        found.append(whole)
    return found


def lesson_steps(config: Config, selection: Selection, room: str, until_ms: int) -> int:
    """How many steps of a selection hold lesson time of a room and have begun by `until_ms`."""
    if not config.has_room(room):
        return 0
    lessons = LessonSlots(config.timetable_of(room), _slot(selection.step_ms, selection.quantities[:1]))
    return len(
        {
            bucket_start(at, selection.step_ms)
            for begin, end in lessons.spans(selection.start_ms, selection.end_ms)
            for at in range(begin, min(end, until_ms), lessons.slot_ms)
            if lessons.holds(at)
        }
    )


def _slot(step_ms: int, needed: Sequence[str]) -> int:
    """The length of the stored buckets that lesson time is put together from, such that all that is needed is kept."""
    shortest = MINUTE_MS if all(QUANTITIES[quantity].shown for quantity in needed) else HOUR_MS
    return max(min(step_ms, SLOT_MS), shortest)


def _weighed(parts: Sequence[tuple[float | None, int]]) -> float | None:
    valid = [(value, n) for value, n in parts if value is not None]
    total = sum(n for _, n in valid)
    return round(sum(value * n for value, n in valid) / total, 6) if total else None
