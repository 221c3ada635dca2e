"""A number as devices write it: digits of any script, a decimal point or comma; never cut at a separator."""

from __future__ import annotations

import re
from typing import Any, Final

# Digits of any script: Thai firmware prints Thai ones. One separator at most.
_PLAIN: Final = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
# `1,234` is 1234 in English and 1.234 in German. `0,125`, `12,5` and `1234,567` can only be decimals.
_AMBIGUOUS: Final = re.compile(r"[+-]?[^\D0]\d{0,2},\d{3}")
_ABSENT: Final = frozenset(
    ("", "-", "--", "---", "nan", "null", "none", "inf", "infinity", "n/a", "na", "unavailable", "unknown", "undefined")
)
_LONGEST: Final = 40  # characters; no sensor's number comes near


def number_in(given: Any, largest: float) -> float | None:
    """A finite number smaller than `largest`, also one in a text; None for everything else: true, null, nan, 1,234."""
    if isinstance(given, str):
        text = given.strip().replace("\N{MINUS SIGN}", "-")
        if len(text) > _LONGEST or not _PLAIN.fullmatch(text) or _AMBIGUOUS.fullmatch(text):
            return None
        given = float(text.replace(",", "."))
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    # A comparison, because a whole number may be too large for a float; it is never true of nan.
    return given if -largest < given < largest else None


def number_between(given: Any, lowest: float, highest: float) -> float | None:
    """A number within its bounds, and none in a text; None for everything else."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not lowest <= given <= highest:
        return None
    return float(given)


# Subscripts (CO₂), full-width letters and signs, blanks that do not break; marks that nobody sees are left out.
_PLAIN_SIGNS: Final = {
    **{0x2080 + digit: str(digit) for digit in range(10)},
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **dict.fromkeys((0xA0, 0x2007, 0x2009, 0x202F, 0x3000), " "),
    **dict.fromkeys((0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF)),
}


def plain_text(text: str) -> str:
    """A line as it would be written in plain letters, digits and blanks; scripts with letters of their own stay."""
    return text if text.isascii() else text.translate(_PLAIN_SIGNS)


def says_nothing(text: str) -> bool:
    """Whether a word in the place of a number says that there is none: nan, null, unavailable, nothing at all."""
    return text.strip().lower().lstrip("+-") in _ABSENT or not text.strip(" -")
