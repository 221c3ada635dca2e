"""The room's state: numbers and levels at every edge, ages to the second, gaps, filling, holding."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair import i18n
from classair.science import state
from classair.science.averages import Sample, day_mean, window_mean
from classair.science.state import Measure, RoomMemory, Sight, measure
from classair.wire import Current, PurifierState, RoomState

T0 = 1_790_000_000_000
MIN = 60_000


def samples(value: float, minutes: float, until: int = T0, every: int = 10_000, sensor: str = "a") -> list[Sample]:
    return [Sample(at, value, every, sensor) for at in range(until - round(minutes * MIN) + every, until + 1, every)]


def pm(mean: float | None, at: int = T0, left: int | None = None) -> Measure:
    return Measure(at, mean, left)


def look(memory: RoomMemory = RoomMemory(), now: int = T0, **sight: object) -> tuple[RoomState, RoomMemory]:
    return state.room_state(Sight("s.r", **sight), memory, now)  # type: ignore[arg-type]


# -- means -------------------------------------------------------------------------------------------------------------


def test_the_window_ends_at_the_newest_sample_and_not_at_the_clock() -> None:
    found = measure([*samples(50, 10, T0 - 15 * MIN), *samples(10, 15)], state.PM_WINDOW_MS)
    assert (found.newest_at, found.mean) == (T0, 10.0)


def test_completeness_is_by_covered_time_whatever_the_interval() -> None:
    history = samples(10, 10, T0 - 5 * MIN, every=60_000)
    live = samples(40, 5, T0, every=10_000)
    found = measure([*history, *live], state.PM_WINDOW_MS)
    assert found.mean == pytest.approx(20.0)  # ten minutes of 10 and five of 40, although there are more of the 40


def test_three_quarters_are_enough_and_a_sample_less_is_not() -> None:
    assert measure(samples(10, 11.25 + 1 / 6), state.PM_WINDOW_MS).mean == 10
    short = measure(samples(10, 11), state.PM_WINDOW_MS)
    assert short.mean is None and short.minutes_left == 1


def test_sensors_are_pooled_and_one_dead_of_two_does_not_silence_the_room() -> None:
    both = measure([*samples(10, 15, sensor="a"), *samples(30, 15, sensor="b")], state.PM_WINDOW_MS)
    assert both.mean == 20
    one = measure([*samples(10, 3, T0 - 12 * MIN, sensor="a"), *samples(30, 15, sensor="b")], state.PM_WINDOW_MS)
    assert one.mean is not None


@given(
    st.lists(
        st.tuples(st.integers(0, 900_000), st.floats(0, 500), st.sampled_from([1000, 10_000, 60_000])), max_size=80
    )
)
def test_a_mean_lies_between_its_samples_and_coverage_in_its_window(points: list[tuple[int, float, int]]) -> None:
    given_samples = [Sample(T0 - ago, value, every) for ago, value, every in points]
    found = window_mean(given_samples, T0 - state.PM_WINDOW_MS, T0)
    assert 0 <= found.covered_ms <= state.PM_WINDOW_MS
    if found.mean is not None:
        values = [sample.value for sample in given_samples]
        assert min(values) - 1e-6 <= found.mean <= max(values) + 1e-6
        assert found.covered_ms >= 0.75 * state.PM_WINDOW_MS


def test_a_day_needs_eighteen_hours_of_forty_five_minutes() -> None:
    full = [(T0 - m * MIN, 20.0) for m in range(1, 24 * 60 + 1)]
    assert day_mean(full, T0) == 20
    assert day_mean([p for p in full if (T0 - p[0]) // MIN <= 18 * 60], T0) == 20
    assert day_mean([p for p in full if (T0 - p[0]) // MIN <= 17 * 60], T0) is None
    assert day_mean([p for p in full if (T0 - 1 - p[0]) // MIN % 60 < 44], T0) is None


# -- numbers and levels ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown", "level"),
    [
        (18.4, "18", "good"),
        (18.5, "19", "good"),
        (25.2, "25.2", "moderate"),
        (24.96, "25", "good"),
        (25.04, "25", "good"),
        (25.05, "25.1", "moderate"),
        (37.5, "37.5", "moderate"),
        (37.4, "37", "moderate"),
        (37.6, "38", "starts_to_affect_health"),
        (15.4, "15.4", "good"),
        (14.6, "15", "very_good"),
        (75.3, "75.3", "affects_health"),
        (0.2, "0", "very_good"),
        (-3.0, "0", "very_good"),
        (None, "", "unknown"),
        (140.5, "141", "affects_health"),
    ],
)
def test_dust_is_written_whole_unless_that_would_tell_another_level(
    value: float | None, shown: str, level: str
) -> None:
    assert (state.pm25_shown(value), state.pm25_level(value)) == (shown, level)


@given(st.floats(-9, 900))
def test_the_number_on_the_wall_always_tells_the_same_level_as_the_value(value: float) -> None:
    assert state.pm25_level(float(state.pm25_shown(value))) == state.pm25_level(value)
    ppm = value * 10 + 100
    assert state.co2_level(float(state.co2_shown(ppm))) == state.co2_level(ppm)


@pytest.mark.parametrize(
    ("value", "shown", "level"),
    [
        (874.0, "870", "fresh"),
        (875.0, "880", "fresh"),
        (1000.0, "1000", "fresh"),
        (1000.04, "1000", "fresh"),
        (1000.4, "1000.4", "stuffy_soon"),
        (1004.0, "1004", "stuffy_soon"),
        (1500.0, "1500", "stuffy_soon"),
        (1501.0, "1501", "stuffy"),
        (2000.0, "2000", "stuffy"),
        (2001.0, "2001", "very_stuffy"),
        (None, "", "unknown"),
    ],
)
def test_co2_is_written_to_ten_ppm_unless_that_would_tell_another_level(
    value: float | None, shown: str, level: str
) -> None:
    assert (state.co2_shown(value), state.co2_level(value)) == (shown, level)


# -- age ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age_ms", "status"),
    [
        (0, "ok"),
        (179_999, "ok"),
        (180_000, "late"),
        (899_999, "late"),
        (900_000, "unknown"),
        (86_400_000, "unknown"),
    ],
)
def test_late_at_three_and_unknown_at_fifteen_minutes_on_the_second(age_ms: int, status: str) -> None:
    _, memory = look(pm25=pm(18.0))
    told, _ = look(memory, T0 + age_ms, pm25=pm(18.0))
    now = told.pm25
    assert now.status == status
    if status == "unknown":
        assert (now.value, now.shown, now.level, told.rule) == (None, "", "unknown", "0")
        assert (now.last_shown, now.last_at) == ("18", T0)
    else:
        assert (now.value, now.shown, now.late_at, now.unknown_at) == (18.0, "18", T0 + 180_000, T0 + 900_000)


def test_after_a_long_gap_the_room_fills_and_says_for_how_long() -> None:
    _, memory = look(pm25=pm(18.0))
    back = T0 + 40 * MIN
    seen = measure([*samples(18, 15), *samples(30, 2, back)], state.PM_WINDOW_MS)
    told, memory = look(memory, back, pm25=seen)
    assert told.pm25.status == "filling" and told.pm25.minutes_left == 10 and told.pm25.last_shown == "18"
    assert told.texts["en"]["ok"].reason == i18n.t("en", "reason.filling", n=10)
    # Once nobody keeps it up, nothing is promised.
    assert told.texts["en"]["unknown"].reason == i18n.t("en", "reason.silent_flag")
    assert told.texts["th"]["ok"].reason == i18n.t("th", "reason.filling", n=10)
    later = back + 10 * MIN
    told, _ = look(memory, later, pm25=measure(samples(30, 12, later), state.PM_WINDOW_MS))
    assert (told.pm25.status, told.pm25.shown) == ("ok", "30")


def test_a_short_gap_leaves_the_last_complete_value_growing_old() -> None:
    _, memory = look(pm25=pm(18.0))
    back = T0 + 8 * MIN
    told, _ = look(memory, back, pm25=measure([*samples(18, 15), *samples(30, 1, back)], state.PM_WINDOW_MS))
    assert (told.pm25.status, told.pm25.shown) == ("late", "18")


def test_a_warming_sensor_says_so() -> None:
    told, _ = look(warming=MappingProxyType({"co2_ppm": T0 + 14 * MIN + 1}), pm25=pm(10.0))
    assert (told.co2.status, told.co2.minutes_left) == ("warming_up", 15)


def test_nothing_that_measures_is_not_the_same_as_unknown() -> None:
    told, _ = look(expects=frozenset({"pm25"}), pm25=pm(10.0))
    assert told.co2.status == "none" and told.outdoor.status == "none"


# -- holding a level ---------------------------------------------------------------------------------------------------


def walk(memory: RoomMemory, *values: float, start: int = T0, step: int = MIN) -> tuple[RoomState, RoomMemory]:
    told = None
    for index, value in enumerate(values):
        told, memory = look(memory, start + index * step, pm25=pm(value, start + index * step))
    assert told is not None
    return told, memory


def test_a_level_of_one_step_waits_five_minutes_while_the_number_moves() -> None:
    told, memory = walk(RoomMemory(), 24.0, 26.0, 26.0, 26.0, 26.0, 26.0)
    assert (told.pm25.level, told.pm25.shown) == ("good", "26")
    told, _ = walk(memory, 26.0, start=T0 + 6 * MIN)
    assert told.pm25.level == "moderate"
    assert told.texts["en"]["ok"].level == "Moderate"


def test_a_value_that_returns_in_time_never_changed_its_level() -> None:
    told, _ = walk(RoomMemory(), 24.0, 26.0, 26.0, 24.0, 26.0, 26.0, 26.0, 26.0)
    assert told.pm25.level == "good"


def test_a_step_of_two_levels_is_shown_at_once() -> None:
    told, _ = walk(RoomMemory(), 10.0, 60.0)
    assert told.pm25.level == "starts_to_affect_health"


def test_after_unknown_a_level_is_shown_at_once() -> None:
    _, memory = walk(RoomMemory(), 24.0)
    told, _ = walk(memory, 26.0, start=T0 + 20 * MIN)
    assert told.pm25.level == "moderate"


# -- advice ------------------------------------------------------------------------------------------------------------


def outdoors(value: float) -> Current:
    return Current(status="ok", value=value, shown=str(value), level=state.pm25_level(value))


ALL = frozenset({"purifier", "openings", "clean_room"})


def test_the_state_carries_the_words_of_all_three_phases_in_both_languages() -> None:
    runs = PurifierState(purifier="s.f", room="s.r", on=True, since=T0, at=T0)
    told, _ = look(pm25=pm(18.0), outdoor=outdoors(46.0), play_level=4, has=ALL, purifiers=(runs,))
    assert told.rule == "13"
    assert set(told.texts) == {"th", "en"} and set(told.texts["th"]) == {"ok", "late", "unknown", "no_outdoor"}
    ok = told.texts["th"]["ok"]
    assert ok.action == "‹ปิดหน้าต่างไว้› ‹เปิดเครื่องฟอกต่อไป›"
    assert ok.reason == i18n.t("th", "outdoor_play.none") and ok.level == "ดี"
    unknown = told.texts["en"]["unknown"]
    assert unknown.rule == "0a" and "{minutes}" in unknown.reason and "caretaker" not in unknown.reason


def test_the_caretaker_was_told_is_said_only_when_it_is_true() -> None:
    told, _ = look(told_at=T0, pm25=Measure())
    assert told.texts["en"]["unknown"].reason == i18n.t("en", "reason.silent_told_flag")
    assert "caretaker has been notified" in told.texts["en"]["unknown"].reason


def test_co2_must_stay_above_its_limit_for_twenty_minutes() -> None:
    memory = RoomMemory()

    def minutes(values: list[float], start: int) -> list[str]:
        nonlocal memory
        rules = []
        for minute, value in enumerate(values, start):
            now = T0 + minute * MIN
            told, memory = look(
                memory,
                now,
                pm25=pm(10.0, now),
                co2=Measure(now, value),
                outdoor=outdoors(20),
                has=frozenset({"openings"}),
            )
            rules.append(told.rule)
        return rules

    # Above 1,000 counts at once; above 1,500 after twenty minutes, and the row before it is held for five.
    assert minutes([1600.0] * 30, 0) == ["11"] * 25 + ["8"] * 5
    assert minutes([900.0] * 6, 30) == ["8"] * 5 + ["15"]
    assert minutes([1600.0] * 25, 36) == ["11"] * 25


def test_a_purifier_that_does_not_help_sends_people_to_windows_and_filter() -> None:
    unit = PurifierState(purifier="s.f", room="s.r", on=True, since=T0 - 60 * MIN, at=T0)
    memory = RoomMemory()
    for minute in range(-40, 1):
        now = T0 + minute * MIN
        told, memory = look(memory, now, pm25=pm(50.0, now), outdoor=outdoors(60), has=ALL, purifiers=(unit,))
    assert told.rule == "5"
    falling = RoomMemory()
    for minute in range(-40, 1):
        now = T0 + minute * MIN
        told, falling = look(
            falling, now, pm25=pm(50.0 - minute, now), outdoor=outdoors(60), has=ALL, purifiers=(unit,)
        )
    assert told.rule == "7"


def test_a_room_outdoors_says_what_playing_there_is_like() -> None:
    told, _ = look(pm25=pm(50.0), is_outdoor=True, play_level=4)
    assert told.texts["en"]["ok"].action == i18n.t("en", "outdoor_play.none")
