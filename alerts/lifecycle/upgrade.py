"""Open matters of earlier versions become alerts, so that an upgrade tells nobody twice of what lasts."""

from __future__ import annotations

import json
import sqlite3
import uuid

_LATER = "person_off_long"  # was a matter of its own; now it is the second step of the same alert


def matters_become_alerts(connection: sqlite3.Connection) -> None:
    """Moves what is in `matter` to `alert`, where it fires and people have been told as `delivery` says.

    Kind and room are left to the configuration, see AlertBoard.follow. Does nothing the second time.
    """
    matters = connection.execute("select rule, subject, since, told_at from matter").fetchall()
    if not matters:
        return
    told_later = {
        (rule.partition("/")[0], subject): _told(connection, rule, subject, since)
        for rule, subject, since, _ in matters
        if _what(rule) == _LATER
    }
    for written, subject, since, told_at in matters:
        what = _what(written)
        if what == _LATER:
            continue
        rule, _, part = written.partition("/")
        part = "" if what == "person_off" else part
        told = _told(connection, written, subject, since)
        later = told_later.get((rule, subject), {}) if what == "person_off" else {}
        memory = {
            "holds_since": since,
            "told": {**told, **later},
            "told_times": {person: (person in told) + (person in later) for person in {*told, *later}},
            "counts_since": told_at if told_at is not None else since,
        }
        alert = uuid.uuid4().hex
        connection.execute(
            "insert into alert(id, rule, kind, subject, part, site, room, severity, state, holds, since, fired_at, "
            "changed_at, times, memory) values(?,?,'',?,?,?,'','warning','firing',1,?,?,?,1,?)",
            (alert, rule, subject, part, subject.partition(".")[0], since, since, since, json.dumps(memory)),
        )
        connection.execute(
            "insert into alert_change(alert, at, before, after, who, why) values(?,?,'pending','firing','','upgrade')",
            (alert, since),
        )
    connection.execute("delete from matter")


def _told(connection: sqlite3.Connection, rule: str, subject: str, since: int) -> dict[str, int]:
    rows = connection.execute(
        "select person, min(at) from delivery where rule=? and subject=? and kind='problem' and ok=1 and at>=? "
        "group by person",
        (rule, subject, since),
    )
    return {str(person): int(at) for person, at in rows}


def _what(rule: str) -> str:
    return rule.split("/")[1] if "/" in rule else ""
