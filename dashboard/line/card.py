"""A room's answer as a card: level in its colour, number, the display's action word for word, outdoors, and the time.

Its altText is the answer in words, so that nothing stands on the card alone.
"""

from __future__ import annotations

from typing import Any, Final

from classair import i18n
from classair.config import Config
from classair.line import flex
from classair.wire import RoomState
from dashboard.line import air
from dashboard.live.ages import phase_of, state_as_of, texts_as_of

_LEVELS: Final = list(flex.LEVEL_COLOURS)
_FULL, _EMPTY = "▮", "▯"


def message(config: Config, room: str, state: RoomState | None, language: str, now: int) -> dict[str, Any]:
    """The card in LINE's form, or plain words where there is no current value."""
    said = air.answer(config, room, state, language, now)
    aged = state_as_of(state, now) if state is not None else None
    words = texts_as_of(state, language, now) if state is not None else None
    if state is None or aged is None or words is None or phase_of(aged.pm25) == "unknown" or not aged.pm25.shown:
        return flex.text(said)
    name = config.room(room).name.in_(language)
    around = [air.outdoor(aged, language), air.ventilation(config, room, aged, language)]
    lines = [*(line.strip(" ,") for line in around), air.measured(state, language)]
    if state.simulated:
        lines.append(i18n.t(language, "word.simulated"))
    again = f"{i18n.t(language, 'line_talk.ask')} {name}"
    return flex.message(
        flex.Card(
            head=f"{words.level}  {_bar(aged.pm25.level)}".strip(),
            colour=flex.LEVEL_COLOURS.get(aged.pm25.level, flex.UNKNOWN_COLOUR),
            place=name,
            number=aged.pm25.shown,
            unit=i18n.t(language, "unit.ugm3"),
            action=words.action.replace("‹", "").replace("›", ""),
            lines=tuple(line for line in lines if line),
            buttons=(flex.Button(i18n.t(language, "line_talk.again"), says=again),),
        ),
        said,
    )


def _bar(level: str) -> str:
    if level not in _LEVELS:
        return ""
    place = _LEVELS.index(level) + 1
    return _FULL * place + _EMPTY * (len(_LEVELS) - place)
