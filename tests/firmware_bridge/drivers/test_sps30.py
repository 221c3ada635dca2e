"""SPS30: stuffing in one pass, frames up to their closing 7E, errors, and ten thousand readings through a terminal."""

from __future__ import annotations

import os
import random
import struct
import threading
import tty
from collections.abc import Iterator

import pytest
import serial
from hypothesis import given
from hypothesis import strategies as st

from classair.model import Flag
from firmware_bridge.drivers import driver_for
from firmware_bridge.drivers.sps30 import PULSE, NotStuffed, request, stuffed, unstuffed

KEYS = ("pm1", "pm25", "pm4", "pm10", "nc05", "nc1", "nc25", "nc4", "nc10", "tps_um")
FLOATS = bytes.fromhex(
    "7E 00 03 00 28 41 64 00 00 41 AC 00 00 41 C6 00 00 41 D0 00 00 42 C5 00 00 42 EC 80 00 "
    "42 F2 00 00 42 F3 00 00 42 F3 80 00 3F 10 00 00 08 7E"
)


@pytest.mark.parametrize(
    ("made", "makers"),
    [
        (request(0, b"\x01\x03"), "7E 00 00 02 01 03 F9 7E"),
        (request(0, b"\x01\x05"), "7E 00 00 02 01 05 F7 7E"),
        (request(1), "7E 00 01 00 FE 7E"),
        (request(3), "7E 00 03 00 FC 7E"),
        (request(0x10), "7E 00 10 00 EF 7E"),
        (request(0x11), "7E 00 7D 31 00 EE 7E"),
        (request(0x80, b"\0"), "7E 00 80 01 00 7D 5E 7E"),
        (request(0xD0, b"\x03"), "7E 00 D0 01 03 2B 7E"),
        (request(0xD2, b"\0"), "7E 00 D2 01 00 2C 7E"),
    ],
)
def test_the_commands_are_the_makers(made: bytes, makers: str) -> None:
    assert made == bytes.fromhex(makers)


@given(st.binary(max_size=60))
def test_stuffing_is_undone_exactly_and_leaves_no_edge_inside(data: bytes) -> None:
    assert unstuffed(stuffed(data)) == data
    assert not {0x7E, 0x11, 0x13} & set(stuffed(data))


def test_a_stuffed_mark_before_a_31_is_not_undone_twice() -> None:
    assert unstuffed(bytes.fromhex("7D 5D 31")) == bytes.fromhex("7D 31")


@pytest.mark.parametrize("wrong", ["7D", "7D 7D", "41 7D 00", "7D 5F"])
def test_a_mark_before_any_other_byte_is_refused(wrong: str) -> None:
    with pytest.raises(NotStuffed):
        unstuffed(bytes.fromhex(wrong))


def test_one_7e_may_end_a_frame_and_begin_the_next() -> None:
    driver = driver_for("sps30")
    assert len(driver.feed(FLOATS + FLOATS[1:] + FLOATS)) == 3
    assert driver.counters.skipped == 0


def test_a_lost_7e_hides_no_frame_behind_it() -> None:
    driver = driver_for("sps30")
    assert len(driver.feed(FLOATS[:-1] + FLOATS + FLOATS[:20] + FLOATS)) == 3
    assert driver.pending == 0


def test_noise_without_an_edge_is_given_up_and_the_frame_behind_it_found() -> None:
    driver = driver_for("sps30")
    assert len(driver.feed(b"\x7e" + b"\x55" * 3000 + FLOATS)) == 1
    assert driver.counters.skipped == 3001


def test_the_first_start_measures_and_the_second_wakes_with_a_pulse_before() -> None:
    driver = driver_for("sps30")
    assert [send.data for send in driver.start()] == [request(0, b"\x01\x03")]
    again = driver.start()
    assert [send.data for send in again] == [PULSE, request(0x11), request(0, b"\x01\x03")]
    assert again[0].pause_s < 0.1


def test_a_sensor_that_measures_already_is_no_fault() -> None:
    driver = driver_for("sps30")
    driver.feed(bytes.fromhex("7E 00 00 43 00 BC 7E"))
    assert driver.about.mode == "measuring"
    assert "refused" not in driver.about.notes


