"""What all topics of the talk share: who follows what, languages, rooms by the names that people give them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from classair import i18n
from classair.config import Config
from classair.line.client import AsyncLineClient
from dashboard.context import Context
from dashboard.following.followers import Followers
from dashboard.line import air
from dashboard.line.conversations import Conversations
from dashboard.line.reply import Choice
from dashboard.line.spelling import find_rooms, near
from dashboard.line.understanding import Asked

CHANNEL: Final = "line"
MOST_ROOMS: Final = 5
"""Rooms in one answer: LINE takes five messages."""


@dataclass(frozen=True, slots=True)
class Common:
    """`replier`: None while LINE is not set up."""

    ctx: Context
    followers: Followers
    conversations: Conversations
    replier: Callable[[], AsyncLineClient | None]

    @property
    def config(self) -> Config:
        return self.ctx.config()

    def language(self, user: str, english: bool) -> str:
        """The one that the user chose; else that of the words, else the organisation's."""
        chosen = self.followers.language(CHANNEL, user) if user else ""
        return chosen if chosen in i18n.LANGUAGES else "en" if english else self.config.language

    def t(self, language: str, key: str, **places: Any) -> str:
        return i18n.t(language, f"line_talk.{key}", **places)

    def rooms(self, about: str) -> list[str]:
        """Rooms of this name, of the school that is named beside it if one is."""
        found = find_rooms(about, self._names())
        plain = about.casefold()
        named = [room for room in found if any(name.casefold() in plain for name in self.site_names(room))]
        return named or found

    def near(self, about: str) -> list[str]:
        """The rooms whose names are nearest to what was written."""
        return near(about, self._names())[:MOST_ROOMS]

    def followed(self, user: str) -> list[str]:
        """Rooms that the user follows and that there still are, in the order in which they began to."""
        return [one.room for one in self.followers.of(CHANNEL, user) if self.config.has_room(one.room)] if user else []

    def meant(self, asked: Asked, user: str) -> list[str]:
        """The rooms a wish is about: those that it names (of several, the followed one), else those one follows."""
        followed = self.followed(user)
        if not asked.about.strip():
            return followed
        named = self.rooms(asked.about)
        own = [room for room in named if room in followed]
        return own if len(named) > 1 and len(own) == 1 else named

    def called(self, room: str, language: str) -> str:
        return air.called(self.config, room, language)

    def site(self, room: str, language: str) -> str:
        return self.config.sites[room.partition(".")[0]].name.in_(language)

    def site_names(self, room: str) -> list[str]:
        return list(self.config.sites[room.partition(".")[0]].name.root.values())

    def schools(self, rooms: list[str], before: str, language: str) -> tuple[Choice, ...]:
        """A button for each school that has a room of this name; a tap says the whole question again."""
        return tuple(
            Choice(
                self.site(room, language),
                " ".join(filter(None, (before, self.config.room(room).name.in_(language), self.site(room, language)))),
            )
            for room in rooms
        )

    def _names(self) -> list[tuple[str, list[str]]]:
        return [(full, list(room.name.root.values())) for full, room in self.config.rooms() if not room.outdoor]
