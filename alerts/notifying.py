"""What people are notified of, from what alerts knows of this second: rules look, alerts live, the outbox tells.

In the three parts of a second (`begin`, each room, `end`), so that no reading waits for a town to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from alerts.air.rooms import RoomWatch
from alerts.control.managed import Matter
from alerts.control.occupancy import Occupancy
from alerts.ledger import Ledger
from alerts.ledger_schema import Notice
from alerts.lifecycle.board import AlertBoard, Outbox
from alerts.rules.evaluation import Evaluation
from alerts.rules.facts import PurifierMatter, RoomNow, World
from alerts.rules.kinds.person_off import OFF
from alerts.rules.kinds.purifier_fault import part_of
from alerts.upkeep import Upkeep
from classair.config import AboveRule, Config
from classair.places import Places
from classair.timetable import DAYS, Timetable, local_time
from classair.wire import PurifierCare, RoomState

_OF_PURIFIERS: Final = ("purifier_fault", "person_off")


@dataclass(frozen=True, slots=True)
class WhatIsKnown:
    """Who knows what there is beside the rooms."""

    bridges_offline: Callable[[], dict[str, int]]
    notices: Callable[[], list[Notice]]
    purifiers: Callable[[], list[PurifierMatter]]
    care: Callable[[str, int], PurifierCare | None]


class Notifying:
    """Not thread-safe; called from the loop only."""

    def __init__(self, ledger: Ledger, outbox: Outbox, known: WhatIsKnown, places: Places | None) -> None:
        self._ledger, self._known = ledger, known
        self.board = AlertBoard(ledger, outbox)
        self.upkeep = Upkeep(places)
        self._evaluation = Evaluation()
        self._listening_since: int | None = None
        self._away_since: int | None = None
        self._left: list[PurifierMatter] = []
        self._timetables: dict[str, Timetable] = {}
        self._school_days: dict[str, tuple[int, bool]] = {}  # room → day, whether it is a school day
        self._config: Config | None = None

    def follow(self, config: Config, now: int) -> None:
        """Works by this configuration. What was open about a device that was exchanged is closed unsaid."""
        self._config = config
        self._timetables = {name: config.timetable_of(name) for name, room in config.rooms() if room.timetable}
        self._school_days.clear()
        self.upkeep.only({name for name, _ in config.bridges()})
        self.board.follow(config, now)
        still = {(matter.purifier, "" if matter.what == OFF else part_of(matter)) for matter in self._known.purifiers()}
        self.board.forget(
            [
                alert.key
                for alert in self.board.open()
                if alert.kind in _OF_PURIFIERS and alert.holds and (alert.key.subject, alert.key.part) not in still
            ],
            now,
        )
        self._evaluation.follow(config)

    def slept(self, now: int) -> None:
        """We did not run for a while: who spoke meanwhile was not heard."""
        if self._listening_since is not None:
            self._listening_since = now

    def left(self, matter: Matter, now: int) -> None:
        """A purifier that is not configured any more was not brought to obey."""
        self._left.append(
            PurifierMatter(
                matter.purifier, matter.room, matter.what, now, matter.detail, matter.wanted, matter.tries, gone=True
            )
        )

    def clock_stepped(self, by_ms: int, now: int) -> None:
        self._listening_since = None if self._listening_since is None else now
        self._away_since = None if self._away_since is None else self._away_since + by_ms
        self._school_days.clear()
        self.board.clock_stepped(by_ms, now)
        self.upkeep.clock_stepped(by_ms, now)

    # -- one second ----------------------------------------------------------------------------------------------------

    def begin(self, connected: bool, now: int) -> None:
        if not connected:
            self._listening_since = None
            self._away_since = now if self._away_since is None else self._away_since
        else:
            self._away_since = None
            self._listening_since = now if self._listening_since is None else self._listening_since
        known, (left, self._left) = self._known, (self._left, [])
        self._evaluation.begin(
            World(
                now,
                listening_since=self._listening_since,
                away_since=self._away_since,
                bridges_offline=known.bridges_offline(),
                purifiers=[*known.purifiers(), *left],
                care=lambda purifier: known.care(purifier, now),
                troubles=self.upkeep.troubles(known.notices(), self._ledger.failing, now),
                unknown=self.upkeep.unknown(),
            ),
            self.board.open(),
        )

    def room(
        self, watch: RoomWatch, state: RoomState | None, who: Occupancy, at_full: Sequence[bool | None], now: int
    ) -> None:
        """`at_full`: of each of its purifiers, whether it runs at full speed."""
        self._evaluation.room(
            RoomNow(
                watch.room,
                outdoor=watch.is_outdoor,
                state=state,
                occupied=None if who.kind == "unknown" else who.children,
                school_day=self._is_school_day(watch.room, now),
                newest_valid_at=watch.newest_valid_at,
                began_at=watch.began_at,
                suspect_since=watch.suspect_since,
                heard=watch.heard,
                means=watch.means(now),
                hour_mean=watch.hour_mean(now) if watch.is_outdoor else None,
                pm10=watch.pm10(now),
                at_full=bool(at_full) and all(one is True for one in at_full),
            )
        )

    def end(self, now: int) -> None:
        self.board.see(self._evaluation.end(now), now)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _is_school_day(self, room: str, now: int) -> bool:
        """By the room's timetable, else by the school calendar on weekdays."""
        today = local_time(now).date()
        known = self._school_days.get(room)
        if known is not None and known[0] == today.toordinal():
            return known[1]
        timetable = self._timetables.get(room)
        if timetable is not None:
            found = timetable.school_day(today)
        else:
            assert self._config is not None
            found = self._config.school_calendar().teaches(today, today.weekday() < DAYS.index("sat"))
        self._school_days[room] = today.toordinal(), found
        return found


def wants_pm10(config: Config) -> bool:
    """Whether a rule looks at what no screen shows."""
    return any(isinstance(rule, AboveRule) and rule.quantity == "pm10" for rule in config.rules.values())
