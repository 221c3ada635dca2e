"""Pure: when one purifier is switched. Hysteresis, minimum times, a person's word, safe mode, confirmation, expiry.

`step` looks at the clock and the signal; `observed`, `line` and `order` take in what the device and people say.
Each gives the unit's new memory and what to do. Moments are UTC ms; docs/control.md is this file in words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from alerts.control.unit import (
    MAX_LEASE_MS,
    PERSON_MS,
    Action,
    Command,
    Limits,
    Mode,
    Outcome,
    Override,
    Pending,
    Query,
    Recovered,
    Trouble,
    Unit,
)
from classair.control.signal import Signal
from classair.units import HOUR_MS

CONFIRM_MS: Final = 10_000  # a command unconfirmed for this long is sent again
TRIES: Final = 3
RETRY_MS: Final = 60_000  # a disobedient unit is tried again this often, quietly
LEASE_MS: Final = 300_000  # expiry of an ON while no children are there
RENEW_MS: Final = 150_000  # an ON that is still wanted is renewed when this much is left
SLACK_MS: Final = 15_000  # how much earlier than planned a device's own expiry may come
FRESH_MS: Final = 180_000  # nothing is switched on account of data older than this
AHEAD_MS: Final = 120_000  # nor on account of data dated further ahead than clocks may disagree
SEEN_EVERY_MS: Final = 30_000  # how finely it is remembered when the last valid value was


def is_blind(unit: Unit, signal: Signal, now: int) -> bool:
    """No valid value for the patience of the signal; a fresh controller waits as long, once and not at each crash."""
    reference = max(signal.newest_at or 0, unit.watching_since)
    return now > max(reference + signal.blind_ms, unit.seen_until)


def is_fresh(signal: Signal, now: int) -> bool:
    return signal.newest_at is not None and -AHEAD_MS <= now - signal.newest_at <= FRESH_MS


def step(unit: Unit, signal: Signal, block_end: int | None, limits: Limits, now: int) -> Outcome:
    """What the clock and the signal ask for. `block_end`: when the occupied block ends, None without children."""
    if unit.override is not None and now >= unit.override.until:
        unit = replace(unit, override=None, mode="auto", reason="")
    unit = _hysteresis(unit, signal, limits, now)
    if signal.newest_at is not None and signal.newest_at + signal.blind_ms >= unit.seen_until + SEEN_EVERY_MS:
        unit = replace(unit, seen_until=signal.newest_at + signal.blind_ms)
    if unit.mode == "fail_safe" and not is_blind(unit, signal, now):
        unit = replace(unit, mode="auto")
    being_asked = unit.settling == "start" or (unit.settling == "reboot" and unit.asked_at is not None)
    if unit.on is None and unit.asks < TRIES and being_asked:
        return _ask(unit, now)
    goal = _goal(unit, signal, block_end, limits, now)
    pending = unit.pending
    if pending is not None:
        superseded = goal is not None and goal.on != pending.on and goal.mode in ("person", "fail_safe")
        if not superseded:
            return _await(unit, pending, now)
        unit = replace(unit, overtaken_until=now + CONFIRM_MS)
    if goal is None:
        if unit.on is not None and unit.fault_since is not None:
            return replace(unit, fault_since=None, fault_wanted=None, retry_at=0), [Recovered()]
        overdue = unit.on is True and unit.expires_at is not None and now > unit.expires_at + CONFIRM_MS
        return _ask(unit, now) if (unit.on is None or overdue) and _ask_due(unit, now) else (unit, [])
    if unit.fault_since is not None and now < unit.retry_at:
        return unit, []
    return _send(unit, goal, now)


def observed(unit: Unit, on: bool, answer: bool, block_end: int | None, now: int) -> Outcome:
    """The device says what it is. `answer`: it says so because of a command, not in its regular report."""
    actions: list[Action] = []
    pending = unit.pending
    if pending is not None and pending.on != on and answer and now <= unit.overtaken_until:
        return unit, actions
    if pending is not None and pending.on == on and (answer or not pending.renewal):
        since = unit.since if unit.last_on == on else now
        unit = replace(
            unit,
            on=on,
            last_on=on,
            since=since,
            pending=None,
            expires_at=pending.expires_at,
            mode=pending.mode,
            reason=pending.reason,
            settling="",
            restore=False,
            asks=0,
            asked_at=None,
            unanswered=None,
            overtaken_until=0,
        )
    elif unit.on is None:
        unit = _adopt(unit, on, block_end, now)
    elif unit.on == on:
        overdue = on and unit.expires_at is not None and now > unit.expires_at + SLACK_MS
        # Still on after its expiry: somebody's query has wiped the device's timer, it needs a new one.
        return replace(unit, asks=0, asked_at=None, expires_at=None if overdue else unit.expires_at), actions
    elif not on and unit.expires_at is not None and now >= unit.expires_at - SLACK_MS:
        ended = unit.override is not None and unit.override.until - now <= SLACK_MS
        unit = replace(
            unit,
            on=False,
            last_on=False,
            since=now,
            expires_at=None,
            pending=None,
            mode="auto",
            reason="its expiry",
            override=None if ended else unit.override,
        )
    else:
        until = block_end if block_end is not None else now + PERSON_MS
        unit = replace(
            unit,
            on=on,
            last_on=on,
            since=now,
            expires_at=None,
            pending=None,
            mode="person",
            reason="switched at the device",
            override=Override(on, until, "device"),
            starts=_counted(unit, now) if on else unit.starts,
        )
    if unit.fault_since is not None and unit.fault_wanted in (None, on) and unit.pending is None:
        unit = replace(unit, fault_since=None, fault_wanted=None, retry_at=0)
        actions.append(Recovered())
    return unit, actions


def line(unit: Unit, online: bool, retained: bool, now: int) -> Outcome:
    """The device's last will or its birth message. A birth means its relay may have come back by its own default."""
    if not online:
        return replace(unit, on=None, settling="reboot", asks=0, asked_at=None), []
    if retained and unit.settling != "reboot":
        return unit, []
    return _ask(
        replace(unit, on=None, settling="reboot", expires_at=None, asks=0, asked_at=None, pending=None, retry_at=0), now
    )


