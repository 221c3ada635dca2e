"""Foreign devices as ports: dating and health."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from classair.i18n import LANGUAGES, t
from classair.model import Flag
from firmware_bridge.adapters import adapter_for
from firmware_bridge.serial.port_state import PortState
from firmware_bridge.spool.receipt import Receipt
from tests.firmware_bridge.adapters.foreign_bench import MEASURED_MS, NOW_MS, SAMPLES, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


# -- dating and health -------------------------------------------------------------------------------------------------


def test_a_message_is_dated_by_the_device_where_it_has_a_clock(bench: Bench) -> None:
    port = bench.port("enviro", "mqtt:enviro/yard")
    bench.say("enviro/yard", "enviro-urban.json", retained=True)
    frame, at_s = bench.frames[0]
    assert at_s == pytest.approx(1000 - (NOW_MS - MEASURED_MS) / 1000) and frame.flags == Flag.NONE
    assert port.each_alone


def test_a_message_with_a_time_waits_until_the_bridge_knows_its_own(bench: Bench) -> None:
    bench.port("enviro", "mqtt:enviro/yard")
    bench.knows_time = False
    kept: list[str] = []
    bench.say("enviro/yard", "enviro-urban.json", receipt=Receipt(lambda: kept.append("kept")))
    bench.later(60)
    assert (bench.frames, kept) == ([], [])
    bench.knows_time = True
    bench.later(60)
    frame, at_s = bench.frames[0]
    assert (frame.at_ms, frame.flags, kept) == (MEASURED_MS, Flag.NONE, ["kept"])
    assert at_s == pytest.approx(1000 - (NOW_MS - MEASURED_MS) / 1000)


def test_health_says_in_two_languages_what_is_wrong(bench: Bench) -> None:
    port = bench.port("tasmota", "mqtt:tele/board", interval="60s")
    assert bench.topics == ["tele/board/SENSOR", "tele/board/LWT"]
    bench.say("tele/board/SENSOR", "tasmota-s8.json")
    assert bench.crossing.hear("tele/board/LWT", b"Offline", True, bench.now_s)
    assert bench.crossing.hear("tele/board/LWT", b"Online", False, bench.now_s)
    bench.later(180)
    assert [state.cause for state in bench.states] == ["", "foreign_offline", ""]
    bench.later(1)
    assert bench.crossing.hear("tele/board/SENSOR", b"[]", False, bench.now_s)
    bench.later(1)
    assert [(state.state, state.cause) for state in bench.states[3:]] == [
        ("silent", "foreign_silent"),
        ("silent", "foreign_refused"),
    ]
    for state in bench.states:
        for language in LANGUAGES if state.cause else ():
            assert t(language, f"health.{state.cause}", **state.places)
    assert port.counts() == {"messages": 4, "good": 1, "refused_malformed": 1}


def test_a_dead_sensor_behind_a_living_board_is_reported(bench: Bench) -> None:
    bench.port("tasmota", "mqtt:tele/board")
    for _ in range(8):
        bench.say("tele/board/SENSOR", "tasmota-s8.json")
        bench.later(300)
    assert bench.states[-1] == PortState("error", "foreign_stuck")


def test_a_message_about_something_else_does_not_excuse_a_dead_sensor(bench: Bench) -> None:
    bench.port("tasmota", "mqtt:tele/board")
    for _ in range(8):
        bench.say("tele/board/SENSOR", "tasmota-s8.json")
        bench.later(150)
        bench.say("tele/board/SENSOR", "tasmota-pms5003.json")
        bench.later(150)
    assert bench.states[-1] == PortState("error", "foreign_stuck")


def test_a_clock_that_is_three_minutes_fast_is_told_and_its_readings_are_dated_on_receipt(bench: Bench) -> None:
    bench.port("enviro", "mqtt:enviro/yard")
    for count in range(5):
        said = json.loads((SAMPLES / "enviro-urban.json").read_bytes())
        said["timestamp"] = f"{datetime.fromtimestamp(bench.now_ms / 1000 + 180, UTC):%Y-%m-%dT%H:%M:%SZ}"
        said["readings"]["temperature"] = 28 + count
        bench.crossing.hear("enviro/yard", json.dumps(said).encode(), False, bench.now_s)
        frame, at_s = bench.frames[-1]
        assert (at_s, frame.flags) == (bench.now_s, Flag.RECEIPT_TIME)
        bench.later(900)
    state = bench.states[-1]
    assert state == PortState("ok", "foreign_clock_fast", {"minutes": "3"})
    assert "3 min fast" in t("en", f"health.{state.cause}", **state.places)
    for language in LANGUAGES:
        assert t(language, f"health_step.{state.cause}")


@pytest.mark.parametrize("side", ["fast", "slow"])
@pytest.mark.parametrize(("wrong_ms", "said"), [(420_000, "7"), (25_200_000, "7"), (604_800_000, "7")])
def test_how_far_a_clock_is_wrong_is_told_in_a_unit_that_can_be_read(side: str, wrong_ms: int, said: str) -> None:
    adapter = adapter_for("enviro", "http:yard")
    adapter.clock.wrong_ms = wrong_ms if side == "fast" else -wrong_ms
    key, places = adapter.notice()
    for language in LANGUAGES:
        assert said in t(language, f"health.{key}", **places) and t(language, f"health_step.{key}")


def test_a_device_that_leaves_is_no_longer_heard(bench: Bench) -> None:
    port = bench.port("tasmota", "mqtt:tele/board")
    port.stop()
    assert not bench.crossing.hear("tele/board/SENSOR", b"{}", False, 0.0)


# -- values that do not come  ------------------------------------------------------------------------------------


def test_a_board_that_says_no_value_a_room_needs_is_not_well_and_the_object_is_named(bench: Bench) -> None:
    port = bench.port("tasmota", "mqtt:tele/b")
    says = b'{"DUSTY9":{"PM2.5":24},"BME280":{"Temperature":30.1}}'
    assert bench.crossing.hear("tele/b/SENSOR", says, False, bench.now_s)
    assert (port.state.state, port.state.cause) == ("error", "foreign_unread")
    assert port.state.places == {"names": "DUSTY9: PM2.5"}
    for language in LANGUAGES:
        assert "DUSTY9" in t(language, "health.foreign_unread", **port.state.places)
    assert port.counts()["unread_DUSTY9: PM2.5"] == 1
    bench.now_s += 60
    both = b'{"DUSTY9":{"PM2.5":24},"PMS5003":{"PM2.5":25}}'
    assert bench.crossing.hear("tele/b/SENSOR", both, False, bench.now_s)
    assert (port.state.state, port.state.cause) == ("ok", "foreign_unread"), "seen to, although a value is there"
    bench.now_s += 60
    assert bench.crossing.hear("tele/b/SENSOR", b'{"PMS5003":{"PM2.5":26}}', False, bench.now_s)
    assert (port.state.state, port.state.cause) == ("ok", "")


def test_a_sensor_that_answers_only_nan_is_not_well_although_its_temperature_is_read(bench: Bench) -> None:
    port = bench.port("tasmota", "mqtt:tele/b")
    bench.crossing.hear("tele/b/SENSOR", b'{"SPS30":{"PM2_5":nan},"BME280":{"Temperature":30.1}}', False, bench.now_s)
    assert (port.state.state, port.state.places) == ("error", {"names": "SPS30.PM2_5"})
