"""Pure: a person's word, by page, API or the device's own button: how long it holds, and who hears of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from alerts.control.occupancy import Occupancy
from alerts.control.unit import PERSON_MS, Action, Limits, Override, Unit, begun, over
from classair.config.purifiers import DUSTY, HEAVY
from classair.control.signal import Signal

FRESH_MS: Final = 180_000  # nothing is done on account of data older than this
AHEAD_MS: Final = 120_000  # nor on account of data dated further ahead than clocks may disagree


def is_fresh(signal: Signal, now: int) -> bool:
    return signal.newest_at is not None and -AHEAD_MS <= now - signal.newest_at <= FRESH_MS


def spoken(
    on: bool, minutes: float | None, who: str, occupancy: Occupancy, limits: Limits, at: int, since: int | None = None
) -> Override:
    """What a person said at `at`. An OFF is short, because children breathe; an ON may last to the end of the block."""
    since = at if since is None else since
    wish = None if minutes is None else round(minutes * 60_000)
    if on:
        longest = max(occupancy.until or 0, at + PERSON_MS)
        usual = occupancy.until if occupancy.until is not None else at + PERSON_MS
        return Override(True, min(longest, usual if wish is None else at + wish), who, since)
    wish = limits.person_off_ms if wish is None else wish
    return Override(False, since + min(wish, limits.off_at_most_ms), who, since)


def end_of(override: Override, limits: Limits) -> int:
    """When it ends as things stand."""
    if override.on:
        return override.until
    ends = [override.until]
    if override.since:
        ends.append(override.since + limits.off_at_most_ms)
    if override.heavy_since is not None:
        ends.append(override.heavy_since + limits.off_in_heavy_dust_ms)
    return min(ends)


def order(
    unit: Unit, on: bool | None, minutes: float | None, who: str, occupancy: Occupancy, limits: Limits, now: int
) -> Unit:
    """A person's word by page or API; `on` None gives the unit back to the signal. The next `step` acts on it."""
    if on is None:
        # Whatever expiry the person's word gave it is replaced by the signal's own; and nothing rests after it.
        rest = unit.no_rest or (unit.override is not None and not unit.override.on)
        return replace(unit, override=None, mode="auto", expires_at=None, retry_at=0, no_rest=rest, again_at=0)
    override = spoken(on, minutes, who, occupancy, limits, now)
    return replace(unit, override=override, mode="person", reason="a person", retry_at=0, again_at=0)


def lived(unit: Unit, signal: Signal, limits: Limits, now: int) -> Unit:
    """The unit with its override as it stands now: sooner over in heavy dust, gone when it has ended."""
    override = unit.override
    if override is None:
        return unit
    if not override.on and is_fresh(signal, now) and signal.median is not None:
        since = None if signal.median <= HEAVY else now if override.heavy_since is None else override.heavy_since
        if since != override.heavy_since:
            override = replace(override, heavy_since=since)
            unit = replace(unit, override=override)
    if now >= end_of(override, limits):
        return replace(unit, override=None, mode="auto", reason="", no_rest=unit.no_rest or not override.on)
    return unit


def told(unit: Unit, signal: Signal, occupancy: Occupancy, limits: Limits, now: int) -> tuple[Unit, list[Action]]:
    """A person's OFF in dusty air with children there: told at once, and again when it lasts."""
    in_force = unit.override is not None and not unit.override.on and occupancy.children
    fresh = is_fresh(signal, now) and signal.median is not None
    since = next((it.since for it in unit.opened if it.what == "person_off"), None)
    if not in_force or (fresh and signal.median is not None and signal.median <= limits.off_below):
        return over(unit, "person_off", "person_off_long")
    if since is not None:
        return begun(unit, "person_off_long", now) if now - since >= limits.off_long_ms else (unit, [])
    if fresh and signal.median is not None and signal.median > DUSTY:
        return begun(unit, "person_off", now)
    return unit, []
