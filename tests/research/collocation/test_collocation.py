"""Collocation: pairs, agreement and targets, fits against exact oracles, held-out days, and what would change."""

from __future__ import annotations

import math
import random
from fractions import Fraction as F
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from classair.science.corrections import NONE, Correction, Corrections
from classair.science.indexes.known import DEFAULT
from classair.units import DAY_MS, HOUR_MS
from research.collocation.agreement import (
    Agreement,
    HourMean,
    Pair,
    Sampled,
    agreement,
    daily,
    hourly,
    local_day,
    pairs,
    targets,
)
from research.collocation.calibration import MODELS, calibrate, quality
from research.collocation.differences import SensorHour, differences
from research.collocation.least_squares import Undetermined, least_squares

MIDNIGHT = 20_000 * DAY_MS - 7 * HOUR_MS  # in Bangkok


def hours_of(days: int, seed: int = 1, noise: float = 2.0, rh_effect: float = 0.0) -> list[Pair]:
    """A sensor that reads 1.6 times the reference and 3 more."""
    chance = random.Random(seed)
    found = []
    for hour in range(days * 24):
        reference = 25 + 15 * math.sin(hour / 17) + chance.gauss(0, 4)
        rh = 65 + 20 * math.sin(hour / 24 * 2 * math.pi) + chance.gauss(0, 3)
        sensor = 1.6 * reference + 3 + rh_effect * (rh - 65) + chance.gauss(0, noise)
        found.append(Pair(MIDNIGHT + hour * HOUR_MS, reference, sensor, rh, 28 + chance.gauss(0, 2)))
    return found


def pick(seed: int = 1) -> Any:
    return random.Random(seed).randrange


# -- hours and pairs ---------------------------------------------------------------------------------------------------


def test_an_hour_needs_three_quarters_of_its_time() -> None:
    def hour(minutes: int) -> dict[int, HourMean]:
        return hourly(Sampled((k + 1) * 60_000, 60_000, 10.0 + k % 2, 60.0) for k in range(minutes))

    assert hour(44) == {}
    assert hour(46)[0] == HourMean(0, 10.5, 60.0, pytest.approx(math.nan, nan_ok=True))


def test_a_value_at_the_full_hour_belongs_to_the_hour_that_ends() -> None:
    assert list(hourly([Sampled(HOUR_MS, HOUR_MS, 5.0)])) == [0]


def test_humidity_that_was_there_for_half_the_hour_is_not_known() -> None:
    found = hourly(Sampled((k + 1) * 60_000, 60_000, 10.0, 60.0 if k < 30 else math.nan) for k in range(60))
    assert math.isnan(found[0].rh) and found[0].value == 10.0


def test_pairs_are_hours_that_both_have() -> None:
    sensor = {0: HourMean(0, 5.0), HOUR_MS: HourMean(HOUR_MS, 6.0)}
    assert [(one.start, one.reference, one.sensor) for one in pairs({HOUR_MS: 4.0, 2 * HOUR_MS: 1.0}, sensor)] == [
        (HOUR_MS, 4.0, 6.0)
    ]
    assert pairs({0: math.nan}, sensor) == []


def test_days_are_local_and_need_eighteen_hours() -> None:
    whole = hours_of(2)
    assert [one.start for one in daily(whole)] == [MIDNIGHT, MIDNIGHT + DAY_MS]
    assert len(daily(whole[:18])) == 1 and daily(whole[:17]) == []
    assert local_day(MIDNIGHT) == 20_000 and local_day(MIDNIGHT - 1) == 19_999


# -- agreement ---------------------------------------------------------------------------------------------------------


def test_agreement_by_hand() -> None:
    two = {"a": [Pair(0, 10.0, 12.0), Pair(1, 20.0, 22.0)], "b": [Pair(0, 10.0, 14.0), Pair(1, 20.0, 28.0)]}
    found = agreement(two)
    assert found.n == 4
    assert found.rmse == pytest.approx(math.sqrt((4 + 4 + 16 + 64) / 4))
    assert found.nrmse == pytest.approx(100 * found.rmse / 15)
    assert found.mbe == pytest.approx(4.0)
    assert (found.slope, found.intercept) == (pytest.approx(1.2), pytest.approx(1.0))
    # Means of both units are 13 and 25; squares 1 + 1 + 9 + 9 over N·M − 1 = 3.
    assert found.sd == pytest.approx(math.sqrt(20 / 3)) and found.cv == pytest.approx(100 * found.sd / 19)


