"""What a person was told, and when: rows of the ledger, seen from outside on a clock that no fault can touch."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Told:
    """`at` is the moment on the monotonic clock at which the row could first be read by anybody else."""

    at: float
    subject: str
    words: str


class Watcher:
    """Reads the ledger again and again, as a screen does."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._seen: dict[str, int] = {}
        self._delivered: set[tuple[str, int]] = set()
        self.rows: list[Told] = []

    def look(self, now: float) -> None:
        with suppress(sqlite3.Error), closing(self._open()) as ledger:
            tables = {name for (name,) in ledger.execute("select name from sqlite_master where type='table'")}
            if "notice" in tables:
                self._notices(ledger, now)
            if "notification_item" in tables:
                self._deliveries(ledger, now)

    def known_purifiers(self) -> set[str]:
        """Those that alerts knows the state of."""
        with suppress(sqlite3.Error), closing(self._open()) as ledger:
            return {name for (name,) in ledger.execute('select purifier from purifier_seen where "on" is not null')}
        return set()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._ledger.absolute().as_uri()}?mode=ro", uri=True, timeout=1)

    def _notices(self, ledger: sqlite3.Connection, now: float) -> None:
        last = self._seen.get("notice", 0)
        for number, what, subject, detail in ledger.execute(
            "select id, what, subject, detail from notice where id > ? order by id", (last,)
        ):
            self._seen["notice"] = number
            self.rows.append(Told(now, subject, f"{what} {detail}".strip()))

    def _deliveries(self, ledger: sqlite3.Connection, now: float) -> None:
        for number, place, rule, subject, stage in ledger.execute(
            "select i.notification, i.place, a.rule, a.subject, i.stage from notification_item i "
            "join notification n on n.id = i.notification join alert a on a.id = i.alert where n.state = 'delivered'"
        ):
            if (number, place) not in self._delivered:
                self._delivered.add((number, place))
                if stage == "fired":
                    self.rows.append(Told(now, subject, rule))