def reconnected(unit: Unit, now: int) -> Outcome:
    """Our own line to the broker was down: the device may have changed meanwhile, or heard our last command."""
    if unit.pending is not None:
        unit = replace(unit, on=None, pending=None, unanswered=unit.pending, settling="start")
    return _ask(replace(unit, asks=0, asked_at=None), now)


def order(unit: Unit, on: bool | None, minutes: float | None, who: str, block_end: int | None, now: int) -> Unit:
    """A person's word by page or API; `on` None gives the unit back to the signal. The next `step` acts on it."""
    if on is None:
        # Whatever expiry the person's word gave it is replaced by the signal's own.
        return replace(unit, override=None, mode="auto", expires_at=None, retry_at=0)
    if minutes is not None:
        until = now + min(round(minutes * 60_000), MAX_LEASE_MS)
    else:
        until = block_end if block_end is not None else now + PERSON_MS
    return replace(unit, override=Override(on, until, who), mode="person", reason="a person", retry_at=0)


# -- inside ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Goal:
    on: bool
    until: int | None
    mode: Mode
    reason: str


def _hysteresis(unit: Unit, signal: Signal, limits: Limits, now: int) -> Unit:
    if not is_fresh(signal, now):
        return unit
    want = unit.want
    if _lasts(signal, signal.high_since, limits.on_for_ms):
        want = True
    elif _lasts(signal, signal.low_since, limits.off_for_ms):
        want = False
    return unit if want == unit.want else replace(unit, want=want)


def _lasts(signal: Signal, since: int | None, for_ms: int) -> bool:
    """By the time the values stand for, not by the clock: silence proves nothing."""
    return since is not None and signal.newest_at is not None and signal.newest_at - since >= for_ms


def _goal(unit: Unit, signal: Signal, block_end: int | None, limits: Limits, now: int) -> _Goal | None:
    """What should be sent now, None when all is as it should be."""
    lease = max(block_end, now + LEASE_MS) if block_end is not None else now + LEASE_MS
    blind = is_blind(unit, signal, now)
    if unit.override is not None:
        # A person's ON that the signal goes on with, or that would end too early, must not fall into a gap at its end.
        goes_on = bool(unit.want and not blind) or unit.override.until - unit.since < limits.min_on_ms
        return _by_person(unit, unit.override, lease if goes_on else None, now)
    if blind and block_end is not None and limits.when_blind:
        if unit.on is not True or _due(unit, lease, now):
            return _Goal(True, lease, "fail_safe", "no valid value")
        return None
    if unit.on is True:
        return _while_on(unit, signal, lease, blind, limits, now)
    if not unit.want or not is_fresh(signal, now):
        return None
    rested = unit.restore or unit.on is None or now - unit.since >= limits.min_off_ms
    if not rested or sum(now - at < HOUR_MS for at in unit.starts) >= limits.max_starts:
        return None
    return _Goal(True, lease, "auto", "it was on before its power went" if unit.restore else "PM2.5 is high")


