"""A message to one person about one school on its way, and the statements that keep it in ledger.db."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from classair.alerting.words import SEVERITIES, NotificationState, Reason, Severity, Stage

Statement = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Item:
    """What one alert adds to a message. `place` is its number among the items that the message ever had."""

    place: int
    alert: str
    stage: Stage
    kind: str
    title: str
    text: str

    @property
    def over(self) -> bool:
        return self.stage == "recovered"


@dataclass(frozen=True, slots=True)
class Letter:
    """What a message says beside its words when the dashboard asked for it, and where it goes.

    `address`: of the channel; "" where it goes to the row's person by their own ways. `card`: a message in LINE's form
    as JSON, "" for none; `picture`: two addresses as JSON. `until`: it is of no use later.
    """

    channel: str
    address: str = field(repr=False)
    kind: str
    card: str
    picture: str
    until: int


@dataclass(slots=True)
class Row:
    """A row of `notification` while it is waiting or being sent.

    `due_at`: when it is to be looked at next. `began_at`: when it was tried first; from then on its age counts.
    `refused`: the person's ways, by number, that have refused it for good. `on_the_way`: a delivery thread has it.
    """

    id: str
    made_at: int
    due_at: int
    site: str
    person: str
    stage: Stage
    severity: Severity
    language: str
    episode: str = ""
    items: list[Item] = field(default_factory=list)
    places: int = 0
    state: NotificationState = "waiting"
    reason: Reason = ""
    title: str = ""
    text: str = ""
    attempts: int = 0
    began_at: int | None = None
    refused: set[int] = field(default_factory=set)
    on_the_way: bool = False
    letter: Letter | None = None

    @property
    def urgent(self) -> bool:
        return self.severity == "urgent"

    def tells_of(self, alert: str) -> bool:
        """Whether it says more of an alert than that it is over."""
        return any(item.alert == alert and not item.over for item in self.items)

    # -- what becomes of it; each returns the statements that keep it --------------------------------------------------

    def made(self) -> Statement:
        return (
            "insert or ignore into notification(id, made_at, due_at, site, person, stage, severity, language, title, "
            "text, state, reason, episode) values(?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                self.id,
                self.made_at,
                self.due_at,
                self.site,
                self.person,
                self.stage,
                self.severity,
                self.language,
                self.title,
                self.text,
                self.state,
                self.reason,
                self.episode,
            ),
        )

    def enclosed(self) -> Statement:
        """The letter's own row. It goes by itself with the message's end (a trigger), its address with it."""
        assert self.letter is not None
        it = self.letter
        return (
            "insert or ignore into letter(notification, channel, address, kind, card, picture, until) "
            "values(?,?,?,?,?,?,?)",
            (self.id, it.channel, it.address, it.kind, it.card, it.picture, it.until),
        )

    def add(self, alert: str, stage: Stage, kind: str, title: str, text: str) -> list[Statement]:
        """One item more; a later word about the same alert takes the place of the earlier one."""
        found = [self._delete(item) for item in self.items if item.alert == alert]
        item = Item(self.places, alert, stage, kind, title, text)
        self.places += 1
        self.items = [*(it for it in self.items if it.alert != alert), item]
        found.append(
            (
                "insert or replace into notification_item(notification, place, alert, stage, kind, title, text) "
                "values(?,?,?,?,?,?,?)",
                (self.id, item.place, alert, stage, kind, title, text),
            )
        )
        return found

    def drop(self, places: set[int]) -> list[Statement]:
        """Items that are told no more. The last one stays in the record, to show what the message was about."""
        left = [item for item in self.items if item.place not in places]
        gone = [item for item in self.items if item.place in places]
        if not left:
            gone = gone[:-1]
        self.items = left
        return [self._delete(item) for item in gone]

    def _delete(self, item: Item) -> Statement:
        return "delete from notification_item where notification=? and place=?", (self.id, item.place)

    def raise_to(self, severity: Severity, stage: Stage, due_at: int) -> list[Statement]:
        """The message is as pressing as the most pressing of its items."""
        severity = max(severity, self.severity, key=SEVERITIES.index)
        stage = max(stage, self.stage, key=_STAGES.index)
        due_at = min(due_at, self.due_at)
        if (severity, stage, due_at) == (self.severity, self.stage, self.due_at):
            return []
        self.severity, self.stage, self.due_at = severity, stage, due_at
        return [
            ("update notification set severity=?, stage=?, due_at=? where id=?", (severity, stage, due_at, self.id))
        ]

    def put_off(self, due_at: int, reason: Reason = "") -> list[Statement]:
        if (due_at, reason) == (self.due_at, self.reason):
            return []
        self.due_at, self.reason = due_at, reason
        return [("update notification set due_at=?, reason=? where id=?", (due_at, reason, self.id))]

    def frozen(self, title: str, text: str) -> Statement:
        self.state, self.reason, self.title, self.text = "sending", "", title, text
        return (
            "update notification set state='sending', reason='', title=?, text=?, stage=?, severity=? where id=?",
            (title, text, self.stage, self.severity, self.id),
        )

    def delivered(self, now: int, channel: str, receipt: str, reached: bool) -> Statement:
        self.state = "delivered"
        return (
            "update notification set state='delivered', reason='', channel=?, attempts=?, delivered_at=?, receipt=?, "
            "reached=? where id=?",
            (channel, self.attempts, now, receipt, int(reached), self.id),
        )

    def failed(self, channel: str) -> Statement:
        return (
            "update notification set due_at=?, reason=?, attempts=?, channel=? where id=?",
            (self.due_at, self.reason, self.attempts, channel, self.id),
        )

    def ended(self, state: NotificationState, reason: Reason) -> Statement:
        self.state, self.reason = state, reason
        return (
            "update notification set state=?, reason=?, attempts=? where id=?",
            (state, reason, self.attempts, self.id),
        )

    def attempted(self, now: int, channel: str, error: str, receipt: str) -> Statement:
        return (
            "insert into attempt(notification, at, person, channel, attempt, ok, error, receipt) "
            "values(?,?,?,?,?,?,?,?)",
            (self.id, now, self.person, channel, self.attempts, int(not error), error, receipt),
        )


# The stage of a message is the most pressing one of its items.
_STAGES: Final[tuple[Stage, ...]] = ("test", "message", "recovered", "reminder", "episode", "fired", "escalated")
