"""The US EPA's index before 6 May 2024, still served by some feeds; for history and for recognising it."""

from __future__ import annotations

from datetime import date
from typing import Final

from classair.science.indexes import Index
from classair.science.indexes._tables import UGM3, scale
from classair.science.indexes.usepa2024 import KEYS as FIVE_AND_HAZARDOUS

# Hazardous was two lines, 301–400 and 401–500.
KEYS: Final = (*FIVE_AND_HAZARDOUS, "hazardous")
NUMBERS: Final = ((0, 50), (51, 100), (101, 150), (151, 200), (201, 300), (301, 400), (401, 500))

INDEX: Final = Index(
    key="usepa2012",
    valid_from=date(2013, 3, 18),
    valid_until=date(2024, 5, 5),
    source="Rule signed December 2012, 78 FR 3086, in effect 18 March 2013; 40 CFR Part 58 Appendix G before 2024",
    scales={
        "pm25": scale(
            "pm25",
            UGM3,
            "24 h",
            "0.1",
            KEYS,
            NUMBERS,
            [
                ("0", "12.0"),
                ("12.1", "35.4"),
                ("35.5", "55.4"),
                ("55.5", "150.4"),
                ("150.5", "250.4"),
                ("250.5", "350.4"),
                ("350.5", "500.4"),
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
            [
                ("0", "54"),
                ("55", "154"),
                ("155", "254"),
                ("255", "354"),
                ("355", "424"),
                ("425", "504"),
                ("505", "604"),
            ],
            truncate=True,
            beyond=True,
        ),
    },
    words="index_level.usepa",
    nowcast=True,
)
