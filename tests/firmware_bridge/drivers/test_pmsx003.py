"""Plantower frames: the worked examples of the protocol reference, and the judgements on a frame."""

from __future__ import annotations

import pytest

from classair.model import Flag
from firmware_bridge import drivers
from firmware_bridge.drivers import Frame, Send, driver_for
from firmware_bridge.drivers.pmsx003 import ACTIVE, PASSIVE, READ, SLEEP, WAKE

ORDINARY = "42 4D 00 1C 00 0C 00 12 00 15 00 0C 00 12 00 15 08 C1 02 9C 00 5E 00 0A 00 03 00 01 97 00 03 7B"


def read(model: str, hexadecimal: str) -> Frame:
    driver = driver_for(model)
    data = bytes.fromhex(hexadecimal)
    (frame,) = driver.feed(data)
    assert driver.encode(frame.values) == data
    return frame


def masses(*words: int) -> dict[str, float]:
    return dict(zip(("pm1_cf1", "pm25_cf1", "pm10_cf1", "pm1", "pm25", "pm10"), words, strict=True))


def counts(*words: int) -> dict[str, float]:
    return dict(zip(("n03", "n05", "n1", "n25", "n5", "n10"), words, strict=False))


@pytest.mark.parametrize("model", ["pms1003", "pms5003", "pms7003", "pmsa003"])
def test_an_ordinary_frame(model: str) -> None:
    frame = read(model, ORDINARY)
    assert frame.values == {
        **masses(12, 18, 21, 12, 18, 21),
        **counts(2241, 668, 94, 10, 3, 1),
        "version": 0x97,
        "error": 0,
    }
    assert frame.flags is Flag.NONE
    assert frame.value_flags == {}


def test_a_frame_in_haze_keeps_both_sets_apart() -> None:
    frame = read(
        "pms5003", "42 4D 00 1C 00 5C 00 96 00 AB 00 3D 00 64 00 72 3E EE 12 70 03 F2 00 60 00 15 00 09 97 00 07 13"
    )
    assert frame.values == {
        **masses(92, 150, 171, 61, 100, 114),
        **counts(16110, 4720, 1010, 96, 21, 9),
        "version": 0x97,
        "error": 0,
    }
    assert not frame.flags
    assert not frame.value_flags


def test_a_frame_just_after_waking_is_a_sensor_error_and_out_of_order() -> None:
    frame = read(
        "pms5003", "42 4D 00 1C 00 03 00 03 00 03 00 03 00 03 00 03 00 00 00 00 00 00 00 00 00 00 00 00 97 08 01 5C"
    )
    assert frame.values == {**masses(3, 3, 3, 3, 3, 3), **counts(0, 0, 0, 0, 0, 0), "version": 0x97, "error": 8}
    assert frame.flags is Flag.SENSOR_ERROR
    assert frame.value_flags["pm25"] is Flag.ORDER


def test_a_pms5003t_says_temperature_and_humidity() -> None:
    frame = read(
        "pms5003t", "42 4D 00 1C 00 14 00 1F 00 22 00 14 00 1F 00 22 0F 1E 04 60 00 CD 00 11 01 3A 02 78 9A 00 04 13"
    )
    assert frame.values == {
        **masses(20, 31, 34, 20, 31, 34),
        **counts(3870, 1120, 205, 17),
        "temp_c": 31.4,
        "rh_pct": 63.2,
        "version": 0x9A,
        "error": 0,
    }
    assert not frame.value_flags


def test_a_pms5003t_below_zero() -> None:
    frame = read(
        "pms5003t", "42 4D 00 1C 00 02 00 03 00 03 00 02 00 03 00 03 01 A4 00 76 00 14 00 02 FF E7 02 C6 9A 00 05 34"
    )
    assert frame.values == {
        **masses(2, 3, 3, 2, 3, 3),
        **counts(420, 118, 20, 2),
        "temp_c": -2.5,
        "rh_pct": 71.0,
        "version": 0x9A,
        "error": 0,
    }


