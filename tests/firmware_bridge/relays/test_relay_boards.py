"""Relays of a bridge at real terminals: both kinds of boards, unplugged, stuck, shared, and without a broker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts import offer as control
from classair import config
from classair.broker import Message
from classair.config.parts import part_text
from firmware_bridge import offer
from firmware_bridge.relays import switching
from firmware_bridge.relays.boards import BOARDS
from firmware_bridge.relays.switching import Relays
from tests.firmware_bridge.relays.terminals import FakeBoard, FakeLcus, FakeNumato
from tests.neighbours.programs import await_condition


class FakeLink:
    def __init__(self) -> None:
        self.said: list[tuple[str, str, bool]] = []
        self.hears: set[str] = set()

    def publish(self, topic: str, payload: str, qos: int = 0, retain: bool = False) -> int | None:
        self.said.append((topic, payload, retain))
        return 1

    def subscribe(self, topic: str, qos: int = 0) -> None:
        self.hears.add(topic)

    def unsubscribe(self, topic: str) -> None:
        self.hears.discard(topic)

    def states(self, name: str = "s.fan") -> list[dict[str, Any]]:
        return [json.loads(payload) for topic, payload, _ in self.said if topic == f"purifier/{name}/state"]

    def status(self, name: str = "s.fan") -> list[str]:
        return [payload for topic, payload, _ in self.said if topic == f"purifier/{name}/status"]


def school(**purifiers: Any) -> config.Config:
    units = {
        name: {"room": "r", "kind": "relay", "cadr_m3h": 300, "bridge": "pi", **unit}
        for name, unit in purifiers.items()
    }
    site = {"name": "S", "bridges": {"pi": {}}, "rooms": {"r": {"name": "R", "volume_m3": 180}}, "sensors": {}}
    return config.parse(json.dumps({"org": "o", "sites": {"s": {**site, "purifiers": units}}}))


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder, self.link = folder, FakeLink()
        self.relays = self.make()

    def make(self, boot: str = "boot-1") -> Relays:
        self.relays = Relays("s.pi", self.folder / "relays.json", boot, self.link)
        return self.relays

    def order(self, on: bool, seconds: int = 300, name: str = "s.fan", retain: bool = False, number: str = "1") -> bool:
        text = json.dumps({"id": number, "on": on, **({"seconds": seconds} if on else {})})
        return self.relays.heard(Message(f"purifier/{name}/set", text.encode(), 0, retain, 0))

    def until(self, found: Callable[[], Any], what: str) -> Any:
        return await_condition(found, what=f"{what}: {self.link.said[-5:]}")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    one = Desk(tmp_path)
    yield one
    one.relays.stop()


@pytest.fixture(params=[("lcus", FakeLcus), ("numato", FakeNumato)], ids=["lcus", "numato"])
def board(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, FakeBoard]:
    return request.param[0], request.param[1](tmp_path / "board")


@pytest.mark.thorough
def test_it_switches_says_so_and_ends_by_itself(desk: Desk, board: tuple[str, FakeBoard]) -> None:
    kind, fake = board
    desk.relays.use(school(fan={"board": kind, "port": str(fake.link)}))
    desk.relays.start()
    desk.until(lambda: fake.on.get(1) is False, "OFF at the start, whatever the board was")
    assert desk.link.hears == {"purifier/s.fan/set", "purifier/s.fan/get"}
    assert desk.order(True, 1, number="7")
    desk.until(lambda: {"on": True, "by": "command", "faults": [], "id": "7"} in desk.link.states(), "the answer")
    desk.until(lambda: (1, True) in fake.log, "the order at the board")  # which tells nothing of it
    desk.until(lambda: desk.link.states()[-1] == {"on": False, "by": "timer", "faults": []}, "the end")
    desk.until(lambda: fake.on[1] is False, "the end at the board")
    desk.order(False, number="8")
    desk.until(lambda: desk.link.states()[-1].get("id") == "8", "the answer to OFF")


def test_frames_are_those_of_the_makers_sheet(tmp_path: Path) -> None:
    written: list[bytes] = []

    class Paper:
        def write(self, data: bytes) -> None:
            written.append(data)

    for channel, on in ((1, True), (1, False), (4, True), (8, False)):
        BOARDS["lcus"].switch(Paper(), channel, on)  # type: ignore[arg-type]
    assert [frame.hex(" ").upper() for frame in written] == ["A0 01 01 A2", "A0 01 00 A1", "A0 04 01 A5", "A0 08 00 A8"]


def test_two_relays_share_a_board(desk: Desk, board: tuple[str, FakeBoard]) -> None:
    kind, fake = board
    port = str(fake.link)
    two = school(a={"board": kind, "port": port, "channel": 1}, b={"board": kind, "port": port, "channel": 2})
    desk.relays.use(two)
    desk.relays.start()
    desk.order(True, name="s.b")
    desk.until(lambda: fake.on.get(2) is True, "the second")
    assert fake.on.get(1) in (False, None)
    desk.order(True, name="s.a")
    desk.until(lambda: fake.on == {1: True, 2: True}, "both")
    desk.relays.use(school(b={"board": kind, "port": port, "channel": 2}))
    desk.until(lambda: fake.on == {1: False, 2: True}, "the first, which is not configured any more")
    assert desk.link.hears == {"purifier/s.b/set", "purifier/s.b/get"}
    desk.until(lambda: desk.link.status("s.a")[-1] == "", "that nothing retained stays of it")


def test_a_board_that_is_pulled_out_is_away_and_is_told_anew_when_it_is_back(
    desk: Desk, board: tuple[str, FakeBoard], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switching, "AGAIN_S", 0.05)
    kind, fake = board
    desk.relays.use(school(fan={"board": kind, "port": str(fake.link)}))
    desk.relays.start()
    desk.order(True, 3600)
    desk.until(lambda: fake.on.get(1) is True, "ON")
    fake.unplug()
    desk.until(lambda: desk.link.states()[-1] == {"faults": ["relay board away"]}, "the fault")
    desk.until(lambda: desk.link.status()[-1] == "offline", "that it is away")
    fake.plug_in()
    desk.until(lambda: fake.on.get(1) is True, "ON for the rest of its time")
    desk.until(lambda: desk.link.status()[-1] == "online", "that it is back")


def test_a_board_that_reads_back_a_stuck_relay_never_confirms(desk: Desk, tmp_path: Path) -> None:
    fake = FakeNumato(tmp_path / "board")
    desk.relays.use(school(fan={"board": "numato", "port": str(fake.link), "channel": 0}))
    desk.relays.start()
    desk.until(lambda: desk.link.states() and desk.link.states()[-1].get("on") is False, "the first word")
    fake.stuck = True
    desk.order(True, number="9")
    desk.until(lambda: (0, True) in fake.log, "the order at the board")
    desk.until(lambda: desk.link.states()[-1].get("by") == "command", "the word after it")
    assert all(state.get("id") != "9" and state.get("on") is not True for state in desk.link.states())


def test_a_kept_order_is_not_obeyed_and_anothers_is_not_ours(desk: Desk, board: tuple[str, FakeBoard]) -> None:
    kind, fake = board
    desk.relays.use(school(fan={"board": kind, "port": str(fake.link)}))
    desk.relays.start()
    assert desk.order(True, retain=True)
    assert not desk.order(True, name="s.other")
    assert not desk.relays.heard(Message("classair/v1/o/control/beat", b"{}", 0, False, 0))
    desk.order(False, number="8")
    desk.until(lambda: desk.link.states() and desk.link.states()[-1].get("id") == "8", "the answer")
    assert all(not on for _, on in fake.log)


def test_the_bridges_own_order_needs_no_broker_and_others_go_to_it(desk: Desk, board: tuple[str, FakeBoard]) -> None:
    kind, fake = board
    desk.relays.use(school(fan={"board": kind, "port": str(fake.link)}))
    desk.relays.start()
    assert desk.relays.publish("purifier/s.fan/set", '{"id":"edge","on":true,"seconds":300}') == 0
    desk.until(lambda: fake.on.get(1) is True, "ON")
    assert not [topic for topic, _, _ in desk.link.said if topic.endswith("/set")]
    desk.relays.publish("cmnd/plug/Power1", "ON")
    assert desk.link.said[-1][0] == "cmnd/plug/Power1" or ("cmnd/plug/Power1", "ON", False) in desk.link.said


def test_an_end_in_good_order_switches_off_and_the_next_start_goes_on(desk: Desk, board: tuple[str, FakeBoard]) -> None:
    kind, fake = board
    school_ = school(fan={"board": kind, "port": str(fake.link)})
    desk.relays.use(school_)
    desk.relays.start()
    desk.order(True, 3600)
    desk.until(lambda: fake.on.get(1) is True, "ON")
    desk.relays.stop()
    desk.until(lambda: fake.on.get(1) is False, "OFF at the end")
    assert desk.link.status()[-1] == "offline"
    desk.make().use(school_)
    desk.relays.start()
    desk.until(lambda: fake.on.get(1) is True, "ON for the rest")
    desk.order(False)
    desk.until(lambda: fake.on.get(1) is False, "OFF")
    desk.relays.stop()
    desk.make().use(school_)
    desk.relays.start()
    desk.until(lambda: desk.link.states()[-1].get("by") == "start", "the word after the start")
    assert desk.link.states()[-1]["on"] is False and fake.on.get(1) is False


@pytest.mark.parametrize(
    ("units", "fault"),
    [
        ({"a": {"board": "lcus", "port": "/dev/x", "bridge": "other"}}, "bridge: the site has no bridge 'other'"),
        (
            {"a": {"board": "lcus", "port": "/dev/x"}, "b": {"board": "lcus", "port": "/dev/x"}},
            "channel: 1 of this board is already s.a",
        ),
        (
            {"a": {"board": "lcus", "port": "/dev/x"}, "b": {"board": "numato", "port": "/dev/x", "channel": 2}},
            "board: another relay says that a different board is at /dev/x",
        ),
        ({"a": {"board": "lcus", "port": "/dev/x", "channel": "0"}}, "channel: a board of this kind counts from 1"),
        ({"a": {"board": "lcus"}}, "port: expected the board's port"),
    ],
)
def test_what_cannot_be_is_told(units: dict[str, Any], fault: str) -> None:
    school_ = school(**units)
    found = [*offer.faults(school_), *control.faults(school_)]
    assert any(fault in line for line in found), found


def test_a_bridges_part_has_its_relays_also_where_another_measures() -> None:
    text = {
        "org": "o",
        "sites": {
            "s": {
                "name": "S",
                "bridges": {"pi": {}, "po": {}},
                "rooms": {name: {"name": name, "volume_m3": 180} for name in ("r", "q")},
                "sensors": {"x": {"bridge": "po", "room": "r", "model": "pms5003", "port": "/dev/x"}},
                "purifiers": {
                    "f": {
                        "room": "r",
                        "kind": "relay",
                        "bridge": "pi",
                        "board": "lcus",
                        "port": "/dev/y",
                        "cadr_m3h": 9,
                    }
                },
            }
        },
    }
    whole = config.parse(json.dumps(text))
    for bridge in ("s.pi", "s.po"):
        assert config.parse(part_text(json.dumps(text), bridge)) == whole.part_for(bridge), "what it is told of it"
    assert [name for name, _ in whole.part_for("s.pi").purifiers()] == ["s.f"]
    assert [name for name, _ in whole.part_for("s.po").purifiers()] == ["s.f"]
    assert list(whole.part_for("s.pi").sites["s"].rooms) == ["r"]
