"""Pure: what a device says. Who switched it, when not we: a person, its own timer, its own start, or a fault.

A person is only whom the device names. One that names nobody is given the benefit of the doubt once: an OFF of its own
is sent again, and only a second one soon after is a person's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from alerts.control.asking import ask
from alerts.control.goals import SLACK_MS
from alerts.control.occupancy import Occupancy
from alerts.control.overrides import end_of, spoken
from alerts.control.unit import Action, Limits, Mode, Outcome, Pending, Told, Unit, begun, over
from alerts.control.watching import drawn
from alerts.purifiers import Said
from classair.units import HOUR_MS

SECOND_OFF_MS: Final = 120_000  # of a device that names nobody: a second OFF of its own so soon is a person's
PRESS_MS: Final = 2_000  # a press counts its seconds more coarsely than the change that it brought about
PAUSES_MS: Final = (0, 5_000, 10_000, 20_000, 40_000, 60_000)  # before the ON after the first, second, … fall


def heard(unit: Unit, now: int) -> Outcome:
    """It said something, whatever it was: it is there."""
    unit = replace(unit, heard_at=now, quiet_asks=0)
    return over(unit, "silent")


def observed(unit: Unit, said: Said, occupancy: Occupancy, limits: Limits, now: int) -> Outcome:
    """The device says what it is, or more about itself."""
    actions: list[Action] = []
    if said.names_people is not None and said.names_people != unit.names_people:
        unit = replace(unit, names_people=said.names_people)
    if said.speed is not None and said.speed != unit.speed:
        unit = replace(unit, speed=said.speed)
    if said.on is not None:
        unit, actions = _relay(unit, said, said.on, occupancy, limits, now)
    if said.watts is not None:
        unit, more = drawn(unit, said.watts, limits, now)
        actions += more
    if said.faults is not None:
        unit, more = _its_own_words(unit, said.faults, now)
        actions += more
    return unit, actions


def line(unit: Unit, online: bool, retained: bool, now: int) -> Outcome:
    """The device's last will or its birth message: its relay may be another than we know when it comes back."""
    if not online:
        # Asked at once and again, and told as silent when it stays away.
        quiet_since = min(unit.heard_at, now - HOUR_MS)
        return replace(unit, on=None, settling="reboot", asks=0, asked_at=None, heard_at=quiet_since), []
    if retained and unit.settling != "reboot":
        return unit, []
    away = replace(unit, on=None, settling="reboot", asks=0, asked_at=None, pending=None, retry_at=0, heard_at=now)
    return ask(away, now)


def reconnected(unit: Unit, now: int) -> Outcome:
    """We were away ourselves, or our line was: the device may have changed meanwhile, or heard our last command."""
    if unit.pending is not None:
        unit = replace(unit, on=None, pending=None, unanswered=unit.pending)
    settling = unit.settling or "start"
    return ask(replace(unit, settling=settling, asks=0, asked_at=None, quiet_asks=0, heard_at=now), now)


def confirmed(unit: Unit, pending: Pending, now: int) -> Unit:
    """It is what it was told to be."""
    unit = _became(unit, pending.on, now)
    speed = pending.speed if pending.speed is not None else unit.speed
    no_rest = not pending.on and pending.mode != "auto"
    return replace(
        unit,
        expires_at=pending.expires_at,
        mode=pending.mode,
        reason=pending.reason,
        settling="",
        no_rest=no_rest,
        asks=0,
        unanswered=None,
        overtaken_until=0,
        speed=speed,
    )


def counted(unit: Unit, now: int) -> tuple[int, ...]:
    return (*(at for at in unit.starts if now - at < HOUR_MS), now)


# -- inside ------------------------------------------------------------------------------------------------------------


def _became(unit: Unit, on: bool, now: int) -> Unit:
    since = unit.since if unit.last_on == on else now
    odd = unit.odd_since if unit.last_on == on else None
    return replace(unit, on=on, last_on=on, since=since, pending=None, odd_since=odd)


