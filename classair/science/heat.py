"""How hot it feels: the heat index of the US weather service, judged by the Thai Department of Health's bands.

Rothfusz's regression (1990) with the service's two adjustments, and its simpler formula for cooler air, as published at
wpc.ncep.noaa.gov/html/heatindex_equation.shtml. Bands as the Department of Health has announced them since 2024.
"""

from __future__ import annotations

from decimal import Decimal
from math import isfinite, sqrt
from typing import Final

from classair.science.indexes import rounded

REGRESSION_FROM_F: Final = 80.0  # from here on the regression speaks, below it the simple formula
NOT_HOT: Final = "not_hot"
# Band → the lowest heat index (°C, to a tenth) that is in it, the hottest first.
BANDS: Final = (
    ("extreme_danger", Decimal("52.0")),
    ("danger", Decimal("42.0")),
    ("warning", Decimal("33.0")),
    ("caution", Decimal("27.0")),
)
DANGEROUS: Final = frozenset({"danger", "extreme_danger"})
_TENTH: Final = Decimal("0.1")


def heat_index_c(temp_c: float | None, rh_pct: float | None) -> float | None:
    """The heat index in °C, unrounded; None where temperature or humidity is missing or no such air exists."""
    if temp_c is None or rh_pct is None or not (isfinite(temp_c) and isfinite(rh_pct) and 0 <= rh_pct <= 100):
        return None
    return (_fahrenheit(temp_c * 9 / 5 + 32, rh_pct) - 32) * 5 / 9


def heat_band(index_c: float | None) -> str:
    """The band as a key below [heat] in the locales; "" for an unknown heat index."""
    tenths = None if index_c is None else rounded(max(index_c, 0.0), _TENTH)  # no band begins below
    if tenths is None:
        return ""
    return next((band for band, lowest in BANDS if tenths >= lowest), NOT_HOT)


def _fahrenheit(t: float, rh: float) -> float:
    simple = 0.5 * (t + 61.0 + (t - 68.0) * 1.2 + rh * 0.094)
    mean = (simple + t) / 2
    if mean < REGRESSION_FROM_F:
        return mean
    found = (
        -42.379
        + 2.04901523 * t
        + 10.14333127 * rh
        - 0.22475541 * t * rh
        - 0.00683783 * t * t
        - 0.05481717 * rh * rh
        + 0.00122874 * t * t * rh
        + 0.00085282 * t * rh * rh
        - 0.00000199 * t * t * rh * rh
    )
    if rh < 13 and 80 <= t <= 112:
        return found - (13 - rh) / 4 * sqrt((17 - abs(t - 95.0)) / 17)
    if rh > 85 and 80 <= t <= 87:
        return found + (rh - 85) / 10 * (87 - t) / 5
    return found
