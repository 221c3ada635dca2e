"""Corrections of whole arrays, for research code: for every value the same bits as `Correction.correct` gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from classair.science.corrections import Correction
from classair.science.corrections.formulas import DENSITY, FASM_LOW, KOHLER_RH_LIMIT, NILSON_RH, Coefficients

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def corrected(one: Correction, x: Floats, rh: Floats, temp_c: Floats) -> tuple[Floats, list[str]]:
    """(values, why there is none) of means with humidity (%) and °C beside them; NaN where one is missing."""
    how = one.how
    known = np.isfinite(x)
    if how.key == "none":
        return x, np.where(known, "", "no_value").tolist()
    low, high = -np.inf if one.low is None else one.low, np.inf if one.high is None else one.high
    nan = np.full(len(x), np.nan)
    with np.errstate(invalid="ignore"):
        needs_rh = x < how.needs_rh_below
        outside = (x < low) | (x > high)
        humidity = np.where(needs_rh, np.clip(rh, 0.0, 100.0), np.nan)
        strange = (humidity < one.humidity[0]) | (humidity > one.humidity[1])
    why = np.select(
        [~known, outside, needs_rh & ~np.isfinite(rh), strange, ~np.isfinite(temp_c) & how.needs_temp],
        ["no_value", "out_of_range", "no_humidity", "out_of_range", "no_temperature"],
        "",
    )
    with np.errstate(all="ignore"):
        compute: Callable[..., Floats] = _ARRAYS.get(how.key, how.compute)  # type: ignore[arg-type]
        made = compute(x, humidity, temp_c if how.needs_temp else nan, one.coefficients)
    why = np.where((why == "") & ~np.isfinite(made), "out_of_range", why)
    return np.where(why == "", made, np.nan), why.tolist()


# Formulas with branches; the others are plain arithmetic, which arrays do in the same order.


def _fasm2020(x: Floats, rh: Floats, _temp: Floats, _c: Coefficients) -> Floats:
    return np.where(x <= FASM_LOW, 0.52 * x - 0.086 * rh + 5.75, 0.46 * x + 3.93e-4 * x * x + 2.97)


def _epa2021(x: Floats, rh: Floats, _temp: Floats, _c: Coefficients) -> Floats:
    u, v = x / 20.0 - 1.5, x / 50.0 - 4.2
    branches = (
        0.524 * x - 0.0862 * rh + 5.75,
        (0.786 * u + 0.524 * (1.0 - u)) * x - 0.0862 * rh + 5.75,
        0.786 * x - 0.0862 * rh + 5.75,
        (0.69 * v + 0.786 * (1.0 - v)) * x
        - 0.0862 * rh * (1.0 - v)
        + 2.966 * v
        + 5.75 * (1.0 - v)
        + 8.84e-4 * x * x * v,
    )
    found: Floats = np.select([x < 30.0, x < 50.0, x < 210.0, x < 260.0], branches, 2.966 + 0.69 * x + 8.84e-4 * x * x)
    return found


def _nilson(x: Floats, rh: Floats, _temp: Floats, _c: Coefficients) -> Floats:
    return x / (1.0 + 0.24 / (100.0 / np.clip(rh, *NILSON_RH) - 1.0))


def _kohler(x: Floats, rh: Floats, _temp: Floats, c: Coefficients) -> Floats:
    activity = np.minimum(rh, KOHLER_RH_LIMIT) / 100.0
    return x / (1.0 + c["kappa"] / DENSITY * activity / (1.0 - activity))


_ARRAYS: Final[Mapping[str, Callable[..., Floats]]] = {
    "epa_fasm2020_cf1": _fasm2020,
    "epa2021_atm": _epa2021,
    "nilson2022_m2_cf1": _nilson,
    "kohler": _kohler,
}