def _relay(unit: Unit, said: Said, on: bool, occupancy: Occupancy, limits: Limits, now: int) -> Outcome:
    pending = unit.pending
    if pending is not None and pending.on != on and said.answer and now <= unit.overtaken_until:
        return unit, []
    known_at, unit = unit.known_at, replace(unit, known_at=now)
    restarted = said.by == "start" or (said.up_s is not None and now - round(said.up_s * 1000) > known_at > 0)
    used_at = None if said.person_s is None else now - round(said.person_s * 1000)
    person_at = now if said.by == "person" else used_at if used_at is not None and used_at > known_at > 0 else None
    # Pressed twice while nobody looked: it is as it was, and yet it is as a person wants it.
    pressed = used_at is not None and person_at == used_at and used_at > unit.since + PRESS_MS
    changed = unit.last_on is not None and unit.last_on != on
    actions: list[Action] = []
    if pending is not None and pending.on == on and (said.answer or not pending.renewal) and person_at is None:
        unit = confirmed(unit, pending, now)
    elif pressed and person_at is not None and not changed:
        unit = _by_person(replace(unit, unanswered=None), on, person_at, occupancy, limits, now)
    elif unit.on is None or unit.settling:
        unit, actions = _after_absence(unit, on, said, person_at, restarted, occupancy, limits, now)
    elif not changed:
        overdue = on and unit.expires_at is not None and now > unit.expires_at + SLACK_MS
        # Still on after its expiry, or started anew: its timer is gone or runs in full again, it needs a new one.
        gone = overdue or (on and restarted)
        unit = replace(unit, asks=0, expires_at=None if gone else unit.expires_at)
        return unit, actions
    elif person_at is not None:
        unit = _by_person(unit, on, person_at, occupancy, limits, now)
    elif on:
        unit = _on_by_itself(unit, said, occupancy, limits, now)
    elif _is_expiry(unit, said, now):
        unit = _expired(unit, occupancy, limits, now)
    elif restarted:
        unit = _off(unit, "it has restarted", now)
    else:
        unit, actions = _fell_off(unit, occupancy, limits, now)
    if unit.fault_since is not None and unit.fault_wanted in (None, on) and unit.pending is None:
        unit, more = over(replace(unit, fault_since=None, fault_wanted=None, retry_at=0), "not_obeying")
        actions += more
    return unit, actions


def _names_people(unit: Unit, limits: Limits) -> bool:
    return limits.names_people if unit.names_people is None else unit.names_people


def _is_expiry(unit: Unit, said: Said, now: int) -> bool:
    return said.by == "timer" or (unit.expires_at is not None and now >= unit.expires_at - SLACK_MS)


def _expired(unit: Unit, occupancy: Occupancy, limits: Limits, now: int) -> Unit:
    override = unit.override
    by_person = override is not None and override.on
    ended = override is not None and override.on and end_of(override, limits) - now <= SLACK_MS
    unit = _became(unit, False, now)
    return replace(
        unit,
        expires_at=None,
        mode="auto",
        reason="its expiry",
        no_rest=by_person or occupancy.children,
        override=None if ended else override,
        settling="",
        asks=0,
    )


def _off(unit: Unit, reason: str, now: int) -> Unit:
    """It is off, by nobody's OFF: it may come on again without having rested."""
    going_on = unit.pending if unit.pending is not None and unit.pending.on and not unit.pending.renewal else None
    unit = _became(unit, False, now)
    return replace(
        unit,
        pending=going_on,
        expires_at=None,
        reason=reason,
        mode="auto",
        no_rest=True,
        settling="",
        asks=0,
        retry_at=0,
    )


def _fell_off(unit: Unit, occupancy: Occupancy, limits: Limits, now: int) -> Outcome:
    """It went off, and nobody says why. A fault, unless it names nobody and does so twice in short time."""
    wanted = bool(unit.want) or unit.override is not None or unit.mode != "auto"
    again = unit.falls > 0 and now - unit.fell_at <= SECOND_OFF_MS
    if again and not _names_people(unit, limits):
        unit, actions = over(replace(unit, falls=0, again_at=0), "fell_off")
        return _by_person(unit, False, now, occupancy, limits, now), actions
    unit = _off(unit, "it went off by itself", now)
    if not wanted:
        return unit, []
    falls = unit.falls + 1
    pause = PAUSES_MS[min(falls, len(PAUSES_MS)) - 1]
    return begun(replace(unit, falls=falls, fell_at=now, again_at=now + pause), "fell_off", now)


