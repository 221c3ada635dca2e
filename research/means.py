"""Means over equal steps of time, with their completeness and correction: the one reader behind pages, API and exports.

What a mean and its completeness are is said in docs/science.md, "Data completeness". Steps longer than an hour are
averaged from corrected hours, never corrected themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Final

from classair.config import Config
from classair.model import QUANTITIES, Bucket
from classair.science.averages import COMPLETE
from classair.science.corrections import NONE, PUBLISHED, SHORTEST_MS, Correction, Corrections
from classair.stores import Store
from classair.stores.steps import bucket_start
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from research.lesson_slots import SLOT_MS, LessonSlots
from research.selection import Selection, SelectionRefused

NOT_MEANT: Final = "not_for_this_sensor"
"""Why there is no value: the chosen correction was made for other sensors, another make or another time."""


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
    whole, so that the same data always give the same answer.
    """

    start_ms: int
    end_ms: int
    step_ms: int
    method: str = "none"
    lesson: bool = False
    completeness: float = COMPLETE
    until_ms: int | None = None


class MeansReader:
    """Reads means from a store. Raises StoreAway."""

    def __init__(self, store: Store, config: Config, corrections: Corrections) -> None:
        self._store, self._config, self._corrections = store, config, corrections
        self._models = {full: sensor.model for full, sensor in config.sensors()}

    def selected(self, selection: Selection, until_ms: int | None = None) -> Iterator[MeanRow]:
        """By room, sensor and quantity, oldest first; steps without any reading are absent.

        Raises SelectionRefused for a room nobody knows, a method nobody knows, or one that a step is too short for.
        """
        asked = self.asked(selection, until_ms)
        rooms = set(self._store.rooms()) | {room for room, _ in self._config.rooms()}
        for room in selection.rooms:
            if room not in rooms:
                raise SelectionRefused([f"rooms: unknown room {room!r}"])
            for sensor in self._store.sensors(room):
                for quantity in selection.quantities:
                    yield from self.of_sensor(room, sensor, quantity, asked)

    def asked(self, selection: Selection, until_ms: int | None = None) -> MeansAsked:
        """What a selection asks for. Raises SelectionRefused."""
        if not selection.step_ms:
            raise SelectionRefused(["step: single readings have no averages; query them as readings"])
        if selection.method not in ("none", "accepted"):
            chosen = self._corrections.get(selection.method)
            if chosen is None:
                known = [*PUBLISHED, *sorted({one.id for one in self._corrections.accepted})]
                raise SelectionRefused(
                    [f"method: unknown correction {selection.method!r}; known: accepted, {', '.join(known)}"]
                )
            if "pm25" in selection.quantities and not QUANTITIES[chosen.input].shown and selection.step_ms < HOUR_MS:
                raise SelectionRefused(
                    [f"step: {chosen.id} needs {chosen.input}, which is stored by the hour; choose 1h or 1d"]
                )
        if selection.method != "none" and selection.step_ms < SHORTEST_MS:
            raise SelectionRefused(["step: corrections need an averaging interval of at least 5m"])
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

    def of_sensor(self, room: str, sensor: str, quantity: str, asked: MeansAsked) -> Iterator[MeanRow]:
        """A sensor's steps in one room, oldest first."""
        model = self._models.get(sensor, "")
        spans = self._spans(sensor, model, quantity, asked)
        plain = all(one.method == "none" for _, _, one in spans)
        piece_ms = asked.step_ms if plain else min(asked.step_ms, HOUR_MS)
        needed = [quantity, *(one.input for _, _, one in spans if one.method != "none")]
        lessons = None
        if asked.lesson:
            table = self._config.timetable_of(room) if self._config.has_room(room) else None
            lessons = LessonSlots(table, _slot(asked.step_ms, needed))
            # One cheap look spares a sensor that does not know the quantity the many of its lessons.
            if not self._store.series(room, quantity, asked.start_ms, asked.end_ms, DAY_MS, sensor):
                return
        closing = _Closing(self._store, asked, lessons, room, sensor, quantity)
        if plain:
            for bucket in self._pieces(room, sensor, quantity, asked, piece_ms, lessons).values():
                yield closing.row(bucket, bucket.mean, bucket.low, bucket.high)
            return
        pieces = self._pieces(room, sensor, quantity, asked, piece_ms, lessons)
        others = [*needed[1:], "rh_pct", *(["temp_c"] if any(one.how.needs_temp for _, _, one in spans) else [])]
        beside = {
            key: pieces if key == quantity else self._pieces(room, sensor, key, asked, piece_ms, lessons)
            for key in dict.fromkeys(others)
        }
        for start, group in groupby(sorted(pieces), key=lambda at: bucket_start(at, asked.step_ms)):
            told = [
                _told(pieces[at], next(one for begin, end, one in spans if begin <= at < end), sensor, model, beside)
                for at in group
            ]
            yield _put_together(start, told, closing)

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
    ) -> dict[int, Bucket]:
        """Stored buckets by their start; with `lessons` put together from those slots that count."""
        if lessons is None:
            found = self._store.series(room, quantity, asked.start_ms, asked.end_ms, piece_ms, sensor)
            return {bucket.start_ms: bucket for bucket in found}
        pieces: dict[int, Bucket] = {}
        # Of a school year a sixth is lessons: what lies between is not even read.
        for begin, end in lessons.spans(asked.start_ms, asked.end_ms):
            for bucket in self._store.series(room, quantity, begin, end, lessons.slot_ms, sensor):
                if lessons.holds(bucket.start_ms):
                    at = bucket_start(bucket.start_ms, piece_ms)
                    join(pieces.setdefault(at, Bucket(at)), bucket)
        return pieces


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


