"""Random histories of alerts: what rules see, people, silences, clocks, restarts and edits, watched over by promises.

`t` runs steadily; the clock of the board (`it.now`) may be put right. The promises are judged by `t` and by what is
true, not by what the board believes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from alerts.lifecycle.machine import RELEASE_MS
from alerts.lifecycle.model import Alert, Key, Sight
from alerts.lifecycle.silences import Silence
from classair import config as configuration
from classair.alerting.words import JOIN_MS
from classair.config import Config
from tests.alerts.notified import CONFIG, HOUR, MIN, PEOPLE, SEC, Board, bridge, dust, silent

STEP: Final = MIN
FOR_MS, CLEAR_MS, REMIND_MS = 4 * MIN, 3 * MIN, HOUR
AFTER_MS: Final = {"teacher": 0, "head": 10 * MIN, "officer": 30 * MIN}
SLACK_MS: Final = 4 * STEP
USUAL = (
    (CONFIG + PEOPLE)
    .replace("for: 15m, clear_for: 5m, remind: 4h", "for: 4m, clear_for: 3m, remind: 1h")
    .replace("for: 10m, clear_for: 5m, remind: 4h", "for: 4m, clear_for: 3m, remind: 1h")
)
CONFIGS: Final = (
    configuration.parse(USUAL),
    configuration.parse(USUAL.replace("{tell: [officer]}", "{tell: [officer, teacher]}")),
    configuration.parse(USUAL.replace("    - {tell: [head]}\n", "")),
    configuration.parse(USUAL.replace("dust: {kind: above", "smoke: {kind: above")),
)
PI = bridge("s1.pi", None)
BEHIND = (PI.explains,)
SIGHTS: Final = (PI, silent("s1.r1", None, BEHIND), silent("s1.r2", None, BEHIND), dust("s1.r1", None))
EVENTS: Final = (
    "holds",
    "over",
    "unknown",
    "bridge_down",
    "bridge_back",
    "acknowledge",
    "acknowledge_twice",
    "acknowledge_closed",
    "silence",
    "end_silence",
    "restart",
    "clock",
    "drift",
    "config",
)


@dataclass
class Truth:
    """Of one key, in steady time. `holds_from`: since when it has held without interruption, as far as is known."""

    wish: bool | None = None  # what is to be seen at the next look
    holds: bool | None = None
    holds_from: int | None = None
    lasts_from: int = 0  # the same, but for times in which nobody knew
    free_from: int = 0  # since when neither a silence nor an open cause holds it back
    counted: int = 0  # how long the alert of now has fired, held and been free
    alert: str = ""


@dataclass
class Scope:
    silence: Silence
    until: int  # steady; not before then it is over


@dataclass
class Life:
    folder: Path
    t: int = 0
    truths: dict[Key, Truth] = field(default_factory=dict)
    scopes: dict[str, Scope] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)  # alert → how many rows there must be
    settled: set[str] = field(default_factory=set)  # acknowledged alerts of which nothing more is told
    ended: set[str] = field(default_factory=set)
    resolved: dict[str, int] = field(default_factory=dict)
    told: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # alert, person, stage
    before: dict[Key, Alert] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    seen: int = 0
    index: int = 0

    def __post_init__(self) -> None:
        self.it = Board(self.folder, USUAL, step_s=STEP // SEC)
        self.truths = {sight.key: Truth() for sight in SIGHTS}

    # -- what happens --------------------------------------------------------------------------------------------------

    def happens(self, event: str, number: int) -> None:
        self.counts[event] += 1
        getattr(self, f"_{event}")(number)

    def pass_time(self, steps: int) -> None:
        for _ in range(steps):
            self._pass()

    def close(self) -> None:
        self._rows_are_right()
        self.it.close()

    def _set(self, key: Key, holds: bool | None) -> None:
        self.truths[key].wish = holds

    def _holds(self, number: int) -> None:
        self._set(SIGHTS[number % 4].key, True)

    def _over(self, number: int) -> None:
        self._set(SIGHTS[number % 4].key, False)

    def _unknown(self, number: int) -> None:
        self._set(SIGHTS[number % 4].key, None)

    def _bridge_down(self, number: int) -> None:
        for sight in SIGHTS[:3]:
            self._set(sight.key, True)

    def _bridge_back(self, number: int) -> None:
        for sight in SIGHTS[: 1 + number % 3]:
            self._set(sight.key, False)

    def _acknowledge(self, number: int, who: str = "kim") -> None:
        alerts = [alert for alert in self.it.board.open() if alert.state != "pending"]
        if alerts:
            self._acknowledged(alerts[number % len(alerts)], who)

    def _acknowledge_twice(self, number: int) -> None:
        self._acknowledge(number)
        self._acknowledge(number, "noi")

    def _acknowledge_closed(self, number: int) -> None:
        assert self.it.ledger.sync()
        if self.ended:
            alert_id = sorted(self.ended)[number % len(self.ended)]
            done = self.it.board.acknowledge(alert_id, "late", self.it.now)
            assert done.result["state"] == "closed"
            self.it.ledger.together(done.statements)
            self.acknowledged[alert_id] = self.acknowledged.get(alert_id, 0) + 1

    def _acknowledged(self, alert: Alert, who: str) -> None:
        done = self.it.board.acknowledge(alert.id, who, self.it.now)
        self.it.ledger.together(done.statements)
        self.acknowledged[alert.id] = self.acknowledged.get(alert.id, 0) + 1
        self.settled.add(alert.id)
        expected = {"firing": "acknowledged"}.get(alert.state, alert.state)
        assert done.result["state"] == expected, "an acknowledgement reopened or closed something"
        self._remember()

    def _silence(self, number: int) -> None:
        scope = ({"site": "s1"}, {"room": "s1.r1"}, {"subject": "s1.pi"}, {"rule": "no-data"})[number % 4]
        length = (1 + number % 50) * 5 * MIN
        made = Silence(f"silence-{self.t}-{number}-{len(self.scopes)}", self.it.now, self.it.now + length, **scope)
        self.it.ledger.together(self.it.board.silence(made).statements)
        self.scopes[made.id] = Scope(made, self.t + length + STEP)

    def _end_silence(self, number: int) -> None:
        for name in list(self.scopes)[: 1 + number % 2]:
            scope = self.scopes.pop(name)
            if scope.silence.id in {silence.id for silence in self.it.board.silences()}:
                self.it.ledger.together(self.it.board.end_silence(name, "kim", self.it.now).statements)

    def _restart(self, number: int) -> None:
        before = _kept(self.it.board.open())
        self.it.restart()
        assert _kept(self.it.board.open()) == before, "a restart changed an alert"
        for key, truth in self.truths.items():  # what was pending begins anew
            alert = self.before.get(key)
            if truth.holds_from is not None and (alert is None or alert.state in ("pending", "resolved")):
                truth.holds_from = self.t
        self.before = {key: alert for key, alert in self.before.items() if alert.state != "pending"}

    def _clock(self, number: int) -> None:
        by_ms = (number - 50) * 7 * MIN
        self.it.now += by_ms
        self.it.board.clock_stepped(by_ms, self.it.now)
        if by_ms < 0:
            for scope in self.scopes.values():
                length = scope.silence.until - scope.silence.at
                scope.until = max(scope.until - by_ms, self.t + length + STEP)
        self._remember()

    def _drift(self, number: int) -> None:
        self.it.now += (number % 19 - 9) * SEC  # less than what anybody is told of

    def _config(self, number: int) -> None:
        self.index = number % len(CONFIGS)
        self.it.follow(CONFIGS[self.index])
        self._look(None)
        for key, truth in self.truths.items():
            if key.rule not in CONFIGS[self.index].rules:
                self.truths[key] = Truth(truth.wish)

    # -- a minute ------------------------------------------------------------------------------------------------------

    @property
    def config(self) -> Config:
        return CONFIGS[self.index]

    def _pass(self) -> None:
        self.t += STEP
        self.it.now += STEP
        for truth in self.truths.values():
            truth.holds = truth.wish
        sights = [
            Sight(it.key, it.kind, it.site, it.room, self.truths[it.key].holds, causes=it.causes, explains=it.explains)
            for it in SIGHTS
            if it.key.rule in self.config.rules
        ]
        for sight in sights:
            truth = self.truths[sight.key]
            if truth.holds is False:
                truth.lasts_from = self.t
            if not truth.holds:
                truth.holds_from = None
            elif truth.holds_from is None:
                truth.holds_from = self.t
        self.it.board.see(sights, self.it.now)
        self._look({sight.key: sight for sight in sights})

    def _look(self, sights: dict[Key, Sight] | None) -> None:
        now = {alert.key: alert for alert in self.it.board.open()}
        new = self.it.outbox.told[self.seen :]
        self.seen += len(new)
        for told in new:
            self._told(told.alert, told.person, told.stage)
        for key in self.before.keys() | now.keys():
            self._moved(key, self.before.get(key), now.get(key), sights)
        self.before = now
        if sights is not None:
            self._nothing_is_forgotten(now)

    def _remember(self) -> None:
        self.before = {alert.key: alert for alert in self.it.board.open()}

    # -- promises ------------------------------------------------------------------------------------------------------

    def _told(self, alert: Alert, person: str, stage: str) -> None:
        self.told[alert.id, person, stage] += 1
        chain = [step.tell for step in self.config.escalation["usual"]]
        assert person in {one for people in chain for one in people} or stage == "recovered"
        if stage in ("fired", "escalated"):
            assert alert.id not in self.settled, "an acknowledged alert went on up the chain"
            count = self.told[alert.id, person, "fired"] + self.told[alert.id, person, "escalated"]
            assert count <= (2 if person == "teacher" else 1), "told twice of one cause"
            assert self.truths[alert.key].holds is not False, "told of what is over"
        elif stage == "reminder":
            truth = self.truths[alert.key]
            assert alert.id not in self.settled and truth.holds, "reminded of what may be over"
            assert self.t - truth.lasts_from >= REMIND_MS - SLACK_MS, "reminded of what was interrupted"
        elif stage == "recovered":
            assert self.told[alert.id, person, "fired"] + self.told[alert.id, person, "escalated"], "not told before"
            assert self.told[alert.id, person, "recovered"] == 1 and alert.state == "closed"

    def _moved(self, key: Key, old: Alert | None, new: Alert | None, sights: dict[Key, Sight] | None) -> None:
        """What became of one alert in this minute."""
        holds = self.truths[key].holds
        if old is not None and (new is None or new.id != old.id) and old.state != "pending":
            if sights is not None:
                assert old.state == "resolved", f"closed while {old.state}"
                assert self.t - self.resolved[old.id] >= JOIN_MS - SLACK_MS, "closed too soon"
            self.ended.add(old.id)
        if new is None or sights is None:
            return
        was = old.state if old is not None and old.id == new.id else None
        if new.state != was and new.state in ("firing", "acknowledged"):
            assert holds is True, "it fired although nobody saw it hold"
        if new.state == "resolved" and was != "resolved":
            assert holds is False and was is not None, "it ended although nobody saw its end"
            self.resolved[new.id] = self.t
        assert not (was in ("resolved", "acknowledged") and new.state == "firing" and new.id in self.settled)

    def _nothing_is_forgotten(self, now: dict[Key, Alert]) -> None:
        cause = now.get(PI.key)
        for name in [name for name, scope in self.scopes.items() if self.t > scope.until]:
            del self.scopes[name]
        for sight in SIGHTS:
            truth, alert = self.truths[sight.key], now.get(sight.key)
            behind = bool(sight.causes) and cause is not None and cause.state != "resolved"
            silenced = alert is not None and any(scope.silence.matches(alert) for scope in self.scopes.values())
            if behind or silenced:
                truth.free_from = self.t
            if alert is None or alert.id != truth.alert:
                truth.alert, truth.counted = (alert.id if alert is not None else ""), 0
            if truth.holds_from is None or sight.key.rule not in self.config.rules:
                continue
            lasts = self.t - max(truth.holds_from + FOR_MS, truth.free_from + RELEASE_MS)
            if lasts < SLACK_MS:
                continue
            assert alert is not None and alert.state in ("firing", "acknowledged"), "what lasts does not fire"
            if alert.state != "firing":
                continue
            assert self._people(alert), "what lasts is told to nobody"
            truth.counted += STEP
            for place, step in enumerate(self.config.escalation["usual"]):
                if truth.counted >= (0, 10 * MIN, 30 * MIN)[place] + SLACK_MS:
                    assert set(step.tell) <= self._people(alert), "the chain did not reach its end"

    def _people(self, alert: Alert) -> set[str]:
        return {person for (name, person, _), count in self.told.items() if name == alert.id and count}

    def _rows_are_right(self) -> None:
        """What is on disk is what was lived."""
        ledger = self.it.ledger
        assert ledger.sync() and not ledger.lost
        for alert_id, count in self.acknowledged.items():
            rows = ledger.rows("select 1 from alert_change where alert=? and why='acknowledged'", alert_id)
            assert len(rows) == count, "not one row for each acknowledgement"
        open_rows = ledger.rows("select rule, subject, part from alert where closed_at is null")
        assert len(open_rows) == len(set(open_rows)), "two open alerts of one key"
        states = dict(ledger.rows("select id, state from alert"))  # type: ignore[arg-type]
        assert all(states[alert_id] == "closed" for alert_id in self.ended), "a closed alert was opened again"
        # Each change goes on where the one before it ended.
        last: dict[object, object] = {}
        for alert_id, before, after in ledger.rows("select alert, before, after from alert_change order by id"):
            assert last.get(alert_id, "pending") == before, "a change is missing"
            last[alert_id] = after


def _kept(alerts: list[Alert]) -> dict[Key, tuple[object, ...]]:
    """What a restart must not change."""
    return {
        it.key: (it.id, it.state, it.times, it.told, it.acknowledged_by, it.held, it.steps_told)
        for it in alerts
        if it.state != "pending"
    }
