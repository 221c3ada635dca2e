"""The ledger for everybody who does not write it: what was told, ordered and delivered, and when."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alerts.ledger_schema import NOTICES, Notice, connect
from classair.alerting.records import ToldRecord


@dataclass(frozen=True, slots=True)
class CommandSent:
    purifier: str
    at: int
    on: bool
    mode: str
    reason: str
    seconds: int | None
    attempt: int
    signal: float | None
    signal_at: int | None
    config_version: int


@dataclass(frozen=True, slots=True)
class Delivered:
    rule: str
    subject: str
    kind: str
    person: str
    channel: str
    at: int
    attempt: int
    ok: bool
    error: str


class LedgerReader:
    """Reads the ledger; empty answers while there is none yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def usage(self) -> list[Any]:
        """What purifiers have done, day by day, see `Ledger.usage`."""
        return self._ask("select * from purifier_usage order by purifier, day")

    def states(self, room: str, start_ms: int, end_ms: int) -> list[ToldRecord]:
        """States as told with start <= at < end, oldest first."""
        rows = self._ask(
            "select id, room, at, phase, level, shown, cast(rule as text), co2_level, co2_shown, outdoor_shown, "
            "config_version, advice_version, simulated from state_told where room=? and at>=? and at<? order by at, id",
            room,
            start_ms,
            end_ms,
        )
        return [ToldRecord(*row) for row in rows]

    def commands(self, purifier: str, start_ms: int, end_ms: int) -> list[CommandSent]:
        rows = self._ask(
            'select purifier, at, "on", mode, reason, seconds, attempt, signal, signal_at, config_version '
            "from command where purifier=? and at>=? and at<? order by at, id",
            purifier,
            start_ms,
            end_ms,
        )
        return [CommandSent(*row) for row in rows]

    def notices(self, start_ms: int, end_ms: int) -> list[Notice]:
        """What people were told with start <= at < end, oldest first."""
        return [Notice(*row) for row in self._ask(f"{NOTICES} where at>=? and at<? order by at, id", start_ms, end_ms)]

    def open_notices(self) -> list[Notice]:
        """What people were told and what is not over, oldest first."""
        return [Notice(*row) for row in self._ask(f"{NOTICES} where over_at is null order by at, id")]

    def deliveries(self, start_ms: int, end_ms: int) -> list[Delivered]:
        rows = self._ask(
            "select rule, subject, kind, person, channel, at, attempt, ok, error from delivery "
            "where at>=? and at<? order by at, id",
            start_ms,
            end_ms,
        )
        return [Delivered(*row) for row in rows]

    def _ask(self, sql: str, *values: Any) -> list[Any]:
        if not self.path.exists():
            return []
        connection = connect(self.path, read_only=True)
        try:
            return connection.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
        finally:
            connection.close()
