"""Nova sensors: their mode and period are read and followed, what they keep is recognised, two ids on one line show."""

from __future__ import annotations

import pytest

from classair.model import Flag
from firmware_bridge.drivers import driver_for
from firmware_bridge.drivers.sds011 import QUERY_MODE, READ_FIRMWARE, READ_MODE, READ_ONCE, READ_PERIOD, SLEEP, command

MEASURED = bytes.fromhex("AA C0 76 01 45 02 58 D9 EF AB")
OTHER_ID = bytes.fromhex("AA C0 76 01 45 02 58 DA F0 AB")


@pytest.mark.parametrize(
    ("made", "makers"),
    [
        (QUERY_MODE, "AA B4 02 01 01 00 00 00 00 00 00 00 00 00 00 FF FF 02 AB"),
        (READ_ONCE, "AA B4 04 00 00 00 00 00 00 00 00 00 00 00 00 FF FF 02 AB"),
        (SLEEP, "AA B4 06 01 00 00 00 00 00 00 00 00 00 00 00 FF FF 05 AB"),
        (command(8, 1, 5), "AA B4 08 01 05 00 00 00 00 00 00 00 00 00 00 FF FF 0C AB"),
        (READ_FIRMWARE, "AA B4 07 00 00 00 00 00 00 00 00 00 00 00 00 FF FF 05 AB"),
    ],
)
def test_the_commands_are_the_makers(made: bytes, makers: str) -> None:
    assert made == bytes.fromhex(makers)


def test_at_the_start_it_only_reads_and_streams_until_it_hears_otherwise() -> None:
    driver = driver_for("sds011")
    assert [send.data for send in driver.start()] == [READ_MODE, READ_PERIOD]
    assert driver.poll_every_s is None
    driver.feed(bytes.fromhex("AA C5 02 00 01 00 58 D9 34 AB"))
    assert driver.poll_every_s == 3.0
    assert driver.ask() == READ_ONCE
    driver.feed(bytes.fromhex("AA C5 02 00 00 00 58 D9 33 AB"))
    assert driver.poll_every_s is None
    assert driver.about.mode == "stream"


def test_a_working_period_is_told_and_stretches_what_is_expected() -> None:
    driver = driver_for("sds011")
    driver.feed(bytes.fromhex("AA C5 08 00 05 00 58 D9 3E AB"))
    assert driver.about.mode == "stream, period 5 min"
    assert driver.frame_every_s == 300


def test_a_second_id_on_one_line_is_noted_and_its_frame_doubted() -> None:
    driver = driver_for("sds011")
    first, second, third = driver.feed(MEASURED + OTHER_ID + MEASURED)
    assert (first.flags, second.flags, third.flags) == (Flag.NONE, Flag.ORDER, Flag.NONE)
    assert driver.about.identity == "58D9"
    assert driver.about.notes["other_id"] == "58DA"


def test_a_sensor_exchanged_for_another_is_believed_from_its_second_frame() -> None:
    driver = driver_for("sds011")
    assert [frame.flags for frame in driver.feed(MEASURED + 3 * OTHER_ID)][1:] == [Flag.ORDER, Flag.NONE, Flag.NONE]
    assert driver.about.identity == "58DA"


@pytest.mark.parametrize("what", [2, 8])
@pytest.mark.parametrize("value", [0, 1, 7, 255])
def test_writing_mode_and_period_with_any_value_is_recognised_and_reading_them_is_not(what: int, value: int) -> None:
    driver = driver_for("sds018")
    assert driver.changes(command(what, 1, value))
    assert driver.changes(b"\0\0" + command(what, 1, value)[:5])
    assert driver.changes(command(what, 0, value)) == ""


def test_setting_an_id_is_recognised_and_offered_to_nobody() -> None:
    driver = driver_for("sds021")
    assert driver.changes(command(5)) == "set id"
    assert "set id" not in driver.kept()


def test_pm10_below_pm25_is_doubted() -> None:
    driver = driver_for("sds011")
    (frame,) = driver.feed(driver.encode({"pm25": 20, "pm10": 10}))
    assert frame.value_flags["pm25"] is Flag.ORDER


def test_a_frame_of_the_pm100_sensor_is_no_reading() -> None:
    driver = driver_for("sds011")
    assert driver.feed(bytes.fromhex("AA CF 76 01 00 00 58 D9 A8 AB")) == []
    assert driver.counters.other == 1
