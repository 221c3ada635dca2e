"""The month played: the outbox with its ledger, channels and delivery threads as they are, LINE's fake and a sink over
real HTTP, and a clock that goes from one thing that is due to the next.
"""

from __future__ import annotations

import importlib.util
import queue
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alerts import channels
from alerts.ledger import Ledger
from alerts.lifecycle.model import Alert, Key, Telling
from alerts.line.desk import TOKEN, Desk, desk
from alerts.line.warnings import without_second
from alerts.outbox.outbox import Outbox
from benchmarks.alerting.linemonth.drawing import DAY, HOUR, SCHOOLS, START, Event, Month
from benchmarks.alerting.linemonth.sink import Sink
from classair import config as configuration
from classair import plugins
from classair.alerting.words import Stage
from classair.config import Config
from simulator.line.platform import Fault, LinePlatform
from simulator.line.server import LineFake

WORD = "a-token-of-the-month"


@dataclass(frozen=True, slots=True)
class Played:
    """What became of the month. `listed`: who was told beforehand to have no second channel, `ends_on` the day named.

    `unreached`: urgent messages that reached nobody, by person; `over_quota`: requests that LINE had to refuse.
    """

    urgent: int
    by_line: int
    by_second: int
    unreached: Counter[str]
    listed: frozenset[str]
    listed_words: str
    first_unreached_at: int | None
    used: int
    over_quota: int
    twice_by_line: int
    held_back: int
    ended_on: int | None  # day of the month on which LINE's quota was used up
    forecasts: tuple[tuple[int, int], ...]  # day → the day on which the quota was then said to end
    restarts: int
    faults: int


