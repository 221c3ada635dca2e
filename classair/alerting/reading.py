"""Alerts, notifications, silences and episodes for everybody but alerts, which alone writes them. Read-only.

Whoever reads gets what is on disk, or NotKnown: a ledger that is not there, not there yet or not readable says nothing,
and nothing must not look like "no alerts". The addresses that people have linked (`contact`) are never read.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar

from classair.alerting.messages import message_id
from classair.alerting.records import (
    AlertRecord,
    AttemptRecord,
    ChangeRecord,
    EpisodeLogRecord,
    EpisodeRecord,
    LettersHeld,
    Moment,
    NotificationRecord,
    PreferenceRecord,
    SilenceRecord,
    TaskRecord,
    ToldRecord,
    UsageRecord,
)

LIMIT: Final = 500
"""The longest page that is given."""
_WAIT_S: Final = 1.0

_FLAGS: Final = frozenset({"holds", "reached", "ok", "wanted", "simulated"})

T = TypeVar("T")


class NotKnown(Exception):
    """The ledger cannot be read; the message says why."""


_TABLES: Final[Mapping[type, str]] = {
    AlertRecord: "alert",
    ChangeRecord: "alert_change",
    NotificationRecord: "notification",
    AttemptRecord: "attempt",
    SilenceRecord: "silence",
    PreferenceRecord: "preference",
    EpisodeRecord: "episode",
    TaskRecord: "episode_task",
    UsageRecord: "purifier_usage",
    EpisodeLogRecord: "episode_log",
    ToldRecord: "state_told",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Of which places records are given: those about `rooms` or `purifiers`, about anything in the schools `whole`, and
    those about a whole school of `touched` (or about none: services belong to all)."""

    touched: frozenset[str]
    whole: frozenset[str]
    rooms: frozenset[str]
    purifiers: frozenset[str] = frozenset()

    def holds(self, room: str) -> bool:
        return room in self.rooms or room.partition(".")[0] in self.whole


