"""A room's value that is looked at, as it stands on the room's screen, and the words around it."""

from __future__ import annotations

from typing import Final

from alerts.rules.facts import RoomNow
from alerts.rules.kinds import Words
from alerts.rules.kinds._band import tenths
from classair.i18n import LANGUAGES
from classair.wire import Current

_COMFORT: Final = {"temperature": "temp_c", "humidity": "rh_pct"}


def value_of(room: RoomNow, quantity: str) -> float | None:
    """The value on the room's screen while it is a current one: a late value says nothing of now."""
    if room.state is None:
        return None
    if quantity == "pm10":
        return tenths(room.pm10)
    if quantity in _COMFORT:
        return tenths(getattr(room.state, _COMFORT[quantity]))
    return tenths(current(room, quantity).value) if current(room, quantity).status == "ok" else None


def current(room: RoomNow, quantity: str) -> Current:
    assert room.state is not None
    return room.state.co2 if quantity == "co2" else room.state.pm25


def words_of(room: RoomNow, quantity: str, value: float | None, limit: float) -> Words:
    """What messages say of a value: as the screen writes it, with its level, and what the screen advises."""
    words: Words = {"quantity": quantity, "limit": limit}
    if value is None or room.state is None:
        return words
    words["value"] = value
    words["at"] = room.state.at
    if quantity in ("pm25", "co2"):
        shown = current(room, quantity)
        words |= {"shown": shown.shown, "level": shown.level, "at": shown.newest_at or room.state.at}
    if room.at_full:
        words["purifier"] = "full"
    for language in LANGUAGES:
        texts = room.state.texts.get(language, {}).get("ok")
        if texts is not None and not room.outdoor:
            words[f"action_{language}"] = texts.action
    return words
