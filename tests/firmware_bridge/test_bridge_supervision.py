"""What a bridge judges by time alone: silence, warm-up, sleep, hours, pairs, hints. Every moment is an argument."""

from __future__ import annotations

import json
import math
from datetime import datetime, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.config import DutySettings
from classair.timetable import ALWAYS_EMPTY, ZONE, HoursOfDay, Timetable, to_ms
from classair.units import HOUR_MS
from firmware_bridge.drivers import driver_for
from firmware_bridge.health.hints import ENOUGH, TypeHint, below_air, has_working_period
from firmware_bridge.health.hours import SAVE_EVERY_S, Book
from firmware_bridge.health.pairs import COMPLETE_S, Pairs, compare
from firmware_bridge.serial.duty_cycle import DutyCycle, sleeps_enough
from firmware_bridge.serial.identity import Device
from firmware_bridge.serial.warm_up import UNSEEN_S, LastSeen, Warmth, power_since
from firmware_bridge.serial.watchdog import Watchdog

# -- silence -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame_every_s", [0.5, 1.0, 2.5, 5.0, 10.0])
def test_silence_is_told_within_ten_seconds_or_five_intervals(frame_every_s: float) -> None:
    watchdog = Watchdog(0.0, frame_every_s, 0)
    told = next(now / 10 for now in range(1000) if watchdog.due(now / 10, 0) is not None)
    assert told <= max(10.0, 5 * frame_every_s)
    assert told >= 2 * frame_every_s


def test_silence_is_answered_by_the_start_sequence_and_then_by_opening_anew() -> None:
    watchdog = Watchdog(0.0, 1.0, 0)
    tried = [verdict for now in range(31) if (verdict := watchdog.due(float(now), 0))]
    assert [verdict.do for verdict in tried] == ["start"] * 5 + ["reopen"]
    assert [round(verdict.seconds) for verdict in tried] == [5, 10, 15, 20, 25, 30]


def test_frames_end_the_counting_of_silence() -> None:
    watchdog = Watchdog(0.0, 1.0, 0)
    assert watchdog.due(5.0, 0) is not None
    watchdog.heard(6.0, 0)
    assert watchdog.due(10.9, 0) is None
    assert watchdog.due(11.0, 0) is not None


def test_bytes_without_a_frame_are_damage_and_not_silence() -> None:
    assert Watchdog(0.0, 1.0, 100).due(5.0, 100 + 64) == ("no_frames", 5.0, "start")
    assert Watchdog(0.0, 1.0, 100).due(5.0, 100 + 63) == ("silent", 5.0, "start")


# -- warm-up -----------------------------------------------------------------------------------------------------------

HERE, ELSEWHERE = Device(1, 2, 3), Device(1, 9, 3)


@pytest.mark.parametrize(
    ("last", "device", "since"),
    [
        (None, HERE, 0.0),  # never seen: on since the machine is
        (LastSeen("this", 900.0, HERE), HERE, 0.0),  # a bridge restart is no power-on
        (LastSeen("this", 10.0, HERE), HERE, 0.0),  # however long it took
        (LastSeen("this", 900.0, HERE), ELSEWHERE, 1000.0),  # plugged anew while nobody looked
        (LastSeen("other", 900.0, HERE), ELSEWHERE, 0.0),  # the machine was restarted
        (LastSeen("this", 900.0, HERE, asleep=True), HERE, 1000.0),  # it has to wake first
        (LastSeen("this", 1000.0 - UNSEEN_S, None), None, 0.0),  # a URL, away shortly
        (LastSeen("this", 1000.0 - UNSEEN_S - 1, None), None, 1000.0),  # a URL, away so long that nobody knows
    ],
)
def test_how_long_a_sensor_has_had_power(last: LastSeen | None, device: Device | None, since: float) -> None:
    assert power_since(last, "this", 1000.0, device) == since


def test_warm_up_counts_from_the_first_byte_after_power_whatever_the_values() -> None:
    warmth = Warmth(30.0)
    assert not warmth.warming_up(1000.0)
    warmth.power_lost()
    assert warmth.warming_up(5000.0)
    warmth.byte(6000.0)
    warmth.byte(6020.0)
    assert warmth.warming_up(6029.9)
    assert not warmth.warming_up(6030.0)


def test_a_machine_just_switched_on_has_sensors_just_switched_on() -> None:
    assert Warmth(30.0).warming_up(29.9)
    assert not Warmth(30.0).warming_up(30.0)


# -- sleep -------------------------------------------------------------------------------------------------------------

SCHOOL = Timetable(frozenset(range(5)), (HoursOfDay(time(8), time(16)),), ())
DUTY = DutySettings(every=600, measure=60)


def cycle(duty: DutySettings | None, at: str, timetable: Timetable = SCHOOL) -> DutyCycle:
    """A cycle that knows what time it is at elapsed() 0."""
    made = DutyCycle(duty, 30.0, timetable)
    made.know(0.0, to_ms(datetime.fromisoformat(at).replace(tzinfo=ZONE)))
    return made


