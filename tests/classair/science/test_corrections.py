"""Corrections of PM2.5: worked examples, missing humidity, and which one is in force."""

from __future__ import annotations

import itertools
import json
import math

import pytest

from classair.science.corrections import (
    NONE,
    PUBLISHED,
    Correction,
    Corrections,
    as_record,
    faults,
    of_record,
)

KOHLER = Correction("k", 1, "kohler", {"kappa": 0.1})
LINEAR = Correction("l", 1, "linear", {"slope": 0.61, "intercept": 1.7}, low=0.0, high=180.0)
WITH_RH = Correction("h", 1, "linear_rh", {"slope": 0.61, "intercept": 1.7, "rh": -0.03})
WITH_BOTH = Correction("t", 1, "linear_rh_temp", {"slope": 0.61, "intercept": 1.7, "rh": -0.03, "temp": 0.11})
EVERY = [*PUBLISHED.values(), KOHLER, LINEAR, WITH_RH, WITH_BOTH]
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("correction", "x", "rh", "value"),
    [
        (PUBLISHED["barkjohn2021_cf1"], 40.0, 60.0, 21.538),
        (PUBLISHED["epa_fasm2020_cf1"], 20.0, 50.0, 11.85),
        (PUBLISHED["epa_fasm2020_cf1"], 343.0, 50.0, 179.81),
        (PUBLISHED["epa_fasm2020_cf1"], 500.0, 50.0, 331.22),
        (PUBLISHED["epa2021_atm"], 40.0, 60.0, 26.778),
        (PUBLISHED["epa2021_atm"], 100.0, 50.0, 80.04),
        (PUBLISHED["nilson2022_m2_cf1"], 60.0, 50.0, 48.387),
        (KOHLER, 80.0, 80.0, 64.390),
    ],
)
def test_worked_examples(correction: Correction, x: float, rh: float, value: float) -> None:
    assert correction.correct(x, rh).value == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize("edge", [30.0, 50.0, 210.0, 260.0])
def test_epa2021_is_continuous_where_its_branches_meet(edge: float) -> None:
    epa = PUBLISHED["epa2021_atm"]
    below, at = epa.correct(math.nextafter(edge, 0), 55.0).value, epa.correct(edge, 55.0).value
    # At 260 humidity is already without weight, at 210 the square is: what is left is the rounding of coefficients.
    assert below is not None and at is not None and abs(below - at) < 1e-6


def test_the_last_branch_of_epa2021_is_not_the_misprint_that_circulates() -> None:
    assert PUBLISHED["epa2021_atm"].correct(300.0).value == pytest.approx(2.966 + 0.69 * 300 + 0.000884 * 90_000)


def test_the_fire_and_smoke_map_of_2020_jumps_where_its_branches_meet_as_published() -> None:
    fasm = PUBLISHED["epa_fasm2020_cf1"]
    below, above = fasm.correct(343.0, 50.0).value, fasm.correct(math.nextafter(343.0, math.inf), 50.0).value
    assert below is not None and above is not None and above - below == pytest.approx(27.18, abs=0.01)
    assert fasm.correct(343.0).why == "no_humidity"
    assert fasm.correct(500.0, 10.0) == fasm.correct(500.0, 90.0) == fasm.correct(500.0)


def test_published_formulas_for_cf1_take_cf1_of_plantower_sensors_alone() -> None:
    for key in ("epa_fasm2020_cf1", "barkjohn2021_cf1", "nilson2022_m2_cf1"):
        assert PUBLISHED[key].input == "pm25_cf1" and PUBLISHED[key].how.plantower
        assert any("pm25_cf1" in line for line in faults(Correction("x", 1, key, author="a", models=("pms5003",))))


@pytest.mark.parametrize("correction", [one for one in EVERY if one.how.needs_rh_below], ids=lambda one: one.id)
@pytest.mark.parametrize("rh", [None, math.nan, math.inf])
def test_without_humidity_there_is_no_corrected_value(correction: Correction, rh: float | None) -> None:
    found = correction.correct(40.0, rh, 25.0)
    assert (found.value, found.why) == (None, "no_humidity")


def test_the_branch_that_does_not_use_humidity_does_not_need_it() -> None:
    assert PUBLISHED["epa2021_atm"].correct(260.0).value is not None
    assert PUBLISHED["epa2021_atm"].correct(math.nextafter(260.0, 0)).why == "no_humidity"
    assert LINEAR.correct(20.0).value == pytest.approx(13.9)


def test_humidity_is_clamped_and_results_are_not() -> None:
    barkjohn = PUBLISHED["barkjohn2021_cf1"]
    assert barkjohn.correct(10.0, 130.0) == barkjohn.correct(10.0, 100.0)
    assert barkjohn.correct(10.0, -4.0) == barkjohn.correct(10.0, 0.0)
    assert (barkjohn.correct(0.0, 95.0).value or 0) < 0
    assert KOHLER.correct(10.0, 99.0) == KOHLER.correct(10.0, 95.0)
    assert KOHLER.correct(10.0, 0.0).value == 10.0
    nilson = PUBLISHED["nilson2022_m2_cf1"]
    assert nilson.correct(10.0, 5.0) == nilson.correct(10.0, 30.0)
    assert nilson.correct(10.0, 100.0) == nilson.correct(10.0, 70.0)


