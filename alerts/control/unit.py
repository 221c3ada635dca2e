"""What is known of one purifier and what can be done with it, and how that knowledge outlives restarts and clocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from classair.units import HOUR_MS

SHORT_LIFE_MS: Final = 300_000  # a process that ended sooner goes on being as patient as it was, not anew
MAX_LEASE_MS: Final = 64_800_000  # the longest expiry a device need be able to hold (Tasmota's PulseTime: 18 h)
PERSON_MS: Final = HOUR_MS  # how long a person's ON holds outside of occupied blocks
LONGEST_BLIND_MS: Final = 900_000  # no memory of a value holds blindness off for longer

Mode = Literal["auto", "person", "fail_safe"]
Settling = Literal["", "start", "reboot", "fault"]
What = Literal[
    "not_obeying",
    "silent",
    "fell_off",
    "no_draw",
    "still_drawing",
    "no_effect",
    "device",
    "person_off",
    "person_off_long",
    "blind",
]
OF_THE_ROOM: Final = ("no_effect", "person_off", "person_off_long", "blind")
FAULTS: Final = ("not_obeying", "silent", "fell_off", "no_draw", "still_drawing", "no_effect", "device")

REASONS: Final = (
    "PM2.5 is high",
    "PM2.5 is low",
    "no valid value",
    "a person",
    "its expiry",
    "its time is over",
    "switched at the device",
    "switched on by another",
    "it went off by itself",
    "it has restarted",
    "before the children come",
    "nobody is there",
    "until its minimum time",
)
"""Why a purifier is on or off; each has its words below [health_page.purifier_reason] in the locales."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The school's numbers, and what the device can do (`Traits`)."""

    on_for_ms: int = 180_000
    off_for_ms: int = 600_000
    min_on_ms: int = 900_000
    min_off_ms: int = 600_000
    max_starts: int = 4
    when_blind: bool = True
    off_below: float = 15.0
    fast_for_ms: int = 60_000
    person_off_ms: int = 1_800_000
    off_at_most_ms: int = 3_600_000
    off_in_heavy_dust_ms: int = 600_000
    off_long_ms: int = 900_000
    low_when_empty: bool = False
    full_speed: int | None = None
    expires: bool = True
    longest_ms: int = MAX_LEASE_MS
    reports: bool = True
    asked: bool = True
    names_people: bool = False
    meters: bool = False
    idle_watts: float = 2.0


