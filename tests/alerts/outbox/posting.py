"""An outbox with a real ledger and real delivery threads, at a time that the test sets."""

from __future__ import annotations

import queue
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from alerts.channels import Message
from alerts.ledger import Ledger
from alerts.lifecycle.model import Alert, Key, Telling
from alerts.outbox.outbox import Outbox
from classair import config as configuration
from classair.alerting.words import Severity, Stage
from classair.config import Config
from classair.timetable import ZONE

SEC, MIN, HOUR = 1000, 60_000, 3_600_000
TEN = round(datetime(2026, 11, 23, 10, tzinfo=ZONE).timestamp() * 1000)
TOWN = """
org: town
language: en
public_url: https://air.example
sites:
  s1: {name: {th: โรงเรียนหนึ่ง, en: School One}, bridges: {}, sensors: {}, rooms: {r1: {name: Room 1, volume_m3: 180}}}
  s2: {name: {th: โรงเรียนสอง, en: School Two}, bridges: {}, sensors: {}, rooms: {r1: {name: Room 1, volume_m3: 180}}}
people:
  PEOPLE
"""
CARETAKER = "caretaker: {channel: paper, to: caretaker, language: en}"


def words(config: Config, language: str, alert: Alert, stage: Stage) -> tuple[str, str]:
    return f"{alert.id} {stage}", f"({language}) {alert.key.subject}"


def alert(
    id: str, site: str = "s1", severity: Severity = "warning", kind: str = "silent", at: int = TEN, room: str = "r1"
) -> Alert:
    return Alert(id, Key("rule", f"{site}.{room}"), kind, site, room, severity, "firing", at, at)


class Post:
    """`clock` stands still until `at` or `after` moves it; whatever is due then is done before they return."""

    def __init__(self, folder: Path, *people: str, now: int = TEN) -> None:
        self.folder, self.now = folder, now
        self.config = self.parsed(*people)
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.open()

    @staticmethod
    def parsed(*people: str) -> Config:
        return configuration.parse(TOWN.replace("PEOPLE", "\n  ".join(people or (CARETAKER,))))

    def open(self) -> None:
        self.ledger = Ledger(self.folder / "ledger.db")
        self.outbox = Outbox(self.ledger, words, self._calls.put, lambda: self.now)
        assert self.outbox.follow(self.config) == []
        self.settle()

    def close(self) -> None:
        self.outbox.stop()
        self.ledger.close()

    def restart(self) -> None:
        self.close()
        self._calls = queue.SimpleQueue()
        self.open()

    def tell(self, alert: Alert, people: Sequence[str] = ("caretaker",), stage: Stage = "fired") -> None:
        self.commit(self.outbox.tell(Telling(alert, stage, tuple(people)), self.now))

    def withdraw(self, alert: Alert) -> None:
        self.commit(self.outbox.withdraw(alert.id, self.now))

    def commit(self, statements: Any) -> None:
        self.ledger.together(statements, self.outbox.committed)
        self.settle()

    def after(self, ms: int) -> None:
        self.at(self.now + ms)

    def at(self, moment: int) -> None:
        """Second by second would be the same: nothing happens before the next message is due."""
        while (due := self._next()) is not None and due <= moment:
            self.now = max(self.now, due)
            self.settle()
        self.now = moment
        self.settle()

    def settle(self) -> None:
        self.outbox.look()
        while True:
            assert self.ledger.failing or self.ledger.sync(60)
            on_the_way = any(row.on_the_way for row in self.outbox._pending.rows.values())
            try:
                call = self._calls.get(timeout=60) if on_the_way else self._calls.get_nowait()
            except queue.Empty:
                if (due := self._next()) is not None and due <= self.now:
                    self.outbox.look()
                    continue
                return
            call()

    def do_next(self) -> None:
        self._calls.get(timeout=60)()

    def _next(self) -> int | None:
        rows = self.outbox._pending.rows.values()
        return min((row.due_at for row in rows if not row.on_the_way), default=None)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        assert self.ledger.sync(60)
        with sqlite3.connect(f"file:{self.folder / 'ledger.db'}?mode=ro", uri=True) as connection:
            return connection.execute(sql, values).fetchall()

    def states(self) -> list[tuple[str, str]]:
        return [
            (state, reason) for state, reason in self.rows("select state, reason from notification order by made_at")
        ]


def titles(pile: Sequence[Message]) -> list[str]:
    return [message.title for message in pile]
