"""Commands that calibrate, or write what a sensor keeps, are recognised with any value; everything else passes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.drivers import driver_for
from firmware_bridge.drivers._winsen import command
from firmware_bridge.drivers.senseair_s8 import closed, request


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("FF 01 79 A0 00 00 00 00 E6", "abc on"),
        ("FF 01 79 00 00 00 00 00 86", "abc off"),
        ("FF 01 87 00 00 00 00 00 78", "zero calibration"),
        ("FF 01 88 07 D0 00 00 00 A0", "span calibration 2000 ppm"),
        ("FF 01 99 00 00 00 13 88 CB", "range 5000 ppm"),
        ("FF 01 78", "factory reset"),
        ("FF 01 86 00 00 00 00 00 79", ""),
        ("FF 01 A0 00 00 00 00 00 5F", ""),
        ("FF 01 7D 00 00 00 00 00 82", ""),
    ],
)
def test_of_an_mh_z19(data: str, name: str) -> None:
    assert driver_for("mh-z19b").changes(bytes.fromhex(data)) == name


@given(what=st.sampled_from([0x79, 0x87, 0x88, 0x99]), body=st.binary(max_size=6), before=st.binary(max_size=9))
def test_of_an_mh_z19_with_any_value_and_anything_before(what: int, body: bytes, before: bytes) -> None:
    assert driver_for("mh-z19c").changes(before + bytes((0xFF, 1, what)) + body)
    assert driver_for("mh-z19c").changes(command(0x86, *body[:5])) == "" or b"\xff\x01" in body


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("FE 06 00 1F 00 B4 AC 74", "abc 180 h"),
        ("FE 06 00 1F 00 00 AC 03", "abc off"),
        ("FE 06 00 01 7C 06 6C C7", "background calibration"),
        ("FE 06 00 00 00 00 9D C5", ""),
        ("FE 04 00 00 00 04 E5 C6", ""),
        ("FE 04 00 1D 00 02 F5 C2", ""),
        ("FE 03 00 1F 00 01 A1 C3", ""),
    ],
)
def test_of_an_s8(data: str, name: str) -> None:
    driver = driver_for("s8")
    assert driver.changes(bytes.fromhex(data)) == name
    assert driver.changes(b"\0" + bytes.fromhex(data)) == name


@settings(max_examples=300)
@given(address=st.integers(1, 254), register=st.integers(1, 0xFFFF), value=st.integers(0, 0xFFFF))
def test_of_an_s8_every_register_written_by_any_address(address: int, register: int, value: int) -> None:
    driver = driver_for("s8")
    one = bytes((address, 6)) + register.to_bytes(2, "big") + value.to_bytes(2, "big")
    some = bytes((address, 0x10)) + register.to_bytes(2, "big") + b"\0\1\2" + value.to_bytes(2, "big")
    assert driver.changes(closed(one))
    assert driver.changes(closed(some))


@given(register=st.integers(0, 0x3F), count=st.integers(1, 8), function=st.sampled_from([3, 4]))
def test_of_an_s8_no_reading_of_registers(register: int, count: int, function: int) -> None:
    assert driver_for("s8").changes(b"\0" + request(function, register, count)) == ""


@pytest.mark.parametrize("value", [0, 30, 100, 200, 255])
def test_of_an_hpma115_any_coefficient(value: int) -> None:
    driver = driver_for("hpma115s0")
    assert driver.changes(bytes((0x68, 2, 8, value, 0))) == f"coefficient {value}"
    assert driver.changes(bytes.fromhex("68 01 10 87")) == ""


def test_nothing_a_plantower_or_zh03b_is_told_stays() -> None:
    for model in ("pms5003", "zh03b"):
        driver = driver_for(model)
        sends = [*driver.start(), *driver.start(), *driver.sleep(), *driver.wake()]
        assert {driver.changes(send.data) for send in sends} == {""}
        assert driver.kept() == {}
