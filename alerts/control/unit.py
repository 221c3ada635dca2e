"""What is known of one purifier and what can be done with it, and how that knowledge outlives restarts and clocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from classair.units import HOUR_MS

SHORT_LIFE_MS: Final = 300_000  # a process that ended sooner goes on being as patient as it was, not anew
MAX_LEASE_MS: Final = 64_800_000  # the longest expiry a device need be able to hold (Tasmota's PulseTime: 18 h)
PERSON_MS: Final = HOUR_MS  # how long a person's word holds outside of occupied blocks
LONGEST_BLIND_MS: Final = 900_000  # no memory of a value holds blindness off for longer

Mode = Literal["auto", "person", "fail_safe"]
Settling = Literal["", "start", "reboot", "fault"]


@dataclass(frozen=True, slots=True)
class Limits:
    on_for_ms: int = 180_000
    off_for_ms: int = 600_000
    min_on_ms: int = 900_000
    min_off_ms: int = 600_000
    max_starts: int = 4
    when_blind: bool = True


@dataclass(frozen=True, slots=True)
class Override:
    """A person's word, in force until `until`. `who` is for the log: a user's id, or "device" for its button."""

    on: bool
    until: int
    who: str


@dataclass(frozen=True, slots=True)
class Pending:
    """A command not yet confirmed. `renewal`: the unit was on already, so only an answer confirms it."""

    on: bool
    mode: Mode
    reason: str
    sent_at: int
    tries: int
    expires_at: int | None
    renewal: bool


@dataclass(frozen=True, slots=True)
class Unit:
    """All that is known of one purifier. `on` None: not known; `last_on`: what it was when it last was.

    `want`: what the signal asked for last (hysteresis). `settling`: why the next word of the device is not a person's.
    `seen_until`: not blind before this, by values of this life or an earlier one. `unanswered`: a command that was on
    its way when this life or connection began. `overtaken_until`: till when a contrary answer is that of a command
    that a newer one has overtaken.
    """

    watching_since: int
    started_at: int = 0
    seen_until: int = 0
    on: bool | None = None
    since: int = 0
    last_on: bool | None = None
    want: bool | None = None
    override: Override | None = None
    starts: tuple[int, ...] = ()
    expires_at: int | None = None
    pending: Pending | None = None
    unanswered: Pending | None = None
    overtaken_until: int = 0
    mode: Mode = "auto"
    reason: str = ""
    settling: Settling = "start"
    restore: bool = False  # it was on when its power went: it may come on without waiting
    asked_at: int | None = None
    asks: int = 0
    fault_since: int | None = None
    fault_wanted: bool | None = None
    retry_at: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """Switch. An ON carries `seconds`, after which the device itself switches off.

    `speed`: the index into the purifier's speeds, None where it has none.
    """

    on: bool
    seconds: int | None
    mode: Mode
    reason: str
    attempt: int
    speed: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Ask the device for its state, without touching its timer."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """It did not confirm: a person is to be told."""

    wanted: bool
    tries: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """It obeys again."""


Action = Command | Query | Trouble | Recovered
Outcome = tuple[Unit, list[Action]]


def restarted(unit: Unit, now: int) -> Unit:
    """The memory with which a new process begins: deadlines hold, but what the relay is has to be read first.

    A clock that went back while nobody looked must not make minimum times or a person's word hold for years.
    """
    in_a_loop = 0 <= now - unit.started_at <= SHORT_LIFE_MS and unit.watching_since <= now
    override = unit.override
    if override is not None and override.until > now + MAX_LEASE_MS:
        override = replace(override, until=now + PERSON_MS)
    return replace(
        unit,
        watching_since=unit.watching_since if in_a_loop else now,
        started_at=now,
        on=None,
        pending=None,
        unanswered=unit.pending or unit.unanswered,
        overtaken_until=0,
        settling="start",
        asks=0,
        asked_at=None,
        restore=False,
        retry_at=0,
        since=min(unit.since, now),
        override=override,
        seen_until=min(unit.seen_until, now + LONGEST_BLIND_MS),
        starts=tuple(at for at in unit.starts if at <= now),
        expires_at=unit.expires_at if unit.expires_at is None or unit.expires_at <= now + MAX_LEASE_MS else None,
    )


def clock_stepped(unit: Unit, by_ms: int, now: int) -> Unit:
    """The system's clock was put right by `by_ms`. The device counts its seconds without it, so our moments move."""

    def moved(at: int) -> int:
        return at + by_ms if at else at

    def moved_too(pending: Pending | None) -> Pending | None:
        return (
            pending
            if pending is None
            else replace(
                pending,
                sent_at=moved(pending.sent_at),
                expires_at=None if pending.expires_at is None else moved(pending.expires_at),
            )
        )

    return replace(
        unit,
        watching_since=now,
        started_at=moved(unit.started_at),
        seen_until=moved(unit.seen_until),
        since=moved(unit.since),
        starts=tuple(moved(at) for at in unit.starts),
        expires_at=None if unit.expires_at is None else moved(unit.expires_at),
        override=None if unit.override is None else replace(unit.override, until=moved(unit.override.until)),
        pending=moved_too(unit.pending),
        unanswered=moved_too(unit.unanswered),
        overtaken_until=moved(unit.overtaken_until),
        asked_at=None if unit.asked_at is None else moved(unit.asked_at),
        fault_since=None if unit.fault_since is None else moved(unit.fault_since),
        retry_at=moved(unit.retry_at),
    )