def test_a_fit_is_not_extrapolated() -> None:
    assert LINEAR.correct(180.0).value is not None
    assert LINEAR.correct(180.1).why == "out_of_range"


def test_short_means_are_refused_and_the_raw_value_is_not() -> None:
    with pytest.raises(ValueError, match="5 min"):
        LINEAR.correct(20.0, span_ms=60_000)
    assert NONE.correct(20.0, span_ms=10_000).value == 20.0


# -- which one is in force ---------------------------------------------------------------------------------------------


def made(identity: str, version: int = 1, slope: float = 1.0, **change: object) -> Correction:
    return Correction(identity, version, "linear", {"slope": slope, "intercept": 0.0}, **change)  # type: ignore[arg-type]


def test_where_nothing_was_accepted_the_raw_value_holds() -> None:
    assert Corrections().correction_for("north.a", 5) is NONE


def test_the_most_particular_wins_and_of_equals_the_one_accepted_last() -> None:
    every = [
        made("all", accepted_at=9),
        made("site", sites=("north",), accepted_at=8),
        made("model", models=("pms5003t",), accepted_at=7),
        made("own", sensors=("north.a",), accepted_at=1),
        made("own-later", sensors=("north.a",), accepted_at=2),
    ]
    for order in itertools.permutations(every):
        found = Corrections(order)
        assert found.correction_for("north.a", 5, "pms5003t").id == "own-later"
        assert found.correction_for("north.b", 5, "pms5003t").id == "model"
        assert found.correction_for("north.b", 5, "sps30").id == "site"
        assert found.correction_for("south.b", 5, "sps30").id == "all"


def test_a_newer_version_takes_the_place_of_the_older_one_and_both_can_be_named() -> None:
    found = Corrections((made("x", 1, 1.0, valid_from=10), made("x", 2, 1.0, valid_from=10, valid_to=20)))
    assert found.correction_for("north.a", 9) is NONE
    assert found.correction_for("north.a", 10).label == "x@2"
    assert found.correction_for("north.a", 19).label == "x@2"
    assert found.correction_for("north.a", 20) is NONE
    assert found.get("x@1") == found.accepted[0] and found.get("x") == found.accepted[1]
    assert found.get("epa2021_atm") is PUBLISHED["epa2021_atm"] and found.get("y") is None


def test_spans_cover_a_series_without_gaps() -> None:
    found = Corrections((made("x", valid_from=10, valid_to=20), made("y", valid_from=15, accepted_at=1)))
    assert [(a, b, one.id) for a, b, one in found.spans("north.a", 0, 30)] == [
        (0, 10, "none"),
        (10, 15, "x"),
        (15, 30, "y"),
    ]
    assert [(a, b, one.id) for a, b, one in found.spans("north.a", 16, 17)] == [(16, 17, "y")]
    assert found.spans("north.a", 5, 5) == []


# -- as data -----------------------------------------------------------------------------------------------------------


def test_a_correction_survives_json() -> None:
    for one in [
        *EVERY,
        made(
            "x",
            3,
            valid_from=5,
            valid_to=9,
            sites=("n",),
            sensors=("n.a",),
            models=("m",),
            low=1.5,
            high=80.0,
            data_set="d",
            metrics={"rmse": 4.5},
            author="a",
            accepted_at=7,
            source="s",
        ),
    ]:
        assert of_record(json.loads(json.dumps(as_record(one)))) == one


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "magic"}, "method"),
        ({"coefficients": {"slope": 1}}, "intercept"),
        ({"coefficients": [1]}, "coeff"),
        ({"coefficients": {"slope": "1", "intercept": 0}}, "slope"),
        ({"id": "Ü"}, "id"),
        ({"sensors": "north.a"}, "sensors"),
        ({"valid_from": 5, "valid_to": 4}, "valid_to"),
        ({"valid_from": 1.5}, "valid_from"),
        ({"low": "x"}, "low"),
        ({"coefficients": {"slope": math.nan, "intercept": 0.0}}, "slope"),
        ({"data_set": "x" * 3000}, "data_set"),
    ],
)
def test_a_wrong_record_is_refused_with_the_field_that_is_wrong(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        of_record({**as_record(LINEAR), **change})


def test_a_plantower_formula_is_not_accepted_for_other_numbers() -> None:
    good = Correction("e", 1, "epa2021_atm", models=("pms5003t",), author="a")
    assert faults(good) == []
    assert any(
        "pm25" in line
        for line in faults(Correction("e", 1, "epa2021_atm", input="pm25_cf1", author="a", models=("pms5003t",)))
    )
    assert any("Plantower" in line for line in faults(Correction("e", 1, "epa2021_atm", author="a")))
    assert any("Plantower" in line for line in faults(Correction("e", 1, "epa2021_atm", author="a", models=("sps30",))))
    assert any(
        "not approved" in line
        for line in faults(Correction("b", 1, "barkjohn2021_cf1", input="pm25_cf1", models=("pms5003t",), author="a"))
    ), "screens have pm25 alone"
    assert any("author" in line for line in faults(Correction("e", 1, "none")))
    assert any("data_set" in line for line in faults(Correction("e", 1, "linear", LINEAR.coefficients, author="a")))