@dataclass(frozen=True, slots=True)
class Override:
    """A person's word of `since`, in force until `until`. `who`: a user's id, or "device" for its own button.

    `heavy_since`: since when, during an OFF, the dust has been so heavy that it ends sooner.
    """

    on: bool
    until: int
    who: str
    since: int = 0
    heavy_since: int | None = None


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
    speed: int | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """Something that people have been told of this unit and that is not over."""

    what: What
    since: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """All that is known of one purifier. `on` None: not known; `last_on`: what it was when it last was.

    `want`: what the signal asked for last (hysteresis). `settling`: why the device's next word is of a time that we
    have not seen. `known_at`: when it last said what it is, `heard_at`: when it last said anything. `no_rest`: what
    switched it off was no OFF of ours, so that it may come on without its minimum time. `seen_until`: not blind before
    this, by values of this life or an earlier one. `unanswered`: a command that was on its way when this life or
    connection began. `overtaken_until`: till when a contrary answer is that of a command that a newer one has
    overtaken. `falls`, `fell_at`, `again_at`: how often it fell off by itself, when last, and when it is tried again.
    `odd_since`: since when its draw contradicts its relay. `dirty_at`, `dirty`: from when on it has run without the
    dust falling, and how much there was.
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
    no_rest: bool = False
    known_at: int = 0
    heard_at: int = 0
    asked_at: int | None = None
    asks: int = 0
    quiet_asks: int = 0
    fault_since: int | None = None
    fault_wanted: bool | None = None
    retry_at: int = 0
    opened: tuple[Open, ...] = ()
    falls: int = 0
    fell_at: int = 0
    again_at: int = 0
    names_people: bool | None = None
    watts: float | None = None
    watts_at: int = 0
    odd_since: int | None = None
    dirty_at: int | None = None
    dirty: float = 0.0
    speed: int | None = None

    def is_open(self, what: What) -> bool:
        return any(it.what == what for it in self.opened)


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
class Told:
    """People are to be told of something, or that it is `over`. `wanted` and `tries` are of a command not obeyed."""

    what: What
    over: bool = False
    detail: str = ""
    wanted: bool = True
    tries: int = 0


Action = Command | Query | Told
Outcome = tuple[Unit, list[Action]]


def begun(unit: Unit, what: What, now: int, detail: str = "") -> tuple[Unit, list[Action]]:
    """People are told once, while it lasts."""
    if any(it.what == what and it.detail == detail for it in unit.opened):
        return unit, []
    return replace(unit, opened=(*unit.opened, Open(what, now, detail))), [Told(what, detail=detail)]


def over(unit: Unit, *whats: What) -> tuple[Unit, list[Action]]:
    """Whatever of these is open has ended."""
    ended = [it for it in unit.opened if it.what in whats]
    if not ended:
        return unit, []
    left = tuple(it for it in unit.opened if it not in ended)
    return replace(unit, opened=left), [Told(it.what, over=True, detail=it.detail) for it in ended]


def in_another_room(unit: Unit, now: int) -> Unit:
    """The purifier was moved. Nothing is known of the other room's air yet; its patience begins now, and its lease is
    worked out anew. What people were told of the air in the room that it left is not its concern any more.
    """
    opened = tuple(it for it in unit.opened if it.what not in OF_THE_ROOM)
    return replace(
        unit, watching_since=now, seen_until=0, want=None, expires_at=None, opened=opened, dirty_at=None, dirty=0.0
    )


def restarted(unit: Unit, now: int, reports: bool = True) -> Unit:
    """The memory with which a new process begins: deadlines hold, but what the relay is has to be read first.

    A clock that went back while nobody looked must not make minimum times or a person's word hold for years. A device
    that reports nothing (`reports` False) is taken to be what it was told to be.
    """
    in_a_loop = 0 <= now - unit.started_at <= SHORT_LIFE_MS and unit.watching_since <= now
    override = unit.override
    if override is not None:
        longest = MAX_LEASE_MS if override.on else PERSON_MS
        if override.until > now + longest:
            override = replace(override, until=now + PERSON_MS)
        heavy = override.heavy_since
        override = replace(
            override, since=min(override.since, now), heavy_since=None if heavy is None else min(heavy, now)
        )
    return replace(
        unit,
        watching_since=unit.watching_since if in_a_loop else now,
        started_at=now,
        on=None if reports else bool(unit.last_on),
        pending=None,
        unanswered=unit.pending or unit.unanswered,
        overtaken_until=0,
        settling="start" if reports else "",
        asks=0,
        asked_at=None,
        quiet_asks=0,
        heard_at=now,
        known_at=min(unit.known_at, now),
        no_rest=False,
        retry_at=0,
        again_at=0,
        fell_at=min(unit.fell_at, now),
        since=min(unit.since, now),
        override=override,
        # Further ahead than any patience: it was written down under a clock that was ahead, and says nothing.
        seen_until=unit.seen_until if unit.seen_until <= now + LONGEST_BLIND_MS else 0,
        starts=tuple(at for at in unit.starts if at <= now),
        expires_at=unit.expires_at if unit.expires_at is None or unit.expires_at <= now + MAX_LEASE_MS else None,
        watts=None,
        odd_since=None,
        dirty_at=None,
        opened=tuple(replace(it, since=min(it.since, now)) for it in unit.opened),
    )


def clock_stepped(unit: Unit, by_ms: int, now: int) -> Unit:
    """The system's clock was put right by `by_ms`. The device counts its seconds without it, so our moments move."""

    def moved(at: int) -> int:
        return at + by_ms if at else at

    def maybe(at: int | None) -> int | None:
        return None if at is None else moved(at)

    def moved_too(pending: Pending | None) -> Pending | None:
        if pending is None:
            return None
        return replace(pending, sent_at=moved(pending.sent_at), expires_at=maybe(pending.expires_at))

    override = unit.override
    if override is not None:
        override = replace(
            override,
            until=moved(override.until),
            since=moved(override.since),
            heavy_since=maybe(override.heavy_since),
        )
    return replace(
        unit,
        watching_since=now,
        started_at=moved(unit.started_at),
        seen_until=moved(unit.seen_until),
        since=moved(unit.since),
        starts=tuple(moved(at) for at in unit.starts),
        expires_at=maybe(unit.expires_at),
        override=override,
        pending=moved_too(unit.pending),
        unanswered=moved_too(unit.unanswered),
        overtaken_until=moved(unit.overtaken_until),
        known_at=moved(unit.known_at),
        heard_at=moved(unit.heard_at),
        asked_at=maybe(unit.asked_at),
        fault_since=maybe(unit.fault_since),
        retry_at=moved(unit.retry_at),
        opened=tuple(replace(it, since=moved(it.since)) for it in unit.opened),
        fell_at=moved(unit.fell_at),
        again_at=moved(unit.again_at),
        watts_at=moved(unit.watts_at),
        odd_since=maybe(unit.odd_since),
        dirty_at=maybe(unit.dirty_at),
    )
