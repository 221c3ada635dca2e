"""The European Air Quality Index with the bands of 2024: six levels of hourly means, without numbers.

The older bands (10/20/25/50/75) and the research index CAQI are superseded.
"""

from __future__ import annotations

from typing import Final

from classair.science.indexes import Index
from classair.science.indexes._tables import levels_only

KEYS: Final = ("good", "fair", "moderate", "poor", "very_poor", "extremely_poor")

INDEX: Final = Index(
    key="euaqi2024",
    valid_from=None,
    valid_until=None,
    source="European Environment Agency, European Air Quality Index, bands of 2024; the day of change is not confirmed",
    scales={
        # The printed ends follow each other without a gap, so nothing is rounded beyond the noise of a sum.
        "pm25": levels_only("pm25", "1 h", "0.000001", KEYS, ("5", "15", "50", "90", "140")),
        "pm10": levels_only("pm10", "1 h", "0.000001", KEYS, ("15", "45", "120", "195", "270")),
    },
    words="index_level.euaqi",
)
