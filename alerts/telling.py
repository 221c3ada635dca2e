"""Rooms' states to the broker, retained, and each change of what people see to the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from alerts.control.switchboard import Say
from alerts.ledger import Ledger
from classair.wire import RoomState, Topics

READING_MS = 500  # a room's state is worked out no more often for its readings …
BEHIND_MS = 2_000  # … and where they come late, which makes the past be worked out again
TICK_MS = 1_000  # a tick leaves out what a reading had worked out since the last one
REPEAT_MS = 30_000  # an unchanged state is said again this often


class StatesTold:
    """`state_of(room, now)` works a state out; `say` gives False while there is no connection."""

    def __init__(self, ledger: Ledger, say: Say, state_of: Callable[[str, int], RoomState]) -> None:
        self._ledger, self._say, self._state_of = ledger, say, state_of
        self._topics: Topics | None = None
        self._rank: dict[str, int] = {}
        self._published: dict[str, RoomState] = {}
        self._read_at: dict[str, int] = {}  # room → when its state was last worked out for a reading …
        self._missed: set[str] = set()  # … and rooms of which something has come since
        self._logged: dict[str, tuple[object, ...]] = {}

    def follow(self, topics: Topics, rooms: Iterable[str]) -> None:
        """`rooms` in the order in which they are told: yards before the rooms that look at them."""
        self._topics = topics
        self._rank = {name: rank for rank, name in enumerate(rooms)}
        self._published = {name: told for name, told in self._published.items() if name in self._rank}
        self._missed &= self._rank.keys()

    def forget(self) -> None:
        """The broker may have lost what was retained: everything is said again."""
        self._published.clear()

    def topic(self, room: str) -> str:
        assert self._topics is not None
        site, _, local = room.partition(".")
        return self._topics.room_now(site, local)

    def topics(self) -> set[str]:
        return {self.topic(name) for name in self._rank}

    def after_readings(self, rooms: Iterable[str], behind: Callable[[str], bool], now: int) -> None:
        """Rooms of which readings have come. One that was told for a reading just now waits for the next tick.

        `behind`: whether samples of a room came late, so that working it out takes a while.
        """
        due: list[str] = []
        for name in rooms:
            if 0 <= now - self._read_at.get(name, 0) < (BEHIND_MS if behind(name) else READING_MS):
                self._missed.add(name)
            else:
                self._read_at[name] = now
                due.append(name)
        self.now(due, now)

    def at_tick(self, rooms: Iterable[str], now: int) -> None:
        """Every room, but for those that were told for a reading just now and of which nothing has come since."""
        self.now(
            [name for name in rooms if name in self._missed or not 0 <= now - self._read_at.get(name, 0) < TICK_MS],
            now,
        )

    def missed(self, rooms: Iterable[str]) -> None:
        """Something of these has changed that the next tick must tell."""
        self._missed.update(rooms)

    def now(self, rooms: Iterable[str], now: int) -> None:
        """Says what is new of these rooms."""
        for name in sorted(rooms, key=self._rank.__getitem__):
            self._missed.discard(name)
            told, old = self._state_of(name, now), self._published.get(name)
            if old is not None and now - old.at < REPEAT_MS and _says_the_same(told, old):
                continue
            if self._say(self.topic(name), told.model_dump_json(), retain=True):
                self._published[name] = told
            self._write_down(told)

    def _write_down(self, told: RoomState) -> None:
        """A row for each change of what people see: told then, never changed."""
        seen = (
            told.pm25.status,
            told.pm25.level,
            told.pm25.shown,
            told.rule,
            told.co2.level,
            told.co2.shown,
            told.outdoor.shown,
            told.config_version,
        )
        if self._logged.get(told.room) == seen:
            return
        self._logged[told.room] = seen
        self._ledger.write(
            "insert into state_told(room, at, phase, level, shown, rule, co2_level, co2_shown, outdoor_shown, "
            "config_version, advice_version, simulated) values(?,?,?,?,?,?,?,?,?,?,?,?)",
            told.room,
            told.at,
            told.pm25.status,
            told.pm25.level,
            told.pm25.shown,
            told.rule,
            told.co2.level,
            told.co2.shown,
            told.outdoor.shown,
            told.config_version,
            told.advice_version,
            int(told.simulated),
        )


def _says_the_same(told: RoomState, old: RoomState) -> bool:
    """Whether nothing but the moment differs; a reading's own time, which nearly always does, is looked at first."""
    return told.pm25 == old.pm25 and told == old.model_copy(update={"at": told.at})