def test_a_pms5003s_says_formaldehyde() -> None:
    frame = read(
        "pms5003s", "42 4D 00 1C 00 09 00 0E 00 10 00 09 00 0E 00 10 06 CC 01 FE 00 4D 00 08 00 02 00 00 00 25 03 46"
    )
    assert frame.values == {**masses(9, 14, 16, 9, 14, 16), **counts(1740, 510, 77, 8, 2, 0), "hcho_ugm3": 37}


def test_a_pms5003st_says_all_of_it() -> None:
    frame = read(
        "pms5003st",
        "42 4D 00 24 00 09 00 0E 00 10 00 09 00 0E 00 10 06 CC 01 FE 00 4D 00 08 00 02 00 00 00 25 01 34 "
        "02 49 00 00 9B 00 04 69",
    )
    assert frame.values == {
        **masses(9, 14, 16, 9, 14, 16),
        **counts(1740, 510, 77, 8, 2, 0),
        "hcho_ugm3": 37,
        "temp_c": 30.8,
        "rh_pct": 58.5,
        "version": 0x9B,
        "error": 0,
    }


def test_a_pms3003_has_no_counts() -> None:
    frame = read("pms3003", "42 4D 00 14 00 21 00 2F 00 37 00 1E 00 2A 00 31 00 00 00 00 51 00 01 F4")
    assert frame.values == {**masses(33, 47, 55, 30, 42, 49), "version": 0x51, "error": 0}
    assert not frame.value_flags


def test_a_corrupted_frame_is_refused_and_the_next_one_read() -> None:
    driver = driver_for("pms5003")
    broken = bytearray.fromhex(ORDINARY)
    broken[12] = 0x01
    assert driver.feed(bytes(broken)) == []
    assert driver.counters.checksum == 1
    (frame,) = driver.feed(bytes.fromhex(ORDINARY))
    assert frame.values["pm25"] == 18


def test_a_doubled_start_byte_does_not_hide_the_frame() -> None:
    driver = driver_for("pms5003")
    assert len(driver.feed(b"BB" + bytes.fromhex(ORDINARY)[1:])) == 1
    assert driver.counters.skipped == 1


def test_a_frame_of_another_family_member_is_no_reading() -> None:
    driver = driver_for("pms5003")
    longer = driver_for("pms5003st")
    assert driver.feed(longer.encode({"pm25": 9})) == []
    assert driver.counters.length == 1
    assert driver.counters.good == 0


@pytest.mark.parametrize(
    "acknowledgement", ["42 4D 00 04 E1 00 01 74", "42 4D 00 04 E1 01 01 75", "42 4D 00 04 E4 00 01 77"]
)
def test_an_acknowledgement_is_counted_and_is_no_reading(acknowledgement: str) -> None:
    driver = driver_for("pms5003")
    frames = driver.feed(bytes.fromhex(acknowledgement) + bytes.fromhex(ORDINARY))
    assert len(frames) == 1
    assert driver.counters.other == 1
    assert driver.counters.skipped == 0


def test_an_acknowledgement_in_the_middle_of_a_frame_costs_only_that_frame() -> None:
    driver = driver_for("pms5003")
    frame = bytes.fromhex(ORDINARY)
    frames = driver.feed(frame[:11] + bytes.fromhex("42 4D 00 04 E1 01 01 75") + frame[11:] + frame)
    assert [it.values["pm25"] for it in frames] == [18]
    assert driver.counters.other == 1


def test_the_start_sequence_tries_active_mode_and_then_waking() -> None:
    driver = driver_for("pms5003")
    assert [driver.start() for _ in range(3)] == [(Send(ACTIVE),), (Send(WAKE),), (Send(ACTIVE),)]
    assert driver_for("pms3003").start() == ()


@pytest.mark.parametrize("command", [ACTIVE, PASSIVE, READ, SLEEP, WAKE])
def test_commands_carry_the_sum_of_their_bytes(command: bytes) -> None:
    assert sum(command[:5]) == int.from_bytes(command[5:], "big")


def test_a_passive_sensor_answers_read_with_a_frame_and_a_mode_with_an_acknowledgement() -> None:
    driver = driver_for("pms5003")
    (frame,) = driver.feed(driver.answer(READ, {"pm25": 7}))
    assert frame.values["pm25"] == 7
    assert driver.answer(ACTIVE, {}) == bytes.fromhex("42 4D 00 04 E1 01 01 75")


