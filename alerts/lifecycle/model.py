"""What rules see, what an alert is, and what it wants told. Plain values; moments are UTC ms, durations seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from classair.alerting.words import AlertState, Severity, Stage


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
    `once`: an event without an end; told once, closed at once.
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
    """One matter from its first sight until it is closed. `told`: who has been told, person → when it was wanted."""

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
    steps_told: int = 0
    reminded_at: int | None = None
    held: str = ""  # why nobody is told at present: the cause, or "silenced"
    told: Mapping[str, int] = field(default_factory=dict)
    causes: tuple[str, ...] = ()
    explains: str = ""
    words: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the record: what an alert was and became, when, by whom ("" by itself) and why."""

    alert: str
    at: int
    before: AlertState | None
    after: AlertState
    who: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """An alert wants these people told. The outbox makes one message of what one person is to be told of one school."""

    alert: Alert
    stage: Stage
    people: tuple[str, ...]
