"""A ledger on disk with a desk of smoke episodes, its statements committed as alerts commits them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alerts.answering import Done
from alerts.episodes.desk import EpisodeDesk
from alerts.lifecycle.model import Alert, Key
from classair.alerting.reading import Records
from classair.alerting.tables import SCHEMA
from classair.config import Config
from classair.units import HOUR_MS

START = 1_795_366_800_000 + 9 * HOUR_MS  # 2026-11-23T09:00+07:00, a Monday

SCHOOL = """
org: town
language: th
sites:
  north:
    name: {th: โรงเรียนเหนือ, en: North School}
    bridges: {pi-north: {}}
    rooms:
      a: {name: {th: ป.1, en: P.1}, volume_m3: 150, capacity: 30, timetable: primary}
      hall: {name: {th: ห้องสมุด, en: Library}, volume_m3: 300, capacity: 60, clean_room: yes}
      yard: {name: {th: สนาม, en: Yard}, outdoor: yes}
    sensors:
      a-pm: {bridge: pi-north, room: a, model: pms5003, port: "sim:classroom"}
  south:
    name: {th: โรงเรียนใต้, en: South School}
    bridges: {pi-south: {}}
    rooms:
      b: {name: {th: ป.2, en: P.2}, volume_m3: 150, capacity: 30, timetable: primary}
    sensors:
      b-pm: {bridge: pi-south, room: b, model: pms5003, port: "sim:classroom"}
timetables:
  primary: {days: [mon, tue, wed, thu, fri], occupied: ["07:30-16:00"], lessons: ["08:30-11:30"]}
rules:
  smoke: {kind: smoke_episode, escalation: usual}
escalation:
  usual:
    - {tell: [caretaker]}
    - {tell: [head-north, head-south], after: 10m}
    - {tell: [officer], after: 30m}
people:
  caretaker: {channel: console}
  head-north: {channel: console, sites: [north], language: en}
  head-south: {channel: console, sites: [south]}
  officer: {channel: console, language: en}
store: memory
"""


@dataclass(frozen=True)
class Said:
    people: tuple[str, ...]
    titles: dict[str, str]
    texts: dict[str, str]
    severity: str


@dataclass
class Spoken:
    """Keeps what was announced, as the outbox would."""

    said: list[Said] = field(default_factory=list)

    def announce(self, people: Sequence[str], say: Callable[[str], tuple[str, str]], **about: Any) -> list[Any]:
        told = {language: say(language) for language in ("th", "en")}
        self.said.append(
            Said(
                tuple(people),
                {code: title for code, (title, _) in told.items()},
                {code: text for code, (_, text) in told.items()},
                about["severity"],
            )
        )
        return []

    def committed(self) -> None: ...

    def to(self, person: str) -> list[str]:
        return [one.titles["en"] for one in self.said if person in one.people]


@dataclass
class Town:
    """A desk over a file; `restart` is a new process over the same file."""

    path: Path
    config: Config
    spoken: Spoken = field(default_factory=Spoken)
    now: int = START

    def __post_init__(self) -> None:
        self.path.unlink(missing_ok=True)
        self._connection = sqlite3.connect(self.path, check_same_thread=False)
        self._connection.execute("pragma synchronous=off")
        self._connection.executescript(SCHEMA)
        self.restart()

    def restart(self) -> None:
        self.desk = EpisodeDesk(self.path, self.spoken)
        self.desk.follow(self.config)

    def commit(self, statements: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        with self._connection:
            for sql, values in statements:
                self._connection.execute(sql, values)

    def close(self) -> None:
        self._connection.close()

    def ask(self, do: str, who: str = "teacher:kru", **args: Any) -> Done:
        done = self.desk.do(do, args, who, self.now)
        self.commit(done.statements)
        return done

    def see(self, *alerts: Alert) -> None:
        self.commit(self.desk.see(alerts, self.now))

    def tick(self) -> None:
        self.commit(self.desk.tick(self.now))

    @property
    def records(self) -> Records:
        return Records(self.path)


def smoke(key: str, site: str, state: Any = "firing", told: Sequence[str] = ()) -> Alert:
    """An alert of the rule; `told`: whom it has told itself."""
    alert = Alert(key, Key("smoke", site), "smoke_episode", site, "", "urgent", state, START, START, fired_at=START)
    return replace(alert, told=dict.fromkeys(told, START))