class Player:
    def __init__(self, folder: Path, month: Month, seed: int, quota: int) -> None:
        self.folder, self.month, self.now = folder, month, START
        self.sink = Sink(seed)
        platform = LinePlatform(WORD, "secret", lambda: self.now / 1000, quota, lag_s=900.0)
        self.fake = LineFake(platform).start()
        self.config = self._configured()
        self.restarts = self.faults = 0
        self.forecasts: list[tuple[int, int]] = []
        self.ended_on: int | None = None
        self._open()
        for number, person in enumerate(month.people):
            self._commit(self.outbox.office.link(person, "line", user(number), self.now))
        desk(self.outbox.office).budget.refresh()
        self.listed_words = "\n".join(words["en"] for words in self.outbox.warnings())

    def play(self) -> Played:
        for event in self.month.events:
            self._until(event.at)
            self._do(event)
        self._until(START + 30 * DAY - HOUR)
        self.outbox.stop()
        self.ledger.close()
        self.fake.stop()
        self.sink.stop()
        return self._judged()

    # -- the clock, as in the outbox's own tests -----------------------------------------------------------------------

    def _open(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.ledger = Ledger(self.folder / "ledger.db")
        self.outbox = Outbox(self.ledger, words, self._calls.put, lambda: self.now)
        office = self.outbox.office
        office.shared("line", lambda: Desk(office, {TOKEN: WORD}, lambda: self.now))
        assert self.outbox.follow(self.config) == []
        self._settle()

    def _until(self, moment: int) -> None:
        while (due := self._next()) is not None and due <= moment:
            self.now = max(self.now, due)
            self._settle()
        if self.now // DAY != moment // DAY:
            self._look_ahead()
        self.now = max(self.now, moment)

    def _next(self) -> int | None:
        return min((row.due_at for row in self.outbox._pending.rows.values() if not row.on_the_way), default=None)

    def _settle(self) -> None:
        self.outbox.look()
        while True:
            assert self.ledger.sync(60)
            waits = any(row.on_the_way for row in self.outbox._pending.rows.values())
            try:
                self._calls.get(timeout=60)() if waits else self._calls.get_nowait()()
            except queue.Empty:
                if (due := self._next()) is None or due > self.now:
                    return
                self.outbox.look()

    def _commit(self, statements: list[tuple[str, tuple[object, ...]]]) -> None:
        self.ledger.together(statements, self.outbox.committed)
        self._settle()

    # -- what happens --------------------------------------------------------------------------------------------------

    def _do(self, event: Event) -> None:
        match event.what:
            case "alert":
                key = Key("rule", f"{event.site}.r1", event.name)
                alert = Alert(event.name, key, "above", event.site, "r1", event.severity, "firing", event.at, event.at)
                self._commit(self.outbox.tell(Telling(alert, event.stage, event.people), self.now))
            case "fault":
                self.fake.platform.faults.append(Fault(*event.fault))
                self.faults += 1
            case "restart":
                self.restarts += 1
                self.outbox.stop()
                self.ledger.close()
                self._open()
            case "blocks":
                for person in event.people:  # as the webhook does when LINE tells of it
                    self.fake.platform.blocked.add(user(self.month.people.index(person)))
                    self.outbox.office.blocked(person, "line")

    def _look_ahead(self) -> None:
        forecast = desk(self.outbox.office).budget.forecast(len(self.month.people))
        day = (self.now - START) // DAY + 1
        if forecast.left == 0 and self.ended_on is None:
            self.ended_on = day
        if forecast.ends_on is not None and forecast.left:
            self.forecasts.append((day, forecast.ends_on.day))

    def _judged(self) -> Played:
        got_by_line: Counter[tuple[str, str]] = Counter()
        names = {user(number): person for number, person in enumerate(self.month.people)}
        for got in self.fake.platform.received:
            message = got["messages"][0]
            for name in told(message.get("altText") or message["text"]):
                got_by_line[names[got["user"]], name] += 1
        by_second = {
            (person, name) for person, bodies in self.sink.received.items() for it in bodies for name in told(it)
        }
        urgent = [
            (person, f"{event.name} fired", event.at)
            for event in self.month.events
            if event.severity == "urgent"
            for person in event.people
        ]
        lost = [it for it in urgent if not got_by_line[it[0], it[1]] and (it[0], it[1]) not in by_second]
        with sqlite3.connect(self.folder / "ledger.db") as connection:
            held = connection.execute("select count(*) from attempt where error like 'kept back%'").fetchone()[0]
        return Played(
            len(urgent),
            sum(bool(got_by_line[person, name]) for person, name, _ in urgent),
            sum((person, name) in by_second for person, name, _ in urgent),
            Counter(person for person, _, _ in lost),
            frozenset(name for name in without_second(self.config) if name in self.listed_words),
            self.listed_words,
            min((at for _, _, at in lost), default=None),
            self.fake.platform.used,
            sum(asked["status"] == 429 for asked in self.fake.platform.requests),  # drawn faults are not among them
            sum(count > 1 for count in got_by_line.values()),
            held,
            self.ended_on,
            tuple(self.forecasts),
            self.restarts,
            self.faults,
        )

    def _configured(self) -> Config:
        people = "\n".join(
            f"  {name}: {{channel: line{self._second(name)}, language: th}}" for name in self.month.people
        )
        rest = "bridges: {}, sensors: {}, rooms: {r1: {name: P.1/1, volume_m3: 180}}"
        sites = "\n".join(f"  s{n}: {{name: School {n}, {rest}}}" for n in range(1, SCHOOLS + 1))
        return configuration.parse(
            f"org: town\nlanguage: th\nsites:\n{sites}\nline: {{api: '{self.fake.url}'}}\npeople:\n{people}\n"
        )

    def _second(self, name: str) -> str:
        if name not in self.month.with_second:
            return ""
        kind, scheme = second_kind()
        return f", second: {{channel: {kind}, url: '{scheme}://127.0.0.1:{self.sink.port}/{name}'}}"


def second_kind() -> tuple[str, str]:
    """The channel that people have beside LINE: apprise where its library is installed, else one of our own."""
    if importlib.util.find_spec("apprise") and "apprise" in plugins.names("alerts.channels"):
        return "apprise", "json"
    own = str(Path(__file__).parent / "channels")
    if own not in channels.__path__:
        channels.__path__.append(own)
    return "loopback", "http"


def words(config: Config, language: str, alert: Alert, stage: Stage) -> tuple[str, str]:
    return f"<{alert.id} {stage}> ฝุ่นสูง {alert.key.subject}", f"ฝุ่น 82 มคก./ลบ.ม. ({stage})"


def told(text: str) -> set[str]:
    """What a message tells of which alerts, as `words` writes it."""
    return {part.partition(">")[0] for part in text.split("<")[1:]}


def user(number: int) -> str:
    return f"U{number + 1:032x}"
