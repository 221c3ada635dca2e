"""Boards that print lines: what counts as a line, which key is which quantity, what a board says of itself."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Any

import pydantic
import pytest

from classair.model import Flag
from firmware_bridge.drivers import Driver, driver_for


def read(text: str | bytes, model: str = "json-lines", **settings: Any) -> tuple[list[dict[str, float]], Driver]:
    driver = driver_for(model, settings)
    return [frame.values for frame in driver.feed(text.encode() if isinstance(text, str) else text)], driver


def checked(line: str) -> str:
    return f"{line}*{reduce(xor, line.encode(), 0):02x}\n"


def test_boot_text_is_skipped_and_counted_and_an_unfinished_line_waits() -> None:
    frames, driver = read('ets Jul 29 2019 12:21:46\r\n{"pm25":18.2,"rh":62.1}\r\n{"pm25":1')
    assert frames == [{"pm25": 18.2, "rh_pct": 62.1}]
    assert driver.about.notes["lines_skipped"] == "1"
    assert driver.pending == len('{"pm25":1')


@pytest.mark.parametrize("key", ["pm25", "PM2.5", "pm2_5", "pm02", "Pm25"])
def test_the_usual_names_are_understood_in_any_case(key: str) -> None:
    assert read(f'{{"{key}":7}}\n')[0] == [{"pm25": 7}]


@pytest.mark.parametrize(
    "nothing",
    [
        "null",
        "NaN",
        "Infinity",
        "-Infinity",
        '""',
        '"nan"',
        "true",
        "false",
        "[]",
        "{}",
        '"x"',
        "1e999",
        '"1_000"',
        "1e300",
        '"1e18"',
        "9" * 400,
    ],
)
def test_what_is_no_finite_number_is_absent(nothing: str) -> None:
    assert read(f'{{"pm25":{nothing},"rh":50}}\n')[0] == [{"rh_pct": 50}]


def test_a_string_that_holds_a_number_counts_and_the_last_of_doubled_keys_holds() -> None:
    assert read('{"pm25":"18.5","PM2.5":19,"t":1,"t":2}\n')[0] == [{"pm25": 19, "temp_c": 2}]


def test_zero_is_a_value_and_an_object_without_any_is_no_reading() -> None:
    frames, driver = read('{"pm25":0}\n{"pm25":null}\n{"wifi":-46}\n{}\n')
    assert frames == [{"pm25": 0}]
    assert driver.counters.other == 1
    assert driver.counters.length == 2


@pytest.mark.parametrize(
    "line", ["[18.2]", "18.2", '"pm25"', '{"pm25":18.2', '{"pm25":18.2}}', "[" * 900, "\xff{}", '{"pm25":18.2} 5']
)
def test_a_line_that_is_no_object_is_skipped(line: str) -> None:
    frames, driver = read(line.encode("latin-1") + b"\n")
    assert frames == []
    assert driver.counters.length == 1


def test_a_right_check_is_accepted_a_wrong_one_refused_and_without_one_the_line_counts() -> None:
    frames, driver = read(checked('{"pm25":18.2}') + '{"pm25":18.3}*00\n{"pm25":18.4}\n')
    assert frames == [{"pm25": 18.2}, {"pm25": 18.4}]
    assert driver.counters.checksum == 1


def test_a_required_check_refuses_lines_without_one() -> None:
    assert read('{"pm25":1}\n' + checked('{"pm25":2}'), check="required")[0] == [{"pm25": 2}]


def test_an_object_behind_the_rest_of_another_line_is_read() -> None:
    frames, driver = read(b'\xfe\x01{"pm25":1,"rh{"pm25":15,"rh":60}\n')
    assert frames == [{"pm25": 15, "rh_pct": 60}]
    assert driver.counters.skipped == len(b'\xfe\x01{"pm25":1,"rh')


@pytest.mark.parametrize("length", [1024, 1025])
def test_a_line_may_have_1024_bytes(length: int) -> None:
    line = '{"pm25":1' + " " * (length - 10) + "}"
    assert len(line) == length
    frames, driver = read(line + '\n{"pm25":2}\n')
    assert frames == ([{"pm25": 1}] if length == 1024 else []) + [{"pm25": 2}]
    assert driver.counters.bytes_in == driver.counters.skipped + driver.counters.in_frames


def test_numbering_shows_loss_and_restart() -> None:
    driver = driver_for("json-lines")
    for number in (5, 6, 9, 1, 2):
        driver.feed(b'{"pm25":1,"seq":%d}\n' % number)
    assert driver.about.notes == {"lines_lost": "2", "restarts": "1"}


def test_a_board_that_has_just_started_is_warming_up() -> None:
    driver = driver_for("json-lines", {"warm_up_s": 20})
    frames = driver.feed(b'{"pm25":1,"up_ms":19999}\n{"pm25":1,"up_ms":20000}\n')
    assert [frame.flags for frame in frames] == [Flag.WARMUP, Flag.NONE]


def test_counters_that_stand_still_neither_warm_up_for_ever_nor_make_a_line_a_repeat() -> None:
    driver = driver_for("json-lines", {"warm_up_s": 20})
    frames = driver.feed(b"".join(b'{"pm25":%d,"seq":7,"up_ms":5000}\n' % (18 + i % 2) for i in range(5)))
    assert [frame.flags for frame in frames] == [Flag.WARMUP, *[Flag.NONE] * 4]
    assert driver.about.notes.get("lines_lost", "0") == driver.about.notes.get("restarts", "0") == "0"


def test_another_id_on_the_line_is_noted_and_doubted() -> None:
    driver = driver_for("json-lines")
    frames = driver.feed(b'{"id":"a","pm25":1}\n{"id":"b","pm25":1}\n{"id":"a","pm25":1}\n')
    assert [frame.flags for frame in frames] == [Flag.NONE, Flag.ORDER, Flag.NONE]
    assert (driver.about.identity, driver.about.notes["other_id"]) == ("a", "b")


@pytest.mark.parametrize(
    ("quantity", "unit", "printed", "value"),
    [
        ("pressure_hpa", "Pa", 100512, 1005.12),
        ("pressure_hpa", "kPa", 100.5, 1005),
        ("temp_c", "F", 86, 30),
        ("temp_c", "K", 303.15, 30),
        ("pm25", "mg/m³", 0.018, 18),
        ("co2_ppm", "%", 0.08, 800),
        ("tps_um", "nm", 562, 0.562),
        ("n03", "1/cm³", 22.41, 2241),
        ("rh_pct", "%", 61, 61),
        ("temp_c", "", 21, 21),
    ],
)
def test_units_of_the_map_are_converted(quantity: str, unit: str, printed: float, value: float) -> None:
    fields = {"x": {"quantity": quantity, "unit": unit}}
    assert read(f'{{"X":{printed}}}\n', fields=fields)[0] == [{quantity: pytest.approx(value)}]


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ("dust", "not a quantity"),
        ({"quantity": "pm25", "unit": "hPa"}, "cannot be converted to µg/m³"),
        ({"unit": "Pa"}, "quantity"),
    ],
)
def test_a_map_that_cannot_be_is_refused_with_a_reason(field: Any, why: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=why):
        driver_for("json-lines", {"fields": {"x": field}})


def test_a_key_may_be_given_another_meaning() -> None:
    fields = {"eco2": "co2_ppm", "co2": "state"}
    assert read('{"eco2":700,"co2":5}\n', fields=fields)[0] == [{"co2_ppm": 700, "state": 5}]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_line_of_names_tells_the_columns(separator: str) -> None:
    lines = "1,2\npm2.5,time,rh\n18.2,09:15,61\n,09:16,60\n18.2\n".replace(",", separator)
    frames, driver = read(lines, "csv-lines")
    assert frames == [{"pm25": 18.2, "rh_pct": 61}, {"rh_pct": 60}]
    assert driver.counters.length == 2


def test_configured_columns_need_no_names() -> None:
    frames, _ = read("18.2,24.9,811\nfoo,1,2\n", "csv-lines", columns=["pm25", "", "co2"])
    assert frames == [{"pm25": 18.2, "co2_ppm": 811}, {"co2_ppm": 2}]


def test_pairs_are_read_with_their_units_and_clock_times_are_no_values() -> None:
    lines = "12:21:46 PM2.5: 18 ug/m3  PM10: 0.024mg/m3 T=86F, rh=61\nt:12:30 x=5\nuptime: 12\n"
    frames, driver = read(lines, "text-lines")
    assert frames == [{"pm25": 18, "pm10": pytest.approx(24), "temp_c": pytest.approx(30), "rh_pct": 61}]
    assert driver.counters.length == 2


def test_a_log_line_of_esphome_is_no_reading() -> None:
    line = "\x1b[0;36m[D][sensor:113]: 'PM2.5': Sending state 18.00000 µg/m³ with 0 decimals of accuracy\x1b[0m\n"
    assert read(line, "text-lines")[0] == []


def test_pm10_below_pm25_is_doubted() -> None:
    driver = driver_for("json-lines")
    (frame,) = driver.feed(b'{"pm25":20,"pm10":10}\n')
    assert frame.value_flags["pm10"] is Flag.ORDER


def test_a_baud_rate_is_a_setting() -> None:
    assert driver_for("csv-lines", {"baud": 9600}).baud == 9600
    with pytest.raises(pydantic.ValidationError):
        driver_for("csv-lines", {"baud": 1})