def test_a_sensor_wakes_warms_up_measures_and_sleeps() -> None:
    night = cycle(DUTY, "2026-11-23T20:00")
    assert [night.asleep_until(now) for now in (0.0, 89.9, 90.0, 599.0, 600.0, 690.0)] == [
        None,
        None,
        600.0,
        600.0,
        None,
        1200.0,
    ]


def test_a_sensor_without_duty_never_sleeps() -> None:
    assert cycle(None, "2026-11-23T20:00").asleep_until(300.0) is None


def test_school_hours_are_measured_throughout_and_begin_warm() -> None:
    morning = cycle(DUTY, "2026-11-23T07:55")
    assert morning.asleep_until(100.0) == pytest.approx(270.0)  # 07:59:30, half a minute before school
    assert morning.asleep_until(270.0) is None
    assert morning.asleep_until(500.0) is None


def test_in_school_hours_only_who_asks_for_it_sleeps() -> None:
    noon = "2026-11-23T12:00"
    assert cycle(DUTY, noon).asleep_until(300.0) is None
    assert cycle(DUTY.model_copy(update={"in_school_hours": True}), noon).asleep_until(300.0) == 600.0


def test_weekends_and_rooms_without_a_timetable_have_no_school_hours() -> None:
    assert cycle(DUTY, "2026-11-22T12:00").asleep_until(300.0) == 600.0
    assert cycle(DUTY, "2026-11-23T12:00", ALWAYS_EMPTY).asleep_until(300.0) == 600.0


def test_while_the_time_of_day_is_not_known_nothing_sleeps() -> None:
    assert DutyCycle(DUTY, 30.0, SCHOOL).asleep_until(300.0) is None
    forgetful = cycle(DUTY, "2026-11-23T20:00")
    forgetful.know(10.0, 0)
    assert forgetful.asleep_until(300.0) is None


@given(st.floats(0, 1e7), st.floats(1, 3600), st.floats(1, 3600), st.booleans())
def test_the_next_waking_is_ahead_and_within_one_round(now: float, every: float, measure: float, lessons: bool) -> None:
    until = cycle(DutySettings(every=every, measure=measure, in_school_hours=lessons), "2026-11-23T06:00").asleep_until(
        now
    )
    assert until is None or now < until <= now + every


def test_a_round_that_leaves_no_time_to_sleep_is_noticed() -> None:
    assert sleeps_enough(DUTY, 30.0)
    assert not sleeps_enough(DutySettings(every=120, measure=90), 30.0)


# -- hours -------------------------------------------------------------------------------------------------------------


def test_hours_and_last_words_survive_a_restart(tmp_path: Path) -> None:
    book = Book(tmp_path / "book.json")
    book.ran("sds011 A1B2", 5400)
    book.saw("school.blue", LastSeen("boot", 12.5, HERE, asleep=True))
    book.close()
    again = Book(tmp_path / "book.json")
    assert again.hours("sds011 A1B2") == 1.5
    assert again.seen("school.blue") == LastSeen("boot", 12.5, HERE, asleep=True)
    assert again.seen("school.red") is None


def finished(book: Book) -> None:
    if book._thread is not None:
        book._thread.join()


def test_a_kill_costs_less_than_ten_minutes_of_hours(tmp_path: Path) -> None:
    book = Book(tmp_path / "book.json")
    for second in range(0, 3600, 10):
        book.ran("x", 10)
        book.save_if_due(float(second))
        finished(book)
    # Never closed: what is in the file now is what a kill -9 leaves.
    assert 3600 - Book(tmp_path / "book.json").hours("x") * 3600 <= 600
    assert SAVE_EVERY_S <= 600


def test_falling_asleep_is_written_at_once(tmp_path: Path) -> None:
    book = Book(tmp_path / "book.json")
    book.saw("school.blue", LastSeen("boot", 1.0, HERE))
    book.save_if_due(1.0)
    finished(book)
    book.saw("school.blue", LastSeen("boot", 2.0, HERE, asleep=True))
    book.save_if_due(2.0)
    book.close()
    seen = Book(tmp_path / "book.json").seen("school.blue")
    assert seen is not None
    assert seen.asleep


@pytest.mark.parametrize("text", ["", "[]", "{", '{"ran_s": 3, "seen": {}}', '{"ran_s": {}, "seen": {"a": [1]}}', "\0"])
def test_a_damaged_book_begins_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "book.json").write_text(text)
    book = Book(tmp_path / "book.json")
    assert book.hours("x") == 0
    book.ran("x", 36)
    book.close()
    assert json.loads((tmp_path / "book.json").read_text("utf-8"))["ran_s"] == {"x": 36.0}


