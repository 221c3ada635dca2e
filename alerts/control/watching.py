"""Pure: what is wrong with one purifier, by its silence, its draw, the room's air, and what it did with a command."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from alerts.control.asking import CONFIRM_MS, ask
from alerts.control.goals import is_blind
from alerts.control.occupancy import Occupancy
from alerts.control.overrides import is_fresh
from alerts.control.unit import Action, Limits, Open, Outcome, Pending, Unit, begun, over
from classair.control.signal import Signal
from classair.science.advice import FLAT_AFTER_MS, is_falling

SILENT_MS: Final = 60_000  # a device that has said nothing for so long is asked
ASKED_TWICE: Final = 2
STEADY_MS: Final = 120_000  # an ON that has held for so long has not fallen off again
ODD_MS: Final = 20_000  # so long may its draw contradict its relay
ODD_AGAIN_MS: Final = 15_000  # what it drew is asked anew when it was said earlier than so long after the change
TOO_DUSTY: Final = 37.5  # µg/m³; a purifier that runs and leaves more than that in the room does nothing


def watched(unit: Unit, signal: Signal, occupancy: Occupancy, limits: Limits, now: int) -> Outcome:
    """All that time alone brings to light."""
    unit, actions = _silence(unit, limits, now)
    for look in (_steady, _draw):
        unit, more = look(unit, limits, now)
        actions += more
    for see in (_effect, _blindness):
        unit, more = see(unit, signal, occupancy, limits, now)
        actions += more
    return unit, actions


def disobeyed(unit: Unit, pending: Pending, now: int, retry_ms: int) -> Unit:
    """The unit after the last try of a command: nobody knows what it is."""
    opened = unit.opened if unit.is_open("not_obeying") else (*unit.opened, Open("not_obeying", now))
    return replace(
        unit,
        pending=None,
        on=None,
        settling="fault",
        fault_since=unit.fault_since or now,
        fault_wanted=pending.on,
        retry_at=now + retry_ms,
        opened=opened,
    )


def _silence(unit: Unit, limits: Limits, now: int) -> Outcome:
    """Asked after a minute of silence and again after ten seconds; unknown when neither was answered."""
    if not limits.asked or now - unit.heard_at < SILENT_MS:
        return unit, []
    if unit.is_open("silent"):
        if unit.asked_at is not None and now - unit.asked_at < SILENT_MS:
            return unit, []
        return ask(unit, now)
    if unit.asked_at is not None and now - unit.asked_at < CONFIRM_MS:
        return unit, []
    if unit.quiet_asks < ASKED_TWICE:
        return ask(replace(unit, quiet_asks=unit.quiet_asks + 1), now)
    unit = replace(unit, on=None, settling=unit.settling or "start", odd_since=None)
    return begun(unit, "silent", now)


def _steady(unit: Unit, limits: Limits, now: int) -> Outcome:
    # A person's word, too, makes it begin to count its falls anew, and what was told of them has to end.
    if (unit.falls or unit.is_open("fell_off")) and unit.on is True and now - unit.since >= STEADY_MS:
        return over(replace(unit, falls=0, again_at=0), "fell_off")
    return unit, []


def _draw(unit: Unit, limits: Limits, now: int) -> Outcome:
    """Whether what it draws is what its relay says, where that is measured. `observed` notes when they begin to differ.

    A value said too soon after the change proves nothing, so it is asked once more.
    """
    if not _metered(unit, limits) or unit.on is None or unit.pending is not None:
        return unit, []
    if unit.watts_at < unit.since and ODD_MS <= now - unit.since < SILENT_MS:
        return ask(unit, now)
    since = unit.odd_since
    if since is None or now - since < ODD_MS or unit.is_open("no_draw" if unit.on else "still_drawing"):
        return unit, []
    if unit.watts_at - since >= ODD_AGAIN_MS:
        return begun(unit, "no_draw" if unit.on else "still_drawing", now, f"{unit.watts:g} W")
    return ask(unit, now)


def _metered(unit: Unit, limits: Limits) -> bool:
    """By its kind, or because it has said what it draws: plugs of one kind come with a meter and without."""
    return limits.meters or unit.watts is not None


def _effect(unit: Unit, signal: Signal, occupancy: Occupancy, limits: Limits, now: int) -> Outcome:
    """A purifier that nothing measures, on for half an hour at full speed in dust that does not fall: is it running?"""
    full = limits.full_speed is None or unit.speed is None or unit.speed >= limits.full_speed
    metered = _metered(unit, limits) and unit.watts is not None
    dust = signal.median
    if unit.on is not True or not occupancy.children or not full or metered or dust is None:
        return over(replace(unit, dirty_at=None) if unit.dirty_at is not None else unit, "no_effect")
    if not is_fresh(signal, now):
        return unit, []
    if dust <= TOO_DUSTY or (unit.dirty_at is not None and is_falling(dust, unit.dirty)):
        return over(replace(unit, dirty_at=None), "no_effect")
    if unit.dirty_at is None:
        return replace(unit, dirty_at=now, dirty=dust), []
    if now - unit.dirty_at < FLAT_AFTER_MS:
        return unit, []
    return begun(unit, "no_effect", now, f"{dust:.0f} µg/m³")


def _blindness(unit: Unit, signal: Signal, occupancy: Occupancy, limits: Limits, now: int) -> Outcome:
    if limits.when_blind and occupancy.children and is_blind(unit, signal, now):
        return begun(unit, "blind", now)
    return over(unit, "blind")


def drawn(unit: Unit, watts: float, limits: Limits, now: int) -> tuple[Unit, list[Action]]:
    """It says what it draws."""
    odd = unit.on is not None and (watts < limits.idle_watts) == unit.on
    first = unit.since if unit.watts_at < unit.since else now
    since = (first if unit.odd_since is None else unit.odd_since) if odd else None
    unit = replace(unit, watts=watts, watts_at=now, odd_since=since)
    return (unit, []) if odd else over(unit, "no_draw", "still_drawing")
