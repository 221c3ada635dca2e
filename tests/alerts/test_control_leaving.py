"""A change of sensors.yaml leaves no old device running on unseen, also when it came while alerts was down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.ledger_reader import LedgerReader
from classair import config as configuration
from tests.alerts.watched import MONDAY_NINE, PLUG, SEC, House

MOVED = PLUG.replace("topic: plug-1", "topic: plug-2")
GONE = PLUG.replace("    purifiers:\n      fan: {room: r1, kind: tasmota, topic: plug-1, cadr_m3h: 400}\n", "")
EMPTY = PLUG.replace('occupied: ["08:00-16:00"], lessons: ["08:30-11:30"]', 'occupied: ["13:00-16:00"], lessons: []')
ANOTHER_ROOM = PLUG.replace("fan: {room: r1", "fan: {room: r2").replace(
    "      yard:", "      r2: {name: Room 2, volume_m3: 180, capacity: 30}\n      yard:"
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A plug that has been on for a while with children there, so that it holds an expiry of hours."""
    made = House(tmp_path, PLUG, now=MONDAY_NINE)
    made.watching.hear("stat/plug-1/RESULT", b'{"POWER":"OFF"}', False, made.now)
    run(made, 230, 80.0)
    assert made.fan().on is True and (made.fan().expires_at or 0) > made.now + 6 * 3600 * SEC
    yield made
    made.ledger.close()


def run(house: House, seconds: int, value: float) -> None:
    """Time passes with a plug that does what it is told."""
    for _ in range(seconds):
        before = len(house.said)
        house.live(1, value)
        for order in orders(house, before):
            answer(house, b'{"POWER":"OFF"}' if order == "OFF" else b'{"POWER":"ON"}')


def answer(house: House, word: bytes = b'{"POWER":"ON"}', topic: str = "plug-1") -> None:
    house.watching.hear(f"stat/{topic}/RESULT", word, False, house.now)


def edit(house: House, text: str) -> list[str]:
    """What the old plug is told within ten seconds of the change."""
    assert configuration.parse(text)
    house.text = text
    before = len(house.said)
    house.watching.follow(configuration.parse(text), 2, house.now)
    house.live(10)
    return orders(house, before)


def orders(house: House, since: int) -> list[str]:
    return [
        payload
        for topic, payload in house.said[since:]
        if topic.startswith("cmnd/plug-1/") and "Power1" in topic + payload
    ]


@pytest.mark.parametrize("text", [MOVED, GONE], ids=["topic changed", "removed"])
def test_the_old_plug_is_told_to_end_when_its_minimum_time_does(house: House, text: str) -> None:
    sent = edit(house, text)
    assert len(sent) == 1 and sent[0].endswith("Power1 ON")
    seconds = int(sent[0].split()[1].rstrip(";")) - 100
    began = min(c.at for c in commands(house) if c.on)
    assert abs(began + 900 * SEC - (house.now - 10 * SEC + seconds * 1000)) <= 3 * SEC
    answer(house)
    before = len(house.said)
    house.live(120)
    assert orders(house, before) == [], "once confirmed it is left alone"


def commands(house: House) -> list:  # type: ignore[type-arg]
    assert house.ledger.sync()
    return LedgerReader(house.folder / "ledger.db").commands("s1.fan", 0, 2**50)


@pytest.mark.parametrize("text", [MOVED, GONE], ids=["topic changed", "removed"])
def test_one_whose_minimum_time_is_over_is_switched_off(house: House, text: str) -> None:
    house.watching.hear("tele/plug-1/STATE", b'{"POWER":"ON"}', False, house.now)
    for _ in range(16):
        house.watching.hear("tele/plug-1/STATE", b'{"POWER":"ON"}', False, house.now)
        house.live(60, 80.0)
    assert edit(house, text) == ["OFF"]


def test_one_that_does_not_confirm_is_tried_for_a_minute_and_then_told(house: House) -> None:
    before = len(house.said)
    edit(house, GONE)
    house.live(80)
    assert len(orders(house, before)) == 6
    assert house.ledger.sync()
    told = LedgerReader(house.folder / "ledger.db").notices(0, 2**50)
    assert [(it.what, it.subject, it.over_at) for it in told if it.detail] == [("not_obeying", "s1.fan", told[-1].at)]
    about = [(it.stage, it.alert.state, it.part.partition("/")[0]) for it in house.post.told if it.subject == "s1.fan"]
    assert about == [("fired", "firing", "silent"), ("fired", "closed", "not_obeying")]


def test_one_that_leaves_together_with_its_room_stops_nothing_else(house: House) -> None:
    before = len(house.said)
    text = (GONE.replace("r1: {name: {th: ห้องหนึ่ง, en: Room 1}", "r9: {name: {th: ห้องเก้า, en: Room 9}")).replace(
        "room: r1", "room: r9"
    )
    edit(house, text)
    house.live(80)
    assert len(orders(house, before)) == 6 and house.room("r9").room == "s1.r9"


