"""Corrections over whole arrays, for research code: bit for bit what `Correction.correct` gives value by value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classair.science.corrections import SHORTEST_MS, Correction, check_span
from classair.science.corrections.formulas import DENSITY, KOHLER_RH_LIMIT, NILSON_RH

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def corrected(
    correction: Correction,
    means: ArrayLike,
    rh: ArrayLike | None = None,
    temp_c: ArrayLike | None = None,
    *,
    span_ms: int = SHORTEST_MS,
) -> Floats:
    """Corrected means, NaN where there is none (see `Corrected.why` of the single path). NaN stands for missing.

    Raises ValueError for buckets shorter than five minutes.
    """
    check_span(correction, span_ms)
    x = np.asarray(means, dtype=np.float64)
    good = np.isfinite(x)
    if correction.method == "none":
        return np.where(good, x, np.nan)
    nothing = np.full(x.shape, np.nan)
    humidity = nothing if rh is None else np.broadcast_to(np.asarray(rh, dtype=np.float64), x.shape)
    temperature = nothing if temp_c is None else np.broadcast_to(np.asarray(temp_c, dtype=np.float64), x.shape)
    if correction.low is not None:
        good &= x >= correction.low
    if correction.high is not None:
        good &= x <= correction.high
    how = correction.how
    good &= np.isfinite(humidity) | ~(x < how.needs_rh_below)
    if how.needs_temp:
        good &= np.isfinite(temperature)
    clamped = np.clip(np.where(np.isfinite(humidity), humidity, np.nan), 0.0, 100.0)
    with np.errstate(all="ignore"):
        value = _FORMULAS[correction.method](x, clamped, temperature, correction.coefficients)
    return np.where(good & np.isfinite(value), value, np.nan)


def _barkjohn(x: Floats, rh: Floats, _temp: Floats, _c: Any) -> Floats:
    return 0.524 * x - 0.0862 * rh + 5.75


def _epa2021(x: Floats, rh: Floats, _temp: Floats, _c: Any) -> Floats:
    low, high = x / 20.0 - 1.5, x / 50.0 - 4.2
    return np.select(
        [x < 30.0, x < 50.0, x < 210.0, x < 260.0],
        [
            0.524 * x - 0.0862 * rh + 5.75,
            (0.786 * low + 0.524 * (1.0 - low)) * x - 0.0862 * rh + 5.75,
            0.786 * x - 0.0862 * rh + 5.75,
            (
                (0.69 * high + 0.786 * (1.0 - high)) * x
                - 0.0862 * rh * (1.0 - high)
                + 2.966 * high
                + 5.75 * (1.0 - high)
                + 8.84e-4 * x * x * high
            ),
        ],
        2.966 + 0.69 * x + 8.84e-4 * x * x,
    )


def _nilson(x: Floats, rh: Floats, _temp: Floats, _c: Any) -> Floats:
    return x / (1.0 + 0.24 / (100.0 / np.clip(rh, *NILSON_RH) - 1.0))


def _kohler(x: Floats, rh: Floats, _temp: Floats, c: Any) -> Floats:
    activity = np.minimum(rh, KOHLER_RH_LIMIT) / 100.0
    kappa: float = c["kappa"]
    return x / (1.0 + kappa / DENSITY * activity / (1.0 - activity))


_FORMULAS: Final[dict[str, Any]] = {
    "barkjohn2021_cf1": _barkjohn,
    "epa2021_atm": _epa2021,
    "nilson2022_m2_cf1": _nilson,
    "kohler": _kohler,
    "linear": lambda x, _rh, _temp, c: c["slope"] * x + c["intercept"],
    "linear_rh": lambda x, rh, _temp, c: c["slope"] * x + c["intercept"] + c["rh"] * rh,
    "linear_rh_temp": lambda x, rh, temp, c: c["slope"] * x + c["intercept"] + c["rh"] * rh + c["temp"] * temp,
}
