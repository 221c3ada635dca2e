"""Thailand's index until 31 May 2023; for history only. Much school guidance on the web is still written in it."""

from __future__ import annotations

from datetime import date
from typing import Final

from classair.science.indexes import Index
from classair.science.indexes._tables import UGM3, scale
from classair.science.indexes.thai2023 import KEYS, NUMBERS, PM10_AND_GASES

# Whole numbers only; how decimals were rounded is not documented, half up is the project's rule.
INDEX: Final = Index(
    key="thai2018",
    valid_from=None,
    valid_until=date(2023, 5, 31),
    source="Pollution Control Department, index of B.E. 2561; its first day of validity is not confirmed",
    scales={
        "pm25": scale(
            "pm25",
            UGM3,
            "24 h",
            "1",
            KEYS,
            NUMBERS,
            [("0", "25"), ("26", "37"), ("38", "50"), ("51", "90"), ("91", None)],
        ),
        **PM10_AND_GASES,
    },
)
