"""Where each user stands in a conversation of several steps, in desk.db: for an hour, across restarts, then forgotten.

A step knows the event that led to it. An event that is worked on again, after a process was killed, finds its own step
and is answered from it; nothing is done twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from classair.units import HOUR_MS
from dashboard.access.desk_file import DeskFile

KEPT_MS: Final = HOUR_MS

_SCHEMA: Final = """
create table if not exists line_conversation(
  user text primary key, step text not null, about text not null, event text not null, until int not null
) without rowid;
create index if not exists line_conversation_until on line_conversation(until);
"""


@dataclass(frozen=True, slots=True)
class Conversation:
    """`step`: what the user was asked last; `about`: what they have said so far; `event`: what led here."""

    user: str = field(repr=False)
    step: str
    about: dict[str, Any] = field(repr=False)
    event: str = ""

    @property
    def language(self) -> str:
        return str(self.about.get("language", ""))


class Conversations:
    def __init__(self, file: DeskFile, now_ms: Callable[[], int]) -> None:
        self._file, self._now_ms = file, now_ms
        file.add_tables(_SCHEMA)

    def of(self, user: str) -> Conversation | None:
        rows = self._file.ask(
            "select step, about, event from line_conversation where user=? and until>?", user, self._now_ms()
        )
        return Conversation(user, str(rows[0][0]), json.loads(str(rows[0][1])), str(rows[0][2])) if rows else None

    def go_to(self, user: str, step: str, about: dict[str, Any], event: str) -> Conversation:
        """The next step; it begins the hour again."""
        now = self._now_ms()
        with self._file.change() as db:
            db.execute("delete from line_conversation where until<=?", (now,))
            # In ASCII: half an emoji, which JSON can hold, is no text that a database takes.
            db.execute(
                "insert or replace into line_conversation values(?,?,?,?,?)",
                (user, step, json.dumps(about), event, now + KEPT_MS),
            )
        return Conversation(user, step, about, event)

    def end(self, user: str) -> bool:
        with self._file.change() as db:
            return db.execute("delete from line_conversation where user=?", (user,)).rowcount > 0

    def take_back(self, user: str, message: str) -> None:
        """Words or a photo of this message, as far as they have not been sent on, are forgotten."""
        known = self.of(user)
        if known is None or "parts" not in known.about:
            return
        left = [part for part in known.about["parts"] if part.get("id") != message]
        if len(left) < len(known.about["parts"]):
            self.go_to(user, known.step, {**known.about, "parts": left}, known.event)
