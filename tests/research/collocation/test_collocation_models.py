"""Models on unseen days, Deming's regression, units beside each other, prediction intervals, the range of humidity."""

from __future__ import annotations

import math
import random
import shutil
import subprocess
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from classair.science.corrections import as_record, of_record
from classair.units import DAY_MS, HOUR_MS
from research.collocation.agreement import Pair
from research.collocation.calibration import MODELS, calibrate, unseen
from research.collocation.least_squares import Undetermined
from research.collocation.models import COMPARED, best, by_unit, deming, judged, prediction
from research.collocation.plot import svg

MIDNIGHT = 20_000 * DAY_MS - 7 * HOUR_MS  # in Bangkok, 4 October 2024


def hours_of(days: int, seed: int = 1, gain: float = 1.6, rh_effect: float = 0.0, wet_gain: float = 0.0) -> list[Pair]:
    """Hours beside a reference; from November on the gain is as said, before it `wet_gain` more."""
    chance, found = random.Random(seed), []
    for hour in range(days * 24):
        reference = 25 + 15 * math.sin(hour / 17) + chance.gauss(0, 4)
        rh = 65 + 20 * math.sin(hour / 24 * 2 * math.pi) + chance.gauss(0, 3)
        wet = wet_gain if hour < 28 * 24 else 0.0
        sensor = (gain + wet) * reference + 3 + rh_effect * (rh - 65) + chance.gauss(0, 2)
        found.append(Pair(MIDNIGHT + hour * HOUR_MS, reference, sensor, rh, 28 + chance.gauss(0, 2)))
    return found


def pick(seed: int = 1) -> Any:
    return random.Random(seed).randrange


# -- models ------------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
def test_models_are_judged_on_the_same_hours_and_the_one_that_holds_is_chosen() -> None:
    for found, right in (
        (hours_of(50), "linear"),
        (hours_of(50, rh_effect=0.4), "linear_rh"),
        (hours_of(56, wet_gain=0.5), "linear_season"),
        (hours_of(56, rh_effect=0.4, wet_gain=0.5), "linear_rh_season"),
    ):
        told = judged(found)
        assert [one.model for one in told] == ["raw", *COMPARED]
        assert {one.quality.n for one in told if one.quality} == {len(found)}
        assert best(told) == right


def test_a_model_that_the_data_do_not_determine_says_why_and_leaves_the_hours_to_the_others() -> None:
    dry = [replace(pair, rh=math.nan) for pair in hours_of(10)]
    told = {one.model: one for one in judged(dry)}
    assert "linear_rh needs" not in told["linear"].why and told["linear"].quality is not None
    assert told["linear"].quality.n == 240 and told["linear_rh"].quality is None
    assert "0 of 240 hours" in told["linear_rh"].why
    assert told["linear_season"].why == "all hours are of one season"
    assert best(judged([])) is None


@pytest.mark.parametrize("model", COMPARED)
def test_an_unseen_day_has_no_part_in_its_own_estimates(model: str) -> None:
    pairs = hours_of(56)
    day = pairs[30 * 24].day
    other = [replace(pair, reference=pair.reference * 7) if pair.day == day else pair for pair in pairs]
    before, after = ({one.start: one for one in unseen(these, COMPARED[model])} for these in (pairs, other))
    for pair in pairs:
        if pair.day == day:
            assert after[pair.start].estimate == pytest.approx(before[pair.start].estimate, rel=1e-9)
    assert any(abs(after[start].estimate - one.estimate) > 0.01 for start, one in before.items())


# -- Deming ------------------------------------------------------------------------------------------------------------


def of_points(points: list[tuple[float, float]]) -> list[Pair]:
    return [Pair(MIDNIGHT + place * HOUR_MS, x, y) for place, (x, y) in enumerate(points)]


def by_svd(points: list[tuple[float, float]], ratio: float) -> tuple[float, float]:
    """Orthogonal regression of (x, y/√ratio) by singular values."""
    x, y = (np.array(column) for column in zip(*points, strict=True))
    scaled = y / math.sqrt(ratio)
    _, _, axes = np.linalg.svd(np.column_stack([x - x.mean(), scaled - scaled.mean()]), full_matrices=False)
    slope = float(axes[0, 1] / axes[0, 0] * math.sqrt(ratio))
    return slope, float(y.mean() - slope * x.mean())


@given(
    points=some.lists(some.tuples(some.floats(-50, 150), some.floats(-50, 150)), min_size=4, max_size=60),
    ratio=some.floats(0.05, 20),
)
def test_deming_is_orthogonal_regression_of_scaled_values(points: list[tuple[float, float]], ratio: float) -> None:
    x, y = (np.array(column) for column in zip(*points, strict=True))
    assume(x.std() > 0.5 and y.std() > 0.5 and abs(np.corrcoef(x, y)[0, 1]) > 0.05)
    found = deming(of_points(points), pick(), ratio, draws=0)
    assert (found.slope, found.intercept) == pytest.approx(by_svd(points, ratio), rel=1e-5, abs=1e-5)
    turned = deming(of_points([(b, a) for a, b in points]), pick(), 1 / ratio, draws=0)
    assert found.slope * turned.slope == pytest.approx(1.0, rel=1e-5)


