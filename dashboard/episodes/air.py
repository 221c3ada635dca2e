"""The air during an episode, from the database: hours outdoors, exposure while classes were there, purifiers' hours.

A step counts where its mean is complete; what is missing is named with its times and is in no sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pydantic import BaseModel, Field

from classair.model import PRESENT_REASONS
from classair.timetable import Timetable
from classair.units import HOUR_MS, MINUTE_MS
from dashboard.context import Context
from dashboard.queries.rooms import MAX_BUCKETS, Band
from research.means import MeanRow

STEP_MS: Final = 15 * MINUTE_MS
LIMITS: Final = (25.0, 37.5, 75.0)
SHORTEST_GAP_MS: Final = 30 * MINUTE_MS
MOST_GAPS: Final = 50


class Hour(BaseModel):
    """An hourly mean; `value` is null where less than three quarters of the hour were measured."""

    start: int
    value: float | None = Field(description="µg/m³")
    completeness: float = Field(description="share of the hour that was measured, 0 to 1")


class MissingTime(BaseModel):
    """A time without a valid mean. `reasons` are those of the missing-data log; empty: none is recorded."""

    start: int
    end: int
    reasons: list[str]


class Above(BaseModel):
    limit: float = Field(description="µg/m³")
    hours: float


class Air(BaseModel):
    """PM2.5 of one room or place outdoors. `mean` and `highest` are of the hours that are complete."""

    room: str
    outdoor: bool
    source: str = Field(description="what the numbers were read from")
    correction: str
    hours: list[Hour]
    hours_expected: int
    hours_known: int
    mean: float | None
    highest: float | None
    highest_at: int | None
    missing: list[MissingTime]
    missing_more: int = Field(description="further times without data that are not listed")


class Exposure(BaseModel):
    """Hours while the class was there by its timetable. Null hours: the room has no timetable, so it is not known."""

    room: str
    source: str
    occupied_hours: float | None
    known_hours: float | None
    mean: float | None
    above: list[Above]


class PurifierHours(BaseModel):
    """Hours that a purifier was seen on and off; `unknown` is the rest of the episode."""

    purifier: str
    room: str
    source: str
    on: float
    off: float
    unknown: float


def air_of(ctx: Context, room: str, outdoor: bool, start: int, end: int) -> Air:
    """Raises StoreUnavailable."""
    rows = list(_rows(ctx, room, start, end, HOUR_MS))
    hours = [Hour(start=row.start_ms, value=row.value, completeness=round(row.completeness, 3)) for row in rows]
    known = [(one.value, one.start) for one in hours if one.value is not None]
    highest = max(known, default=None)
    spans = _missing(_rows(ctx, room, start, end, STEP_MS), start, end)
    shown = [_named(ctx, room, *span) for span in spans[:MOST_GAPS]]
    labels = {label for row in rows if row.n for label in row.correction.split(",")}
    return Air(
        room=room,
        outdoor=outdoor,
        source=f"database: PM2.5 of {room}, hourly means",
        correction=",".join(sorted(labels)) or "none",
        hours=hours,
        hours_expected=_steps(start, end, HOUR_MS),
        hours_known=len(known),
        mean=round(sum(value for value, _ in known) / len(known), 1) if known else None,
        highest=None if highest is None else highest[0],
        highest_at=None if highest is None else highest[1],
        missing=shown,
        missing_more=len(spans) - len(shown),
    )


def exposure_of(ctx: Context, room: str, start: int, end: int) -> Exposure:
    """Raises StoreUnavailable."""
    source = f"database: PM2.5 of {room}, 15-minute means; timetable in sensors.yaml"
    timetable = ctx.config().timetable_of(room)
    if not timetable.occupied:
        return Exposure(room=room, source=source, occupied_hours=None, known_hours=None, mean=None, above=[])
    occupied, known = exposed(_rows(ctx, room, start, end, STEP_MS), timetable, start, end)
    hours = STEP_MS / HOUR_MS
    return Exposure(
        room=room,
        source=source,
        occupied_hours=occupied * hours,
        known_hours=len(known) * hours,
        mean=round(sum(known) / len(known), 1) if known else None,
        above=[Above(limit=limit, hours=sum(value > limit for value in known) * hours) for limit in LIMITS],
    )


def exposed(rows: Iterable[MeanRow], timetable: Timetable, start: int, end: int) -> tuple[int, list[float]]:
    """How many steps the class was there, and the means of those of them that are known."""
    values = {row.start_ms: row.value for row in rows}
    there = [at for at in range(_first(start), end, STEP_MS) if timetable.is_occupied(at + STEP_MS // 2)]
    return len(there), [value for at in there if (value := values.get(at)) is not None]


def purifiers_of(ctx: Context, room: str, start: int, end: int) -> list[PurifierHours]:
    """Raises StoreUnavailable."""
    if end <= start:
        return []
    bands = ctx.queries.purifier_bands(room, start, end)
    return [
        PurifierHours(
            purifier=unit,
            room=room,
            source=f"database: switching of {unit}",
            on=_hours(bands, unit, True),
            off=_hours(bands, unit, False),
            unknown=round(
                max(0.0, (end - start) / HOUR_MS - _hours(bands, unit, True) - _hours(bands, unit, False)), 2
            ),
        )
        for unit in ctx.config().purifiers_in(room)
    ]


def _hours(bands: Iterable[Band], unit: str, on: bool) -> float:
    return round(sum(one.end_ms - one.start_ms for one in bands if one.purifier == unit and one.on is on) / HOUR_MS, 2)


def _first(start: int) -> int:
    return start - start % STEP_MS


def _steps(start: int, end: int, step: int) -> int:
    return len(range(start - start % step, end, step))


def _rows(ctx: Context, room: str, start: int, end: int, step: int) -> Iterator[MeanRow]:
    """A long episode is asked for in parts, as a chart would be."""
    at = start - start % step
    while at < end:
        until = min(end, at + MAX_BUCKETS * step)
        yield from ctx.queries.series(room, "pm25", at, until, step_ms=step).rows
        at = until


def _missing(rows: Iterable[MeanRow], start: int, end: int) -> list[tuple[int, int]]:
    """Times without a valid mean, from half an hour on."""
    there = {row.start_ms for row in rows if row.value is not None}
    spans: list[list[int]] = []
    for at in range(_first(start), end, STEP_MS):
        if at in there:
            continue
        if spans and spans[-1][1] == at:
            spans[-1][1] = at + STEP_MS
        else:
            spans.append([at, at + STEP_MS])
    cut = [(max(start, begin), min(end, stop)) for begin, stop in spans]
    return [span for span in cut if span[1] - span[0] >= SHORTEST_GAP_MS]


def _named(ctx: Context, room: str, start: int, end: int) -> MissingTime:
    reasons: set[str] = set()
    for sensor in _sensors(ctx, room):
        for line in ctx.queries.missing(sensor, start, end):
            if line.reason not in PRESENT_REASONS or line.reason == "no_pm25":
                reasons.add(line.reason)
    return MissingTime(start=start, end=end, reasons=sorted(reasons))


def _sensors(ctx: Context, room: str) -> Sequence[str]:
    return ctx.config().sensors_in(room) if ctx.config().has_room(room) else ()