class Records:
    """Reads `places.ledger`. Every method raises NotKnown, gives `limit` rows at most and LIMIT at the very most."""

    def __init__(self, path: Path | None, scope: Callable[[], Scope | None] = lambda: None) -> None:
        """`path` None: an installation without a ledger, of which nothing is known. `scope`: asked at each question."""
        self.path, self._scope = path, scope

    def within(self, scope: Callable[[], Scope | None]) -> Records:
        """The same records, of the places that `scope` says; None: of all."""
        return Records(self.path, scope)

    # -- alerts --------------------------------------------------------------------------------------------------------

    def alerts(
        self,
        states: Sequence[str] = (),
        *,
        sites: Sequence[str] = (),
        room: str = "",
        kind: str = "",
        since_ms: int | None = None,
        before: Moment | None = None,
        limit: int = LIMIT,
    ) -> list[AlertRecord]:
        """Those that changed last come first. `since_ms`: that have changed since. Empty: all states, sites, kinds."""
        where = _Where()
        where.among("state", states)
        where.among("site", sites)
        where.equal("room", room)
        where.equal("kind", kind)
        where.at_least("changed_at", since_ms)
        where.before("changed_at", before)
        return self._rows(AlertRecord, where, "changed_at desc, id desc", limit)

    def open_alerts(self, limit: int = LIMIT) -> list[AlertRecord]:
        """What is pending, firing, acknowledged or resolved, the newest first."""
        return self._rows(AlertRecord, _Where("closed_at is null"), "since desc, id desc", limit)

    def alert(self, alert: str) -> AlertRecord | None:
        found = self._rows(AlertRecord, _Where("id=?", alert), "id", 1)
        return found[0] if found else None

    def changes(self, alert: str, limit: int = LIMIT) -> list[ChangeRecord]:
        """From the beginning on."""
        return self._rows(ChangeRecord, _Where("alert=?", alert), "at, id", limit)

    # -- notifications -------------------------------------------------------------------------------------------------

    def notifications(
        self,
        states: Sequence[str] = (),
        *,
        person: str = "",
        sites: Sequence[str] = (),
        episode: str = "",
        held_back: bool = False,
        since_ms: int | None = None,
        before: Moment | None = None,
        limit: int = LIMIT,
    ) -> list[NotificationRecord]:
        """Those to people of sensors.yaml, the newest first.

        `held_back`: only those with a reason why they were not sent, or not yet.
        """
        where = _Where("person<>''")
        where.among("state", states)
        where.equal("person", person)
        where.among("site", sites)
        where.equal("episode", episode)
        if held_back:
            where.add("(state='abandoned' or (reason<>'' and state<>'delivered'))")
        where.at_least("made_at", since_ms)
        where.before("made_at", before)
        return self._rows(NotificationRecord, where, "made_at desc, id desc", limit)

    def advice(self, room: str, at_ms: int) -> str:
        """The row of the advice that the room's display showed at that moment; "" where none is on record."""
        scope = self._scope()
        if scope is not None and not scope.holds(room):
            return ""
        with contextlib.suppress(NotKnown), self._open() as connection:
            found = connection.execute(
                "select cast(rule as text) from state_told where room=? and at<=? order by at desc, id desc limit 1",
                (room, at_ms),
            ).fetchone()
            return str(found[0]) if found else ""
        return ""

    def told(self, room: str, start_ms: int, end_ms: int) -> list[ToldRecord]:
        """What the room's screens showed from `start_ms` (the row in force then comes first) up to, with, `end_ms`."""
        where = _Where("room=? and at<=?", room, end_ms)
        where.add("at>=coalesce((select max(at) from state_told where room=? and at<=?), ?)", room, start_ms, start_ms)
        with self._open() as connection:
            return self._read(connection, ToldRecord, where, "at, id", -1)

    def message(self, key: str) -> NotificationRecord | None:
        """The message that the dashboard has asked for by this key; None while alerts knows of none."""
        found = self._rows(NotificationRecord, _Where("id=?", message_id(key)), "id", 1)
        return found[0] if found else None

    def letters_held(self, since_ms: int, limit: int = LIMIT) -> list[LettersHeld]:
        """Messages to addresses, not people, that were given up since, or wait for a reason; the newest first."""
        with self._open() as connection:
            rows = connection.execute(
                "select title, severity, state, reason, count(*), min(made_at), max(made_at), max(due_at)"
                " from notification where person='' and made_at>=?"
                " and (state='abandoned' or (reason<>'' and state in ('waiting', 'sending')))"
                " group by title, severity, state, reason order by max(made_at) desc, title limit ?",
                (since_ms, limit),
            )
            return [LettersHeld(*row) for row in rows]

    def notifications_of(self, alerts: Sequence[str], limit: int = LIMIT) -> dict[str, list[NotificationRecord]]:
        """The messages about each of these alerts, the oldest first; `limit` is for each of them."""
        found: dict[str, list[NotificationRecord]] = {}
        with self._open() as connection:
            for alert in dict.fromkeys(alerts):
                where = _Where("id in (select notification from notification_item where alert=?)", alert)
                found[alert] = self._read(connection, NotificationRecord, where, "made_at, id", limit)
        return found

    def attempts(self, notifications: Sequence[str], limit: int = LIMIT) -> list[AttemptRecord]:
        """From the beginning on."""
        found: list[AttemptRecord] = []
        with self._open() as connection:
            for one in dict.fromkeys(notifications):
                where = _Where("notification=?", one)
                found += self._read(connection, AttemptRecord, where, "at, id", max(0, _page(limit) - len(found)))
        return sorted(found, key=lambda it: (it.at, it.id))

    def preferences(self, person: str) -> list[PreferenceRecord]:
        return self._rows(PreferenceRecord, _Where("person=?", person), "kind", LIMIT)

    # -- purifiers -----------------------------------------------------------------------------------------------------

    def usage(self, first: date, last: date) -> list[UsageRecord]:
        """What purifiers did on these local days, both included; every row, because they are added up."""
        where = _Where("day>=? and day<=?", first.isoformat(), last.isoformat())
        with self._open() as connection:
            return self._read(connection, UsageRecord, where, "day, purifier", -1)

    # -- silences ------------------------------------------------------------------------------------------------------

    def silences(
        self, *, now_ms: int | None = None, before: Moment | None = None, limit: int = LIMIT
    ) -> list[SilenceRecord]:
        """The newest first. `now_ms`: only those in force at that moment."""
        where = _Where()
        if now_ms is not None:
            where.add("ended_at is null and at<=? and until>?", now_ms, now_ms)
        where.before("at", before)
        return self._rows(SilenceRecord, where, "at desc, id desc", limit)

    def silence(self, silence: str) -> SilenceRecord | None:
        found = self._rows(SilenceRecord, _Where("id=?", silence), "id", 1)
        return found[0] if found else None

    # -- smoke episodes ------------------------------------------------------------------------------------------------

    def episodes(
        self, *, open_only: bool = False, before: Moment | None = None, limit: int = LIMIT
    ) -> list[EpisodeRecord]:
        """The newest first."""
        where = _Where("closed_at is null") if open_only else _Where()
        where.before("opened_at", before)
        return self._rows(EpisodeRecord, where, "opened_at desc, id desc", limit)

    def episode(self, episode: str) -> EpisodeRecord | None:
        found = self._rows(EpisodeRecord, _Where("id=?", episode), "id", 1)
        return found[0] if found else None

    def tasks(self, episode: str, limit: int = LIMIT) -> list[TaskRecord]:
        """What is due first comes first."""
        return self._rows(TaskRecord, _Where("episode=?", episode), "due_at, id", limit)

    def episode_log(self, episode: str, *, after: int = 0, limit: int = LIMIT) -> list[EpisodeLogRecord]:
        """From the beginning on; `after`: the id of the last one that is known."""
        return self._rows(EpisodeLogRecord, _Where("episode=? and id>?", episode, after), "id", limit)

    # -- the file ------------------------------------------------------------------------------------------------------

    def _rows(self, record: type[T], where: _Where, order: str, limit: int) -> list[T]:
        with self._open() as connection:
            return self._read(connection, record, where, order, _page(limit))

    def _read(self, connection: sqlite3.Connection, record: type[T], where: _Where, order: str, limit: int) -> list[T]:
        scope = self._scope()
        if scope is not None and (condition := _SEEN.get(record)):
            lists = {name: json.dumps(sorted(getattr(scope, name))) for name in _LISTS}
            connection.execute(f"create temp table if not exists scope({', '.join(f'{name} text' for name in _LISTS)})")
            connection.execute("delete from temp.scope")
            connection.execute("insert into temp.scope values(:touched, :whole, :rooms, :purifiers)", lists)
            where.add(condition)
        return _read(connection, record, where, order, limit)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if self.path is None or not self.path.exists():
            raise NotKnown(f"{self.path.name if self.path else 'the ledger'} is not there yet")
        try:
            address = f"{self.path.absolute().as_uri()}?mode=ro"
            with contextlib.closing(sqlite3.connect(address, uri=True, timeout=_WAIT_S)) as connection:
                connection.execute("begin")  # what is read together was true together
                yield connection
        except sqlite3.Error as error:
            raise NotKnown(f"{self.path.name} cannot be read: {error}") from None