def test_one_unit_has_no_precision_and_no_pairs_say_nothing() -> None:
    assert math.isnan(agreement({"a": hours_of(1)}).sd)
    assert agreement({"a": []}) == Agreement(0) or agreement({"a": []}).n == 0
    assert [one.met for one in targets(agreement({"a": []}))] == [None] * 5
    same = agreement({"a": [Pair(k, 5.0, 6.0) for k in range(9)]})
    assert math.isnan(same.slope) and math.isnan(same.r2) and same.mbe == 1.0


def test_targets_are_met_at_their_edge_and_not_beyond() -> None:
    met = Agreement(9, 1.35, -5.0, 0.70, 9.0, 30.0, 0.0, 6.0, 30.0)
    assert [one.met for one in targets(met)] == [True] * 5
    missed = Agreement(9, 1.36, -5.1, 0.69, 7.1, 30.1, 0.0, 5.1, 30.1)
    assert [one.met for one in targets(missed)] == [False] * 5
    assert [one.met for one in targets(missed, "pm10")] == [False, True, False, True, False]


# -- least squares against fractions -----------------------------------------------------------------------------------


def exact_fit(rows: list[tuple[float, ...]]) -> list[F]:
    """Normal equations, solved in fractions."""
    x = [[*(F(v) for v in row[:-1]), F(1)] for row in rows]
    y = [F(row[-1]) for row in rows]
    width = len(x[0])
    a = [
        [sum((r[i] * r[j] for r in x), F(0)) for j in range(width)]
        + [sum((r[i] * v for r, v in zip(x, y, strict=True)), F(0))]
        for i in range(width)
    ]
    for i in range(width):
        pivot = next(k for k in range(i, width) if a[k][i] != 0)
        a[i], a[pivot] = a[pivot], a[i]
        a[i] = [v / a[i][i] for v in a[i]]
        for k in range(width):
            if k != i:
                a[k] = [u - a[k][i] * v for u, v in zip(a[k], a[i], strict=True)]
    return [row[width] for row in a]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_fits_equal_exact_fractions(model: str, offset: float) -> None:
    rows = [(pair.sensor + offset, pair.rh, pair.temp_c, pair.reference) for pair in hours_of(3, rh_effect=0.2)]
    width = len(MODELS[model])
    cut = [(*row[:width], row[-1]) for row in rows]
    for ours, right in zip(least_squares(cut), exact_fit(cut), strict=True):
        assert ours == pytest.approx(float(right), rel=1e-9 if not offset else 1e-6)


@given(st.floats(-3, 3), st.floats(-20, 20), st.lists(st.integers(0, 5000), min_size=4, max_size=40))
def test_an_exact_line_is_found(slope: float, intercept: float, xs: list[int]) -> None:
    assume(len(set(xs)) > 1)
    found = least_squares([(x / 10, slope * x / 10 + intercept) for x in xs])
    assert found == pytest.approx((slope, intercept), abs=1e-7)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [(1.0, 2.0)],
        [(1.0, 2.0), (2.0, 3.0)],
        [(5.0, float(k)) for k in range(9)],
        [(float(k), 2.0 * k, float(k)) for k in range(9)],
    ],
)
def test_what_cannot_be_determined_is_said(rows: list[tuple[float, ...]]) -> None:
    with pytest.raises(Undetermined):
        least_squares(rows)


# -- calibration -------------------------------------------------------------------------------------------------------


def test_the_relation_is_found_with_an_interval_around_it() -> None:
    fit = calibrate(hours_of(30), "linear", pick())
    assert fit.coefficients["slope"] == pytest.approx(1 / 1.6, rel=0.03)
    low, high = fit.intervals["slope"]
    assert low < fit.coefficients["slope"] < high and high - low < 0.03
    assert fit.validated.rmse < 2 and fit.validated.rmse < fit.uncorrected.rmse / 5
    assert (fit.n, fit.days, len(fit.held)) == (720, 30, 720)
    assert calibrate(hours_of(30), "linear", pick()) == fit


def test_every_hour_is_estimated_by_a_fit_that_has_not_seen_its_day() -> None:
    hours = hours_of(12, noise=3.0)
    fit = calibrate(hours, "linear", pick(), draws=10)
    by_start = {one.start: one for one in fit.held}
    assert sorted(by_start) == [pair.start for pair in hours]
    days = sorted({pair.day for pair in hours})
    block = days[:1]  # the first of ten blocks of twelve days is one day
    others = [(pair.sensor, pair.reference) for pair in hours if pair.day not in block]
    slope, intercept = np.polyfit(*np.array(others).T, 1)
    for pair in hours:
        if pair.day in block:
            assert by_start[pair.start].estimate == pytest.approx(slope * pair.sensor + intercept, rel=1e-9)


