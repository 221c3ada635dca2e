"""The WHO's guideline values and interim targets of 2021: levels without numbers, for 24 h and annual means.

A 24 h value is met when no more than three or four days a year lie above it (99th percentile).
"""

from __future__ import annotations

from datetime import date
from typing import Final

from classair.science.indexes import Index
from classair.science.indexes._tables import levels_only

KEYS: Final = ("guideline", "interim_4", "interim_3", "interim_2", "interim_1", "above_interim_1")

INDEX: Final = Index(
    key="who2021",
    valid_from=date(2021, 9, 22),
    valid_until=None,
    source="WHO global air quality guidelines, 2021, recommended levels and interim targets",
    scales={
        # No rounding is printed; 0.1 µg/m³ half up is the project's rule, as for the Thai index, whose bands end here.
        "pm25": levels_only("pm25", "24 h", "0.1", KEYS, ("15", "25", "37.5", "50", "75")),
        "pm10": levels_only("pm10", "24 h", "0.1", KEYS, ("45", "50", "75", "100", "150")),
        "pm25_year": levels_only("pm25_year", "1 y", "0.1", KEYS, ("5", "10", "15", "25", "35")),
        "pm10_year": levels_only("pm10_year", "1 y", "0.1", KEYS, ("15", "20", "30", "50", "70")),
    },
    words="index_level.who",
)
