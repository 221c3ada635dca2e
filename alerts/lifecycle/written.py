"""Alerts, changes and silences as rows of the ledger, and back."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final, cast

from alerts.ledger import Ledger, Statement
from alerts.lifecycle.model import Alert, Change, Key
from alerts.lifecycle.silences import Silence
from classair.alerting.words import JOIN_MS, AlertState, Severity

log = logging.getLogger(__name__)

_COLUMNS: Final = (
    "id, rule, kind, subject, part, site, room, severity, state, holds, since, fired_at, changed_at, acknowledged_at, "
    "acknowledged_by, resolved_at, closed_at, times, cause, memory, words"
)
_MEMORY: Final = (
    "holds_since",
    "steps_told",
    "reminded_at",
    "told",
    "told_times",
    "held_since",
    "free_since",
    "counted_ms",
    "counts_since",
    "causes",
    "explains",
    "once",
)
_ALERT: Final = f"insert or replace into alert({_COLUMNS}) values({', '.join('?' * 21)})"
_CHANGE: Final = "insert into alert_change(alert, at, before, after, who, why) values(?,?,?,?,?,?)"
_SILENCE: Final = f"insert or replace into silence values({', '.join('?' * 11)})"


def alert_row(alert: Alert) -> Statement:
    memory = {name: getattr(alert, name) for name in _MEMORY}
    return _ALERT, (
        alert.id,
        alert.key.rule,
        alert.kind,
        alert.key.subject,
        alert.key.part,
        alert.site,
        alert.room,
        alert.severity,
        alert.state,
        int(alert.holds),
        alert.since,
        alert.fired_at,
        alert.changed_at,
        alert.acknowledged_at,
        alert.acknowledged_by,
        alert.resolved_at,
        alert.closed_at,
        alert.times,
        alert.held,
        json.dumps(memory, separators=(",", ":")),
        json.dumps(dict(alert.words), ensure_ascii=False, separators=(",", ":")),
    )


def change_row(change: Change) -> Statement:
    return _CHANGE, (change.alert, change.at, change.before, change.after, change.who, change.why)


def silence_row(silence: Silence) -> Statement:
    return _SILENCE, tuple(getattr(silence, field.name) for field in fields(Silence))


def open_alerts(ledger: Ledger) -> list[Alert]:
    """What was not closed when the last process ended."""
    return _alerts(ledger.rows(f"select {_COLUMNS} from alert where closed_at is null order by since, id"))


def late_events(ledger: Ledger, now: int) -> list[Alert]:
    """Events of which people were told within the joining time."""
    found = _alerts(ledger.rows(f"select {_COLUMNS} from alert where changed_at>=? and state='closed'", now - JOIN_MS))
    return [alert for alert in found if alert.once]


def alert_by_id(ledger: Ledger, alert_id: str) -> Alert | None:
    return next(iter(_alerts(ledger.rows(f"select {_COLUMNS} from alert where id=?", alert_id))), None)


def open_silences(ledger: Ledger) -> list[Silence]:
    names = ", ".join(field.name for field in fields(Silence))
    return [Silence(*row) for row in ledger.rows(f"select {names} from silence where ended_at is null")]


def _alerts(rows: Sequence[tuple[Any, ...]]) -> list[Alert]:
    found: list[Alert] = []
    for row in rows:
        try:
            found.append(_alert(row))
        except (ValueError, TypeError, AttributeError) as error:
            # One row that nothing can be made of must not keep all the others from being told.
            log.error("alert_row_unreadable alert=%s error=%s", row[0], error)
    return found


def _alert(row: tuple[Any, ...]) -> Alert:
    memory = {name: value for name, value in json.loads(row[19]).items() if name in _MEMORY}
    if "causes" in memory:
        memory["causes"] = tuple(memory["causes"])
    return Alert(
        id=row[0],
        key=Key(row[1], row[3], row[4]),
        kind=row[2],
        site=row[5],
        room=row[6],
        severity=cast(Severity, row[7]),
        state=cast(AlertState, row[8]),
        holds=bool(row[9]),
        since=row[10],
        fired_at=row[11],
        changed_at=row[12],
        acknowledged_at=row[13],
        acknowledged_by=row[14],
        resolved_at=row[15],
        closed_at=row[16],
        times=row[17],
        held=row[18],
        words=json.loads(row[20]),
        **memory,
    )
