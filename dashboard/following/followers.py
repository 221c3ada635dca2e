"""People who follow rooms, in desk.db: an address of a channel, the rooms, what they want to be sent, their language.

Nothing else is kept of them; `forget` erases all of it, also from the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from classair.units import DAY_MS
from dashboard.access.desk_file import DeskFile

Channel = Literal["line", "mail"]

MOST_ROOMS: Final = 20  # of one address
MESSAGES_KEPT_MS: Final = 31 * DAY_MS
MOST_MAIL: Final = 500  # mail addresses that follow one room

_SCHEMA: Final = """
pragma secure_delete=on;
create table if not exists follower(
  channel text not null, address text not null, room text not null, weekly int not null, alerts int not null,
  at int not null, primary key(channel, address, room)
) without rowid;
create index if not exists follower_room on follower(room);
create table if not exists follower_address(
  channel text not null, address text not null, language text not null default '', person text not null default '',
  primary key(channel, address)
) without rowid;
create table if not exists follower_message(
  key text primary key, channel text not null, address text not null, title text not null, at int not null
) without rowid;
create index if not exists follower_message_address on follower_message(channel, address);
"""
_ROWS: Final = (
    "select f.channel, f.address, f.room, coalesce(l.language, ''), f.weekly, f.alerts, f.at from follower f "
    "left join follower_address l on l.channel=f.channel and l.address=f.address"
)


class TooManyRooms(Exception):
    """One address follows as many rooms as it may."""


@dataclass(frozen=True, slots=True)
class Follower:
    """`language`: "" where it is not known; then the organisation's. `weekly`: wants the report on Fridays; `alerts`:
    wants to hear of dust in the room. `at`: UTC ms.
    """

    channel: Channel
    address: str = field(repr=False)
    room: str
    language: str
    weekly: bool
    alerts: bool
    at: int


class Followers:
    def __init__(self, file: DeskFile, now_ms: Callable[[], int]) -> None:
        self._file, self._now_ms = file, now_ms
        file.add_tables(_SCHEMA)

    def follow(
        self, channel: Channel, address: str, room: str, language: str = "", *, weekly: bool, alerts: bool
    ) -> None:
        """From now on, or with other wishes than before. Raises TooManyRooms."""
        with self._file.change() as db:
            rooms = {
                str(row[0])
                for row in db.execute("select room from follower where channel=? and address=?", (channel, address))
            }
            if room not in rooms and len(rooms) >= MOST_ROOMS:
                raise TooManyRooms
            db.execute(
                "insert into follower(channel, address, room, weekly, alerts, at) values(?,?,?,?,?,?) "
                "on conflict do update set weekly=excluded.weekly, alerts=excluded.alerts",
                (channel, address, room, int(weekly), int(alerts), self._now_ms()),
            )
        if language:
            self.set_language(channel, address, language)

    def unfollow(self, channel: Channel, address: str, room: str | None = None) -> int:
        """One room, or all of them; how many there were."""
        with self._file.change() as db:
            if room is None:
                gone = db.execute("delete from follower where channel=? and address=?", (channel, address))
            else:
                gone = db.execute(
                    "delete from follower where channel=? and address=? and room=?", (channel, address, room)
                )
            return gone.rowcount

    def of(self, channel: Channel, address: str) -> list[Follower]:
        """What this address follows, in the order in which it began to."""
        return self._rows("where f.channel=? and f.address=? order by f.at, f.room", channel, address)

    def weekly(self, room: str) -> list[Follower]:
        """Who is to be sent the room's weekly report."""
        return self._rows("where f.room=? and f.weekly=1 order by f.at, f.address", room)

    def to_alert(self, room: str) -> list[Follower]:
        """Who wants to hear of dust in the room."""
        return self._rows("where f.room=? and f.alerts=1 order by f.at, f.address", room)

    def rooms_to_alert(self) -> set[str]:
        """Rooms of which somebody wants to hear of dust."""
        return {str(row[0]) for row in self._file.ask("select distinct room from follower where alerts=1")}

    def count(self, room: str, channel: Channel) -> int:
        rows = self._file.ask("select count(*) from follower where room=? and channel=?", room, channel)
        return int(str(rows[0][0]))

    def set_language(self, channel: Channel, address: str, language: str) -> None:
        self._set("language", channel, address, language)

    def language(self, channel: Channel, address: str) -> str:
        """The language that was chosen last; "" where none was."""
        return self._of_address("language", channel, address)

    def set_person(self, channel: Channel, address: str, person: str) -> None:
        """Somebody in sensors.yaml has linked this address."""
        self._set("person", channel, address, person)

    def person(self, channel: Channel, address: str) -> str:
        """Who in sensors.yaml has linked it; "" for everybody else."""
        return self._of_address("person", channel, address)

    def asked_for(self, key: str, channel: Channel, address: str, title: str) -> None:
        """A message to this address has been handed to alerts: whoever it is for can be told what became of it."""
        now = self._now_ms()
        with self._file.change() as db:
            db.execute("delete from follower_message where at<?", (now - MESSAGES_KEPT_MS,))
            db.execute("insert or ignore into follower_message values(?,?,?,?,?)", (key, channel, address, title, now))

    def messages(self, channel: Channel, address: str) -> list[tuple[str, str, int]]:
        """Key, title and moment of what was to be sent to this address within a month, the newest first."""
        rows = self._file.ask(
            "select key, title, at from follower_message where channel=? and address=? and at>=? order by at desc",
            channel,
            address,
            self._now_ms() - MESSAGES_KEPT_MS,
        )
        return [(str(key), str(title), int(str(at))) for key, title, at in rows]

    def forget(self, channel: Channel, address: str) -> bool:
        """Erases all that is kept of an address; whether there was anything."""
        with self._file.change() as db:
            gone = sum(
                db.execute(f"delete from {table} where channel=? and address=?", (channel, address)).rowcount
                for table in ("follower", "follower_address", "follower_message")
            )
        if gone:
            self._file.wipe()
        return bool(gone)

    def _set(self, column: str, channel: Channel, address: str, value: str) -> None:
        with self._file.change() as db:
            db.execute(
                f"insert into follower_address(channel, address, {column}) values(?,?,?) "
                f"on conflict do update set {column}=excluded.{column}",
                (channel, address, value),
            )

    def _of_address(self, column: str, channel: Channel, address: str) -> str:
        rows = self._file.ask(f"select {column} from follower_address where channel=? and address=?", channel, address)
        return str(rows[0][0]) if rows else ""

    def _rows(self, where: str, *values: object) -> list[Follower]:
        return [
            Follower(
                "line" if channel == "line" else "mail",
                str(address),
                str(room),
                str(language),
                bool(weekly),
                bool(alerts),
                int(str(at)),
            )
            for channel, address, room, language, weekly, alerts, at in self._file.ask(f"{_ROWS} {where}", *values)
        ]
