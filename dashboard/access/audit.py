"""Who changed what, and who was refused: written by the dashboard and by commands, read by administrators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dashboard.access.desk_file import DeskFile

MOST: Final = 500
_SCHEMA: Final = """
create table if not exists audit(
  id integer primary key, at int not null, who text not null, do text not null, about text not null,
  outcome text not null
);
"""


class Action(StrEnum):
    """Everything that is noted, as desk.db has it; each has its words in dashboard/pages/audit/locales."""

    ACKNOWLEDGE = "acknowledge"
    DOOR_SIGNS = "door signs"
    END_SILENCE = "end_silence"
    EPISODE_CLOSE = "episode_close"
    EPISODE_NOTE = "episode_note"
    EPISODE_OPEN = "episode_open"
    EVENT_ADD = "event_add"
    EVENT_WITHDRAW = "event_withdraw"
    EXPORT = "export"
    LINE_CODE = "line code"
    OVERRIDE = "override"
    PHONE_FORGET = "phone forget"
    PHONE_REMEMBER = "phone remember"
    PREFERENCE = "preference"
    RECORD_APPROVE = "record approve"
    RECORD_DECLINE = "record decline"
    REFUSED = "refused"
    ROOM_CODE = "room code"
    SIGN_IN = "sign in"
    SILENCE = "silence"
    TASK_ADD = "task_add"
    TASK_DONE = "task_done"
    TEST_MESSAGE = "test_message"
    TOKEN_CREATE = "token create"  # noqa: S105
    TOKEN_REVOKE = "token revoke"  # noqa: S105
    USER_ADD = "user add"
    USER_DISABLE = "user disable"
    USER_INVITE = "user invite"
    USER_PASSWORD = "user password"  # noqa: S105
    USER_ROOMS = "user rooms"

    @property
    def text(self) -> str:
        """The key of its words."""
        return f"audit_page.actions.{self.value.replace(' ', '_')}"


@dataclass(frozen=True, slots=True)
class Entry:
    """`who`: account:<name>, token:<name>, visitor, or console for a command on this machine."""

    id: int
    at: int
    who: str
    do: str
    about: str
    outcome: str


class Audit:
    def __init__(self, file: DeskFile, now_ms: Callable[[], int]) -> None:
        self._file, self._now_ms = file, now_ms
        file.add_tables(_SCHEMA)

    def note(self, who: str, do: Action, about: str, outcome: str) -> None:
        with self._file.change() as db:
            db.execute(
                "insert into audit(at, who, do, about, outcome) values(?,?,?,?,?)",
                (self._now_ms(), who, str(do), about[:200], outcome[:200]),
            )

    def page(self, limit: int = 100, *, before: int | None = None, who: str = "") -> list[Entry]:
        """Newest first, at most MOST; those before an entry's id, of one `who`."""
        rows = self._file.ask(
            "select id, at, who, do, about, outcome from audit where (? is null or id<?) and (?='' or who=?) "
            "order by id desc limit ?",
            before,
            before,
            who,
            who,
            max(0, min(limit, MOST)),
        )
        return [
            Entry(int(str(i)), int(str(at)), str(by), str(do), str(about), str(outcome))
            for i, at, by, do, about, outcome in rows
        ]
