"""What only a school's sensors together can tell of one of them: no air passes it, it hangs elsewhere, it sees fog.

Retrospective. The grid should reach REACH_MS around what is judged: a place is known from weeks, and a fault by what
was before it and after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classair.model import Flag
from classair.science.comparison.fog import foggy
from classair.science.comparison.lag import lagging, roughness
from classair.science.comparison.slots import HOUR, SLOT_MS, Array, Beside, Slots, beside, warmth
from classair.science.comparison.steps import LOWER, NOISES, SHARE, STEP_LEAST, Apart, Edges, apart, edges
from classair.science.comparison.swaps import swaps
from classair.science.quality_checks.limits import COUNTS, MASSES
from classair.science.quality_checks.spans import FlagSpan
from classair.units import DAY_MS, HOUR_MS

REACH_MS: Final = (42 * DAY_MS, 14 * DAY_MS)  # before and after
HOURS_LEAST: Final = 240  # that a sensor must have been there before anything is said of it

LOST: Final = 11.0  # evidence for a loss that begins and ends with a step …
LOST_ONE: Final = 36.0  # … with one of them, over more than a day …
WHOLE: Final = 0.7  # of the loss that the only step must make
LOST_OUTDOORS: Final = 16.0  # … and without any outdoors, where no purifier runs and no window is shut
LATE: Final = 18.0  # evidence for an inlet that lets old air through …
SLOW: Final = 26.0, 36.0  # … or little at a time: outdoors, and in rooms, which are slow themselves at times
LATE_OWN: Final = 0.5  # of it from the course itself
CERTAIN: Final = 150.0  # evidence for a swap beside which a drift of one of the two is no explanation
FORTNIGHT_MS: Final = 14 * DAY_MS
TURNS: Final = 60  # of the largest steps that are tried as the end of a drift
DAY: Final = 24 * HOUR
SPARE: Final = 2 * DAY  # beyond the nights of a drift, in which the step that began or ended it is looked for
SHARP: Final = 6.0  # hours of a better fit that a whole step is worth
FAR, ALL_DAY = 0.4, 0.8  # of a drift's size, in this share of its hours

Part = tuple[int, int]
"""From a slot up to, not including, another."""


def reach(start: int, end: int) -> tuple[int, int]:
    """The grid (UTC ms, whole hours) that is looked at to judge from `start` to `end`."""
    return (start - REACH_MS[0]) // HOUR_MS * HOUR_MS, -(-(end + REACH_MS[1]) // HOUR_MS) * HOUR_MS


def judge_beside(members: Sequence[Slots], start_ms: int, drifts: Sequence[FlagSpan] = ()) -> list[FlagSpan]:
    """FLOW, SWAPPED and RH_HIGH on the whole grid that begins at `start_ms`, the beginning of an hour.

    `drifts` come back, cut to the moment at which the sensor was put right; nights tell only the day.
    """
    members = [member for member in members if _known(member.pm25) >= HOURS_LEAST]
    rows = {member.sensor: row for row, member in enumerate(members)}
    drifts = [span for span in drifts if span.quantity in MASSES]
    school = beside(members, start_ms, _wrong(rows, drifts, start_ms, len(members[0].pm25)) if members else None)
    if school is None:
        return list(drifts)
    found = edges(school)
    exchanged = swaps(school, found, warmth(members, start_ms))
    cut = [_cut(span, school, found, rows[span.sensor]) if span.sensor in rows else span for span in drifts]
    spans = [span for span in cut if span is not None]
    drifting = {
        sensor: [_slots(span, start_ms) for span in spans if span.sensor == sensor and span.quantity == "pm25"]
        for sensor in rows
    }
    exchanged = [
        swap
        for swap in exchanged
        if swap.weight >= CERTAIN
        or not any(
            _mostly((swap.start, swap.end), drifting[members[row].sensor], 0.3) for row in (swap.one, swap.other)
        )
    ]
    places = {
        member.sensor: [(swap.start, swap.end) for swap in exchanged if row in (swap.one, swap.other)]
        for row, member in enumerate(members)
    }
    # Nights apart in somebody else's room need no other explanation.
    spans = [span for span in spans if not _mostly(_slots(span, start_ms), places.get(span.sensor, []))]
    rough = roughness(school)
    for row, member in enumerate(members):
        elsewhere = places[member.sensor]
        blocked = _blocked(school, found, row, member, elsewhere, drifting[member.sensor], rough)
        spans += _spans(member.sensor, Flag.SWAPPED, elsewhere, start_ms)
        spans += _spans(member.sensor, Flag.FLOW, blocked, start_ms)
        if member.rh is not None:
            damp = foggy(school, row, member.rh, member.outdoor)
            spans += _spans(member.sensor, Flag.RH_HIGH, damp, start_ms)
    return spans


def _wrong(rows: Mapping[str, int], drifts: Sequence[FlagSpan], start_ms: int, length: int) -> NDArray[np.bool_]:
    """Hours of each row in which it drifts."""
    wrong = np.zeros((len(rows), length // HOUR), bool)
    for span in drifts:
        if span.sensor in rows:
            first, last = (max(0, (moment - start_ms) // HOUR_MS) for moment in (span.start, span.end))
            wrong[rows[span.sensor], first:last] = True
    return wrong


def _cut(span: FlagSpan, school: Beside, found: Edges, row: int) -> FlagSpan | None:
    """With ends where the sensor steps; None when less than a fortnight lacks one of them, but for the grid's ends."""
    length = found.line.shape[1]
    first, last = (min(max(0, (moment - school.start_ms) // SLOT_MS), length) for moment in (span.start, span.end))
    inside = school.hours[row, first // HOUR : last // HOUR]
    if not (~np.isnan(inside)).any():
        return span
    size = float(np.nanmedian(inside))
    began = _turn(school, found, row, max(0, first - SPARE), last, size)
    ended = _turn(school, found, row, first if began is None else began + HOUR, min(last + SPARE, length), -size)
    unseen = (began is None and first > DAY) + (ended is None and last < length - DAY)
    if span.end - span.start < FORTNIGHT_MS:
        part = slice((first if began is None else began) // HOUR + 1, (last if ended is None else ended) // HOUR)
        if unseen or not _all_day(school.hours[row, part], size):
            return None
    return replace(
        span,
        start=span.start if began is None else school.start_ms + began * SLOT_MS,
        end=span.end if ended is None else school.start_ms + (ended + 1) * SLOT_MS,
    )


def _all_day(hours: Array, size: float) -> bool:
    """Whether a row is apart at nearly every hour: windows that stand open at night shift the nights alone."""
    known = hours[~np.isnan(hours)]
    return not len(known) or float(np.mean(known / size >= FAR)) >= ALL_DAY


def _turn(school: Beside, found: Edges, row: int, first: int, last: int, size: float) -> int | None:
    """The slot between these at which the row steps by `size` for good, so that all its hours fit best on either side.

    What lies on the sound side must be half as far apart or less. A positive `size` leads away from the usual level
    when what follows is apart, and back to it when what precedes is.
    """
    sign = 1.0 if size > 0 else -1.0
    step = np.nan_to_num(np.minimum(sign * found.line[row, first:last], sign * found.plain[row, first:last]))
    hours = school.hours[row, first // HOUR : last // HOUR]
    apart = sign * float(np.nanmedian(hours))
    level = abs(size) if apart > 0 else -abs(size)
    nearer = np.nan_to_num(np.abs(sign * hours) - np.abs(sign * hours - level))  # to the level apart, by hour
    before = np.concatenate([[0.0], np.cumsum(nearer)])
    gain = before[-1] - before if apart > 0 else before
    best: tuple[float, int] | None = None
    for slot in np.argsort(-step)[:TURNS].tolist():
        if step[slot] < max(STEP_LEAST, NOISES * float(found.usual[row]), SHARE * abs(size)):
            break
        hour = min((first + slot) // HOUR - first // HOUR, len(hours))
        sides = hours[:hour], hours[hour + 1 :]
        left, right = (float(np.nanmedian(side)) if (~np.isnan(side)).any() else 0.0 for side in sides)
        fit = float(gain[hour]) + SHARP * min(float(step[slot]), abs(size))
        good = float(gain[hour]) >= float(gain.max()) - SHARP * abs(size)
        if good and (right - left) * sign >= 0.5 * abs(size) and (best is None or fit > best[0]):
            best = fit, first + slot
    return None if best is None else best[1]


def _known(values: Array) -> int:
    return int((~np.isnan(values)).sum()) // HOUR


def _blocked(
    school: Beside, found: Edges, row: int, member: Slots, elsewhere: list[Part], drifting: list[Part], rough: Array
) -> list[Part]:
    parts = [(it.start, it.end) for it in apart(school, found, row, LOWER, LOST) if _is_loss(it, member.outdoor)]
    parts = [part for part in parts if not _mostly(part, elsewhere)]
    coarse = (
        None if member.pm10 is None else np.log1p(np.maximum(0, member.pm10)) - np.log1p(np.maximum(0, member.pm25))
    )
    told = [*parts, *elsewhere, *drifting]
    for stretch, how, _ in lagging(school, row, coarse, rough, LATE, LATE_OWN):
        part = stretch.start * HOUR, stretch.end * HOUR
        if stretch.weight >= (LATE if how == "late" else SLOW[not member.outdoor]) and not any(
            part[0] < end and start < part[1] for start, end in told
        ):
            parts.append(part)
    return parts


def _is_loss(it: Apart, outdoor: bool) -> bool:
    if it.sharp == 2:
        return True
    if it.sharp == 1 and it.step >= WHOLE and it.weight >= LOST_ONE and it.end - it.start > DAY:
        return True
    return outdoor and it.weight >= LOST_OUTDOORS


def _mostly(part: Part, others: list[Part], share: float = 0.5) -> bool:
    return any(min(part[1], end) - max(part[0], start) > share * (part[1] - part[0]) for start, end in others)


def _slots(span: FlagSpan, start_ms: int) -> Part:
    return (span.start - start_ms) // SLOT_MS, (span.end - start_ms) // SLOT_MS


def _spans(sensor: str, flag: Flag, parts: list[Part], start_ms: int) -> list[FlagSpan]:
    return [
        FlagSpan(sensor, key, flag, start_ms + first * SLOT_MS, start_ms + last * SLOT_MS)
        for first, last in parts
        for key in (*MASSES, *COUNTS)
    ]
