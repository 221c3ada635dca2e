"""Smoke episodes as they run: opened by the rule or by hand, one at a time, kept in the ledger, told to the chain.

Everything that changes gives the statements that keep it, so that a change, the messages about it and the answer to
whoever asked for it are on disk together or not at all. Called from the loop of alerts only.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

from alerts.answering import Done, Handler, Refused
from alerts.episodes import texts
from alerts.episodes.episode import Episode, Reminder, Row, Task, overdue, people_of, plan
from alerts.episodes.people import chain_of
from alerts.episodes.requests import MOST_LINES, MOST_TASKS, REQUESTS, AddTask, Close, DoTask, Note, Open, parse
from alerts.episodes.restoring import as_it_was, lines_of
from alerts.ledger import Statement
from alerts.lifecycle.model import Alert
from classair.alerting.episode_words import BY_RULE
from classair.alerting.reading import NotKnown, Records
from classair.alerting.words import Severity
from classair.config import Config
from classair.science.clean_rooms import counted_for
from classair.units import MINUTE_MS

log = logging.getLogger(__name__)

KIND: Final = "smoke_episode"
LOOKED_BACK: Final = 20  # episodes whose alerts are not taken for new ones after a restart


class Announcer(Protocol):
    """The outbox, as far as episodes need it."""

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
        """One message of stage "episode" to each of these; `say` gives title and text in a language."""
        ...

    def committed(self) -> None:
        """What was announced is on disk."""
        ...


Answered = tuple[dict[str, Any], list[Statement]]


def _new_id() -> str:
    return uuid.uuid4().hex


class EpisodeDesk:
    """The open episode, if there is one. The ledger is read at the start, and only written from then on."""

    def __init__(self, ledger: Path, announcer: Announcer, new_id: Callable[[], str] = _new_id) -> None:
        self._announcer, self._new_id = announcer, new_id
        self._config: Config | None = None
        self.open: Episode | None = None
        self._lines = 0
        self._closed: dict[str, int] = {}  # of episodes that are closed: when
        self._spent: set[str] = set()  # alerts that have opened or joined an episode once
        self._smoke: dict[str, Alert] = {}  # the rule's alerts of the open episode, as seen last, also after their end
        self._messaged: dict[str, set[str]] = {}  # whom earlier lives of ours sent messages about these alerts
        self._restore(ledger)

    def _restore(self, path: Path) -> None:
        """What earlier runs have written. An alert may come again with its old id for a month at the very most."""
        records = Records(path)
        try:
            known = records.episodes()
            for record in known:
                if record.closed_at is not None:
                    self._closed[record.id] = record.closed_at
            for record in known[:LOOKED_BACK]:
                lines = lines_of(records, record.id)
                self._spent.update(line.words for line in lines if line.what == "alert")
                if record.closed_at is None and self.open is None:
                    self.open, self._lines = as_it_was(record, lines, records.tasks(record.id)), len(lines)
                    about = records.notifications_of(sorted(self.open.alerts))
                    self._messaged = {alert: {one.person for one in found} for alert, found in about.items()}
        except NotKnown as error:
            log.info("episodes_unknown reason=%s", error)

    def follow(self, config: Config) -> None:
        self._config = config

    def step(self, alerts: Iterable[Alert], now: int) -> list[Statement]:
        """Each second, with all alerts that are open: what is to be committed."""
        return self.see(alerts, now) + self.tick(now)

    # -- what happens by itself ----------------------------------------------------------------------------------------

    def see(self, alerts: Iterable[Alert], now: int) -> list[Statement]:
        """`alerts`: all that are open at this moment; those of the smoke rule open an episode, or join the open one.

        One that is silenced does so when the silence ends, if it still fires.
        """
        if self._config is None:
            return []
        smoke = {alert.id: alert for alert in alerts if alert.kind == KIND}
        before = self.open
        statements: list[Statement] = []
        for alert in sorted(smoke.values(), key=lambda one: (one.fired_at or 0, one.id)):
            fires = alert.state in ("firing", "acknowledged") and alert.site in self._config.sites and not alert.held
            if fires and alert.id not in self._spent:
                statements += self._take(alert, now)
        episode = self.open
        if episode is None:
            return statements
        self._smoke |= {key: alert for key, alert in smoke.items() if key in episode.alerts}
        joined = before is not None and before.sites != episode.sites
        statements += self._tell_new("joined" if joined else "opened", now)
        if episode.alerts and not episode.over and not episode.alerts & smoke.keys():
            statements += self._write(Row(episode.id, now, "", "over"))
            first = people_of(step for site in episode.sites for step in self._chain(site)[:1])
            hear_it = self._recovered(episode)
            statements += self._tell([one for one in first if one not in hear_it], "over", episode, "info", now)
        return statements

    def _recovered(self, episode: Episode) -> set[str]:
        """Whom its alerts themselves tell that they are over; one whose rule was removed while it fired does not."""
        found: set[str] = set()
        for key in episode.alerts:
            alert = self._smoke.get(key)
            if alert is None:
                found |= self._messaged.get(key, set())
            elif alert.state == "resolved":
                found |= alert.told.keys()
        return found

    def tick(self, now: int) -> list[Statement]:
        """Reminds those who have tasks that are overdue: one message a person, whatever their number."""
        episode = self.open
        if episode is None or self._config is None:
            return []
        due = overdue(episode, lambda site: people_of(self._chain(site)), now)
        statements: list[Statement] = []
        for person in dict.fromkeys(one.person for one in due):
            theirs = [one for one in due if one.person == person]
            statements += [
                line for one in theirs for line in self._write(Row(episode.id, now, person, "overdue", one.task.id))
            ]
            statements += self._remind(person, theirs, episode, now)
        return statements

    def _remind(self, person: str, theirs: Sequence[Reminder], episode: Episode, now: int) -> list[Statement]:
        config = self._config
        assert config is not None
        if person not in config.people:
            return []
        return self._announcer.announce(
            [person],
            lambda language: texts.overdue(config, language, episode, theirs, now),
            site=theirs[0].task.site,
            severity="warning",
            episode=episode.id,
            now=now,
        )

    def _take(self, alert: Alert, now: int) -> list[Statement]:
        self._spent.add(alert.id)
        if self.open is None:
            statements = self._begin(self._new_id(), "", [alert.site], "", f"{BY_RULE}{alert.key.rule}", now)
        else:
            statements = self._join([alert.site], now)
        return statements + self._write(Row(self.open.id, now, "", "alert", alert.id))  # type: ignore[union-attr]

    # -- what people ask for -------------------------------------------------------------------------------------------

    def handlers(self) -> dict[str, Handler]:
        """For the table of what alerts is asked."""
        return {do: lambda ask, now: self.do(ask.do, ask.args, ask.who, now) for do in REQUESTS}

    def do(self, do: str, args: Mapping[str, Any], who: str, now: int) -> Done:
        """Does what is asked, once more harmlessly. Commit what it returns. Raises Refused."""
        result, statements = self._do(do, args, who, now)
        return Done(result, tuple(statements), self._announcer.committed)

    def _do(self, do: str, args: Mapping[str, Any], who: str, now: int) -> Answered:
        if self._config is None:
            raise Refused("the configuration is not known yet; try again in a minute")
        match parse(do, args):
            case Open() as wish:
                return self._open_by_hand(wish, who, now)
            case Close() as wish:
                return self._close(wish, who, now)
            case AddTask() as wish:
                return self._add_task(wish, who, now)
            case DoTask() as wish:
                return self._do_task(wish, who, now)
            case Note() as wish:
                episode = self._running(wish.episode)
                return ({"episode": episode.id}, self._write(Row(episode.id, now, who, "note", wish.words)))
            case _:
                raise Refused(f"unknown request {do!r}")

    def _open_by_hand(self, wish: Open, who: str, now: int) -> Answered:
        assert self._config is not None
        sites = list(dict.fromkeys(wish.sites or self._config.sites))
        for site in sites:
            if site not in self._config.sites:
                raise Refused(f"sites: unknown school {site!r}; known: {', '.join(self._config.sites)}")
        if self.open is not None:
            # Two people press at once, or a rule was quicker: there is one episode, and its schools are all of theirs.
            statements = self._join(sites, now) + self._tell_new("joined", now)
            if wish.why:
                statements += self._write(Row(self.open.id, now, who, "note", wish.why))
            return ({"episode": self.open.id, "joined": True, "sites": list(self.open.sites)}, statements)
        key = self._new_id()
        statements = self._begin(key, wish.name, sites, who, wish.why, now) + self._tell_new("opened", now)
        return ({"episode": key, "joined": False, "sites": sites}, statements)

    def _close(self, wish: Close, who: str, now: int) -> Answered:
        if wish.episode in self._closed:
            return ({"episode": wish.episode, "closed_at": self._closed[wish.episode], "already": True}, [])
        episode = self._running(wish.episode)
        statements = self._write(Row(episode.id, now, who, "closed", wish.summary))
        concerned = [*sorted(episode.told), *people_of(step for site in episode.sites for step in self._chain(site))]
        statements += self._tell(concerned, "closed", episode, "info", now)
        statements.append(
            (
                "update episode set closed_at=?, closed_by=?, summary=? where id=? and closed_at is null",
                (now, who, wish.summary, episode.id),
            )
        )
        self._closed[episode.id] = now
        self.open, self._lines = None, 0
        self._smoke, self._messaged = {}, {}
        log.info("episode_closed episode=%s tasks_open=%d", episode.id, len(episode.open_tasks()))
        return ({"episode": episode.id, "closed_at": now, "already": False}, statements)

    def _add_task(self, wish: AddTask, who: str, now: int) -> Answered:
        assert self._config is not None
        episode = self._running(wish.episode)
        if wish.site not in episode.sites:
            raise Refused(f"site: {wish.site!r} is not part of this episode; expected {', '.join(episode.sites)}")
        room = f"{wish.site}.{wish.room.rpartition('.')[2]}" if wish.room else ""
        if room and (not self._config.has_room(room) or wish.room not in (room, room.partition(".")[2])):
            raise Refused(f"room: {wish.room!r} is no room of {wish.site}")
        if wish.owner and wish.owner not in self._config.people:
            raise Refused(f"owner: unknown person {wish.owner!r}; known: {', '.join(self._config.people) or 'nobody'}")
        if len(episode.tasks) >= MOST_TASKS:
            raise Refused(f"this episode has {MOST_TASKS} tasks already; use a note")
        due = now + round(wish.due_minutes * MINUTE_MS)
        task = Task(self._new_id(), episode.id, now, wish.words, wish.site, room, wish.owner, due)
        statements = self._keep_task(task)
        return (
            {"episode": episode.id, "task": task.id, "due_at": due},
            statements + self._write(Row(episode.id, now, who, "task_added", task.id)),
        )

    def _do_task(self, wish: DoTask, who: str, now: int) -> Answered:
        episode = self.open
        task = episode.tasks.get(wish.task) if episode is not None else None
        if episode is None or task is None:
            raise Refused(f"task: unknown task {wish.task!r}, or its episode is closed")
        if task.done_at is not None:
            # Two people at once: the first one has done it.
            return ({"task": task.id, "done_at": task.done_at, "done_by": task.done_by, "already": True}, [])
        done = replace(task, done_at=now, done_by=who, note=wish.note)
        self.open = episode.with_task(done)
        statements: list[Statement] = [
            (
                "update episode_task set done_at=?, done_by=?, note=? where id=? and done_at is null",
                (now, who, wish.note, task.id),
            )
        ]
        statements += self._write(Row(episode.id, now, who, "task_done", task.id))
        return ({"task": task.id, "done_at": now, "done_by": who, "already": False}, statements)

    # -- steps of these ------------------------------------------------------------------------------------------------

    def _running(self, episode: str) -> Episode:
        if self.open is None or self.open.id != episode:
            raise Refused(
                "this episode is closed; its report stays as it is"
                if episode in self._closed
                else f"episode: unknown episode {episode!r}"
            )
        if self._lines >= MOST_LINES:
            raise Refused(f"the log of this episode has {MOST_LINES} lines; close it")
        return self.open

    def _begin(self, key: str, name: str, sites: Sequence[str], who: str, why: str, now: int) -> list[Statement]:
        self.open, self._lines = Episode(key, name, tuple(sites), now, who, why), 0
        statements: list[Statement] = [
            (
                "insert into episode(id, name, sites, opened_at, opened_by, why) values(?,?,?,?,?,?)",
                (key, name, json.dumps(list(sites)), now, who, why),
            )
        ]
        statements += self._write(Row(key, now, who, "opened", why))
        log.info("episode_opened episode=%s sites=%s by=%s", key, ",".join(sites), "hand" if who else "rule")
        return statements + self._lists(sites, now)

    def _join(self, sites: Sequence[str], now: int) -> list[Statement]:
        episode = self.open
        assert episode is not None
        fresh = [site for site in sites if site not in episode.sites]
        if not fresh:
            return []
        self.open = replace(episode, sites=(*episode.sites, *fresh))
        statements: list[Statement] = [
            ("update episode set sites=? where id=?", (json.dumps(list(self.open.sites)), episode.id))
        ]
        for site in fresh:
            statements += self._write(Row(episode.id, now, "", "joined", site))
        log.info("episode_joined episode=%s sites=%s", episode.id, ",".join(fresh))
        return statements + self._lists(fresh, now)

    def _lists(self, sites: Iterable[str], now: int) -> list[Statement]:
        assert self._config is not None and self.open is not None
        statements: list[Statement] = []
        for site in sites:
            rooms = [name for name, room in self._config.rooms() if name.startswith(f"{site}.") and not room.outdoor]
            school_at = counted_for((self._config.timetable_of(name) for name in rooms), now)
            for task in plan(self.open.id, site, self._chain(site), now, school_at, self._new_id):
                if len(self.open.tasks) < MOST_TASKS:
                    statements += self._keep_task(task)
        return statements

    def _keep_task(self, task: Task) -> list[Statement]:
        assert self.open is not None
        self.open = self.open.with_task(task)
        return [
            (
                "insert into episode_task(id, episode, at, words, site, room, owner, due_at) values(?,?,?,?,?,?,?,?)",
                (task.id, task.episode, task.at, task.words, task.site, task.room, task.owner, task.due_at),
            )
        ]

    def _chain(self, site: str) -> list[list[str]]:
        assert self._config is not None
        return chain_of(self._config, site) if site in self._config.sites else []

    def _tell_new(self, what: str, now: int) -> list[Statement]:
        """Everybody in the schools' chains is told once that it is open: by an alert of the rule, whose message names
        the list of tasks, or else here. Whom an alert is still to tell waits until it does or somebody acknowledges it.
        """
        episode = self.open
        assert episode is not None
        alerts = [self._smoke[key] for key in episode.alerts if key in self._smoke]
        by_alert = {person for alert in alerts for person in alert.told}
        awaited = {
            person for alert in alerts if alert.state == "firing" and alert.holds for person in self._people_of(alert)
        }
        fresh = people_of(step for site in episode.sites for step in self._chain(site))
        fresh = [one for one in fresh if one not in episode.told and (one in by_alert or one not in awaited)]
        statements = [line for person in fresh for line in self._write(Row(episode.id, now, person, "told"))]
        return statements + self._tell([one for one in fresh if one not in by_alert], what, episode, "urgent", now)

    def _people_of(self, alert: Alert) -> list[str]:
        """Whom an alert tells in the end, if nobody acknowledges it."""
        assert self._config is not None
        return people_of(chain_of(self._config, alert.site, alert.key.rule))

    def _tell(
        self, people: Iterable[str], what: str, episode: Episode, severity: Severity, now: int
    ) -> list[Statement]:
        config = self._config
        assert config is not None
        wanted = [person for person in dict.fromkeys(people) if person in config.people]
        if not wanted:
            return []
        return self._announcer.announce(
            wanted,
            lambda language: texts.message(config, language, what, episode, now),
            site=episode.sites[0],
            severity=severity,
            episode=episode.id,
            now=now,
        )

    def _write(self, row: Row) -> list[Statement]:
        if self.open is not None:
            self.open = self.open.after(row)
        self._lines += 1
        return [
            (
                "insert into episode_log(episode, at, who, what, words) values(?,?,?,?,?)",
                (row.episode, row.at, row.who, row.what, row.words),
            )
        ]
