"""What a room's state says to somebody who asks by LINE: the display's words, with its own honesty about age."""

from __future__ import annotations

import re
from typing import Final

from classair import i18n
from classair.config import Config
from classair.timetable import local_time
from classair.wire import RoomState
from dashboard.live.ages import phase_of, state_as_of, texts_as_of

LEAST_PUPILS: Final = 10
"""Of a room with fewer, no ventilation is told: it would say who is there."""
_WITH_WORDS: Final = ("suspect", "filling", "warming_up")


def called(config: Config, room: str, language: str) -> str:
    """The room's name in a sentence: ห้อง ป.1/2, Room P.1/2; a name that says so itself stays as it is."""
    name = config.room(room).name.in_(language)
    if i18n.t(language, "line_talk.a_room").casefold() in name.casefold():
        return name
    return i18n.t(language, "line_talk.room", name=name)


def answer(config: Config, room: str, state: RoomState | None, language: str, now: int) -> str:
    """One message of words. `state`: as alerts said it last, None while nobody knows it; `now` UTC ms."""
    aged = state_as_of(state, now) if state is not None else None
    if state is None or aged is None:
        said = no_value(config, room, "", language)
    elif (words := _known(config, room, state, aged, language, now)) is not None:
        said = words
    elif aged.pm25.status in _WITH_WORDS:
        said = i18n.t(
            language,
            "line_talk.no_value_because",
            room=_in_sentence(config, room, language),
            why=i18n.t(language, f"age.{aged.pm25.status}", n=aged.pm25.minutes_left),
        )
    else:
        said = no_value(config, room, last(state, language), language)
    if state is not None and state.simulated:
        said = f"{said} ({i18n.t(language, 'word.simulated')})"
    return re.sub(" {2,}", " ", said).strip(" ")  # U+00A0 stays between a number and its unit


def is_current(aged: RoomState) -> bool:
    """Whether there is a value that is said as the value of now. One that is late is not."""
    return phase_of(aged.pm25) == "ok" and bool(aged.pm25.shown)


def no_value(config: Config, room: str, last_value: str, language: str) -> str:
    return i18n.t(language, "line_talk.no_value", room=_in_sentence(config, room, language), last=last_value)


def _in_sentence(config: Config, room: str, language: str) -> str:
    """In the middle of a sentence English names the room alone."""
    return config.room(room).name.in_(language) if language == "en" else called(config, room, language)


def _known(config: Config, room: str, state: RoomState, aged: RoomState, language: str, now: int) -> str | None:
    words = texts_as_of(state, language, now)
    if words is None or not is_current(aged):
        return None
    return i18n.t(
        language,
        "line_talk.air",
        room=called(config, room, language),
        level=in_sentence(words.level),
        value=aged.pm25.shown,
        outdoor=i18n.t(language, "line_talk.outdoor", value=found) if (found := outdoor(aged, language)) else "",
        ventilation=i18n.t(language, "line_talk.ventilation", word=in_sentence(word))
        if (word := ventilation(config, room, aged, language))
        else "",
        action=in_sentence(action(words.action)),
        time=_time(state.pm25.newest_at or state.at, language),
    )


def action(marked: str) -> str:
    """The display's action, without the marks of its phrases."""
    return marked.replace("‹", "").replace("›", "")


def in_sentence(words: str) -> str:
    """English words that begin with a capital on a screen, inside a sentence."""
    return words[:1].lower() + words[1:] if words[:1].isascii() and words[1:2].islower() else words


def last(state: RoomState, language: str) -> str:
    """The last value that was current, with its time; "" where there is none."""
    shown, at = state.pm25.shown or state.pm25.last_shown, state.pm25.newest_at
    if not state.pm25.shown and state.pm25.last_at is not None:
        at = state.pm25.last_at
    if not shown or at is None:
        return ""
    return i18n.t(language, "line_talk.last", value=shown, time=_time(at, language))


def measured(state: RoomState, language: str) -> str:
    return i18n.t(language, "line_talk.measured", time=_time(state.pm25.newest_at or state.at, language))


def _time(at: int, language: str) -> str:
    return i18n.show_date(local_time(at), language, "time")


def outdoor(aged: RoomState, language: str) -> str:
    """Number and colour outdoors, "46 (สีส้ม)"; "" where it is not known, or late."""
    if phase_of(aged.outdoor) != "ok" or not aged.outdoor.shown:
        return ""
    colour = i18n.t(language, f"alert_message.colour.{aged.outdoor.level}")
    return i18n.t(language, "line_talk.coloured", value=aged.outdoor.shown, colour=colour)


def ventilation(config: Config, room: str, aged: RoomState, language: str) -> str:
    """The word for how the room is aired, "" where it is not known or not told."""
    if phase_of(aged.co2) != "ok" or config.room(room).capacity < LEAST_PUPILS:
        return ""
    return i18n.t(language, f"ventilation.{aged.co2.level}")
