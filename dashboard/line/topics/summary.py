"""The day's summary of a room, for people of the school: a class has one teacher, so parents are not told of it."""

from __future__ import annotations

import asyncio

from classair.timetable import local_time
from dashboard.following import digest
from dashboard.line.common import CHANNEL, MOST_ROOMS, Common
from dashboard.line.reply import Reply
from dashboard.line.topics.now import no_room, which_room, which_school
from dashboard.line.understanding import Asked
from dashboard.queries.rooms import StoreUnavailable


async def answer(common: Common, asked: Asked, user: str) -> Reply:
    language = common.language(user, asked.english)
    person = common.config.people.get(common.followers.person(CHANNEL, user)) if user else None
    if person is None:
        return Reply("summary", common.t(language, "summary_for_staff"))
    ask = common.t(language, "summary_ask")
    own = [room for room in person.daily if common.config.has_room(room)]
    rooms = common.meant(asked, user) if asked.about.strip() else own or common.followed(user)
    rooms = [room for room in rooms if not person.sites or room.partition(".")[0] in person.sites]
    if asked.about.strip() and len(rooms) > 1:
        return which_school(common, rooms, language, ask)
    if not rooms:
        return no_room(common, asked.about, language, ask) if asked.about else which_room(common, language, ask)
    today = local_time(common.ctx.now_ms()).date()
    try:
        made = [await asyncio.to_thread(digest.read, common.ctx, room, today) for room in rooms[:MOST_ROOMS]]
    except StoreUnavailable:
        return Reply("summary", common.t(language, "try_later_reading"))
    lines = ["\n".join(digest.lines(common.config, one, language)) for one in made]
    return Reply("summary", "\n\n".join(lines))
