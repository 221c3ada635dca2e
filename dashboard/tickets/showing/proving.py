"""Evidence that a problem is solved, looked up by the tool: what fits the kind, and whether it is there yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from classair import i18n
from classair.science.state import PM25
from classair.timetable import local_time
from classair.units import MINUTE_MS
from dashboard.context import Context
from dashboard.live.ages import SILENT_MS
from dashboard.queries.rooms import RangeRefused, RoomMeans, StoreUnavailable
from dashboard.tickets.records import Evidence, Ticket
from dashboard.tickets.showing.circumstances import STEP_MS
from dashboard.tickets.words import PURIFIER_KINDS, SENSOR_KINDS, Proof, fitting

VALID_MS: Final = 30 * MINUTE_MS
"""So long after the repair a sensor must have given valid data."""
FALLING_MS: Final = 60 * MINUTE_MS
"""Within so long after the repair PM2.5 must have fallen where a purifier works."""
WORKS_WATTS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Offer:
    """`fits`: which evidence is asked for. `found`: what the tool has found of it. `why`: a key of `ticket.unproven`
    for why it has not, "" where it has or where nothing is to be looked up; `ready_at`: when it can be there, UTC ms.
    """

    fits: frozenset[Proof]
    found: Evidence | None = None
    why: str = ""
    ready_at: int | None = None


def fits_of(ctx: Context, ticket: Ticket) -> frozenset[Proof]:
    """Which evidence is asked for, by its kind and by what stands in the room today."""
    config = ctx.config()
    known = bool(ticket.room) and config.has_room(ticket.room)
    return fitting(
        ticket.kind,
        sensor=known and bool(config.sensors_in(ticket.room)),
        purifier=known and bool(config.purifiers_in(ticket.room)),
    )


def offer(ctx: Context, ticket: Ticket, fixed_ms: int, language: str) -> Offer:
    """What there is for a repair at `fixed_ms`, worded in `language`. Reads the database: beside the event loop."""
    fits = fits_of(ctx, ticket)
    try:
        if ticket.kind in SENSOR_KINDS and "readings" in fits:
            return _readings(ctx, ticket, fixed_ms, language, fits)
        if ticket.kind in PURIFIER_KINDS and "purifier" in fits:
            return _purifier(ctx, ticket, fixed_ms, language, fits)
    except (StoreUnavailable, RangeRefused):
        return Offer(fits, why="database")
    return Offer(fits)


def _readings(ctx: Context, ticket: Ticket, fixed_ms: int, language: str, fits: frozenset[Proof]) -> Offer:
    start, now = _next_step(fixed_ms), ctx.now_ms()
    end = start + VALID_MS
    if end > now:
        return Offer(fits, why="too_early", ready_at=end)
    points = _steps(ctx.queries.series(ticket.room, "pm25", start, end, step_ms=STEP_MS), start, end)
    if any(value is None for _, value in points):
        return Offer(fits, why="no_valid_data")
    words = i18n.t(language, "ticket.found.readings", start=_time(start, language), end=_time(end, language))
    return Offer(fits, Evidence("readings", words, seen={"start": start, "end": end, "pm25": points}))


def _purifier(ctx: Context, ticket: Ticket, fixed_ms: int, language: str, fits: frozenset[Proof]) -> Offer:
    """It runs, as its state or its power says, and PM2.5 is lower than at the repair (means of 15 minutes)."""
    now = ctx.now_ms()
    running = _running(ctx, ticket.room, now)
    if running is None:
        return Offer(fits, why="purifier_off")
    start = _next_step(fixed_ms) - STEP_MS
    end = min(now // STEP_MS * STEP_MS, start + FALLING_MS + STEP_MS)
    if end - start < 2 * STEP_MS:
        return Offer(fits, why="too_early", ready_at=start + 2 * STEP_MS)
    points = _steps(ctx.queries.series(ticket.room, "pm25", start, end, step_ms=STEP_MS), start, end)
    first, last = points[0][1], points[-1][1]
    if first is None or last is None:
        return Offer(fits, why="no_valid_data")
    if last >= first:
        return Offer(fits, why="not_falling", ready_at=None if now > fixed_ms + FALLING_MS else end + STEP_MS)
    words = i18n.t(
        language,
        "ticket.found.purifier",
        before=PM25.shown(first),
        after=PM25.shown(last),
        start=_time(int(points[0][0] or 0), language),
        end=_time(end, language),
    )
    return Offer(fits, Evidence("purifier", words, seen={"state": running, "pm25": points}))


def _running(ctx: Context, room: str, now_ms: int) -> dict[str, Any] | None:
    """The state of a purifier of the room that surely runs; an old word is none."""
    for unit in ctx.config().purifiers_in(room):
        state = ctx.live.purifier(unit)
        if state is None or now_ms - state.at > SILENT_MS:
            continue
        if (state.on and state.confirmed) or (state.watts or 0) >= WORKS_WATTS:
            return {"purifier": unit, "on": state.on, "watts": state.watts, "at": state.at}
    return None


def _next_step(at_ms: int) -> int:
    return -(-at_ms // STEP_MS) * STEP_MS


def _steps(means: RoomMeans, start: int, end: int) -> Sequence[list[float | int | None]]:
    known = {row.start_ms: row.value for row in means.rows}
    return [[at, known.get(at)] for at in range(start, end, STEP_MS)]


def _time(at_ms: int, language: str) -> str:
    return i18n.show_date(local_time(at_ms), language, "time")