def _by_person(unit: Unit, override: Override, lease_after: int | None, now: int) -> _Goal | None:
    if not override.on:
        going_on = unit.pending is not None and unit.pending.on
        return None if unit.on is False and not going_on else _Goal(False, None, "person", "a person")
    until = min(override.until, now + MAX_LEASE_MS)
    if lease_after is not None and unit.on is True and until - now <= RENEW_MS:
        return _Goal(True, lease_after, "person", "a person") if _due(unit, lease_after, now) else None
    if unit.on is True and unit.expires_at is not None and abs(unit.expires_at - until) <= SLACK_MS:
        return None
    if unit.on is False and until - now <= SLACK_MS:
        return None  # its expiry came a little before its time
    return _Goal(True, max(until, now + SLACK_MS), "person", "a person")


def _while_on(unit: Unit, signal: Signal, lease: int, blind: bool, limits: Limits, now: int) -> _Goal | None:
    rested = now - unit.since >= limits.min_on_ms
    low = _lasts(signal, signal.low_since, limits.off_for_ms)
    if low and rested and is_fresh(signal, now):
        return _Goal(False, None, "auto", "PM2.5 is low")
    if unit.want and not blind:
        return _Goal(True, lease, "auto", unit.reason or "PM2.5 is high") if _due(unit, lease, now) else None
    short = now + LEASE_MS
    if unit.expires_at is None or (not rested and unit.expires_at - now <= RENEW_MS):
        return _Goal(True, short, unit.mode, unit.reason or "until its minimum time")
    return None  # its expiry will end it


def _due(unit: Unit, lease: int, now: int) -> bool:
    """Whether an ON must be renewed: little is left, or less than until the end of the block."""
    if unit.expires_at is None or unit.expires_at - now <= RENEW_MS:
        return True
    return unit.expires_at < lease - LEASE_MS


def _send(unit: Unit, goal: _Goal, now: int) -> Outcome:
    renewal = unit.on is True and goal.on
    tries = TRIES if unit.fault_since is not None else 1
    pending = Pending(goal.on, goal.mode, goal.reason, now, tries, goal.until, renewal)
    starts = _counted(unit, now) if goal.on and not renewal and unit.fault_since is None else unit.starts
    return replace(unit, pending=pending, starts=starts), [_command(pending, now)]


def _command(pending: Pending, now: int) -> Command:
    # Rounded up: a device that ends a second late is renewed in time, one that ends early looks like a person.
    seconds = None if pending.expires_at is None else max(1, -(-(pending.expires_at - now) // 1000))
    return Command(pending.on, seconds, pending.mode, pending.reason, pending.tries)


def _await(unit: Unit, pending: Pending, now: int) -> Outcome:
    if now - pending.sent_at < CONFIRM_MS:
        return unit, []
    if pending.tries < TRIES:
        again = replace(pending, sent_at=now, tries=pending.tries + 1)
        return replace(unit, pending=again), [_command(again, now)]
    told = unit.fault_since is not None
    unit = replace(
        unit,
        pending=None,
        on=None,
        settling="fault",
        fault_since=unit.fault_since or now,
        fault_wanted=pending.on,
        retry_at=now + RETRY_MS,
    )
    return unit, [] if told else [Trouble(pending.on, pending.tries)]


def _adopt(unit: Unit, on: bool, block_end: int | None, now: int) -> Unit:
    """The device's word after a time of not knowing."""
    changed = unit.last_on is not None and unit.last_on != on
    if unit.last_on is None:
        since = now if on else 0
    else:
        since = now if changed else unit.since
    expired = changed and not on and unit.expires_at is not None and now >= unit.expires_at - SLACK_MS
    rebooted = unit.settling == "reboot"
    ours = unit.unanswered if unit.unanswered is not None and unit.unanswered.on == on else None
    adopted = replace(
        unit,
        on=on,
        last_on=on,
        since=since,
        settling="",
        asks=0,
        asked_at=None,
        unanswered=None,
        restore=rebooted and changed and not on and not expired,
        expires_at=None if not on or rebooted or changed else unit.expires_at,
        want=on if unit.want is None else unit.want,
    )
    if changed and ours is not None:
        # The command whose answer we missed; an ON of it gets a fresh expiry.
        return replace(adopted, mode=ours.mode, reason=ours.reason)
    if changed and on and unit.settling == "start" and unit.override is None:
        # Nobody but a person can have done this while we were away.
        until = block_end if block_end is not None else now + PERSON_MS
        return replace(
            adopted, override=Override(True, until, "device"), mode="person", reason="switched at the device"
        )
    return adopted


def _ask_due(unit: Unit, now: int) -> bool:
    return unit.asked_at is None or now - unit.asked_at >= RETRY_MS


def _ask(unit: Unit, now: int) -> Outcome:
    if unit.asked_at is not None and now - unit.asked_at < CONFIRM_MS:
        return unit, []
    return replace(unit, asked_at=now, asks=unit.asks + 1), [Query()]


def _counted(unit: Unit, now: int) -> tuple[int, ...]:
    return (*(at for at in unit.starts if now - at < HOUR_MS), now)
