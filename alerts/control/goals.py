"""Pure: what a purifier should be told now, by the signal, the clock, who is in the room and what people said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from alerts.control.occupancy import Occupancy
from alerts.control.overrides import end_of, is_fresh
from alerts.control.unit import Limits, Mode, Unit
from classair.control.signal import Signal
from classair.units import HOUR_MS

LEASE_MS: Final = 300_000  # expiry of an ON while no children are there
RENEW_MS: Final = 150_000  # an ON that is still wanted is renewed when this much is left
SLACK_MS: Final = 15_000  # how much earlier than planned a device's own expiry may come


@dataclass(frozen=True, slots=True)
class Goal:
    on: bool
    until: int | None
    mode: Mode
    reason: str
    speed: int | None = None


def is_blind(unit: Unit, signal: Signal, now: int) -> bool:
    """No valid value for the patience of the signal; a fresh controller waits as long, once and not at each crash.

    Nobody waits for sensors that are known to be gone.
    """
    if signal.gone:
        return True
    reference = max(signal.newest_at or 0, unit.watching_since)
    return now > max(reference + signal.blind_ms, unit.seen_until)


def is_idle(occupancy: Occupancy, limits: Limits) -> bool:
    """Whether nobody is there for whom it should run."""
    return occupancy.kind == "empty" and not occupancy.pre_clean and not limits.low_when_empty


def wants(unit: Unit, signal: Signal, occupancy: Occupancy, limits: Limits) -> bool:
    """Whether it should run by the air and by who is there."""
    if is_idle(occupancy, limits):
        return False
    if occupancy.pre_clean:
        # Children will come into it: clean is what is asked for, not merely less than what switches it on.
        return signal.median is not None and (signal.median > limits.off_below or bool(unit.want))
    return bool(unit.want)


def goal(unit: Unit, signal: Signal, occupancy: Occupancy, limits: Limits, speed: int | None, now: int) -> Goal | None:
    """What should be sent now, None when all is as it should be."""
    lease = lease_end(occupancy, limits, now)
    blind = is_blind(unit, signal, now)
    if unit.override is not None:
        return _by_person(unit, signal, occupancy, limits, speed, now)
    if blind and occupancy.children and limits.when_blind:
        if unit.on is not True or _due(unit, lease, limits, speed, now):
            return Goal(True, lease, "fail_safe", "no valid value", speed)
        return None
    if unit.on is True:
        return _while_on(unit, signal, occupancy, limits, speed, now)
    if not wants(unit, signal, occupancy, limits) or not is_fresh(signal, now):
        return None
    # Children in dust wait for no motor's rest, and no count of starts keeps them in it: it is the OFF that waits.
    rested = unit.no_rest or unit.on is None or now - unit.since >= limits.min_off_ms
    if not occupancy.children and (not rested or used_up(unit, limits, now)):
        return None
    if unit.is_open("fell_off"):
        reason = "it went off by itself"
    else:
        reason = "before the children come" if occupancy.pre_clean and not unit.want else "PM2.5 is high"
    return Goal(True, lease, "auto", reason, speed)


def lease_end(occupancy: Occupancy, limits: Limits, now: int) -> int:
    """Until when an ON is to hold if nobody can renew it."""
    end = now + LEASE_MS
    if occupancy.until is not None:
        end = max(occupancy.until, end)
    elif occupancy.pre_clean and occupancy.next_start is not None:
        end = max(occupancy.next_start + LEASE_MS, end)
    return min(end, now + limits.longest_ms)


def used_up(unit: Unit, limits: Limits, now: int) -> bool:
    """Whether the starts of this hour are used up."""
    return sum(now - at < HOUR_MS for at in unit.starts) >= limits.max_starts


def _by_person(
    unit: Unit, signal: Signal, occupancy: Occupancy, limits: Limits, speed: int | None, now: int
) -> Goal | None:
    override = unit.override
    assert override is not None
    if not override.on:
        going_on = unit.pending is not None and unit.pending.on
        return None if unit.on is False and not going_on else Goal(False, None, "person", "a person")
    until = min(end_of(override, limits), now + limits.longest_ms)
    # A person's ON that the signal goes on with, or that would end too early, must not fall into a gap at its end.
    rest = unit.since + limits.min_on_ms
    goes_on = _goes_on(unit, signal, occupancy, limits, now)
    after = lease_end(occupancy, limits, now) if goes_on else rest if until < rest else None
    if after is not None and unit.on is True and until - now <= RENEW_MS:
        return Goal(True, after, "person", "a person", speed) if _due(unit, after, limits, speed, now) else None
    if unit.on is True and unit.expires_at is not None and abs(unit.expires_at - until) <= SLACK_MS:
        return None
    if unit.on is False and until - now <= SLACK_MS:
        return None  # its expiry came a little before its time
    return Goal(True, max(until, now + SLACK_MS), "person", "a person", speed)


def _while_on(
    unit: Unit, signal: Signal, occupancy: Occupancy, limits: Limits, speed: int | None, now: int
) -> Goal | None:
    rest = unit.since + limits.min_on_ms
    rested = now >= rest
    lease = lease_end(occupancy, limits, now)
    if is_idle(occupancy, limits):
        if rested:
            return Goal(False, None, "auto", "nobody is there")
        return _until(unit, rest, now)
    if _is_low(signal, limits, now) and rested and not _kept_on(unit, occupancy, limits, now):
        return Goal(False, None, "auto", "PM2.5 is low")
    if _goes_on(unit, signal, occupancy, limits, now):
        again = _due(unit, lease, limits, speed, now)
        return Goal(True, lease, "auto", unit.reason or "PM2.5 is high", speed) if again else None
    if not limits.expires and rested and unit.expires_at is not None and now >= unit.expires_at:
        return Goal(False, None, "auto", "its time is over")  # the device does not know that
    least = max(rest, now + LEASE_MS)
    reason = unit.reason or "until its minimum time"
    if unit.expires_at is None or (not rested and unit.expires_at < rest - SLACK_MS and _little_left(unit, now)):
        return Goal(True, least if not rested else now + LEASE_MS, unit.mode, reason)
    if unit.expires_at > (max(least, lease) if occupancy.children else least) + SLACK_MS:
        return Goal(True, least, unit.mode, reason)
    return None  # its expiry will end it


def _goes_on(unit: Unit, signal: Signal, occupancy: Occupancy, limits: Limits, now: int) -> bool:
    """Whether one that is on is to run on, by the air and by who is there."""
    if is_blind(unit, signal, now):
        return False
    if wants(unit, signal, occupancy, limits) or _stays(occupancy):
        return True
    return _is_low(signal, limits, now) and _kept_on(unit, occupancy, limits, now)


def _is_low(signal: Signal, limits: Limits, now: int) -> bool:
    return signal.lasts(signal.low_since, limits.off_for_ms) and is_fresh(signal, now)


def _kept_on(unit: Unit, occupancy: Occupancy, limits: Limits, now: int) -> bool:
    """Whether low is no reason for an OFF. The start that it would cost cannot be had with children there: it runs
    until there is one.
    """
    return _stays(occupancy) or (occupancy.children and used_up(unit, limits, now))


def _stays(occupancy: Occupancy) -> bool:
    """An OFF would not last where the air that comes in is dirty (benchmarks/control/season.py has what that costs)."""
    return occupancy.stay_on and (occupancy.children or occupancy.pre_clean)


def _until(unit: Unit, end: int, now: int) -> Goal | None:
    """Nobody wants it: it is to end by itself when its minimum time does, neither before nor hours later."""
    if unit.expires_at is not None and abs(unit.expires_at - end) <= SLACK_MS:
        return None
    if unit.expires_at is not None and unit.expires_at > now and end - SLACK_MS <= unit.expires_at <= now + LEASE_MS:
        return None
    return Goal(True, max(end, now + 1000), unit.mode, unit.reason or "until its minimum time")


def _little_left(unit: Unit, now: int) -> bool:
    return unit.expires_at is None or unit.expires_at - now <= RENEW_MS


def _due(unit: Unit, lease: int, limits: Limits, speed: int | None, now: int) -> bool:
    """Whether an ON must be renewed: little is left, less than until the end of the block, or at another speed.

    So must one that holds more: the timetable was changed, and it would run for nobody if we died before the end.
    """
    if unit.expires_at is None or (speed is not None and speed != unit.speed):
        return True
    if unit.expires_at > max(lease, unit.since + limits.min_on_ms) + SLACK_MS:
        return True
    if unit.expires_at >= lease - SLACK_MS:
        return False  # it holds what it could be given
    return _little_left(unit, now) or unit.expires_at < lease - LEASE_MS