_LISTS: Final = ("touched", "whole", "rooms", "purifiers")


def _among(value: str, which: str) -> str:
    return f"{value} in (select value from temp.scope, json_each(temp.scope.{which}))"


def _site(full: str) -> str:
    return f"substr({full}, 1, instr({full}, '.') - 1)"


# Of a place: a school that is touched, a room that is seen or stands in a school that is seen as a whole.
_PLACE: Final = (
    f"(site='' or {_among('site', 'touched')}) "
    f"and (room='' or {_among('room', 'rooms')} or {_among(_site('room'), 'whole')})"
)
_MESSAGE: Final = (
    f"(site='' or {_among('site', 'whole')} or (episode<>'' and {_among('site', 'touched')}) or id in "
    f"(select notification from notification_item where alert in (select id from alert where {_PLACE})))"
)
_EPISODE: Final = (
    f"(sites='[]' or exists(select 1 from json_each(sites) as of_it where {_among('of_it.value', 'touched')}))"
)
_SEEN: Final[Mapping[type, str]] = {
    AlertRecord: _PLACE,
    ChangeRecord: f"alert in (select id from alert where {_PLACE})",
    NotificationRecord: _MESSAGE,
    AttemptRecord: f"notification in (select id from notification where {_MESSAGE})",
    SilenceRecord: f"{_PLACE} and (instr(subject, '.')=0 or {_among(_site('subject'), 'touched')})",
    EpisodeRecord: _EPISODE,
    TaskRecord: _PLACE,
    UsageRecord: f"({_among('purifier', 'purifiers')} or {_among(_site('purifier'), 'whole')})",
    ToldRecord: f"({_among('room', 'rooms')} or {_among(_site('room'), 'whole')})",
    EpisodeLogRecord: f"episode in (select id from episode where {_EPISODE})",
}


class _Where:
    """Conditions that all hold, with their values."""

    def __init__(self, condition: str = "", *values: Any) -> None:
        self._conditions = [condition] if condition else []
        self.values = [*values]

    def add(self, condition: str, *values: Any) -> None:
        self._conditions.append(condition)
        self.values += values

    def equal(self, column: str, value: str) -> None:
        if value:
            self.add(f"{column}=?", value)

    def among(self, column: str, values: Sequence[str]) -> None:
        if values:
            self.add(f"{column} in ({', '.join('?' * len(values))})", *values)

    def at_least(self, column: str, value: int | None) -> None:
        if value is not None:
            self.add(f"{column}>=?", value)

    def before(self, column: str, place: Moment | None) -> None:
        if place is not None:
            self.add(f"({column}, id)<(?, ?)", *place)

    @property
    def text(self) -> str:
        return " and ".join(self._conditions) or "true"


def _page(limit: int) -> int:
    return max(0, min(limit, LIMIT))


def _read(connection: sqlite3.Connection, record: type[T], where: _Where, order: str, limit: int) -> list[T]:
    names = [one.name for one in fields(record)]  # type: ignore[arg-type]
    sql = f"select {', '.join(names)} from {_TABLES[record]} where {where.text} order by {order} limit ?"
    rows = connection.execute(sql, (*where.values, limit))
    return [record(*(_value(record, name, stored) for name, stored in zip(names, row, strict=True))) for row in rows]


def _value(record: type, name: str, stored: Any) -> Any:
    """What a column holds, as the record says it; text that is no JSON is taken for nothing said."""
    if name in _FLAGS:
        return bool(stored)
    if record is AlertRecord and name in ("memory", "words"):
        read = _json(stored)
        return read if isinstance(read, dict) else {}
    if record is EpisodeRecord and name == "sites":
        read = _json(stored)
        return tuple(map(str, read)) if isinstance(read, list) else ()
    return stored


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
