"""A ledger with alerts in it, by the tables of alerts themselves."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from classair.alerting.tables import SCHEMA


def empty_ledger(path: Path) -> Path:
    connection = sqlite3.connect(path)
    connection.execute("pragma journal_mode=wal")
    connection.executescript(SCHEMA)
    connection.close()
    return path


def put(path: Path, table: str, **values: Any) -> None:
    connection = sqlite3.connect(path)
    with connection:
        names = ", ".join(f'"{name}"' for name in values)
        connection.execute(
            f"insert into {table}({names}) values({', '.join('?' * len(values))})", tuple(values.values())
        )
    connection.close()


def put_alert(path: Path, alert: str, **values: Any) -> None:
    usual: dict[str, Any] = {
        "rule": "dust",
        "kind": "above",
        "subject": "ban-suan.p1-2",
        "part": "",
        "site": "ban-suan",
        "room": "ban-suan.p1-2",
        "severity": "warning",
        "state": "firing",
        "holds": 1,
        "since": 1_000,
        "fired_at": 2_000,
        "changed_at": 2_000,
    }
    put(path, "alert", id=alert, **(usual | values))


def put_notification(path: Path, notification: str, alert: str, **values: Any) -> None:
    usual: dict[str, Any] = {
        "made_at": 3_000,
        "due_at": 3_000,
        "site": "ban-suan",
        "person": "malee",
        "stage": "fired",
        "severity": "warning",
        "language": "th",
        "state": "delivered",
    }
    put(path, "notification", id=notification, **(usual | values))
    put(
        path,
        "notification_item",
        notification=notification,
        place=0,
        alert=alert,
        stage="fired",
        kind="above",
        title="",
        text="",
    )
