"""A school in which a lot happens: alerts in every state, people told and not, a silence; and the word of alerts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from classair.config import Config, parse
from classair.i18n import in_every_language
from classair.units import HOUR_MS, MINUTE_MS
from classair.wire import ServiceStatus, Topics
from tests.classair.alerting.filled import empty_ledger, put, put_alert, put_notification
from tests.dashboard.conftest import SCHOOLS, now_ms

ROOM = "ban-suan.p1-2"
IN_PLACE_OF = {
    "  head: {channel: in_app, language: th}": "  head: {channel: console, language: th}",
}
"""What the schools' file says, and what these tests need: a chain of two, the second of whom has a log alone."""


def configured() -> Config:
    text = SCHOOLS.read_text("utf-8")
    for said, instead in IN_PLACE_OF.items():
        assert said in text
        text = text.replace(said, instead)
    return parse(text, {})


def busy_school(path: Path) -> Path:
    """dust: nobody has acknowledged it. filter: acknowledged. cut: silenced. one over, one closed."""
    now = now_ms()
    empty_ledger(path)
    memory = {"steps_told": 1, "counts_since": now - 5 * MINUTE_MS, "counted_ms": 0}
    put_alert(
        path,
        "dust",
        severity="urgent",
        since=now - 15 * MINUTE_MS,
        fired_at=now - 5 * MINUTE_MS,
        changed_at=now - 5 * MINUTE_MS,
        times=3,
        memory=json.dumps(memory),
        words=json.dumps({"quantity": "pm25", "value": 52.4, "shown": "52", "limit": 37.5}),
    )
    _changed(path, "dust", now - 5 * MINUTE_MS, "pending", "firing", "", "holds")
    put_notification(
        path,
        "told",
        "dust",
        person="caretaker",
        channel="line",
        delivered_at=now - 4 * MINUTE_MS,
        made_at=now - 5 * MINUTE_MS,
        reached=1,
        title="ฝุ่นสูงในห้อง ป.1/2",
    )
    put_notification(
        path, "logged", "dust", person="head", channel="console", delivered_at=now - 4 * MINUTE_MS, made_at=now
    )
    for attempt, ok, error in ((1, 0, "the provider answered 503"), (2, 1, "")):
        put(
            path,
            "attempt",
            notification="told",
            at=now - (6 - attempt) * MINUTE_MS,
            person="caretaker",
            channel="line",
            attempt=attempt,
            ok=ok,
            error=error,
            receipt="",
        )
    put_alert(
        path,
        "filter",
        rule="no-word",
        kind="filter_due",
        subject="ban-suan.p1-10-fan",
        room="ban-suan.p1-10",
        severity="info",
        state="acknowledged",
        since=now - 5 * HOUR_MS,
        fired_at=now - 5 * HOUR_MS,
        acknowledged_at=now - HOUR_MS,
        acknowledged_by="caretaker:somchai",
        times=1,
    )
    put_alert(path, "cut", kind="silent", room="ban-suan.p4-1", subject="ban-suan.p4-1", cause="silenced", times=1)
    put_alert(path, "held", kind="silent", room="ban-suan.a1-1", subject="ban-suan.a1-1", cause="bridge:ban-suan.gate")
    put_alert(
        path,
        "over",
        subject="ban-suan.p1-10",
        room="ban-suan.p1-10",
        state="resolved",
        resolved_at=now - 2 * MINUTE_MS,
        changed_at=now - 2 * MINUTE_MS,
        holds=0,
    )
    put_alert(
        path,
        "closed",
        kind="co2_high",
        state="closed",
        since=now - 3 * HOUR_MS,
        resolved_at=now - 2 * HOUR_MS,
        closed_at=now - HOUR_MS,
        changed_at=now - HOUR_MS,
    )
    put_notification(path, "kept", "closed", person="head", state="dropped", reason="quota", made_at=now - HOUR_MS)
    put_notification(path, "quiet", "dust", person="head", state="waiting", reason="quiet_hours", made_at=now)
    put(
        path,
        "silence",
        id="paint",
        at=now - HOUR_MS,
        until=now + HOUR_MS,
        site="",
        room="ban-suan.p4-1",
        subject="",
        rule="",
        who="caretaker:somchai",
        why="painting",
    )
    return path


def _changed(path: Path, alert: str, at: int, before: str, after: str, who: str, why: str) -> None:
    put(path, "alert_change", alert=alert, at=at, before=before, after=after, who=who, why=why)


def say(house: Any, unacknowledged: int | None, state: Any = "online", **more: Any) -> None:
    """As alerts does every 10 s."""
    figures = {} if unacknowledged is None else {"alerts_unacknowledged": unacknowledged}
    causes = [in_every_language("alerts_warning.channel", why="people.head: no address")]
    word = ServiceStatus(service="alerts", state=state, at=now_ms(), figures=figures, causes=causes, **more)
    topic = Topics(house.config.org).service_status("alerts")
    house.live.hear(topic, word.model_dump_json().encode())
