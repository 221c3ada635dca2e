"""A house whose rooms are watched, without a broker, at a time the test sets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from alerts.engine import AlertsEngine
from alerts.ledger import Ledger, Statement
from alerts.ledger_reader import LedgerReader
from alerts.ledger_schema import Notice
from alerts.lifecycle.model import Alert, Telling
from alerts.rules.messages import words
from classair import config as configuration
from classair.alerting.words import Stage
from classair.config import Config
from classair.timetable import ZONE
from classair.wire import PurifierState, RoomState, Topics

TOPICS = Topics("town")
CONFIG = """
org: town
sites:
  s1:
    name: {th: โรงเรียนหนึ่ง, en: School One}
    bridges: {pi: {}}
    rooms:
      r1: {name: {th: ห้องหนึ่ง, en: Room 1}, volume_m3: 180, capacity: 30, timetable: day}
      yard: {name: Yard, outdoor: yes}
    sensors:
      pm: {bridge: pi, room: r1, model: pms5003t, port: "sim:classroom"}
      out: {bridge: pi, room: yard, model: pms5003t, port: "sim:yard"}
    purifiers:
      fan: {room: r1, kind: dry_run, cadr_m3h: 400}
timetables:
  day: {days: [mon], occupied: ["08:00-16:00"], lessons: ["08:30-11:30"]}
rules:
  no-word: {kind: silent, for: 10m, tell: [caretaker]}
  fault: {kind: purifier_fault, tell: [caretaker]}
people:
  caretaker: {channel: console, language: en}
"""
NO_TIMETABLE = CONFIG.replace(", timetable: day", "")
PLUG = CONFIG.replace("kind: dry_run", "kind: tasmota, topic: plug-1")
MONDAY_NINE = round(datetime(2026, 11, 23, 9, tzinfo=ZONE).timestamp() * 1000)
SUNDAY_NINE = MONDAY_NINE - 86_400_000
SEC, MIN = 1000, 60_000


@dataclass(frozen=True)
class Told:
    stage: Stage
    person: str
    subject: str
    part: str
    title: str
    text: str
    alert: Alert


@dataclass
class Post:
    """Stands in for the outbox: keeps what people would be told, and says who was reached as the test wants it."""

    config: Config = field(default_factory=lambda: configuration.parse(CONFIG))
    told: list[Told] = field(default_factory=list)
    reached_at: dict[str, int] = field(default_factory=dict)

    def tell(self, telling: Telling, now: int) -> list[Statement]:
        alert = telling.alert
        for person in telling.people:
            language = self.config.people[person].language
            title, text = words(self.config, language, alert, telling.stage)
            self.told.append(Told(telling.stage, person, alert.key.subject, alert.key.part, title, text, alert))
        return []

    def withdraw(self, alert_id: str, now: int) -> list[Statement]:
        return []

    def acknowledged(self, alert_id: str) -> list[Statement]:
        return []

    def committed(self) -> None:
        pass

    def told_at(self, alert_id: str) -> int | None:
        return self.reached_at.get(alert_id)

    def about(self, subject: str) -> list[Stage]:
        return [it.stage for it in self.told if it.subject == subject]


@dataclass
class House:
    folder: Path
    text: str = CONFIG
    now: int = SUNDAY_NINE
    connected: bool = True
    said: list[tuple[str, str]] = field(default_factory=list)
    seq: int = 0

    def __post_init__(self) -> None:
        self.post = Post(configuration.parse(self.text))
        self.start()

    def start(self) -> None:
        self.ledger = Ledger(self.folder / "ledger.db")
        self.watching = AlertsEngine(self.ledger, self.post, self.say, lambda: self.now)
        self.watching.follow(configuration.parse(self.text), 1, self.now)

    def restart(self) -> None:
        self.ledger.close()
        self.start()

    def say(self, topic: str, payload: str, *, retain: bool = False, qos: int = 1) -> bool:
        if self.connected:
            self.said.append((topic, payload))
        return self.connected

    def measure(self, value: float, sensor: str = "pm", at: int | None = None, **more: Any) -> None:
        self.seq += 1
        item = {
            "bridge": "pi",
            "epoch": "abcdefgh",
            "seq": self.seq,
            "sensor": sensor,
            "at": at or self.now,
            "values": {"pm25": value},
            "interval_s": 10,
            "simulated": True,
            **more,
        }
        self.watching.hear(TOPICS.bridge("s1", "pi", "reading"), json.dumps(item).encode(), False, self.now)

    def tick(self) -> None:
        self.watching.tick(self.now, self.connected)

    def live(self, seconds: int, value: float | None = None, out: float | None = None, step_s: int = 1) -> None:
        """Time passes in seconds, with a reading every ten of them while there is a value."""
        for _ in range(0, seconds, step_s):
            self.now += step_s * SEC
            if value is not None and self.now // SEC % 10 < step_s:
                self.measure(value)
            if out is not None and self.now // SEC % 10 < step_s:
                self.measure(out, "out")
            self.tick()

    def room(self, name: str = "r1") -> RoomState:
        return RoomState.model_validate_json(self._last(TOPICS.room_now("s1", name)))

    def fan(self) -> PurifierState:
        return PurifierState.model_validate_json(self._last(TOPICS.purifier_state("s1", "fan")))

    def ledger_rows(self) -> list[Notice]:
        """Every notice in the ledger, once it is written."""
        assert self.ledger.sync()
        return LedgerReader(self.folder / "ledger.db").notices(0, 2**62)

    def _last(self, topic: str) -> str:
        return next(payload for said, payload in reversed(self.said) if said == topic)
