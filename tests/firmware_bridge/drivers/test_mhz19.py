"""MH-Z19 frames: the worked examples of the protocol reference, the checksum's corner and what is flagged."""

from __future__ import annotations

import pytest

from classair.model import Flag
from firmware_bridge.drivers import Frame, driver_for
from firmware_bridge.drivers.mhz19 import READ, checksum


def read(hexadecimal: str) -> Frame:
    driver = driver_for("mh-z19b")
    data = bytes.fromhex(hexadecimal)
    (frame,) = driver.feed(data)
    assert driver.encode(frame.values) == data
    return frame


def test_a_reading_with_the_internal_temperature() -> None:
    assert read("FF 86 03 4F 45 00 00 00 E3").values == {"co2_ppm": 847, "internal_temp_c": 29}


def test_the_makers_example_has_no_temperature() -> None:
    assert read("FF 86 02 20 00 00 00 00 58").values == {"co2_ppm": 544}


def test_a_checksum_of_zero_is_right() -> None:
    assert read("FF 86 02 78 00 00 00 00 00").values == {"co2_ppm": 632}


def test_the_placeholder_while_starting_is_flagged_warming_up() -> None:
    frame = read("FF 86 01 90 41 00 3A 98 D6")
    assert frame.values == {"co2_ppm": 400, "internal_temp_c": 25, "state": 15000}
    assert frame.flags is Flag.WARMUP


@pytest.mark.parametrize(
    "command",
    [
        "FF 01 86 00 00 00 00 00 79",
        "FF 01 79 A0 00 00 00 00 E6",
        "FF 01 87 00 00 00 00 00 78",
        "FF 01 99 00 00 00 07 D0 8F",
    ],
)
def test_the_checksum_of_the_makers_commands(command: str) -> None:
    data = bytes.fromhex(command)
    assert checksum(data) == data[8]


def test_the_question_is_the_makers() -> None:
    assert driver_for("mh-z19c").ask() == READ == bytes.fromhex("FF 01 86 00 00 00 00 00 79")


def test_an_echoed_question_is_no_reading() -> None:
    driver = driver_for("mh-z19b")
    frames = driver.feed(READ + driver.encode({"co2_ppm": 700}))
    assert [frame.values["co2_ppm"] for frame in frames] == [700]
    assert driver.counters.other == 1


@pytest.mark.parametrize(
    ("ppm", "flag"),
    [(2000, Flag.SATURATED), (5000, Flag.SATURATED), (349, Flag.DRIFT), (350, Flag.NONE), (1999, Flag.NONE)],
)
def test_the_range_limit_and_air_too_clean_to_be_true_are_flagged(ppm: int, flag: Flag) -> None:
    driver = driver_for("mh-z19b")
    (frame,) = driver.feed(driver.encode({"co2_ppm": ppm}))
    assert frame.value_flags.get("co2_ppm", Flag.NONE) is flag


def test_the_b_warms_up_for_three_minutes_and_the_c_for_one() -> None:
    assert (driver_for("mh-z19b").warm_up_s, driver_for("mh-z19c").warm_up_s) == (180, 60)


def test_no_calibration_is_ever_sent() -> None:
    driver = driver_for("mh-z19b")
    assert (driver.start(), driver.ask()) == ((), READ)


def test_who_has_read_more_than_a_range_is_not_at_its_end_there() -> None:
    driver = driver_for("mh-z19b")
    flags = [
        frame.value_flags
        for ppm in (1990, 2000, 2010, 2000, 5000, 2000)
        for frame in driver.feed(driver.encode({"co2_ppm": ppm}))
    ]
    ceiling = {"co2_ppm": Flag.SATURATED}
    assert flags == [{}, ceiling, {}, {}, ceiling, {}]
