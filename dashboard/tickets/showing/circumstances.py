"""The circumstances of a report, looked up by the dashboard itself: six hours of the room, devices, other reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from classair.units import HOUR_MS, MINUTE_MS
from dashboard.context import Context
from dashboard.queries.rooms import Band, RangeRefused, RoomMeans, StoreUnavailable
from dashboard.tickets.records import Ticket

BACK_MS: Final = 6 * HOUR_MS
STEP_MS: Final = 15 * MINUTE_MS


def gather(ctx: Context, ticket: Ticket) -> dict[str, Any]:
    """As JSON: what was there at the receipt, as far as it can be known now. Reads the database: beside the event loop.

    `series`: means of 15 minutes as [start, value or null], value null where too little was measured; a series is null
    where the database could not be asked. `at`: when the devices were looked at.
    """
    start, end = ticket.received_at - BACK_MS, ticket.received_at
    found: dict[str, Any] = {"at": ctx.now_ms(), "start": start, "end": end, "config_version": ticket.config_version}
    room = ticket.room
    if not room or not ctx.config().has_room(room):
        return {**found, "open": _others(ctx, ticket)}
    quantities = ["pm25", *(["co2"] if _measures(ctx, room, "co2") else [])]
    series: dict[str, RoomMeans | None] = {
        one: _asked(partial(ctx.queries.series, room, one, start, end, step_ms=STEP_MS)) for one in quantities
    }
    series["outdoor"] = _asked(partial(ctx.queries.outdoor_series, room, start, end, step_ms=STEP_MS))
    bands = _asked(lambda: ctx.queries.purifier_bands(room, start, end))
    return {
        **found,
        "series": {key: _points(means, end) for key, means in series.items()},
        "correction": means.correction if (means := series["pm25"]) is not None else None,
        "now": _state(ctx, room),
        "sensors": [_sensor(ctx, one) for one in ctx.config().sensors_in(room)],
        "purifiers": [_purifier(ctx, one, bands) for one in ctx.config().purifiers_in(room)],
        "open": _others(ctx, ticket),
    }


def _measures(ctx: Context, room: str, quantity: str) -> bool:
    state = ctx.live.state(room)
    return state is None or getattr(state, quantity).status != "none"


def _asked(question: Callable[[], Any]) -> Any:
    """The answer; None where the database cannot be asked."""
    try:
        return question()
    except (StoreUnavailable, RangeRefused):
        return None


def _points(means: RoomMeans | None, end: int) -> list[list[float | int | None]] | None:
    if means is None:
        return None
    known = {row.start_ms: row.value for row in means.rows}
    return [[at, known.get(at)] for at in range(means.start_ms, min(means.end_ms, end), means.step_ms)]


def _state(ctx: Context, room: str) -> dict[str, Any] | None:
    """What the room's display said at that moment."""
    state = ctx.live.state(room)
    if state is None:
        return None
    return {
        key: {"status": value.status, "shown": value.shown, "level": value.level, "newest_at": value.newest_at}
        for key, value in (("pm25", state.pm25), ("co2", state.co2), ("outdoor", state.outdoor))
    }


def _sensor(ctx: Context, sensor: str) -> dict[str, Any]:
    health = ctx.live.sensor(sensor)
    if health is None:
        return {"sensor": sensor, "state": None}
    return {
        "sensor": sensor,
        "state": health.state,
        "at": health.at,
        "key": health.key,
        "cause": dict(health.cause),
        "newest_at": health.newest_at,
        "counters": dict(health.counters),
    }


def _purifier(ctx: Context, purifier: str, bands: Sequence[Band] | None) -> dict[str, Any]:
    state = ctx.live.purifier(purifier)
    log = None if bands is None else [[one.start_ms, one.end_ms, one.on] for one in bands if one.purifier == purifier]
    if state is None:
        return {"purifier": purifier, "on": None, "log": log}
    return {
        "purifier": purifier,
        "on": state.on,
        "since": state.since,
        "at": state.at,
        "mode": state.mode,
        "confirmed": state.confirmed,
        "watts": state.watts,
        "faults": list(state.faults),
        "log": log,
    }


def _others(ctx: Context, ticket: Ticket) -> list[dict[str, Any]]:
    known = (
        ctx.tickets.open_in(ticket.room) if ticket.room else ctx.tickets.listed([ticket.site], ["received", "assigned"])
    )
    return [
        {"number": one.number, "kind": one.kind, "state": one.state, "received_at": one.received_at}
        for one in known
        if one.id < ticket.id
    ]
