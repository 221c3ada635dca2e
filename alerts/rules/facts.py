"""What rules look at: a room at one moment, and what is known beside the rooms. Plain values: rules are pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from classair.wire import PurifierCare, RoomState


@dataclass(frozen=True, slots=True)
class RoomNow:
    """One room. `state`: as it was told last, None before the first time.

    `occupied`: None where no timetable says whether children are there. `newest_valid_at`: of what the room is for.
    `heard`: sensor → its newest reading, whatever it was worth. `means`: the valid 15-minute mean of PM2.5 of each
    sensor, only where there are two or more. `hour_mean`: PM2.5 of the last hour, only outdoors. `at_full`: its
    purifiers are confirmed on at full speed. Moments are UTC ms.
    """

    room: str
    outdoor: bool = False
    state: RoomState | None = None
    occupied: bool | None = None
    school_day: bool = True
    newest_valid_at: int | None = None
    began_at: int = 0
    suspect_since: int | None = None
    heard: Mapping[str, int] = field(default_factory=dict)
    means: Mapping[str, float] = field(default_factory=dict)
    hour_mean: float | None = None
    pm10: float | None = None
    at_full: bool = False

    @property
    def site(self) -> str:
        return self.room.partition(".")[0]


@dataclass(frozen=True, slots=True)
class PurifierMatter:
    """What is wrong with a purifier, or that a person switched it off in dusty air. `gone`: it left the school so."""

    purifier: str
    room: str
    what: str
    since: int
    detail: str = ""
    wanted: bool = True
    tries: int = 0
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something of the system itself that is not well. `of`: as in a rule of kind system; `what`: which text tells it.

    `subject`: a service, a bridge, a disk. `once`: it is over already, and worth telling all the same. `details`: the
    detail by language, where it is a text.
    """

    of: Literal["disk", "backup", "service", "store", "broker", "clock", "quota"]
    what: str
    subject: str
    since: int
    detail: str = ""
    once: bool = False
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """What is known beside the rooms, at `now`.

    `listening_since`: since when we hear the broker without a break, None while we do not. Before it nobody's silence
    counts: whoever spoke was not heard. `away_since`: since when the broker is away. `bridges_offline`: bridge → since
    when by its own last will. `care`: of one purifier, None while nothing is known. `rooms`: every room that has been
    looked at in this second. `unknown`: troubles of which nobody knows yet whether they are there.
    """

    now: int
    rooms: Mapping[str, RoomNow] = field(default_factory=dict)
    listening_since: int | None = None
    away_since: int | None = None
    bridges_offline: Mapping[str, int] = field(default_factory=dict)
    purifiers: Sequence[PurifierMatter] = ()
    care: Callable[[str], PurifierCare | None] = lambda name: None
    troubles: Sequence[Trouble] = ()
    unknown: Collection[str] = ()