def flags_of(values: dict[str, float], key: str, model: str = "pms5003") -> Flag:
    driver = driver_for(model)
    (frame,) = driver.feed(driver.encode(values))
    return frame.value_flags.get(key, Flag.NONE)


SANE = {**masses(10, 20, 30, 10, 20, 30), **counts(2000, 600, 90, 9, 3, 1)}


def test_masses_out_of_order_are_flagged_in_their_own_set_only() -> None:
    assert flags_of({**SANE, "pm1": 25}, "pm25") is Flag.ORDER
    assert flags_of({**SANE, "pm1": 25}, "pm25_cf1") is Flag.NONE


def test_counts_out_of_order_are_flagged_and_the_masses_are_not() -> None:
    assert flags_of({**SANE, "n5": 300}, "n25") is Flag.ORDER
    assert flags_of({**SANE, "n5": 300}, "pm25") is Flag.NONE


def test_a_mass_at_the_ceiling_is_flagged_saturated() -> None:
    assert flags_of({**SANE, "pm10": 667, "pm10_cf1": 1000}, "pm10_cf1") is Flag.SATURATED
    assert flags_of({**SANE, "pm10": 667, "pm10_cf1": 999}, "pm10_cf1") is Flag.NONE


@pytest.mark.parametrize(
    ("cf1", "atmospheric", "flag"),
    [
        (15, 15, Flag.NONE),
        (15, 16, Flag.ORDER),
        (150, 100, Flag.NONE),
        (150, 151, Flag.ORDER),
        (150, 40, Flag.ORDER),
        (35, 33, Flag.NONE),
        (900, 600, Flag.NONE),
    ],
)
def test_the_two_words_of_one_size_must_belong_together(cf1: int, atmospheric: int, flag: Flag) -> None:
    values = {**SANE, "pm1_cf1": 5, "pm1": 5, "pm10_cf1": 999, "pm10": 667, "pm25_cf1": cf1, "pm25": atmospheric}
    assert flags_of(values, "pm25") is flag


def test_a_version_that_changes_for_one_frame_is_doubted_and_one_that_stays_is_another_device() -> None:
    driver = driver_for("pms5003")
    stream = [driver.encode({**SANE, "version": version}) for version in (0x97, 0x97, 0x87, 0x97, 0x91, 0x91, 0x91)]
    doubted = [frame.flags is Flag.ORDER for frame in driver.feed(b"".join(stream))]
    assert doubted == [False, False, True, False, True, False, False]


def test_a_passive_sensor_is_asked_and_told_its_mode_again_two_seconds_after_a_wake() -> None:
    driver = drivers.driver_for("pms5003", {"mode": "passive"})
    assert driver.poll_every_s == 2.0
    assert driver.start() == (Send(PASSIVE),)
    assert driver.start() == driver.wake() == (Send(WAKE, 2.0), Send(PASSIVE))
    assert driver.ask() == READ
    assert driver.sleep() == (Send(SLEEP),)


def test_a_pms3003_takes_no_commands_and_is_never_passive() -> None:
    driver = drivers.driver_for("pms3003", {"mode": "passive"})
    assert driver.poll_every_s is None
    assert (driver.ask(), driver.sleep(), driver.wake()) == (b"", (), ())


def test_a_count_at_the_ceiling_is_flagged_saturated() -> None:
    assert flags_of({**SANE, "n03": 65535}, "n03") is Flag.SATURATED


def test_zero_mass_with_many_particles_is_doubtful_and_with_few_is_clean_air() -> None:
    assert flags_of({**masses(0, 0, 0, 0, 0, 0), **counts(900, 200, 20, 2)}, "pm25") is Flag.ZERO
    assert flags_of({**masses(0, 0, 0, 0, 0, 0), **counts(90, 20, 2)}, "pm25") is Flag.NONE


def test_nothing_at_all_is_kept_and_doubtful() -> None:
    assert flags_of({}, "pm25", "pms5003t") is Flag.ZERO
