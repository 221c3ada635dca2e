"""Senseair S8 frames: the worked examples of the protocol reference, echoes, exceptions and faults."""

from __future__ import annotations

import pytest

from classair.model import Flag
from firmware_bridge.drivers import Frame, driver_for
from firmware_bridge.drivers.senseair_s8 import READ, READ_CO2_ALONE, crc


def read(hexadecimal: str) -> list[Frame]:
    return driver_for("s8").feed(bytes.fromhex(hexadecimal))


def test_an_answer_with_co2_alone() -> None:
    (frame,) = read("FE 04 02 03 A3 ED AD")
    assert frame.values == {"co2_ppm": 931}


def test_an_answer_with_status_and_co2() -> None:
    (frame,) = read("FE 04 08 00 00 00 00 00 00 05 06 94 48")
    assert frame.values == {"meter_status": 0, "co2_ppm": 1286}
    assert not frame.flags
    assert driver_for("s8").encode(frame.values) == bytes.fromhex("FE 04 08 00 00 00 00 00 00 05 06 94 48")


def test_out_of_range_is_the_sensors_own_error_and_over_range() -> None:
    (frame,) = read("FE 04 08 00 20 00 00 00 00 27 10 2C E4")
    assert frame.values == {"meter_status": 0x20, "co2_ppm": 10000}
    assert frame.flags is Flag.SENSOR_ERROR
    assert Flag.RANGE in frame.value_flags["co2_ppm"]


def test_an_exception_is_no_reading() -> None:
    driver = driver_for("s8")
    assert driver.feed(bytes.fromhex("FE 84 02 F2 F1")) == []
    assert driver.counters.other == 1


def test_an_answer_with_the_crc_of_the_question_is_refused() -> None:
    driver = driver_for("s8")
    assert driver.feed(bytes.fromhex("FE 04 02 03 A3 D5 C5")) + driver.silence() == []
    assert driver.counters.checksum == 1


def test_the_echo_of_a_half_duplex_line_is_skipped() -> None:
    driver = driver_for("s8")
    frames = driver.feed(driver.ask() + driver.encode({"co2_ppm": 820}))
    assert [frame.values["co2_ppm"] for frame in frames] == [820]
    assert driver.counters.other == 1


@pytest.mark.parametrize(
    "request_",
    [
        "FE 04 00 03 00 01 D5 C5",
        "FE 04 00 00 00 04 E5 C6",
        "FE 04 00 1D 00 02 F5 C2",
        "FE 03 00 1F 00 01 A1 C3",
        "FE 06 00 1F 00 B4 AC 74",
    ],
)
def test_the_crc_of_the_makers_requests(request_: str) -> None:
    data = bytes.fromhex(request_)
    assert crc(data[:-2]) == data[-2:]


def test_status_and_co2_are_asked_together() -> None:
    assert driver_for("s8").ask() == READ == bytes.fromhex("FE 04 00 00 00 04 E5 C6")


def test_a_simulated_sensor_answers_both_questions_and_refuses_others() -> None:
    driver = driver_for("s8")
    (alone,) = driver.feed(driver.answer(READ_CO2_ALONE, {"co2_ppm": 500}))
    assert alone.values == {"co2_ppm": 500}
    (woken,) = driver.feed(driver.answer(b"\0" + READ, {"co2_ppm": 501}))
    assert woken.values["co2_ppm"] == 501
    assert driver.feed(driver.answer(bytes.fromhex("FE 06 00 01 7C 06 6C C7"), {})) == []
    assert driver.counters.other == 1


@pytest.mark.parametrize("bit", range(7))
def test_every_fault_bit_makes_the_frame_a_sensor_error(bit: int) -> None:
    driver = driver_for("s8")
    (frame,) = driver.feed(driver.encode({"co2_ppm": 600, "meter_status": 1 << bit}))
    assert frame.flags is Flag.SENSOR_ERROR
