"""What LINE allows in a message, and what we allow ourselves: lengths, sizes, times.

LINE counts characters in UTF-16 code units: an emoji is two. A Thai text cut between a consonant and its marks shows a
dotted circle, so a text is shortened where a cluster ends.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

TEXT: Final = 5000
ALT_TEXT: Final = 400
LABEL: Final = 20
URI: Final = 1000
POSTBACK_DATA: Final = 300
MESSAGES: Final = 5  # of one request
RECIPIENTS: Final = 500  # of one multicast
BUBBLE_BYTES: Final = 5 * 1024  # ours: LINE takes 30 KB, an old telephone on a slow network had better get less

RETRY_KEY_S: Final = 24 * 3600.0
REPLY_TOKEN_S: Final = 60.0
ANSWER_WITHIN_S: Final = 20.0  # ours: beyond it a reply token may be used up by the way

USER_ID: Final = re.compile(r"U[0-9a-f]{32}")

_LEADING_VOWELS: Final = "เแโใไ"  # written before their consonant
_JOINED: Final = ("\u200d", "\ufe0f", "\u0e33")  # joiner, variation selector, sara am


def units(text: str) -> int:
    """The length of a text as LINE counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shortened(text: str, most: int) -> str:
    """The text itself where it fits, else its beginning and an ellipsis, without a cluster cut in two."""
    if units(text) <= most:
        return text
    end, length = 0, 1  # the ellipsis
    for end, character in enumerate(text):  # noqa: B007
        length += units(character)
        if length > most:
            break
    while end > 0 and (_goes_with_the_one_before(text[end]) or text[end - 1] in (*_LEADING_VOWELS, "\u200d")):
        end -= 1
    return text[:end].rstrip() + "…"


def clean(text: str) -> str:
    """Without what no screen shows: control characters but line breaks, and halves of surrogate pairs."""
    return "".join(
        character for character in text if character == "\n" or unicodedata.category(character) not in ("Cc", "Cs")
    ).strip()


def _goes_with_the_one_before(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Mc", "Me") or character in _JOINED
