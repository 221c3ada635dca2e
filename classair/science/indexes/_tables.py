"""From printed tables to scales: what the files of data share."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal as D
from typing import Final

from classair.science.indexes import Band, Scale

Ends = tuple[str, str | None]
"""The printed ends of a band; None where no upper one is printed. A leading "?" says it was not read in the source."""

UGM3: Final = "µg/m³"


def scale(
    quantity: str,
    unit: str,
    averaging: str,
    step: str,
    keys: Sequence[str],
    numbers: Sequence[tuple[int | None, int | None]],
    ends: Sequence[Ends],
    *,
    truncate: bool = False,
    beyond: bool = False,
) -> Scale:
    """One column of a printed table."""
    return Scale(
        quantity,
        unit,
        averaging,
        D(step),
        tuple(
            Band(key, D(low.lstrip("?")), None if high is None else D(high), first, last, not low.startswith("?"))
            for key, (first, last), (low, high) in zip(keys, numbers, ends, strict=True)
        ),
        truncate,
        beyond,
    )


def levels_only(quantity: str, averaging: str, step: str, keys: Sequence[str], tops: Sequence[str]) -> Scale:
    """A table of upper ends without numbers: each belongs to its band, the next begins one step above it."""
    lows = ["0", *(str(D(top) + D(step)) for top in tops)]
    ends: list[Ends] = list(zip(lows, [*tops, None], strict=True))
    return scale(quantity, UGM3, averaging, step, keys, [(None, None)] * len(keys), ends)
