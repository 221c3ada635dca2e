"""Following a room by its code, and what comes of it: the weekly report, messages about dust, my rooms."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from classair import i18n
from classair.alerting.reading import NotKnown
from classair.timetable import local_time
from dashboard.following.followers import TooManyRooms
from dashboard.line.common import CHANNEL, Common
from dashboard.line.conversations import Conversation
from dashboard.line.reply import MOST_CHOICES, Choice, Reply
from dashboard.line.topics.now import no_room, which_school
from dashboard.line.tries import Tries
from dashboard.line.understanding import NO, YES, Asked
from dashboard.public.room_codes import RoomCodes

WEEKLY: Final = "weekly"
"""The step in which the user has been asked whether they want the report on Fridays."""


MOST_NOT_SENT: Final = 5


class Following:
    def __init__(self, common: Common) -> None:
        self._common = common
        self._codes = RoomCodes(common.ctx.desk, common.ctx.now_ms)
        self._tries = Tries(common.ctx.desk, common.ctx.now_ms)

    async def code(self, asked: Asked, user: str, event: str) -> Reply:
        """Six digits: the room is followed, and whether the report is wanted is asked."""
        common, language = self._common, self._common.language(user, asked.english)
        if not await asyncio.to_thread(self._tries.left, user):
            return Reply("too_many", common.t(language, "too_many_room"))
        room = await asyncio.to_thread(self._codes.room_of, asked.about)
        if room is None or not common.config.has_room(room):
            await asyncio.to_thread(self._tries.wrong, user)
            return Reply("wrong_code", common.t(language, "wrong_room_code"))
        known = {one.room: one for one in common.followers.of(CHANNEL, user)}.get(room)
        spoken = language if any(letter.isalpha() for letter in asked.plain) else ""
        try:
            await asyncio.to_thread(
                lambda: common.followers.follow(
                    CHANNEL,
                    user,
                    room,
                    spoken,
                    weekly=known is not None and known.weekly,
                    alerts=known is not None and known.alerts,
                )
            )
        except TooManyRooms:
            return Reply("too_many", common.t(language, "too_many_rooms"))
        about = {"room": room, "language": language}
        return self.asked_weekly(
            await asyncio.to_thread(common.conversations.go_to, user, WEEKLY, about, event), language
        )

    def asked_weekly(self, known: Conversation, language: str) -> Reply:
        common, room = self._common, str(known.about.get("room", ""))
        if not common.config.has_room(room):
            return Reply("wrong_code", common.t(language, "wrong_room_code"))
        name = common.config.room(room).name.in_(language)
        place = name if language == "en" else f"{common.called(room, language)} {common.site(room, language)}"
        text = common.t(language, "following", place=place)
        return Reply("followed", text, self._yes_or_no(language))

    async def weekly_answer(self, known: Conversation, asked: Asked, user: str) -> Reply | None:
        """Yes or no; None for anything else, which is answered as what it is."""
        common, language, room = self._common, known.language, str(known.about.get("room", ""))
        if asked.plain not in YES and asked.plain not in NO:
            return None
        wanted = asked.plain in YES
        await asyncio.to_thread(self._wish, user, [room], weekly=wanted)
        await asyncio.to_thread(common.conversations.end, user)
        return Reply("weekly_set", common.t(language, "weekly_yes" if wanted else "weekly_no"))

    async def set_weekly(self, asked: Asked, user: str, wanted: bool) -> Reply:
        rooms, refusal = self._chosen(asked, user, "weekly_ask" if wanted else "weekly_end")
        if refusal is not None:
            return refusal
        await asyncio.to_thread(self._wish, user, rooms, weekly=wanted)
        language = self._common.language(user, asked.english)
        return Reply("weekly_set", self._common.t(language, "weekly_yes" if wanted else "weekly_no"))

    async def set_alerts(self, asked: Asked, user: str, wanted: bool) -> Reply:
        """Messages about dust in a room: one that one follows already."""
        rooms, refusal = self._chosen(asked, user, "alerts_ask" if wanted else "alerts_end")
        if refusal is not None:
            return refusal
        await asyncio.to_thread(self._wish, user, rooms, alerts=wanted)
        common, language = self._common, self._common.language(user, asked.english)
        names = ", ".join(common.called(room, language) for room in rooms)
        return Reply("alerts_set", common.t(language, "alerts_yes" if wanted else "alerts_no", rooms=names))

    def how(self, asked: Asked, user: str) -> Reply:
        """Somebody wants to follow without a code."""
        return Reply("follow_how", self._common.t(self._common.language(user, asked.english), "follow_how"))

    async def mine(self, asked: Asked, user: str) -> Reply:
        """The rooms one follows, what is sent of them, and what was not sent."""
        common, language = self._common, self._common.language(user, asked.english)
        followed = [one for one in common.followers.of(CHANNEL, user) if common.config.has_room(one.room)]
        if not followed:
            return Reply("rooms", common.t(language, "no_rooms"))
        lines = [common.t(language, "my_rooms")]
        choices: list[Choice] = []
        for one in followed:
            name = common.config.room(one.room).name.in_(language)
            wishes = [
                common.t(language, "mine_weekly" if one.weekly else "mine_no_weekly"),
                common.t(language, "mine_alerts" if one.alerts else "mine_no_alerts"),
            ]
            room, site = common.called(one.room, language), common.site(one.room, language)
            lines.append(common.t(language, "mine", room=room, site=site, wishes=" · ".join(wishes)))
            choices.append(self._choice(language, "alerts_end" if one.alerts else "alerts_ask", name))
            choices.append(self._choice(language, "weekly_end" if one.weekly else "weekly_ask", name))
        lines += await asyncio.to_thread(self._not_sent, user, language)
        stop = Choice(common.t(language, "stop_word"))
        return Reply("rooms", "\n".join(lines), (*choices[: MOST_CHOICES - 1], stop))

    def _not_sent(self, user: str, language: str) -> list[str]:
        """What this user was to be sent and was not, because LINE's month was used up or nearly so."""
        common, found = self._common, list[str]()
        for key, title, at in common.followers.messages(CHANNEL, user):
            with contextlib.suppress(NotKnown):
                message = common.ctx.records.message(key)
                if message is not None and message.state == "abandoned" and message.reason in ("quota", "budget"):
                    day = i18n.show_date(local_time(at), language, "short")
                    found.append(common.t(language, "not_sent_one", title=title, day=day))
        return [common.t(language, "not_sent"), *found[:MOST_NOT_SENT]] if found else []

    async def leave(self, asked: Asked, user: str) -> Reply | None:
        """One of several rooms is followed no more; None where everything is to end."""
        common, language = self._common, self._common.language(user, asked.english)
        followed = common.followed(user)
        named = [room for room in common.rooms(asked.about) if room in followed] if asked.about else []
        if len(named) != 1 or len(followed) < 2:
            return None
        await asyncio.to_thread(common.followers.unfollow, CHANNEL, user, named[0])
        return Reply("left", common.t(language, "left", room=common.called(named[0], language)))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _wish(self, user: str, rooms: list[str], **wishes: bool) -> None:
        for one in self._common.followers.of(CHANNEL, user):
            if one.room in rooms:
                self._common.followers.follow(
                    CHANNEL,
                    user,
                    one.room,
                    weekly=wishes.get("weekly", one.weekly),
                    alerts=wishes.get("alerts", one.alerts),
                )

    def _chosen(self, asked: Asked, user: str, before: str) -> tuple[list[str], Reply | None]:
        """Followed rooms that are meant, or what to say instead."""
        common, language = self._common, self._common.language(user, asked.english)
        followed = common.followed(user)
        if not followed:
            return [], self.how(asked, user)
        if not asked.about.strip():
            return followed, None
        named = common.rooms(asked.about)
        own = [room for room in named if room in followed]
        if len(own) > 1:
            return [], which_school(common, own, language, common.t(language, before))
        if own:
            return own, None
        return [], self.how(asked, user) if named else no_room(common, asked.about, language, "")

    def _choice(self, language: str, key: str, name: str) -> Choice:
        words: dict[str, Any] = {"room": name}
        return Choice(self._common.t(language, f"{key}_button", **words), f"{self._common.t(language, key)} {name}")

    def _yes_or_no(self, language: str) -> tuple[Choice, Choice]:
        return Choice(self._common.t(language, "yes")), Choice(self._common.t(language, "no"))
