"""The health topic of one sensor: its state, the cause and the first thing to try, in every language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classair.config import Sensor
from classair.i18n import has, in_every_language
from classair.timetable import local_time
from classair.wire import SensorHealth
from firmware_bridge.health.pairs import Agreement
from firmware_bridge.serial.identity import may_change
from firmware_bridge.serial.port_state import PortState

UNITS = {"pm25": "µg/m³", "co2_ppm": "ppm"}


def words(key: str, places: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Cause and first step at `key` below [health] and [health_step]; empty where there is nothing to say."""
    if not key:
        return {}, {}
    step = f"health_step.{key}"
    return in_every_language(f"health.{key}", **places), in_every_language(step, **places) if has(step) else {}


def health_of(state: PortState, settings: Sensor, at_ms: int, bridge: str, **more: Any) -> SensorHealth:
    """The message. Places in the texts: those of the state, and always `port` and `model`."""
    places = {"port": settings.port, "model": settings.model, **state.places}
    cause, step = words(state.cause, places)
    return SensorHealth(
        state=state.state,
        at=at_ms,
        bridge=bridge,
        port=settings.port,
        model=settings.model,
        key=state.cause,
        cause=cause,
        step=step,
        **more,
    )


def asleep(until_s: float, now_s: float, at_ms: int) -> dict[str, str]:
    """The place {time}: when the sensor wakes, as wall time of the school."""
    wakes = local_time(at_ms + round((until_s - now_s) * 1000))
    return {"time": f"{wakes:%H:%M}"}


def notes_of_pair(other: str, it: Agreement) -> dict[str, str]:
    """How a sensor compares with its neighbour, for the notes: hourly means, difference, relative difference."""
    digits = 1 if it.quantity == "pm25" else 0
    return {
        "pair": other.partition(".")[2],
        "pair_means": f"{it.mine:.{digits}f} / {it.other:.{digits}f} {UNITS[it.quantity]}",
        "pair_difference": f"{it.difference:.{digits}f} {UNITS[it.quantity]}, {it.relative:.0%}",
    }


def warning(
    settings: Sensor, suggests: str, period: bool, pair: tuple[str, Agreement] | None, below_air: bool
) -> PortState | None:
    """What should be seen to although readings come; the weightiest first, None when there is nothing."""
    if suggests:
        return PortState("ok", "wrong_type", {"suggests": suggests})
    if period:
        return PortState("ok", "working_period")
    if pair is not None and pair[1].disagrees:
        notes = notes_of_pair(*pair)
        return PortState("ok", "pair_disagrees", {"other": notes["pair"], "means": notes["pair_means"]})
    if below_air:
        return PortState("ok", "co2_below_air")
    if may_change(settings.port):
        return PortState("ok", "name_may_change")
    return None