def test_a_book_that_cannot_be_written_costs_no_reading(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    book = Book(tmp_path / "file" / "book.json")
    book.ran("x", 36)
    book.close()
    assert book.hours("x") == 0.01


# -- pairs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "a", "b", "disagrees"),
    [
        ("pm25", 4.0, 9.0, False),
        ("pm25", 4.0, 9.1, True),  # 5 µg/m³ is not more than 5; 5.1 are 78 %
        ("pm25", 40.0, 60.0, False),
        ("pm25", 40.0, 84.0, True),  # 40 % and 71 %
        ("pm25", 0.0, 0.0, False),
        ("co2_ppm", 900.0, 1000.0, False),
        ("co2_ppm", 800.0, 1000.0, True),
    ],
)
def test_when_two_sensors_disagree(quantity: str, a: float, b: float, disagrees: bool) -> None:
    assert compare(quantity, a, b).disagrees is disagrees
    assert compare(quantity, b, a).disagrees is disagrees


def test_the_relative_difference_is_that_to_the_mean_of_both() -> None:
    it = compare("pm25", 10.0, 30.0)
    assert (it.difference, it.relative) == (20.0, 1.0)


def filled(pairs: Pairs, sensor: str, value: float, seconds: float, hour: int = 100) -> None:
    for index in range(int(seconds // 10)):
        pairs.add(sensor, hour * HOUR_MS + index * 10_000, 10.0, {"pm25": value})


def test_neighbours_are_compared_by_the_hour_that_has_ended() -> None:
    pairs = Pairs()
    for sensor, room in (("s.a", "blue"), ("s.b", "blue"), ("s.c", "red")):
        pairs.place(sensor, room)
        filled(pairs, sensor, {"s.a": 10.0, "s.b": 30.0, "s.c": 99.0}[sensor], 3600)
    assert pairs.agreement("s.a") is None
    for sensor in ("s.a", "s.b", "s.c"):
        filled(pairs, sensor, 1.0, 10, hour=101)
    other, it = pairs.agreement("s.a") or ("", None)
    assert other == "s.b"
    assert it is not None
    assert (it.mine, it.other, it.disagrees) == (10.0, 30.0, True)
    assert pairs.agreement("s.c") is None


def test_an_hour_with_less_than_three_quarters_says_nothing() -> None:
    pairs = Pairs()
    for sensor, seconds in (("s.a", 3600.0), ("s.b", COMPLETE_S - 10)):
        pairs.place(sensor, "blue")
        filled(pairs, sensor, 10.0, seconds)
        filled(pairs, sensor, 1.0, 10, hour=101)
    assert pairs.agreement("s.a") is None


def test_a_sensor_that_moves_takes_nothing_along() -> None:
    pairs = Pairs()
    for sensor in ("s.a", "s.b"):
        pairs.place(sensor, "blue")
        filled(pairs, sensor, 10.0, 3600)
        filled(pairs, sensor, 1.0, 10, hour=101)
    pairs.place("s.b", "red")
    assert pairs.agreement("s.a") is None
    pairs.remove("s.a")
    assert pairs.agreement("s.a") is None


# -- hints -------------------------------------------------------------------------------------------------------------


def frames_read_as(model: str, sent_as: str, values: dict[str, float], count: int) -> TypeHint:
    hint, driver = TypeHint(model), driver_for(model)
    for frame in driver.feed(driver_for(sent_as).encode(values) * count):
        hint.add(frame.values)
    return hint


AIR = {
    "pm1_cf1": 9.0,
    "pm25_cf1": 14.0,
    "pm10_cf1": 16.0,
    "pm1": 9.0,
    "pm25": 14.0,
    "pm10": 16.0,
    "n03": 1740.0,
    "n05": 510.0,
    "n1": 77.0,
    "n25": 8.0,
    "n5": 3.0,
    "n10": 1.0,
    "temp_c": 31.4,
    "rh_pct": 63.2,
}


@pytest.mark.parametrize(
    ("model", "sent_as", "suggests"),
    [
        ("pms5003", "pms5003t", "pms5003t"),
        ("pms7003", "pms5003t", "pms5003t"),
        ("pms5003t", "pms5003", "pms5003"),
        ("pms5003", "pms5003", ""),
        ("pms5003t", "pms5003t", ""),
    ],
)
def test_a_look_alike_is_noticed(model: str, sent_as: str, suggests: str) -> None:
    assert frames_read_as(model, sent_as, AIR, ENOUGH).suggests == suggests
    assert frames_read_as(model, sent_as, AIR, ENOUGH - 1).suggests == ""


def test_one_right_frame_clears_the_suspicion() -> None:
    hint = frames_read_as("pms5003", "pms5003t", AIR, ENOUGH)
    hint.add({"n25": 8.0, "n5": 3.0})
    assert hint.suggests == ""


def test_a_working_period_and_carbon_dioxide_below_air_are_noticed() -> None:
    assert has_working_period("stream, period 5 min")
    assert not has_working_period("stream")
    assert below_air(379.0)
    assert not below_air(381.0)
    assert not below_air(None)
    assert not below_air(math.inf)
