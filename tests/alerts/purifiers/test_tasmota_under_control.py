"""A prepared plug under the whole of alerts, in a time that the test moves: who pressed, and what runs without us."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from classair.wire import Ask
from simulator.devices.device import Publish
from simulator.devices.tasmota import TasmotaPlug
from tests.alerts.purifiers.plugged import unit_of
from tests.alerts.purifiers.rows import ALL
from tests.alerts.watched import MONDAY_NINE, PLUG, TOPICS, House

PREPARE = [step.order for step in unit_of(next(row for row in ALL if row.name == "tasmota")).prepare()]


class Plugged:
    """The house with a real plug's behaviour at the other end of its broker."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder, PLUG, MONDAY_NINE)
        self.plug = TasmotaPlug("plug-1", load_w=40.0, now=self.now)
        for order in PREPARE:
            self.plug.handle(order.topic, order.payload, self.now)
        self._read = 0
        self.there = True
        self.hear(self.plug.connected(self.now))

    @property
    def now(self) -> float:
        return self.house.now / 1000

    def hear(self, said: list[Publish]) -> None:
        """What the plug says reaches alerts, and what alerts say to it the plug, until both are still."""
        while True:
            for one in said if self.there else ():
                self.house.watching.hear(one.topic, one.payload.encode(), False, self.house.now)
            orders = [one for one in self.house.said[self._read :] if one[0].startswith("cmnd/plug-1/")]
            self._read = len(self.house.said)
            if not orders or not self.there:
                return
            said = [word for topic, payload in orders for word in self.plug.handle(topic, payload, self.now)]

    def live(self, seconds: int, value: float) -> None:
        for _ in range(seconds):
            self.house.live(1, value) if self.there else self.pass_by()
            self.hear(self.plug.tick(self.now))

    def pass_by(self) -> None:
        self.house.now += 1000

    def lose(self) -> None:
        """Server and broker go."""
        self.there = False
        self.plug.disconnected(self.now)

    def come_back(self) -> None:
        self.house.restart()
        self._read = len(self.house.said)
        self.there = True
        self.house.watching.reconnected(self.house.now)
        self.hear(self.plug.connected(self.now))


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Plugged]:
    made = Plugged(tmp_path)
    yield made
    made.house.ledger.close()


@pytest.mark.thorough
def test_a_press_is_a_persons_word_and_a_fall_is_not(it: Plugged) -> None:
    it.live(300, 80)
    assert it.plug.on
    it.hear(it.plug.drop(it.now))
    it.live(15, 80)
    assert it.plug.on and it.house.fan().override_until is None, "a fall is sent again"
    it.live(300, 40)
    it.hear(it.plug.press(it.now))
    it.live(60, 40)
    assert not it.plug.on and it.house.fan().override_on is False
    it.live(1800, 40)
    assert it.plug.on, "an override ends"


def test_a_press_while_the_server_was_away_is_still_a_persons_word(it: Plugged) -> None:
    it.live(300, 60)
    assert it.plug.on
    it.lose()
    it.live(120, 60)
    it.plug.press(it.now)
    it.live(60, 60)
    assert not it.plug.on
    it.come_back()
    it.live(60, 60)
    assert not it.plug.on and it.house.fan().override_on is False
    assert it.house.fan().override_by == "device"


def test_a_plug_that_is_off_when_everything_goes_runs_for_the_children_and_is_taken_over(it: Plugged) -> None:
    it.live(60, 8)
    assert not it.plug.on
    it.lose()
    it.live(1200, 80)
    assert it.plug.on
    it.come_back()
    it.live(300, 80)
    assert it.plug.on and it.house.fan().on is True
    assert it.house.fan().override_until is None, "its own rule is nobody's word"


def test_after_a_persons_on_its_own_rule_knows_again_that_children_are_there(it: Plugged) -> None:
    it.live(60, 8)
    it.hear(it.plug.press(it.now))
    it.live(30, 8)
    assert it.plug.on and it.plug.rules.var[1] == "dust"


def test_a_power_cut_is_no_persons_word(it: Plugged) -> None:
    it.live(300, 80)
    it.plug.power_on_state = 0
    it.hear(it.plug.reboot(it.now))
    it.live(30, 80)
    assert it.plug.on and it.house.fan().override_until is None
    assert it.plug.rules.var[1] == "dust", "what a power cut took is said again"


def test_what_was_done_in_a_trial_is_neither_a_fault_nor_a_persons_word(it: Plugged) -> None:
    it.live(300, 80)
    assert it.plug.on
    topic, asked = TOPICS.ask("alerts", "question-1"), TOPICS.ask("alerts", "question-2")
    for place, minutes in ((topic, 10), (asked, 0)):
        ask = Ask(id=place.rpartition("/")[2], do="trial", who="me", args={"purifier": "s1.fan", "minutes": minutes})
        it.house.watching.hear(place, ask.model_dump_json().encode(), False, it.house.now)
        if minutes:
            it.hear(it.plug.press(it.now))
            it.live(30, 80)
            assert not it.plug.on, "nobody interferes"
    it.live(10, 80)
    assert it.plug.on and it.house.fan().override_until is None and it.house.fan().faults == []
