"""A sensor is well when values come: quantity by quantity, each with its own cause, in health and in the gap ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.config import Sensor
from classair.i18n import LANGUAGES, t
from classair.model import MISSING_REASONS, QUANTITIES, WITHOUT_REASONS, Flag
from classair.places import Places
from classair.wire import SensorHealth
from firmware_bridge.averaging import Mean
from firmware_bridge.drivers import Frame
from firmware_bridge.foreign.port import Crossing
from firmware_bridge.health.missing import reason_of
from firmware_bridge.health.values import FORGOTTEN_DAYS, NEEDED, WATCHED, AbsentSpells, NewestValues
from firmware_bridge.sensor_line import SensorLine
from firmware_bridge.serial.port_state import PortState
from firmware_bridge.serial.watchdog import Watchdog
from firmware_bridge.station import Station

NOW_MS = 1_795_000_000_000
DAY_MS = 86_400_000
PATIENCE_S = 60.0


def mean(at_s: float, flags: Flag = Flag.NONE, aside: dict[str, Flag] | None = None, **values: float) -> Mean:
    return Mean(at_s, 10.0, 1, values, flags, aside or {})


def lacks(values: NewestValues, now_s: float) -> tuple[str, str]:
    state = values.lacking(now_s, 0.0, PATIENCE_S)
    return ("ok", "") if state is None else (state.state, state.cause)


def test_every_cause_and_reason_is_a_sentence_in_every_language() -> None:
    causes = ["no_value", "values_aside", "values_clock", "foreign_no_readings", "foreign_time_unknown"]
    for key in [*causes, *(f"{kind}_{name}" for kind in ("no", "aside") for name in WATCHED)]:
        for language in LANGUAGES:
            assert t(language, f"health.{key}") and t(language, f"health_step.{key}")
    assert {f"no_{name}" for name in WATCHED} == WITHOUT_REASONS < set(MISSING_REASONS)
    assert reason_of("silent", "no_value") == reason_of("error", "no_value") == "no_value"


@pytest.mark.parametrize("name", WATCHED)
@pytest.mark.parametrize("quantity", ["pm25", "co2_ppm", "temp_c", "rh_pct", "pm10", "voc_index"])
def test_one_quantity_that_stays_away_is_told_while_the_others_come(name: str, quantity: str) -> None:
    if name == quantity:
        return
    values = NewestValues()
    values.take(mean(0.0, **{name: 20.0, quantity: 21.0}))
    for at_s in range(10, 300, 10):
        values.take(mean(at_s, **{quantity: 21.0}))
        expected = ("ok", "") if at_s <= 60 else ("error" if name in NEEDED else "ok", f"no_{name}")
        assert lacks(values, at_s) == expected
    assert list(values.fresh(290.0, PATIENCE_S)) == [quantity]
    values.take(mean(300.0, **{name: 20.0}))
    assert lacks(values, 300.0) == ("ok", "")


@pytest.mark.parametrize(
    ("flags", "aside", "cause"),
    [
        (Flag.CLOCK, {}, "values_clock"),
        (Flag.NONE, {"pm25": Flag.RANGE}, "values_aside"),
        (Flag.WARMUP, {}, "warming_up"),
        (Flag.NONE, {}, ""),
        (Flag.RECEIPT_TIME, {}, ""),
    ],
)
def test_values_that_are_all_set_aside_are_no_values(flags: Flag, aside: dict[str, Flag], cause: str) -> None:
    values = NewestValues()
    for at_s in range(0, 200, 10):
        values.take(mean(at_s, flags, aside, pm25=18.0))
    state = "starting" if cause == "warming_up" else "error" if cause else "ok"
    assert lacks(values, 190.0) == (state, cause)


def test_a_value_set_aside_beside_good_ones_is_told_as_such() -> None:
    values = NewestValues()
    values.take(mean(0.0, pm25=18.0, co2_ppm=600.0))
    for at_s in range(10, 200, 10):
        values.take(mean(at_s, Flag.NONE, {"co2_ppm": Flag.RANGE}, pm25=18.0, co2_ppm=40_000.0))
    assert lacks(values, 190.0) == ("error", "aside_co2_ppm")


def test_what_a_sensor_says_of_itself_is_no_value_of_the_air() -> None:
    values = NewestValues()
    for at_s in range(0, 200, 10):
        values.take(mean(at_s, error=0.0, version=3.0, internal_temp_c=30.0))
    assert lacks(values, 190.0) == ("silent", "no_value")


def test_messages_that_carry_one_quantity_each_lack_nothing() -> None:
    values, turns = NewestValues(), [{"pm25": 18.0}, {"co2_ppm": 600.0}, {"temp_c": 28.0, "rh_pct": 60.0}]
    for i in range(100):
        values.take(mean(i * 10.0, **turns[i % 3]))
        assert lacks(values, i * 10.0) == ("ok", "")
    assert set(values.fresh(990.0, PATIENCE_S)) == {"pm25", "co2_ppm", "temp_c", "rh_pct"}


def test_what_a_sensor_has_is_known_after_a_restart_and_forgotten_after_a_week() -> None:
    values = NewestValues()
    values.take(mean(0.0, pm25=18.0, co2_ppm=600.0))
    values.know(NOW_MS)
    later = NewestValues(json.loads(json.dumps(values.has)))
    later.take(mean(100.0, co2_ppm=610.0))
    assert lacks(later, 100.0) == ("error", "no_pm25")
    later.know(NOW_MS + FORGOTTEN_DAYS * DAY_MS)
    assert lacks(later, 100.0) == ("ok", "") and list(later.has) == ["co2_ppm"]


def test_what_was_measured_late_does_not_hide_what_is_newer() -> None:
    values = NewestValues()
    values.take(mean(1000.0, pm25=18.0))
    values.take(mean(100.0, pm25=99.0))
    assert values.fresh(1010.0, PATIENCE_S)["pm25"].value == 18.0


# -- the gap ledger ----------------------------------------------------------------------------------------------------


def test_readings_without_a_quantity_are_entered_with_their_count_and_length() -> None:
    spells, lines = AbsentSpells(), []
    watched = {"pm25": "pm25", "co2_ppm": "co2_ppm"}
    for at_s in range(0, 700, 10):
        present = {"pm25", "co2_ppm"} if at_s < 100 or at_s >= 400 else {"pm25"}
        lines += spells.reading(at_s * 1000, 10_000, watched, present, 60_000)
    assert [tuple(line) for line in lines] == [(390_000, 300_000, 30, "no_co2_ppm")]
    assert spells.close(60_000) == []


def test_a_quantity_that_stays_away_is_entered_every_hour_and_at_the_end() -> None:
    spells, lines = AbsentSpells(), []
    for at_s in range(0, 9000, 10):
        present = {"pm25"} if at_s < 100 else {"temp_c"}
        lines += spells.reading(at_s * 1000, 10_000, {"pm25": "pm25"}, present, 60_000)
    lines += spells.close(60_000)
    assert [(line.end_ms, line.expected) for line in lines] == [(3_690_000, 360), (7_290_000, 360), (8_990_000, 170)]
    assert all(line.length_ms == line.expected * 10_000 for line in lines)


def test_partial_messages_are_no_missing_values() -> None:
    spells, turns = AbsentSpells(), [{"pm25"}, {"co2_ppm"}, {"temp_c"}]
    watched = {name: name for name in ("pm25", "co2_ppm", "temp_c")}
    for i in range(200):
        assert spells.reading(i * 10_000, 10_000, watched, turns[i % 3], 60_000) == []
    assert spells.close(60_000) == []


# -- whole lines -------------------------------------------------------------------------------------------------------


class Bench:
    """One foreign line on a crossing of its own; time is an argument."""

    def __init__(self, folder: Path, station: Station, model: str, port: str, **settings: Any) -> None:
        self.now_s = 1000.0
        self.crossing = Crossing(lambda topic: None, lambda: self.now_s, lambda: self.now_ms)
        self.means: list[Mean] = []
        entry = Sensor(bridge="pi", room="blue", model=model, port=port, settings=settings)
        self.line = SensorLine(
            "school.air", entry, Places(folder), self._event, station=station, crossing=self.crossing
        )

    @property
    def now_ms(self) -> int:
        return NOW_MS + round((self.now_s - 1000) * 1000)

    def _event(self, event: Any) -> None:
        kind, what = event
        if kind == "frames":
            for one in self.line.take(*what[1:]):
                if one.values:
                    self.line.item(one)
                    self.means.append(one)
        else:
            self.line.now_is(what[1])

    def say(self, topic: str, message: Any, retained: bool = False) -> None:
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        assert self.crossing.hear(topic, payload, retained, self.now_s)

    def later(self, seconds: float) -> SensorHealth:
        self.now_s += seconds
        self.crossing.tick(self.now_s)
        self.line.tell_again()
        told = self.line.health(self.now_s, self.now_ms, "pi")
        assert told is not None
        return told


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    station = Station(tmp_path / "book.json")
    yield lambda model, port, **settings: Bench(tmp_path, station, model, port, **settings)


def board(pm25: Any, co2: Any, dht: Any = 28.0) -> dict[str, Any]:
    return {"PMS5003": {"PM2.5": pm25, "PM10": pm25}, "S8": {"CarbonDioxide": co2}, "DHT11": {"Temperature": dht}}


def test_a_dead_co2_cell_beside_a_living_particle_sensor_has_its_own_cause(bench: Any) -> None:
    it = bench("tasmota", "mqtt:tele/b", interval="60s")
    for i in range(20):
        it.say("tele/b/SENSOR", board(18 + i % 2, 600 + i if i < 5 else 0))
        told = it.later(60)
    assert (told.state, told.key) == ("error", "no_co2_ppm")
    assert set(told.newest) == {"pm25", "pm10", "temp_c"} == set(told.value_at)
    assert told.newest_at == told.value_at["pm25"] == it.now_ms - 60_000
    it.say("tele/b/SENSOR", board(18, 640))
    assert it.later(1).state == "ok"


def test_a_board_that_gives_only_what_the_room_does_not_need_is_not_well(bench: Any) -> None:
    it = bench("tasmota", "mqtt:tele/b", interval="60s")
    it.say("tele/b/SENSOR", board(18, 600))
    it.later(10)
    for _ in range(10):
        it.say("tele/b/SENSOR", {"DHT11": {"Temperature": 28.0}})
        told = it.later(60)
    assert (told.state, told.key) == ("error", "no_pm25")


def test_nothing_but_nan_is_told_as_such_and_not_as_ok(bench: Any) -> None:
    it = bench("tasmota", "mqtt:tele/b", interval="60s")
    for _ in range(10):
        it.say("tele/b/SENSOR", b'{"DHT11":{"Temperature":nan,"Humidity":nan}}')
        told = it.later(60)
    assert (told.state, told.key) == ("silent", "foreign_nothing_read") and told.newest == {} and it.means == []
    assert "DHT11.Humidity" in told.cause["th"] and reason_of(told.state, told.key) == "no_value"


def test_a_purifier_whose_pm25_is_refused_is_told_as_one(bench: Any) -> None:
    it = bench("zigbee2mqtt", "mqtt:zigbee2mqtt/stark", interval="60s")
    it.say("zigbee2mqtt/stark", {"fan_mode": "auto", "pm25": 9})
    for i in range(6):
        it.later(60)
        it.say("zigbee2mqtt/stark", {"pm25": 41 + i})
    told = it.later(1)
    assert (told.state, told.key) == ("silent", "foreign_air_stream") and it.means == []
    assert reason_of(told.state, told.key) == "no_value"


def test_values_outrank_a_last_word_that_came_before_them(bench: Any) -> None:
    it = bench("tasmota", "mqtt:tele/b", interval="60s")
    it.say("tele/b/LWT", b"Offline", retained=True)
    assert it.later(1).key == "foreign_offline"
    for i in range(5):
        it.say("tele/b/SENSOR", board(18 + i, 600 + i))
        assert it.later(60).state == "ok"
    it.say("tele/b/LWT", b"Offline")
    assert it.later(1).key == "foreign_offline"
    it.say("tele/b/SENSOR", board(30, 610))
    assert it.later(1).state == "ok"
    assert it.later(600).key == "foreign_offline", "and now it is away"


def test_a_board_that_is_online_and_sends_no_readings_is_told_as_such(bench: Any) -> None:
    it = bench("tasmota", "mqtt:tele/b", interval="60s")
    it.say("tele/b/LWT", b"Online", retained=True)
    assert it.later(10).state == "starting"
    assert (it.later(300).state, it.later(1).key) == ("silent", "foreign_no_readings")


def test_readings_whose_time_is_not_known_are_not_well(bench: Any) -> None:
    it = bench("enviro", "mqtt:enviro/yard", interval="60s", room_pm="yes")
    for year in range(2001, 2009):  # a clock that is set anew at each start
        it.say(
            "enviro/yard",
            {"nickname": "yard", "timestamp": f"{year}-01-01T00:00:00Z", "readings": {"pm2_5": year - 1990}},
        )
        told = it.later(60)
    assert (told.state, told.key) == ("error", "values_clock")


def test_what_a_device_has_and_is_outlives_the_bridge(bench: Any, tmp_path: Path) -> None:
    it = bench("zigbee2mqtt", "mqtt:zigbee2mqtt/stark", interval="60s", purifier_internal="yes")
    it.say("zigbee2mqtt/stark", {"fan_state": "ON", "pm25": 9})
    it.later(60)
    again = Bench(tmp_path, Station(), "zigbee2mqtt", "mqtt:zigbee2mqtt/stark")
    again.say("zigbee2mqtt/stark", {"pm25": 41})
    assert [one.values for one in again.means] == [{"pm25": 41.0}], "nobody told this one"
    it.line._station.book.close()
    known = Station(tmp_path / "book.json")
    again = Bench(tmp_path, known, "zigbee2mqtt", "mqtt:zigbee2mqtt/stark")
    again.say("zigbee2mqtt/stark", {"pm25": 41})
    assert again.means == []
    other = Bench(tmp_path, known, "zigbee2mqtt", "mqtt:zigbee2mqtt/other")
    other.say("zigbee2mqtt/other", {"pm25": 41})
    assert [one.values for one in other.means] == [{"pm25": 41.0}]


# -- serial lines ------------------------------------------------------------------------------------------------------


def test_frames_of_nan_are_no_values_for_any_quantity(tmp_path: Path) -> None:
    for key in QUANTITIES:
        entry = Sensor(bridge="pi", room="blue", model="pms5003", port=str(tmp_path / "none"), every=1.0)
        events: list[Any] = []
        line = SensorLine("school.air", entry, Places(tmp_path), events.append, station=Station())
        line.now_is(PortState("ok"))
        for at_s in range(200):
            for one in line.take([Frame({key: float("nan")})], float(at_s), False):
                assert not one.values
            told = line.health(float(at_s), NOW_MS, "pi")
        assert line.port is not None
        line.port.stop()
        line.tell_again()
        told = line.health(200.0, NOW_MS, "pi")
        assert told is not None and (told.state, told.key) == ("silent", "no_value")
        assert line.without_values(200.0) == PortState("silent", "no_value")


def test_whole_frames_without_a_value_are_another_cause_than_silence() -> None:
    watchdog = Watchdog(0.0, 1.0, 0)
    assert getattr(watchdog.due(6.0, 0, 6), "cause", "") == "no_value"
    assert getattr(watchdog.due(12.0, 0, 7), "cause", "") == "silent"
    assert getattr(watchdog.due(18.0, 90, 7), "cause", "") == "no_frames"
