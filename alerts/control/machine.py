"""Pure: when one purifier is switched. Hysteresis, minimum times, a person's word, safe mode, confirmation, expiry.

`step` looks at the clock and the signal; `observing` takes in what the device says, `overrides` what people say. Each
gives the unit's new memory and what to do. Moments are UTC ms; docs/control.md is this file in words.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from alerts.control import overrides, watching
from alerts.control.asking import CONFIRM_MS, RETRY_MS, ask, ask_due
from alerts.control.goals import SLACK_MS, Goal, goal, is_blind, wants
from alerts.control.observing import confirmed, counted, heard, line, observed, reconnected
from alerts.control.occupancy import Occupancy
from alerts.control.overrides import is_fresh, order
from alerts.control.unit import Action, Command, Limits, Outcome, Pending, Told, Unit, over
from classair.control.signal import Signal

__all__ = ["Action", "Outcome", "heard", "is_blind", "line", "observed", "order", "reconnected", "step"]

TRIES: Final = 3  # a command unconfirmed for CONFIRM_MS is sent again; then it is tried each RETRY_MS, quietly
SEEN_EVERY_MS: Final = 30_000  # how finely it is remembered when the last valid value was


def step(
    unit: Unit, signal: Signal, occupancy: Occupancy, limits: Limits, now: int, speed: int | None = None
) -> Outcome:
    """What the clock, the signal and who is there ask for. `speed`: at which it is to run, None to leave it."""
    unit = overrides.lived(unit, signal, limits, now)
    unit = _hysteresis(unit, signal, limits, now)
    if signal.newest_at is not None and signal.newest_at + signal.blind_ms >= unit.seen_until + SEEN_EVERY_MS:
        unit = replace(unit, seen_until=signal.newest_at + signal.blind_ms)
    if unit.mode == "fail_safe" and not is_blind(unit, signal, now):
        unit = replace(unit, mode="auto")
    unit, told = overrides.told(unit, signal, occupancy, limits, now)
    unit, more = watching.watched(unit, signal, occupancy, limits, now)
    unit, done = _switch(unit, signal, occupancy, limits, speed, now)
    return unit, [*done, *told, *more]


def _switch(unit: Unit, signal: Signal, occupancy: Occupancy, limits: Limits, speed: int | None, now: int) -> Outcome:
    if not limits.reports and unit.on and limits.expires and unit.expires_at is not None and now >= unit.expires_at:
        unit = replace(unit, on=False, last_on=False, since=now, expires_at=None, mode="auto", reason="its expiry")
    born = unit.settling == "reboot" and unit.asked_at is not None and now - unit.heard_at < RETRY_MS
    being_asked = unit.settling == "start" or born
    if unit.on is None and unit.asks < TRIES and being_asked and limits.asked:
        return ask(unit, now)
    wish = goal(unit, signal, occupancy, limits, speed, now)
    pending = unit.pending
    if pending is not None:
        superseded = wish is not None and wish.on != pending.on and wish.mode in ("person", "fail_safe")
        if not superseded:
            return _await(unit, pending, wish, now)
        unit = replace(unit, overtaken_until=now + CONFIRM_MS)
    if wish is None:
        return _at_rest(unit, signal, occupancy, limits, now)
    if unit.fault_since is not None and now < unit.retry_at:
        return unit, []
    if wish.on and unit.on is not True and now < unit.again_at:
        return unit, []  # it falls off again and again
    return _send(unit, wish, limits, now)


def _at_rest(unit: Unit, signal: Signal, occupancy: Occupancy, limits: Limits, now: int) -> Outcome:
    """All is as it should be: what was wrong is over, and what is not known is asked now and then."""
    ended: list[Action] = []
    if unit.on is not None and unit.fault_since is not None:
        unit, ended = over(replace(unit, fault_since=None, fault_wanted=None, retry_at=0), "not_obeying")
    needed = unit.override.on if unit.override is not None else wants(unit, signal, occupancy, limits)
    if unit.on is False and unit.is_open("fell_off") and not needed:
        unit, more = over(replace(unit, falls=0, again_at=0), "fell_off")
        ended += more
    overdue = unit.on is True and unit.expires_at is not None and now > unit.expires_at + SLACK_MS
    if limits.asked and (unit.on is None or overdue) and ask_due(unit, now):
        unit, asked = ask(unit, now)
        ended += asked
    return unit, ended


def _hysteresis(unit: Unit, signal: Signal, limits: Limits, now: int) -> Unit:
    """By the time the values stand for, not by the clock: silence proves nothing."""
    if not is_fresh(signal, now):
        return unit
    want = unit.want
    if signal.lasts(signal.high_since, limits.on_for_ms) or signal.lasts(signal.fast_since, limits.fast_for_ms):
        want = True
    elif signal.lasts(signal.low_since, limits.off_for_ms):
        want = False
    return unit if want == unit.want else replace(unit, want=want)


def _send(unit: Unit, wish: Goal, limits: Limits, now: int) -> Outcome:
    renewal = unit.on is True and wish.on
    tries = TRIES if unit.fault_since is not None else 1
    until = None if wish.until is None else min(wish.until, now + limits.longest_ms)
    pending = Pending(wish.on, wish.mode, wish.reason, now, tries, until, renewal, wish.speed if wish.on else None)
    starts = counted(unit, now) if wish.on and not renewal and unit.fault_since is None else unit.starts
    sent = _command(pending, now)
    unit = replace(unit, pending=pending, starts=starts)
    if limits.reports:
        return unit, [sent]
    return confirmed(unit, pending, now), [sent]  # it says nothing: what it was told counts as done


def _command(pending: Pending, now: int) -> Command:
    # Rounded up: a device that ends a second late is renewed in time, one that ends early looks like a fault.
    seconds = None if pending.expires_at is None else max(1, -(-(pending.expires_at - now) // 1000))
    return Command(pending.on, seconds, pending.mode, pending.reason, pending.tries, pending.speed)


def _await(unit: Unit, pending: Pending, wish: Goal | None, now: int) -> Outcome:
    if now - pending.sent_at < CONFIRM_MS:
        return unit, []
    if pending.mode == "auto" and not pending.renewal and (wish is None or wish.on != pending.on):
        # What was right then is not any more: not sent again, but it may have been obeyed, so the device is asked.
        return ask(replace(unit, on=None, pending=None, unanswered=pending, settling="start", asks=0), now)
    if pending.tries < TRIES:
        again = replace(pending, sent_at=now, tries=pending.tries + 1)
        return replace(unit, pending=again), [_command(again, now)]
    told = unit.fault_since is not None
    unit = watching.disobeyed(unit, pending, now, RETRY_MS)
    return unit, [] if told else [Told("not_obeying", wanted=pending.on, tries=pending.tries)]