def test_deming_by_hand_and_an_exact_line() -> None:
    found = deming(of_points([(0, 0), (1, 2), (2, 1), (3, 3)]), pick(), draws=0)
    assert (found.slope, found.intercept) == (pytest.approx(1.0), pytest.approx(0.0))
    line = deming(of_points([(float(k), 1.7 * k - 4) for k in range(9)]), pick(), 3.0, draws=0)
    assert (line.slope, line.intercept) == (pytest.approx(1.7), pytest.approx(-4.0))
    for points in ([], [(1.0, 2.0)], [(float(k), 5.0) for k in range(9)], [(5.0, float(k)) for k in range(9)]):
        with pytest.raises(Undetermined):
            deming(of_points(points), pick())


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_deming_is_the_first_principal_component_of_r() -> None:
    points = [(pair.reference, pair.sensor) for pair in hours_of(4)]
    columns = [",".join(map(repr, column)) for column in zip(*points, strict=True)]
    code = f"p <- prcomp(cbind(c({columns[0]}), c({columns[1]})))$rotation; cat(format(p[2,1]/p[1,1], digits=15))"
    told = subprocess.run(["Rscript", "-"], input=code, capture_output=True, text=True, check=True).stdout
    assert deming(of_points(points), pick(), draws=0).slope == pytest.approx(float(told), rel=1e-9)


def test_errors_of_the_reference_do_not_flatten_the_line() -> None:
    chance = random.Random(5)
    pairs = []
    for pair in hours_of(40):
        noisy = pair.reference + chance.gauss(0, 6)
        pairs.append(replace(pair, reference=noisy, sensor=1.6 * pair.reference + 3 + chance.gauss(0, 6)))
    found = deming(pairs, pick())
    (low, high), _ = found.intervals
    assert found.slope == pytest.approx(1.6, abs=0.06) and low < 1.6 < high


# -- units, prediction, humidity ---------------------------------------------------------------------------------------


@pytest.mark.thorough
def test_units_alike_are_told_to_be_alike_and_another_one_is_not() -> None:
    units = {"s.a": hours_of(40, 1), "s.b": hours_of(40, 2), "s.c": hours_of(40, 3, gain=2.4), "s.d": hours_of(2)}
    alike = {key: units[key] for key in ("s.a", "s.b")}
    for these, differ in ((alike, [False, False]), (units, [True, True, True, False])):
        pooled = calibrate([pair for one in these.values() for pair in one], "linear", pick())
        found = by_unit(these, pooled, pick())
        assert [one.differs for one in found] == differ
        for one in found:
            assert (one.fit is None) == (one.sensor == "s.d") == bool(one.why)
            if one.fit:
                assert one.fit.coefficients == calibrate(these[one.sensor], "linear", pick()).coefficients


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_holds_the_reference_of_days_that_come_later(seed: int) -> None:
    fit = calibrate(hours_of(40, seed), "linear", pick())
    band = prediction(fit.held)
    assert 0.92 <= band.coverage <= 0.98
    correction = fit.correction("x", 0)
    later = [(pair, correction.correct(pair.sensor).value) for pair in hours_of(60, seed + 100)]
    inside = [value + band.low <= pair.reference <= value + band.high for pair, value in later if value is not None]
    assert 0.92 <= sum(inside) / len(inside) <= 0.98


@pytest.mark.parametrize("model", MODELS)
def test_a_fit_that_uses_humidity_gives_nothing_at_humidity_it_has_not_seen(model: str) -> None:
    pairs = hours_of(20)
    fit = calibrate(pairs, model, pick())
    low, high = min(pair.rh for pair in pairs), min(100.0, max(pair.rh for pair in pairs))
    assert fit.humidity == (low, high)
    correction = of_record(as_record(fit.correction("x", 0, sensors=("s.a",))))
    uses = model != "linear"
    for rh, there in ((low, True), (high, True), (low - 0.01, not uses), (high + 0.01, not uses), (150.0, not uses)):
        told = correction.correct(50.0, rh, 28.0)
        assert (told.value is not None, told.why) == (there, "" if there else "out_of_range"), rh


# -- the picture -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "word"), [("en", "Corrected, on unseen days"), ("th", "ค่าที่ปรับแก้แล้ว")])
@pytest.mark.parametrize("dry", [False, True])
def test_the_picture_is_svg_with_both_clouds_in_both_languages(language: str, word: str, dry: bool) -> None:
    pairs = [replace(pair, rh=math.nan) if dry else pair for pair in hours_of(6)]
    fit = calibrate(pairs, "linear", pick())
    drawn = svg(fit, prediction(fit.held), language, "s.<a>", simulated=True)
    tree = ElementTree.fromstring(drawn)
    texts = "".join(tree.itertext())
    assert word in texts and "s.<a>" in texts and "nan" not in drawn
    assert [drawn.count(f'stroke="{colour}"') for colour in ("#8a6d3b", "#0b6aa2")] == [1, 2]
