"""A selection's rows, sensor by sensor, corrected and with completeness: the table behind explorer, export and API.

Days and weeks are averaged from their hours when a correction is not linear in what it needs, never from a mean of
means; n is carried along, so that every mean can be put together again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from classair.config import Config
from classair.model import QUANTITIES, Bucket
from classair.science.corrections import NONE, PUBLISHED, SHORTEST_MS, Correction, Corrections
from classair.stores import BANGKOK_MS, Store
from classair.timetable import Timetable, local_time
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from research.selection import Selection, SelectionRefused

SLOT_MS: Final = 15 * MINUTE_MS
"""Lesson time is counted in slots of so long; a slot belongs to it when it lies wholly inside a lesson."""

NOT_MEANT: Final = "not_for_this_sensor"
"""Why there is no value: the chosen correction was made for other sensors, another make or another time."""


@dataclass(slots=True)
class Row:
    """One sensor's quantity over one step, from `start_ms`; n, low and high are of valid values, in its own unit.

    `expected`: readings that a whole step holds at the interval the sensor had at the time, of lesson time alone when
    only that is asked for. `value` is the mean after `correction` (a label; `none`: as measured); None below the
    selection's completeness, without a valid value, or when the correction has none (`why`).
    """

    room: str
    sensor: str
    quantity: str
    start_ms: int
    n: int = 0
    expected: float | None = None
    mean: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    suspect: int = 0
    bad: dict[str, int] = field(default_factory=dict)
    correction: str = "none"
    why: str = ""

    @property
    def completeness(self) -> float | None:
        """The share of the expected readings that are valid, 0 to 1."""
        if not self.expected:
            return None
        return min(1.0, self.n / self.expected)


def rows(
    store: Store, config: Config, corrections: Corrections, selection: Selection, *, whole: Selection | None = None
) -> Iterator[Row]:
    """By room, sensor and quantity, oldest first; steps without any reading are absent.

    `whole`: the selection that this one is a part of, so that parts put together are its rows to the last digit.

    Raises SelectionRefused for a room nobody knows, a method nobody knows, or one that a step is too short for;
    StoreAway.
    """
    if not selection.step_ms:
        raise SelectionRefused(["step: single readings are not averaged; ask for them as readings"])
    chosen = None if selection.method in ("none", "accepted") else corrections.get(selection.method)
    if selection.method not in ("none", "accepted") and chosen is None:
        known = [*PUBLISHED, *sorted({one.id for one in corrections.accepted})]
        raise SelectionRefused(
            [f"method: there is no correction {selection.method!r}; there are accepted, {', '.join(known)}"]
        )
    if selection.method != "none" and selection.step_ms < SHORTEST_MS:
        raise SelectionRefused(["step: corrections hold for means over at least 5m"])
    if (
        chosen is not None
        and "pm25" in selection.quantities
        and not QUANTITIES[chosen.input].shown
        and (selection.step_ms < HOUR_MS)
    ):
        raise SelectionRefused([f"step: {chosen.id} works on {chosen.input}, which is kept by the hour; 1h or 1d"])
    rooms = set(store.rooms()) | {room for room, _ in config.rooms()}
    for room in selection.rooms:
        if room not in rooms:
            raise SelectionRefused([f"rooms: {room!r} is not known"])
        for sensor in store.sensors(room):
            for quantity in selection.quantities:
                yield from _of(
                    store, config, corrections, selection, chosen, room, sensor, quantity, whole or selection
                )


def pooled(table: Iterable[Row], completeness: float) -> list[Row]:
    """Rows of one room and quantity put together over its sensors, weighed by n; `sensor` names them all.

    A step is as complete as its most complete sensor: one dead sensor of two does not silence the room.
    """
    found = []
    for start, group in groupby(sorted(table, key=lambda row: row.start_ms), key=lambda row: row.start_ms):
        parts = list(group)
        first = parts[0]
        if len(parts) == 1:
            found.append(first)
            continue
        whole = Row(
            first.room,
            ",".join(row.sensor for row in parts),
            first.quantity,
            start,
            correction=",".join(sorted({row.correction for row in parts})),
        )
        valid = [row for row in parts if row.n]
        whole.n = sum(row.n for row in valid)
        whole.mean = _weighed([(row.mean, row.n) for row in valid])
        corrected = [row for row in valid if row.value is not None]
        best = max((row.completeness for row in parts if row.completeness is not None), default=None)
        if best is None or best >= completeness:
            whole.value = _weighed([(row.value, row.n) for row in corrected])
        whole.expected = None if best is None or best <= 0 else whole.n / best
        whole.low = min((row.low for row in valid if row.low is not None), default=None)
        whole.high = max((row.high for row in valid if row.high is not None), default=None)
        whole.suspect = sum(row.suspect for row in parts)
        for row in parts:
            for name, count in row.bad.items():
                whole.bad[name] = whole.bad.get(name, 0) + count
        whole.why = "" if whole.value is not None else next((row.why for row in parts if row.why), "")
        found.append(whole)
    return found


def _of(
    store: Store,
    config: Config,
    corrections: Corrections,
    selection: Selection,
    chosen: Correction | None,
    room: str,
    sensor: str,
    quantity: str,
    whole: Selection,
) -> Iterator[Row]:
    model = _model(config, sensor)
    spans = [(selection.start_ms, selection.end_ms, NONE)]
    if quantity == "pm25" and chosen is not None:
        spans = [(selection.start_ms, selection.end_ms, chosen)]
    elif quantity == "pm25" and selection.method == "accepted":
        spans = corrections.spans(sensor, selection.start_ms, selection.end_ms, model, quantity)
    plain = all(span[2].method == "none" for span in spans)
    fine_ms = _fine(selection, [quantity, *(span[2].input for span in spans if span[2].method != "none")], plain)
    table = config.timetable_of(room) if config.has_room(room) else None
    lessons = _Lessons(table, fine_ms) if selection.lesson else None
    expected = _Expected(store, whole, lessons, room, sensor)

    if plain and lessons is None:
        yield from _as_measured(store, selection, expected, room, sensor, quantity)
        return

    def asked(key: str) -> dict[int, Bucket]:
        # Of a school year a sixth is lessons: what lies between is not even read.
        spans = [(selection.start_ms, selection.end_ms)] if lessons is None else lessons.spans(selection)
        return {
            bucket.start_ms: bucket
            for begin, end in spans
            for bucket in store.series(room, key, begin, end, fine_ms, sensor)
            if lessons is None or lessons.holds(bucket.start_ms)
        }

    # One cheap look spares a sensor that does not know the quantity the many of its lessons.
    if lessons is not None and not store.series(room, quantity, selection.start_ms, selection.end_ms, DAY_MS, sensor):
        return
    measured = asked(quantity)
    humidity = asked("rh_pct") if not plain else {}
    warmth = asked("temp_c") if any(span[2].how.needs_temp for span in spans) else {}
    others = {span[2].input for span in spans if span[2].method != "none"} - {quantity}
    inputs = {key: asked(key) for key in sorted(others)}
    open_row: Row | None = None
    weighed: list[tuple[float | None, int]] = []
    for start in sorted(measured):
        place = (start + BANGKOK_MS) // selection.step_ms * selection.step_ms - BANGKOK_MS
        if open_row is None or open_row.start_ms != place:
            if open_row is not None:
                yield _closed(open_row, weighed, selection, expected)
            open_row, weighed = Row(room, sensor, quantity, place), []
        bucket, correction = measured[start], _in_force(spans, start)
        _join(open_row, bucket)
        if bucket.n and not _meant(correction, sensor, start, model):
            weighed.append((None, bucket.n))
            open_row.correction, open_row.why = correction.label, NOT_MEANT
        elif bucket.n:
            source = inputs[correction.input].get(start) if correction.input in inputs else bucket
            told = correction.correct(
                source.mean if source else None,
                _mean(humidity.get(start)),
                _mean(warmth.get(start)),
                span_ms=max(fine_ms, 1),
            )
            weighed.append((told.value, bucket.n))
            open_row.correction, open_row.why = correction.label, told.why or open_row.why
    if open_row is not None:
        yield _closed(open_row, weighed, selection, expected)


def _as_measured(
    store: Store, selection: Selection, expected: _Expected, room: str, sensor: str, quantity: str
) -> Iterator[Row]:
    """The short way where nothing is corrected and no time left out: a stored bucket is a step."""
    for bucket in store.series(room, quantity, selection.start_ms, selection.end_ms, selection.step_ms, sensor):
        row = Row(
            room,
            sensor,
            quantity,
            bucket.start_ms,
            bucket.n,
            expected.of(bucket.start_ms),
            bucket.mean,
            bucket.mean,
            bucket.low,
            bucket.high,
            bucket.suspect,
            bucket.bad,
        )
        share = row.completeness
        if share is not None and share < selection.completeness:
            row.value, row.why = None, "incomplete"
        yield row


def lesson_steps(config: Config, selection: Selection, room: str, until_ms: int) -> int:
    """How many steps of a selection hold lesson time of a room and have begun by `until_ms`."""
    if not config.has_room(room):
        return 0
    slot_ms = _fine(selection, selection.quantities[:1], plain=True)
    lessons = _Lessons(config.timetable_of(room), slot_ms)
    return len(
        {
            (at + BANGKOK_MS) // selection.step_ms
            for begin, end in lessons.spans(selection)
            for at in range(begin, min(end, until_ms), slot_ms)
            if lessons.holds(at)
        }
    )


def _fine(selection: Selection, needed: Sequence[str], plain: bool) -> int:
    """The length of the stored buckets a step is put together from, such that all that is needed is kept in it."""
    shortest = MINUTE_MS if all(QUANTITIES[quantity].shown for quantity in needed) else HOUR_MS
    if selection.lesson:
        return max(min(selection.step_ms, SLOT_MS), shortest)
    return selection.step_ms if plain else min(selection.step_ms, HOUR_MS)


class _Lessons:
    """Which stretches of `length_ms` lie wholly inside a lesson."""

    def __init__(self, table: Timetable | None, length_ms: int) -> None:
        self._table, self._length = table, length_ms
        self._days: dict[int, list[tuple[int, int]]] = {}

    def holds(self, start_ms: int) -> bool:
        day, inside = divmod(start_ms + BANGKOK_MS, DAY_MS)
        return any(begin <= inside and inside + self._length <= end for begin, end in self._of(day))

    def inside(self, start_ms: int, step_ms: int) -> int:
        """How many ms of a step are counted."""
        return sum(self._length for at in range(start_ms, start_ms + step_ms, self._length) if self.holds(at))

    def spans(self, selection: Selection) -> list[tuple[int, int]]:
        """UTC ms from the first slot to behind the last of each day that has lessons."""
        found = []
        for day in range((selection.start_ms + BANGKOK_MS) // DAY_MS, (selection.end_ms + BANGKOK_MS) // DAY_MS):
            if lessons := self._of(day):
                begin = min(at for at, _ in lessons) // self._length * self._length
                end = -(-max(at for _, at in lessons) // self._length) * self._length
                found.append((day * DAY_MS - BANGKOK_MS + begin, day * DAY_MS - BANGKOK_MS + end))
        return found

    def _of(self, day: int) -> list[tuple[int, int]]:
        if day not in self._days:
            spans = [] if self._table is None else self._table.lesson_spans(local_time(day * DAY_MS).date())
            self._days[day] = [
                tuple(
                    (at.hour * 3600 + at.minute * 60 + at.second) * 1000  # type: ignore[misc]
                    for at in (span.start, span.end)
                )
                for span in spans
            ]
        return self._days[day]


def _join(row: Row, bucket: Bucket) -> None:
    total = (row.mean or 0.0) * row.n + bucket.sum
    row.n += bucket.n
    row.mean = round(total / row.n, 9) if row.n else None
    row.suspect += bucket.suspect
    for name, count in bucket.bad.items():
        row.bad[name] = row.bad.get(name, 0) + count
    if bucket.low is not None:
        row.low = bucket.low if row.low is None else min(row.low, bucket.low)
    if bucket.high is not None:
        row.high = bucket.high if row.high is None else max(row.high, bucket.high)


class _Expected:
    """How many readings a whole step of a sensor holds, from the interval that its readings of that time stand for.

    Settings change seldom: where the interval is the same at both ends of eight days, it is taken to be so between
    them, else each day is looked up. So the answer does not depend on how long a selection is.
    """

    def __init__(self, store: Store, selection: Selection, lessons: _Lessons | None, room: str, sensor: str) -> None:
        self._store, self._step, self._lessons = store, selection.step_ms, lessons
        self._room, self._sensor = room, sensor
        self._interval: dict[int, float | None] = {}
        self._of_day: dict[int, float | None] = {}

    def of(self, start_ms: int) -> float | None:
        day = (start_ms + BANGKOK_MS) // DAY_MS
        if day not in self._of_day:
            before = day - day % 8
            same = self._at(before) == self._at(before + 8)
            self._of_day[day] = self._at(before) if same else self._at(day)
        interval = self._of_day[day]
        whole_ms = self._step if self._lessons is None else self._lessons.inside(start_ms, self._step)
        return whole_ms / 1000 / interval if interval else None

    def _at(self, day: int) -> float | None:
        if day not in self._interval:
            self._interval[day] = self._store.interval_at(self._room, self._sensor, day * DAY_MS - BANGKOK_MS)
        return self._interval[day]


def _closed(row: Row, weighed: Sequence[tuple[float | None, int]], selection: Selection, expected: _Expected) -> Row:
    if row.mean is not None:
        row.mean = round(row.mean, 6)
    row.expected = expected.of(row.start_ms)
    share = row.completeness
    corrected = [(value, n) for value, n in weighed if value is not None]
    if share is not None and share < selection.completeness:
        row.why = row.why or "incomplete"
    elif corrected and sum(n for _, n in corrected) >= selection.completeness * row.n:
        row.value, row.why = _weighed(corrected), ""
    return row


def _weighed(parts: Sequence[tuple[float | None, int]]) -> float | None:
    total = sum(n for value, n in parts if value is not None)
    if not total:
        return None
    return round(sum(value * n for value, n in parts if value is not None) / total, 6)


def _in_force(spans: Sequence[tuple[int, int, Correction]], at: int) -> Correction:
    return next((one for begin, end, one in spans if begin <= at < end), NONE)


def _meant(one: Correction, sensor: str, at: int, model: str) -> bool:
    """Whether a correction may be used here: a school's own where it holds, a published one for its make."""
    if one.id in PUBLISHED:
        return not one.how.plantower or not model or model.startswith("pms")
    return one.covers(sensor, at, model)


def _mean(bucket: Bucket | None) -> float | None:
    return bucket.mean if bucket is not None else None


def _model(config: Config, sensor: str) -> str:
    site, _, local = sensor.partition(".")
    found = config.sites[site].sensors.get(local) if site in config.sites else None
    return found.model if found else ""
