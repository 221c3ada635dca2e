"""Formulas that turn a low-cost optical sensor's PM2.5 into an estimate of what a reference instrument would show.

Plain float arithmetic in a fixed order, so that every way to them gives the same bits. Nothing is clamped:
a small negative result keeps averages unbiased; clamping belongs to display and index.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

DENSITY: Final = 1.65  # g/cm³ of dry particles, in the κ-Köhler growth of a mass
KOHLER_RH_LIMIT: Final = 95.0  # %; growth has no bound towards 100 %
NILSON_RH: Final = (30.0, 70.0)
FASM_LOW: Final = 343.0  # µg/m³, CF=1; the last value of the lower branch, above which humidity is not used

Coefficients = Mapping[str, float]
Formula = Callable[[float, float, float, Coefficients], float]
"""(x, rh, temp_c, coefficients) → corrected value; what a method does not use is passed as NaN."""


@dataclass(frozen=True, slots=True)
class Method:
    """One way to correct. `input`: the stored quantity it is made for; `plantower`: made for that firmware's numbers.

    `needs_rh_below`: x from which on humidity plays no part (∞: always needed, 0: never).
    """

    key: str
    input: str
    formula: str
    source: str
    compute: Formula
    coefficients: tuple[str, ...] = ()
    needs_rh_below: float = 0.0
    needs_temp: bool = False
    plantower: bool = False


def _none(x: float, _rh: float, _temp: float, _c: Coefficients) -> float:
    return x


def _barkjohn(x: float, rh: float, _temp: float, _c: Coefficients) -> float:
    return 0.524 * x - 0.0862 * rh + 5.75


def _fasm2020(x: float, rh: float, _temp: float, _c: Coefficients) -> float:
    if x <= FASM_LOW:
        return 0.52 * x - 0.086 * rh + 5.75
    return 0.46 * x + 3.93e-4 * x * x + 2.97


def _epa2021(x: float, rh: float, _temp: float, _c: Coefficients) -> float:
    if x < 30.0:
        return 0.524 * x - 0.0862 * rh + 5.75
    if x < 50.0:
        u = x / 20.0 - 1.5
        return (0.786 * u + 0.524 * (1.0 - u)) * x - 0.0862 * rh + 5.75
    if x < 210.0:
        return 0.786 * x - 0.0862 * rh + 5.75
    if x < 260.0:
        u = x / 50.0 - 4.2
        return (
            (0.69 * u + 0.786 * (1.0 - u)) * x
            - 0.0862 * rh * (1.0 - u)
            + 2.966 * u
            + 5.75 * (1.0 - u)
            + 8.84e-4 * x * x * u
        )
    return 2.966 + 0.69 * x + 8.84e-4 * x * x


def _nilson(x: float, rh: float, _temp: float, _c: Coefficients) -> float:
    held = min(max(rh, NILSON_RH[0]), NILSON_RH[1])
    return x / (1.0 + 0.24 / (100.0 / held - 1.0))


def _kohler(x: float, rh: float, _temp: float, c: Coefficients) -> float:
    activity = min(rh, KOHLER_RH_LIMIT) / 100.0
    # κ/ρ · aw/(1 − aw) is κ/ρ ÷ (1/aw − 1) without its division by zero in perfectly dry air.
    return x / (1.0 + c["kappa"] / DENSITY * activity / (1.0 - activity))


def _linear(x: float, _rh: float, _temp: float, c: Coefficients) -> float:
    return c["slope"] * x + c["intercept"]


def _linear_rh(x: float, rh: float, _temp: float, c: Coefficients) -> float:
    return c["slope"] * x + c["intercept"] + c["rh"] * rh


def _linear_rh_temp(x: float, rh: float, temp: float, c: Coefficients) -> float:
    return c["slope"] * x + c["intercept"] + c["rh"] * rh + c["temp"] * temp


_LOCAL: Final = "a collocation beside a reference instrument; see the correction's own data set"
_EVER: Final = math.inf
_ALL: Final = (
    Method("none", "pm25", "x", "the sensor's own value", _none),
    Method(
        "barkjohn2021_cf1",
        "pm25_cf1",
        "0.524·x − 0.0862·RH + 5.75",
        "Barkjohn et al. 2021, Atmos. Meas. Tech. 14, 4617",
        _barkjohn,
        needs_rh_below=_EVER,
        plantower=True,
    ),
    Method(
        "epa_fasm2020_cf1",
        "pm25_cf1",
        "x≤343: 0.52·x − 0.086·RH + 5.75; x>343: 0.46·x + 3.93e-4·x² + 2.97 (not continuous)",
        "US EPA's correction of late 2020 for PurpleAir on the AirNow Fire and Smoke Map: Johnson et al., "
        "Air Sensors: PurpleAir, AirNow Fire and Smoke Map, 3 December 2020",
        _fasm2020,
        needs_rh_below=math.nextafter(FASM_LOW, math.inf),
        plantower=True,
    ),
    Method(
        "epa2021_atm",
        "pm25",
        "x<30: 0.524·x − 0.0862·RH + 5.75; 30≤x<50, u=x/20−1.5: (0.786·u + 0.524·(1−u))·x − 0.0862·RH + 5.75; "
        "50≤x<210: 0.786·x − 0.0862·RH + 5.75; 210≤x<260, u=x/50−4.2: (0.69·u + 0.786·(1−u))·x "
        "− 0.0862·RH·(1−u) + 2.966·u + 5.75·(1−u) + 8.84e-4·x²·u; x≥260: 2.966 + 0.69·x + 8.84e-4·x²",
        "US EPA's extended correction of 2021, see Barkjohn et al. 2022, Sensors 22, 9669",
        _epa2021,
        needs_rh_below=260.0,
        plantower=True,
    ),
    Method(
        "nilson2022_m2_cf1",
        "pm25_cf1",
        "x/(1 + 0.24/(100/RH − 1)), RH limited to 30–70",
        "Nilson et al. 2022, Atmos. Meas. Tech. 15, 3315, model 2",
        _nilson,
        needs_rh_below=_EVER,
        plantower=True,
    ),
    Method(
        "kohler",
        "pm25",
        "x/(1 + (κ/1.65)/(1/aw − 1)), aw = RH/100, RH at most 95",
        "κ-Köhler growth, see Crilley et al. 2018, Atmos. Meas. Tech. 11, 709",
        _kohler,
        ("kappa",),
        needs_rh_below=_EVER,
    ),
    Method("linear", "pm25", "slope·x + intercept", _LOCAL, _linear, ("slope", "intercept")),
    Method(
        "linear_rh",
        "pm25",
        "slope·x + intercept + rh·RH",
        _LOCAL,
        _linear_rh,
        ("slope", "intercept", "rh"),
        needs_rh_below=_EVER,
    ),
    Method(
        "linear_rh_temp",
        "pm25",
        "slope·x + intercept + rh·RH + temp·T",
        _LOCAL,
        _linear_rh_temp,
        ("slope", "intercept", "rh", "temp"),
        needs_rh_below=_EVER,
        needs_temp=True,
    ),
)
METHODS: Final[Mapping[str, Method]] = MappingProxyType({method.key: method for method in _ALL})
