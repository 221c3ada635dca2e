"""What can be wished of a simulated plug, and that it remembers how it was set up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from classair.config import parse
from simulator.devices.device import Publish
from simulator.devices.sockets import Sockets

SCHOOL = {
    "org": "o",
    "sites": {
        "s": {
            "name": "S",
            "bridges": {},
            "rooms": {"r": {"name": "R", "volume_m3": 180}},
            "sensors": {},
            "purifiers": {
                "fan": {"room": "r", "kind": "tasmota", "topic": "p", "cadr_m3h": 300, "watts": 52, "port": "sim:x"}
            },
        }
    },
}
FAN = "s.fan"


class Played:
    def __init__(self, remembered: dict[str, Any] | None = None) -> None:
        self.said: list[Publish] = []
        self.purifying: list[bool] = []
        self.sockets = Sockets(self.said.append, lambda _, on: self.purifying.append(on))
        self.sockets.follow(parse(json.dumps(SCHOOL)), 0.0, remembered)
        self.sockets.up(0.0)

    def tell(self, command: str, payload: str, now: float) -> list[str]:
        """What it answers."""
        self.said.clear()
        self.sockets.hear(f"cmnd/p/{command}", payload.encode(), now)
        return [one.topic for one in self.said]


@pytest.fixture
def played() -> Played:
    made = Played()
    made.tell("Backlog0", "PulseTime1 400; Power1 ON", 1.0)
    return made


def drawn(played: Played, now: float) -> float:
    played.tell("Status", "10", now)
    return float(json.loads(played.said[0].payload)["StatusSNS"]["ENERGY"]["Power"])


def test_its_meter_shows_what_its_purifier_draws(played: Played) -> None:
    assert drawn(played, 2.0) == 52


def test_a_purifier_that_is_dead_behind_a_live_plug_draws_and_cleans_nothing(played: Played) -> None:
    played.sockets.wish(FAN, "dead", 2.0)
    assert played.sockets.plugs[FAN].on and drawn(played, 3.0) == 0 and played.purifying[-1] is False
    played.sockets.wish(FAN, None, 4.0)
    assert drawn(played, 5.0) == 52 and played.purifying[-1] is True


def test_a_silent_plug_leaves_no_last_will_and_answers_nothing(played: Played) -> None:
    played.said.clear()
    played.sockets.wish(FAN, "silent", 2.0)
    assert played.said == [] and played.tell("Status", "11", 3.0) == []
    played.sockets.wish(FAN, None, 4.0)
    assert played.tell("Status", "11", 5.0) == ["stat/p/STATUS11"]


def test_a_plug_without_network_leaves_its_last_will(played: Played) -> None:
    played.said.clear()
    played.sockets.wish(FAN, "offline", 2.0)
    assert [(one.topic, one.payload) for one in played.said] == [("tele/p/LWT", "Offline")]


def test_a_relay_that_drops_falls_once_and_obeys_again(played: Played) -> None:
    played.sockets.wish(FAN, "drop", 2.0)
    assert played.purifying[-1] is False
    played.tell("Power1", "ON", 3.0)
    assert played.purifying[-1] is True


def test_how_it_was_set_up_survives_a_restart_of_the_simulator(played: Played) -> None:
    played.tell("Rule3", "ON Button1#State=10 DO Power1 TOGGLE ENDON", 2.0)
    played.tell("Rule3", "1", 2.0)
    played.tell("SetOption73", "1", 2.0)
    again = Played(json.loads(json.dumps(played.sockets.state(3.0))))
    again.said.clear()
    again.sockets.wish(FAN, "press", 4.0)
    assert json.loads(again.said[0].payload) == {"Button1": {"Action": "SINGLE"}} and again.purifying[-1] is False


@pytest.mark.parametrize("odd", [{"rules": 5}, {"rules": [[1, 2]]}, {"rules": None}, {"detached": []}])
def test_a_memory_that_makes_no_sense_is_none(odd: dict[str, Any]) -> None:
    memory = {"on": True, "pulse": 0, "remaining_s": 0, "power_on_state": 3, **odd}
    assert Played({FAN: memory}).sockets.plugs[FAN].topic == "p"
