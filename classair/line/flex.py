"""Messages in LINE's form: a card (one Flex bubble) whose words are all in its altText as well, or plain text.

The altText is what a screen reader, a notification and an old telephone show. So where not all words fit there, or the
bubble would be too large, the message is plain text instead: nobody gets a card whose words they cannot have.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from classair.line import limits

LEVEL_COLOURS: Final = {
    "very_good": "#57BBFA",
    "good": "#2D7755",
    "moderate": "#FCD33C",
    "starts_to_affect_health": "#DB8200",
    "affects_health": "#8A0A12",
}
SEVERITY_COLOURS: Final = {"info": "#5F6368", "warning": "#DB8200", "urgent": "#8A0A12"}
UNKNOWN_COLOUR: Final = "#5F6368"
_DARK: Final = "#111111"
_LIGHT: Final = "#FFFFFF"


@dataclass(frozen=True, slots=True)
class Button:
    """Opens a page (`uri`), says something in the user's name (`says`), or sends `data` back to us."""

    label: str
    uri: str = ""
    says: str = ""
    data: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """`head` and `place` stand in the header in `colour`; `lines` below number and action, in order."""

    head: str
    colour: str = UNKNOWN_COLOUR
    place: str = ""
    number: str = ""
    unit: str = ""
    action: str = ""
    lines: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": limits.shortened(limits.clean(words), limits.TEXT) or "…"}


def message(card: Card, words: str) -> dict[str, Any]:
    """The card, with `words` as its altText: the whole message, to be read without the card. Or plain text."""
    words = limits.clean(words)
    made = bubble(card)
    if len(made) == 1 or not words or limits.units(words) > limits.ALT_TEXT or size(made) > limits.BUBBLE_BYTES:
        links = [button.uri for button in card.buttons if _opens(button) and button.uri not in words]
        return text("\n".join(part for part in (words, *links) if part))
    return {"type": "flex", "altText": words, "contents": made}


def size(value: object) -> int:
    """Bytes of it as it goes over the network."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def bubble(card: Card) -> dict[str, Any]:
    ink = ink_on(card.colour)
    header = _texts((card.head, {"weight": "bold", "size": "lg", "color": ink}), (card.place, {"color": ink}))
    measured = f"{card.number}\u00a0{card.unit}".strip() if card.number else ""
    number = _texts((measured, {"size": "xxl", "weight": "bold"}))
    body = [
        *number,
        *_texts((card.action, {"weight": "bold"})),
        *_texts(*((line, {"size": "sm"}) for line in card.lines)),
    ]
    made: dict[str, Any] = {"type": "bubble"}
    if header:
        made["header"] = {"type": "box", "layout": "vertical", "backgroundColor": card.colour, "contents": header}
    if body:
        made["body"] = {"type": "box", "layout": "vertical", "spacing": "sm", "contents": body}
    if buttons := _buttons(card.buttons):
        made["footer"] = {"type": "box", "layout": "vertical", "spacing": "sm", "contents": buttons}
    return made


def ink_on(colour: str) -> str:
    """The text colour that is read best on this one."""
    background = _luminance(colour)
    against_light = (_luminance(_LIGHT) + 0.05) / (background + 0.05)
    against_dark = (background + 0.05) / (_luminance(_DARK) + 0.05)
    return _LIGHT if against_light >= against_dark else _DARK


def _texts(*parts: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Long names wrap; they are not cut. An empty text is no component: LINE refuses it."""
    made = []
    for words, style in parts:
        if cleaned := limits.clean(words):
            made.append({"type": "text", "text": cleaned, "wrap": True, **style})
    return made


def _buttons(buttons: Sequence[Button]) -> list[dict[str, Any]]:
    made = []
    for button in buttons:
        label = limits.shortened(limits.clean(button.label), limits.LABEL)
        action: dict[str, Any]
        if _opens(button):
            action = {"type": "uri", "label": label, "uri": button.uri}
        elif button.data and limits.units(button.data) <= limits.POSTBACK_DATA:
            action = {"type": "postback", "label": label, "data": button.data}
            if button.says:
                action["displayText"] = limits.shortened(button.says, limits.POSTBACK_DATA)
        elif button.says:
            action = {"type": "message", "label": label, "text": limits.shortened(button.says, limits.POSTBACK_DATA)}
        else:
            continue
        if label:
            made.append({"type": "button", "style": "secondary", "height": "sm", "action": action})
    return made


def _opens(button: Button) -> bool:
    """An address of another kind, or a longer one, would be refused with the whole message."""
    return button.uri.startswith(("https://", "http://")) and limits.units(button.uri) <= limits.URI


def _luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
