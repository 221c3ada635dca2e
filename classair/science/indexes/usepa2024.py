"""The US EPA's index since 6 May 2024. Concentrations are cut off, not rounded; above 500 the last line goes on."""

from __future__ import annotations

from datetime import date
from typing import Final

from classair.science.indexes import Index
from classair.science.indexes._tables import UGM3, scale

KEYS: Final = ("good", "moderate", "unhealthy_sensitive", "unhealthy", "very_unhealthy", "hazardous")
NUMBERS: Final = ((0, 50), (51, 100), (101, 150), (151, 200), (201, 300), (301, 500))

INDEX: Final = Index(
    key="usepa2024",
    valid_from=date(2024, 5, 6),
    valid_until=None,
    source="40 CFR Part 58 Appendix G as of 2024; EPA-454/B-24-002, May 2024",
    scales={
        "pm25": scale(
            "pm25",
            UGM3,
            "24 h",
            "0.1",
            KEYS,
            NUMBERS,
            [
                ("0", "9.0"),
                ("9.1", "35.4"),
                ("35.5", "55.4"),
                ("55.5", "125.4"),
                ("125.5", "225.4"),
                ("225.5", "325.4"),
            ],
            truncate=True,
            beyond=True,
        ),
        "pm10": scale(
            "pm10",
            UGM3,
            "24 h",
            "1",
            KEYS,
            NUMBERS,
            [("0", "54"), ("55", "154"), ("155", "254"), ("255", "354"), ("355", "424"), ("425", "604")],
            truncate=True,
            beyond=True,
        ),
    },
    words="index_level.usepa",
    nowcast=True,
)