@pytest.mark.parametrize("text", [MOVED, GONE], ids=["topic changed", "removed"])
def test_also_when_alerts_was_down_meanwhile(house: House, text: str) -> None:
    house.text = text
    house.now += 20 * SEC
    before = len(house.said)
    house.restart()
    house.live(10)
    assert len(orders(house, before)) == 1
    answer(house)
    house.restart()
    before = len(house.said)
    house.live(30)
    assert orders(house, before) == [], "nothing is left to be ended"


def test_one_that_is_off_is_told_nothing(house: House) -> None:
    answer(house, b'{"POWER":"OFF"}')
    house.live(1)
    answer(house, b'{"POWER":"OFF"}')
    house.live(60, 5.0)
    answer(house, b'{"POWER":"OFF"}')
    text = MOVED.replace("rules:", "rules:\n  quiet: {kind: purifier, on_above: 490, fast_above: 900}")
    house.watching.hear("tele/plug-1/STATE", b'{"POWER":"OFF"}', False, house.now)
    before = len(house.said)
    house.watching.follow(configuration.parse(text), 2, house.now)
    house.live(30)
    assert not [payload for payload in orders(house, before) if "OFF" not in payload]


def questions(house: House, since: int) -> int:
    return sum(topic.startswith("cmnd/plug-1/") and "Status 11" in payload for topic, payload in house.said[since:])


def says(house: House, word: str) -> None:
    house.watching.hear("stat/plug-1/STATUS11", f'{{"StatusSTS":{{"POWER":"{word}"}}}}'.encode(), False, house.now)


@pytest.fixture(params=["off", "never met", "off, alerts was down"])
def quiet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A plug that has just left the configuration and was not known to be on."""
    made = House(tmp_path, PLUG, now=MONDAY_NINE)
    if request.param != "never met":
        answer(made, b'{"POWER":"OFF"}')
    made.live(2)
    if "down" in request.param:
        made.text = GONE
        made.restart()
    else:
        made.watching.follow(configuration.parse(GONE), 2, made.now)
    made.said.clear()
    yield made
    made.ledger.close()


def test_one_that_went_on_by_itself_just_before_it_left_is_asked_and_then_ended(quiet: House) -> None:
    quiet.live(1)
    assert questions(quiet, 0) == 1 and orders(quiet, 0) == []
    says(quiet, "ON")
    quiet.live(1)
    assert orders(quiet, 0) == ["PulseTime1 999; Power1 ON"], "its minimum time, as nobody knows since when it is on"
    answer(quiet)
    quiet.said.clear()
    quiet.live(80)
    assert orders(quiet, 0) == [] and questions(quiet, 0) == 0


def test_one_that_was_found_on_is_ended_although_alerts_was_down_meanwhile(quiet: House) -> None:
    quiet.live(1)
    says(quiet, "ON")
    quiet.text = GONE
    quiet.restart()
    quiet.live(1)
    assert len(orders(quiet, 0)) == 1


def test_one_that_says_it_is_off_is_asked_no_more(quiet: House) -> None:
    quiet.live(1)
    says(quiet, "OFF")
    quiet.live(80)
    assert questions(quiet, 0) == 1 and orders(quiet, 0) == []


def test_one_that_was_not_known_to_be_on_and_says_nothing_is_forgotten_and_nobody_told(quiet: House) -> None:
    quiet.live(200)
    assert questions(quiet, 0) == 6 and orders(quiet, 0) == []
    assert [it.what for it in quiet.ledger_rows() if it.subject == "s1.fan"] == []
    quiet.text = GONE
    quiet.restart()
    quiet.said.clear()
    quiet.live(20)
    assert questions(quiet, 0) == 0


def test_a_room_that_is_no_longer_occupied_shortens_the_lease_of_its_purifier(house: House) -> None:
    sent = edit(house, EMPTY)
    assert len(sent) == 1 and sent[0].endswith("Power1 ON")
    assert int(sent[0].split()[1].rstrip(";")) - 100 <= 900


def test_a_purifier_that_moves_to_a_room_of_which_nothing_is_known_gets_a_short_lease(house: House) -> None:
    sent = edit(house, ANOTHER_ROOM)
    assert len(sent) == 1 and int(sent[0].split()[1].rstrip(";")) - 100 <= 900


def test_the_same_plug_under_another_name_is_not_switched_off(house: House) -> None:
    sent = edit(house, PLUG.replace("      fan: {", "      better-name: {"))
    assert "OFF" not in sent and all("Power1 ON" in order for order in sent)
