"""Means of one sensor's quantity as arrays, with completeness and correction; what `MeanRow` says, many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from classair.science.corrections import PUBLISHED, Correction
from classair.stores.bucket_columns import BucketColumns, rounded
from classair.stores.steps import bucket_start
from classair.units import DAY_MS
from research.correction_arrays import corrected
from research.lesson_slots import LessonSlots

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

NOT_MEANT: Final = "not_for_this_sensor"
"""Why there is no value: the chosen correction was made for other sensors, another make or another time."""


@dataclass(frozen=True, slots=True)
class MeanColumns:
    """Steps of one sensor's quantity in one room, oldest first; each array as the field of `MeanRow` of that name.

    Numbers that are not known are NaN. `bad` as in BucketColumns.
    """

    room: str
    sensor: str
    quantity: str
    start_ms: Ints
    n: Ints
    expected: Floats
    completeness: Floats
    complete: Bools
    mean: Floats
    corrected: Floats
    low: Floats
    high: Floats
    suspect: Ints
    bad: Ints
    correction: Sequence[str]
    why: Sequence[str]

    def __len__(self) -> int:
        return len(self.start_ms)

    @property
    def value(self) -> Floats:
        """`corrected` where the row is complete."""
        return np.where(self.complete, self.corrected, np.nan)

    def at(self, part: slice) -> MeanColumns:
        """Some of the steps."""
        arrays = {each.name: getattr(self, each.name)[part] for each in fields(self)[3:]}
        return replace(self, **arrays)


@dataclass(frozen=True, slots=True)
class Corrected:
    """A step after its correction: NaN where it has no value, for the reason in `why`."""

    mean: Floats
    low: Floats
    high: Floats
    labels: Sequence[str]
    why: Sequence[str]


def as_measured(whole: BucketColumns) -> Corrected:
    """Steps that nothing is done to."""
    return Corrected(whole.mean, whole.low, whole.high, ["none"] * len(whole), [""] * len(whole))


class Completeness:
    """What the steps of one sensor could hold. Times in ms.

    `until_ms`: the present, where steps in progress count the time that has passed. `interval_of` tells what a reading
    of the day that begins then stands for, where there is no valid one to tell; 0 when nobody knows.
    """

    def __init__(
        self, step_ms: int, lessons: LessonSlots | None, until_ms: int | None, interval_of: Callable[[int], float]
    ) -> None:
        self._step_ms, self._lessons, self._until_ms = step_ms, lessons, until_ms
        self._interval_of = interval_of
        self._known: dict[int, float] = {}

    def of(self, whole: BucketColumns) -> tuple[Floats, Floats]:
        """(readings expected, share of the time covered, at most 1) of each step."""
        start_ms, n, covered = whole.start_ms, whole.n, whole.covered_ms
        with np.errstate(invalid="ignore", divide="ignore"):
            interval = np.where(n > 0, covered / n, 0.0)
        for place in np.flatnonzero(n == 0):
            interval[place] = self._interval(int(start_ms[place]))
        length = self._lengths(start_ms)
        if self._until_ms is not None:
            for place in np.flatnonzero(start_ms + self._step_ms > self._until_ms):
                begin = int(start_ms[place])
                passed = max(begin, self._until_ms) - begin
                length[place] = passed if self._lessons is None else self._lessons.counted_ms(begin, begin + passed)
                if interval[place]:
                    # A reading is expected when its interval has passed.
                    length[place] = max(1.0, length[place] // interval[place]) * interval[place]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(covered > 0, np.minimum(1.0, covered / length), 0.0)
            return np.where(interval > 0, length / interval, np.nan), share

    def _lengths(self, start_ms: Ints) -> Floats:
        if self._lessons is None:
            return np.full(len(start_ms), float(self._step_ms))
        return np.array([self._lessons.counted_of_step(at, self._step_ms) for at in start_ms.tolist()], np.float64)

    def _interval(self, start_ms: int) -> float:
        day = bucket_start(start_ms, DAY_MS)
        if day not in self._known:
            self._known[day] = self._interval_of(day)
        return self._known[day]


def closed(
    place: tuple[str, str, str], whole: BucketColumns, told: Corrected, room_for: Completeness, completeness: float
) -> MeanColumns:
    """Steps of (room, sensor, quantity) with how complete they are."""
    expected, share = room_for.of(whole)
    enough = share >= completeness
    why = [reason if there else "incomplete" for reason, there in zip(told.why, enough.tolist(), strict=True)]
    return MeanColumns(
        *place,
        whole.start_ms,
        whole.n,
        expected,
        share,
        (whole.n > 0) & enough,
        whole.mean,
        told.mean,
        told.low,
        told.high,
        whole.suspect,
        whole.bad,
        told.labels,
        why,
    )


def put_together(
    pieces: BucketColumns,
    beside: Mapping[str, BucketColumns],
    spans: Sequence[tuple[int, int, Correction]],
    sensor: tuple[str, str],
    step_ms: int,
    completeness: float,
    ends: bool = True,
) -> tuple[BucketColumns, Corrected]:
    """Steps of corrected pieces of at most an hour, each weighing by its valid readings. `ends`: low and high as well.

    `beside`: other quantities of the same pieces. `spans`: (from, to, correction) without gaps. `sensor`: id and model.
    """
    told = _told(pieces, beside, spans, sensor, ends)
    starts = (pieces.start_ms - bucket_start(0, step_ms)) // step_ms * step_ms + bucket_start(0, step_ms)
    whole = pieces.placed(starts)
    count = len(whole)
    of_step = np.searchsorted(whole.start_ms, starts)
    there = np.flatnonzero(~np.isnan(told.mean))
    weight = np.bincount(of_step[there], pieces.n[there], count)
    # What could not be corrected must not pass for corrected.
    enough = weight >= completeness * whole.n
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = rounded(np.bincount(of_step[there], told.mean[there] * pieces.n[there], count) / weight)
    low, high = np.full(count, np.nan), np.full(count, np.nan)
    np.fmin.at(low, of_step[there], told.low[there])
    np.fmax.at(high, of_step[there], told.high[there])
    for column in (mean, low, high):
        column[~enough] = np.nan
    labels, why = _words(told, of_step.tolist(), enough.tolist())
    return whole, Corrected(mean, low, high, labels, why)


def _words(told: Corrected, of_step: Sequence[int], enough: Sequence[bool]) -> tuple[list[str], list[str]]:
    """Of each step which corrections made it, and why it has no value where too little of it could be corrected."""
    distinct, why = set(told.labels), [""] * len(enough)
    if len(distinct) < 2 and not any(told.why):
        return [distinct.pop() or "none" if distinct else "none"] * len(enough), why
    labels: list[set[str]] = [set() for _ in enough]
    for step, label, reason in zip(of_step, told.labels, told.why, strict=True):
        if label:
            labels[step].add(label)
        if reason and not enough[step] and not why[step]:
            why[step] = reason
    return [",".join(sorted(each)) or "none" for each in labels], why


def _told(
    pieces: BucketColumns,
    beside: Mapping[str, BucketColumns],
    spans: Sequence[tuple[int, int, Correction]],
    sensor: tuple[str, str],
    ends: bool,
) -> Corrected:
    """Each piece by the correction that holds when it begins; without label where it has no valid reading."""
    count = len(pieces)
    mean, low, high = np.full(count, np.nan), np.full(count, np.nan), np.full(count, np.nan)
    labels, why = [""] * count, [""] * count
    edges = np.searchsorted(pieces.start_ms, [edge for begin, end, _ in spans for edge in (begin, end)]).tolist()
    for (_, _, one), first, last in zip(spans, edges[::2], edges[1::2], strict=True):
        part = slice(first, last)
        valid = pieces.n[part] > 0
        labels[part] = [one.label if there else "" for there in valid.tolist()]
        meant = _meant(one, sensor, pieces.start_ms[part])
        why[part] = [NOT_MEANT if missed else "" for missed in (valid & ~meant).tolist()]
        usable = np.flatnonzero(valid & meant) + first
        if one.method == "none":
            source = pieces.at(usable)
            mean[usable], low[usable], high[usable] = source.mean, source.low, source.high
            continue
        starts = pieces.start_ms[usable]
        rh = _matched(beside["rh_pct"], starts, "mean")
        warmth = _matched(beside["temp_c"], starts, "mean") if one.how.needs_temp else np.full(len(starts), np.nan)
        source_of = beside[one.input]
        made, reasons = corrected(one, _matched(source_of, starts, "mean"), rh, warmth)
        mean[usable] = made
        for place, reason in zip(usable.tolist(), reasons, strict=True):
            if reason:
                why[place] = reason
        # The ends are taken through the correction of their mean, so that the mean lies between them.
        for end, name in ((low, "low"), (high, "high")) if ends else ():
            through, _ = corrected(one, _matched(source_of, starts, name), rh, warmth)
            end[usable] = np.where(np.isnan(made), np.nan, np.where(np.isnan(through), made, through))
    return Corrected(mean, low, high, labels, why)


def _matched(columns: BucketColumns, starts: Ints, name: str) -> Floats:
    """A column's values at these starts, NaN where there is none."""
    found = np.full(len(starts), np.nan)
    if len(columns):
        place = np.minimum(np.searchsorted(columns.start_ms, starts), len(columns) - 1)
        same = columns.start_ms[place] == starts
        found[same] = getattr(columns, name)[place[same]]
    return found


def _meant(one: Correction, sensor: tuple[str, str], at: Ints) -> Bools:
    """Whether a correction may be used here: a school's own where it holds, a published one for its make."""
    full, model = sensor
    if one.id in PUBLISHED:
        return np.full(len(at), not one.how.plantower or not model or model.startswith("pms"))
    its = one.covers(full, one.valid_from, model)
    return (at >= one.valid_from) & (True if one.valid_to is None else at < one.valid_to) & its
