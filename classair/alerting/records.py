"""What alerts has written of alerts, notifications, silences and smoke episodes: a row of each as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Moment = tuple[int, str]
"""The place of a row in a list from new to old: its time (UTC ms) and its id. Pass the last one's as `before`."""


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """An alert as it is now. `cause`: why nobody is told at present, "" when nothing holds it back.

    `memory`: what else its machine keeps, such as how many steps of its chain were told; `words`: what texts say of it.
    """

    id: str
    rule: str
    kind: str
    subject: str
    part: str
    site: str
    room: str
    severity: str
    state: str
    holds: bool
    since: int
    fired_at: int | None
    changed_at: int
    acknowledged_at: int | None
    acknowledged_by: str
    resolved_at: int | None
    closed_at: int | None
    times: int
    cause: str
    memory: Mapping[str, Any]
    words: Mapping[str, Any]

    @property
    def place(self) -> Moment:
        return self.changed_at, self.id


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    id: int
    alert: str
    at: int
    before: str
    after: str
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class NotificationRecord:
    """One message to one person. `reached`: its channel reaches a person, and has taken it: only that is "told"."""

    id: str
    made_at: int
    due_at: int
    site: str
    person: str
    stage: str
    severity: str
    language: str
    title: str
    text: str
    state: str
    reason: str
    channel: str
    attempts: int
    delivered_at: int | None
    receipt: str
    reached: bool
    episode: str

    @property
    def place(self) -> Moment:
        return self.made_at, self.id

    @property
    def told_at(self) -> int | None:
        return self.delivered_at if self.reached else None


@dataclass(frozen=True, slots=True)
class LettersHeld:
    """Messages to addresses, not people, of one title that were given up or wait, for one reason.

    `since`, `latest`: when the first and the last were made; `due_at`: when those that wait are tried.
    """

    title: str
    severity: str
    state: str
    reason: str
    count: int
    since: int
    latest: int
    due_at: int


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    id: int
    notification: str
    at: int
    person: str
    channel: str
    attempt: int
    ok: bool
    error: str
    receipt: str


@dataclass(frozen=True, slots=True)
class SilenceRecord:
    """Empty `site`, `room`, `subject` or `rule`: whichever it is."""

    id: str
    at: int
    until: int
    site: str
    room: str
    subject: str
    rule: str
    who: str
    why: str
    ended_at: int | None
    ended_by: str

    @property
    def place(self) -> Moment:
        return self.at, self.id

    def holds(self, now_ms: int) -> bool:
        return self.ended_at is None and self.at <= now_ms < self.until


@dataclass(frozen=True, slots=True)
class PreferenceRecord:
    """What a person wants to be told of: kinds that nobody has said anything about are wanted."""

    person: str
    kind: str
    at: int
    wanted: bool
    why: str


@dataclass(frozen=True, slots=True)
class ToldRecord:
    """A room's state as screens showed it from `at` (UTC ms) on, until the next row; never changed.

    `phase`: the status of its PM2.5 (`ok`, `late`, `filling` …); `shown`: the number, "" without one; `rule`: the row
    of the advice.
    """

    id: int
    room: str
    at: int
    phase: str
    level: str
    shown: str
    rule: str
    co2_level: str
    co2_shown: str
    outdoor_shown: str
    config_version: int
    advice_version: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """What a purifier did on a local day (ISO date): seconds on and off, starts, energy in Wh.

    `metered_s`, `rated_s`: seconds on of which a meter, or the rated power, says what it drew. `dust_mg`: dust taken
    in, of `dust_s` seconds on.
    """

    purifier: str
    day: str
    on_s: float
    off_s: float
    starts: int
    metered_s: float
    metered_wh: float
    rated_s: float
    rated_wh: float
    dust_s: float
    dust_mg: float


@dataclass(frozen=True, slots=True)
class EpisodeRecord:
    """`sites`: a list of JSON in the table."""

    id: str
    name: str
    sites: tuple[str, ...]
    opened_at: int
    opened_by: str
    why: str
    closed_at: int | None
    closed_by: str
    summary: str

    @property
    def place(self) -> Moment:
        return self.opened_at, self.id


@dataclass(frozen=True, slots=True)
class TaskRecord:
    id: str
    episode: str
    at: int
    words: str
    site: str
    room: str
    owner: str
    due_at: int
    done_at: int | None
    done_by: str
    note: str


@dataclass(frozen=True, slots=True)
class EpisodeLogRecord:
    id: int
    episode: str
    at: int
    who: str
    what: str
    words: str
