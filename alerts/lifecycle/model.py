"""What rules see, what an alert is, and what it wants told. Plain values; moments are UTC ms, durations seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from classair.alerting.words import AlertState, Severity, Stage

SILENCED: Final = "silenced"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What makes two sights the same alert. `part` tells apart several matters of one subject under one rule."""

    rule: str
    subject: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a rule sees of a subject at this moment.

    `holds`: None where nobody knows; that neither begins nor ends an alert. `since`: when it began, where the source
    knows better than we who look. `causes`: names of what would explain it ("bridge:<site>.<id>", "broker",
    "service:ingest", "sensor:…"); while an alert that `explains` one of them is open, this one is not told.
    `words`: what messages and pages put into their texts (numbers, names of things, moments as UTC ms).
    `once`: an event without an end; told once, closed at once. Seen again within JOIN_MS of the last time it is still
    that event. What no sight speaks of any more is unknown, as with None; what has gone is for AlertBoard.forget.
    """

    key: Key
    kind: str
    site: str
    room: str
    holds: bool | None
    severity: Severity = "warning"
    since: int | None = None
    causes: tuple[str, ...] = ()
    explains: str = ""
    words: Mapping[str, str | int | float] = field(default_factory=dict)
    once: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an escalation chain: who is told so many seconds after it fired, if nobody has acknowledged it."""

    after_s: float
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """How one rule's alerts live. `for_s` before it fires, `clear_s` before it is over, `remind_s` 0 for never."""

    for_s: float
    clear_s: float
    steps: tuple[Step, ...]
    remind_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Alert:
    """One matter from its first sight until it is closed. `told`: who has been told, person → when it was wanted.

    The escalation's clock stands while it is held, acknowledged or resolved: `counted_ms` until `counts_since`.
    """

    id: str
    key: Key
    kind: str
    site: str
    room: str
    severity: Severity
    state: AlertState
    since: int
    changed_at: int
    holds: bool = True
    holds_since: int = 0  # since when `holds` is as it is
    fired_at: int | None = None
    acknowledged_at: int | None = None
    acknowledged_by: str = ""
    resolved_at: int | None = None
    closed_at: int | None = None
    times: int = 0  # how often it has fired, joining included
    steps_told: int = 0  # how far up its chain it has climbed
    told_times: Mapping[str, int] = field(default_factory=dict)  # for how many steps of the chain each person was told
    reminded_at: int | None = None
    held: str = ""  # why nobody is told at present: the cause, or SILENCED
    held_since: int | None = None
    free_since: int | None = None  # since when the cause it is held by is no longer open
    unknown_since: int | None = None  # since when nobody knows whether it holds
    counted_ms: int = 0
    counts_since: int | None = None
    once: bool = False
    told: Mapping[str, int] = field(default_factory=dict)
    causes: tuple[str, ...] = ()
    explains: str = ""
    words: Mapping[str, str | int | float] = field(default_factory=dict)


Why = Literal["holds", "over", "joined", "event", "acknowledged", "held", "released", "gone", "upgrade"]
"""`joined`: it holds again within the joining time. `held`, `released`: from now on nobody is told, because of the
alert's `cause`, or that is past; the state stays. `gone`: its subject or rule was removed; nobody is told."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the record: what an alert was and became, when, by whom ("" by itself) and why.

    A second acknowledgement is a row of its own, whose `before` and `after` are the same.
    """

    alert: str
    at: int
    before: AlertState
    after: AlertState
    who: str = ""
    why: Why = "holds"


@dataclass(frozen=True, slots=True)
class Telling:
    """An alert wants these people told. The outbox makes one message of what one person is to be told of one school."""

    alert: Alert
    stage: Stage
    people: tuple[str, ...]