@pytest.mark.parametrize("state", [0x01, 0x02, 0x03, 0x04, 0x28])
def test_a_refusal_is_noted(state: int) -> None:
    driver = driver_for("sps30")
    body = bytes((0, 3, state, 0))
    assert driver.feed(b"\x7e" + stuffed(body + bytes((~sum(body) & 0xFF,))) + b"\x7e") == []
    assert driver.about.notes["refused"] == f"command 03 state {state:02X}"


def test_the_error_bit_of_the_state_marks_the_reading() -> None:
    driver = driver_for("sps30")
    (frame,) = driver.feed(driver.encode({"pm25": 5, "pm4": 5, "pm10": 5, "state": 0x80}))
    assert frame.flags is Flag.SENSOR_ERROR
    assert frame.values["state"] == 0x80


def test_identity_firmware_and_cleaning_interval_are_learned() -> None:
    host, sensor = driver_for("sps30"), driver_for("sps30")
    for send in host.inquire():
        host.feed(sensor.answer(send.data, {}))
    assert host.about.identity == "5350533330000001"
    assert host.about.firmware == "2.2"
    assert host.about.notes == {"hardware": "7", "cleaning_s": "604800", "status": "ok"}


@pytest.mark.parametrize("seconds", [0, 1, 86_400, 0x7E7D1113])
def test_any_cleaning_interval_written_is_recognised_and_reading_it_is_not(seconds: int) -> None:
    driver = driver_for("sps30")
    assert "cleaning" in driver.changes(request(0x80, b"\0" + seconds.to_bytes(4, "big")))
    assert driver.changes(request(0x80, b"\0")) == ""
    assert driver.changes(request(0x56)) == ""
    assert driver.changes(b"\xff" + request(0xD3)) == "device reset"


@pytest.mark.parametrize("pm1", [float("nan"), float("inf"), 1e38])
def test_a_value_that_cannot_be_kept_is_absent_and_the_frame_doubted(pm1: float) -> None:
    driver = driver_for("sps30")
    (frame,) = driver.feed(driver.encode({"pm1": pm1, "pm25": 3, "pm4": 3, "pm10": 3}))
    assert "pm1" not in frame.values
    assert frame.flags is Flag.ORDER


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)


def readings(count: int, chance: random.Random) -> Iterator[bytes]:
    """Forty bytes each, rich in bytes that are stuffed; every 500th holds nothing else."""
    awkward = bytes((0x7E, 0x7D, 0x11, 0x13))
    for number in range(count):
        words = [
            bytes(
                (
                    chance.choice((0x11, 0x13, 0x41)),
                    *chance.choices(awkward if number % 500 == 0 else awkward + bytes(range(256)), k=3),
                )
            )
            for _ in KEYS
        ]
        yield b"".join(words)


def test_readings_with_every_stuffed_byte_come_through_a_terminal(
    terminal: tuple[int, str], exhaustive: bool, chance: random.Random
) -> None:
    master, name = terminal
    host = driver_for("sps30")
    sent = list(readings(10_000 if exhaustive else 1000, chance))

    def sensor() -> None:
        sensor = driver_for("sps30")
        for send in host.start():
            sensor.answer(send.data, {})
        for data in sent:
            question = b""
            while not question.endswith(b"\xfc\x7e"):
                question += os.read(master, 64)
            os.write(master, sensor.answer(question, dict(zip(KEYS, struct.unpack(">10f", data), strict=True))))

    with serial.Serial(name, 115200, timeout=60) as line:
        thread = threading.Thread(target=sensor, daemon=True)
        thread.start()
        for data in sent:
            line.write(host.ask())
            frames = []
            while not frames:
                received = line.read(1) + line.read(line.in_waiting)
                assert received, "the sensor fell silent"
                frames = host.feed(received)
            (frame,) = frames
            assert struct.pack(">10f", *(frame.values[key] for key in KEYS)) == data
        thread.join(10)
    assert host.counters.good == len(sent)
    assert host.counters.skipped == host.counters.checksum == host.counters.length == 0


def test_a_sensor_that_says_only_nan_gives_no_measurement_and_each_is_counted() -> None:
    driver = driver_for("sps30")
    keys = ("pm1", "pm25", "pm4", "pm10", "nc05", "nc1", "nc25", "nc4", "nc10", "tps_um")
    assert driver.feed(driver.encode(dict.fromkeys(keys, float("nan")))) == []
    assert (driver.counters.good, driver.counters.other) == (0, 1)
    assert driver.about.unread == dict.fromkeys(keys, 1)
