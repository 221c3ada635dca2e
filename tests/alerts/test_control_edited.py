"""What a change of sensors.yaml leaves behind: no lease longer than it should be, no open notice, no sensor's word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.ledger_schema import Notice
from classair import config as configuration
from classair.model import Flag, Reading
from tests.alerts.watched import MIN, MONDAY_NINE, PLUG, SEC, House

TWO_ROOMS = PLUG.replace(
    "      yard:", "      r2: {name: Room 2, volume_m3: 180, capacity: 30, timetable: day}\n      yard:"
)
NO_FAN = PLUG.replace("    purifiers:\n      fan: {room: r1, kind: tasmota, topic: plug-1, cadr_m3h: 400}\n", "")
SHORTER = PLUG.replace('"08:00-16:00"', '"08:00-11:30"')
NO_TIMETABLE = PLUG.replace(", timetable: day", "")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, PLUG, now=MONDAY_NINE)
    yield made
    made.ledger.close()


def edit(house: House, text: str) -> None:
    house.text = text
    house.watching.follow(configuration.parse(text), 2, house.now)


def run(house: House, seconds: int, value: float | None) -> list[str]:
    """Time passes with a plug that does what it is told; the orders it was given."""
    given = []
    for _ in range(seconds):
        before = len(house.said)
        house.live(1, value)
        for topic, payload in house.said[before:]:
            if topic.startswith("cmnd/plug-1/") and "Power1" in topic + payload:
                given.append(payload)
                word = b'{"POWER":"OFF"}' if payload == "OFF" else b'{"POWER":"ON"}'
                house.watching.hear("stat/plug-1/RESULT", word, False, house.now)
    return given


@pytest.mark.parametrize("value", [80.0, None], ids=["dust", "no value"])
@pytest.mark.parametrize(
    ("text", "longest"), [(SHORTER, 9000), (NO_TIMETABLE, 900)], ids=["block shorter", "timetable taken out"]
)
def test_a_lease_beyond_the_new_end_of_the_block_is_shortened_at_once(
    house: House, text: str, longest: int, value: float | None
) -> None:
    house.watching.hear("stat/plug-1/RESULT", b'{"POWER":"OFF"}', False, house.now)
    run(house, 230, value)
    assert (house.fan().expires_at or 0) > house.now + 6 * 3600 * SEC
    edit(house, text)
    given = run(house, 10, value)
    assert len(given) == 1 and int(given[0].split()[1].rstrip(";")) - 100 <= longest
    assert run(house, 60, value) == [], "and then it holds what it should"


@pytest.mark.thorough
def test_also_one_that_nobody_wants_any_more_and_that_only_its_expiry_will_end(house: House) -> None:
    house.watching.hear("stat/plug-1/RESULT", b'{"POWER":"OFF"}', False, house.now)
    run(house, 230, 80.0)
    run(house, 400, 20.0)
    for _ in range(3):
        run(house, 240, None)
        house.measure(20.0)
    run(house, 200, None)
    edit(house, SHORTER.replace("{room: r1, kind", "{room: r1, when_blind: no, kind"))
    given = run(house, 10, None)
    assert len(given) == 1 and int(given[0].split()[1].rstrip(";")) - 100 <= 9000


def opened(house: House) -> list[tuple[str, str]]:
    return [(it.what, it.subject) for it in house.watching.notices.open() if it.what != "store"]


def test_what_was_open_of_a_device_is_closed_when_another_takes_its_place_and_told_of_that_anew(house: House) -> None:
    house.live(100, 5.0)
    assert opened(house) == [("silent", "s1.fan")]
    edit(house, PLUG.replace("plug-1", "plug-2"))
    assert opened(house) == []
    house.live(100, 5.0)
    rows = [it for it in house.ledger_rows() if it.what == "silent"]
    assert [it.over_at is None for it in rows] == [False, True]
    assert house.post.about("s1.fan") == ["fired", "fired"]


@pytest.mark.parametrize("text", [TWO_ROOMS.replace("fan: {room: r1", "fan: {room: r2"), NO_FAN], ids=["moved", "gone"])
@pytest.mark.parametrize("down", [False, True], ids=["running", "down meanwhile"])
def test_a_room_that_its_purifier_has_left_is_not_blind_any_more(house: House, text: str, down: bool) -> None:
    run(house, 190, None)
    assert ("blind", "s1.r1") in opened(house)
    if down:
        house.text = text
        house.restart()
    else:
        edit(house, text)
    assert ("blind", "s1.r1") not in opened(house)


def test_the_room_that_it_came_into_is_told_as_blind_as_well(house: House) -> None:
    run(house, 190, None)
    edit(house, TWO_ROOMS.replace("fan: {room: r1", "fan: {room: r2"))
    run(house, 190, None)
    assert ("blind", "s1.r2") in opened(house)
    rows: list[Notice] = [it for it in house.ledger_rows() if it.what == "blind"]
    assert [(it.subject, it.over_at is None) for it in rows] == [("s1.r1", False), ("s1.r2", True)]


@pytest.mark.thorough
def test_what_was_held_under_a_clock_a_year_ahead_neither_blinds_a_room_nor_keeps_it_from_being_blind(
    tmp_path: Path,
) -> None:
    year = 364 * 24 * 60 * MIN  # a Monday as well
    text = PLUG.replace(
        "      out:", '      pm2: {bridge: pi, room: r1, model: pms5003t, port: "sim:classroom"}\n      out:'
    )
    house = House(tmp_path, text, now=MONDAY_NINE + year)
    for second in range(600):
        if second % 10 == 0 and second < 200:
            house.measure(80.0, "pm2")
        house.live(1, 8.0)
    assert house.watching.rooms["s1.r1"].signal.held
    house.ledger.close()
    house.now = MONDAY_NINE
    house.start()
    for second in range(400):
        if second % 10 == 0:
            house.measure(8.0, "pm2")
        house.live(1, 8.0)
    signal = house.watching.rooms["s1.r1"].signal.signal
    assert signal.newest_at is not None and house.now - signal.newest_at <= 10 * SEC
    assert signal.median is not None and signal.median < 15
    house.live(200)
    assert ("blind", "s1.r1") in opened(house)
    house.ledger.close()


def reading(house: House, sensor: str, value: float, at: int) -> Reading:
    return Reading(
        f"s1.{sensor}", "s1.pi", "abcdefgh", at // SEC, at, {"pm25": value}, 10, 1, "ntp", Flag.NONE, {}, "s1.r1", True
    )


def test_the_store_brings_back_no_sensor_that_was_taken_out(house: House) -> None:
    past = [
        reading(house, sensor, 80.0 if sensor == "pm2" else 8.0, house.now - ago * 10 * SEC)
        for ago in range(60, 0, -1)
        for sensor in ("pm", "pm2")
    ]
    house.watching.prime({"s1.r1": past}, house.now)
    house.live(4 * MIN // SEC, 8.0)
    signal = house.watching.rooms["s1.r1"].signal
    assert signal.signal.median is not None and signal.signal.median < 10 and not signal.held
    assert json.loads(house.room().model_dump_json())["pm25"]["value"] < 10
