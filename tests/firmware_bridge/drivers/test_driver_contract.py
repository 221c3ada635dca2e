"""The driver contract, over every driver there is: found by itself, nothing to register."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from operator import or_
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classair.model import QUANTITIES
from firmware_bridge import drivers
from firmware_bridge.drivers import Driver, Frame, Send, UnknownModel, models

CAPTURES = sorted((Path(__file__).parents[2] / "captures").glob("*.hex"))
TEXT = ("json-lines", "csv-lines", "text-lines")
# Beside every model as it is without settings: what settings make of it.
CONFIGURED: dict[str, tuple[str, dict[str, Any]]] = {
    "pms5003 passive": ("pms5003", {"mode": "passive"}),
    "sps30 uint16": ("sps30", {"format": "uint16"}),
    "hpma115s0 poll": ("hpma115s0", {"mode": "poll"}),
    "hpma115c0 poll": ("hpma115c0", {"mode": "poll"}),
    "zh03b poll": ("zh03b", {"mode": "poll"}),
    **{f"{model} check": (model, {"check": "required"}) for model in TEXT},
    "csv-lines columns": ("csv-lines", {"columns": ["pm2.5", "", "rh"], "check": "required"}),
    "json-lines fields": (
        "json-lines",
        {"check": "required", "fields": {"dust": "pm25", "p": {"quantity": "pressure_hpa", "unit": "Pa"}}},
    ),
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {**{model: (model, {}) for model in models()}, **CONFIGURED}
every_model = pytest.mark.parametrize("model", sorted(CASES))


def driver_for(case: str) -> Driver:
    """A driver of a model, or of a model with settings."""
    model, given = CASES.get(case, (case, {}))
    return drivers.driver_for(model, given)


def main_of(case: str) -> str:
    return "pm25" if "pm25" in carried(case) else "co2_ppm"


def carried(model: str) -> dict[str, float]:
    """The values of a frame of this model in which every word is 1: what it carries at all."""
    driver = driver_for(model)
    (frame,) = driver.feed(driver.encode(dict.fromkeys(QUANTITIES, 1.0)))
    return frame.values


def all_of(driver: Driver, chunks: list[bytes]) -> list[Frame]:
    return [frame for chunk in chunks for frame in driver.feed(chunk)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


def balanced(driver: Driver) -> bool:
    counted = driver.counters
    return counted.bytes_in == counted.skipped + counted.in_frames + driver.pending


@every_model
def test_a_frame_says_the_quantities_the_model_measures_and_only_known_ones(model: str) -> None:
    values = carried(model)
    assert set(values) <= set(QUANTITIES)
    assert {"pm25", "co2_ppm"} & set(values)


@every_model
def test_what_is_encoded_is_read_back(model: str) -> None:
    driver = driver_for(model)
    values = {key: 20.0 + index for index, key in enumerate(sorted(carried(model), reverse=True))}
    (frame,) = driver.feed(driver.encode(values))
    assert frame.values == pytest.approx(values)
    assert driver.counters.good == 1


@every_model
def test_zero_is_a_value(model: str) -> None:
    driver = driver_for(model)
    main = main_of(model)
    (frame,) = driver.feed(driver.encode({}))
    assert frame.values[main] == 0


@every_model
def test_a_baud_rate_and_times_are_given(model: str) -> None:
    driver = driver_for(model)
    assert driver.baud in (9600, 19200, 38400, 57600, 115200)
    assert driver.warm_up_s >= 0
    assert 0 < driver.frame_every_s <= 60
    if driver.poll_every_s is not None:
        assert driver.ask()
        assert driver.poll_every_s <= driver.frame_every_s


@every_model
def test_nothing_sent_by_itself_calibrates_or_changes_what_the_sensor_keeps(model: str) -> None:
    driver = driver_for(model)
    for _ in range(4):
        for sends in (driver.start(), driver.inquire(), driver.sleep(), driver.wake()):
            for send in sends:
                assert driver.changes(send.data) == ""
                assert send.pause_s >= 0
        assert driver.changes(driver.ask()) == ""
    for name, command in driver.kept().items():
        assert driver.changes(command) == name
        assert driver.changes(b"\0\xff" + command + b"\0") == name


@every_model
def test_a_polled_sensor_answers_its_own_question(model: str) -> None:
    host, sensor = driver_for(model), driver_for(model)
    main = main_of(model)
    for send in host.start():
        host.feed(sensor.answer(send.data, {}))
    if host.poll_every_s is None:
        assert host.ask() == b""
        return
    frames = host.feed(sensor.answer(host.ask(), {main: 1234}))
    assert [frame.values[main] for frame in frames] == [1234]
    assert not sensor.speaks


@every_model
def test_a_sensor_sent_to_sleep_is_silent_and_a_woken_one_is_heard(model: str) -> None:
    host, sensor = driver_for(model), driver_for(model)

    def say(sends: Sequence[Send]) -> None:
        for send in sends:
            host.feed(sensor.answer(send.data, {}))

    def heard() -> bool:
        return sensor.speaks or bool(host.ask() and host.feed(sensor.answer(host.ask(), {"pm25": 7, "co2_ppm": 700})))

    say(host.start())
    assert heard()
    if host.sleep():
        say(host.sleep())
        assert not heard()
        say(host.wake())
        assert heard()


@every_model
def test_a_sensor_that_is_silent_at_first_is_heard_after_a_few_starts(model: str) -> None:
    """Whatever the program before has left behind."""
    before, host, sensor = driver_for(model), driver_for(model), driver_for(model)
    for send in before.sleep():
        sensor.answer(send.data, {})
    for _ in range(3):
        for send in host.start():
            host.feed(sensor.answer(send.data, {}))
    assert sensor.speaks or host.feed(sensor.answer(host.ask(), {}))


@every_model
def test_what_it_is_asked_about_itself_it_answers_without_a_reading(model: str) -> None:
    host, sensor = driver_for(model), driver_for(model)
    for send in (*host.start(), *host.inquire()):
        assert host.feed(sensor.answer(send.data, {"co2_ppm": 700})) == []
    told = host.about
    assert not host.inquire() or told.identity or told.firmware or told.mode or told.notes
    assert "refused" not in told.notes
    assert host.counters.skipped == 0


@every_model
def test_many_commands_at_once_are_each_answered(model: str) -> None:
    host, sensor, alone = driver_for(model), driver_for(model), driver_for(model)
    commands = [send.data for send in (*host.start(), *host.inquire())]
    assert sensor.answer(b"".join(commands), {}) == b"".join(alone.answer(each, {}) for each in commands)


@every_model
def test_a_new_question_forgets_half_an_answer(model: str) -> None:
    driver = driver_for(model)
    if driver.poll_every_s is None:
        return
    driver.feed(driver.encode({main_of(model): 400})[:-1])
    driver.ask()
    assert driver.pending == 0
    assert balanced(driver)


@every_model
@settings(max_examples=60, deadline=None)
@given(data=st.data())
@pytest.mark.thorough
def test_chunks_do_not_matter_and_every_byte_is_accounted_for(model: str, data: st.DataObject) -> None:
    driver = driver_for(model)
    frame = driver.encode({"pm25": 18, "co2_ppm": 632})
    sent = b"".join(send.data for send in driver.start())
    pieces = st.one_of(
        st.just(frame),
        st.binary(max_size=12),
        st.just(frame[:2]),
        st.just(sent or b"\0"),
        st.integers(0, len(frame)).map(lambda end: frame[:end]),
        st.tuples(st.integers(0, len(frame) - 1), st.integers(1, 255)).map(
            lambda hit: frame[: hit[0]] + bytes((frame[hit[0]] ^ hit[1],)) + frame[hit[0] + 1 :]
        ),
    )
    stream = b"".join(data.draw(st.lists(pieces, max_size=12)))
    places = data.draw(st.lists(st.integers(0, 2000), max_size=8))
    whole, chunked, single = driver_for(model), driver_for(model), driver_for(model)
    expected = all_of(whole, [stream])
    assert all_of(chunked, cut(stream, places)) == expected
    assert all_of(single, [bytes((byte,)) for byte in stream]) == expected
    for each in (whole, chunked, single):
        assert balanced(each)
        assert each.counters == whole.counters
        assert each.pending == whole.pending


@every_model
@settings(max_examples=60, deadline=None)
@given(noise=st.binary(max_size=120), frames=st.integers(1, 4))
def test_good_frames_behind_noise_are_found_again_after_a_silence(model: str, noise: bytes, frames: int) -> None:
    driver = driver_for(model)
    good = driver.encode({"pm25": 18, "co2_ppm": 632})
    driver.feed(noise)
    driver.silence()
    before = driver.counters.good
    driver.feed(good * frames)
    driver.silence()
    assert driver.counters.good - before == frames
    assert driver.pending == 0
    assert balanced(driver)


# A line end put into a line without a required check makes a shorter line of it, and nobody can tell.
@pytest.mark.parametrize("model", [model for model in sorted(CASES) if model not in TEXT])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_flipped_byte_is_never_read_as_a_measurement(model: str, data: st.DataObject) -> None:
    driver = driver_for(model)
    frame = bytearray(driver.encode({"pm25": 18, "n03": 2000, "co2_ppm": 632}))
    intact = driver_for(model).feed(bytes(frame))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    read = driver.feed(bytes(frame)) + driver.silence()
    # A flip may leave the meaning of a text as it was, such as a check in small letters.
    assert read == [] or (model.split()[0] in TEXT and read == intact)


@every_model
@settings(max_examples=40, deadline=None)
@given(
    values=st.dictionaries(st.sampled_from(sorted(QUANTITIES)), st.floats(-1e6, 1e6)), request_=st.binary(max_size=20)
)
def test_encode_and_answer_take_any_values_and_any_request(
    model: str,
    values: dict[str, float],
    request_: bytes,
) -> None:
    driver = driver_for(model)
    assert len(driver.feed(driver.encode(values))) == 1
    assert isinstance(driver.answer(request_, values), bytes)


@every_model
def test_noise_and_start_bytes_alone_cost_little_and_keep_little(model: str) -> None:
    driver = driver_for(model)
    head = driver.encode({})[:2]
    driver.feed(head * 50_000)
    assert driver.pending <= (1024 if model.split()[0] in TEXT else 64)
    assert balanced(driver)


def _names(frame: Frame) -> list[str]:
    flags = reduce(or_, frame.value_flags.values(), frame.flags)
    return sorted(flag.name for flag in flags if flag.name)


@pytest.mark.parametrize("file", CAPTURES, ids=lambda file: file.stem)
def test_a_capture_gives_the_frames_it_is_known_to_hold(file: Path) -> None:
    told, _, hexadecimal = file.read_text("utf-8").partition("---\n")
    expected: dict[str, Any] = json.loads("\n".join(line for line in told.splitlines() if not line.startswith("#")))
    stream = bytes.fromhex(hexadecimal)
    for chunks in ([stream], [bytes((byte,)) for byte in stream], cut(stream, [7, 33, 34, 80])):
        driver = drivers.driver_for(expected["model"], expected.get("settings"))
        frames = all_of(driver, chunks)
        assert [frame.values.get(key) for frame in frames for key in expected["keys"]] == expected["values"]
        flags = {str(place): _names(frame) for place, frame in enumerate(frames) if _names(frame)}
        assert flags == expected.get("flags", {})
        assert {name: getattr(driver.about, name) for name in expected.get("about", {})} == expected.get("about", {})
        assert {name: getattr(driver.counters, name) for name in expected["counters"]} == expected["counters"]
        assert balanced(driver)


def test_an_unknown_model_is_answered_with_the_nearest_and_all_known() -> None:
    with pytest.raises(UnknownModel, match=r"'pms503'; did you mean pms5003\? known: .*mh-z19b.*s8"):
        drivers.driver_for("pms503")
