"""A board of alerts with an outbox that only notes down what people would be told, at a time the test sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from alerts.ledger import Ledger, Statement
from alerts.lifecycle.board import AlertBoard
from alerts.lifecycle.model import Alert, Key, Sight, Telling
from classair import config as configuration
from classair.alerting.words import GROUP_MS, Stage
from classair.config import Config

SEC, MIN, HOUR = 1000, 60_000, 3_600_000
T0 = 1_790_000_000_000
PEOPLE = """
people:
  teacher: {channel: console, language: en}
  head: {channel: console, language: en}
  officer: {channel: console, language: en}
"""
CONFIG = """
org: town
sites:
  s1:
    name: School One
    bridges: {pi: {}, pi2: {}}
    rooms:
      r1: {name: Room 1, volume_m3: 180}
      r2: {name: Room 2, volume_m3: 180}
    sensors:
      pm: {bridge: pi, room: r1, model: pms5003t, port: "sim:classroom"}
      pm2: {bridge: pi, room: r2, model: pms5003t, port: "sim:classroom"}
    purifiers:
      fan: {room: r1, kind: dry_run, cadr_m3h: 400}
rules:
  no-data: {kind: silent, for: 15m, clear_for: 5m, remind: 4h, escalation: usual}
  dust: {kind: above, for: 10m, clear_for: 5m, remind: 4h, escalation: usual}
  fault: {kind: purifier_fault, tell: [teacher]}
escalation:
  usual:
    - {tell: [teacher]}
    - {tell: [head]}
    - {tell: [officer]}
"""
TWO_PEOPLE = CONFIG.partition("escalation:\n")[0].replace("escalation: usual", "tell: [teacher, head]") + PEOPLE


@dataclass
class Told:
    at: int
    person: str
    stage: Stage
    alert: Alert


@dataclass
class NotingOutbox:
    """Obeys the interface of alerts.outbox; `reached_at` is what told_at answers."""

    told: list[Told] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)  # acknowledged: what would say that nobody has is withdrawn
    reached_at: dict[str, int] = field(default_factory=dict)
    commits: int = 0

    def tell(self, telling: Telling, now: int) -> list[Statement]:
        self.told += [Told(now, person, telling.stage, telling.alert) for person in telling.people]
        return []

    def withdraw(self, alert_id: str, now: int) -> list[Statement]:
        self.withdrawn.append(alert_id)
        return []

    def acknowledged(self, alert_id: str) -> list[Statement]:
        self.heard.append(alert_id)
        return []

    def committed(self) -> None:
        self.commits += 1

    def told_at(self, alert_id: str) -> int | None:
        return self.reached_at.get(alert_id)

    def messages(self) -> Counter[str]:
        """How many messages each person gets, when what one is told within GROUP_MS of one school is one message."""
        begun: dict[tuple[str, str], int] = {}
        counts: Counter[str] = Counter()
        for it in self.told:
            place = it.person, it.alert.site
            if place not in begun or it.at - begun[place] > GROUP_MS:
                begun[place] = it.at
                counts[it.person] += 1
        return counts

    def of(self, stage: Stage) -> list[tuple[str, str]]:
        """(person, subject) of each thing told at this stage."""
        return [(it.person, it.alert.key.subject) for it in self.told if it.stage == stage]


class Board:
    """A real board on a real ledger. `sees` is what all rules see until it is changed; time passes by `live`."""

    def __init__(self, folder: Path, text: str = CONFIG + PEOPLE, step_s: int = 10) -> None:
        self.path, self.step_ms = folder / "ledger.db", step_s * SEC
        self.config = configuration.parse(text)
        self.now = T0
        self.outbox = NotingOutbox()
        self.sees: dict[Key, Sight] = {}
        self.ledger = Ledger(self.path)
        self.board = AlertBoard(self.ledger, self.outbox)
        self.board.follow(self.config, self.now)

    def live(self, ms: int) -> None:
        for _ in range(0, ms, self.step_ms):
            self.board.see(list(self.sees.values()), self.now)
            self.now += self.step_ms

    def follow(self, config: Config) -> None:
        self.config = config
        self.board.follow(config, self.now)

    def restart(self) -> None:
        self.ledger.sync()
        self.ledger.close()
        self.ledger = Ledger(self.path)
        self.board = AlertBoard(self.ledger, self.outbox)
        self.board.follow(self.config, self.now)

    def put(self, *sights: Sight) -> None:
        self.sees.update({sight.key: sight for sight in sights})

    def states(self) -> list[tuple[str, str]]:
        return sorted((alert.key.subject, alert.state) for alert in self.board.open() if alert.state != "pending")

    def changes(self) -> list[tuple[str, str, str]]:
        """(before, after, why) in order."""
        assert self.ledger.sync()
        return list(self.ledger.rows("select before, after, why from alert_change order by id"))  # type: ignore[arg-type]

    def close(self) -> None:
        self.ledger.close()


def silent(room: str, holds: bool | None, causes: Iterable[str] = (), rule: str = "no-data") -> Sight:
    return Sight(Key(rule, room), "silent", room.partition(".")[0], room, holds, causes=tuple(causes))


def bridge(name: str, holds: bool | None, rule: str = "no-data", causes: Iterable[str] = ()) -> Sight:
    site = name.partition(".")[0]
    return Sight(Key(rule, name), "silent", site, "", holds, explains=f"bridge:{name}", causes=tuple(causes))


def dust(room: str, holds: bool | None) -> Sight:
    return Sight(Key("dust", room), "above", room.partition(".")[0], room, holds)
