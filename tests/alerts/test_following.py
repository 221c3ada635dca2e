"""A sensor that fell in a moment and no longer follows its school: unknown on every screen, blind for control."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.air.following import lived_through
from tests.alerts.watched import CONFIG, MIN, MONDAY_NINE, House

QUARTER = 15 * MIN
EVENING = MONDAY_NINE + 12 * 60 * MIN
ROOM = "      {id}: {{name: {{th: ห้อง {id}, en: Room {id}}}, volume_m3: 180, capacity: 30}}\n"
SENSOR = '      {id}: {{bridge: pi, room: {room}, model: pms5003t, port: "sim:classroom"}}\n'
FOUR = CONFIG.replace(
    "      yard: {name: Yard", ROOM.format(id="r2") + ROOM.format(id="r3") + "      yard: {name: Yard"
).replace(
    "      out: {bridge",
    SENSOR.format(id="pm2", room="r2") + SENSOR.format(id="pm3", room="r3") + "      out: {bridge",
)
SHARES = {"pm": 0.7, "pm2": 0.6, "pm3": 0.75, "out": 1.0}


def outdoors(at: int) -> float:
    """µg/m³: a day's course and slower weather."""
    hours = at / 3_600_000
    return 38 + 14 * math.sin(hours * math.pi / 12) + 9 * math.sin(hours / 17)


class School:
    """A house whose sensors follow the outdoors, with a week behind them."""

    def __init__(self, folder: Path, sensors: tuple[str, ...], text: str = FOUR, now: int = EVENING) -> None:
        self.house, self.sensors, self.dice = (
            House(folder, text, now=now),
            sensors,
            random.Random(5),
        )
        self.tell_the_past()

    def level(self, sensor: str, at: int) -> float:
        return SHARES[sensor] * outdoors(at) * math.exp(self.dice.gauss(0, 0.03))

    def tell_the_past(self, days: int = 7) -> None:
        end = self.house.now // QUARTER * QUARTER
        means = {
            f"s1.{sensor}": [(at, self.level(sensor, at)) for at in range(end - days * 96 * QUARTER, end, QUARTER)]
            for sensor in self.sensors
        }
        self.house.watching.prime_following(lived_through(means), self.house.now)

    def live(self, minutes: int, **left: float) -> None:
        """A reading of each sensor every minute; `left`: the share of the air that a sensor still reports."""
        for _ in range(minutes):
            self.house.now += MIN
            for sensor in self.sensors:
                self.house.measure(
                    round(self.level(sensor, self.house.now) * left.get(sensor, 1.0), 1), sensor, interval_s=60
                )
            self.house.tick()


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    made = School(tmp_path, tuple(SHARES))
    yield made
    made.house.ledger.close()


@pytest.mark.thorough
def test_a_failed_fan_makes_the_room_unknown_in_the_words_of_the_design(school: School) -> None:
    school.live(90)
    assert school.house.room().pm25.status == "ok"
    school.live(150, pm=0.1)
    told = school.house.room()
    assert told.pm25.status == "suspect" and told.pm25.value is None and told.pm25.level == "unknown"
    assert told.pm25.last_shown == ""  # it may have been wrong for hours
    assert told.texts["th"]["unknown"].reason == "เครื่องวัดอาจผิดปกติ กำลังตรวจสอบ"
    assert told.texts["en"]["ok"].reason == "The monitor may be wrong; being checked"
    assert school.house.room("r2").pm25.status == "ok" and school.house.room("r2").outdoor.status == "ok"
    (warning,) = school.house.watching.warnings()
    assert "s1.pm " in warning["en"] and "s1.pm " in warning["th"]


@pytest.mark.thorough
def test_control_is_blind_while_the_sensor_is_suspect(tmp_path: Path) -> None:
    text = FOUR.replace("rules:\n", "rules:\n  p: {kind: purifier, stay_on: no}\n")
    school = School(tmp_path, tuple(SHARES), text, now=MONDAY_NINE)
    school.live(60)
    school.live(180, pm=0.1)
    assert school.house.fan().mode == "fail_safe" and school.house.fan().on is True
    school.house.ledger.close()


@pytest.mark.thorough
def test_it_ends_by_itself_when_the_sensor_follows_again(school: School) -> None:
    school.live(60)
    school.live(160, pm=0.1)
    assert school.house.room().pm25.status == "suspect"
    school.live(30)
    assert school.house.room().pm25.status == "suspect"
    school.live(75)
    assert school.house.room().pm25.status == "ok" and not school.house.watching.warnings()


@pytest.mark.thorough
def test_a_suspicion_survives_a_restart_without_any_store(school: School) -> None:
    school.live(60)
    school.live(160, pm=0.1)
    school.house.restart()
    school.live(2, pm=0.1)
    assert school.house.room().pm25.status == "suspect"
    school.live(120)
    assert school.house.room().pm25.status == "ok"


@pytest.mark.thorough
def test_a_suspect_yard_is_no_outdoor_value_for_its_rooms(school: School) -> None:
    school.live(60)
    school.live(160, out=0.1)
    assert school.house.room("yard").pm25.status == "suspect"
    assert school.house.room().outdoor.status == "suspect" and school.house.room().outdoor.value is None


@pytest.mark.thorough
def test_a_purifier_that_starts_for_the_first_time_is_no_suspicion(school: School) -> None:
    school.live(60)
    left = 1.0
    for _ in range(300):
        left = 0.12 + (left - 0.12) * math.exp(
            -8 / 60
        )  # eight clean air changes an hour, far beyond a classroom's unit
        school.live(1, pm=left)
        assert school.house.room().pm25.status == "ok"


@pytest.mark.thorough
def test_dust_outdoors_that_rooms_keep_out_is_no_suspicion(school: School) -> None:
    school.live(60)
    for minute in range(240):
        school.live(1, out=1 + 2 * min(1.0, minute / 40))
    assert {school.house.room(room).pm25.status for room in ("r1", "r2", "r3", "yard")} == {"ok"}


@pytest.mark.thorough
def test_a_school_with_one_room_compares_it_with_its_outdoors(tmp_path: Path) -> None:
    school = School(tmp_path, ("pm", "out"), CONFIG)
    school.live(60)
    school.live(160, pm=0.1)
    assert school.house.room().pm25.status == "suspect" and school.house.room("yard").pm25.status == "ok"
    school.house.ledger.close()


def test_a_sensor_alone_is_never_suspect(tmp_path: Path) -> None:
    school = School(tmp_path, ("pm",), CONFIG)
    school.live(60)
    school.live(200, pm=0.1)
    assert school.house.room().pm25.status == "ok"
    school.house.ledger.close()


@pytest.mark.thorough
def test_a_second_sensor_keeps_the_room_known(tmp_path: Path) -> None:
    text = FOUR.replace("room: r2, model", "room: r1, model")
    school = School(tmp_path, tuple(SHARES), text)
    school.live(60)
    school.live(160, pm=0.1)
    told = school.house.room()
    assert told.pm25.status == "ok" and told.pm25.value is not None and told.pm25.value > 12
    school.house.ledger.close()


@pytest.mark.thorough
def test_a_sensor_that_moved_begins_anew(school: School) -> None:
    school.live(60)
    school.live(160, pm=0.1)
    assert school.house.room().pm25.status == "suspect"
    from classair import config as configuration

    moved = FOUR.replace("pm: {bridge: pi, room: r1", "pm: {bridge: pi, room: r2")
    school.house.watching.follow(configuration.parse(moved), 2, school.house.now)
    school.live(20, pm=0.1)
    assert school.house.room("r2").pm25.status == "ok"
