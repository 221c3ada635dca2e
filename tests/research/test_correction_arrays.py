"""Corrections of arrays give what the single path gives, to the last bit."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from classair.science.corrections import PUBLISHED, Correction
from research.correction_arrays import corrected

FITTED = {"slope": 0.61, "intercept": 1.7, "rh": -0.03, "temp": 0.11}
EVERY = [
    *PUBLISHED.values(),
    Correction("k", 1, "kohler", {"kappa": 0.1}),
    Correction("dry", 1, "linear_rh", {**FITTED, "rh_low": 35.0, "rh_high": 80.0}),
    *(Correction(key, 1, key, FITTED, low=0.0, high=180.0) for key in ("linear", "linear_rh", "linear_rh_temp")),
]
EDGES = [-10.0, 0.0, 30.0, 50.0, 180.0, 210.0, 260.0, 343.0, 1500.0, math.nan, math.inf]
MEANS = some.sampled_from(
    [near for edge in EDGES for near in (edge, math.nextafter(edge, -9e9), math.nextafter(edge, 9e9))]
)
HUMIDITY = some.sampled_from(
    [math.nan, math.inf, -3.0, 35.0, 80.0, math.nextafter(80.0, 99.0), 0.0, 100.0, 120.0]
) | some.floats(0, 100)
WARMTH = some.just(math.nan) | some.floats(-10, 60)


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.id)
@given(rows=some.lists(some.tuples(MEANS | some.floats(-20, 1500), HUMIDITY, WARMTH), max_size=40))
@pytest.mark.thorough
def test_many_are_corrected_as_one_is(one: Correction, rows: list[tuple[float, float, float]]) -> None:
    values, why = corrected(one, *(np.array([row[place] for row in rows], np.float64) for place in range(3)))
    for row, value, reason in zip(rows, values.tolist(), why, strict=True):
        single = one.correct(*row)
        assert (None if reason else value, reason) == (single.value, single.why), row


def test_a_greater_mean_is_never_corrected_to_less() -> None:
    """Low and high of a mean go through its correction, and are to stay around it."""
    x = np.linspace(-10, 900, 20_000)
    for one in EVERY[:-4]:
        for humidity in (20.0, 50.0, 95.0):
            values, _ = corrected(one, x, np.full(len(x), humidity), np.full(len(x), 25.0))
            assert all(a <= b for a, b in pairwise(values[x >= 0].tolist())), (one.id, humidity)
