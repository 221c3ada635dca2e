"""The air in a room now."""

from __future__ import annotations

from dashboard.frame.parts import rooms_in_order
from dashboard.line import card
from dashboard.line.common import MOST_ROOMS, Common
from dashboard.line.reply import Choice, Reply
from dashboard.line.spelling import as_written
from dashboard.line.understanding import Asked


def answer(common: Common, asked: Asked, user: str) -> Reply:
    language = common.language(user, asked.english)
    rooms = common.meant(asked, user)
    if not asked.about.strip():
        if not rooms:
            return which_room(common, language, common.t(language, "ask"))
        return _cards(common, rooms, language)
    if len(rooms) == 1:
        return _cards(common, rooms, language)
    if rooms:
        return which_school(common, rooms, language, common.t(language, "ask"))
    return no_room(common, asked.about, language, common.t(language, "ask"))


def which_school(common: Common, rooms: list[str], language: str, before: str) -> Reply:
    """The room's name is that of rooms in several schools. `before`: what a tap says before the room's name."""
    name = common.config.room(rooms[0]).name.in_(language)
    room = name if language == "en" else common.called(rooms[0], language)
    choices = common.schools(rooms, before, language)
    return Reply("which", common.t(language, "which", room=room), choices, listed=True)


def which_room(common: Common, language: str, before: str) -> Reply:
    """No room was named and none is followed."""
    indoor = (full for full, room in common.config.rooms() if not room.outdoor)
    rooms = rooms_in_order(common.config, language, indoor)[:MOST_ROOMS]
    names = list(dict.fromkeys(common.config.room(room).name.in_(language) for room in rooms))
    text = common.t(language, "which_room", example=names[0] if names else "")
    return Reply("which", text, tuple(Choice(name, f"{before} {name}".strip()) for name in names))


def no_room(common: Common, about: str, language: str, before: str) -> Reply:
    """There is no room of this name; those that are called nearly so."""
    written = as_written(about)
    found = list(dict.fromkeys(common.config.room(room).name.in_(language) for room in common.near(about)))
    room = common.t(language, "room", name=written) if language != "en" else written
    text = common.t(language, "no_room", room=room, rooms=", ".join(found))
    return Reply("no_room", text, tuple(Choice(name, f"{before} {name}".strip()) for name in found))


def _cards(common: Common, rooms: list[str], language: str) -> Reply:
    ctx, now = common.ctx, common.ctx.now_ms()
    made = [card.message(common.config, room, ctx.live.state(room), language, now) for room in rooms[:MOST_ROOMS]]
    return Reply("air", messages=tuple(made))
