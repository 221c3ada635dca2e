"""Thailand's air quality index in force since 1 June 2023; the project's default."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D
from typing import Final

from classair.science.indexes import Band, Index, Scale

_KEYS: Final = ("very_good", "good", "moderate", "starts_to_affect_health", "affects_health")
_INDEX: Final[tuple[tuple[int, int | None], ...]] = ((0, 25), (26, 50), (51, 100), (101, 200), (201, None))


def _scale(quantity: str, unit: str, averaging: str, step: str, *ends: tuple[str, str | None]) -> Scale:
    return Scale(quantity, unit, averaging, D(step), tuple(
        Band(key, D(low), None if high is None else D(high), first, last)
        for key, (low, high), (first, last) in zip(_KEYS, ends, _INDEX, strict=True)
    ))


# Bands with their own printed ends (25.1 → 51, 37.5 → 100); joining them contradicts values the department published.
INDEX: Final = Index(
    key="thai2023",
    valid_from=date(2023, 6, 1),
    valid_until=None,
    source="Notification of the Pollution Control Department, Royal Gazette vol. 140 special part 157 ง, 3 July 2023",
    scales={
        "pm25": _scale("pm25", "µg/m³", "24 h", "0.1",
                       ("0", "15.0"), ("15.1", "25.0"), ("25.1", "37.5"), ("37.6", "75.0"), ("75.1", None)),
        "pm10": _scale("pm10", "µg/m³", "24 h", "1",
                       ("0", "50"), ("51", "80"), ("81", "120"), ("121", "180"), ("181", None)),
    },
)
