"""Names on the wire: topics and ids of other programs. They are opaque, but for what no line or topic can hold."""

from __future__ import annotations

import unicodedata
from typing import Final

_INVISIBLE: Final = frozenset(("Cc", "Cs", "Cn", "Zl", "Zp"))


def unprintable(text: str) -> str:
    """The first character that no name on the wire can hold, such as `U+000A`; "" when there is none.

    A line break would begin a new line in the broker's rules, and mosquitto closes the connection over the others.
    """
    return next((f"U+{ord(char):04X}" for char in text if unicodedata.category(char) in _INVISIBLE), "")
