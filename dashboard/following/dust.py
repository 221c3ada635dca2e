"""Messages about dust to those who follow a room and asked for them: decided from the room's one state. Pure but for
its memory, which lies in desk.db.

Alerts' own rules tell people in charge; who follows a room is known to the dashboard alone, so it is decided here what
they hear, and alerts' outbox sends it. At most one message per room and level in three hours, none between 18.00 and
06.30 or without lessons on that day, and none on the way down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from classair.config import Config
from classair.timetable import DAYS, HoursOfDay, local_time
from classair.units import HOUR_MS, MINUTE_MS
from classair.wire import PurifierState, RoomState
from dashboard.access.desk_file import DeskFile
from dashboard.live.ages import SILENT_MS, phase_of, state_as_of

LEVELS: Final = ("very_good", "good", "moderate", "starts_to_affect_health", "affects_health")
FROM_LEVEL: Final = "starts_to_affect_health"
AGAIN_MS: Final = 3 * HOUR_MS
USEFUL_MS: Final = 30 * MINUTE_MS
_SCHEMA: Final = """
create table if not exists dust_told(
  room text not null, level text not null, at int not null, shown text not null, full int not null,
  done int not null default 0, primary key(room, level)
) without rowid;
create table if not exists dust_height(room text primary key, level text not null) without rowid;
"""


@dataclass(frozen=True, slots=True)
class News:
    """What followers of a room are told. `shown`: the number as every screen writes it; `full`: the purifier is known
    to run at full speed. `at`: UTC ms of the newest value in it.
    """

    room: str
    level: str
    at: int
    shown: str
    full: bool

    @property
    def urgent(self) -> bool:
        return self.level == LEVELS[-1]


class DustNews:
    """Remembers what was told, and how high the level has been since it was low: only what is higher is news."""

    def __init__(self, file: DeskFile) -> None:
        self._file = file
        file.add_tables(_SCHEMA)
        self._height = {str(room): str(level) for room, level in file.ask("select room, level from dust_height")}

    def look(self, config: Config, state: RoomState, quiet: HoursOfDay, now: int, full: bool) -> bool:
        """Takes a room's state in; whether there is news. What is late or unknown is neither high nor low."""
        aged = state_as_of(state, now)
        if phase_of(aged.pm25) != "ok" or aged.pm25.level not in LEVELS:
            return False
        height, level = LEVELS.index(self._height.get(state.room, LEVELS[0])), LEVELS.index(aged.pm25.level)
        if level < LEVELS.index(FROM_LEVEL):
            if height:
                self._set_height(state.room, LEVELS[0])
            return False
        if level <= height or quiet.holds(local_time(now).time()) or not has_lessons(config, state.room, now):
            return False
        self._set_height(state.room, aged.pm25.level)
        return self._write(News(state.room, aged.pm25.level, aged.pm25.newest_at or now, aged.pm25.shown, full), now)

    def waiting(self, now: int) -> list[News]:
        """What has not been handed on yet, as long as it is of use."""
        rows = self._file.ask(
            "select room, level, at, shown, full from dust_told where done=0 and at>? order by at", now - USEFUL_MS
        )
        return [News(str(r), str(level), int(str(at)), str(shown), bool(full)) for r, level, at, shown, full in rows]

    def done(self, news: News) -> None:
        with self._file.change() as db:
            db.execute(
                "update dust_told set done=1 where room=? and level=? and at=?", (news.room, news.level, news.at)
            )

    def _write(self, news: News, now: int) -> bool:
        with self._file.change() as db:
            known = db.execute("select at from dust_told where room=? and level=?", (news.room, news.level)).fetchone()
            if known is not None and now - known[0] < AGAIN_MS:
                return False
            db.execute(
                "insert or replace into dust_told values(?,?,?,?,?,0)",
                (news.room, news.level, news.at, news.shown, int(news.full)),
            )
        return True

    def _set_height(self, room: str, level: str) -> None:
        self._height[room] = level
        with self._file.change() as db:
            db.execute("insert or replace into dust_height values(?,?)", (room, level))


def has_lessons(config: Config, room: str, now: int) -> bool:
    """Whether the day is a school day of the room, by its timetable or else by the school calendar."""
    today = local_time(now).date()
    if config.room(room).timetable:
        return config.timetable_of(room).school_day(today)
    return config.school_calendar().teaches(today, today.weekday() < DAYS.index("sat"))


def at_full(config: Config, room: str, known: Callable[[str], PurifierState | None], now: int) -> bool:
    """Whether each purifier of a room is confirmed on, at its fastest speed where it has several."""
    purifiers, states = dict(config.purifiers()), config.purifiers_in(room)
    for name in states:
        one, speeds = known(name), purifiers[name].speeds
        if one is None or now - one.at > SILENT_MS or one.on is not True or not one.confirmed:
            return False
        if speeds and one.speed != speeds[-1].name:
            return False
    return bool(states)
