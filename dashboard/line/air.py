"""What a room's state says to somebody who asks by LINE: the display's words, with its own honesty about age."""

from __future__ import annotations

from typing import Final

from classair import i18n
from classair.config import Config
from classair.timetable import local_time
from classair.wire import RoomState
from dashboard.live.ages import phase_of, state_as_of, texts_as_of

LEAST_PUPILS: Final = 10
"""Of a room with fewer, no ventilation is told: it would say who is there."""


def answer(config: Config, room: str, state: RoomState | None, language: str, now: int) -> str:
    """One message of words. `state`: as alerts said it last, None while nobody knows it; `now` UTC ms."""
    name = config.room(room).name.in_(language)
    if state is None:
        return " ".join(i18n.t(language, "line_talk.no_value", room=name, last="").split())
    aged = state_as_of(state, now)
    said = _known(config, room, state, aged, language, now) if phase_of(aged.pm25) != "unknown" else None
    if said is None:
        said = i18n.t(language, "line_talk.no_value", room=name, last=_last(state, language))
    if state.simulated:
        said = f"{said} ({i18n.t(language, 'word.simulated')})"
    return " ".join(said.split())


def _known(config: Config, room: str, state: RoomState, aged: RoomState, language: str, now: int) -> str | None:
    words = texts_as_of(state, language, now)
    if words is None or not aged.pm25.shown:
        return None
    return i18n.t(
        language,
        "line_talk.air",
        room=config.room(room).name.in_(language),
        level=words.level,
        value=aged.pm25.shown,
        outdoor=outdoor(aged, language),
        ventilation=ventilation(config, room, aged, language),
        action=words.action.replace("‹", "").replace("›", ""),
        time=_time(state.pm25.newest_at or state.at, language),
    )


def _last(state: RoomState, language: str) -> str:
    shown, at = state.pm25.last_shown or state.pm25.shown, state.pm25.last_at or state.pm25.newest_at
    if not shown or at is None:
        return ""
    return i18n.t(language, "line_talk.last", value=shown, time=_time(at, language))


def measured(state: RoomState, language: str) -> str:
    return i18n.t(language, "line_talk.measured", time=_time(state.pm25.newest_at or state.at, language))


def _time(at: int, language: str) -> str:
    return i18n.show_date(local_time(at), language, "time")


def outdoor(aged: RoomState, language: str) -> str:
    if phase_of(aged.outdoor) == "unknown" or not aged.outdoor.shown:
        return ""
    level = i18n.t(language, f"level.{aged.outdoor.level}")
    return i18n.t(language, "line_talk.outdoor", value=aged.outdoor.shown, level=level)


def ventilation(config: Config, room: str, aged: RoomState, language: str) -> str:
    if phase_of(aged.co2) == "unknown" or config.room(room).capacity < LEAST_PUPILS:
        return ""
    return i18n.t(language, "line_talk.ventilation", word=i18n.t(language, f"ventilation.{aged.co2.level}"))
