"""Rooms and worlds as rules see them, made by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alerts.lifecycle.model import Alert, Sight
from alerts.rules.evaluation import Evaluation
from alerts.rules.facts import RoomNow, World
from classair import config as configuration
from classair.config import Config
from classair.science.state import co2_level, co2_shown, pm25_level, pm25_shown
from classair.wire import Current, PhaseTexts, RoomState

NOW = 1_795_400_000_000
SEC, MIN = 1000, 60_000
SCHOOL = """
org: town
sites:
  s1:
    name: {th: โรงเรียนหนึ่ง, en: School One}
    bridges: {pi: {name: {th: กล่องหนึ่ง, en: Staff room box}}, other: {}}
    rooms:
      r1: {name: {th: ห้องหนึ่ง, en: Room 1}, volume_m3: 180, capacity: 30, timetable: day}
      r2: {name: Room 2, volume_m3: 180}
      r3: {name: Room 3, volume_m3: 180}
      yard: {name: Yard, outdoor: yes}
    sensors:
      pm1: {bridge: pi, room: r1, model: pms5003t, port: "sim:classroom"}
      pm2: {bridge: pi, room: r2, model: pms5003t, port: "sim:classroom"}
      pm3: {bridge: other, room: r3, model: pms5003t, port: "sim:classroom"}
      out: {bridge: pi, room: yard, model: pms5003t, port: "sim:yard"}
    purifiers:
      fan: {room: r1, kind: dry_run, cadr_m3h: 400, filter: {hours: 1000}}
timetables:
  day: {days: [mon], occupied: ["08:00-16:00"], lessons: ["08:30-11:30"]}
people:
  caretaker: {channel: console, language: en}
"""


def school(*rules: str) -> Config:
    return configuration.parse(SCHOOL + ("rules:\n" if rules else "") + "\n".join(f"  {rule}" for rule in rules))


def looking(*rules: str) -> Evaluation:
    """The rules of a configuration, such as `dust: {kind: above}`."""
    made = Evaluation()
    made.follow(school(*rules))
    return made


def dust(value: float | None, at: int = NOW, status: str = "ok") -> Current:
    return Current(
        status=status if value is not None else "unknown",  # type: ignore[arg-type]
        value=value,
        shown=pm25_shown(value),
        level=pm25_level(value),
        newest_at=at if value is not None else None,
    )


def room(name: str = "s1.r1", pm25: Current | None = None, co2: float | None = None, **more: Any) -> RoomNow:
    now = more.pop("now", NOW)
    texts = {
        "ok": PhaseTexts(rule="4", level="", action="‹Purifier on full,› ‹windows closed›", reason="", children="")
    }
    state = RoomState(
        room=name,
        at=now,
        pm25=pm25 or dust(None),
        co2=Current(
            status="ok" if co2 is not None else "none",
            value=co2,
            shown=co2_shown(co2),
            level=co2_level(co2),
            newest_at=now if co2 is not None else None,
        ),
        outdoor=Current(status="none"),
        rule="4",
        texts={"en": texts},
        temp_c=more.pop("temp_c", None),
    )
    return RoomNow(name, state=state, began_at=more.pop("began_at", NOW - 3_600_000), **more)


def seen(
    rules: Evaluation, rooms: Iterable[RoomNow], world: World | None = None, alerts: Iterable[Alert] = ()
) -> list[Sight]:
    """One second of all rules."""
    world = world or World(NOW, listening_since=0)
    rules.begin(world, alerts)
    for one in rooms:
        rules.room(one)
    return rules.end(world.now)


def alert_of(sight: Sight, **more: Any) -> Alert:
    """An open alert about what was seen."""
    return Alert(
        **{
            "id": "a" * 32,
            "key": sight.key,
            "kind": sight.kind,
            "site": sight.site,
            "room": sight.room,
            "severity": sight.severity,
            "state": "firing",
            "since": sight.since or NOW,
            "changed_at": NOW,
            "causes": sight.causes,
            "explains": sight.explains,
            "words": sight.words,
            **more,
        }
    )


def open_now(rules: Evaluation, rooms: Iterable[RoomNow], world: World | None = None) -> list[Alert]:
    """Whatever holds, as alerts that are open."""
    return [alert_of(sight) for sight in seen(rules, rooms, world)]
