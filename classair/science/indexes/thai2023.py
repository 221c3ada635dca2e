"""Thailand's air quality index in force since 1 June 2023; the project's default."""

from __future__ import annotations

from datetime import date
from typing import Final

from classair.science.indexes import Index, Scale
from classair.science.indexes._tables import UGM3, scale

KEYS: Final = ("very_good", "good", "moderate", "starts_to_affect_health", "affects_health")
# No source gives the top band an upper end; the department's own calculator answers 201 for everything above it.
NUMBERS: Final[tuple[tuple[int | None, int | None], ...]] = ((0, 25), (26, 50), (51, 100), (101, 200), (201, None))

# Unchanged since 2018. "?": seen in public records and secondary sources only, not in the notification's own table.
PM10_AND_GASES: Final[dict[str, Scale]] = {
    "pm10": scale(
        "pm10",
        UGM3,
        "24 h",
        "1",
        KEYS,
        NUMBERS,
        [("0", "50"), ("51", "80"), ("81", "120"), ("121", "180"), ("181", None)],
    ),
    "o3_ppb": scale(
        "o3_ppb",
        "ppb",
        "8 h",
        "1",
        KEYS,
        NUMBERS,
        [("?0", "35"), ("?36", "50"), ("?51", "70"), ("?71", "120"), ("?121", None)],
    ),
    "co_ppm": scale(
        "co_ppm",
        "ppm",
        "8 h",
        "0.1",
        KEYS,
        NUMBERS,
        [("0", "4.4"), ("?4.5", "6.4"), ("?6.5", "9.0"), ("?9.1", "30.0"), ("?30.1", None)],
    ),
    "no2_ppb": scale(
        "no2_ppb",
        "ppb",
        "1 h",
        "1",
        KEYS,
        NUMBERS,
        [("?0", "60"), ("?61", "106"), ("?107", "170"), ("?171", "340"), ("?341", None)],
    ),
    "so2_ppb": scale(
        "so2_ppb",
        "ppb",
        "1 h",
        "1",
        KEYS,
        NUMBERS,
        [("?0", "100"), ("?101", "200"), ("?201", "300"), ("?301", "400"), ("?401", None)],
    ),
}

# Bands with their own printed ends (25.1 → 51, 37.5 → 100); joining them contradicts values the department published.
INDEX: Final = Index(
    key="thai2023",
    valid_from=date(2023, 6, 1),
    valid_until=None,
    source="Notification of the Pollution Control Department, Royal Gazette vol. 140 special part 157 ง, 3 July 2023",
    scales={
        "pm25": scale(
            "pm25",
            UGM3,
            "24 h",
            "0.1",
            KEYS,
            NUMBERS,
            [("0", "15.0"), ("15.1", "25.0"), ("25.1", "37.5"), ("37.6", "75.0"), ("75.1", None)],
        ),
        **PM10_AND_GASES,
    },
)