def join(whole: Bucket, part: Bucket) -> None:
    """Adds one stretch of a sensor's time to another."""
    whole.n += part.n
    whole.suspect += part.suspect
    whole.sum += part.sum
    whole.covered_ms += part.covered_ms
    for reason, count in part.bad.items():
        whole.bad[reason] = whole.bad.get(reason, 0) + count
    if part.low is not None:
        whole.low = part.low if whole.low is None else min(whole.low, part.low)
    if part.high is not None:
        whole.high = part.high if whole.high is None else max(whole.high, part.high)


def _slot(step_ms: int, needed: Sequence[str]) -> int:
    """The length of the stored buckets that lesson time is put together from, such that all that is needed is kept."""
    shortest = MINUTE_MS if all(QUANTITIES[quantity].shown for quantity in needed) else HOUR_MS
    return max(min(step_ms, SLOT_MS), shortest)


class _Closing:
    """Makes rows of one sensor's steps, with their completeness."""

    def __init__(
        self, store: Store, asked: MeansAsked, lessons: LessonSlots | None, room: str, sensor: str, quantity: str
    ) -> None:
        self._store, self.asked, self._lessons = store, asked, lessons
        self._room, self._sensor, self._quantity = room, sensor, quantity
        self._interval_ms: dict[int, float] = {}

    def row(
        self,
        bucket: Bucket,
        corrected: float | None,
        low: float | None,
        high: float | None,
        correction: str = "none",
        why: str = "",
    ) -> MeanRow:
        start, asked = bucket.start_ms, self.asked
        interval = bucket.covered_ms / bucket.n if bucket.n else self._interval(start)
        length: float
        until = start + asked.step_ms
        in_progress = asked.until_ms is not None and asked.until_ms < until
        if in_progress:
            until = max(start, asked.until_ms or 0)
        length = until - start if self._lessons is None else self._lessons.counted_ms(start, until)
        if in_progress and interval:
            # A reading is expected when its interval has passed.
            length = max(1, length // interval) * interval
        share = min(1.0, bucket.covered_ms / length) if bucket.covered_ms else 0.0
        complete = bucket.n > 0 and share >= asked.completeness
        if share < asked.completeness:
            why = "incomplete"
        return MeanRow(
            self._room,
            self._sensor,
            self._quantity,
            start,
            bucket.n,
            length / interval if interval else None,
            share,
            complete,
            bucket.mean,
            corrected,
            low,
            high,
            bucket.suspect,
            bucket.bad,
            correction,
            why,
        )

    def _interval(self, start_ms: int) -> float:
        """What a reading of that day stands for, where there is no valid one to tell; ms, 0 when nobody knows."""
        day = bucket_start(start_ms, DAY_MS)
        if day not in self._interval_ms:
            self._interval_ms[day] = 1000 * (self._store.interval_at(self._room, self._sensor, day) or 0.0)
        return self._interval_ms[day]


@dataclass(frozen=True, slots=True)
class _Told:
    """A piece of a step after its correction, up to an hour long; None where the correction has no value."""

    bucket: Bucket
    mean: float | None
    low: float | None
    high: float | None
    label: str
    why: str


def _told(
    bucket: Bucket, one: Correction, sensor: str, model: str, beside: Mapping[str, Mapping[int, Bucket]]
) -> _Told:
    if not bucket.n:
        return _Told(bucket, None, None, None, "", "")
    at = bucket.start_ms
    if not _meant(one, sensor, at, model):
        return _Told(bucket, None, None, None, one.label, NOT_MEANT)
    if one.method == "none":
        return _Told(bucket, bucket.mean, bucket.low, bucket.high, one.label, "")
    source, humidity = beside[one.input].get(at), beside["rh_pct"].get(at)
    warmth = beside["temp_c"].get(at) if one.how.needs_temp else None
    rh, temp_c = humidity.mean if humidity else None, warmth.mean if warmth else None
    mean = one.correct(source.mean if source else None, rh, temp_c)
    if mean.value is None or source is None:
        return _Told(bucket, None, None, None, one.label, mean.why)
    # The ends are taken through the correction of their mean, so that the mean lies between them.
    low, high = one.correct(source.low, rh, temp_c).value, one.correct(source.high, rh, temp_c).value
    return _Told(
        bucket,
        mean.value,
        mean.value if low is None else low,
        mean.value if high is None else high,
        one.label,
        "",
    )


def _put_together(start_ms: int, pieces: Sequence[_Told], closing: _Closing) -> MeanRow:
    """A step of corrected pieces, each weighing by its valid readings."""
    whole = Bucket(start_ms)
    for piece in pieces:
        join(whole, piece.bucket)
    there = [piece for piece in pieces if piece.mean is not None]
    # What could not be corrected must not pass for corrected.
    enough = sum(piece.bucket.n for piece in there) >= closing.asked.completeness * whole.n
    labels = sorted({piece.label for piece in pieces if piece.label})
    return closing.row(
        whole,
        _weighed([(piece.mean, piece.bucket.n) for piece in there]) if enough else None,
        min((piece.low for piece in there if piece.low is not None), default=None) if enough else None,
        max((piece.high for piece in there if piece.high is not None), default=None) if enough else None,
        ",".join(labels) or "none",
        "" if enough else next((piece.why for piece in pieces if piece.why), ""),
    )


def _weighed(parts: Sequence[tuple[float | None, int]]) -> float | None:
    valid = [(value, n) for value, n in parts if value is not None]
    total = sum(n for _, n in valid)
    return round(sum(value * n for value, n in valid) / total, 6) if total else None


def _meant(one: Correction, sensor: str, at: int, model: str) -> bool:
    """Whether a correction may be used here: a school's own where it holds, a published one for its make."""
    if one.id in PUBLISHED:
        return not one.how.plantower or not model or model.startswith("pms")
    return one.covers(sensor, at, model)