def _by_person(unit: Unit, on: bool, at: int, occupancy: Occupancy, limits: Limits, now: int) -> Unit:
    """A person switched it at `at`. Their OFF counts from then, their ON gets its expiry from us."""
    override = spoken(on, None, "device", occupancy, limits, now, since=at)
    starts = counted(unit, now) if on else unit.starts
    unit = _became(unit, on, now)
    return replace(
        unit,
        expires_at=None,
        mode="person",
        reason="switched at the device",
        override=override,
        starts=starts,
        no_rest=not on,
        settling="",
        asks=0,
        unanswered=None,
        falls=0,
        again_at=0,
        retry_at=0,
    )


def _on_by_itself(unit: Unit, said: Said, occupancy: Occupancy, limits: Limits, now: int) -> Unit:
    """Somebody else's ON, a bridge's for one: it goes on by the signal. Where nobody is named it is a person's."""
    if said.by == "" and not _names_people(unit, limits):
        return _by_person(unit, True, now, occupancy, limits, now)
    return _adopted(unit, "auto", "switched on by another", now)


def _adopted(unit: Unit, mode: Mode, reason: str, now: int) -> Unit:
    """It is on, by whomever; what expiry it has is not known, so that it gets one."""
    starts = counted(unit, now) if unit.last_on is False else unit.starts
    unit = _became(unit, True, now)
    return replace(
        unit,
        expires_at=None,
        mode=mode,
        reason=reason,
        starts=starts,
        settling="",
        asks=0,
        unanswered=None,
        want=True if unit.want is None else unit.want,
    )


def _after_absence(
    unit: Unit,
    on: bool,
    said: Said,
    person_at: int | None,
    restarted: bool,
    occupancy: Occupancy,
    limits: Limits,
    now: int,
) -> Outcome:
    """The device's word after a time of not knowing. Nothing is guessed: what it does not say is a fault or ours."""
    ours = unit.unanswered if unit.unanswered is not None and unit.unanswered.on == on else None
    rebooted = unit.settling == "reboot"
    lost = unit.settling == "fault"
    unit = replace(unit, asks=0, unanswered=None, settling="")
    if unit.last_on is None:  # met for the first time
        since = now if on else 0
        want = on if unit.want is None else unit.want
        return replace(unit, on=on, last_on=on, since=since, want=want, expires_at=None), []
    if unit.last_on == on:
        gone = on and (restarted or rebooted)
        want = on if unit.want is None else unit.want
        return replace(unit, on=on, expires_at=None if gone or not on else unit.expires_at, want=want), []
    if person_at is not None:
        return _by_person(unit, on, person_at, occupancy, limits, now), []
    if on:
        pending = unit.pending
        if ours is not None:
            unit = _adopted(unit, ours.mode, ours.reason, now)
        else:
            unit = _adopted(unit, "auto", "switched on by another", now)
        return replace(unit, pending=pending if pending is not None and not pending.on else None), []
    if _is_expiry(unit, said, now):
        return _expired(unit, occupancy, limits, now), []
    if ours is not None:
        unit = _off(unit, ours.reason, now)
        return replace(unit, mode=ours.mode, no_rest=ours.mode != "auto"), []
    if restarted:
        return _off(unit, "it has restarted", now), []
    if lost and unit.fault_wanted is False:
        return _off(unit, unit.reason, now), []  # our OFF, of which it never said that it was done
    return _fell_off(unit, occupancy, limits, now)


def _its_own_words(unit: Unit, faults: tuple[str, ...], now: int) -> Outcome:
    """What it reports as wrong, one matter a word."""
    actions: list[Action] = []
    words = dict.fromkeys(fault for fault in faults if fault)
    ended = [it for it in unit.opened if it.what == "device" and it.detail not in words]
    if ended:
        unit = replace(unit, opened=tuple(it for it in unit.opened if it not in ended))
        actions += [Told("device", over=True, detail=it.detail) for it in ended]
    for word in words:
        unit, more = begun(unit, "device", now, word)
        actions += more
    return unit, actions
