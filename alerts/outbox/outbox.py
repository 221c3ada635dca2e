"""What people are told, from the wish to tell them to the provider's receipt.

A message is on disk before its first attempt, with the key that makes an idempotent provider deliver it once; whatever
was not delivered when a process ended goes on in the next one. All planning happens on the loop's thread: `report`
hands it calls from the other threads.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from alerts import channels
from alerts.ledger import Ledger
from alerts.lifecycle.model import Alert, Telling
from alerts.line.warnings import not_linked
from alerts.outbox import texts, timing
from alerts.outbox.arrivals import Arrivals
from alerts.outbox.attempts import Attempts
from alerts.outbox.office import Office
from alerts.outbox.pending import Pending
from alerts.outbox.restoring import last_sent, unfinished
from alerts.outbox.rows import Item, Letter, Row, Statement
from alerts.outbox.waking import Waking
from alerts.outbox.ways import Ways
from alerts.outbox.wishes import Wishes
from classair import i18n
from classair.alerting.words import GROUP_MS, NotificationState, Reason, Severity, Stage
from classair.config import Config, Person

log = logging.getLogger(__name__)

Words = Callable[[Config, str, Alert, Stage], tuple[str, str]]
FREEZE_MS: Final = 10_000  # a disk that has not answered by then is not waited for any longer


class Outbox:
    """Not thread-safe but for `committed`: everything else is called on the loop's thread.

    `words(config, language, alert, stage)` gives title and text; `report` has the loop's thread call something.
    """

    def __init__(
        self,
        ledger: Ledger,
        words: Words,
        report: Callable[[Callable[[], None]], None],
        clock: Callable[[], int],
    ) -> None:
        self._ledger, self._words, self._report, self._clock = ledger, words, report, clock
        self._config: Config | None = None
        self._gathering: dict[tuple[str, str, bool], str] = {}  # person, school, held by quiet hours → its row
        self._last = last_sent(ledger, clock())  # when a message to a person about a school was sent last
        self.office = Office(ledger, clock)
        self.wishes = Wishes(ledger)
        self._arrivals = Arrivals(ledger)
        self._ways = Ways(self.office)
        self._waking = Waking(lambda: report(self.look), clock)
        self._pending = Pending(unfinished(ledger, clock()), self._waking.at)
        self.attempts = Attempts(ledger, self._pending, self._ways, self._arrivals, report, clock)
        for row in self._pending.rows.values():
            if row.state == "waiting" and row.items:
                self._gathering[row.person, row.site, row.reason == "quiet_hours"] = row.id

    # -- what the loop asks of it --------------------------------------------------------------------------------------

    def follow(self, config: Config) -> list[str]:
        """Works by this configuration from now on. Returns what is wrong with people's channels, one line each."""
        self._config = config
        self.office.follow(config)
        wrong = self._ways.follow(config.people)
        self._waking.nudge()
        return wrong

    def warnings(self) -> list[dict[str, str]]:
        """What the health page says of channels, such as a quota that ends; texts by language."""
        return channels.warnings(self._config, self.office) if self._config is not None else []

    def unlinked(self) -> list[dict[str, str]]:
        """People whom no message can reach until they link an account; texts by language."""
        return not_linked(self._config, self.office) if self._config is not None else []

    def tell(self, telling: Telling, now: int) -> list[Statement]:
        """What is to be committed in one transaction with the change that people are told of."""
        assert self._config is not None
        alert, found = telling.alert, list[Statement]()
        for name in dict.fromkeys(telling.people):
            person = self._config.people.get(name)
            if person is None or (person.sites and alert.site and alert.site not in person.sites):
                continue
            if telling.stage == "recovered":
                found += self._withdraw(alert.id, name)
                if not self._awaited(alert.id, name):
                    continue  # nobody needs to hear the end of what they did not hear of
            title, text = self._worded(person.language, alert, telling.stage)
            if self.wishes.wants(name, person.mute, alert.kind):
                row, statements = self._row_for(name, telling, now)
            else:
                # It is on record who would have been told, and why they were not.
                row = self._new(name, alert.site, telling.stage, alert.severity, now, now)
                row.state, row.reason = "dropped", "unsubscribed"
                statements = [row.made()]
            found += [*statements, *row.add(alert.id, telling.stage, alert.kind, title, text)]
        return found

    def committed(self) -> None:
        """Any thread: what was told is on disk."""
        self._waking.nudge()

    def told_at(self, alert_id: str) -> int | None:
        """When a channel that reaches a person first delivered a message about this alert."""
        return self._arrivals.told_at(alert_id)

    def told(self, alert: str) -> set[str]:
        """Whom a message about this alert has been delivered to, by whichever channel."""
        return self._arrivals.people(alert)

    def withdraw(self, alert_id: str, now: int) -> list[Statement]:
        """The alert is over: who has not been told of its beginning yet, is not told of it any more."""
        return self._withdraw(alert_id)

    def acknowledged(self, alert_id: str) -> list[Statement]:
        """Somebody looks after it: who was to hear that nobody does, and has not yet, does not hear it any more."""
        return self._withdraw(alert_id, stages=("escalated", "reminder"), reason="acknowledged")

    def announce(
        self,
        people: Sequence[str],
        say: Callable[[str], tuple[str, str]],
        *,
        site: str,
        severity: Severity,
        episode: str,
        now: int,
    ) -> list[Statement]:
        """A smoke episode has something for these people. `say` gives title and text in a language.

        It goes at once, but for quiet hours, to everybody who has not muted smoke episodes.
        """
        assert self._config is not None
        found: list[Statement] = []
        for name in dict.fromkeys(people):
            person = self._config.people.get(name)
            if person is None:
                continue
            row = self._new(name, site, "episode", severity, now, now)
            row.episode = episode
            row.title, row.text = say(row.language)
            if self.wishes.wants(name, person.mute, "smoke_episode"):
                self._pending.begin(row)
            else:
                row.state, row.reason = "dropped", "unsubscribed"
            found.append(row.made())
        return found

    def post(self, row: Row, now: int) -> list[Statement]:
        """A message that the dashboard asks for, by its id once: what is to be committed; nothing where it is known."""
        if self.state_of(row.id) is not None:
            return []
        self._pending.begin(row)
        return [row.made(), row.enclosed()]

    def state_of(self, message: str) -> tuple[NotificationState, Reason] | None:
        """What has become of a message; None where there is none of this id."""
        if (row := self._pending.rows.get(message)) is not None:
            return row.state, row.reason
        found = self._ledger.rows("select state, reason from notification where id=?", message)
        return (found[0][0], found[0][1]) if found else None

    def forget_address(self, channel: str, address: str) -> list[Statement]:
        """Nothing goes to this address any more, also not what waits. Call `Ledger.wipe` when it is committed."""
        found: list[Statement] = []
        for row in [*self._pending.rows.values()]:
            if row.letter is not None and (row.letter.channel, row.letter.address) == (channel, address):
                self._pending.forget(row)
                found.append(row.ended("dropped", "unsubscribed"))
        return found

    def try_out(self, person: str, now: int) -> tuple[str, list[Statement]]:
        """A message for somebody who wants to see whether they are reached; its key, and what is to be committed."""
        row = self._new(person, "", "test", "info", now, now)
        row.title, row.text = (i18n.t(row.language, f"notification.{key}") for key in ("test_title", "test_text"))
        self._pending.begin(row)
        return row.id, [row.made()]

    def knows(self, person: str) -> bool:
        return self._config is not None and person in self._config.people

    def waiting(self) -> int:
        return len(self._pending.rows)

    def clock_stepped(self, by_ms: int) -> None:
        """The system's clock was put right: what waits, waits as long as it would have."""
        statements: list[Statement] = []
        for row in self._pending.rows.values():
            row.began_at = None if row.began_at is None else row.began_at + by_ms
            statements += self._pending.put_off(row, row.due_at + by_ms, row.reason)
        self._last = {key: at + by_ms for key, at in self._last.items()}
        self.attempts.clock_stepped()
        self._ledger.together(statements)

    def stop(self) -> None:
        self._waking.stop()
        self.attempts.stop()

    # -- gathering -----------------------------------------------------------------------------------------------------

    def _worded(self, language: str, alert: Alert, stage: Stage) -> tuple[str, str]:
        assert self._config is not None
        try:
            return self._words(self._config, language, alert, stage)
        except Exception:  # a fault in a text must not keep the news from people
            log.exception("notification_text_failed rule=%s stage=%s", alert.key.rule, stage)
            return f"{alert.key.rule}: {alert.key.subject}", ""

    def _row_for(self, person: str, telling: Telling, now: int) -> tuple[Row, list[Statement]]:
        """The message that waits for this person, or a new one."""
        assert self._config is not None
        alert = telling.alert
        due_at = timing.due_at(alert.severity, now, self._last.get((person, alert.site)))
        quiet = None
        if alert.severity != "urgent":
            quiet = timing.quiet_until(self._config.people[person].quiet, due_at)
        key = (person, alert.site, quiet is not None)
        row = self._pending.rows.get(self._gathering.get(key, ""))
        if row is not None:
            before = row.due_at
            statements = row.raise_to(alert.severity, telling.stage, quiet or due_at)
            if row.due_at != before:
                self._pending.schedule(row)
        else:
            row = self._new(person, alert.site, telling.stage, alert.severity, now, quiet or due_at)
            row.reason = "" if quiet is None else "quiet_hours"
            self._gathering[key] = row.id
            self._pending.begin(row)
            statements = [row.made()]
        self._pending.concerns(row, alert.id)
        return row, statements

    def _new(self, person: str, site: str, stage: Stage, severity: Severity, now: int, due_at: int) -> Row:
        assert self._config is not None
        known = self._config.people.get(person)
        language = known.language if known is not None else self._config.language
        return Row(str(uuid.uuid4()), now, due_at, site, person, stage, severity, language)

    def _withdraw(
        self,
        alert: str,
        person: str | None = None,
        stages: Sequence[Stage] = ("fired", "escalated", "reminder"),
        reason: Reason = "over_before_sent",
    ) -> list[Statement]:
        found: list[Statement] = []
        for row in self._pending.about(alert):
            if row.state == "waiting" and person in (None, row.person):
                places = {it.place for it in row.items if it.alert == alert and it.stage in stages}
                found += self._drop(row, places, reason)
        return found

    def _drop(self, row: Row, places: set[int], reason: Reason) -> list[Statement]:
        """Items that are told no more; without any the message ends as well."""
        if not places:
            return []
        for item in row.items:
            if item.place in places:
                self._pending.concerns_no_more(row, item.alert)
        found = row.drop(places)
        if row.items:
            return found
        self._close(row)
        self._pending.forget(row)
        return [*found, row.ended("dropped", reason)]

    def _close(self, row: Row) -> None:
        """Nothing is gathered into this message any more."""
        for held in (False, True):
            if self._gathering.get((row.person, row.site, held)) == row.id:
                del self._gathering[row.person, row.site, held]

    def _awaited(self, alert: str, person: str) -> bool:
        """Whether this person has heard of an alert, or is about to."""
        return person in self._arrivals.people(alert) or any(
            row.state == "sending" and row.person == person and row.tells_of(alert)
            for row in self._pending.about(alert)
        )

    # -- when it is time -----------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Freezes and sends what is due. Called whenever something may be."""
        now, config = self._clock(), self._config
        if config is None:
            return
        statements: list[Statement] = []
        frozen: list[str] = []
        ended = False
        for row in self._pending.due(now):
            if row.state == "sending":
                self.attempts.send(row, config, now)
                continue
            statements += self._ripen(row, config, now)
            ended |= row.letter is not None and row.id not in self._pending.rows
            if row.id in self._pending.rows and row.due_at <= now:
                statements.append(self._freeze(row, config, now))
                frozen.append(row.id)
        if statements:
            self._ledger.together(statements, partial(self._report, partial(self._frozen, frozen)))
            if ended:
                self._ledger.after(self._ledger.wipe)
        self._pending.wake()

    def _ripen(self, row: Row, config: Config, now: int) -> list[Statement]:
        """A message whose time has come: put off, dropped, or left to be sent now."""
        person = config.people.get(row.person)
        if row.letter is not None:
            return self._ripen_letter(row, row.letter, person, now)
        if person is None or timing.too_old(row.severity, row.due_at, now):
            self._close(row)
            return [self.attempts.abandon(row, "no_channel" if person is None else "too_old")]
        if row.stage == "test":
            return []
        unwanted = {it.place for it in row.items if not self.wishes.wants(row.person, person.mute, it.kind)}
        found = self._drop(row, unwanted, "unsubscribed")
        pointless = {it.place for it in row.items if it.over and not self._awaited(it.alert, row.person)}
        found += self._drop(row, pointless, "over_before_sent")
        if row.id not in self._pending.rows:
            return found
        if row.items and (until := self._last.get((row.person, row.site), 0) + GROUP_MS) > now:
            return found + self._pending.put_off(row, until, row.reason)
        if not row.urgent and (quiet := timing.quiet_until(person.quiet, now)) is not None:
            self._close(row)
            if row.items:
                self._gathering.setdefault((row.person, row.site, True), row.id)
            return found + self._pending.put_off(row, quiet, "quiet_hours")
        if row.items and all(self._too_early(it, row) for it in row.items):
            return found + self._pending.put_off(row, now + GROUP_MS, row.reason)
        return found

    def _ripen_letter(self, row: Row, letter: Letter, person: Person | None, now: int) -> list[Statement]:
        if person is None and not letter.address:
            return [self.attempts.abandon(row, "no_channel")]
        if now >= letter.until or timing.too_old(row.severity, row.due_at, now):
            return [self.attempts.abandon(row, "too_old")]
        hours = person.quiet if person is not None else timing.QUIET
        # Dust in a room is news of the school day; an urgent word about what somebody reported is for any hour.
        held = letter.kind == "alert" or (not row.urgent and letter.kind != "answer")
        if held and (quiet := timing.quiet_until(hours, now)) is not None:
            return self._pending.put_off(row, quiet, "quiet_hours")
        return []

    def _too_early(self, item: Item, row: Row) -> bool:
        """The end of what is still on its way to this person: it must not arrive first."""
        return item.over and row.person not in self._arrivals.people(item.alert)

    def _freeze(self, row: Row, config: Config, now: int) -> Statement:
        if row.items:
            row.title, row.text = texts.composed(config, row.language, row.site, row.items)
            self._last[row.person, row.site] = now
        self._close(row)
        statement = row.frozen(row.title, row.text)
        row.due_at = now + FREEZE_MS  # where the disk does not answer, it is sent from memory then
        self._pending.schedule(row)
        return statement

    def _frozen(self, keys: list[str]) -> None:
        """They are on disk, or the disk refuses."""
        now = self._clock()
        assert self._config is not None
        for key in keys:
            row = self._pending.rows.get(key)
            if row is not None and not row.on_the_way and row.attempts == 0:
                self.attempts.send(row, self._config, now)
