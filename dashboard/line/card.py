"""A room's answer as a card: level in its colour, number, the display's action word for word, outdoors, and the time.

Its altText is the answer in words, so that nothing stands on the card alone.
"""

from __future__ import annotations

from typing import Any, Final

from classair import i18n
from classair.alerting import links
from classair.config import Config
from classair.line import flex
from classair.wire import RoomState
from dashboard.line import air
from dashboard.live.ages import state_as_of, texts_as_of

_LEVELS: Final = list(flex.LEVEL_COLOURS)
_FULL, _EMPTY = "▮", "▯"


def message(config: Config, room: str, state: RoomState | None, language: str, now: int) -> dict[str, Any]:
    """The card in LINE's form; grey where there is no current value."""
    said = air.answer(config, room, state, language, now)
    name = air.called(config, room, language)
    aged = state_as_of(state, now) if state is not None else None
    words = texts_as_of(state, language, now) if state is not None else None
    simulated = (i18n.t(language, "word.simulated"),) if state is not None and state.simulated else ()
    if state is None or aged is None or words is None or not air.is_current(aged):
        lines = [i18n.t(language, "age.not_current")]
        if state is not None and (last := air.last(state, language)):
            lines.append(last)
        card = flex.Card(
            head=i18n.t(language, "level.unknown"),
            place=name,
            lines=(" · ".join(lines), *simulated),
            buttons=_buttons(config, room, language),
        )
        return flex.message(card, said)
    outdoor = air.outdoor(aged, language)
    around = [
        i18n.t(language, "line_talk.outdoor_card", value=outdoor) if outdoor else "",
        air.ventilation(config, room, aged, language),
    ]
    held = i18n.t(language, "pages.held") if aged.pm25.held else ""
    lines = [held, " · ".join(part for part in around if part), air.measured(state, language)]
    return flex.message(
        flex.Card(
            head=f"{words.level}  {_bar(aged.pm25.level)}".strip(),
            colour=flex.LEVEL_COLOURS.get(aged.pm25.level, flex.UNKNOWN_COLOUR),
            place=name,
            number=aged.pm25.shown,
            unit=i18n.t(language, "line_talk.unit_inside", unit=i18n.t(language, "unit.ugm3")),
            action=air.action(words.action),
            lines=(*(line for line in lines if line), *simulated),
            buttons=_buttons(config, room, language),
        ),
        said,
    )


def _buttons(config: Config, room: str, language: str) -> tuple[flex.Button, flex.Button]:
    """The room's page of today where the internet reaches it, else the question again; and a report about this room."""
    site = config.sites[room.partition(".")[0]].name.in_(language)
    named = f"{config.room(room).name.in_(language)} {site}"
    today = flex.Button(i18n.t(language, "line_talk.again"), says=f"{i18n.t(language, 'line_talk.ask')} {named}")
    if where := links.base(config):
        today = flex.Button(i18n.t(language, "line_talk.see_today"), uri=f"{where}/door/{room}?lang={language}")
    problem = i18n.t(language, "line_talk.problem")
    return today, flex.Button(problem, says=f"{problem} {named}")


def _bar(level: str) -> str:
    if level not in _LEVELS:
        return ""
    place = _LEVELS.index(level) + 1
    return _FULL * place + _EMPTY * (len(_LEVELS) - place)