def test_a_day_unlike_all_others_shows_in_validation_and_not_in_the_fit() -> None:
    hours = hours_of(10, noise=0.5)
    strange = [
        Pair(one.start, one.reference, one.sensor * 3, one.rh, one.temp_c) if one.day == hours[0].day else one
        for one in hours
    ]
    fit = calibrate(strange, "linear", pick(), draws=50)
    assert fit.validated.rmse > fit.fitted.rmse * 1.2


def test_humidity_helps_where_it_matters() -> None:
    wet = hours_of(30, rh_effect=0.5)
    assert calibrate(wet, "linear_rh", pick()).validated.rmse < 0.5 * calibrate(wet, "linear", pick()).validated.rmse


def test_a_fit_becomes_the_correction_that_gives_its_estimates() -> None:
    hours = hours_of(20, rh_effect=0.3)
    for model in MODELS:
        fit = calibrate(hours, model, pick(), draws=20)
        correction = fit.correction("x", 5, author="a", data_set="d")
        estimates = [correction.correct(pair.sensor, pair.rh, pair.temp_c).value for pair in hours]
        assert None not in estimates
        again = quality([pair.reference for pair in hours], [value for value in estimates if value is not None])
        assert again.rmse == pytest.approx(fit.fitted.rmse, rel=1e-9)
        assert correction.correct(fit.high + 0.1, 60.0, 28.0).why == "out_of_range"


@pytest.mark.parametrize(
    ("hours", "model"),
    [
        ([], "linear"),
        (hours_of(2), "linear"),
        ([Pair(p.start, p.reference, 5.0) for p in hours_of(5)], "linear"),
        ([Pair(p.start, p.reference, p.sensor) for p in hours_of(5)], "linear_rh"),
    ],
)
def test_too_little_is_said_to_be_too_little(hours: list[Pair], model: str) -> None:
    with pytest.raises(Undetermined):
        calibrate(hours, model, pick())


# -- what would change -------------------------------------------------------------------------------------------------


def day_of(
    value: float, hours: int = 24, room: str = "north.a", sensor: str = "north.a-pm", day: int = 0, rh: float = 60.0
) -> list[SensorHour]:
    return [
        SensorHour(room, sensor, "pms5003t", {"pm25": HourMean(start, value, rh)})
        for start in range(MIDNIGHT + day * DAY_MS, MIDNIGHT + day * DAY_MS + hours * HOUR_MS, HOUR_MS)
    ]


HALF = Correction(
    "half",
    1,
    "linear",
    {"slope": 0.5, "intercept": 0.0},
    valid_from=MIDNIGHT + DAY_MS,
    sensors=("north.a-pm",),
    accepted_at=1,
)


def test_only_rooms_and_days_from_the_date_on_change() -> None:
    hours = [*day_of(60.0), *day_of(60.0, day=1), *day_of(60.0, day=1, room="north.b", sensor="north.b-pm")]
    found = differences(hours, Corrections(), Corrections((HALF,)), DEFAULT)
    assert [(one.room, one.day, one.before.mean, one.after.mean, one.level_changes, one.hours) for one in found] == [
        ("north.a", 20_001, 60.0, 30.0, True, 24)
    ]


def test_a_changed_number_in_the_same_level_is_told_as_such() -> None:
    (found,) = differences(day_of(10.0, day=1), Corrections(), Corrections((HALF,)), DEFAULT)
    assert (found.before.mean, found.after.mean, found.level_changes, found.hours) == (10.0, 5.0, False, 0)


def test_hours_that_lose_their_value_are_a_change() -> None:
    wet = Correction("wet", 1, "linear_rh", {"slope": 0.5, "intercept": 0.0, "rh": 0.0}, accepted_at=1)
    (found,) = differences(day_of(10.0, rh=math.nan), Corrections(), Corrections((wet,)), DEFAULT)
    assert (found.before.level, found.after.level, found.after.hours, found.hours) == ("very_good", None, 0, 24)


def test_a_day_of_seventeen_hours_has_no_level_in_either_state() -> None:
    (found,) = differences(day_of(60.0, hours=17, day=1), Corrections(), Corrections((HALF,)), DEFAULT)
    assert (found.before.level, found.after.level, found.hours) == (None, None, 17)


def test_a_room_s_sensors_are_pooled_and_nothing_changes_without_a_correction() -> None:
    hours = [*day_of(60.0, day=1), *day_of(20.0, day=1, sensor="north.a2-pm")]
    (found,) = differences(hours, Corrections(), Corrections((HALF,)), DEFAULT)
    assert (found.before.mean, found.after.mean) == (40.0, 25.0)
    assert differences(hours, Corrections(), Corrections((NONE,)), DEFAULT) == []
