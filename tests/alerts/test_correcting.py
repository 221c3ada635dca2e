"""What is accepted makes the number of now: mean, level, words and signal; and it outlives a restart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.engine import AlertsEngine
from alerts.ledger import Ledger
from classair import config as configuration
from classair.science.averages import Sample
from classair.science.corrections import PUBLISHED, Correction, Corrections, as_record
from classair.science.room_mean import RoomCorrection
from classair.science.windows import Window
from classair.wire import Topics
from tests.alerts.watched import Post

CONFIG = """org: demo
sites:
  s1:
    name: S
    bridges: {pi: {}}
    rooms: {r: {name: R, volume_m3: 180}, yard: {name: Y, outdoor: yes}}
    sensors:
      pm: {bridge: pi, room: r, model: pms5003t, port: "sim:x"}
      two: {bridge: pi, room: r, model: pms5003t, port: "sim:x"}
    purifiers: {fan: {room: r, kind: dry_run, cadr_m3h: 400}}
rules:
  purifiers: {kind: purifier}
"""
TOPICS = Topics("demo")
NOW = 1_795_401_000_000
HALF = Correction(
    "s1-half",
    1,
    "linear",
    {"slope": 0.5, "intercept": 0.0},
    valid_from=NOW - 86_400_000,
    sensors=("s1.pm",),
    accepted_at=1,
)


def told(*corrections: Correction) -> bytes:
    return json.dumps({"v": 1, "accepted": [as_record(one) for one in corrections]}).encode()


class House:
    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.seq = folder, NOW, 0
        self.begin()

    def begin(self) -> None:
        self.ledger = Ledger(self.folder / "ledger.db")
        self.watching = AlertsEngine(
            self.ledger,
            Post(),
            lambda *_, **__: True,  # type: ignore[arg-type]
            lambda: self.now,
        )
        self.watching.follow(configuration.parse(CONFIG), 1, self.now)

    def hear(self, *corrections: Correction) -> None:
        self.watching.hear(TOPICS.corrections, told(*corrections), True, self.now)

    def minutes(self, count: int, value: float, sensor: str = "pm", **beside: float) -> None:
        for _ in range(count):
            self.now += 60_000
            self.seq += 1
            item = {
                "bridge": "pi",
                "epoch": "abcdefgh",
                "seq": self.seq,
                "sensor": sensor,
                "at": self.now,
                "values": {"pm25": value, **beside},
                "interval_s": 60,
                "simulated": True,
            }
            self.watching.hear(TOPICS.bridge("s1", "pi", "reading"), json.dumps(item).encode(), False, self.now)

    @property
    def pm25(self) -> Any:
        return self.watching.state("s1.r", self.now).pm25


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.ledger.close()


def test_without_anything_accepted_the_sensor_s_own_value_is_shown(house: House) -> None:
    house.minutes(15, 40.0)
    assert (house.pm25.shown, house.pm25.level, house.pm25.correction) == ("40", "starts_to_affect_health", "none")


def test_an_accepted_correction_changes_number_level_and_label_at_once(house: House) -> None:
    house.minutes(15, 40.0)
    house.hear(HALF)
    assert (house.pm25.value, house.pm25.level, house.pm25.correction) == (20.0, "good", "s1-half@1")


def test_what_was_accepted_outlives_a_restart_without_broker_and_ingest(house: House) -> None:
    house.hear(HALF)
    house.ledger.close()
    house.begin()
    house.minutes(15, 40.0)
    assert (house.pm25.value, house.pm25.correction) == (20.0, "s1-half@1")


def test_a_message_that_is_not_understood_changes_nothing(house: House) -> None:
    house.hear(HALF)
    house.watching.hear(TOPICS.corrections, b'{"accepted": [{"id": "x"}]}', True, house.now)
    house.watching.hear(TOPICS.corrections, b"not json", True, house.now)
    house.minutes(15, 40.0)
    assert house.pm25.value == 20.0


def test_each_sensor_of_a_room_is_corrected_by_its_own(house: House) -> None:
    house.hear(HALF)
    for _ in range(15):
        house.minutes(1, 40.0)
        house.now -= 60_000
        house.minutes(1, 30.0, sensor="two")
    assert house.pm25.value == pytest.approx((20.0 + 30.0) / 2, abs=0.8)
    assert house.pm25.correction == "none,s1-half@1"


def test_humidity_of_the_same_sensor_and_window_goes_in(house: House) -> None:
    published = PUBLISHED["epa2021_atm"]
    house.hear(Correction("epa2021_atm", 1, "epa2021_atm", valid_from=0, sites=("s1",), accepted_at=1))
    house.minutes(15, 40.0, rh_pct=60.0)
    assert house.pm25.value == pytest.approx(published.correct(40.0, 60.0).value, abs=1e-6)


def test_without_the_humidity_it_needs_there_is_no_number_but_the_signal_goes_on(house: House) -> None:
    house.hear(Correction("epa2021_atm", 1, "epa2021_atm", valid_from=0, sites=("s1",), accepted_at=1))
    house.minutes(15, 40.0)
    assert house.pm25.value is None
    assert house.watching.rooms["s1.r"].signal.signal.median == 40.0


def test_the_purifier_s_signal_is_the_corrected_value(house: House) -> None:
    house.hear(HALF)
    house.minutes(6, 40.0)
    assert house.watching.rooms["s1.r"].signal.signal.median == 20.0


def test_two_sensors_weigh_by_the_time_they_cover() -> None:
    windows = {quantity: Window() for quantity in ("pm25", "rh_pct", "temp_c")}
    windows["pm25"].add(Sample(900_000, 40.0, 900_000, "a"))
    windows["pm25"].add(Sample(900_000, 10.0, 300_000, "b"))
    room = RoomCorrection(windows)
    room.follow(Corrections((Correction("b-only", 1, "linear", {"slope": 2.0, "intercept": 0.0}, sensors=("b",)),)), {})
    found = room.measure(900_000)
    assert found.mean == pytest.approx((40.0 * 3 + 20.0) / 4)
